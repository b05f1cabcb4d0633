//! Constants of composed steps, found from serving results: how far ranks drift apart, and how many drafts are accepted.

use super::ServingPredictor;
use super::results::{FittedEntry, Found, fit, report, targets};
use crate::serving::{Load, ServingCase, geometric};
use rackplan_catalog::{Basis, Catalog, HeldOut, StepConstants, Steps};
use rackplan_perf::Parameter;
use std::collections::BTreeMap;

/// What each is before any result: a kernel's launch, and even odds; both are known badly.
const DRIFT: Parameter = Parameter { name: "drift_us", prior: 4.0, low: 0.2, high: 40.0, spread: 1.0 };
const ACCEPTED: Parameter =
    Parameter { name: "accepted_on_random", prior: 0.5, low: 0.1, high: 0.95, spread: 0.5 };
const SOURCE: &str = "fitted by `rackplan calibrate fit-steps` to time per output token of published closed loops on \
                      accelerators whose kernels were measured: the drift to dense models, as errors of experts would pass \
                      for it, the chance of drafts to runs with drafts on random text; each source's results of a model on \
                      an accelerator count as the root of their number, the newest of each configuration";

/// Fits the constants of steps to a table of results; nothing without rows.
pub fn fit_steps(text: &str, catalog: &Catalog) -> Option<FittedEntry> {
    let plain = ServingPredictor::new(catalog);
    let measured = |case: &ServingCase| {
        let closed = matches!(case.load, Load::Closed { .. });
        closed && plain.engines.measured(case.gpu.record.architecture)
    };
    let drafts = |case: &ServingCase| case.speculative.is_some_and(|speculative| speculative.random);
    let dense = |case: &ServingCase| case.model.record.parameters_routed() == 0;
    let drifting = |drift: f64| plain.with_engines(plain.engines.with_drift(drift));
    let on_dense = targets(text, catalog, |case| measured(case) && dense(case) && case.speculative.is_none());
    let drift = fit(&[DRIFT], &on_dense, |values| drifting(values[0]), |_, _| ())?;
    let on_drafts = targets(text, catalog, |case| measured(case) && drafts(case));
    let accepted = fit(&[ACCEPTED], &on_drafts, |_| drifting(drift.values[0]), accept)?;
    Some(entry(&steps(&drift, &accepted)))
}

/// Both fits as an entry.
fn steps(drift: &Found, accepted: &Found) -> Steps {
    let (best, chance) = (drift.values[0], accepted.values[0]);
    let drifts = drift
        .without
        .iter()
        .map(|(part, values, held)| (format!("drift without {part}"), constants(values[0], chance), *held));
    let chances = accepted
        .without
        .iter()
        .map(|(part, values, held)| (format!("drafts without {part}"), constants(best, values[0]), *held));
    let without: Vec<(String, StepConstants, HeldOut)> = drifts.chain(chances).collect();
    Steps {
        name: "Steps of serving".to_owned(),
        aliases: Vec::new(),
        source: SOURCE.to_owned(),
        basis: Basis::Measured,
        notes: None,
        other_sources: BTreeMap::new(),
        rows: drift.rows + accepted.rows,
        constants: constants(best, chance),
        without: without.iter().map(|(part, constants, _)| (part.clone(), *constants)).collect(),
        left_out: without.into_iter().map(|(part, _, held)| (part, held)).collect(),
    }
}

/// Gives a case the chance that a draft is accepted, where it rests on random text.
fn accept(values: &[f64], case: &mut ServingCase) {
    if let Some(speculative) = case.speculative.as_mut().filter(|speculative| speculative.random) {
        speculative.accepted_per_step = geometric(values[0], speculative.draft_tokens);
    }
}

fn constants(drift: f64, accepted: f64) -> StepConstants {
    let rounded = |value: f64| (value * 1e3).round() / 1e3;
    StepConstants { drift_us: rounded(drift), accepted_on_random: rounded(accepted) }
}

fn entry(steps: &Steps) -> FittedEntry {
    let said = |constants: &StepConstants| {
        let StepConstants { drift_us, accepted_on_random } = *constants;
        format!("drift {drift_us} us, {accepted_on_random} accepted")
    };
    let first = format!("{} from {} rows", said(&steps.constants), steps.rows);
    let report = report(first, &steps.without, &steps.left_out, said);
    let text = toml::to_string(steps).expect("constants are plain data");
    let text = format!("# Written by `rackplan calibrate fit-steps`; do not edit.\n{text}");
    FittedEntry { id: "serving".to_owned(), text, report }
}
