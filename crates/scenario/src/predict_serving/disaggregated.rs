//! Prompts on some workers, answers on others: a closed network of two stations.

use super::ServingPredictor;
use super::anchors::Factors;
use super::outcome::ServingPrediction;
use super::tables::evidence;
use crate::serving::{Load, Pool, ServingCase};
use rackplan_catalog::Framework;
use rackplan_perf::collectives::send::{Path, Transfer, send};
use rackplan_perf::{Batch, Chunk, Deployment, Memory, StepTable, bytes_of_sequence};
use statrs::function::erf::erfc;

/// What one pool's workers take.
struct Station<'a> {
    pool: Pool,
    deployment: &'a Deployment<'a>,
    table: &'a StepTable,
    /// Of an anchor, on the steps of this pool.
    factor: f64,
}

/// Closed loop of C clients: C = X (R_prefill + R_transfer + R_decode). A prompt takes S on one of n attention ranks, and
/// waits for those before it: R_prefill = S (1 + (Q - Q / C) / n), Q = X R_prefill (Schweitzer). Answers share steps,
/// whose length grows with how many there are: R_decode = O step(N / ranks) / accepted, N = X R_decode.
pub(super) fn predict(
    predictor: &mut ServingPredictor,
    case: &ServingCase,
    framework: &Framework,
    (prefill, first): (Pool, &Deployment),
    (decode, then): (Pool, &Deployment),
    factors: Factors,
) -> ServingPrediction {
    let tables = (
        predictor.tables.of(case, first, &predictor.engines),
        predictor.tables.of(case, then, &predictor.engines),
    );
    let prefill = Station { pool: prefill, deployment: first, table: &tables.0, factor: factors.prompts };
    let decode = Station { pool: decode, deployment: then, table: &tables.1, factor: factors.decode };
    let clients = clients(case, &prefill, &decode);
    let flow = solve(case, framework, &prefill, &decode, clients);
    answer(case, &prefill, &decode, &flow)
}

/// What flows through both pools.
struct Flow {
    /// Requests per second.
    rate: f64,
    ttft: f64,
    tpot: f64,
    /// Sequences that generate on one attention rank.
    batch: f64,
}

/// Clients of the loop; other loads keep every place of the decode pool taken.
fn clients(case: &ServingCase, prefill: &Station, decode: &Station) -> f64 {
    match case.load {
        Load::Closed { concurrency } => f64::from(concurrency),
        _ => decode.most(case) + f64::from(prefill.ranks()),
    }
}

impl Station<'_> {
    /// Attention ranks of all workers.
    fn ranks(&self) -> u32 {
        self.pool.workers * self.deployment.plan.dp
    }

    /// Requests that all ranks have room for: in their caches, and among the sequences that they are launched for.
    fn most(&self, case: &ServingCase) -> f64 {
        let memory = Memory::of(self.deployment);
        let sequence = case.input.mean() + case.output.mean();
        let places = self.pool.batch.map_or(f64::INFINITY, f64::from);
        memory.sequences(self.deployment, sequence).min(places).max(1.0) * f64::from(self.ranks())
    }

    /// A prompt, alone on its rank while the other ranks have one too.
    fn prompt(&self, tokens: f64) -> f64 {
        self.factor * self.table.step(0.0, 0.0, &[Chunk { prompts: 1.0, tokens, prefix: 0.0 }])
    }
}

/// Rounds of the fixed point, each halfway to the new value.
const ROUNDS: u32 = 200;

