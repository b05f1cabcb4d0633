//! The best of a space without evaluating all of it: plans that could not be it, whatever they take in the end, are left out.

use crate::search::{Searched, Tried};
use crate::{Found, Modes, Population, Question, Replica, Space, Station, Targets, shapes};
use rackplan_perf::ParallelPlan;
use rayon::prelude::*;

/// Plans that are evaluated side by side before the rest are looked at again.
const BATCH: usize = 8;
/// The most that is promised is found within two hundredths.
const SLACK: f64 = 1.02;
/// Loads at most that are asked for the highest whose tokens come in time; a line between two of them points to the next.
const TRIES: u32 = 5;
/// Loads at most that are asked with their prompts.
const STRETCHED: u32 = 2;
/// How far beside that line the next is asked, towards the end of the range that did not move last.
const BESIDE: f64 = 1.02;

/// What a plan takes at most, before it is evaluated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Promise {
    /// Accelerators of a replica, or of a unit.
    pub gpus: u32,
    /// Users, or requests per second, that one cannot take more of.
    pub most: f64,
}

/// How good a plan is, the lower the better: by the first number, among equals by the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank(pub [u64; 4]);

/// What rank a plan has that keeps its promise; no plan has a better one than its promise has. Where nothing can be said of
/// promises all are equal.
pub type RankOf<'a> = dyn Fn(Promise) -> Rank + Sync + 'a;

impl Rank {
    /// The best of those found.
    pub(crate) fn best<'f>(found: impl Iterator<Item = &'f Found>, rank_of: &RankOf) -> Option<Self> {
        found.map(|found| rank_of(Promise { gpus: found.gpus(), most: found.served.taken })).min()
    }
}

/// What became of a space as far as its best is concerned: the same plans are among those found that would be best of all.
/// Left out ones count as dominated.
pub fn search_best(question: &Question, space: &Space, rank_of: &RankOf) -> Searched {
    let plans: Vec<ParallelPlan> = space.plans().collect();
    let mut searched = Searched::default();
    if question.modes != Modes::Disaggregated {
        searched.take_aggregated(question, (&plans, space.domain), rank_of);
    }
    if question.modes != Modes::Aggregated {
        let prefill: Vec<ParallelPlan> = space.of_prefill().plans().collect();
        let (tried, dominated) = shapes::search(question, (&prefill, &plans), space.domain, Some(rank_of));
        searched.take(tried.into_iter());
        searched.dominated += dominated;
    }
    searched
}

impl Searched {
    fn take_aggregated(
        &mut self,
        question: &Question,
        (plans, domain): (&[ParallelPlan], u32),
        rank_of: &RankOf,
    ) {
        let admitted = |plan: &ParallelPlan| Ok((*plan, question.admitted(*plan, domain)?));
        let (mut compiled, mut refused) = (Vec::new(), Vec::new());
        for one in plans.par_iter().map(admitted).collect::<Vec<Result<_, Vec<Tried>>>>() {
            one.map_or_else(|tried| refused.extend(tried), |one| compiled.push(one));
        }
        self.take(refused.into_iter());
        let replicas = compiled.par_iter().map(|(plan, compiled)| (*plan, question.replica(*plan, compiled)));
        let promised = replicas.map(|(plan, replica)| {
            let promise = question.promise(plan, &replica);
            (rank_of(promise), promise, (plan, replica))
        });
        let mut left: Vec<(Rank, Promise, (ParallelPlan, Replica))> = promised.collect();
        // Stable, so that of equal ones the first of the space come first.
        let per_gpu = |promise: Promise| promise.most / f64::from(promise.gpus);
        left.sort_by(|a, b| a.0.cmp(&b.0).then(per_gpu(b.1).total_cmp(&per_gpu(a.1))));
        while !left.is_empty() {
            let rest = left.split_off(BATCH.min(left.len()));
            let evaluated = |(.., (plan, replica)): &(_, _, (_, _))| question.evaluated(*plan, replica);
            let tried: Vec<Vec<Tried>> = left.par_iter().map(evaluated).collect();
            self.take(tried.into_iter().flatten());
            let (before, best) = (rest.len(), Rank::best(self.found.iter(), rank_of));
            left = rest.into_iter().filter(|(rank, ..)| best.is_none_or(|best| *rank <= best)).collect();
            self.dominated += (before - left.len()) as u64;
        }
    }
}

impl Question<'_> {
    /// What a plan takes at most, however caches are kept.
    fn promise(&self, plan: ParallelPlan, base: &Replica) -> Promise {
        let most = self.policies.iter().map(|policy| {
            let station = Station::Together(base.keeping(*policy, &self.request));
            most_taken(&station, &self.targets, &self.population)
        });
        Promise { gpus: plan.gpus(), most: SLACK * most.fold(0.0, f64::max) }
    }
}

/// No more generate than have a place and, without any prompts, tokens in time; none waits longer than its first token may
/// take. With g that generate, prompts among them, X a second are answered ([`Station::at`]), which grows with g but for stairs of
/// kernels, and X Z + g + X TTFT users are taken.
fn most_taken(station: &Station, targets: &Targets, population: &Population) -> f64 {
    let [low, mut high] =
        in_time(station, targets).map(|(generating, step)| station.at_step(generating, step));
    // Steps of kernels go up in stairs, and rates down there.
    let mut rate = low.requests_per_second.max(high.requests_per_second);
    // Prompts stretch steps: so many fewer as tokens come too late are still no fewer than come in time.
    for _ in 0..STRETCHED {
        let fewer = high.generating * targets.tpot.get() / high.tpot;
        if fewer * BESIDE >= high.generating || fewer < 1.0 {
            break;
        }
        let next = station.mean_at(fewer);
        if next.tpot <= targets.tpot.get() {
            break;
        }
        (high, rate) = (next, next.requests_per_second);
    }
    population.taken(rate, high.generating / rate + targets.ttft.get().min(targets.e2e.get()))
}

/// Between which loads the tokens of steps without any prompts cease to come in time, with their steps; all places twice where
/// they do not.
fn in_time(station: &Station, targets: &Targets) -> [(f64, f64); 2] {
    let limit = targets.tpot.get() * station.decode().pace.accepted;
    let asked = |generating| (generating, station.decode_step(generating));
    let (mut low, mut high) = (asked(1.0), asked(station.places().max(1.0)));
    if high.1 <= limit {
        return [high, high];
    }
    let mut beside = 1.0;
    for _ in 0..TRIES {
        if high.0 <= low.0 * BESIDE * BESIDE {
            break;
        }
        let along = (limit - low.1) / (high.1 - low.1);
        let next = (low.0 + along.max(0.0) * (high.0 - low.0)) * beside;
        let next = asked(next.clamp(low.0 * BESIDE, high.0 / BESIDE));
        if next.1 <= limit {
            (low, beside) = (next, BESIDE);
        } else {
            (high, beside) = (next, 1.0 / BESIDE);
        }
    }
    [low, high]
}
