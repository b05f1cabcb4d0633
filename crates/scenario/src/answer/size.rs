//! The answer of `size`.

use super::{FrontierPoint, NearMiss, ParetoPlan, RankedPlan, Replay, WhatIf};
use schemars::JsonSchema;
use serde::Serialize;

/// Which racks, how the model is laid out on them, and what would change that.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SizeAnswer {
    /// Whether a plan serves the demand within the limits.
    pub feasible: bool,
    /// The chosen deployment; with `--fixed-racks` it may fall short and says by how much.
    pub deployment: Option<Deployment>,
    /// Who is served.
    pub demand: Demand,
    /// What each class of requests gets, where they differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<SizedClass>,
    /// What else was possible, and what it trades.
    pub alternatives: Vec<Alternative>,
    /// Plans of the chosen hardware that serve, the fewest GPUs first, where the method ranks them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<RankedPlan>,
    /// What no other plan and load beats in speed of a user and throughput of a GPU, where the method knows both.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frontier: Vec<FrontierPoint>,
    /// What no other plan of any set-up within the racks beats in throughput, speed, time to first token, cost and power,
    /// where the method compares plans by these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pareto: Vec<ParetoPlan>,
    /// What a changed link or catalog figure does, where the question changes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what_if: Option<WhatIf>,
    /// Plans laid out and dropped, by rule.
    pub rejected: Vec<Rejected>,
    /// What the search went through, of the method that counts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<SearchCounts>,
    /// What stands in the way, where nothing serves.
    pub difficulty: Option<Difficulty>,
    /// How the inputs differ from the founding documents' presets, where both exist.
    pub founding: Option<Founding>,
    /// The founding documents' own summary rows and plan details, in their number formats.
    pub summary: FoundingSummary,
    /// Curves for charts.
    pub curves: Vec<Curve>,
}

/// What one class of requests gets, at the percentile that is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SizedClass {
    /// Its name.
    pub name: String,
    /// Its part of the users, or of the requests a second.
    pub share: f64,
    /// Its users, where users are given.
    pub users: Option<f64>,
    /// Requests a second.
    pub requests_per_s: f64,
    /// Prompt tokens of a request.
    pub isl: u64,
    /// Tokens of an answer.
    pub osl: u64,
    /// Time to first token.
    pub ttft_s: f64,
    /// What it may be.
    pub ttft_target_s: f64,
    /// Time per output token.
    pub tpot_s: f64,
    /// What it may be.
    pub tpot_target_s: f64,
    /// From the request to its last token.
    pub e2e_s: f64,
    /// What it may be, where it is limited.
    pub e2e_target_s: Option<f64>,
}

/// Users and what they ask for.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Demand {
    /// Users asked for outright.
    pub users_target: u64,
    /// Users that the plan is sized for: the target, or the 95th percentile of the arrivals where that is more.
    pub users_sized: u64,
    /// Users on at a time, where they arrive and leave.
    pub arrival: Option<Users>,
    /// KV tokens kept per user.
    pub context_tokens: u64,
    /// Tokens a second promised to each.
    pub tokens_per_user_per_s: f64,
    /// Of all, tokens a second.
    pub tokens_per_s: f64,
    /// From people to requests in flight, where the method models that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generating: Option<Generating>,
}

/// From people to requests in flight, at the load asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Generating {
    /// People who are on; nothing where requests arrive whoever sends them.
    pub users_on: Option<u64>,
    /// Mean time between an answer and the next request.
    pub think_time_s: f64,
    /// Prompt tokens of a request.
    pub isl: u64,
    /// Tokens of an answer.
    pub osl: u64,
    /// Earlier tokens of a conversation that are still in the cache.
    pub prefix_tokens: u64,
    /// Requests that wait for their first token or generate, on average.
    pub in_flight: f64,
    /// 95th percentile of their number.
    pub in_flight_p95: f64,
    /// The number that is passed once in a thousand.
    pub in_flight_max: f64,
    /// Requests a second.
    pub requests_per_s: f64,
    /// Users, or requests a second, that one instance takes at most within the targets.
    pub taken_per_instance: f64,
}

