//! Plays a client against one engine, as a benchmark does.

use crate::fleet::{Decoders, Fleet, How, Playing};
use crate::metrics::Played;
use crate::record::{Recorder, Tally};
use crate::time::Time;
use crate::{Engine, Load, Policy, StepTimes, Workload};
use rackplan_units::Seconds;

/// How to play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Play many decode steps as one where nothing begins or ends. Off, every step is an event of its own; nothing else
    /// changes.
    pub skip_ahead: bool,
    /// Keep a row per request.
    pub rows: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { skip_ahead: true, rows: false }
    }
}

/// Plays a workload to its end.
pub fn play(engine: &Engine, times: &impl StepTimes, workload: &Workload) -> Played {
    play_with(engine, times, workload, Options::default())
}

/// Plays a workload to its end, with options.
pub fn play_with(engine: &Engine, times: &impl StepTimes, workload: &Workload, options: Options) -> Played {
    play_fleet(&Fleet::of(*engine, 1), &[times], workload, options)
}

/// Plays a workload to its end against a fleet. Step times are those of [`simulate`](crate::simulate).
pub fn play_fleet<T: StepTimes>(fleet: &Fleet, times: &[T], workload: &Workload, options: Options) -> Played {
    let fleet = match workload.load {
        Load::StaticBatch { batch } => static_fleet(fleet.clone(), batch),
        _ => fleet.clone(),
    };
    let recorder = Recorder { rows: options.rows.then(Vec::new), ..Recorder::default() };
    let how =
        How { skips_ahead: options.skip_ahead, seed: workload.seed, sample_every: None, until: Time::NEVER };
    let mut clients = workload.clients();
    let mut playing = Playing::new(&fleet, times, &mut clients, recorder, how);
    playing.run();
    result(playing)
}

fn static_fleet(fleet: Fleet, batch: u32) -> Fleet {
    let decoders = fleet
        .decoders
        .map(|decoders| Decoders { engine: static_engine(decoders.engine.checked(), batch), ..decoders });
    Fleet { engine: static_engine(fleet.engine.checked(), batch), decoders, ..fleet }
}

/// The engine of a static batch: one step takes all prompts, nothing is in front of it.
fn static_engine(engine: Engine, batch: u32) -> Engine {
    Engine {
        policy: Policy::WholeWithDecodes,
        token_budget: u32::MAX,
        max_sequences: batch.max(1),
        tokenise_per_token: Seconds::new(0.0),
        first_token_overhead: Seconds::new(0.0),
        schedules_ahead: false,
        receive_interval: 1,
        batch_wait: None,
        balance_wait: 0,
        reserved_output: 1.0,
        ..engine
    }
}

fn result<T: StepTimes, S: rackplan_traffic::Source>(playing: Playing<'_, '_, T, S>) -> Played {
    let ranks = || playing.replicas.iter().flat_map(|replica| &replica.ranks);
    let kv_peak = ranks().map(|rank| rank.cache.peak_tokens()).fold(0.0, f64::max);
    let preemptions = ranks().map(|rank| rank.taken_back).sum::<u64>() as u32;
    let recorder = playing.recorder;
    let totals = recorder.totals();
    let Tally { finished, ttft, tpot, e2e, .. } = recorder.all;
    let duration = recorder.last_token.seconds();
    let per_second = |amount: f64| if duration > 0.0 { amount / duration } else { 0.0 };
    let mut rows = recorder.rows.unwrap_or_default();
    rows.sort_unstable_by_key(|row| row.number);
    let refused = recorder.refused.into_iter().map(|(refusal, count)| (refusal, count as u32)).collect();
    Played {
        requests: playing.sent as u32,
        finished: finished as u32,
        refused,
        ttft: ttft.summary(),
        tpot: tpot.summary(),
        e2e: e2e.summary(),
        duration: Seconds::new(duration),
        output_tokens_per_second: per_second(totals.output_tokens as f64),
        total_tokens_per_second: per_second((totals.output_tokens + totals.prompt_tokens) as f64),
        requests_per_second: per_second(finished as f64),
        decode_batch_mean: totals.decodes / totals.decode_steps.max(1) as f64,
        steps: totals.steps,
        preemptions,
        kv_peak,
        rows,
    }
}
