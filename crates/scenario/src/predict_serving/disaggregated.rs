//! Prompts on some workers, answers on others.

use super::ServingPredictor;
use super::anchors::Factors;
use super::engine::{decoders, engine, launch};
use super::outcome::ServingPrediction;
use super::stage::{Stage, Times, seen};
use super::tables::evidence;
use crate::serving::{Load, Pool, ServingCase};
use rackplan_catalog::Framework;
use rackplan_perf::{Batch, Chunk, Deployment, Memory, StepTable, bytes_of_sequence};
use rackplan_sim::{Decoders, Engine, Fleet, Played, Router};

/// One pool: its workers, and what a step of each takes.
struct Side<'a> {
    pool: Pool,
    deployment: &'a Deployment<'a>,
    table: &'a StepTable,
}

impl Side<'_> {
    /// Attention ranks of all workers.
    fn ranks(&self) -> u32 {
        self.pool.workers.saturating_mul(self.deployment.plan.dp)
    }
}

pub(super) fn predict(
    predictor: &mut ServingPredictor,
    case: &ServingCase,
    framework: &Framework,
    (prefill, first): (Pool, &Deployment),
    (decode, then): (Pool, &Deployment),
    factors: Factors,
) -> ServingPrediction {
    let tables = [first, then].map(|deployment| predictor.tables.of(case, deployment, &predictor.engines));
    let times = tables.iter().map(|table| Times::of(table, case, framework, factors)).collect();
    let prefill = Side { pool: prefill, deployment: first, table: &tables[0] };
    let decode = Side { pool: decode, deployment: then, table: &tables[1] };
    let fleet = fleet(case, framework, &prefill, &decode);
    let played = Stage { fleet, times, copies: case.replicas.max(1) }.play(case);
    answer(case, &prefill, &decode, &played)
}

fn fleet(case: &ServingCase, framework: &Framework, prefill: &Side, decode: &Side) -> Fleet {
    let engine = |side: &Side| engine(case, framework, side.deployment);
    let gpus = u64::from(case.layout.gpus());
    let generating = engine(decode);
    let max_sequences = places(case, framework, decode).unwrap_or(generating.max_sequences);
    let generating = Engine { max_sequences, ..generating };
    let sent = (prefill.deployment, case.input.mean());
    // Front ends of these frameworks hand requests out in turn, and the answer streams from the worker that generates.
    let decoders = Decoders {
        router: Router::RoundRobin,
        sends_first_token: true,
        ..decoders(generating, decode.pool.workers, sent, gpus)
    };
    Fleet { decoders: Some(decoders), ..Fleet::of(engine(prefill), prefill.pool.workers) }
}

/// Requests that an attention rank of those that generate has a place for: as the launch scripts have it, else as the row
/// does.
fn places(case: &ServingCase, framework: &Framework, decode: &Side) -> Option<u32> {
    let rule = launch(case, framework, &case.situation(decode.deployment.plan)).decode_places;
    match (rule, case.load) {
        (Some(rule), Load::Closed { concurrency }) => Some(rule.of_rank(concurrency, decode.ranks())),
        _ => decode.pool.batch,
    }
}

fn answer(case: &ServingCase, prefill: &Side, decode: &Side, played: &Played) -> ServingPrediction {
    let (input, output) = (case.input.mean(), case.output.mean());
    let (first, then) = (f64::from(prefill.pool.gpus()), f64::from(decode.pool.gpus()));
    let (memory, weights) = (Memory::of(decode.deployment), Memory::of(prefill.deployment));
    let used = played.kv_peak / (input + output) * bytes_of_sequence(decode.deployment, input + output).get();
    let rank_batch = played.decode_batch_mean / f64::from(decode.deployment.plan.dp);
    let typical = Batch::decode(rank_batch.max(1.0), input + output / 2.0);
    let prompt = [Chunk { prompts: 1.0, tokens: input, prefix: 0.0 }];
    let busy =
        played.requests_per_second * prefill.table.step(0.0, 0.0, &prompt) / f64::from(prefill.ranks());
    let prompt_tokens = played.total_tokens_per_second - played.output_tokens_per_second;
    ServingPrediction {
        input_tok_s_per_prefill_gpu: Some(prompt_tokens / first.max(1.0)),
        output_tok_s_per_decode_gpu: Some(played.output_tokens_per_second / then.max(1.0)),
        memory_bytes_per_gpu: memory.weights.get() + used,
        fits: memory.fits() && weights.fits(),
        limit: if busy > 0.95 { "prefill" } else { "concurrency" },
        evidence: evidence(decode.table, &typical).name(),
        ..seen(played, first + then, 1.0)
    }
}
