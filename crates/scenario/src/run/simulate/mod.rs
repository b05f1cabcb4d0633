//! `simulate`: requests played against a deployment, event by event, on step times of the performance model.

mod capacity;
mod crowd;
mod figures;
mod fleet;
mod gpu_use;
mod list;
mod load;
mod outages;
mod people;
mod play;
mod tap;
mod tiers;
mod times;
mod tools;
mod trace;
mod verdict;
mod watch;
mod who;

use super::envelope::{read_values, wrap};
use super::explain::{Asked, StepAsked, Target, difficulty, layout, memory};
use crate::QuestionError;
use crate::answer::{Answer, SimulateAnswer, SimulateResult, SimulatedFleet, SimulatedLoad};
use crate::inputs::{Inputs, check_range};
use crate::layers::Layers;
use crate::question::{Class, Phase, classes};
use crate::simulation::Lent;
use load::Load;
use play::{Played, Stage};
use rackplan_sim::{Fleet, RequestLimits, Router, Simulated, Simulation};
use rackplan_units::Seconds;
use times::Times;

/// How far the figures can be trusted, in a sentence.
const BAND: &str = "intervals are of the play alone; step times have the bands of `explain`, latencies of whole servers \
                    those of VALIDATION.md";
/// Points of the time series, where nobody says how often.
const POINTS: f64 = 240.0;
/// Most seeds.
const MOST_SEEDS: u64 = 1000;
/// Targets of a chat, as `size` has them.
const TTFT: (f64, &str) = (2.0, "2 s");
const TPOT: (f64, &str) = (0.05, "50 ms");

/// What comes of requests that a deployment serves.
pub fn simulate(
    inputs: &Inputs,
    layers: &Layers,
    lent: &mut Lent<'_>,
) -> Result<Answer<SimulateAnswer>, QuestionError> {
    let mut asked = Asked::new(inputs, layers, "simulate")?;
    let load = Load::read(&mut asked, lent)?;
    let (isl, osl) = (load.isl_mean(), load.osl_mean());
    let target =
        Target::lay_out(&mut asked, |_, _| Ok(StepAsked { phase: Phase::Decode, isl, osl, sequences: 1.0 }))?;
    let times = Times::new(&asked, &target, &lent.op_tables)?;
    // Tables are of one pipeline stage, and of engines that cost nothing else.
    let stages = if times.is_given() { target.plan.pp } else { 1 };
    let fleet = fleet::fleet(&mut asked, &target, &times, (times.is_given(), stages))?;
    fleet::note_network(&mut asked, &target, &fleet);
    let how = how(&mut asked, &load, &fleet)?;
    let answer = answer(&mut asked, &target, (&fleet, &[times]), (&load, &how), lent)?;
    let mut question = layers.resolved();
    read_values(&asked.question, &mut question);
    for (key, id) in [("model", &target.model.id), ("hardware", &target.gpu.id)] {
        if let Some(shown) = question.get_mut(key) {
            shown.value = id.clone().into();
        }
    }
    Ok(wrap(question, asked.notes, &inputs.catalog, ("simulation", BAND), answer))
}

/// How the question is played.
#[derive(Clone, Debug)]
struct How {
    simulation: Simulation,
    /// By class.
    limits: Vec<OfClass>,
    seeds: u64,
    /// Of the search for the highest load, where it is wanted.
    percentile: Option<String>,
}

fn how(asked: &mut Asked, load: &Load<'_>, fleet: &Fleet) -> Result<How, QuestionError> {
    let settings = asked.question.simulation.clone();
    let seeds = seeds(asked, load, fleet)?;
    let limits = limits_by_class(asked)?;
    let is_sought = settings.capacity.unwrap_or_default().0;
    let percentile = is_sought.then(|| capacity::percentile(asked)).transpose()?;
    let lasts = load.lasts();
    let usual = if lasts.is_finite() { lasts / POINTS } else { 1.0 };
    let sample_every = settings.sample_every.map_or(usual, |time| time.get()).clamp(1e-3, 1e9);
    Ok(How {
        simulation: Simulation {
            skip_ahead: !settings.no_skip_ahead.unwrap_or_default().0,
            seed: asked.question.seed.map_or(1, |seed| seed.0),
            limits: limits.iter().map(|class| class.limits).collect(),
            warm_up: settings.warmup.unwrap_or_default(),
            until: None,
            sample_every: Some(Seconds::new(sample_every)),
        },
        limits,
        seeds,
        percentile,
    })
}

