//! The answer of `size` where racks of several kinds are there: who serves how much on which of them.

use super::Hardware;
use schemars::JsonSchema;
use serde::Serialize;

/// What each kind of rack serves, and what the fleet takes together.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MixAnswer {
    /// Whether the racks serve the whole load within the targets.
    pub feasible: bool,
    /// The load.
    pub load: MixLoad,
    /// What the fleet has least of: `gpus`, `cost` or `power`.
    pub objective: String,
    /// What all racks used may draw and cost together, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<MixLimits>,
    /// Every kind of rack that is there, in the order in which they were named.
    pub kinds: Vec<MixKind>,
    /// The kinds together.
    pub total: MixTotal,
    /// What is not served, where the racks do not suffice.
    pub shortfall: Option<MixShortfall>,
}

/// What all racks used may draw and cost together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MixLimits {
    /// At the meter.
    pub power_w: Option<f64>,
    /// To own.
    pub usd_per_hour: Option<f64>,
}

/// Who asks, in the busiest hour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MixLoad {
    /// Users who are on; nothing where requests arrive whoever sends them.
    pub users: Option<u64>,
    /// Requests a second of what is served.
    pub requests_per_s: f64,
}

/// One kind of rack.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MixKind {
    /// The rack.
    pub hardware: Hardware,
    /// Racks that are there.
    pub stock: u64,
    /// Racks that are used.
    pub racks: u64,
    /// Share of the load that they serve.
    pub share: f64,
    /// Users or requests a second that all racks of the kind serve within the targets, spares and headroom aside.
    pub most: f64,
    /// How the model runs on them; nothing where none is used.
    pub deployment: Option<MixDeployment>,
    /// Why no rack of the kind serves anybody, where none could.
    pub reason: Option<String>,
}

/// How the model runs on one kind of rack.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MixDeployment {
    /// Users served; nothing where requests arrive whoever sends them.
    pub users: Option<u64>,
    /// Requests a second.
    pub requests_per_s: f64,
    /// Number format of the weights.
    pub quant: String,
    /// Whose scheduler and kernels.
    pub backend: String,
    /// `TP8`, `TP2 x DP4 x EP8`.
    pub layout: String,
    /// Replicas that serve.
    pub replicas: u64,
    /// Accelerators of one.
    pub gpus_per_replica: u64,
    /// Replicas kept spare.
    pub spares: u64,
    /// Accelerators of the replicas that serve.
    pub gpus_active: u64,
    /// Accelerators of the racks used.
    pub gpus_provisioned: u64,
    /// Time to first token at the percentile asked for.
    pub ttft_s: f64,
    /// Time per output token at the percentile asked for.
    pub tpot_s: f64,
    /// Power of the racks used, where it is known.
    pub power_w: Option<f64>,
    /// What they cost to own, where it is known.
    pub usd_per_hour: Option<f64>,
}

/// The kinds together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MixTotal {
    /// Racks used.
    pub racks: u64,
    /// Accelerators that serve.
    pub gpus_active: u64,
    /// Accelerators of the racks used.
    pub gpus_provisioned: u64,
    /// Power of the racks used, where that of every kind is known.
    pub power_w: Option<f64>,
    /// What they cost to own, where that of every kind is known.
    pub usd_per_hour: Option<f64>,
}

/// What is not served.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MixShortfall {
    /// Users too many; nothing where requests arrive whoever sends them.
    pub users: Option<u64>,
    /// Share of the load.
    pub share: f64,
}
