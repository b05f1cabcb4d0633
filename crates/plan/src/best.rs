//! The best of a space without evaluating all of it: plans that could not be it, whatever they take in the end, are left out.

use crate::search::{Searched, Tried};
use crate::{Found, Modes, Population, Question, Space, Station, Targets, shapes};
use rackplan_perf::{Compiled, ParallelPlan};
use rayon::prelude::*;

/// Plans that are evaluated side by side before the rest are looked at again.
const BATCH: usize = 8;
/// The most that is promised is found within two hundredths.
const SLACK: f64 = 1.02;
/// Halvings of the load that is promised.
const HALVINGS: u32 = 7;

/// What a plan takes at most, before it is evaluated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Promise {
    /// Accelerators of a replica, or of a unit.
    pub gpus: u32,
    /// Users, or requests per second, that one cannot take more of.
    pub most: f64,
}

/// Of what was found, which promises may still be best, or as good.
pub type MayBeBest<'a> = dyn Fn(&[Found]) -> Box<dyn Fn(Promise) -> bool + Sync + 'a> + Sync + 'a;

/// What became of a space as far as its best is concerned: the same plans are among those found that would be best of all.
/// Left out ones count as dominated.
pub fn search_best(question: &Question, space: &Space, may_be_best: &MayBeBest) -> Searched {
    let plans: Vec<ParallelPlan> = space.plans().collect();
    let mut searched = Searched::default();
    if question.modes != Modes::Disaggregated {
        searched.take_aggregated(question, (&plans, space.domain), may_be_best);
    }
    if question.modes != Modes::Aggregated {
        let prefill: Vec<ParallelPlan> = space.of_prefill().plans().collect();
        let (tried, dominated) =
            shapes::search(question, (&prefill, &plans), space.domain, Some(may_be_best));
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
        may_be_best: &MayBeBest,
    ) {
        let promised = |plan: &ParallelPlan| -> Result<(ParallelPlan, Compiled, Promise), Vec<Tried>> {
            let compiled = question.admitted(*plan, domain)?;
            let promise = question.promise(*plan, &compiled);
            Ok((*plan, compiled, promise))
        };
        let (mut left, mut refused) = (Vec::new(), Vec::new());
        for one in plans.par_iter().map(promised).collect::<Vec<_>>() {
            one.map_or_else(|tried| refused.extend(tried), |one| left.push(one));
        }
        self.take(refused.into_iter());
        // Stable, so that of equal ones the first of the space come first.
        let per_gpu = |promise: Promise| promise.most / f64::from(promise.gpus);
        left.sort_by(|(.., a), (.., b)| per_gpu(*b).total_cmp(&per_gpu(*a)));
        while !left.is_empty() {
            let rest = left.split_off(BATCH.min(left.len()));
            let evaluated = |(plan, compiled, _): &(_, _, _)| question.evaluated(*plan, compiled);
            let tried: Vec<Vec<Tried>> = left.par_iter().map(evaluated).collect();
            self.take(tried.into_iter().flatten());
            let before = rest.len();
            let may = may_be_best(&self.found);
            left = rest.into_iter().filter(|(.., promise)| may(*promise)).collect();
            self.dominated += (before - left.len()) as u64;
        }
    }
}

impl Question<'_> {
    /// What a plan takes at most, however caches are kept.
    fn promise(&self, plan: ParallelPlan, compiled: &Compiled) -> Promise {
        let base = self.replica(plan, compiled);
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
    let accepted = station.decode().pace.accepted;
    let in_time = |generating: f64| station.decode_step(generating) / accepted <= targets.tpot.get();
    let places = station.places().max(1.0);
    let (low, high) = if in_time(places) {
        (places, places)
    } else {
        let halved = |(low, high): (f64, f64), _| {
            let middle = f64::sqrt(low * high);
            if in_time(middle) { (middle, high) } else { (low, middle) }
        };
        (0..HALVINGS).fold((1.0, places), halved)
    };
    // Steps of kernels go up in stairs, and rates down there.
    let [below, above] = [low, high].map(|generating| station.at(generating).requests_per_second);
    let rate = below.max(above);
    population.taken(rate, high / rate + targets.ttft.get().min(targets.e2e.get()))
}
