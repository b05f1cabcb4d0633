//! Units of workers for prompts and workers for answers: which plans are paired, and in which numbers.
//!
//! Both pools are asked alone for what so many workers take; all plans of both are paired, in all numbers of which neither
//! pool idles. No unit takes more than either of its pools could alone, so that most need not be priced: those that
//! several of a unit already priced would replace, on no more accelerators, are counted as dominated.

use crate::evaluate::{highest, highest_near};
use crate::pools::Workers;
use crate::queueing::PromptQueue;
use crate::rules;
use crate::search::Tried;
use crate::{Dropped, Found, KvPolicy, MayBeBest, Promise, Question, Replica, Station, Targets};
use rackplan_perf::{Compiled, Deployment, Memory, ParallelPlan};
use rackplan_units::Seconds;
use rayon::prelude::*;

/// Units that are priced side by side before the rest are looked at again.
const BATCH: usize = 16;
/// Most workers of a unit that generate. So many are asked for what they take.
const DECODERS: u32 = 4;
/// Numbers of workers that compute prompts that are asked for what they take; a unit has as many as the last at most.
const PREFILLERS: [u32; 6] = [1, 2, 4, 8, 16, 32];
/// Workers for prompts beyond those that would do if caches and the step that sends the first token took no time, and each
/// took as much as one of more.
const SPARE: u32 = 2;
/// The highest load is found within two hundredths.
const SLACK: f64 = 1.02;

/// A plan, and a worker of it as the formulas of queueing take it.
type Worker<'c> = (ParallelPlan, Replica<'c>);

/// Workers of one pool, asked alone.
struct Alone<'c> {
    plan: ParallelPlan,
    replica: Replica<'c>,
    /// What one of them takes at most, what two do, and so on: no less, since of workers that share what comes each takes
    /// more, and so as much as where the next larger number that was asked for does.
    limits: Vec<Limit>,
    /// Accelerators that a request per second takes at least.
    gpus_of_rate: f64,
    /// What a request takes at most, in seconds.
    longest: f64,
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

/// Units for every way to keep caches outside the decode workers, and how many were not priced.
pub(crate) fn search(
    question: &Question,
    (prefill, decode): (&[ParallelPlan], &[ParallelPlan]),
    domain: u32,
    may_be_best: Option<&MayBeBest>,
) -> (Vec<Tried>, u64) {
    // Both have the same plans but where some were named for prompts.
    let compiled = fitting(question, decode, domain);
    let of_prompts = (prefill != decode).then(|| fitting(question, prefill, domain));
    let of_decode = workers(question, &compiled);
    let of_prefill = of_prompts.as_ref().map_or_else(|| of_decode.clone(), |all| workers(question, all));
    let kept = |policy: &&KvPolicy| policy.hbm_share <= 0.0 || question.request.kept <= 0.0;
    let (mut tried, mut dominated) = (Vec::new(), 0);
    for policy in question.policies.iter().filter(kept) {
        let asked = Asked { question, policy, may_be_best };
        let (prefill, decode) = (asked.alone(&of_prefill, prompts), asked.alone(&of_decode, answers));
        let mut units = asked.priced(&prefill, &decode);
        if units.is_empty() {
            // Where no worker takes anything, one of each plan says why.
            let pairs = of_prefill.iter().cycle().zip(&of_decode).collect::<Vec<_>>();
            units = pairs.into_par_iter().map(|(first, then)| asked.one_of_each(first, then)).collect();
        }
        let all = of_prefill.len() as u64 * of_decode.len() as u64 * u64::from(DECODERS);
        dominated += all.saturating_sub(units.len() as u64);
        tried.extend(units);
    }
    (tried, dominated)
}

/// The plans that no rule drops, with their operators.
fn fitting(question: &Question, plans: &[ParallelPlan], domain: u32) -> Vec<(ParallelPlan, Compiled)> {
    let fits = |plan: &&ParallelPlan| {
        rules::check(&Deployment { plan: **plan, ..question.deployment }, &question.request, domain).is_ok()
    };
    let plans: Vec<&ParallelPlan> = plans.iter().filter(fits).collect();
    plans.into_par_iter().map(|plan| (*plan, question.compiled(*plan))).collect()
}