/// Users on at a time: the stationary Poisson law of a stream of arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Users {
    /// New users a minute.
    pub rate_per_min: f64,
    /// Mean session, in minutes.
    pub session_min: f64,
    /// Mean number on, exactly.
    pub mean: f64,
    /// 95th percentile, exactly.
    pub p95: u64,
    /// Largest number to expect within the window.
    pub max: u64,
    /// The same three from one seeded path.
    pub path_mean: f64,
    /// 95th percentile over time of the seeded path.
    pub path_p95: f64,
    /// Largest number on the seeded path.
    pub path_max: u64,
}

/// A layout with its racks, and everything that follows from it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Deployment {
    /// What it runs on.
    pub hardware: Hardware,
    /// Model by name.
    pub model: String,
    /// Number format of the weights, as asked.
    pub quant: String,
    /// Number format of the KV cache, where the method names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kv_dtype: Option<String>,
    /// How one instance is laid out.
    pub plan: Plan,
    /// Machines and instances, needed and there.
    pub capacity: Capacity,
    /// Tokens a second.
    pub throughput: Throughput,
    /// What binds: `compute`, `hbm` or `comm`; by operators what keeps an instance from taking more: `ttft`, `tpot`,
    /// `kv_cache`, `sequences` or `batch`.
    pub limit: String,
    /// The three ceilings, of the method that has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Bounds>,
    /// What users see, where the method models that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// What a decode step waits for, the largest share first, where the method models that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub step_shares: Vec<StepShare>,
    /// HBM of one GPU.
    pub memory: Memory,
    /// `Intra-server NVLink` and the like.
    pub network: String,
    /// Each link level.
    pub links: Vec<LinkLoad>,
    /// Where KV lives.
    pub kv: Kv,
    /// Storage servers.
    pub storage: Storage,
    /// Shares of the capacity that the demand takes, of the method that has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utilization: Option<Utilization>,
    /// Electric power of everything provisioned, where the catalog knows it.
    pub power: Option<Power>,
    /// Running cost of everything provisioned, where the catalog knows it.
    pub money: Option<Money>,
    /// Workers for prompts and workers for answers, where they differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pools: Option<Pools>,
    /// Where the caches of users who think are, where the method models that and there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kv_placement: Option<KvPlacement>,
    /// What a token takes, where the method states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub economics: Option<Economics>,
    /// Tokens that a step yields for each sequence, and how many are drafted, with speculation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speculative: Option<Speculation>,
    /// The same plan played request by request, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
}

/// Drafted tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Speculation {
    /// Tokens drafted for each sequence and step.
    pub draft_tokens: u32,
    /// Tokens that a step yields.
    pub accepted_per_step: f64,
}

/// What users see at the load asked for, and what they were promised.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Latency {
    /// Serving framework.
    pub backend: String,
    /// Which requests: `p95`, or `mean`.
    pub percentile: String,
    /// Time to first token of these requests.
    pub ttft_s: f64,
    /// What was asked.
    pub ttft_target_s: f64,
    /// Of all requests on average.
    pub ttft_mean_s: f64,
    /// Where eight of ten measurements would lie, of the mean.
    pub ttft_band_s: Option<[f64; 2]>,
    /// Time per output token of these requests.
    pub tpot_s: f64,
    /// What was asked.
    pub tpot_target_s: f64,
    /// Of all requests on average.
    pub tpot_mean_s: f64,
    /// Where eight of ten measurements would lie, of the mean.
    pub tpot_band_s: Option<[f64; 2]>,
    /// From the request to its last token, on average.
    pub e2e_mean_s: f64,
    /// The same of the percentile asked for.
    pub e2e_s: f64,
    /// What was asked, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e2e_target_s: Option<f64>,
}

