//! The question as a typed value: what the keys of a scenario file and the flags mean.

mod classes;
mod simulated;

pub use classes::ClassSettings;
pub(crate) use classes::{Class, classes, no_classes};
pub use simulated::{EngineSettings, FleetSettings, SimulationSettings};

use crate::QuestionError;
use crate::inputs::{Notes, check_range};
use crate::layers::Layers;
use crate::lengths::Length;
use crate::value::{Count, List, Number, Switch, Written, schema_of};
use rackplan_catalog::Framework;
use rackplan_perf::Deployment;
use rackplan_units::{DollarsPerSecond, Seconds, Watts};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What a plan is wanted for. Absent values are assumed later, and the answer says what was assumed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Question {
    /// Hugging Face id, catalog name, path of a `config.json`, or a founding shortcut `1`, `2`, `3`.
    pub model: Option<Text>,
    /// Number formats of the weights.
    pub quant: Option<List<Text>>,
    /// Number format of the KV cache.
    pub kv_dtype: Option<String>,
    /// Serving framework.
    pub backend: Option<String>,
    /// Drafted tokens, `mtp:2`.
    pub speculative: Option<String>,
    /// Copies of popular experts of a layer, where tokens are sent to experts on other ranks.
    pub redundant_experts: Option<Count>,
    /// Racks, servers or accelerators to plan on.
    pub hardware: Option<List<String>>,
    /// Tier for the caches of users who think: `host`, `nvme`, `remote`, `none` or `auto`; several of a simulation.
    pub kv_tier: Option<String>,
    /// Share of those caches that stays in HBM.
    pub hbm_residency: Option<Number>,
    /// KV systems for what HBM cannot hold.
    pub kv_system: Option<List<String>>,
    /// Links that replace those of the rack, `inter_rack=400gbe`.
    pub links: Option<List<String>>,
    /// Bandwidth below a level over what it carries onwards, `inter_rack=3`.
    pub oversubscription: Option<List<String>>,
    /// Seed of every random path.
    pub seed: Option<Count>,
    /// Who uses it.
    pub workload: Workload,
    /// What they expect.
    pub targets: Targets,
    /// Kinds of requests that differ from one another, by name.
    pub classes: BTreeMap<String, ClassSettings>,
    /// What may be bought.
    pub limits: Limits,
    /// How plans are sought.
    pub search: Search,
    /// Random swaps between two models.
    pub swaps: Swaps,
    /// How a simulated engine is launched.
    pub engine: EngineSettings,
    /// The replicas of a simulation.
    pub fleet: FleetSettings,
    /// How a simulation is played.
    pub simulation: SimulationSettings,
}

/// Most copies of experts of a layer.
const MOST_COPIES: u64 = 4096;

impl Question {
    /// Copies of popular experts that are asked for, or that the framework is launched with.
    pub(crate) fn redundant_experts(&self, framework: &Framework) -> u32 {
        let asked = self.redundant_experts.map(|Count(copies)| copies.min(MOST_COPIES) as u32);
        asked.unwrap_or(framework.execution.redundant_experts)
    }

    /// Whether so many may be asked for.
    pub(crate) fn check_copies(&self, layers: &Layers) -> Result<(), QuestionError> {
        let Some(Count(copies)) = self.redundant_experts else { return Ok(()) };
        check_range(layers, "redundant_experts", copies, 0, MOST_COPIES)
    }

    /// Says how many a deployment has, where that is not what was asked for: ranks hold whole ones.
    pub(crate) fn note_copies(&self, deployment: &Deployment, notes: &mut Notes) {
        let copies = deployment.most_copies() as u64;
        match self.redundant_experts {
            None if copies > 0 => {
                let why = "copies of popular experts balance the load where tokens are sent to them";
                notes.assume("redundant_experts", copies, why);
            }
            Some(Count(asked)) if asked > 0 && copies == 0 => notes.warn(format!(
                "no room for {asked} redundant experts: copies need ranks of several servers to which tokens are sent, and whole \
                 experts on each"
            )),
            Some(Count(asked)) if asked != copies => {
                notes.warn(format!("{copies} redundant experts, not {asked}: each rank holds as many whole ones"));
            }
            _ => {}
        }
    }
}

/// A name that a file may also write as a number: model `1`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text(pub String);

schema_of!("Text", Text, { "description": "A name, which may be a number.", "type": ["string", "number"] });

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written("a name, e.g. `Qwen/Qwen3-235B-A22B`")).map(Text)
    }
}

