//! Every plan of a space against the rules and the targets: what each takes at most.

use crate::pools::Workers;
use crate::rules::{self, RULES};
use crate::shapes;
use crate::{
    Class, KvPolicy, Pace, Pools, Population, Rejection, Replica, Request, Room, Scheduler, Served, Space,
    Station, Targets, highest,
};
use rackplan_perf::collectives::send::Path;
use rackplan_perf::{Compiled, Deployment, Kernels, Memory, ParallelPlan};
use rayon::prelude::*;

/// What plans are asked for: a model on one kind of accelerator, in one set of number formats.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The model, the accelerator, the formats; its plan is replaced by each of the space.
    pub deployment: Deployment<'a>,
    /// Kernels of its framework on the accelerator.
    pub kernels: &'a Kernels,
    /// The engine's scheduler.
    pub scheduler: Scheduler,
    /// What is asked of it.
    pub request: Request,
    /// Kinds of requests that this is the mean of; none where all are alike.
    pub classes: &'a [Class],
    /// How fast it goes beside what its operators say.
    pub pace: Pace,
    /// Ways to keep caches of users who think; at least one.
    pub policies: &'a [KvPolicy],
    /// Which workers do what.
    pub modes: Modes,
    /// A link between prefill and decode workers that was named.
    pub transfer: Option<f64>,
    /// Who asks.
    pub population: Population,
    /// How fast answers must come.
    pub targets: Targets,
    /// Batch sizes that were named, over all ranks of a replica; none for every one.
    pub batches: &'a [u32],
}

/// Which workers do what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Modes {
    /// Every worker computes prompts and generates.
    #[default]
    Aggregated,
    /// Prompts have workers of their own.
    Disaggregated,
    /// Whichever is better.
    Auto,
}

/// A plan that serves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The plan; of workers that generate where prompts have their own.
    pub plan: ParallelPlan,
    /// Workers of a unit and the plan of those for prompts, where they have their own.
    pub pools: Option<(Workers, ParallelPlan)>,
    /// Where users who think keep their caches.
    pub policy: KvPolicy,
    /// Memory of one accelerator.
    pub memory: Memory,
    /// Sequences of a rank that its cache holds to their end.
    pub cached: f64,
    /// What one replica, or one unit, takes at most.
    pub served: Served,
}

impl Found {
    /// Accelerators of a replica, or of a unit.
    pub fn gpus(&self) -> u32 {
        self.pools.map_or(self.plan.gpus(), |(workers, prefill)| {
            workers.prefill * prefill.gpus() + workers.decode * self.plan.gpus()
        })
    }
}

/// A plan that does not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropped {
    /// The plan.
    pub plan: ParallelPlan,
    /// Why.
    pub reason: Rejection,
}

/// What became of a space, in its order, whatever the threads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Searched {
    /// Plans that serve.
    pub found: Vec<Found>,
    /// Plans that do not.
    pub dropped: Vec<Dropped>,
    /// Units of workers for prompts and workers for answers that others beat before they were priced.
    pub dominated: u64,
}

impl Searched {
    /// Plans laid out, those of both kinds of workers included.
    pub fn considered(&self) -> u64 {
        (self.found.len() + self.dropped.len()) as u64 + self.dominated
    }

    /// How many plans each rule dropped, by name; rules that dropped none are left out.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        let mut counts = [0_u64; RULES.len()];
        for one in &self.dropped {
            counts[one.reason.rule()] += 1;
        }
        counts[Rejection::Dominated.rule()] += self.dominated;
        RULES.into_iter().zip(counts).filter(|(_, plans)| *plans > 0).collect()
    }
}

/// A plan and a way to keep caches, or why not.
pub(crate) type Tried = Result<Found, Dropped>;

/// What became of a space.
pub fn search(question: &Question, space: &Space) -> Searched {
    let plans: Vec<ParallelPlan> = space.plans().collect();
    let mut searched = Searched::default();
    if question.modes != Modes::Disaggregated {
        let tried: Vec<Vec<Tried>> = plans.par_iter().map(|plan| question.of(*plan, space.domain)).collect();
        searched.take(tried.into_iter().flatten());
    }
    if question.modes != Modes::Aggregated {
        let prefill: Vec<ParallelPlan> = space.of_prefill().plans().collect();
        let (tried, dominated) = shapes::search(question, (&prefill, &plans), space.domain, None);
        searched.take(tried.into_iter());
        searched.dominated += dominated;
    }
    searched
}

