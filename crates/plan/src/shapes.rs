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
use crate::{Dropped, Found, KvPolicy, Promise, Question, Rank, RankOf, Replica, Station, Targets};
use rackplan_perf::{Compiled, Deployment, Memory, ParallelPlan};
use rackplan_units::Seconds;
use rayon::prelude::*;
use std::cmp::Ordering;

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
    rank_of: Option<&RankOf>,
) -> (Vec<Tried>, u64) {
    // Both have the same plans but where some were named for prompts.
    let (compiled, refused) = fitting(question, decode, domain);
    let of_prompts = (prefill != decode).then(|| fitting(question, prefill, domain));
    let of_decode = workers(question, &compiled);
    let of_prefill =
        of_prompts.as_ref().map_or_else(|| of_decode.clone(), |(compiled, _)| workers(question, compiled));
    let kept = |policy: &&KvPolicy| policy.hbm_share <= 0.0 || question.request.kept <= 0.0;
    let refused = refused.into_iter().chain(of_prompts.iter().flat_map(|(_, refused)| refused.clone()));
    let (mut tried, mut dominated) = (refused.map(Err).collect::<Vec<Tried>>(), 0);
    for policy in question.policies.iter().filter(kept) {
        let asked = Asked { question, policy, rank_of };
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

/// The plans that no rule drops, with their operators, and the others.
fn fitting(
    question: &Question,
    plans: &[ParallelPlan],
    domain: u32,
) -> (Vec<(ParallelPlan, Compiled)>, Vec<Dropped>) {
    let (mut fitting, mut refused) = (Vec::new(), Vec::new());
    for plan in plans {
        match rules::check(&Deployment { plan: *plan, ..question.deployment }, &question.request, domain) {
            Ok(_) => fitting.push(*plan),
            Err(reason) => refused.push(Dropped { plan: *plan, reason }),
        }
    }
    (fitting.into_par_iter().map(|plan| (plan, question.compiled(plan))).collect(), refused)
}

fn workers<'c>(question: &Question<'c>, plans: &'c [(ParallelPlan, Compiled)]) -> Vec<Worker<'c>> {
    plans.par_iter().map(|(plan, compiled)| (*plan, question.replica(*plan, compiled))).collect()
}

/// A question with one way to keep caches.
#[derive(Clone, Copy)]
struct Asked<'q> {
    question: &'q Question<'q>,
    policy: &'q KvPolicy,
    /// How good a unit is, where only the best is sought.
    rank_of: Option<&'q RankOf<'q>>,
}

/// What one worker of a plan takes alone, what two do, and so on; nothing where one takes nothing.
type OfWorkers = fn(&Question, &Replica) -> Vec<Limit>;

impl Asked<'_> {
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

    /// Prices units until all that are left are replaced by several of another, or, where only the best is sought, of a lower rank than
    /// the best: first one of each of the most promising pairs, so that few of all the others have to be put in order.
    fn priced(&self, prefill: &[Alone], decode: &[Alone]) -> Vec<Tried> {
        let pairs = prefill.iter().flat_map(|first| decode.iter().map(move |then| (first, then)));
        let mut pairs: Vec<Pair> = pairs.enumerate().map(|(place, plans)| self.pair(place, plans)).collect();
        let most_promising = pairs.len().min(BATCH);
        if most_promising < pairs.len() {
            pairs.select_nth_unstable_by(most_promising, Pair::order);
        }
        pairs[..most_promising].sort_unstable_by(Pair::order);
        let of_each = pairs[..most_promising].iter();
        let first: Vec<Unit> = of_each.filter_map(|pair| self.units(pair).min_by(Unit::order)).collect();
        let (mut tried, known) = self.price_all(&first);
        let best = self.best(&tried);
        let is_left =
            |unit: &Unit| self.is_left(unit, best, &known) && !first.iter().any(|one| one.is_same(unit));
        pairs.retain(|pair| pair.rank <= best);
        pairs.sort_unstable_by_key(|pair| pair.place);
        let mut left: Vec<Unit> = pairs.iter().flat_map(|pair| self.units(pair)).filter(is_left).collect();
        // Stable, so that of equal ones those of the first plans come first.
        left.sort_by(Unit::order);
        while !left.is_empty() {
            let rest = left.split_off(BATCH.min(left.len()));
            let (batch, known) = self.price_all(&left);
            tried.extend(batch);
            left = rest;
            let best = self.best(&tried);
            left.retain(|unit| self.is_left(unit, best, &known));
        }
        tried
    }

    /// Whether a unit is worth a price: where only the best is sought it may be that, else no units known replace it.
    fn is_left(&self, unit: &Unit, best: Rank, known: &[(u32, f64)]) -> bool {
        match self.rank_of {
            Some(_) => unit.rank <= best,
            None => !known.iter().any(|one| unit.is_replaced_by(*one)),
        }
    }

    /// The best rank of units that serve; the lowest where none does.
    fn best(&self, tried: &[Tried]) -> Rank {
        let best = self.rank_of.and_then(|rank_of| Rank::best(tried.iter().flatten(), rank_of));
        best.unwrap_or(Rank([u64::MAX; 4]))
    }

    fn rank(&self, promise: Promise) -> Rank {
        self.rank_of.map_or(Rank::default(), |rank_of| rank_of(promise))
    }

    /// As if workers could be divided: of each request both plans take their share of accelerators, as little as any number
    /// of their workers does, and first tokens come as late as they may.
    fn pair<'w>(&self, place: usize, (first, then): (&'w Alone<'w>, &'w Alone<'w>)) -> Pair<'w> {
        let Question { population, targets, .. } = self.question;
        let rate = 1.0 / (first.gpus_of_rate + then.gpus_of_rate);
        let per_gpu = SLACK * population.taken(rate, targets.ttft.get() + then.longest);
        // None of its units is better than accelerators added one by one, nor than the smallest if it took everything.
        let smallest = first.plan.gpus() + then.plan.gpus();
        let one_by_one = self.rank(Promise { gpus: 1, most: per_gpu });
        let rank = one_by_one.max(self.rank(Promise { gpus: smallest, most: f64::INFINITY }));
        Pair { place, plans: (first, then), per_gpu, rank }
    }

    /// Units of a pair: not with so few workers for prompts that one worker for answers less would do, and with hardly more than
    /// are needed for all that those for answers take.
    fn units<'w>(&self, pair: &Pair<'w>) -> impl Iterator<Item = Unit<'w>> {
        let (first, then) = pair.plans;
        let there = first.limits.len() as u32;
        let enough = move |rate: f64| {
            let fewer = first.limits.iter().take_while(|prompts| prompts.rate < rate).count() as u32;
            (fewer + 1).min(there)
        };
        let mut fewest = 1;
        (1..).zip(&then.limits).flat_map(move |(decode, limit)| {
            let enough = enough(limit.rate);
            let from = std::mem::replace(&mut fewest, enough.max(2) - 1);
            (from..=there.min(enough + SPARE))
                .map(move |prefill| self.unit((first, then), Workers { prefill, decode }))
        })
    }

    fn unit<'w>(&self, (first, then): (&'w Alone<'w>, &'w Alone<'w>), workers: Workers) -> Unit<'w> {
        let Question { population, targets, .. } = self.question;
        let (prompts, answers) =
            (first.limits[workers.prefill as usize - 1], then.limits[workers.decode as usize - 1]);
        let rate = prompts.rate.min(answers.rate);
        let answer = answers.time_at(rate);
        let taken = |prompt: f64| SLACK * population.taken(rate, prompt + answer);
        let gpus = workers.prefill * first.plan.gpus() + workers.decode * then.plan.gpus();
        let rank = self.rank(Promise { gpus, most: taken(targets.ttft.get()) });
        let (most, generating) = (taken(prompts.time_at(rate)), rate * answer);
        Unit { first, then, workers, gpus, most, rank, generating }
    }

    /// One worker for prompts and one for answers.
    fn one_of_each(&self, first: &Worker, then: &Worker) -> Tried {
        let gpus = first.0.gpus() + then.0.gpus();
        let [first, then] =
            &[first, then].map(|(plan, replica)| Alone::of((*plan, self.keeping(*replica)), Vec::new()));
        let workers = Workers { prefill: 1, decode: 1 };
        self.price(&Unit { first, then, workers, gpus, most: 0.0, rank: Rank::default(), generating: 1.0 })
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
    /// Among all pairs.
    place: usize,
    plans: (&'w Alone<'w>, &'w Alone<'w>),
    /// Users, or requests per second, that an accelerator of no unit takes more of.
    per_gpu: f64,
    /// No unit of it has a better one.
    rank: Rank,
}

impl Pair<'_> {
    /// The most promising first.
    fn order(a: &Self, b: &Self) -> Ordering {
        a.rank.cmp(&b.rank).then(b.per_gpu.total_cmp(&a.per_gpu)).then(a.place.cmp(&b.place))
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
    /// The best that it can have, where first tokens come as late as they may.
    rank: Rank,
    /// Requests that generate at once then.
    generating: f64,
}

impl Unit<'_> {
    /// The best first, and of these those that might take most per accelerator and the smaller ones.
    fn order(a: &Self, b: &Self) -> Ordering {
        a.rank.cmp(&b.rank).then(b.per_gpu().total_cmp(&a.per_gpu())).then(a.gpus.cmp(&b.gpus))
    }

    fn per_gpu(&self) -> f64 {
        self.most / f64::from(self.gpus)
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
