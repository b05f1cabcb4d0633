//! What only a simulation asks: how the engine is launched, how many replicas stand behind which router, how to play.

use crate::value::{Count, List, Number, Switch};
use rackplan_units::Seconds;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How each replica's engine is launched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EngineSettings {
    /// Tokens that a step computes at most.
    pub chunk_tokens: Option<Count>,
    /// Sequences that an attention group runs at once.
    pub max_batch: Option<Count>,
    /// Blocks of the KV cache of an attention group.
    pub kv_blocks: Option<Count>,
    /// Whether caches are dropped with their requests.
    pub no_prefix_cache: Option<Switch>,
    /// Most tokens of a prompt and its answer together.
    pub max_model_len: Option<Count>,
    /// What caches let go first.
    pub eviction: Option<String>,
    /// Folder with tables of operators, in place of the performance model.
    pub op_tables: Option<String>,
}

/// Replicas, who sends requests to which, what comes and goes and breaks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FleetSettings {
    /// Replicas; of a disaggregated fleet those that compute prompts.
    pub replicas: Option<Count>,
    /// Replicas that generate, where others compute prompts.
    pub decode_replicas: Option<Count>,
    /// Who gets a request.
    pub router: Option<String>,
    /// How old the router's picture of the replicas may be.
    pub signal_age: Option<Seconds>,
    /// Fewest and most replicas, `1..8`.
    pub autoscale: Option<String>,
    /// Requests that a replica should have, for autoscaling.
    pub target_requests: Option<Number>,
    /// From the decision until a new replica serves.
    pub start_up: Option<Seconds>,
    /// Mean time between failures of a part, `gpu=50000h`.
    pub mtbf: Option<List<String>>,
    /// Mean time to repair, `4h` or `gpu=4h`.
    pub mttr: Option<List<String>>,
}

/// How to play.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SimulationSettings {
    /// Runs with seeds of their own, for intervals of confidence.
    pub seeds: Option<Count>,
    /// Requests sent before this are played and not counted.
    pub warmup: Option<Seconds>,
    /// Whether the highest load within the targets is sought.
    pub capacity: Option<Switch>,
    /// Whether every step is played by itself.
    pub no_skip_ahead: Option<Switch>,
    /// How often the time series has a point.
    pub sample_every: Option<Seconds>,
}
