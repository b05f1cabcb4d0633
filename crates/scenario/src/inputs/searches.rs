//! Searches kept from one question to the next. How many users there are, what racks cost and how many there may be
//! matters only to what is made of the plans that serve.

use rackplan_catalog::Model;
use rackplan_perf::{Kernels, Precision};
use rackplan_plan::{
    Class, KvPolicy, Modes, Pace, Population, Question, Request, Scheduler, Searched, Space, Targets, search,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What was searched so far.
#[derive(Debug, Default)]
pub(super) struct Searches {
    held: Mutex<Vec<(Key, Arc<Searched>)>>,
}

/// Everything that a search depends on.
#[derive(Clone, Debug)]
struct Key {
    /// Accelerator and framework; those of one pool are the same only if they are one.
    kernels: Arc<Kernels>,
    model: Arc<Model>,
    plain: Plain,
    classes: Vec<Class>,
    policies: Vec<KvPolicy>,
    batches: Vec<u32>,
    space: Space,
}

/// Of that, what is copied.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Plain {
    precision: Precision,
    draft_tokens: u32,
    redundant_experts: u32,
    scheduler: Scheduler,
    request: Request,
    pace: Pace,
    modes: Modes,
    transfer: Option<f64>,
    /// Those of one of them.
    population: Population,
    targets: Targets,
}

impl Searches {
    pub(super) fn of(&self, question: &Question, kernels: &Arc<Kernels>, space: &Space) -> Arc<Searched> {
        let found = self.held().iter().find(|(key, _)| key.is(question, kernels, space)).cloned();
        if let Some((_, searched)) = found {
            return searched;
        }
        // Without the lock: others search meanwhile, and what two of them find is the same.
        let searched = Arc::new(search(question, space));
        let mut held = self.held();
        let model = held.iter().find(|(key, _)| *key.model == *question.deployment.model);
        let model = model
            .map_or_else(|| Arc::new(question.deployment.model.clone()), |(key, _)| Arc::clone(&key.model));
        held.push((Key::new(question, kernels, space, model), Arc::clone(&searched)));
        searched
    }

    fn held(&self) -> MutexGuard<'_, Vec<(Key, Arc<Searched>)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Key {
    fn new(question: &Question, kernels: &Arc<Kernels>, space: &Space, model: Arc<Model>) -> Self {
        Self {
            kernels: Arc::clone(kernels),
            model,
            plain: Plain::of(question),
            classes: question.classes.to_vec(),
            policies: question.policies.to_vec(),
            batches: question.batches.to_vec(),
            space: space.clone(),
        }
    }

    fn is(&self, question: &Question, kernels: &Arc<Kernels>, space: &Space) -> bool {
        Arc::ptr_eq(&self.kernels, kernels)
            && self.plain == Plain::of(question)
            && self.classes == question.classes
            && self.policies == question.policies
            && self.batches == question.batches
            && self.space == *space
            && *self.model == *question.deployment.model
    }
}

impl Plain {
    fn of(question: &Question) -> Self {
        let deployment = &question.deployment;
        let population = match question.population {
            Population::Users { think_time, .. } => Population::Users { users: 1.0, think_time },
            Population::Rate(_) => Population::Rate(1.0),
        };
        Self {
            precision: deployment.precision,
            draft_tokens: deployment.draft_tokens,
            redundant_experts: deployment.redundant_experts,
            scheduler: question.scheduler,
            request: question.request,
            pace: question.pace,
            modes: question.modes,
            transfer: question.transfer,
            population,
            targets: question.targets,
        }
    }
}
