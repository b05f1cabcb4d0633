//! One kind of worker that computes prompts and answers.

use super::ServingPredictor;
use super::anchors::Factors;
use super::engine::engine;
use super::outcome::ServingPrediction;
use super::stage::{Stage, Times, seen};
use super::tables::evidence;
use crate::serving::{Load, ServingCase};
use rackplan_catalog::Framework;
use rackplan_perf::{Batch, Deployment, Memory, bytes_of_sequence};
use rackplan_sim::{Engine, Fleet};

pub(super) fn predict(
    predictor: &mut ServingPredictor,
    case: &ServingCase,
    framework: &Framework,
    deployment: &Deployment,
    factors: Factors,
) -> ServingPrediction {
    let table = predictor.tables.of(case, deployment, &predictor.engines);
    let engine = engine(case, framework, deployment);
    let copies = case.replicas.max(1);
    let times = vec![Times::of(&table, case, framework, factors)];
    let played = Stage { fleet: Fleet::of(engine, 1), times, copies }.play(case);
    let memory = Memory::of(deployment);
    let sequence = case.input.mean() + case.output.mean();
    let used = played.kv_peak / sequence * bytes_of_sequence(deployment, sequence).get();
    let typical = Batch::decode(
        (played.decode_batch_mean / f64::from(deployment.plan.dp)).max(1.0),
        case.input.mean() + case.output.mean() / 2.0,
    );
    ServingPrediction {
        memory_bytes_per_gpu: memory.weights.get() + used,
        fits: memory.fits() && memory.sequences(deployment, sequence) >= 1.0,
        limit: limit(case, &engine, played.kv_peak),
        evidence: evidence(&table, &typical).name(),
        ..seen(&played, f64::from(deployment.plan.gpus()), f64::from(copies))
    }
}

fn limit(case: &ServingCase, engine: &Engine, kv_peak: f64) -> &'static str {
    match case.load {
        Load::Limits { .. } => "latency",
        _ if kv_peak > 0.95 * engine.kv_capacity => "kv_cache",
        Load::AllAtOnce => "throughput",
        _ => "concurrency",
    }
}
