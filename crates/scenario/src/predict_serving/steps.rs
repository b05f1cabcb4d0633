//! Constants of composed steps, found from serving results: how far ranks drift apart, and how many drafts are accepted.

use super::ServingPredictor;
use super::results::{FittedEntry, Found, fit, report, targets};
use crate::serving::{ServingCase, geometric};
use rackplan_catalog::{Basis, Catalog, StepConstants, Steps};
use rackplan_perf::Parameter;
use std::collections::BTreeMap;

/// What each is before any result: a kernel's launch, and even odds; both are known badly.
const CONSTANTS: [Parameter; 2] = [
    Parameter { name: "drift_us", prior: 4.0, low: 0.2, high: 40.0, spread: 1.0 },
    Parameter { name: "accepted_on_random", prior: 0.5, low: 0.1, high: 0.95, spread: 0.5 },
];
const SOURCE: &str = "fitted by `rackplan calibrate fit-steps` to published serving results on accelerators whose kernels were \
                      measured, each source's of a model on an accelerator counting as the root of its rows, the newest \
                      of each configuration";

/// Fits the constants of steps to a table of results; nothing without rows.
pub fn fit_steps(text: &str, catalog: &Catalog) -> Option<FittedEntry> {
    let plain = ServingPredictor::new(catalog);
    let measured = |case: &ServingCase| plain.engines.measured(case.gpu.record.architecture);
    let targets = targets(text, catalog, measured);
    let make = |values: &[f64]| plain.with_engines(plain.engines.with_drift(values[0]));
    let Found { values, rows, without } = fit(&CONSTANTS, &targets, make, accept)?;
    let steps = Steps {
        name: "Steps of serving".to_owned(),
        aliases: Vec::new(),
        source: SOURCE.to_owned(),
        basis: Basis::Measured,
        notes: None,
        other_sources: BTreeMap::new(),
        rows,
        constants: constants(&values),
        without: without.iter().map(|(part, values, _)| (part.clone(), constants(values))).collect(),
        left_out: without.iter().map(|(part, _, held_out)| (part.clone(), *held_out)).collect(),
    };
    Some(entry(&steps))
}

/// Gives a case the chance that a draft is accepted, where it rests on random text.
fn accept(values: &[f64], case: &mut ServingCase) {
    if let Some(speculative) = case.speculative.as_mut().filter(|speculative| speculative.random) {
        speculative.accepted_per_step = geometric(values[1], speculative.draft_tokens);
    }
}

fn constants(values: &[f64]) -> StepConstants {
    let rounded = |place: usize| (values[place] * 1e3).round() / 1e3;
    StepConstants { drift_us: rounded(0), accepted_on_random: rounded(1) }
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