fn workers<'c>(question: &Question<'c>, plans: &'c [(ParallelPlan, Compiled)]) -> Vec<Worker<'c>> {
    plans.par_iter().map(|(plan, compiled)| (*plan, question.replica(*plan, compiled))).collect()
}

/// A question with one way to keep caches.
#[derive(Clone, Copy)]
struct Asked<'q, 'm> {
    question: &'q Question<'q>,
    policy: &'q KvPolicy,
    may_be_best: Option<&'q MayBeBest<'m>>,
}

/// What one worker of a plan takes alone, what two do, and so on; nothing where one takes nothing.
type OfWorkers = fn(&Question, &Replica) -> Vec<Limit>;

impl<'m> Asked<'_, 'm> {
    fn keeping<'c>(&self, replica: Replica<'c>) -> Replica<'c> {
        replica.keeping(*self.policy, &self.question.request)
    }

    /// The plans of which a worker takes anything.
    fn alone<'c>(&self, workers: &[Worker<'c>], limits: OfWorkers) -> Vec<Alone<'c>> {
        let alone = |(plan, replica): &Worker<'c>| {
            let replica = self.keeping(*replica);
            let limits = limits(self.question, &replica);
            (!limits.is_empty()).then(|| Alone::of((*plan, replica), limits))
        };
        workers.par_iter().filter_map(alone).collect()
    }

    /// Prices units until all that are left are replaced by several of another: first the most promising ones of the best pairs,
    /// so that few of all the others have to be put in order.
    fn priced(&self, prefill: &[Alone], decode: &[Alone]) -> Vec<Tried> {
        let question = self.question;
        let mut pairs: Vec<Pair> = prefill
            .iter()
            .flat_map(|first| decode.iter().map(move |then| Pair::of(question, (first, then))))
            .collect();
        // Stable, so that of equal ones those of the first plans come first.
        pairs.sort_by(|a, b| b.per_gpu.total_cmp(&a.per_gpu));
        let promising: Vec<Unit> =
            pairs.iter().take(BATCH).filter_map(|pair| pair.best_unit(question)).collect();
        let (mut tried, known) = self.price_all(&promising);
        let may_be_best = self.may_be_best(&tried);
        let is_left = |unit: &Unit| {
            !known.iter().any(|one| unit.is_replaced_by(*one))
                && !promising.iter().any(|one| one.is_same(unit))
                && may_be_best(unit.promise())
        };
        let pairs = pairs.iter().filter(|pair| may_be_best(pair.promise()));
        let left = pairs.flat_map(|pair| candidates(question, pair.plans)).filter(is_left);
        let mut left = in_order(left.collect());
        while !left.is_empty() {
            let rest = left.split_off(BATCH.min(left.len()));
            let (batch, known) = self.price_all(&left);
            tried.extend(batch);
            left = rest;
            let may_be_best = self.may_be_best(&tried);
            left.retain(|unit| {
                !known.iter().any(|one| unit.is_replaced_by(*one)) && may_be_best(unit.promise())
            });
        }
        tried
    }

    /// Which promises may be the best, where only that is sought.
    fn may_be_best(&self, tried: &[Tried]) -> Box<dyn Fn(Promise) -> bool + Sync + 'm> {
        let Some(may_be_best) = self.may_be_best else { return Box::new(|_| true) };
        let found: Vec<Found> = tried.iter().filter_map(|one| one.ok()).collect();
        may_be_best(&found)
    }

    /// One worker for prompts and one for answers.
    fn one_of_each(&self, first: &Worker, then: &Worker) -> Tried {
        let gpus = first.0.gpus() + then.0.gpus();
        let [first, then] =
            &[first, then].map(|(plan, replica)| Alone::of((*plan, self.keeping(*replica)), Vec::new()));
        let workers = Workers { prefill: 1, decode: 1 };
        self.price(&Unit { first, then, workers, gpus, most: 0.0, at_most: 0.0, generating: 1.0 })
    }

    /// Prices some units side by side; what those that serve take, and on how many accelerators.
    fn price_all(&self, units: &[Unit]) -> (Vec<Tried>, Vec<(u32, f64)>) {
        let tried: Vec<Tried> = units.par_iter().map(|unit| self.price(unit)).collect();
        let taken =
            |(unit, tried): (&Unit, &Tried)| tried.as_ref().ok().map(|found| (unit.gpus, found.served.taken));
        let known = units.iter().zip(&tried).filter_map(taken).collect();
        (tried, known)
    }

    fn price(&self, unit: &Unit) -> Tried {
        let (question, &Unit { first, then, workers, .. }) = (self.question, unit);
        let (prefill, decode) = (first.replica, then.replica);
        let memory = Memory::of(&Deployment { plan: then.plan, ..question.deployment });
        let station = Station::Apart(question.pools(prefill, decode, workers));
        let Question { targets, population, batches, .. } = question;
        let served = highest_near(&station, targets, population, batches, unit.generating / 2.0);
        let (plan, cached) = (then.plan, decode.room.sequences());
        let (pools, policy) = (Some((workers, first.plan)), *self.policy);
        served
            .map(|served| Found { plan, pools, policy, memory, cached, served })
            .map_err(|reason| Dropped { plan, reason })
    }
}

