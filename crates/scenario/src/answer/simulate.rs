//! The answer of `simulate`: what came of requests that a fleet was sent.

use super::explain::ExplainLayout;
use super::size::Difficulty;
use schemars::JsonSchema;
use serde::Serialize;

/// What came of the requests.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SimulateAnswer {
    /// Model by name.
    pub model: String,
    /// Accelerator by name.
    pub gpu: String,
    /// Serving framework.
    pub backend: String,
    /// How a replica is laid out, and in which formats.
    pub layout: ExplainLayout,
    /// The replicas.
    pub fleet: SimulatedFleet,
    /// What was sent.
    pub load: SimulatedLoad,
    /// Whether weights and a cache fit.
    pub fits: bool,
    /// Why they do not, and what would help.
    pub difficulty: Option<Difficulty>,
    /// What came of it; absent where nothing fits.
    pub result: Option<SimulateResult>,
    /// The highest load within the targets, where it was sought.
    pub capacity: Option<SimulatedCapacity>,
}

/// The replicas as they stand.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SimulatedFleet {
    /// Replicas at the start; of a disaggregated fleet those that compute prompts.
    pub replicas: u32,
    /// Fewest and most replicas, where they come and go with the load.
    pub autoscale: Option<[u32; 2]>,
    /// Replicas that generate, where others compute prompts.
    pub decode_replicas: u32,
    /// Accelerators of all of them.
    pub gpus: u64,
    /// Who gets a request.
    pub router: String,
    /// How old its picture of the replicas may be.
    pub signal_age_s: f64,
    /// Tokens that a step of an attention group computes at most.
    pub chunk_tokens: u32,
    /// Sequences that an attention group runs at once.
    pub max_batch: u32,
    /// Room in the KV cache of an attention group.
    pub kv_capacity_tokens: f64,
    /// Tokens in a block of it.
    pub kv_block_tokens: u32,
    /// Whether caches stay for whoever asks for the same prefix.
    pub prefix_cache: bool,
    /// Where step times come from: `operators`, or `op_tables`.
    pub step_times: String,
}

/// What was sent.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SimulatedLoad {
    /// In words.
    pub kind: String,
    /// Whether requests wait for answers before them, so that there can never be more than so many.
    pub is_closed: bool,
    /// Requests a second that came.
    pub offered_requests_per_s: Option<f64>,
    /// Mean prompt, in tokens.
    pub isl_mean: f64,
    /// Mean answer, in tokens.
    pub osl_mean: f64,
    /// Lines of the trace that were skipped.
    pub skipped_lines: u64,
}

/// Whether the fleet keeps up.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Verdict {
    /// `steady`, or `grows without bound`.
    pub state: String,
    /// Requests a second that came; absent where clients wait for answers.
    pub offered_requests_per_s: Option<f64>,
    /// Requests a second that the fleet answers when some always wait.
    pub saturated_requests_per_s: Option<f64>,
}

/// What came of a play. Counts and latencies are of requests sent after the warm-up.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SimulateResult {
    /// Whether the fleet keeps up.
    pub verdict: Verdict,
    /// Whether the play was ended before its end.
    pub stopped: bool,
    /// Runs with seeds of their own.
    pub seeds: u64,
    /// Simulated time.
    pub end_s: f64,
    /// From the end of the warm-up to the last token.
    pub span_s: f64,
    /// What became of requests.
    pub requests: RequestCounts,
    /// Time to first token.
    pub ttft: Option<LatencyFigures>,
    /// Time per output token of a request.
    pub tpot: Option<LatencyFigures>,
    /// Gap between two tokens of a sequence, weighted by tokens.
    pub itl: Option<LatencyFigures>,
    /// Time to the last token.
    pub e2e: Option<LatencyFigures>,
    /// Time until a request is let in.
    pub queueing: Option<LatencyFigures>,
    /// Rates.
    pub throughput: SimulatedThroughput,
    /// Requests that met every limit.
    pub goodput: Goodput,
    /// Classes of requests, where there are several, the most urgent first.
    pub classes: Vec<ClassFigures>,
    /// What the engines did.
    pub engine: EngineFigures,
    /// What the caches did.
    pub cache: CacheFigures,
    /// Caches sent from replicas that compute prompts to those that generate.
    pub transfers: Option<TransferFigures>,
    /// How the accelerators were used, and what that took.
    pub use_of_gpus: GpuUse,
    /// The fleet over time.
    pub series: Vec<SeriesPoint>,
    /// Latencies over requests as cumulative distributions.
    pub distributions: Distributions,
}

