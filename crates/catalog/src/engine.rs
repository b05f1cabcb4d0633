//! Fitted constants of a serving framework's kernels on a family of accelerators.
//!
//! These files are written by `rackplan calibrate fit-ops` and never by hand.

use crate::gpu::Architecture;
use crate::{Basis, Fault, Kind, Provenance, Record};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The kernels of one backend on one architecture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// What it is.
    pub name: String,
    /// Other names that find it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Serving framework or library: `trtllm`, `vllm`, `sglang`, `nccl`.
    pub backend: String,
    /// The family of accelerators.
    pub architecture: Architecture,
    /// What was fitted, and to what.
    pub source: String,
    /// How the constants are known.
    pub basis: Basis,
    /// What else to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Source and basis of constants that a user replaced.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other_sources: BTreeMap<String, Provenance>,
    /// By operator (`gemm`) and group of rows that share constants (`fp8`).
    pub operators: BTreeMap<String, BTreeMap<String, FittedOperator>>,
}

/// The constants of one group, and how well they do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FittedOperator {
    /// By name; `rackplan_perf` says what each means.
    pub constants: BTreeMap<String, f64>,
    /// Accelerators whose rows were used.
    pub gpus: Vec<String>,
    /// Rows that the fit used.
    pub rows: u64,
    /// Errors on rows kept back from the fit.
    pub held_out: HeldOut,
    /// Measured over predicted on rows kept back.
    pub residuals: Quantiles,
    /// Measured over predicted with the constants of the nearest other architecture, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub across: Option<Quantiles>,
}

/// Errors of predictions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// Rows.
    pub rows: u64,
    /// Median of |predicted / measured - 1|.
    pub median: f64,
    /// 90th percentile of the same.
    pub p90: f64,
    /// Median of predicted / measured - 1.
    pub bias: f64,
}

/// A band.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quantiles {
    /// One in ten is below.
    pub p10: f64,
    /// The middle.
    pub p50: f64,
    /// One in ten is above.
    pub p90: f64,
}

impl Record for Engine {
    const KIND: Kind = Kind::Engines;

    fn check(&self) -> Result<(), Fault> {
        for (operator, groups) in &self.operators {
            for (group, fitted) in groups {
                let wrong = fitted.constants.iter().find(|(_, value)| !value.is_finite() || **value < 0.0);
                if let Some((name, value)) = wrong {
                    let field = format!("operators.{operator}.{group}.constants.{name}");
                    let hint = "constants are written by `rackplan calibrate fit-ops`";
                    return Err(Fault::new(field, format!("it is `{value}`")).hint(hint));
                }
            }
        }
        Ok(())
    }
}