/// Workers for prompts, whatever answers take. Both workers have a front end.
fn prompts(question: &Question, replica: &Replica) -> Vec<Limit> {
    let queue = PromptQueue::of(replica, 1);
    let fronts =
        2.0 * replica.pace.later * (replica.tokenise(&replica.request) + replica.scheduler.first_token);
    let ttft = Seconds::new(question.targets.ttft.get() - fronts);
    of_workers(&PREFILLERS, |workers| {
        let queue = queue.before(workers);
        let rate = queue.highest(&Targets { ttft, ..question.targets })?;
        Some(Limit { rate, times: [rate, 0.0].map(|rate| fronts + queue.time(rate, None)) })
    })
}

/// Workers for answers, whatever prompts, and first tokens of any class, take.
fn answers(question: &Question, replica: &Replica) -> Vec<Limit> {
    let replica = replica.among(&[]);
    let unhurried = replica.paced(crate::Pace { slower: 1e-9, ..replica.pace }).keeping_nothing();
    let whenever = Seconds::new(f64::INFINITY);
    let free = Targets { ttft: whenever, e2e: whenever, ..question.targets };
    of_workers(&[DECODERS], |decode| {
        let station = Station::Apart(question.pools(unhurried, replica, Workers { prefill: 1, decode }));
        let served = highest(&station, &free, &question.population, question.batches).ok()?;
        let times = [served.point, station.mean_at(0.0)].map(|point| question.request.output * point.tpot);
        Some(Limit { rate: served.most_per_second, times })
    })
}

/// Limits of all numbers of workers up to the largest that takes anything, from those of some.
fn of_workers(asked: &[u32], limit: impl Fn(u32) -> Option<Limit>) -> Vec<Limit> {
    let mut limits = Vec::new();
    for asked in asked {
        let Some(limit) = limit(*asked) else { break };
        let from = limits.len() as u32 + 1;
        limits.extend((from..=*asked).map(|workers| limit.of_fewer(*asked, workers)));
    }
    limits
}

/// Two plans, of whatever numbers of workers.
struct Pair<'w> {
    plans: (&'w Alone<'w>, &'w Alone<'w>),
    /// Users, or requests per second, that an accelerator of no unit takes more of.
    per_gpu: f64,
}

impl<'w> Pair<'w> {
    /// As if workers could be divided: of each request both plans take their share of accelerators, as little as any number
    /// of their workers does, and first tokens come as late as they may.
    fn of(question: &Question, (first, then): (&'w Alone<'w>, &'w Alone<'w>)) -> Self {
        let rate = 1.0 / (first.gpus_of_rate + then.gpus_of_rate);
        let most = question.population.taken(rate, question.targets.ttft.get() + then.longest);
        Self { plans: (first, then), per_gpu: SLACK * most }
    }

