//! One kind of worker that computes prompts and answers: the client is played against it.

use super::ServingPredictor;
use super::anchors::Factors;
use super::engine::engine;
use super::outcome::ServingPrediction;
use super::tables::evidence;
use crate::serving::{Load, ServingCase};
use rackplan_catalog::Framework;
use rackplan_perf::{Average, Batch, Deployment, Memory, StepTable, bytes_of_sequence};
use rackplan_sim::{Engine, Load as Played, Step, StepTimes, Summary, Workload, play};

pub(super) fn predict(
    predictor: &mut ServingPredictor,
    case: &ServingCase,
    framework: &Framework,
    deployment: &Deployment,
    factors: Factors,
) -> ServingPrediction {
    let table = predictor.tables.of(case, deployment, &predictor.engines);
    let engine = engine(case, framework, deployment);
    let times = Times { table: &table, host: host(case, framework), factors };
    let replicas = case.replicas.max(1);
    let load = match case.load {
        Load::Closed { concurrency } => Played::closed_loop(concurrency.div_ceil(replicas)),
        Load::AllAtOnce => Played::AllAtOnce { requests: requests(case, &engine) },
        Load::StaticBatch { batch } => Played::StaticBatch { batch: batch.div_ceil(replicas) },
        Load::Poisson { rate } => {
            Played::Poisson { rate: rate / f64::from(replicas), requests: OPEN_REQUESTS }
        }
        Load::Limits { .. } => {
            Played::Poisson { rate: within_limits(case, &engine, &times), requests: OPEN_REQUESTS }
        }
    };
    let workload = Workload::new(load, case.input.clone(), case.output.clone());
    let seen = play(&engine, &times, &workload);
    let all = f64::from(replicas);
    let gpus = f64::from(deployment.plan.gpus());
    let memory = Memory::of(deployment);
    let sequence = case.input.mean() + case.output.mean();
    let used = seen.kv_peak / sequence * bytes_of_sequence(deployment, sequence).get();
    let typical = Batch::decode(
        (seen.decode_batch_mean / f64::from(deployment.plan.dp)).max(1.0),
        case.input.mean() + case.output.mean() / 2.0,
    );
    let mean = |of: Option<Summary>| of.map(|summary| summary.mean.get());
    let p50 = |of: Option<Summary>| of.map(|summary| summary.p50.get());
    let p99 = |of: Option<Summary>| of.map(|summary| summary.p99.get());
    ServingPrediction {
        ttft_s: mean(seen.ttft),
        ttft_p50_s: p50(seen.ttft),
        ttft_p99_s: p99(seen.ttft),
        tpot_s: mean(seen.tpot),
        tpot_p50_s: p50(seen.tpot),
        tpot_p99_s: p99(seen.tpot),
        e2e_s: mean(seen.e2e),
        e2e_p50_s: p50(seen.e2e),
        output_tok_s_per_gpu: seen.output_tokens_per_second / gpus,
        total_tok_s_per_gpu: seen.total_tokens_per_second / gpus,
        total_output_tok_s: seen.output_tokens_per_second * all,
        total_tok_s: seen.total_tokens_per_second * all,
        memory_bytes_per_gpu: memory.weights.get() + used,
        fits: memory.fits() && memory.sequences(deployment, sequence) >= 1.0,
        limit: limit(case, &engine, seen.kv_peak),
        evidence: evidence(&table, &typical).name(),
        ..ServingPrediction::default()
    }
}

/// Requests of an open load.
const OPEN_REQUESTS: u32 = 2000;
/// Of a finite set: as many as make this many output tokens, between two ends. Published maximum throughputs use 30,000
/// requests of 128 tokens and 1,000 to 3,000 of 2,048 (TensorRT-LLM, performance overview).
const QUEUED_TOKENS: f64 = 4e6;
const QUEUED: (f64, f64) = (1000.0, 30_000.0);
/// At least so many times what runs at once, so that the end, when places stay empty, is a small part of the whole.
const ROUNDS: f64 = 4.0;

fn requests(case: &ServingCase, engine: &Engine) -> u32 {
    let sequence = case.input.mean() + case.output.mean();
    let places = f64::from(engine.max_sequences).min(engine.kv_capacity / sequence) * f64::from(engine.ranks);
    (QUEUED_TOKENS / case.output.mean()).max(ROUNDS * places).clamp(QUEUED.0, QUEUED.1) as u32
}

/// Time of the host in a step, which shows where all requests are queued at once: per step and per sequence.
fn host(case: &ServingCase, framework: &Framework) -> (f64, f64) {
    match case.load {
        Load::AllAtOnce => (framework.host.step.get(), framework.host.per_sequence.get()),
        _ => (0.0, 0.0),
    }
}

/// Steps of a deployment with the host's time beside them, and the factors of anchors on them.
struct Times<'a> {
    table: &'a StepTable,
    host: (f64, f64),
    factors: Factors,
}

impl Times<'_> {
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
        self.device(step) + self.host.0 + self.host.1 * step.decodes
    }

    fn straight_to(&self, step: &Step<'_>) -> f64 {
        self.table.straight_to(step)
    }
}

/// The highest rate of one replica within the limits, in requests per second, by bisection on the player.
fn within_limits(case: &ServingCase, engine: &Engine, times: &Times) -> f64 {
    let Load::Limits { ttft_p99, tpot_p99 } = case.load else { return 0.0 };
    let holds = |rate: f64| {
        let load = Played::Poisson { rate, requests: OPEN_REQUESTS };
        let seen = play(engine, times, &Workload::new(load, case.input.clone(), case.output.clone()));
        let below = |of: Option<Summary>, limit: f64| of.is_none_or(|summary| summary.p99.get() <= limit);
        below(seen.ttft, ttft_p99.get()) && below(seen.tpot, tpot_p99.get())
    };
    let queued = Played::AllAtOnce { requests: requests(case, engine) };
    let most = play(engine, times, &Workload::new(queued, case.input.clone(), case.output.clone()));
    let (mut low, mut high) = (0.0, 1.2 * most.requests_per_second);
    for _ in 0..STEPS {
        let middle = 0.5 * (low + high);
        if holds(middle) { low = middle } else { high = middle }
    }
    low.max(high * 1e-3)
}

/// Halvings of the interval: to a thousandth of the highest throughput.
const STEPS: u32 = 10;

fn limit(case: &ServingCase, engine: &Engine, kv_peak: f64) -> &'static str {
    match case.load {
        Load::Limits { .. } => "latency",
        _ if kv_peak > 0.95 * engine.kv_capacity => "kv_cache",
        Load::AllAtOnce => "throughput",
        _ => "concurrency",
    }
}
