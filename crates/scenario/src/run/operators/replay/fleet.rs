//! One instance of a plan as the simulator takes it: its engines, its caches, the link between its workers.

use super::super::context::Context;
use super::super::setup::Setup;
use crate::predict_serving::{generating, launched};
use rackplan_perf::{Compiled, StepTable};
use rackplan_plan::{Found, Pools, Replica, Station, Tier};
use rackplan_sim::{Caching, Decoders, Engine, Fleet, Router, Step, StepTimes, Tier as Store};
use rackplan_units::{BytesPerSecond, Seconds};

/// Step times of a plan, slower where someone wants to be surer.
#[derive(Debug)]
pub(super) struct Times {
    table: StepTable,
    slower: f64,
}

impl StepTimes for Times {
    fn time(&self, step: &Step<'_>) -> f64 {
        self.slower * self.table.time(step)
    }

    fn straight_to(&self, step: &Step<'_>) -> f64 {
        self.table.straight_to(step)
    }
}

/// Of workers for prompts, then of those that generate, where they differ.
pub(super) fn step_times((decode, prefill): (Compiled, Option<Compiled>), slower: f64) -> Vec<Times> {
    let times = |compiled| Times { table: StepTable::new(compiled), slower };
    prefill.into_iter().chain([decode]).map(times).collect()
}

/// One instance, or one unit of workers for prompts and workers for answers.
pub(super) fn fleet(context: Context, setup: &Setup, found: &Found, station: &Station) -> Fleet {
    let engine = |replica: &Replica| engine(context, setup, replica);
    let prefill = station.prefill();
    let fleet = Fleet { caching: caching(found, prefill), ..Fleet::of(engine(prefill), 1) };
    let Station::Apart(pools) = station else { return fleet };
    let decoders = decoders(pools, generating(engine(&pools.decode)));
    // As the closed form has it: a prompt goes where least is to do.
    let router = Router::LeastOutstanding;
    Fleet { replicas: pools.workers.prefill, decoders: Some(decoders), router, ..fleet }
}

fn engine(context: Context, setup: &Setup, replica: &Replica) -> Engine {
    let framework = context.framework(setup.backend);
    let launch = framework.default_launch(setup.real().gpu.record.memory.capacity);
    let usual = launched(framework, launch, (replica.room.ranks as u32, replica.room.front_ends as u32));
    Engine {
        // Whole prompts need a step that holds them, and are launched so.
        token_budget: usual.token_budget.max(replica.scheduler.token_budget as u32),
        tokens_per_step: replica.pace.accepted,
        kv_capacity: replica.room.cache / bytes_per_token(replica),
        ..usual
    }
}

/// Bytes of a cached token on one accelerator.
fn bytes_per_token(replica: &Replica) -> f64 {
    replica.room.sequence / replica.request.longest()
}

/// Prefixes are kept where requests have any; what HBM has no room for goes to the tier of the plan.
fn caching(found: &Found, replica: &Replica) -> Caching {
    let bytes_per_token = bytes_per_token(replica);
    let store = |tier: Tier| Store {
        name: tier.kind.name().to_owned(),
        capacity_tokens: tier.capacity / bytes_per_token,
        read: BytesPerSecond::new(tier.read_shared),
        write: BytesPerSecond::new(tier.write_shared),
        latency: Seconds::new(0.0),
        is_shared: false,
    };
    Caching {
        keeps_prefixes: replica.request.prefix > 0.0,
        bytes_per_token,
        tiers: found.policy.tier.map(store).into_iter().collect(),
        seconds_per_token: replica.prompt_alone() / replica.request.input,
        ..Caching::default()
    }
}

/// Caches pass from worker to worker as the closed form has it: every attention rank over links of its own.
fn decoders(pools: &Pools, engine: Engine) -> Decoders {
    let (alone, asked) = (pools.handover(0.0), &pools.prefill.request);
    Decoders {
        engine,
        replicas: pools.workers.decode,
        bytes_per_token: alone.bytes / (asked.prefix + asked.input),
        bandwidth: BytesPerSecond::new(pools.prefill.room.ranks * alone.bytes / alone.time),
        latency: Seconds::new(0.0),
        router: Router::LeastOutstanding,
        sends_first_token: true,
    }
}
