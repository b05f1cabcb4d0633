//! Constants of composed steps that no measurement of a single operator shows: written by `rackplan calibrate
//! fit-steps`, never by hand.

use crate::engine::HeldOut;
use crate::{Backend, Basis, Fault, Kind, Provenance, Record};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was found from whole serving results, and what it would be without part of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// What they are for.
    pub name: String,
    /// Other names that find it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// What was fitted, and to what.
    pub source: String,
    /// How it is known.
    pub basis: Basis,
    /// What else to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Source and basis of constants that a user replaced.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other_sources: BTreeMap<String, Provenance>,
    /// Serving results that the fit used.
    pub rows: u64,
    /// The constants.
    pub constants: StepConstants,
    /// What they would be without the rows of one model, one source, one accelerator.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub without: BTreeMap<String, StepConstants>,
    /// Errors on the rows of each that was left out, with the constants that the others gave.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, HeldOut>,
}

/// Constants of composed steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepConstants {
    /// Standard deviation of the time at which ranks reach a collective, in microseconds. A benchmark's loop keeps ranks
    /// in step; between two collectives of a layer other kernels let them drift apart.
    pub drift_us: f64,
    /// Chance that a drafted token is accepted where prompts are random text.
    pub accepted_on_random: f64,
    /// How uneven experts are met: popularity x of an expert has a density proportional to x^-skew.
    pub skew: f64,
    /// What the host adds to a step for each of its sequences.
    pub host_us: HostPerSequence,
}

/// Time that a framework's host adds to a step for each sequence in it, in microseconds: choosing it, taking its token,
/// passing it on. What runs beside the accelerator is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostPerSequence {
    /// SGLang's.
    pub sglang: f64,
    /// TensorRT-LLM's.
    pub trtllm: f64,
    /// vLLM's.
    pub vllm: f64,
}

impl HostPerSequence {
    /// A framework's.
    pub fn of(&self, backend: Backend) -> f64 {
        match backend {
            Backend::Sglang => self.sglang,
            Backend::Trtllm => self.trtllm,
            Backend::Vllm => self.vllm,
        }
    }
}

impl Record for Steps {
    const KIND: Kind = Kind::Steps;

    fn check(&self) -> Result<(), Fault> {
        let StepConstants { drift_us, accepted_on_random, skew, host_us } = self.constants;
        let hint = "as `rackplan calibrate fit-steps` writes it";
        if !(drift_us.is_finite() && drift_us >= 0.0) {
            let problem = format!("it is `{drift_us}`, which is no time in microseconds");
            return Err(Fault::new("constants.drift_us", problem).hint(hint));
        }
        if let Some(backend) =
            Backend::ALL.into_iter().find(|backend| !(0.0..1e6).contains(&host_us.of(*backend)))
        {
            let problem = format!("it is `{}`, which is no time in microseconds", host_us.of(backend));
            return Err(Fault::new(format!("constants.host_us.{}", backend.name()), problem).hint(hint));
        }
        if !(0.0..=1.0).contains(&accepted_on_random) {
            let problem = format!("it is `{accepted_on_random}`, which is no chance");
            return Err(Fault::new("constants.accepted_on_random", problem).hint(hint));
        }
        if !(0.0..2.0).contains(&skew) {
            let problem = format!("it is `{skew}`, which is no exponent from 0 to 2");
            return Err(Fault::new("constants.skew", problem).hint(hint));
        }
        Ok(())
    }
}