/// A part of a decode step.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct StepShare {
    /// What it waits for: `compute`, `hbm`, `comm` or `latency`.
    pub bound: String,
    /// Its share of the step.
    pub share: f64,
}

/// The machines.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Hardware {
    /// Catalog id, or the founding preset's name.
    pub id: String,
    /// Full name.
    pub name: String,
    /// Whether it is a preset of the founding documents and no real rack.
    pub preset: bool,
    /// Accelerator.
    pub gpu: String,
    /// GPUs in a server.
    pub gpus_per_server: u64,
    /// Servers in a rack.
    pub servers_per_rack: u64,
}

/// One instance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Plan {
    /// Tensor parallelism.
    pub tp: u32,
    /// Pipeline parallelism.
    pub pp: u32,
    /// Expert parallelism.
    pub ep: u32,
    /// Attention data parallelism, of the method that has it; `ep` then reuses the ranks of `tp` and `dp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dp: Option<u32>,
    /// Users generating at once on one instance.
    pub batch: u64,
    /// `tp · pp · ep`, or `tp · pp · dp`.
    pub gpus_per_instance: u64,
}

/// Needed and provisioned.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Capacity {
    /// Racks.
    pub racks: u64,
    /// Servers that the instances fill.
    pub servers_needed: u64,
    /// Servers in the racks.
    pub servers_provisioned: u64,
    /// Head nodes in the racks: scheduling, monitoring.
    pub control_servers: u64,
    /// GPUs of the instances needed.
    pub gpus_active: u64,
    /// GPUs of spare instances.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gpus_spare: u64,
    /// GPUs in the racks.
    pub gpus_provisioned: u64,
    /// Instances needed.
    pub instances_needed: u64,
    /// Instances that fit.
    pub instances: u64,
    /// Users that fit, `instances · batch`.
    pub slots: u64,
    /// Users without a slot.
    pub users_short: u64,
    /// Tokens a second missing.
    pub tokens_per_s_short: f64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Tokens a second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Throughput {
    /// One instance.
    pub instance_tokens_per_s: f64,
    /// All instances.
    pub total_tokens_per_s: f64,
    /// Total over the GPUs that carry instances.
    pub tokens_per_s_per_gpu: f64,
    /// One instance over its batch.
    pub tokens_per_s_per_user: f64,
}

/// The ceilings without the batch efficiency; absent where nothing is communicated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Bounds {
    /// Arithmetic, per instance.
    pub compute_tokens_per_s: f64,
    /// HBM, per instance.
    pub hbm_tokens_per_s: f64,
    /// Communication, per instance.
    pub comm_tokens_per_s: Option<f64>,
    /// Arithmetic, per GPU.
    pub compute_tokens_per_s_per_gpu: f64,
    /// HBM, per GPU.
    pub hbm_tokens_per_s_per_gpu: f64,
    /// Communication, per GPU.
    pub comm_tokens_per_s_per_gpu: Option<f64>,
}

/// HBM of one GPU.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Memory {
    /// Weights.
    pub weights_bytes: f64,
    /// KV cache at the full batch; nothing in training.
    pub kv_bytes: f64,
    /// Optimizer moments; nothing in inference.
    pub optimizer_bytes: f64,
    /// Activations kept for the backward pass; nothing in inference.
    pub activations_bytes: f64,
    /// Reserve.
    pub overhead_bytes: f64,
    /// All of these.
    pub used_bytes: f64,
    /// What the method lets a plan use.
    pub limit_bytes: f64,
    /// HBM as built in.
    pub capacity_bytes: f64,
}