impl Searched {
    pub(crate) fn take(&mut self, tried: impl Iterator<Item = Tried>) {
        for one in tried {
            match one {
                Ok(one) => self.found.push(one),
                Err(one) => self.dropped.push(one),
            }
        }
    }
}

impl<'a> Question<'a> {
    /// One plan, with caches kept in each way.
    pub fn of(&self, plan: ParallelPlan, domain: u32) -> Vec<Tried> {
        let evaluated = |compiled| self.evaluated(plan, &self.replica(plan, &compiled));
        self.admitted(plan, domain).map_or_else(|refused| refused, evaluated)
    }

    /// The operators of a plan that the rules admit, else why not.
    pub(crate) fn admitted(&self, plan: ParallelPlan, domain: u32) -> Result<Compiled, Vec<Tried>> {
        let deployment = Deployment { plan, ..self.deployment };
        let longest = self.classes.iter().map(|class| &class.request).chain([&self.request]);
        let refused = longest.map(|request| rules::check(&deployment, request, domain)).find_map(Result::err);
        refused.map_or_else(|| Ok(self.compiled(plan)), |reason| Err(vec![Err(Dropped { plan, reason })]))
    }

    /// What it takes, with caches kept in each way.
    pub(crate) fn evaluated(&self, plan: ParallelPlan, base: &Replica) -> Vec<Tried> {
        let memory = Memory::of(&Deployment { plan, ..self.deployment });
        let tried = self.policies.iter().map(|policy| {
            let station = Station::Together(base.keeping(*policy, &self.request));
            let served = highest(&station, &self.targets, &self.population, self.batches);
            let cached = base.room.sequences();
            served
                .map(|served| Found { plan, pools: None, policy: *policy, memory, cached, served })
                .map_err(|reason| Dropped { plan, reason })
        });
        tried.collect()
    }

    /// The operators of a plan.
    pub fn compiled(&self, plan: ParallelPlan) -> Compiled {
        Compiled::with(&Deployment { plan, ..self.deployment }, self.kernels).scattered()
    }

    /// A plan as the formulas of queueing take it, its users keeping everything.
    pub fn replica<'c>(&self, plan: ParallelPlan, compiled: &'c Compiled) -> Replica<'c>
    where
        'a: 'c,
    {
        let deployment = Deployment { plan, ..self.deployment };
        let room = Room::of(&deployment, &Memory::of(&deployment), &self.request);
        Replica::new(compiled, self.scheduler, self.request, room).paced(self.pace).among(self.classes)
    }

    /// What was found, as the formulas of queueing take it: `compiled` are the operators of its plan and of the one for
    /// prompts.
    pub fn station<'c>(&self, found: &Found, compiled: &'c (Compiled, Option<Compiled>)) -> Station<'c>
    where
        'a: 'c,
    {
        let keeping = |replica: Replica<'c>| replica.keeping(found.policy, &self.request);
        let decode = keeping(self.replica(found.plan, &compiled.0));
        match (found.pools, &compiled.1) {
            (Some((workers, prefill)), Some(operators)) => {
                let prefill = keeping(self.replica(prefill, operators));
                Station::Apart(self.pools(prefill, decode, workers))
            }
            _ => Station::Together(decode),
        }
    }

    /// The operators of what was found.
    pub fn operators(&self, found: &Found) -> (Compiled, Option<Compiled>) {
        (self.compiled(found.plan), found.pools.map(|(_, prefill)| self.compiled(prefill)))
    }

    /// A unit; caches pass the scale-up fabric where the unit is in one domain, else the network, or the link named.
    pub(crate) fn pools<'c>(&self, prefill: Replica<'c>, decode: Replica<'c>, workers: Workers) -> Pools<'c> {
        let gpus = workers.prefill * prefill.room.gpus + workers.decode * decode.room.gpus;
        let near = f64::from(gpus) <= self.deployment.device.domain;
        let path = match self.transfer {
            Some(rate) => Path::Link(rate),
            None if near => Path::ScaleUp,
            None => Path::ScaleOut,
        };
        Pools::new(prefill, decode, workers, path)
    }
}
