//! How much an engine can take: the rate at which it saturates, and the highest within limits on the slowest requests.

use crate::{Engine, Load, Options, Played, StepTimes, Workload, play, play_with};
use rackplan_traffic::Lengths;
use rackplan_units::Seconds;

/// What is asked for, whatever the load: lengths, requests to play, a seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Requests {
    /// Prompt lengths.
    pub input: Lengths,
    /// Answer lengths.
    pub output: Lengths,
    /// Requests to play; a thousand fix a 99th percentile to a tenth or so.
    pub count: u32,
    /// Seed of all random streams.
    pub seed: u64,
}

impl Requests {
    fn under(&self, load: Load) -> Workload {
        Workload { load, input: self.input.clone(), output: self.output.clone(), seed: self.seed }
    }
}

/// Limits on the 99th percentiles over requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// On the time to first token.
    pub ttft_p99: Seconds,
    /// On the time per output token.
    pub tpot_p99: Seconds,
}

impl Limits {
    /// Whether all that was sent was served within the limits.
    pub fn are_met(&self, played: &Played) -> bool {
        played.finished == played.requests
            && played.ttft.is_none_or(|ttft| ttft.p99 <= self.ttft_p99)
            && played.tpot.is_none_or(|tpot| tpot.p99 <= self.tpot_p99)
    }
}

/// The highest rate of Poisson arrivals within limits.
#[derive(Clone, Debug, PartialEq)]
pub enum Highest {
    /// It is this, in requests per second, and this is how it plays.
    Rate {
        /// Requests per second.
        requests_per_second: f64,
        /// What came of it.
        played: Box<Played>,
    },
    /// Not even requests that meet an idle engine are within the limits, or some can never be served.
    Never {
        /// What came of them.
        played: Box<Played>,
    },
}

/// A load of Poisson arrivals, and whether the engine keeps up with it.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenLoop {
    /// What came of it.
    pub played: Played,
    /// The rate at which the engine answers when requests always wait.
    pub saturated_requests_per_second: f64,
    /// The queue grows for as long as requests come: the figures depend on how many were played.
    pub grows_without_bound: bool,
}

/// Share of the saturated rate that counts as idle.
const IDLE: f64 = 1e-5;
/// The bisection ends at this part of the rate.
const PRECISION: f64 = 0.003;
/// Requests played to find the saturated rate.
const SATURATING: (f64, f64) = (256.0, 16_384.0);

/// Requests per second that an engine answers when some always wait; none if it refuses them all.
///
/// Four times as many as run at once are queued together; the middle half of the answers counts.
pub fn saturated_rate(engine: &Engine, times: &impl StepTimes, requests: &Requests) -> Option<f64> {
    let at_once = running_at_once(engine, requests);
    let load = Load::AllAtOnce { requests: (4.0 * at_once).clamp(SATURATING.0, SATURATING.1) as u32 };
    let options = Options { rows: true, ..Options::default() };
    let played = play_with(engine, times, &requests.under(load), options);
    let mut ends: Vec<f64> = played.rows.iter().filter_map(|row| Some((row.sent + row.e2e?).get())).collect();
    ends.sort_unstable_by(f64::total_cmp);
    let (low, high) = (ends.len() / 4, ends.len() * 3 / 4);
    let (start, end) = (ends.get(low)?, ends.get(high)?);
    (end > start).then(|| (high - low) as f64 / (end - start))
}

/// Sequences that run at once: as many as have a place, or as the cache holds half way through their answers.
fn running_at_once(engine: &Engine, requests: &Requests) -> f64 {
    let cached = requests.input.mean() + requests.output.mean() / 2.0;
    let per_rank = (engine.kv_capacity / cached).min(f64::from(engine.max_sequences)).max(1.0);
    per_rank * f64::from(engine.ranks.max(1))
}

/// Plays Poisson arrivals at a rate and says whether the engine keeps up.
pub fn open_loop(engine: &Engine, times: &impl StepTimes, requests: &Requests, rate: f64) -> OpenLoop {
    let saturated = saturated_rate(engine, times, requests).unwrap_or(0.0);
    OpenLoop {
        played: play_rate(engine, times, requests, rate),
        saturated_requests_per_second: saturated,
        grows_without_bound: rate >= saturated,
    }
}

fn play_rate(engine: &Engine, times: &impl StepTimes, requests: &Requests, rate: f64) -> Played {
    play(engine, times, &requests.under(Load::Poisson { rate, requests: requests.count }))
}

/// The highest Poisson rate whose 99th percentiles are within limits, below saturation, by bisection.
///
/// Every rate is played with the same draws, so that latencies rise with it but for how requests happen to meet.
pub fn highest_rate(
    engine: &Engine,
    times: &impl StepTimes,
    requests: &Requests,
    limits: &Limits,
) -> Highest {
    let mut high = saturated_rate(engine, times, requests).unwrap_or(0.0);
    let mut low = IDLE * high;
    let mut best = play_rate(engine, times, requests, low);
    if high == 0.0 || !limits.are_met(&best) {
        return Highest::Never { played: Box::new(best) };
    }
    while high - low > PRECISION * high {
        let rate = (low + high) / 2.0;
        let played = play_rate(engine, times, requests, rate);
        if limits.are_met(&played) {
            (low, best) = (rate, played);
        } else {
            high = rate;
        }
    }
    Highest::Rate { requests_per_second: low, played: Box::new(best) }
}