/// One link level of one instance.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LinkLoad {
    /// `intra_server`, `inter_server` or `inter_rack`.
    pub level: String,
    /// Bytes for each token generated.
    pub bytes_per_token: f64,
    /// Messages for each token generated.
    pub messages_per_token: f64,
    /// What the link of an accelerator carries in one direction.
    pub bandwidth_bytes_per_s: f64,
    /// Time of an empty message.
    pub latency_s: f64,
    /// Load of one instance at full speed.
    pub load_bytes_per_s: f64,
    /// Messages of one instance at full speed.
    pub messages_per_s: f64,
    /// Bandwidth of the accelerators below this level over what it carries onwards: 3 for 3:1. What it slows is in
    /// `utilization`, not in `bandwidth_bytes_per_s`.
    pub oversubscription: f64,
    /// Load over what the link allows, at the demand.
    pub utilization: f64,
}

/// Where KV lives.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Kv {
    /// The system that takes what HBM cannot hold.
    pub system: String,
    /// Of one token, over the whole instance.
    pub bytes_per_token: f64,
    /// Of all users.
    pub total_bytes: f64,
    /// In HBM.
    pub hbm_bytes: f64,
    /// In host memory.
    pub cache_bytes: f64,
    /// On NVMe.
    pub nvme_bytes: f64,
    /// To bring one user's share back from host memory.
    pub cache_reload_s: Option<f64>,
    /// To bring one user's share back from NVMe.
    pub nvme_reload_s: Option<f64>,
}

/// Storage servers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Storage {
    /// Servers that the offloaded KV fills.
    pub servers_needed: u64,
    /// Servers in the racks.
    pub servers_provisioned: u64,
    /// Their capacity.
    pub provisioned_bytes: f64,
}

/// Shares of the capacity, mean and 95th percentile over the demand's scatter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Utilization {
    /// Arithmetic.
    pub compute_mean: f64,
    /// Arithmetic, 95th percentile.
    pub compute_p95: f64,
    /// Network.
    pub network_mean: f64,
    /// Network, 95th percentile.
    pub network_p95: f64,
    /// HBM for KV.
    pub storage_mean: f64,
    /// HBM for KV, 95th percentile.
    pub storage_p95: f64,
    /// DMA to host memory, where there is a KV system.
    pub kv_dma_mean: Option<f64>,
    /// DMA to host memory, 95th percentile.
    pub kv_dma_p95: Option<f64>,
}

/// Electric power.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Power {
    /// At the meter, with network and facility.
    pub facility_w: f64,
    /// The racks as rated, where known.
    pub rack_w: Option<f64>,
    /// The arithmetic.
    pub basis: String,
    /// At the meter while serving, as servers were measured; of the method that states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typical_w: Option<f64>,
    /// At the meter with little to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_w: Option<f64>,
    /// Power usage effectiveness that a new hall is planned with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pue: Option<f64>,
}

/// Running cost.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Money {
    /// Total cost of ownership.
    pub usd_per_hour: f64,
    /// At the demand.
    pub usd_per_million_tokens: f64,
    /// The arithmetic.
    pub basis: String,
}

/// What a token takes of power and money, and what the racks cost to buy; what nobody knows is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Economics {
    /// Of prompts, by the share of the accelerators' time that they take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_million_input_tokens: Option<f64>,
    /// Of answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_million_output_tokens: Option<f64>,
    /// Purchase of the racks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capex_usd: Option<f64>,
    /// Output tokens a second for each megawatt at the meter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_s_per_mw: Option<f64>,
    /// Energy of one output token, at the meter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joules_per_token: Option<f64>,
    /// CO2 equivalent an hour, where the grid's intensity is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carbon_kg_per_hour: Option<f64>,
    /// CO2 equivalent of a million output tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carbon_g_per_million_tokens: Option<f64>,
    /// Cost with instances taken away in hours that do not need them, where the day's profile is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_hour_scaled: Option<f64>,
}

/// Workers for prompts and workers for answers, where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Pools {
    /// Workers that compute prompts, in a unit.
    pub prefill_workers: u32,
    /// Workers that generate, in a unit.
    pub decode_workers: u32,
    /// How a prefill worker is laid out; `plan` of the deployment is that of a decode worker.
    pub prefill: Plan,
    /// Time of a cache from one to the other.
    pub transfer_s: f64,
    /// Share of an accelerator's link that those transfers take.
    pub transfer_utilization: f64,
    /// Share of time that a prefill rank computes.
    pub prefill_utilization: f64,
}

