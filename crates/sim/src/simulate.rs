//! Plays any source of requests against a fleet and tells what came of it.

use crate::cache::{KvBlocks, TierTotals};
use crate::distribution::Distribution;
use crate::fleet::{Fleet, How, Playing, TransferTotals};
use crate::metrics::Summary;
use crate::record::{Observer, Recorder, RequestLimits, Tally, Totals};
use crate::time::Time;
use crate::{Refusal, StepTimes};
use rackplan_traffic::Source;
use rackplan_units::Seconds;
use std::collections::BTreeMap;

/// How to simulate.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulation {
    /// Play many decode steps as one where nothing begins or ends. Off, every step is an event of its own; nothing else
    /// changes.
    pub skip_ahead: bool,
    /// Seed of the router's and the failures' random streams.
    pub seed: u64,
    /// Limits that each request has to meet to count for goodput, by class: the last are those of all further ones.
    pub limits: Vec<RequestLimits>,
    /// Requests sent before this are played and not counted.
    pub warm_up: Seconds,
    /// When the play ends, whatever is still under way; none for when all is answered.
    pub until: Option<Seconds>,
    /// How often observers are shown the fleet; none for never.
    pub sample_every: Option<Seconds>,
}

impl Default for Simulation {
    fn default() -> Self {
        Self {
            skip_ahead: true,
            seed: 1,
            limits: Vec::new(),
            warm_up: Seconds::new(0.0),
            until: None,
            sample_every: None,
        }
    }
}

/// A latency over requests, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    /// Mean and percentiles.
    pub summary: Summary,
    /// Half widths of their 95 % confidence intervals by batch means; none for few requests.
    pub half_width: Option<Summary>,
}

impl Latency {
    fn of(values: Distribution) -> Option<Self> {
        let half_width = values.half_widths();
        Some(Self { summary: values.summary()?, half_width })
    }
}

/// What came of the requests of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassResult {
    /// Requests sent.
    pub sent: u64,
    /// Requests answered.
    pub finished: u64,
    /// Requests answered within every limit.
    pub good: u64,
    /// Time to first token.
    pub ttft: Option<Latency>,
    /// Time per output token of a request.
    pub tpot: Option<Latency>,
    /// Time to the last token.
    pub e2e: Option<Latency>,
    /// Time until a request is let in.
    pub queueing: Option<Latency>,
}

impl ClassResult {
    fn of(tally: Tally) -> Self {
        Self {
            sent: tally.sent,
            finished: tally.finished,
            good: tally.good,
            ttft: Latency::of(tally.ttft),
            tpot: Latency::of(tally.tpot),
            e2e: Latency::of(tally.e2e),
            queueing: Latency::of(tally.queueing),
        }
    }
}

/// What came of a simulation. Counts are of requests sent after the warm-up.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulated {
    /// All requests.
    pub all: ClassResult,
    /// By class, where there are several.
    pub classes: Vec<ClassResult>,
    /// Requests that can never be served, by reason.
    pub refused: BTreeMap<Refusal, u64>,
    /// Requests given up after several failures of their replicas.
    pub lost: u64,
    /// Requests sent that were under way when the play ended.
    pub unfinished: u64,
    /// Gaps between tokens of a sequence, weighted by tokens: mean and percentiles.
    pub itl: Option<Summary>,
    /// When the play ended.
    pub end: Seconds,
    /// When the last token arrived, and since when is counted.
    pub last_token: Seconds,
    /// From the end of the warm-up to the last token.
    pub span: Seconds,
    /// Sums over all steps and requests.
    pub totals: Totals,
    /// How often a request lost its cache to make room.
    pub preemptions: u64,
    /// How often a request was sent again.
    pub retries: u64,
    /// Failures of replicas.
    pub failures: u64,
    /// Σ replicas · seconds that were on.
    pub replica_seconds: f64,
    /// Cache blocks of all ranks at the end.
    pub kv_blocks: KvBlocks,
    /// The most tokens that running requests held on one rank.
    pub kv_peak_tokens: f64,
    /// What went through each lower tier, over all replicas.
    pub tiers: Vec<TierTotals>,
    /// Caches sent from replicas that compute prompts to those that generate.
    pub transfers: TransferTotals,
    /// An observer ended the play.
    pub stopped: bool,
}

impl Simulated {
    /// Requests per second answered within every limit.
    pub fn goodput(&self) -> f64 {
        self.per_second(self.all.good as f64)
    }

    /// Some amount over the span that is counted.
    pub fn per_second(&self, amount: f64) -> f64 {
        if self.span.get() > 0.0 { amount / self.span.get() } else { 0.0 }
    }

    /// Sequences that generate in a step that decodes.
    pub fn decode_batch_mean(&self) -> f64 {
        self.totals.decodes / self.totals.decode_steps.max(1) as f64
    }
}

/// Plays requests against a fleet. `times` are those of its replicas; where others generate, a second kind may follow.
pub fn simulate<T: StepTimes, S: Source>(
    fleet: &Fleet,
    times: &[T],
    source: &mut S,
    simulation: &Simulation,
    observer: Option<&mut dyn Observer>,
) -> Simulated {
    assert!(!times.is_empty(), "a fleet has step times");
    let seconds = |seconds: Seconds| Time::from_seconds(seconds.get());
    let recorder = Recorder {
        observer,
        limits: simulation.limits.clone(),
        warm_up: seconds(simulation.warm_up),
        ..Recorder::default()
    };
    let how = How {
        skips_ahead: simulation.skip_ahead,
        seed: simulation.seed,
        sample_every: simulation.sample_every.map(seconds),
        until: simulation.until.map_or(Time::NEVER, seconds),
    };
    let mut playing = Playing::new(fleet, times, source, recorder, how);
    playing.run();
    result(playing, fleet)
}

fn result<T: StepTimes, S: Source>(mut playing: Playing<'_, '_, T, S>, fleet: &Fleet) -> Simulated {
    playing.control.count_time(playing.now);
    let kv_blocks = playing.kv_blocks();
    let ranks = playing.replicas.iter().flat_map(|replica| &replica.ranks);
    let kv_peak_tokens = ranks.clone().map(|rank| rank.cache.peak_tokens()).fold(0.0, f64::max);
    let mut tiers = vec![TierTotals::default(); fleet.caching.tiers.len()];
    for rank in ranks {
        for (totals, store) in tiers.iter_mut().zip(&rank.cache.stores) {
            totals.add(&store.totals);
        }
    }
    if let (Some(last), Some(shared)) = (tiers.last_mut(), &playing.shared) {
        *last = shared.totals;
    }
    let recorder = playing.recorder;
    let refused: u64 = recorder.refused.values().sum();
    let last_token = Seconds::new(recorder.last_token.seconds());
    let totals = recorder.totals();
    let all = ClassResult::of(recorder.all);
    Simulated {
        classes: recorder.classes.into_iter().map(ClassResult::of).collect(),
        lost: playing.lost,
        unfinished: all.sent - all.finished - refused - playing.lost.min(all.sent),
        all,
        refused: recorder.refused,
        itl: recorder.itl.summary(),
        end: Seconds::new(playing.now.seconds()),
        last_token,
        span: Seconds::new(recorder.last_token.since(recorder.warm_up)),
        totals,
        preemptions: recorder.preemptions,
        retries: recorder.retries,
        failures: playing.control.failures,
        replica_seconds: playing.control.replica_seconds,
        kv_blocks,
        kv_peak_tokens,
        tiers,
        transfers: playing.transfers.totals,
        stopped: playing.stopped,
    }
}