/// Who uses it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Workload {
    /// People who are on at the same time.
    pub users: Option<Count>,
    /// New users a minute, a Poisson stream.
    pub arrival_rate: Option<Number>,
    /// Mean session, in minutes.
    pub avg_session_min: Option<Number>,
    /// Window of the seeded arrival path, in minutes.
    pub arrival_window_min: Option<Count>,
    /// Requests a second, whoever sends them.
    pub rate: Option<Number>,
    /// Clients that each send their next request when the last is answered.
    pub concurrency: Option<Count>,
    /// Mean time between an answer and the user's next request.
    pub think_time: Option<Seconds>,
    /// The busiest hour over the mean of the day, where the load given is that mean.
    pub peak_factor: Option<Number>,
    /// Load of each hour of the day, relative to one another.
    pub day_profile: Option<List<Number>>,
    /// Prompt tokens of a request.
    pub isl: Option<Length>,
    /// Tokens of an answer.
    pub osl: Option<Length>,
    /// Share of a prompt that other requests have computed already.
    pub prefix_hit: Option<Number>,
    /// KV tokens kept per user.
    pub context: Option<Count>,
    /// Context lengths to tabulate.
    pub contexts: Option<List<Count>>,
    /// File of requests to play.
    pub trace: Option<String>,
    /// How often the trace is played, one after the other.
    pub repeat: Option<Count>,
    /// Factor on the rate at which the trace's requests come.
    pub rate_scale: Option<Number>,
    /// Whether a broken line of the trace ends the run.
    pub strict: Option<Switch>,
    /// Turns of a conversation, each with all before it as its prompt's beginning.
    pub turns: Option<Count>,
    /// Calls of tools between turns, `share=0.5,calls=3,time=2s,tokens=800`.
    pub tools: Option<List<String>>,
    /// Requests to send.
    pub requests: Option<Count>,
    /// For how long requests are sent.
    pub duration: Option<Seconds>,
}

/// What the users expect.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Targets {
    /// Tokens a second that each user is promised.
    pub tokens_per_user_rate: Option<Number>,
    /// Time to first token.
    pub ttft: Option<Seconds>,
    /// Time per output token.
    pub tpot: Option<Seconds>,
    /// From the request to its last token.
    pub e2e: Option<Seconds>,
    /// Which requests must be within these: `p95`, or `mean`.
    pub percentile: Option<String>,
    /// Chance that the prediction is not too good.
    pub confidence: Option<Number>,
    /// Share of time in which every replica needed is up.
    pub availability: Option<Number>,
}

/// What may be bought.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Most racks allowed.
    pub max_racks: Option<Count>,
    /// Exactly this many racks.
    pub fixed_racks: Option<Count>,
    /// Racks of several kinds that are there, `gb200_nvl72=2`.
    pub stock: Option<List<String>>,
    /// Replicas beyond those that the load needs: a number, or `auto`.
    pub spares: Option<Text>,
    /// From a failure until its replica is back.
    pub repair_time: Option<Seconds>,
    /// Most power at the meter.
    pub max_power: Option<Watts>,
    /// Most that it may cost to own.
    pub max_cost: Option<DollarsPerSecond>,
    /// Carbon of the grid, in grams of CO2 equivalent a kilowatt-hour.
    pub grid_intensity: Option<Number>,
    /// Part of the load that is left free beside it.
    pub headroom: Option<Number>,
    /// Head nodes of a rack; they only show in the diagram.
    pub control_servers_per_rack: Option<Count>,
}

/// How plans are sought.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Search {
    /// The performance model.
    pub method: Option<Method>,
    /// Inference or training; how workers share inference.
    pub mode: Option<Mode>,
    /// Racks over which a sweep lays plans out.
    pub racks: Option<Count>,
    /// Batch sizes per instance.
    pub batch_sizes: Option<List<Count>>,
    /// Tensor-parallel sizes.
    pub tp: Option<List<Count>>,
    /// Pipeline-parallel sizes.
    pub pp: Option<List<Count>>,
    /// Expert-parallel sizes.
    pub ep: Option<List<Count>>,
    /// Attention data-parallel groups.
    pub dp: Option<List<Count>>,
    /// Tensor-parallel sizes of workers that compute prompts alone.
    pub prefill_tp: Option<List<Count>>,
    /// Pipeline-parallel sizes of those.
    pub prefill_pp: Option<List<Count>>,
    /// Expert-parallel sizes of those.
    pub prefill_ep: Option<List<Count>>,
    /// Attention data-parallel groups of those.
    pub prefill_dp: Option<List<Count>>,
    /// The step to explain.
    pub phase: Option<Phase>,
    /// Take the plan with the highest demand over capacity.
    pub prefer_utilization: Option<Switch>,
    /// What to have least of, among several racks.
    pub objective: Option<Objective>,
    /// Play the plans request by request, beside the closed form.
    pub simulate: Option<Switch>,
}

/// Random swaps between two models.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Swaps {
    /// Whether to play them.
    pub random_swap: Option<Switch>,
    /// Arrivals of the seeded run.
    pub steps: Option<Count>,
    /// Context of the arriving users, in tokens.
    pub token: Option<Count>,
}

/// The performance model that prices plans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The founding documents' three ceilings.
    FirstOrder,
    /// Operators with measured constants, and queueing.
    #[default]
    Operators,
}

/// What the machines do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Generating tokens for users.
    #[default]
    Inference,
    /// Training steps.
    Training,
    /// Generating tokens, every worker computing prompts too.
    Aggregated,
    /// Generating tokens, prompts on workers of their own.
    Disaggregated,
    /// Whichever of the two is better.
    Auto,
}

/// What a step does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Generates a token for every sequence.
    #[default]
    Decode,
    /// Computes prompts.
    Prefill,
    /// Both at once.
    Mixed,
}

impl Phase {
    /// As answers spell it.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Decode => "decode",
            Phase::Prefill => "prefill",
            Phase::Mixed => "mixed",
        }
    }
}

/// What to have least of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// Provisioned GPUs.
    #[default]
    Gpus,
    /// Money per hour.
    Cost,
    /// Electric power.
    Power,
    /// Time per token of a GPU: the most tokens a second on the racks given.
    Throughput,
    /// Time to first token.
    Ttft,
}