    fn promise(&self) -> Promise {
        Promise { gpus: 1, most: self.per_gpu }
    }

    fn best_unit(&self, question: &Question) -> Option<Unit<'w>> {
        candidates(question, self.plans).max_by(|a, b| a.per_gpu().total_cmp(&b.per_gpu()))
    }
}

impl<'c> Alone<'c> {
    fn of((plan, replica): Worker<'c>, limits: Vec<Limit>) -> Self {
        let each = (1..).zip(&limits).map(|(workers, limit)| limit.rate / f64::from(workers));
        let gpus_of_rate = f64::from(plan.gpus()) / each.fold(0.0, f64::max);
        let longest = limits.iter().map(|limit| limit.times[0]).fold(0.0, f64::max);
        Self { plan, replica, limits, gpus_of_rate, longest }
    }
}

/// So many workers of two plans.
struct Unit<'w> {
    first: &'w Alone<'w>,
    then: &'w Alone<'w>,
    workers: Workers,
    gpus: u32,
    /// Users, or requests per second, that it cannot take more of.
    most: f64,
    /// The same where first tokens come as late as they may.
    at_most: f64,
    /// Requests that generate at once then.
    generating: f64,
}

impl<'w> Unit<'w> {
    fn of(question: &Question, (first, then): (&'w Alone<'w>, &'w Alone<'w>), workers: Workers) -> Self {
        let (prompts, answers) =
            (first.limits[workers.prefill as usize - 1], then.limits[workers.decode as usize - 1]);
        let rate = prompts.rate.min(answers.rate);
        let answer = answers.time_at(rate);
        let taken = |prompt: f64| SLACK * question.population.taken(rate, prompt + answer);
        let (most, at_most) = (taken(prompts.time_at(rate)), taken(question.targets.ttft.get()));
        let gpus = workers.prefill * first.plan.gpus() + workers.decode * then.plan.gpus();
        Self { first, then, workers, gpus, most, at_most, generating: rate * answer }
    }

    fn per_gpu(&self) -> f64 {
        self.most / f64::from(self.gpus)
    }

    fn promise(&self) -> Promise {
        Promise { gpus: self.gpus, most: self.at_most }
    }

    fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq(self.first, other.first)
            && std::ptr::eq(self.then, other.then)
            && self.workers == other.workers
    }

    /// Whether several of a unit that takes so much, on as many accelerators or fewer, take as much as this can.
    fn is_replaced_by(&self, (gpus, taken): (u32, f64)) -> bool {
        f64::from(self.gpus / gpus) * taken >= self.most
    }
}

/// Units of a pair: not with so few workers for prompts that one worker for answers less would do, and with hardly more than
/// are needed for all that those for answers take.
fn candidates<'w, 'q>(
    question: &'q Question<'q>,
    (first, then): (&'w Alone<'w>, &'w Alone<'w>),
) -> impl Iterator<Item = Unit<'w>> + use<'w, 'q> {
    let there = first.limits.len() as u32;
    let enough = move |rate: f64| {
        let fewer = first.limits.iter().take_while(|prompts| prompts.rate < rate).count() as u32;
        (fewer + 1).min(there)
    };
    let mut fewest = 1;
    (1..).zip(&then.limits).flat_map(move |(answers, limit)| {
        let enough = enough(limit.rate);
        let from = std::mem::replace(&mut fewest, enough.max(2) - 1);
        let unit = move |prefill| Unit::of(question, (first, then), Workers { prefill, decode: answers });
        (from..=there.min(enough + SPARE)).map(unit)
    })
}

/// Those first that might take most per accelerator, and of these the smaller ones.
fn in_order(mut units: Vec<Unit>) -> Vec<Unit> {
    units.sort_by(|a, b| b.per_gpu().total_cmp(&a.per_gpu()).then(a.gpus.cmp(&b.gpus)));
    units
}
