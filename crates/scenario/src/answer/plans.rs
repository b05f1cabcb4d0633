//! The plans beside the chosen one: how each would do, and the frontier of speed against throughput.

use super::replay::Replay;
use schemars::JsonSchema;
use serde::Serialize;

/// A plan on the chosen hardware, at the most that it takes within the targets.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RankedPlan {
    /// `TP4 x EP4`, sizes of 1 left out.
    pub layout: String,
    /// GPUs of one instance.
    pub gpus_per_instance: u64,
    /// Users, or requests a second, that one instance takes at most.
    pub taken_per_instance: f64,
    /// GPUs of the instances needed.
    pub gpus_active: u64,
    /// Racks.
    pub racks: u64,
    /// What keeps an instance from taking more.
    pub limit: String,
    /// Of an instance at its most, over its GPUs.
    pub tokens_per_s_per_gpu: f64,
    /// Time to first token there, at the percentile asked for.
    pub ttft_s: f64,
    /// Time per output token there, at the percentile asked for.
    pub tpot_s: f64,
    /// An instance at its most, played request by request, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
}

/// A plan of any set-up that no other beats in all of throughput of a GPU, speed of a user, time to first token, and cost
/// and power of the racks that the load takes; each as far as it is known.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ParetoPlan {
    /// Catalog id.
    pub hardware: String,
    /// Number format of the weights.
    pub quant: String,
    /// Number format of the KV cache.
    pub kv_dtype: String,
    /// Serving framework.
    pub backend: String,
    /// Tokens drafted for each sequence and step.
    pub draft_tokens: u32,
    /// `TP4 x EP4`, sizes of 1 left out.
    pub layout: String,
    /// Where users who think keep their caches.
    pub kv_policy: String,
    /// Output tokens a second at most, of a GPU.
    pub tokens_per_s_per_gpu: f64,
    /// Output tokens a second of a user there, on average.
    pub tokens_per_s_per_user: f64,
    /// Time to first token there, at the percentile asked for.
    pub ttft_s: f64,
    /// GPUs of the instances that the load takes.
    pub gpus_active: u64,
    /// Racks that it takes.
    pub racks: u64,
    /// What they draw at the meter, where known.
    pub power_w: Option<f64>,
    /// What they cost to own, where known.
    pub usd_per_hour: Option<f64>,
}

/// A plan at a load, on the frontier of tokens a second of a user against those of a GPU.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FrontierPoint {
    /// `TP4 x EP4`, sizes of 1 left out.
    pub layout: String,
    /// Requests that generate at once on one instance.
    pub batch: u64,
    /// One over the mean time per output token.
    pub tokens_per_s_per_user: f64,
    /// Of the instance over its GPUs.
    pub tokens_per_s_per_gpu: f64,
    /// Mean time to first token.
    pub ttft_s: f64,
    /// Whether means are within both targets.
    pub within_targets: bool,
}

/// A plan that does not serve, or not within the racks, and by how much it misses.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct NearMiss {
    /// `TP4 x EP4`, sizes of 1 left out.
    pub layout: String,
    /// What it misses: `ttft 2.3 s of 2 s`.
    pub misses: String,
    /// By what part of the limit.
    pub by: f64,
}
