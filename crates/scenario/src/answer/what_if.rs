//! The same question with one thing changed: what stood, the same plan with the change, and the best plan with it.

use schemars::JsonSchema;
use serde::Serialize;

/// A change, and three answers side by side.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WhatIf {
    /// What is changed, as it was written: `--link all=400gbe`.
    pub changes: Vec<String>,
    /// Without the change; the plan of before with it; the best plan with it.
    pub cases: Vec<WhatIfCase>,
}

/// One of the answers.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WhatIfCase {
    /// `as built`, `same plan` or `best plan`.
    pub case: String,
    /// What is decided, where anything serves.
    pub decision: Option<Decision>,
    /// What is in the way, where nothing does.
    pub binding: Option<String>,
}

/// What an answer decides, in a row of numbers.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Decision {
    /// `gb200_nvl72`.
    pub hardware: String,
    /// Number format of the weights.
    pub quant: String,
    /// `TP4 x EP4`, sizes of 1 left out.
    pub layout: String,
    /// Racks.
    pub racks: u64,
    /// GPUs of the instances needed.
    pub gpus_active: u64,
    /// GPUs in the racks.
    pub gpus_provisioned: u64,
    /// GPUs of the instances before they are rounded up to whole ones; by operators only.
    pub gpus_unrounded: Option<f64>,
    /// Of the instances at most, over their GPUs.
    pub tokens_per_s_per_gpu: f64,
    /// Time to first token at the percentile asked for.
    pub ttft_s: Option<f64>,
    /// Time per output token at the percentile asked for.
    pub tpot_s: Option<f64>,
    /// Share of a decode step that waits for communication.
    pub communication_share: Option<f64>,
    /// At the meter.
    pub power_w: Option<f64>,
    /// Of everything provisioned.
    pub usd_per_hour: Option<f64>,
}
