//! Published results as residuals of a few constants that all predictions share, and what those constants would be
//! without the results of one model, one source, one accelerator.

use super::measured::{Measured, measured, open};
use super::{Factors, ServingPredictor};
use crate::serving::{Load, ServingCase};
use rackplan_calibrate::Score;
use rackplan_calibrate::least::{Residual, solve};
use rackplan_catalog::{Catalog, HeldOut};
use rackplan_perf::Parameter;
use std::collections::{BTreeMap, BTreeSet};

/// A result with its case.
pub(super) struct Target {
    pub(super) case: ServingCase,
    measured: Measured,
    /// What it belongs to, as `model DeepSeek-R1`, `source InferenceX`, `accelerator mi300x`.
    parts: [String; 3],
    weight: f64,
}

/// Rows of a table that say how long steps take, and that `keep` wants: loops, and sets that are queued at once. What
/// arrivals or limits set says more about them than about steps. Each source's results of a model on an accelerator
/// count as the root of their number.
pub(super) fn targets(text: &str, catalog: &Catalog, keep: impl Fn(&ServingCase) -> bool) -> Vec<Target> {
    let (mut reader, lines) = open(text, catalog);
    let mut found = Vec::new();
    for line in lines {
        let Ok(case) = reader.case(line) else { continue };
        let steady = matches!(case.load, Load::Closed { .. } | Load::AllAtOnce);
        if !steady || !keep(&case) {
            continue;
        }
        let measured = measured(&reader, line, &case);
        let date = [reader.column(line, "measured"), reader.column(line, "published")];
        let date = date.into_iter().find(|date| !date.is_empty()).unwrap_or_default();
        let parts = [
            format!("model {}", case.model.record.name),
            format!("source {}", reader.column(line, "source")),
            format!("accelerator {}", case.gpu.id),
        ];
        found.push((date, Target { case, measured, parts, weight: 1.0 }));
    }
    let mut found = newest(found);
    let mut counts: BTreeMap<[String; 3], f64> = BTreeMap::new();
    for target in &found {
        *counts.entry(target.parts.clone()).or_default() += 1.0;
    }
    for target in &mut found {
        target.weight = counts[&target.parts].sqrt().recip();
    }
    found
}

/// Of a configuration that was measured over years, the results of the newest date: a planner asks about software of
/// today, and versions move the same configuration by a quarter and more.
fn newest(found: Vec<(String, Target)>) -> Vec<Target> {
    let key = |target: &Target| {
        let ServingCase { load, layout, formats, isl, osl, gpus, .. } = &target.case;
        let drafts = target.case.speculative.map(|speculative| speculative.draft_tokens);
        format!("{:?} {load:?} {layout:?} {formats:?} {isl} {osl} {gpus} {drafts:?}", target.parts)
    };
    let mut dates: BTreeMap<String, String> = BTreeMap::new();
    for (date, target) in &found {
        let newest = dates.entry(key(target)).or_default();
        if date > newest {
            newest.clone_from(date);
        }
    }
    found
        .into_iter()
        .filter(|(date, target)| *date == dates[&key(target)])
        .map(|(_, target)| target)
        .collect()
}

impl Target {
    /// ln(measured / predicted) of time per output token, or of the time that a rate stands for.
    fn log(&self, predictor: &mut ServingPredictor, adapt: &dyn Fn(&mut ServingCase)) -> Option<f64> {
        let mut case = self.case.clone();
        adapt(&mut case);
        let found = predictor.predict_with(&case, Factors::NONE).ok()?;
        let ratios = self.measured.ratios(&found);
        ratios.tpot.or(ratios.time).map(f64::ln)
    }
}

/// A catalog entry that a fit made.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedEntry {
    /// Its id.
    pub id: String,
    /// Its TOML.
    pub text: String,
    /// What was found, and without what it would be what, a line each.
    pub report: Vec<String>,
}

/// Lines of a report: what was found, then for each thing left out what it would be and the errors there.
pub(super) fn report<C>(
    first: String,
    without: &BTreeMap<String, C>,
    left_out: &BTreeMap<String, HeldOut>,
    said: impl Fn(&C) -> String,
) -> Vec<String> {
    let others = without.iter().map(|(part, constants)| {
        let HeldOut { rows, median, p90, .. } = left_out[part];
        let errors = format!("{:.1} / {:.1} % on its {rows} rows", 100.0 * median, 100.0 * p90);
        let without = if part.contains("without") { "" } else { "without " };
        format!("{without}{part}: {}; {errors}", said(constants))
    });
    std::iter::once(first).chain(others).collect()
}

