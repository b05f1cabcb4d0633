//! How the answer moves when users, batch or context are up to a fifth fewer or more.

use super::decision::decision;
use super::trial::{Change, Trial};
use crate::answer::{Generating, Sensitivity, SensitivityPoint, SizeAnswer};
use rackplan_first_order::MAX_RACKS;
use rayon::prelude::*;

/// Scales of the input.
const SCALES: [f64; 9] = [0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2];

/// Users (or their rate), batch and context; nothing without a plan that can be held.
pub(crate) fn sensitivities(trial: &Trial, answer: &SizeAnswer) -> Vec<Sensitivity> {
    let Some(mut pinned) = trial.pinned(answer) else { return Vec::new() };
    let (Some(chain), Some(d)) = (&answer.demand.generating, &answer.deployment) else { return Vec::new() };
    // The plan that is held may take more racks than were allowed: by how many is the point.
    pinned.layers.remove("limits.fixed_racks");
    pinned.layers.add("limits.max_racks", &MAX_RACKS.to_string(), crate::Origin::Set);
    let load = load(answer, chain);
    let batch = d.plan.batch as f64;
    let whole = |value: f64| value.round().max(1.0);
    vec![
        along("users", load.1, |value| Change::key(load.0, value), (trial, &pinned), true),
        along(
            "batch",
            batch,
            |value| Change::key("search.batch_sizes", whole(value)),
            (trial, &pinned),
            false,
        ),
        along(
            "context",
            context(chain),
            |value| longer(chain, value / context(chain)),
            (trial, &pinned),
            true,
        ),
    ]
}

/// The key that says how many ask, and its value.
fn load(answer: &SizeAnswer, chain: &Generating) -> (&'static str, f64) {
    match (chain.users_on, answer.demand.users_target) {
        (None, _) => ("workload.rate", chain.requests_per_s),
        (Some(_), 0) => ("workload.arrival_rate", answer.demand.arrival.map_or(1.0, |a| a.rate_per_min)),
        (Some(_), users) => ("workload.users", users as f64),
    }
}

fn context(chain: &Generating) -> f64 {
    (chain.prefix_tokens + chain.isl + chain.osl) as f64
}

/// A longer or shorter context: what is cached and the prompt grow together, the answer stays.
fn longer(chain: &Generating, scale: f64) -> Change {
    let whole = |tokens: f64| (tokens.round().max(1.0) as u64).to_string();
    let (context, output) = (context(chain) * scale, chain.osl as f64);
    let before = (chain.prefix_tokens + chain.isl) as f64;
    let input = (context - output).max(1.0) * chain.isl as f64 / before.max(1.0);
    let keys = [("workload.isl", input), ("workload.osl", output), ("workload.context", context)];
    Change { keys: keys.map(|(key, tokens)| (key.to_owned(), whole(tokens))).to_vec(), figures: None }
}

fn along(
    input: &str,
    value: f64,
    change: impl Fn(f64) -> Change + Sync,
    (trial, pinned): (&Trial, &Trial),
    again: bool,
) -> Sensitivity {
    let point = |scale: f64| {
        let value = if value > 10.0 { (value * scale).round() } else { value * scale };
        let change = change(value);
        let same = pinned.ask(&change).ok();
        SensitivityPoint {
            scale,
            value,
            same_plan: same.as_ref().and_then(decision),
            best_plan: again.then(|| trial.decide(&change)).flatten(),
        }
    };
    Sensitivity { input: input.to_owned(), points: SCALES.par_iter().map(|scale| point(*scale)).collect() }
}