/// Where the caches of users who think are.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct KvPlacement {
    /// `hbm`, `host`, `nvme`, `remote`, or `none` for caches that are computed again.
    pub policy: String,
    /// What the tier is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Share that stays in HBM.
    pub hbm_residency: f64,
    /// Users who think, on average.
    pub users_thinking: f64,
    /// Tokens that each of them comes back to.
    pub kept_tokens: u64,
    /// Bytes of the users who think that are in HBM.
    pub resident_bytes: f64,
    /// Bytes in the tier.
    pub offloaded_bytes: f64,
    /// Time to bring one cache back, the wait for others included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reload_s: Option<f64>,
    /// Time to compute it again instead.
    pub recompute_s: f64,
    /// Share of the rate of reading that is used.
    pub dma_read_utilization: f64,
    /// Share of the rate of writing that is used.
    pub dma_write_utilization: f64,
    /// Share of the tier's size that is used; nothing where more can be bought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier_utilization: Option<f64>,
}

/// What the search went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct SearchCounts {
    /// Machines, number formats, frameworks and depths of speculation.
    pub setups: u64,
    /// Plans laid out over all of them, each with every way to keep caches.
    pub plans_considered: u64,
    /// Those that serve within the targets.
    pub plans_serving: u64,
    /// Time of the whole question, where the shell measured it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// Another deployment and what it trades.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Alternative {
    /// What differs: `nvfp4`, `h200_hgx`, `batch 8`.
    pub change: String,
    /// The plan in words.
    pub plan: String,
    /// Racks.
    pub racks: u64,
    /// GPUs of the instances needed.
    pub gpus_active: u64,
    /// GPUs in the racks.
    pub gpus_provisioned: u64,
    /// All instances.
    pub total_tokens_per_s: f64,
    /// One instance over its batch.
    pub tokens_per_s_per_user: f64,
    /// What is gained and lost, in words.
    pub trade: String,
}

/// Plans dropped by one rule.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Rejected {
    /// The rule.
    pub rule: String,
    /// Plans it dropped.
    pub plans: u64,
}

/// Why nothing serves.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Difficulty {
    /// The limit that binds, with both sides of the comparison.
    pub binding: String,
    /// The smallest changes, one at a time, that would help.
    pub relaxations: Vec<Relaxation>,
    /// The plans that miss by least, where the method ranks them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub near_misses: Vec<NearMiss>,
}

/// One change that makes the question answerable.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Relaxation {
    /// The flag to change.
    pub flag: String,
    /// What it gives.
    pub result: String,
}

/// How the inputs differ from the founding documents' presets.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Founding {
    /// The presets compared with.
    pub presets: String,
    /// What the presets would have answered.
    pub answer: String,
    /// Inputs that differ.
    pub differences: Vec<Difference>,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// What.
    pub input: String,
    /// In the founding preset.
    pub founding: String,
    /// In the catalog.
    pub catalog: String,
}

/// The founding documents' own rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct FoundingSummary {
    /// Whether model and hardware are their presets, so that the numbers are theirs too.
    pub presets: bool,
    /// Label and value.
    pub rows: Vec<(String, String)>,
    /// Plan details.
    pub details: Vec<String>,
    /// Warnings.
    pub warnings: Vec<String>,
    /// What was said instead, where nothing served.
    pub error: Option<String>,
}

/// A curve for a chart.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Curve {
    /// The chart it belongs to: `throughput_by_batch`, `utilization_by_users`...
    pub chart: String,
    /// Its name in the legend.
    pub name: String,
    /// Its points.
    pub points: Vec<Point>,
}

/// A point of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Point {
    /// Along.
    pub x: f64,
    /// Up.
    pub y: f64,
}
