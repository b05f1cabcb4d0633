//! Predicted serving figures beside measured ones, scored by source, model, accelerator and metric.

use super::measured::{METRICS, open};
use super::{AnchorSummary, ServingPrediction, ServingPredictor};
use crate::serving::{Layout, ServingCase, ServingReader};
use rackplan_calibrate::{Score, kendall};
use rackplan_catalog::Catalog;
use std::collections::{BTreeMap, BTreeSet};

/// What scores can be told apart by; the metric always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// Who measured.
    Source,
    /// The model.
    Model,
    /// The accelerator.
    Gpu,
    /// The framework.
    Backend,
    /// How it was driven.
    Load,
    /// Dense, or with routed experts.
    Family,
    /// Aggregated or disaggregated.
    Layout,
    /// Whether tokens are drafted.
    Drafts,
    /// What the prediction rests on.
    Evidence,
}

impl By {
    /// All of them.
    pub const ALL: [By; 9] = [
        By::Source,
        By::Model,
        By::Gpu,
        By::Backend,
        By::Load,
        By::Family,
        By::Layout,
        By::Drafts,
        By::Evidence,
    ];
    /// Where nothing else is asked for.
    pub const USUAL: [By; 4] = [By::Source, By::Model, By::Gpu, By::Load];

    /// As `--by` and headings call it.
    pub fn name(self) -> &'static str {
        match self {
            By::Source => "source",
            By::Model => "model",
            By::Gpu => "gpu",
            By::Backend => "backend",
            By::Load => "load",
            By::Family => "family",
            By::Layout => "layout",
            By::Drafts => "drafts",
            By::Evidence => "evidence",
        }
    }

    /// From its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.name() == name)
    }
}

/// Measurements that predictions are calibrated with before they are scored.
#[derive(Clone, Copy, Debug, Default)]
pub enum AnchorRows<'a> {
    /// None.
    #[default]
    None,
    /// Rows of another table.
    Table(&'a str),
    /// So many rows of the table itself for each model, framework, accelerator and load, drawn by a hash of their ids; the
    /// others are scored.
    Drawn(usize),
}

/// Scores of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct ServingScores {
    /// What groups are told apart by, in the order of their names.
    pub by: Vec<By>,
    /// Groups; totals are called `all`.
    pub groups: Vec<ServingScore>,
    /// How reading the anchors went.
    pub anchors: AnchorSummary,
}

/// Scores of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct ServingScore {
    /// Its names, one for each of `by`.
    pub names: Vec<String>,
    /// The measured column.
    pub metric: &'static str,
    /// Rows.
    pub rows: u64,
    /// Median of |predicted / measured - 1|.
    pub median: f64,
    /// 90th percentile of the same.
    pub p90: f64,
    /// Median of predicted / measured - 1.
    pub bias: f64,
    /// Kendall's tau between predicted and measured, the mean over groups of four rows or more that share model, accelerator,
    /// framework and lengths.
    pub tau: Option<f64>,
    /// The same of groups of three rows or more, each counting as its rows: a group of four has six pairs, and one of them
    /// the wrong way round takes a third off.
    pub tau_by_rows: Option<f64>,
    /// Share of measurements inside the band, where the metric has one.
    pub coverage: Option<f64>,
}

/// One comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compared {
    pub(crate) predicted: f64,
    pub(crate) measured: f64,
    band: Option<[f64; 2]>,
    /// Number of the model, accelerator, framework and lengths among those of the table.
    alike: usize,
}

