//! The answer of `offload`: what KV beyond HBM costs, over context lengths and KV systems.

use super::size::Plan;
use schemars::JsonSchema;
use serde::Serialize;

/// What offload costs.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct OffloadAnswer {
    /// Model by name.
    pub model: String,
    /// Number format of the weights.
    pub quant: String,
    /// The layout that holds the batch.
    pub plan: Plan,
    /// KV bytes of one token, on all GPUs of an instance.
    pub kv_bytes_per_token: f64,
    /// KV bytes of one token on one GPU.
    pub kv_bytes_per_token_per_gpu: f64,
    /// HBM for KV on one GPU.
    pub kv_available_bytes: f64,
    /// The KV systems side by side.
    pub systems: Vec<KvSystemColumn>,
    /// One row for each context length and KV system, in that order.
    pub rows: Vec<OffloadRow>,
    /// Random swaps between two models, where asked for.
    pub swaps: Vec<SwapAnswer>,
}

/// A KV system.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct KvSystemColumn {
    /// Catalog id.
    pub id: String,
    /// Full name.
    pub name: String,
    /// Host memory for each GPU.
    pub capacity_bytes: f64,
    /// From GPU memory to host memory and back.
    pub gpu_dram_bytes_per_s: f64,
    /// Between GPU and CPU.
    pub gpu_cpu_bytes_per_s: f64,
    /// Between CPU and its memory.
    pub cpu_dram_bytes_per_s: f64,
}

/// One context length on one KV system; rates and bytes of one GPU.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct OffloadRow {
    /// KV system.
    pub system: String,
    /// Context of one sequence.
    pub context_tokens: u64,
    /// Cached tokens of the batch.
    pub tokens_cached: u64,
    /// Of these, in HBM.
    pub tokens_on_gpu: f64,
    /// Of these, offloaded.
    pub tokens_offloaded: f64,
    /// Offloaded over cached.
    pub offload_fraction: f64,
    /// Whether the batch fits without offload.
    pub fits: bool,
    /// Speed of one GPU.
    pub tokens_per_s_per_gpu: f64,
    /// New KV written out.
    pub evict_bytes_per_s: f64,
    /// Read when the offloaded slice is streamed at every step.
    pub worst_read_bytes_per_s: f64,
    /// Read when the offloaded slice is brought back once a generation.
    pub amortized_read_bytes_per_s: f64,
    /// Written and read, at worst.
    pub worst_total_bytes_per_s: f64,
    /// Written and read, amortised.
    pub amortized_total_bytes_per_s: f64,
    /// Share of the host memory that the offloaded slice takes.
    pub tier_utilization: f64,
    /// Delay over each path.
    pub delays: Vec<Delay>,
}

/// Delay of bringing the offloaded slice over one path.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Delay {
    /// `gpu_dram`, `gpu_cpu` or `cpu_dram`.
    pub path: String,
    /// Once a generation.
    pub amortized_s: f64,
    /// The same over the time of the generation.
    pub amortized_share: f64,
    /// At every step.
    pub worst_s: f64,
    /// The same over the time of the generation.
    pub worst_share: f64,
}

/// Random swaps between two models on one KV system.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SwapAnswer {
    /// KV system.
    pub system: String,
    /// The two models.
    pub models: Vec<String>,
    /// Context of the arriving users.
    pub context_tokens: u64,
    /// Arrivals of the seeded run.
    pub steps: u64,
    /// Seed of the run.
    pub seed: u64,
    /// Added delay over each path.
    pub paths: Vec<SwapPath>,
}

/// Added delay of an arrival over one path.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SwapPath {
    /// `gpu_dram`, `gpu_cpu` or `cpu_dram`.
    pub path: String,
    /// Mean, exactly.
    pub mean_s: f64,
    /// 95th percentile, exactly.
    pub p95_s: f64,
    /// Mean of the seeded run.
    pub run_mean_s: f64,
    /// 95th percentile of the seeded run.
    pub run_p95_s: f64,
}
