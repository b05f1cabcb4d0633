//! Units of workers for prompts and workers for answers: which plans are paired, and in which numbers.
//!
//! Both pools are asked alone for what a worker takes, per accelerator; only the best few of each are paired. What they
//! would have been paired with otherwise is counted as dominated.

use crate::pools::Workers;
use crate::rules;
use crate::search::Tried;
use crate::{Dropped, Found, KvPolicy, Pools, Question, Replica, Station, Targets, highest};
use rackplan_perf::{Compiled, Deployment, Memory, ParallelPlan};
use rackplan_units::Seconds;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Plans of each pool that are paired, beside the best of each number of accelerators: small workers make small units, which
/// waste less where a load needs few.
const BEST: usize = 6;
/// Pairs that are priced.
const PAIRS: usize = 14;
/// Decode workers of a unit.
const DECODERS: [u32; 4] = [1, 2, 3, 4];
/// Most prefill workers of a unit.
const PREFILLERS: u32 = 32;

/// A worker of one pool at the most it takes.
struct Worker {
    plan: ParallelPlan,
    compiled: Compiled,
    /// Requests per second.
    rate: f64,
}

impl Worker {
    fn per_gpu(&self) -> f64 {
        self.rate / f64::from(self.plan.gpus())
    }
}

/// Units for every way to keep caches outside the decode workers, and how many pairs were not priced.
pub(crate) fn search(question: &Question, plans: &[ParallelPlan], domain: u32) -> (Vec<Tried>, u64) {
    let fit: Vec<ParallelPlan> = plans.iter().copied().filter(|plan| fits(question, *plan, domain)).collect();
    let kept = |policy: &&KvPolicy| policy.hbm_share <= 0.0 || question.request.kept <= 0.0;
    let (mut tried, mut dominated) = (Vec::new(), 0);
    for policy in question.policies.iter().filter(kept) {
        let prefill = best(&fit, |plan| prefill_worker(question, plan, policy));
        let decode = best(&fit, |plan| decode_worker(question, plan, policy));
        let pairs = pairs(&prefill, &decode);
        dominated += (fit.len() * fit.len()).saturating_sub(pairs.len()) as u64 * DECODERS.len() as u64;
        let units: Vec<Vec<Tried>> =
            pairs.par_iter().map(|(first, then)| units(question, policy, first, then)).collect();
        tried.extend(units.into_iter().flatten());
    }
    (tried, dominated)
}

/// Pairs that take the fewest accelerators for each request, 1/a + 1/b of what workers take per accelerator.
fn pairs<'w>(prefill: &'w [Worker], decode: &'w [Worker]) -> Vec<(&'w Worker, &'w Worker)> {
    let mut all: Vec<(&Worker, &Worker)> =
        prefill.iter().flat_map(|first| decode.iter().map(move |then| (first, then))).collect();
    let cost = |(first, then): &(&Worker, &Worker)| 1.0 / first.per_gpu() + 1.0 / then.per_gpu();
    all.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
    all.truncate(PAIRS);
    all
}

fn fits(question: &Question, plan: ParallelPlan, domain: u32) -> bool {
    rules::check(&Deployment { plan, ..question.deployment }, &question.request, domain).is_ok()
}

/// The plans that take most per accelerator, of all and of each number of accelerators, in that order; among equals the
/// smaller one.
fn best(plans: &[ParallelPlan], worker: impl Fn(ParallelPlan) -> Option<Worker> + Sync) -> Vec<Worker> {
    let mut workers: Vec<Worker> = plans.par_iter().filter_map(|plan| worker(*plan)).collect();
    workers.sort_by(|a, b| b.per_gpu().total_cmp(&a.per_gpu()).then(a.plan.gpus().cmp(&b.plan.gpus())));
    let mut sizes = BTreeSet::new();
    let mut place = 0;
    workers.retain(|worker| {
        place += 1;
        sizes.insert(worker.plan.gpus()) || place <= BEST
    });
    workers
}

fn prefill_worker(question: &Question, plan: ParallelPlan, policy: &KvPolicy) -> Option<Worker> {
    let compiled = question.compiled(plan);
    let replica = question.replica(plan, &compiled).keeping(*policy, &question.request);
    let rate = Pools::prompts_per_second(&replica, &question.targets, question.targets.percentile)?;
    Some(Worker { plan, compiled, rate })
}

fn decode_worker(question: &Question, plan: ParallelPlan, policy: &KvPolicy) -> Option<Worker> {
    let compiled = question.compiled(plan);
    let replica = question.replica(plan, &compiled).keeping(*policy, &question.request);
    // Whatever any class waits for its first token.
    let replica = replica.among(&[]);
    let pools = question.pools(unhurried(replica), replica, Workers { prefill: 1, decode: 1 });
    let whenever = Seconds::new(f64::INFINITY);
    let free = Targets { ttft: whenever, e2e: whenever, ..question.targets };
    let served = highest(&Station::Apart(pools), &free, &question.population, question.batches).ok()?;
    let rate = served.most_per_second;
    Some(Worker { plan, compiled, rate })
}

/// A prefill side that takes any load, so that only the decode side says no.
fn unhurried(replica: Replica) -> Replica {
    replica.paced(crate::Pace { slower: 1e-9, ..replica.pace }).keeping_nothing()
}

/// Units of a pair in balanced numbers.
fn units(question: &Question, policy: &KvPolicy, first: &Worker, then: &Worker) -> Vec<Tried> {
    let keeping = |worker: &Worker, compiled| {
        question.replica(worker.plan, compiled).keeping(*policy, &question.request)
    };
    let (prefill, decode) = (keeping(first, &first.compiled), keeping(then, &then.compiled));
    let memory = Memory::of(&Deployment { plan: then.plan, ..question.deployment });
    let mut shapes: Vec<Workers> = DECODERS
        .into_iter()
        .flat_map(|decode| {
            let balanced = f64::from(decode) * then.rate / first.rate;
            let around = [balanced.floor(), balanced.ceil()];
            around.map(|prefill| Workers { prefill: (prefill as u32).clamp(1, PREFILLERS), decode })
        })
        .collect();
    shapes.dedup();
    let tried = shapes.into_iter().map(|workers| {
        let station = Station::Apart(question.pools(prefill, decode, workers));
        let served = highest(&station, &question.targets, &question.population, question.batches);
        let (plan, cached) = (then.plan, decode.room.sequences());
        served
            .map(|served| Found {
                plan,
                pools: Some((workers, first.plan)),
                policy: *policy,
                memory,
                cached,
                served,
            })
            .map_err(|reason| Dropped { plan, reason })
    });
    tried.collect()
}