/// A row with what it was compared with.
pub(crate) struct ScoredRow {
    pub(crate) names: BTreeMap<By, String>,
    pub(crate) prediction: ServingPrediction,
    pub(crate) compared: Vec<(&'static str, Compared)>,
}

/// Predicts every row of a table and pairs it with what was measured. Rows that cannot be read are left out; `predict
/// serving` says why.
pub(crate) fn compare(text: &str, catalog: &Catalog, anchors: AnchorRows) -> (Vec<ScoredRow>, AnchorSummary) {
    let mut predictor = ServingPredictor::new(catalog);
    let (summary, scored) = match anchors {
        AnchorRows::None => (AnchorSummary::default(), None),
        AnchorRows::Table(rows) => (predictor.anchor(rows, catalog), None),
        AnchorRows::Drawn(count) => {
            let (drawn, others) = draw(text, catalog, count);
            (predictor.anchor(&drawn, catalog), Some(others))
        }
    };
    let (mut reader, lines) = open(text, catalog);
    let mut alike: BTreeMap<String, usize> = BTreeMap::new();
    let mut rows = Vec::new();
    for (number, line) in lines.into_iter().enumerate() {
        let Ok(case) = reader.case(line) else { continue };
        if scored.as_ref().is_some_and(|scored| !scored.contains(&number)) {
            continue;
        }
        let Ok(prediction) = predictor.predict(&case) else { continue };
        let next = alike.len();
        let (backend, input, output) = (case.backend.name(), case.input.mean(), case.output.mean());
        let key = format!("{} {} {backend} {input} {output}", case.model.id, case.gpu.id);
        let alike = *alike.entry(key).or_insert(next);
        let compared = METRICS.iter().filter_map(|metric| {
            let measured = metric.measured(&reader, line, &case)?;
            let predicted = metric.predicted(&prediction)?;
            Some((metric.column, Compared { predicted, measured, band: metric.band(&prediction), alike }))
        });
        let compared = compared.collect();
        rows.push(ScoredRow { names: names(&reader, line, &case, &prediction), prediction, compared });
    }
    (rows, summary)
}

fn names(
    reader: &ServingReader,
    line: &str,
    case: &ServingCase,
    prediction: &ServingPrediction,
) -> BTreeMap<By, String> {
    let of = |by: By| match by {
        By::Source | By::Model | By::Gpu | By::Load => reader.column(line, by.name()),
        By::Backend => case.backend.name().to_owned(),
        By::Family => if case.model.record.parameters_routed() > 0 { "moe" } else { "dense" }.to_owned(),
        By::Layout => match case.layout {
            Layout::Aggregated(_) => "aggregated".to_owned(),
            Layout::Disaggregated { .. } => "disaggregated".to_owned(),
        },
        By::Drafts => if case.speculative.is_some() { "yes" } else { "no" }.to_owned(),
        By::Evidence => prediction.evidence.to_owned(),
    };
    By::ALL.into_iter().map(|by| (by, of(by))).collect()
}

/// Rows drawn as anchors, as a table, and the numbers of the others. Systems with no more rows than that have neither.
fn draw(text: &str, catalog: &Catalog, count: usize) -> (String, BTreeSet<usize>) {
    let (mut reader, lines) = open(text, catalog);
    let heading = if reader.is_jsonl() { "" } else { text.lines().next().unwrap_or("") };
    let mut systems: BTreeMap<[String; 4], Vec<(u64, usize, &str)>> = BTreeMap::new();
    for (number, line) in lines.into_iter().enumerate() {
        let Ok(case) = reader.case(line) else { continue };
        let load = reader.column(line, "load");
        let key = [case.model.id.clone(), case.backend.name().to_owned(), case.gpu.id.clone(), load];
        systems.entry(key).or_default().push((hash(&case.id), number, line));
    }
    let (mut drawn, mut others) = (format!("{heading}\n"), BTreeSet::new());
    for rows in systems.values_mut().filter(|rows| rows.len() > count) {
        rows.sort_unstable();
        let (first, rest) = rows.split_at(count);
        drawn.extend(first.iter().flat_map(|(_, _, line)| [*line, "\n"]));
        others.extend(rest.iter().map(|(_, number, _)| *number));
    }
    (drawn, others)
}

/// FNV-1a, 64 bits, its halves folded: spreads ids that differ in their last digit.
fn hash(id: &str) -> u64 {
    let spread = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325, spread);
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Scores of a table: by what is asked and metric, then over all by load and metric.
pub fn score_serving(text: &str, catalog: &Catalog, by: &[By], anchors: AnchorRows) -> ServingScores {
    let (rows, anchors) = compare(text, catalog, anchors);
    let mut groups: BTreeMap<(bool, Vec<String>, &'static str), Vec<Compared>> = BTreeMap::new();
    for row in rows {
        let own: Vec<String> = by.iter().map(|by| row.names[by].clone()).collect();
        let all = |by: &By| if *by == By::Load { row.names[by].clone() } else { "all".to_owned() };
        let total: Vec<String> = by.iter().map(all).collect();
        for (metric, compared) in row.compared {
            if own != total {
                groups.entry((true, total.clone(), metric)).or_default().push(compared);
            }
            groups.entry((false, own.clone(), metric)).or_default().push(compared);
        }
    }
    let groups = groups.into_iter().map(|((_, names, metric), pairs)| scored(names, metric, &pairs));
    ServingScores { by: by.to_vec(), groups: groups.collect(), anchors }
}

fn scored(names: Vec<String>, metric: &'static str, pairs: &[Compared]) -> ServingScore {
    let values: Vec<(f64, f64)> = pairs.iter().map(|pair| (pair.predicted, pair.measured)).collect();
    let score = Score::new(&values);
    let banded: Vec<bool> = pairs
        .iter()
        .filter_map(|pair| pair.band.map(|[low, high]| (low..=high).contains(&pair.measured)))
        .collect();
    let inside = banded.iter().filter(|inside| **inside).count() as f64 / banded.len() as f64;
    ServingScore {
        names,
        metric,
        rows: score.rows as u64,
        median: score.median,
        p90: score.p90,
        bias: score.bias,
        tau: tau(pairs, LEAST_ROWS, |_| 1.0),
        tau_by_rows: tau(pairs, LEAST_ROWS_WEIGHTED, |rows| rows as f64),
        coverage: (!banded.is_empty()).then_some(inside),
    }
}

/// Fewest rows of a group whose order counts, as much as any other's and by its rows.
const LEAST_ROWS: usize = 4;
const LEAST_ROWS_WEIGHTED: usize = 3;

/// Mean of Kendall's tau over groups of rows that are alike, of so many rows at least, each with a weight for its rows.
fn tau(pairs: &[Compared], least: usize, weight: impl Fn(usize) -> f64) -> Option<f64> {
    let mut groups: BTreeMap<usize, Vec<(f64, f64)>> = BTreeMap::new();
    for pair in pairs {
        groups.entry(pair.alike).or_default().push((pair.predicted, pair.measured));
    }
    let long = groups.values().filter(|rows| rows.len() >= least);
    let (mut sum, mut weights) = (0.0, 0.0);
    for (tau, weight) in long.filter_map(|rows| Some((kendall(rows)?, weight(rows.len())))) {
        sum += weight * tau;
        weights += weight;
    }
    (weights > 0.0).then(|| sum / weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_tau_of_groups_of_three_and_four_rows() {
        // Four rows in order: 1. Three with one pair of three the wrong way: (2 - 1) / 3. By rows (4 + 3 / 3) / 7.
        let of = |alike, predicted, measured| Compared { predicted, measured, band: None, alike };
        let four = [1.0, 2.0, 3.0, 4.0].map(|value| of(0, value, value));
        let three = [of(1, 1.0, 2.0), of(1, 2.0, 1.0), of(1, 3.0, 3.0)];
        let score = scored(Vec::new(), "tpot_ms_mean", &[four.as_slice(), &three].concat());
        assert_eq!(score.tau, Some(1.0));
        assert!((score.tau_by_rows.unwrap_or(0.0) - 5.0 / 7.0).abs() < 1e-12, "{:?}", score.tau_by_rows);
    }
}
