//! A deployment at play: replicas with the times of their steps, and the client of a case against them.

use super::anchors::Factors;
use super::outcome::ServingPrediction;
use crate::serving::{Load, ServingCase};
use rackplan_catalog::Framework;
use rackplan_perf::{Average, StepTable};
use rackplan_sim::{
    Engine, Fleet, Load as Sent, Options, Played, Step, StepTimes, Summary, Workload, play_fleet,
};

/// Replicas, and the times of their steps; of those that generate alone, if there are such, after the others'.
pub(super) struct Stage<'a> {
    pub(super) fleet: Fleet,
    pub(super) times: Vec<Times<'a>>,
    /// Stages that share the load of the case, of which one is played.
    pub(super) copies: u32,
}

impl Stage<'_> {
    /// The client of a case, to the end.
    pub(super) fn play(&self, case: &ServingCase) -> Played {
        let load = match case.load {
            Load::Closed { concurrency } => Sent::closed_loop(concurrency.div_ceil(self.copies)),
            Load::AllAtOnce => self.queued(case),
            Load::StaticBatch { batch } => Sent::StaticBatch { batch: batch.div_ceil(self.copies) },
            Load::Poisson { rate } => {
                Sent::Poisson { rate: rate / f64::from(self.copies), requests: OPEN_REQUESTS }
            }
            Load::Limits { .. } => Sent::Poisson { rate: self.within_limits(case), requests: OPEN_REQUESTS },
        };
        self.sent(case, load)
    }

    fn sent(&self, case: &ServingCase, load: Sent) -> Played {
        let workload = Workload::new(load, case.input.clone(), case.output.clone());
        play_fleet(&self.fleet, &self.times, &workload, Options::default())
    }

    /// The engine that generates, and how many there are.
    pub(super) fn generating(&self) -> (&Engine, u32) {
        let decoders = self.fleet.decoders.as_ref();
        decoders.map_or((&self.fleet.engine, self.fleet.replicas), |decoders| {
            (&decoders.engine, decoders.replicas)
        })
    }

    /// A finite set, queued at once.
    fn queued(&self, case: &ServingCase) -> Sent {
        let (engine, replicas) = self.generating();
        let sequence = case.input.mean() + case.output.mean();
        let ranks = f64::from(engine.ranks) * f64::from(replicas);
        let places = f64::from(engine.max_sequences).min(engine.kv_capacity / sequence) * ranks;
        let requests = (QUEUED_TOKENS / case.output.mean()).max(ROUNDS * places).clamp(QUEUED.0, QUEUED.1);
        Sent::AllAtOnce { requests: requests as u32 }
    }

    /// The highest rate within the limits, in requests per second, by bisection.
    fn within_limits(&self, case: &ServingCase) -> f64 {
        let Load::Limits { ttft_p99, tpot_p99 } = case.load else { return 0.0 };
        let holds = |rate: f64| {
            let seen = self.sent(case, Sent::Poisson { rate, requests: OPEN_REQUESTS });
            let below = |of: Option<Summary>, limit: f64| of.is_none_or(|summary| summary.p99.get() <= limit);
            below(seen.ttft, ttft_p99.get()) && below(seen.tpot, tpot_p99.get())
        };
        let most = self.sent(case, self.queued(case));
        let (mut low, mut high) = (0.0, 1.2 * most.requests_per_second);
        for _ in 0..STEPS {
            let middle = 0.5 * (low + high);
            if holds(middle) { low = middle } else { high = middle }
        }
        low.max(high * 1e-3)
    }
}

/// Halvings of the interval: to a thousandth of the highest throughput.
const STEPS: u32 = 10;
/// Requests of an open load.
const OPEN_REQUESTS: u32 = 2000;
/// Of a finite set: as many as make this many output tokens, between two ends. Published maximum throughputs use 30,000
/// requests of 128 tokens and 1,000 to 3,000 of 2,048 (TensorRT-LLM, performance overview).
const QUEUED_TOKENS: f64 = 4e6;
const QUEUED: (f64, f64) = (1000.0, 30_000.0);
/// At least so many times what runs at once, so that the end, when places stay empty, is a small part of the whole.
const ROUNDS: f64 = 4.0;

/// What a client saw of so many accelerators, of which `copies` alike served it.
pub(super) fn seen(played: &Played, gpus: f64, copies: f64) -> ServingPrediction {
    let mean = |of: Option<Summary>| of.map(|summary| summary.mean.get());
    let p50 = |of: Option<Summary>| of.map(|summary| summary.p50.get());
    let p99 = |of: Option<Summary>| of.map(|summary| summary.p99.get());
    ServingPrediction {
        ttft_s: mean(played.ttft),
        ttft_p50_s: p50(played.ttft),
        ttft_p99_s: p99(played.ttft),
        tpot_s: mean(played.tpot),
        tpot_p50_s: p50(played.tpot),
        tpot_p99_s: p99(played.tpot),
        e2e_s: mean(played.e2e),
        e2e_p50_s: p50(played.e2e),
        output_tok_s_per_gpu: played.output_tokens_per_second / gpus,
        total_tok_s_per_gpu: played.total_tokens_per_second / gpus,
        total_output_tok_s: played.output_tokens_per_second * copies,
        total_tok_s: played.total_tokens_per_second * copies,
        ..ServingPrediction::default()
    }
}

/// Steps of a deployment with the host's time beside them, and the factors of anchors on them.
pub(super) struct Times<'a> {
    table: &'a StepTable,
    /// What the host adds to a step besides its sequences.
    host: f64,
    factors: Factors,
}

impl<'a> Times<'a> {
    /// Of a case. The host's time shows where all requests are queued at once.
    pub(super) fn of(
        table: &'a StepTable,
        case: &ServingCase,
        framework: &Framework,
        factors: Factors,
    ) -> Self {
        let host = match case.load {
            Load::AllAtOnce => framework.host.step.get(),
            _ => 0.0,
        };
        Self { table, host, factors }
    }

    /// What generation takes by itself, and what prompts add to it, each by its factor.
    fn device(&self, step: &Step<'_>) -> f64 {
        let whole = self.table.time(step);
        if step.chunks.is_empty() {
            return whole * self.factors.decode;
        }
        if self.factors == Factors::NONE || step.decodes <= 0.0 {
            return whole * self.factors.prompts;
        }
        let average = step.average.map(|all| Average { prompt_tokens: 0.0, ..all });
        let generation = self.table.time(&Step { chunks: &[], average, ..*step }).min(whole);
        generation * self.factors.decode + (whole - generation) * self.factors.prompts
    }
}

impl StepTimes for Times<'_> {
    fn time(&self, step: &Step<'_>) -> f64 {
        self.device(step) + self.host
    }

    fn straight_to(&self, step: &Step<'_>) -> f64 {
        self.table.straight_to(step)
    }
}