/// What became of requests: sent = finished + refused + lost + unfinished.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RequestCounts {
    /// Sent.
    pub sent: u64,
    /// Answered to the last token.
    pub finished: u64,
    /// That can never be served, by reason.
    pub refused: Vec<RefusalCount>,
    /// Given up after several failures.
    pub lost: u64,
    /// Under way when the play ended.
    pub unfinished: u64,
    /// Sent again because their replica failed.
    pub retries: u64,
}

/// Requests refused for one reason.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RefusalCount {
    /// The reason.
    pub reason: String,
    /// How many.
    pub count: u64,
}

/// A latency over requests; half widths are of 95 % intervals of confidence, over seeds or by batch means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct LatencyFigures {
    /// Mean.
    pub mean_s: f64,
    /// Median.
    pub p50_s: f64,
    /// 90th percentile.
    pub p90_s: f64,
    /// 95th percentile.
    pub p95_s: f64,
    /// 99th percentile.
    pub p99_s: f64,
    /// Half width of the mean.
    pub mean_half_width_s: Option<f64>,
    /// Half width of the median.
    pub p50_half_width_s: Option<f64>,
    /// Half width of the 90th percentile.
    pub p90_half_width_s: Option<f64>,
    /// Half width of the 95th percentile.
    pub p95_half_width_s: Option<f64>,
    /// Half width of the 99th percentile.
    pub p99_half_width_s: Option<f64>,
}

/// Rates over the span that is counted.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SimulatedThroughput {
    /// Requests answered.
    pub requests_per_s: f64,
    /// Prompt tokens of answered requests.
    pub prompt_tokens_per_s: f64,
    /// Tokens generated.
    pub output_tokens_per_s: f64,
    /// The same for an accelerator.
    pub output_tokens_per_s_per_gpu: f64,
}

/// Requests within every limit.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Goodput {
    /// Limit on time to first token.
    pub ttft_limit_s: f64,
    /// Limit on time per output token.
    pub tpot_limit_s: f64,
    /// Limit on time to the last token, where there is one.
    pub e2e_limit_s: Option<f64>,
    /// How many.
    pub requests: u64,
    /// How many a second.
    pub requests_per_s: f64,
    /// Share of those sent.
    pub share: f64,
}

/// One class of requests.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ClassFigures {
    /// Its number, the most urgent first.
    pub class: u64,
    /// Its name in the question; a trace has only numbers.
    pub name: Option<String>,
    /// Requests sent.
    pub sent: u64,
    /// Requests answered.
    pub finished: u64,
    /// Limit on time to first token.
    pub ttft_limit_s: Option<f64>,
    /// Limit on time per output token.
    pub tpot_limit_s: Option<f64>,
    /// Limit on time to the last token.
    pub e2e_limit_s: Option<f64>,
    /// Requests within every limit.
    pub within_limits: u64,
    /// Requests a second within every limit.
    pub goodput_requests_per_s: f64,
    /// Time to first token.
    pub ttft: Option<LatencyFigures>,
    /// Time per output token.
    pub tpot: Option<LatencyFigures>,
    /// Time to the last token.
    pub e2e: Option<LatencyFigures>,
    /// Time until a request is let in.
    pub queueing: Option<LatencyFigures>,
}

/// What the engines did.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct EngineFigures {
    /// Steps of all replicas.
    pub steps: u64,
    /// Sequences that generate in a step that decodes.
    pub decode_batch_mean: f64,
    /// Mean step.
    pub step_mean_s: f64,
    /// Share of the replicas' time in which they computed.
    pub busy_share: f64,
    /// How often a request lost its cache to make room.
    pub preemptions: u64,
    /// Failures of replicas.
    pub failures: u64,
}

/// What the caches did.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CacheFigures {
    /// Share of prompt tokens found in a cache.
    pub hit_rate: f64,
    /// The most tokens that running requests held in an attention group's HBM.
    pub hbm_peak_tokens: f64,
    /// The same over its room.
    pub hbm_peak_share: f64,
    /// Mean share of HBM blocks that running requests hold.
    pub hbm_used_mean_share: Option<f64>,
    /// Mean share of HBM blocks kept for reuse.
    pub hbm_idle_mean_share: Option<f64>,
    /// Lower tiers, the nearest first.
    pub tiers: Vec<TierFigures>,
}

