//! Units of workers for prompts and workers for answers: which plans are paired, and in which numbers.
//!
//! Both pools are asked alone for what so many workers take; the best few of each are paired, in all numbers of which neither
//! pool idles. No unit takes more than either of its pools could alone, so that most need not be priced: those that
//! several of a unit already priced would replace, on no more accelerators, are counted as dominated.

use crate::pools::Workers;
use crate::queueing::PromptQueue;
use crate::rules;
use crate::search::Tried;
use crate::{Dropped, Found, KvPolicy, Question, Replica, Station, Targets, highest};
use rackplan_perf::{Compiled, Deployment, Memory, ParallelPlan};
use rackplan_units::Seconds;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Plans of each pool that are paired, beside the best few of each number of accelerators: small workers make small units,
/// which waste less where a load needs few.
const BEST: usize = 16;
const BEST_OF_SIZE: u32 = 3;
/// Units that are priced side by side before the rest are looked at again.
const BATCH: usize = 16;
/// Most workers of a unit that generate, and most that compute prompts.
const DECODERS: u32 = 4;
const PREFILLERS: u32 = 32;
/// Numbers of workers that are asked for what they take.
const ASKED: [u32; 5] = [2, 4, 8, 16, 32];

/// Workers for prompts beyond those that would do if caches and the step that sends the first token took no time, and each
/// took as much as one of more.
const SPARE: u32 = 2;
/// The highest load is found within two hundredths.
const SLACK: f64 = 1.02;

/// Workers of one pool, asked alone.
struct Alone {
    plan: ParallelPlan,
    compiled: Compiled,
    /// What one of them takes at most, what two do, and so on: no less, since of workers that share what comes each takes
    /// more, and so as much as where the next larger number that was asked for does.
    limits: Vec<Limit>,
}

/// What so many workers take within the targets.
#[derive(Clone, Copy)]
struct Limit {
    /// Requests per second.
    rate: f64,
    /// What a request takes at that rate, and where hardly any come, in seconds.
    times: [f64; 2],
}

impl Limit {
    /// Of fewer workers than `asked`, where each takes as much.
    fn of_fewer(self, asked: u32, workers: u32) -> Self {
        Self { rate: self.rate * f64::from(workers) / f64::from(asked), ..self }
    }

    /// What a request takes at a lower rate: no more than on a line between the two, since times grow ever faster.
    fn time_at(&self, rate: f64) -> f64 {
        let [high, low] = self.times;
        low + (high - low) * (rate / self.rate).min(1.0)
    }
}

impl Alone {
    fn per_gpu(&self) -> f64 {
        self.limits[0].rate / f64::from(self.plan.gpus())
    }
}

/// Units for every way to keep caches outside the decode workers, and how many were not priced.
pub(crate) fn search(question: &Question, plans: &[ParallelPlan], domain: u32) -> (Vec<Tried>, u64) {
    let fits =
        |plan| rules::check(&Deployment { plan, ..question.deployment }, &question.request, domain).is_ok();
    let fit: Vec<ParallelPlan> = plans.iter().copied().filter(|plan| fits(*plan)).collect();
    let kept = |policy: &&KvPolicy| policy.hbm_share <= 0.0 || question.request.kept <= 0.0;
    let (mut tried, mut dominated) = (Vec::new(), 0);
    for policy in question.policies.iter().filter(kept) {
        let asked = Asked { question, policy };
        let prefill = asked.best(&fit, PREFILLERS, prompts);
        let decode = asked.best(&fit, DECODERS, answers);
        let units = asked.priced(candidates(question, &prefill, &decode));
        let all = fit.len() as u64 * fit.len() as u64 * u64::from(DECODERS);
        dominated += all.saturating_sub(units.len() as u64);
        tried.extend(units);
    }
    (tried, dominated)
}

/// A question with one way to keep caches.
#[derive(Clone, Copy)]
struct Asked<'q> {
    question: &'q Question<'q>,
    policy: &'q KvPolicy,
}

/// What so many workers of a plan take alone, if anything.
type OfWorkers = fn(&Question, &Replica, u32) -> Option<Limit>;