fn solve(
    case: &ServingCase,
    framework: &Framework,
    prefill: &Station,
    decode: &Station,
    clients: f64,
) -> Flow {
    let (input, output) = (case.input.mean(), case.output.mean());
    let front = framework.front_end.first_token.get() + framework.front_end.tokenise_per_token.get() * input;
    let service = prefill.prompt(input);
    let transfer = transfer(prefill, input);
    let servers = f64::from(prefill.ranks());
    let accepted = case.speculative.map_or(1.0, |speculative| speculative.accepted_per_step);
    let ranks = f64::from(decode.ranks());
    let most = decode.most(case);
    let (mut rate, mut batch, mut waited) = (clients / (service + output * 0.02), clients / ranks, service);
    let mut tpot = 0.0;
    for _ in 0..ROUNDS {
        let queue = rate * waited;
        let full = (rate * service / servers).min(1.0);
        let others = (queue * (1.0 - 1.0 / clients) - full * servers).max(0.0) + full;
        waited = 0.5 * (waited + service * (1.0 + others / servers));
        tpot = decode.factor * decode.table.step(batch, input + output / 2.0, &[]) / accepted;
        let cycle = front + waited + transfer + (output - 1.0) * tpot;
        rate = 0.5 * (rate + (clients / cycle).min(servers / service));
        // What does not wait or pass the front end generates; more than fits waits for a place.
        let generating =
            (rate * (output - 1.0) * tpot).min(clients - rate * (waited + front)).clamp(1.0, most);
        batch = 0.5 * (batch + generating / ranks);
    }
    // The worker that takes the cache over has a front end too, and sends the first token with its next step.
    let handed = front + transfer + tpot * accepted + placing(decode, clients, output * tpot);
    // Of ten requests of a client the first meets all others' first.
    let burst = front + service * (1.0 + (clients / servers - 1.0).max(0.0) / 2.0) + handed;
    let steady = front + waited + handed;
    let share = if case.inferencex_client { 0.1 } else { 0.0 };
    Flow {
        rate,
        ttft: share * burst.max(steady) + (1.0 - share) * steady,
        tpot,
        batch: batch.max(1.0 / ranks),
    }
}

/// Share of the spread of random placement that routers leave, since they see part of the load. An estimate.
const UNEVEN: f64 = 0.5;

/// What a request waits for a place at its worker, in seconds: requests in flight are spread over n workers of b places
/// with mean m = C / n and deviation s = 1/2 sqrt(m (1 - 1/n)); those beyond b wait,
/// E[(N - b)+] = s phi(z) - (b - m) (1 - Phi(z)) with z = (b - m) / s, each as long as an answer takes over all of a worker's.
fn placing(decode: &Station, clients: f64, answer: f64) -> f64 {
    let Some(batch) = decode.pool.batch else { return 0.0 };
    let workers = f64::from(decode.pool.workers);
    let places = f64::from(batch * decode.deployment.plan.dp);
    let mean = clients / workers;
    let deviation = UNEVEN * (mean * (1.0 - 1.0 / workers)).sqrt();
    if deviation <= 0.0 {
        return 0.0;
    }
    let z = (places - mean) / deviation;
    let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    let above = 0.5 * erfc(z / std::f64::consts::SQRT_2);
    let beyond = (deviation * density - (places - mean) * above).max(0.0);
    beyond / mean.min(places) * answer
}

/// The cache of a prompt from one worker to another, over the network cards of its ranks.
fn transfer(prefill: &Station, tokens: f64) -> f64 {
    let bytes = bytes_of_sequence(prefill.deployment, tokens).get();
    let message = Transfer { bytes, messages: 1.0, path: Path::ScaleOut };
    send(&message, &prefill.deployment.device).time.get()
}

fn answer(case: &ServingCase, prefill: &Station, decode: &Station, flow: &Flow) -> ServingPrediction {
    let (input, output) = (case.input.mean(), case.output.mean());
    let (first, then) = (f64::from(prefill.pool.gpus()), f64::from(decode.pool.gpus()));
    let (memory, weights) = (Memory::of(decode.deployment), Memory::of(prefill.deployment));
    let used = flow.batch * bytes_of_sequence(decode.deployment, input + output / 2.0).get();
    let typical = Batch::decode(flow.batch, input + output / 2.0);
    let busy = flow.rate * prefill.prompt(input) / f64::from(prefill.ranks());
    ServingPrediction {
        ttft_s: Some(flow.ttft),
        tpot_s: Some(flow.tpot),
        e2e_s: Some(flow.ttft + (output - 1.0) * flow.tpot),
        output_tok_s_per_gpu: flow.rate * output / (first + then),
        total_tok_s_per_gpu: flow.rate * (input + output) / (first + then),
        total_output_tok_s: flow.rate * output,
        total_tok_s: flow.rate * (input + output),
        input_tok_s_per_prefill_gpu: Some(flow.rate * input / first.max(1.0)),
        output_tok_s_per_decode_gpu: Some(flow.rate * output / then.max(1.0)),
        memory_bytes_per_gpu: memory.weights.get() + used,
        fits: memory.fits() && weights.fits(),
        limit: if busy > 0.95 { "prefill" } else { "concurrency" },
        evidence: evidence(decode.table, &typical).name(),
        ..ServingPrediction::default()
    }
}
