//! A framework's settings and a deployment's memory as the engine that the player runs.

use crate::serving::ServingCase;
use rackplan_catalog::{Framework, Launch, Policy as Scheduling, Situation};
use rackplan_perf::collectives::send::{Path, Transfer, send};
use rackplan_perf::{Deployment, Memory, bytes_of_sequence};
use rackplan_sim::{BatchWait, Decoders, Engine, Policy, Router};
use rackplan_units::{BytesPerSecond, Seconds};

/// The engine of one replica of a case.
pub(super) fn engine(case: &ServingCase, framework: &Framework, deployment: &Deployment) -> Engine {
    let launch = launch(case, framework, &case.situation(deployment.plan));
    let policy = framework.scheduler.policy;
    Engine {
        token_budget: launch.token_budget.max(least_budget(case, policy)),
        tokens_per_step: case.speculative.map_or(1.0, |speculative| speculative.accepted_per_step),
        kv_capacity: capacity(case, deployment),
        ..launched(framework, launch, (deployment.plan.dp, deployment.plan.front_ends()))
    }
}

/// An engine of a framework with launch flags and so many attention groups and front ends, with room for any cache.
pub(crate) fn launched(framework: &Framework, launch: Launch, (dp, front_ends): (u32, u32)) -> Engine {
    let scheduler = &framework.scheduler;
    let waits = launch.batch_wait_steps > 0;
    Engine {
        policy: policy(scheduler.policy),
        token_budget: launch.token_budget,
        max_sequences: launch.max_sequences,
        ranks: dp,
        front_ends,
        tokenise_per_token: framework.front_end.tokenise_per_token,
        first_token_overhead: framework.front_end.first_token,
        schedules_ahead: scheduler.schedule_ahead_steps > 0,
        receive_interval: launch.receive_interval,
        batch_wait: waits
            .then_some(BatchWait { steps: launch.batch_wait_steps, filled: launch.batch_wait_ratio }),
        balance_wait: if dp > 1 { framework.launch.attention_dp_wait_steps } else { 0 },
        kv_block: framework.memory.page_tokens,
        reserved_output: scheduler.reserved_output,
        ..Engine::VLLM
    }
}

/// The same where others compute prompts: nothing waits so that more of them share a step.
pub(crate) fn generating(engine: Engine) -> Engine {
    Engine { batch_wait: None, balance_wait: 0, ..engine }
}

/// Workers that generate from caches which others computed, each as long as `tokens` on average. Caches take the scale-up
/// fabric where all `gpus` are in one domain, else the network, or the link named, of so many bytes per second; every
/// accelerator sends its own share, over its own link, and attention groups have links of their own.
pub(crate) fn decoders(
    engine: Engine,
    replicas: u32,
    (prefill, tokens): (&Deployment, f64),
    (gpus, link): (u64, Option<f64>),
) -> Decoders {
    let usual = if gpus as f64 <= prefill.device.domain { Path::ScaleUp } else { Path::ScaleOut };
    let path = link.map_or(usual, Path::Link);
    let time = |bytes: f64| {
        send(&Transfer { bytes, messages: 1.0, path, among: gpus as f64 }, &prefill.device).time.get()
    };
    let latency = time(0.0);
    Decoders {
        engine: generating(engine),
        replicas,
        bytes_per_token: bytes_of_sequence(prefill, tokens).get() / tokens,
        bandwidth: BytesPerSecond::new(f64::from(prefill.plan.dp) / (time(1.0) - latency).max(1e-15)),
        latency: Seconds::new(latency),
        router: Router::LeastOutstanding,
        sends_first_token: false,
    }
}

/// Tokens that the cache of a rank holds. A system that was measured ran, so there is room for one request at least,
/// whatever our estimate of its memory.
fn capacity(case: &ServingCase, deployment: &Deployment) -> f64 {
    let sequence = case.input.mean() + case.output.mean();
    let longest = f64::from(case.input.longest()) + f64::from(case.output.longest());
    Memory::of(deployment).tokens(deployment, sequence).max(longest + 256.0)
}

/// Frameworks that compute whole prompts are launched with steps that hold the longest.
fn least_budget(case: &ServingCase, policy: Scheduling) -> u32 {
    if policy == Scheduling::DecodesThenWholePrompts { case.input.longest().saturating_add(256) } else { 1 }
}

fn policy(policy: Scheduling) -> Policy {
    match policy {
        Scheduling::DecodesThenChunks => Policy::ChunkedWithDecodes,
        Scheduling::DecodesThenWholePrompts => Policy::WholeWithDecodes,
        Scheduling::PromptsAlone => Policy::PromptsFirst,
    }
}

/// The launch flags: those of the benchmark's published scripts where its client is known, else the defaults.
pub(super) fn launch(case: &ServingCase, framework: &Framework, situation: &Situation) -> Launch {
    if case.inferencex_client {
        framework.benchmark_launch(situation)
    } else {
        framework.default_launch(situation.memory)
    }
}
