//! A plan played request by request, beside what its closed form says.

use schemars::JsonSchema;
use serde::Serialize;

/// One instance of a plan, played at a load. Half widths are of 95 % intervals of confidence.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Replay {
    /// Requests counted, after a warm-up.
    pub requests: u64,
    /// Requests sent beside them that were refused, or not answered in many times the time that they should take.
    pub unanswered: u64,
    /// Users, or requests a second, of the instance.
    pub load_per_instance: f64,
    /// Requests a second that it answered.
    pub requests_per_s: f64,
    /// The same by the closed form.
    pub closed_form_requests_per_s: f64,
    /// Time to first token.
    pub ttft: ReplayedLatency,
    /// Time per output token.
    pub tpot: ReplayedLatency,
    /// From the request to its last token.
    pub e2e: ReplayedLatency,
    /// Share of prompt tokens found in caches.
    pub hit_rate: f64,
    /// How often a request lost its cache to make room.
    pub preemptions: u64,
    /// Whether the percentile asked for is within every target.
    pub within_targets: bool,
    /// Figures that lie outside the band of the closed form: `ttft`, `tpot`.
    pub outside_band: Vec<String>,
    /// Each class of requests, where they differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ReplayedClass>,
}

/// One class of requests as it was played.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct ReplayedClass {
    /// Its name.
    pub name: String,
    /// Requests counted.
    pub requests: u64,
    /// Whether the percentile asked for is within every target of the class.
    pub within_targets: bool,
    /// Time to first token.
    pub ttft: ReplayedLatency,
    /// Time per output token.
    pub tpot: ReplayedLatency,
    /// From the request to its last token.
    pub e2e: ReplayedLatency,
}

/// A latency as it was played and as the closed form has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct ReplayedLatency {
    /// Mean of the play.
    pub mean_s: f64,
    /// Half width of that; none for few requests.
    pub mean_half_width_s: Option<f64>,
    /// Of the requests asked for, in the play.
    pub at_percentile_s: f64,
    /// Half width of that; none for few requests.
    pub at_percentile_half_width_s: Option<f64>,
    /// Mean of the closed form.
    pub closed_form_mean_s: f64,
    /// Of the requests asked for, by the closed form.
    pub closed_form_at_percentile_s: f64,
}
