//! The answer of `size` where racks of several kinds are there: who serves how much on which of them.

use super::{Difficulty, Hardware, SizedClass};
use schemars::JsonSchema;
use serde::Serialize;

/// What each kind of rack serves, and what the fleet takes together.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MixAnswer {
    /// Whether the racks serve the whole load within the targets.
    pub feasible: bool,
    /// The load.
    pub load: MixLoad,
    /// What becomes of each class of requests, where they are told apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<MixClass>,
    /// What the fleet has least of: `gpus`, `cost` or `power`.
    pub objective: String,
    /// What all racks used may draw and cost together, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<MixLimits>,
    /// Every kind of rack that is there, in the order in which they were named; a kind whose racks serve several classes,
    /// each alone, once for each of them.
    pub kinds: Vec<MixKind>,
    /// The kinds together.
    pub total: MixTotal,
    /// What is not served, where the racks do not suffice.
    pub shortfall: Option<MixShortfall>,
    /// What it would take if no racks served one class alone, where some do; nothing where the racks would not suffice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undivided: Option<MixUndivided>,
    /// What is in the way and what would help, where the racks do not suffice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difficulty: Option<Difficulty>,
}

/// Racks that all serve all classes as they come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MixUndivided {
    /// Racks used.
    pub racks: u64,
    /// Their accelerators.
    pub gpus_provisioned: u64,
    /// Their power, where that of every kind is known.
    pub power_w: Option<f64>,
    /// What they cost to own, where that of every kind is known.
    pub usd_per_hour: Option<f64>,
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

/// A class of requests.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MixClass {
    /// Its name.
    pub name: String,
    /// Its part of the users, or of the requests a second.
    pub share: f64,
    /// Its users, or its requests a second.
    pub load: f64,
    /// The part of them that is served within its targets.
    pub served: f64,
    /// The racks that serve it, and which part of it.
    pub on: Vec<MixPart>,
}

/// A part of a class of requests.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MixPart {
    /// Whose part, or the class.
    pub name: String,
    /// The part of the class.
    pub part: f64,
}

/// Racks of one kind that serve the same.
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
    /// The class that they serve and no other, and which part of it; nothing where they serve all requests as they come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<MixPart>,
    /// Users or requests a second that all racks of the kind serve within the targets, of that class if of one alone, spares
    /// and headroom aside.
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
    /// What each class sees of those that they serve, where they are told apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<SizedClass>,
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