/// One lower tier, over all replicas.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TierFigures {
    /// `host`, `nvme`, `remote`.
    pub name: String,
    /// Tokens it holds, for an attention group or, where it is shared, for all.
    pub capacity_tokens: Option<f64>,
    /// Whether all replicas share it.
    pub is_shared: bool,
    /// The most tokens that lay in it.
    pub peak_tokens: u64,
    /// Tokens read back.
    pub read_tokens: u64,
    /// Share of prompt tokens that were read back from it.
    pub hit_rate: f64,
    /// Tokens written to it.
    pub written_tokens: u64,
    /// Tokens that left it for good or for the next tier.
    pub evicted_tokens: u64,
    /// Share of the time in which its links read.
    pub read_load: f64,
    /// Share of the time in which its links wrote.
    pub write_load: f64,
    /// Mean time from asking for a cache until it is back, waiting for the link included.
    pub reload_mean_s: Option<f64>,
}

/// Caches sent between replicas.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TransferFigures {
    /// How many.
    pub transfers: u64,
    /// Bytes of an accelerator's share of them.
    pub bytes: f64,
    /// Mean time from the end of a prompt until its cache was there.
    pub time_mean_s: f64,
    /// Of that, the wait for links.
    pub wait_mean_s: f64,
    /// The longest.
    pub time_max_s: f64,
}

/// How the accelerators were used.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GpuUse {
    /// Hours of replicas that were on.
    pub replica_hours: f64,
    /// Hours of accelerators that were on.
    pub gpu_hours: f64,
    /// Useful model FLOPs over the peak of accelerators that were on.
    pub mfu: Option<f64>,
    /// Bytes of weights and caches that had to be read over what memory moves.
    pub mbu: Option<f64>,
    /// Mean power at the meter.
    pub power_w: Option<f64>,
    /// Energy of the whole play.
    pub energy_j: Option<f64>,
    /// Energy of a token generated.
    pub energy_j_per_output_token: Option<f64>,
}

/// The fleet at a point in time; flows are since the point before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct SeriesPoint {
    /// When.
    pub time_s: f64,
    /// Replicas that serve.
    pub replicas: f64,
    /// Requests that wait to be let in.
    pub waiting: f64,
    /// Requests that were let in and are not answered.
    pub running: f64,
    /// Share of HBM blocks that running requests hold.
    pub hbm_used_share: f64,
    /// Share of HBM blocks kept for reuse.
    pub hbm_idle_share: f64,
    /// Tokens in each lower tier.
    pub tier_tokens: Vec<f64>,
    /// Share of prompt tokens of answered requests found in caches; absent where none was answered.
    pub hit_rate: Option<f64>,
    /// Tokens generated by answered requests, a second.
    pub output_tokens_per_s: f64,
    /// Mean time for a cache from a lower tier; absent where none was read.
    pub reload_s: Option<f64>,
}

/// Latencies over requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Distributions {
    /// Time to first token.
    pub ttft: Vec<DistributionPoint>,
    /// Time per output token.
    pub tpot: Vec<DistributionPoint>,
    /// Time to the last token.
    pub e2e: Vec<DistributionPoint>,
}

/// A point of a cumulative distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DistributionPoint {
    /// Latency.
    pub time_s: f64,
    /// Share of requests that take at most this.
    pub share: f64,
}

/// The highest load within the targets.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SimulatedCapacity {
    /// The percentile that has to be within the targets.
    pub percentile: String,
    /// What is varied: `requests_per_s`, `users`, `users_per_min`, or `rate_scale` over a trace as it is written.
    pub unit: String,
    /// The highest load; absent where even the least is too much.
    pub load: Option<f64>,
    /// Requests a second at it: those that come, or where people wait for answers those answered.
    pub requests_per_s: Option<f64>,
    /// The same over the load that was asked about.
    pub over_asked: Option<f64>,
    /// What more would break, or what the least load breaks: `ttft`, `tpot`, `e2e`, or `throughput`.
    pub limit: String,
    /// Time to first token there, at that percentile.
    pub ttft_s: Option<f64>,
    /// Time per output token there, at that percentile.
    pub tpot_s: Option<f64>,
    /// Time to the last token there, at that percentile.
    pub e2e_s: Option<f64>,
    /// Requests of the trace that were played at each load, its first; absent for people.
    pub trace_requests: Option<u64>,
    /// Requests of the trace after those.
    pub trace_requests_left_out: Option<u64>,
    /// Whether the search was ended before its end.
    pub stopped: bool,
    /// Loads that were played, the least first.
    pub points: Vec<CapacityPoint>,
}

/// One load that was played.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CapacityPoint {
    /// The load, in the unit of the search.
    pub load: f64,
    /// Requests a second at it.
    pub requests_per_s: f64,
    /// Time to first token, at the percentile.
    pub ttft_s: Option<f64>,
    /// Time per output token, at the percentile.
    pub tpot_s: Option<f64>,
    /// Time to the last token, at the percentile.
    pub e2e_s: Option<f64>,
    /// The target that it breaks the most; absent where it is within all.
    pub breaks: Option<String>,
}