/// What a fit found.
pub(super) struct Found {
    /// The constants.
    pub(super) values: Vec<f64>,
    /// Results that it used.
    pub(super) rows: u64,
    /// What was left out, the constants that the others gave, and their errors on what was left out.
    pub(super) without: Vec<(String, Vec<f64>, HeldOut)>,
}

/// Rounds of Gauss and Newton.
const ROUNDS: usize = 4;
/// Step of a difference, and the longest of a round, in the logarithm of a constant.
const STEP: f64 = 0.05;
const LONGEST: f64 = 0.4;

/// Fits constants to targets; `make` gives a predictor with them, `adapt` changes what a case has of them. `None` without
/// targets.
pub(super) fn fit(
    parameters: &[Parameter],
    targets: &[Target],
    make: impl Fn(&[f64]) -> ServingPredictor,
    adapt: impl Fn(&[f64], &mut ServingCase),
) -> Option<Found> {
    let logs = |at: &[f64]| -> Vec<Option<f64>> {
        let values: Vec<f64> = at.iter().map(|x| x.exp()).collect();
        let mut predictor = make(&values);
        let adapt = |case: &mut ServingCase| adapt(&values, case);
        targets.iter().map(|target| target.log(&mut predictor, &adapt)).collect()
    };
    let mut at: Vec<f64> = parameters.iter().map(|parameter| parameter.prior.ln()).collect();
    let mut residuals = about(&at, targets, &logs);
    for _ in 1..ROUNDS {
        let to = solve(parameters, &at, &values(&residuals, |_| true));
        at = at.iter().zip(to).map(|(a, b)| a + (b - a).clamp(-LONGEST, LONGEST)).collect();
        residuals = about(&at, targets, &logs);
    }
    let all = values(&residuals, |_| true);
    if all.is_empty() {
        return None;
    }
    let found = solve(parameters, &at, &all);
    let parts: BTreeSet<&String> = residuals.iter().flat_map(|(target, _)| &target.parts).collect();
    let without = parts.into_iter().map(|part| {
        let is = |target: &Target| target.parts.contains(part);
        let to = solve(parameters, &at, &values(&residuals, |target| !is(target)));
        let left = values(&residuals, is);
        let pairs: Vec<(f64, f64)> = left.iter().map(|of| (1.0, of.left(&at, &to).exp())).collect();
        (part.clone(), exponents(&to), held_out(&pairs))
    });
    Some(Found { values: exponents(&found), rows: all.len() as u64, without: without.collect() })
}

/// Residuals and slopes about a point.
fn about<'a>(
    at: &[f64],
    targets: &'a [Target],
    logs: &dyn Fn(&[f64]) -> Vec<Option<f64>>,
) -> Vec<(&'a Target, Residual)> {
    let here = logs(at);
    let moved: Vec<Vec<Option<f64>>> = (0..at.len())
        .map(|place| {
            let mut next = at.to_vec();
            next[place] += STEP;
            logs(&next)
        })
        .collect();
    let residual = |(index, target): (usize, &'a Target)| {
        let log = here[index]?;
        // The logarithm falls as the prediction grows.
        let slopes: Option<Vec<f64>> = moved.iter().map(|logs| Some((log - logs[index]?) / STEP)).collect();
        Some((target, Residual { log, slopes: slopes?, weight: target.weight }))
    };
    targets.iter().enumerate().filter_map(residual).collect()
}

fn values(residuals: &[(&Target, Residual)], keep: impl Fn(&Target) -> bool) -> Vec<Residual> {
    residuals.iter().filter(|(target, _)| keep(target)).map(|(_, residual)| residual.clone()).collect()
}

fn exponents(logs: &[f64]) -> Vec<f64> {
    logs.iter().map(|log| log.exp()).collect()
}

fn held_out(pairs: &[(f64, f64)]) -> HeldOut {
    let score = Score::new(pairs);
    let round = |share: f64| (share * 1e3).round() / 1e3;
    HeldOut {
        rows: score.rows as u64,
        median: round(score.median),
        p90: round(score.p90),
        bias: round(score.bias),
    }
}
