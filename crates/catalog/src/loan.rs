//! What kernels of one family of accelerators reach on another that has none of its own measured: written by
//! `rackplan calibrate fit-loans`, never by hand.

use crate::engine::HeldOut;
use crate::gpu::Architecture;
use crate::{Basis, Fault, Kind, Provenance, Record};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A family of accelerators, and what the kernels that it borrows reach there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Loan {
    /// What it is.
    pub name: String,
    /// Other names that find it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The family without measurements of operators.
    pub architecture: Architecture,
    /// What was fitted, and to what.
    pub source: String,
    /// How it is known.
    pub basis: Basis,
    /// What else to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Source and basis of factors that a user replaced.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other_sources: BTreeMap<String, Provenance>,
    /// Serving results that the fit used.
    pub rows: u64,
    /// The factors.
    pub factors: LoanFactors,
    /// What they would be without the rows of one model, one source, one accelerator.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub without: BTreeMap<String, LoanFactors>,
    /// Errors on the rows of each that was left out, with the factors that the others gave.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, HeldOut>,
}

/// Factors on what the constants of the nearest measured family say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoanFactors {
    /// On the peak arithmetic of every format.
    pub compute: f64,
    /// On the memory bandwidth.
    pub memory: f64,
    /// On microseconds: launches, barriers, chains of small steps.
    pub launch: f64,
}

impl LoanFactors {
    /// As the lender's own.
    pub const NONE: Self = Self { compute: 1.0, memory: 1.0, launch: 1.0 };
}

impl Record for Loan {
    const KIND: Kind = Kind::Loans;

    fn check(&self) -> Result<(), Fault> {
        let LoanFactors { compute, memory, launch } = self.factors;
        for (field, value) in [("compute", compute), ("memory", memory), ("launch", launch)] {
            if !(value.is_finite() && value > 0.0) {
                let hint = "a factor above 0, as `rackplan calibrate fit-loans` writes it";
                return Err(Fault::new(format!("factors.{field}"), format!("it is `{value}`")).hint(hint));
            }
        }
        Ok(())
    }
}
