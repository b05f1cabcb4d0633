//! Every plan of a space against the rules and the targets: what each takes at most.

use crate::rules::{self, RULES};
use crate::{Population, Rejection, Replica, Request, Scheduler, Served, Space, Targets, highest};
use rackplan_perf::{Compiled, Deployment, Engines, Memory, ParallelPlan};
use rayon::prelude::*;

/// What plans are asked for: a model on one kind of accelerator, in one set of number formats.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The model, the accelerator, the formats; its plan is replaced by each of the space.
    pub deployment: Deployment<'a>,
    /// Constants of kernels.
    pub engines: &'a Engines,
    /// The engine's scheduler.
    pub scheduler: Scheduler,
    /// What is asked of it.
    pub request: Request,
    /// Who asks.
    pub population: Population,
    /// How fast answers must come.
    pub targets: Targets,
    /// Batch sizes that were named, over all ranks of a replica; none for every one.
    pub batches: &'a [u32],
}

/// A plan that serves.
#[derive(Clone, Debug)]
pub struct Found {
    /// The plan.
    pub plan: ParallelPlan,
    /// Its operators.
    pub compiled: Compiled,
    /// Memory of one accelerator.
    pub memory: Memory,
    /// Sequences of a rank that its cache holds to their end.
    pub cached: f64,
    /// What one replica takes at most.
    pub served: Served,
}

/// A plan that does not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropped {
    /// The plan.
    pub plan: ParallelPlan,
    /// Why.
    pub reason: Rejection,
}

/// What became of a space: the plans that serve and those that do not, in the order of the space, whatever the threads.
pub fn search(question: &Question, space: &Space) -> (Vec<Found>, Vec<Dropped>) {
    let plans: Vec<ParallelPlan> = space.plans().collect();
    let tried: Vec<Result<Found, Dropped>> = plans
        .into_par_iter()
        .map(|plan| question.of(plan, space.domain).map_err(|reason| Dropped { plan, reason }))
        .collect();
    let (mut found, mut dropped) = (Vec::new(), Vec::new());
    for one in tried {
        match one {
            Ok(one) => found.push(one),
            Err(one) => dropped.push(one),
        }
    }
    (found, dropped)
}

impl Question<'_> {
    /// One plan.
    pub fn of(&self, plan: ParallelPlan, domain: u32) -> Result<Found, Rejection> {
        let deployment = Deployment { plan, ..self.deployment };
        rules::check(&deployment, &self.request, domain)?;
        let compiled = Compiled::new(&deployment, self.engines);
        let memory = Memory::of(&deployment);
        let cached = memory.sequences(&deployment, self.request.longest());
        let replica = self.replica(plan, &compiled, cached);
        let served = highest(&replica, &self.targets, &self.population, self.batches)?;
        Ok(Found { plan, compiled, memory, cached, served })
    }

    /// A plan as the formulas of queueing take it.
    pub fn replica<'a>(&self, plan: ParallelPlan, compiled: &'a Compiled, cached: f64) -> Replica<'a> {
        Replica::new(compiled, self.scheduler, self.request, (plan.dp, plan.gpus()), cached)
    }
}

/// How many plans each rule dropped, by name; rules that dropped none are left out.
pub fn counts(dropped: &[Dropped]) -> Vec<(&'static str, u64)> {
    let mut counts = [0_u64; RULES.len()];
    for one in dropped {
        counts[one.reason.rule()] += 1;
    }
    RULES.into_iter().zip(counts).filter(|(_, plans)| *plans > 0).collect()
}
