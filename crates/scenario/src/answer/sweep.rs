//! The answer of `sweep`: the best plan of every rack, quantisation and batch.

use super::size::{Bounds, LinkLoad, Memory};
use schemars::JsonSchema;
use serde::Serialize;

/// Best plans.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SweepAnswer {
    /// `inference` or `training`.
    pub mode: String,
    /// Racks over which plans were laid out.
    pub racks: u64,
    /// One row for each hardware, quantisation and batch that has an admissible plan, in that order.
    pub rows: Vec<SweepRow>,
    /// Plans laid out, admissible or not.
    pub plans_considered: u64,
}

/// The best plan of one hardware, quantisation and batch.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SweepRow {
    /// Catalog id, or the founding preset's name.
    pub hardware: String,
    /// Number format of the weights.
    pub quant: String,
    /// Sequences of one instance.
    pub batch: u64,
    /// Tensor parallelism.
    pub tp: u32,
    /// Pipeline parallelism.
    pub pp: u32,
    /// Expert parallelism.
    pub ep: u32,
    /// `tp · pp · ep`.
    pub gpus_per_instance: u64,
    /// Instances that fit.
    pub instances: u64,
    /// One instance.
    pub instance_tokens_per_s: f64,
    /// All instances.
    pub total_tokens_per_s: f64,
    /// Total over the GPUs that carry instances.
    pub tokens_per_s_per_gpu: f64,
    /// What binds: `compute`, `hbm` or `comm`.
    pub limit: String,
    /// The three ceilings.
    pub bounds: Bounds,
    /// Each link level.
    pub links: Vec<LinkLoad>,
    /// HBM of one GPU.
    pub memory: Memory,
    /// Training steps a second of one instance.
    pub instance_steps_per_s: Option<f64>,
    /// Training steps a second of all instances.
    pub total_steps_per_s: Option<f64>,
    /// Training samples a second of all instances.
    pub total_samples_per_s: Option<f64>,
}

/// A plan that serves within its targets, sized for the load: a row of `sweep --method operators`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PlanRow {
    /// Number of the set-up: machine, number format, framework, drafted tokens.
    pub setup: u64,
    /// Catalog id.
    pub hardware: String,
    /// Number format of the weights.
    pub quant: String,
    /// Serving framework.
    pub backend: String,
    /// Tokens drafted for each sequence and step.
    pub draft_tokens: u32,
    /// `aggregated` or `disaggregated`.
    pub mode: String,
    /// Tensor parallelism; of workers that generate where prompts have their own, as the next three are.
    pub tp: u32,
    /// Pipeline parallelism.
    pub pp: u32,
    /// Expert parallelism.
    pub ep: u32,
    /// Attention data parallelism.
    pub dp: u32,
    /// Workers for prompts in a unit; 0 where there are none.
    pub prefill_workers: u32,
    /// Workers that generate in a unit; 0 where workers do both.
    pub decode_workers: u32,
    /// Tensor parallelism of workers for prompts.
    pub prefill_tp: u32,
    /// Their pipeline parallelism.
    pub prefill_pp: u32,
    /// Their expert parallelism.
    pub prefill_ep: u32,
    /// Their attention data parallelism.
    pub prefill_dp: u32,
    /// Where users who think keep their caches.
    pub kv_policy: String,
    /// GPUs of an instance, or of a unit.
    pub gpus_per_instance: u32,
    /// Requests that generate on one at most.
    pub batch: f64,
    /// What keeps it from taking more.
    pub limit: String,
    /// Users, or requests a second, that one takes at most.
    pub taken_per_instance: f64,
    /// Output tokens a second at most, of a GPU.
    pub tokens_per_s_per_gpu: f64,
    /// Output tokens a second of a user.
    pub tokens_per_s_per_user: f64,
    /// Time to first token of the percentile asked for.
    pub ttft_s: f64,
    /// Time per output token of it.
    pub tpot_s: f64,
    /// Time to the last token of it.
    pub e2e_s: f64,
    /// Instances for the load.
    pub instances: u64,
    /// Their GPUs.
    pub gpus_active: u64,
    /// GPUs in the racks.
    pub gpus_provisioned: u64,
    /// Racks.
    pub racks: u64,
    /// At the meter, where known.
    pub power_w: Option<f64>,
    /// To own, where known.
    pub usd_per_hour: Option<f64>,
    /// Whether no other plan of the set-up is as good in throughput of a GPU, speed of a user, time to first token, cost and
    /// power, and better in one.
    pub pareto: bool,
}