impl Asked<'_> {
    fn replica<'c>(&'c self, plan: ParallelPlan, compiled: &'c Compiled) -> Replica<'c> {
        self.question.replica(plan, compiled).keeping(*self.policy, &self.question.request)
    }

    /// The plans of which one worker takes most per accelerator, of all and of each number of accelerators; among equals
    /// the smaller one.
    fn best(&self, plans: &[ParallelPlan], most: u32, limit: OfWorkers) -> Vec<Alone> {
        let of =
            |plan, compiled: &Compiled, workers| limit(self.question, &self.replica(plan, compiled), workers);
        let alone = |plan: &ParallelPlan| {
            let compiled = self.question.compiled(*plan);
            let limits = vec![of(*plan, &compiled, 1)?];
            Some(Alone { plan: *plan, compiled, limits })
        };
        let mut pool: Vec<Alone> = plans.par_iter().filter_map(alone).collect();
        pool.sort_by(|a, b| b.per_gpu().total_cmp(&a.per_gpu()).then(a.plan.gpus().cmp(&b.plan.gpus())));
        let (mut sizes, mut place) = (BTreeMap::new(), 0);
        pool.retain(|alone| {
            let of_size = sizes.entry(alone.plan.gpus()).or_insert(0);
            (place, *of_size) = (place + 1, *of_size + 1);
            *of_size <= BEST_OF_SIZE || place <= BEST
        });
        pool.par_iter_mut().for_each(|Alone { plan, compiled, limits }| {
            for asked in ASKED.into_iter().take_while(|asked| *asked <= most) {
                let Some(limit) = of(*plan, compiled, asked) else { break };
                let from = limits.len() as u32 + 1;
                limits.extend((from..=asked).map(|workers| limit.of_fewer(asked, workers)));
            }
        });
        pool
    }

    /// Prices units until all that are left are replaced by several of another.
    fn priced(&self, mut left: Vec<Unit>) -> Vec<Tried> {
        let mut tried = Vec::new();
        while !left.is_empty() {
            let rest = left.split_off(BATCH.min(left.len()));
            let batch: Vec<Tried> = left.par_iter().map(|unit| self.price(unit)).collect();
            let taken = |(unit, tried): (&Unit, &Tried)| {
                tried.as_ref().ok().map(|found| (unit.gpus, found.served.taken))
            };
            let known: Vec<(u32, f64)> = left.iter().zip(&batch).filter_map(taken).collect();
            tried.extend(batch);
            left = rest;
            left.retain(|unit| !known.iter().any(|one| unit.is_replaced_by(*one)));
        }
        tried
    }

    fn price(&self, unit: &Unit) -> Tried {
        let (question, &Unit { first, then, workers, .. }) = (self.question, unit);
        let (prefill, decode) =
            (self.replica(first.plan, &first.compiled), self.replica(then.plan, &then.compiled));
        let memory = Memory::of(&Deployment { plan: then.plan, ..question.deployment });
        let station = Station::Apart(question.pools(prefill, decode, workers));
        let served = highest(&station, &question.targets, &question.population, question.batches);
        let (plan, cached) = (then.plan, decode.room.sequences());
        let (pools, policy) = (Some((workers, first.plan)), *self.policy);
        served
            .map(|served| Found { plan, pools, policy, memory, cached, served })
            .map_err(|reason| Dropped { plan, reason })
    }
}

/// Workers for prompts, whatever answers take. Both workers have a front end.
fn prompts(question: &Question, replica: &Replica, workers: u32) -> Option<Limit> {
    let queue = PromptQueue::of(replica, workers);
    let fronts =
        2.0 * replica.pace.later * (replica.tokenise(&replica.request) + replica.scheduler.first_token);
    let ttft = Seconds::new(question.targets.ttft.get() - fronts);
    let rate = queue.highest(&Targets { ttft, ..question.targets })?;
    Some(Limit { rate, times: [rate, 0.0].map(|rate| fronts + queue.time(rate, None)) })
}

/// Workers for answers, whatever prompts, and first tokens of any class, take.
fn answers(question: &Question, replica: &Replica, workers: u32) -> Option<Limit> {
    let replica = replica.among(&[]);
    let unhurried = replica.paced(crate::Pace { slower: 1e-9, ..replica.pace }).keeping_nothing();
    let station = Station::Apart(question.pools(unhurried, replica, Workers { prefill: 1, decode: workers }));
    let whenever = Seconds::new(f64::INFINITY);
    let free = Targets { ttft: whenever, e2e: whenever, ..question.targets };
    let served = highest(&station, &free, &question.population, question.batches).ok()?;
    let times = [served.point, station.at(0.0)].map(|point| question.request.output * point.tpot);
    Some(Limit { rate: served.most_per_second, times })
}

/// So many workers of two plans.
struct Unit<'w> {
    first: &'w Alone,
    then: &'w Alone,
    workers: Workers,
    gpus: u32,
    /// Users, or requests per second, that it cannot take more of.
    most: f64,
}

impl<'w> Unit<'w> {
    fn of(question: &Question, (first, then): (&'w Alone, &'w Alone), workers: Workers) -> Self {
        let (prompts, answers) =
            (first.limits[workers.prefill as usize - 1], then.limits[workers.decode as usize - 1]);
        let rate = prompts.rate.min(answers.rate);
        let time = prompts.time_at(rate) + answers.time_at(rate);
        let gpus = workers.prefill * first.plan.gpus() + workers.decode * then.plan.gpus();
        Self { first, then, workers, gpus, most: SLACK * question.population.taken(rate, time) }
    }

    fn per_gpu(&self) -> f64 {
        self.most / f64::from(self.gpus)
    }

    /// Whether several of a unit that takes so much, on as many accelerators or fewer, take as much as this can.
    fn is_replaced_by(&self, (gpus, taken): (u32, f64)) -> bool {
        f64::from(self.gpus / gpus) * taken >= self.most
    }
}

/// Units of all pairs, those first that might take most per accelerator: not with so few workers for prompts that one worker
/// for answers less would do, and with hardly more than are needed for all that those for answers take.
fn candidates<'w>(question: &Question, prefill: &'w [Alone], decode: &'w [Alone]) -> Vec<Unit<'w>> {
    let mut all = Vec::new();
    for (first, then) in prefill.iter().flat_map(|first| decode.iter().map(move |then| (first, then))) {
        let there = first.limits.len() as u32;
        let mut fewest = 1;
        for (answers, limit) in (1..).zip(&then.limits) {
            let fewer = first.limits.iter().take_while(|prompts| prompts.rate < limit.rate).count() as u32;
            let enough = (fewer + 1).min(there);
            let unit = |prefill| Unit::of(question, (first, then), Workers { prefill, decode: answers });
            all.extend((fewest..=there.min(enough + SPARE)).map(unit));
            fewest = enough.max(2) - 1;
        }
    }
    all.sort_by(|a, b| b.per_gpu().total_cmp(&a.per_gpu()).then(a.gpus.cmp(&b.gpus)));
    all
}