/// How many seeds are played: one, where another would play the very same.
fn seeds(asked: &mut Asked, load: &Load<'_>, fleet: &Fleet) -> Result<u64, QuestionError> {
    let seeds = asked.question.simulation.seeds.map_or(1, |seeds| seeds.0);
    check_range(asked.layers, "simulation.seeds", seeds, 1, MOST_SEEDS)?;
    let is_random = load.is_random() || fleet.router == Router::PowerOfTwo || !fleet.outages.is_empty();
    if seeds == 1 || is_random {
        return Ok(seeds);
    }
    asked.notes.warn(format!(
        "{} plays once: the trace, the router and the fleet leave nothing to chance, so that every seed would play the \
         same; intervals are by batch means",
        asked.layers.place("simulation.seeds")
    ));
    Ok(1)
}

/// What requests of a class are held to; of the only one, whose name is empty, where all are alike.
#[derive(Clone, Debug)]
struct OfClass {
    name: String,
    limits: RequestLimits,
}

fn limits_by_class(asked: &mut Asked) -> Result<Vec<OfClass>, QuestionError> {
    let mut all = Vec::new();
    for Class { name, layers, question, .. } in classes(asked.layers, &asked.question)? {
        let limits = asked.of_another(&layers, &question, limits)?;
        all.push(OfClass { name, limits });
    }
    if all.is_empty() {
        all.push(OfClass { name: String::new(), limits: limits(asked)? });
    }
    Ok(all)
}

fn limits(asked: &mut Asked) -> Result<RequestLimits, QuestionError> {
    let targets = asked.question.targets.clone();
    let mut one = |path: &str, given: Option<Seconds>, (usual, text): (f64, &str)| {
        let limit = given.unwrap_or_else(|| {
            if usual.is_finite() {
                asked.notes.assume(path, text, "a chat");
            }
            Seconds::new(usual)
        });
        if limit.get() > 0.0 {
            return Ok(limit);
        }
        Err(QuestionError::value(asked.layers.place(path), "nothing is that fast")
            .with_hint("expected more than 0, e.g. `500ms`"))
    };
    Ok(RequestLimits {
        ttft: one("targets.ttft", targets.ttft, TTFT)?,
        tpot: one("targets.tpot", targets.tpot, TPOT)?,
        e2e: one("targets.e2e", targets.e2e, (f64::INFINITY, ""))?,
    })
}

