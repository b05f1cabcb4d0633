//! What a tenth more of each resource is worth: for the plan as it stands, and once everything is sought again.

use super::resources::{Resource, resources};
use super::trial::{Change, Trial};
use crate::answer::{Decision, Elasticity, SizeAnswer};
use crate::question::Objective;
use rayon::prelude::*;

/// How much more there is of each.
const MORE: f64 = 0.1;

/// One row a resource.
pub(crate) fn elasticities(
    trial: &Trial,
    answer: &SizeAnswer,
    held: &Decision,
    objective: Objective,
) -> Vec<Elasticity> {
    let pinned = trial.pinned(answer);
    let all = resources(trial.inputs, &trial.layers, &held.hardware);
    all.par_iter().map(|resource| elasticity(trial, pinned.as_ref(), resource, held, objective)).collect()
}

fn elasticity(
    trial: &Trial,
    pinned: Option<&Trial>,
    resource: &Resource,
    held: &Decision,
    objective: Objective,
) -> Elasticity {
    let change = Change::figures(resource.scaled(1.0 + MORE));
    let same = pinned.and_then(|pinned| pinned.decide(&change));
    let best = trial.decide(&change);
    let moved = |read: fn(&Decision) -> Option<f64>| {
        let (after, before) = (read(same.as_ref()?)?, read(held)?);
        Some(after / before - 1.0)
    };
    let aim = |decision: &Decision| decision.objective(objective);
    let other = best.as_ref().filter(|best| !best.is_like(held) || best.gpus_active != held.gpus_active);
    Elasticity {
        resource: resource.name.clone(),
        value: resource.value.clone(),
        change: MORE,
        gpus_change: moved(|decision| decision.gpus_unrounded),
        tpot_change: moved(|decision| decision.tpot_s),
        ttft_change: moved(|decision| decision.ttft_s),
        objective_change: best
            .as_ref()
            .and_then(aim)
            .zip(aim(held))
            .map(|(after, before)| after / before - 1.0),
        then: other.map(|best| best.against(held)),
    }
}