fn answer(
    asked: &mut Asked,
    target: &Target,
    (fleet, times): (&Fleet, &[Times]),
    (load, how): (&Load<'_>, &How),
    lent: &mut Lent<'_>,
) -> Result<SimulateAnswer, QuestionError> {
    let deployment = target.deployment(target.plan);
    // A cache whose blocks are given, as tables of operators, need no memory of ours.
    let is_given = asked.question.engine.kv_blocks.is_some();
    let difficulty = (!is_given).then(|| difficulty(target, &memory(target, &deployment))).flatten();
    let fits = difficulty.is_none();
    let stage = Stage { fleet, times, load, simulation: &how.simulation, interrupted: lent.interrupted };
    let played = fits.then(|| stage.watched(lent.watch));
    let result = played.as_ref().map(|played| result(asked, target, &stage, how, played));
    let capacity = result.as_ref().and_then(|result| {
        let percentile = how.percentile.clone().filter(|_| !result.stopped)?;
        let saturated = result.verdict.saturated_requests_per_s;
        Some(capacity::capacity(&stage, &how.limits, percentile, saturated))
    });
    let seen = played.as_ref().map(|played| &played.passed);
    Ok(SimulateAnswer {
        model: target.model.record.name.clone(),
        gpu: target.gpu.record.name.clone(),
        backend: target.backend.name().to_owned(),
        layout: layout(target),
        fleet: fleet_as_data(target, fleet, times),
        load: SimulatedLoad {
            kind: load.kind(),
            is_closed: load.is_closed(),
            offered_requests_per_s: load.offered(),
            isl_mean: seen.map_or(target.isl, tap::Passed::isl_mean),
            osl_mean: seen.map_or(target.osl, tap::Passed::osl_mean),
            skipped_lines: load.skipped_lines(),
        },
        fits,
        difficulty,
        result,
        capacity,
    })
}

fn result(
    asked: &mut Asked,
    target: &Target,
    stage: &Stage<'_>,
    how: &How,
    played: &Played,
) -> SimulateResult {
    let simulated = &played.simulated;
    warn_of_refusals(asked, simulated);
    let others = if simulated.stopped { Vec::new() } else { stage.others(how.seeds) };
    let seeds: Vec<&Simulated> = std::iter::once(simulated).chain(&others).collect();
    let machine = asked.machine().ok().flatten();
    let fleet = stage.fleet;
    if simulated.stopped {
        asked
            .notes
            .warn("the play was ended before its end; figures are of what was answered by then".to_owned());
    }
    SimulateResult {
        verdict: verdict::verdict(fleet, stage.times, &played.passed, stage.load.offered()),
        stopped: simulated.stopped,
        seeds: seeds.len() as u64,
        end_s: simulated.end.get(),
        span_s: simulated.span.get(),
        requests: figures::counts(simulated),
        ttft: figures::latency(&seeds, |seed| seed.all.ttft),
        tpot: figures::latency(&seeds, |seed| seed.all.tpot),
        itl: figures::gaps(&seeds),
        e2e: figures::latency(&seeds, |seed| seed.all.e2e),
        queueing: figures::latency(&seeds, |seed| seed.all.queueing),
        throughput: figures::throughput(&seeds, gpus(target, fleet)),
        goodput: figures::goodput(&seeds, &how.limits),
        classes: figures::classes(&seeds, &how.limits),
        engine: figures::engine(simulated),
        cache: figures::cache(fleet, simulated, &played.series),
        transfers: figures::transfers(fleet, simulated),
        use_of_gpus: gpu_use::gpu_use(target, machine.as_ref(), &asked.inputs.catalog, simulated),
        series: played.series.clone(),
        distributions: played.distributions.clone(),
    }
}

fn warn_of_refusals(asked: &mut Asked, simulated: &Simulated) {
    for (reason, count) in &simulated.refused {
        let sent = simulated.all.sent;
        asked
            .notes
            .warn(format!("{count} of {sent} requests are refused: {reason}; latencies are of the others"));
    }
}

/// Accelerators of the fleet at the start.
fn gpus(target: &Target, fleet: &Fleet) -> u64 {
    let decoders = fleet.decoders.as_ref().map_or(0, |decoders| decoders.replicas);
    u64::from(fleet.replicas + decoders) * u64::from(target.plan.gpus())
}

fn fleet_as_data(target: &Target, fleet: &Fleet, times: &[Times]) -> SimulatedFleet {
    let engine = &fleet.engine;
    let router = fleet::ROUTERS.iter().find(|(_, router)| *router == fleet.router);
    let step_times = if times.iter().any(Times::is_given) { "op_tables" } else { "operators" };
    SimulatedFleet {
        replicas: fleet.replicas,
        autoscale: fleet.scaling.map(|scaling| [scaling.least, scaling.most]),
        decode_replicas: fleet.decoders.as_ref().map_or(0, |decoders| decoders.replicas),
        gpus: gpus(target, fleet),
        router: router.map_or("", |(name, _)| name).to_owned(),
        signal_age_s: fleet.signal_age.get(),
        chunk_tokens: engine.token_budget,
        max_batch: engine.max_sequences,
        kv_capacity_tokens: engine.kv_capacity,
        kv_block_tokens: engine.kv_block,
        prefix_cache: fleet.caching.keeps_prefixes,
        step_times: step_times.to_owned(),
    }
}
