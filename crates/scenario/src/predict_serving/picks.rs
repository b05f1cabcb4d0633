//! Would the prediction have picked well? Published results of one model, accelerator, framework and lengths that differ
//! in layout and load are a search whose outcome is known: the pick by prediction beside the best by measurement.

use super::measured::{METRICS, Metric, open};
use super::{ServingPrediction, ServingPredictor};
use crate::serving::{Load, ServingCase, ServingReader};
use rackplan_catalog::Catalog;
use std::collections::{BTreeMap, BTreeSet};

/// Fewest rows and layouts of a group that is a search.
const LEAST_ROWS: usize = 3;
const LEAST_LAYOUTS: usize = 2;
/// Limits on the time per output token that picks are made under, in milliseconds; those that some rows of a group meet
/// and others do not are a choice.
const LIMITS_MS: [f64; 7] = [8.0, 12.0, 20.0, 30.0, 50.0, 80.0, 120.0];
/// A pick may miss its limit by this part before it counts.
const TOLERATED: f64 = 0.1;

/// Picks of one source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picks {
    /// Who measured; `all` for every one.
    pub source: String,
    /// Groups of rows that are a search, and their rows.
    pub groups: u64,
    /// Rows of these.
    pub rows: u64,
    /// Share of the groups in which the best by measurement is the best by prediction.
    pub first: f64,
    /// In which it is among the first three.
    pub among_three: f64,
    /// Median rank of the best by measurement among the predictions, 1 for the first.
    pub rank_median: f64,
    /// Median of 1 - measured throughput of the pick / that of the best.
    pub regret_median: f64,
    /// 90th percentile of the same.
    pub regret_p90: f64,
    /// Picks under a limit on the time per output token.
    pub limited: u64,
    /// Share of these that miss the limit by more than a tenth.
    pub missed: f64,
    /// Share of these where nothing was predicted to meet the limit, though something does.
    pub none: f64,
    /// Median regret of those that meet it, against the best that meets it.
    pub limited_regret_median: f64,
}

/// A row with both throughputs and both times per output token.
#[derive(Clone, Debug)]
struct Row {
    layout: String,
    measured: f64,
    predicted: f64,
    /// Measured and predicted, in milliseconds.
    tpot: Option<(f64, f64)>,
}

/// Picks of a table: of every source, then of all.
pub fn picks(text: &str, catalog: &Catalog) -> Vec<Picks> {
    let groups = groups(text, catalog);
    let sources: BTreeSet<&str> = groups.keys().map(|(source, _)| source.as_str()).collect();
    let of = |name: &str, kept: &dyn Fn(&str) -> bool| {
        let rows: Vec<&[Row]> =
            groups.iter().filter(|((source, _), _)| kept(source)).map(|(_, rows)| rows.as_slice()).collect();
        summed(name, &rows)
    };
    let each = sources.iter().map(|source| of(source, &|other| other == *source));
    each.chain((sources.len() > 1).then(|| of("all", &|_| true))).collect()
}

/// Rows that are alike but for layout and load, where they are a search.
fn groups(text: &str, catalog: &Catalog) -> BTreeMap<(String, String), Vec<Row>> {
    let mut predictor = ServingPredictor::new(catalog);
    let (mut reader, lines) = open(text, catalog);
    let mut groups: BTreeMap<(String, String), Vec<Row>> = BTreeMap::new();
    for line in lines {
        let Ok(case) = reader.case(line) else { continue };
        let Some(measured) = throughput(&reader, line, &case) else { continue };
        let Ok(found) = predictor.predict(&case) else { continue };
        if !found.fits {
            continue;
        }
        let row = Row {
            layout: format!("{:?}", case.layout),
            measured,
            predicted: found.output_tok_s_per_gpu,
            tpot: tpot(&reader, line, &case, &found),
        };
        groups.entry(key(&reader, line, &case)).or_default().push(row);
    }
    groups.retain(|_, rows| {
        let layouts: BTreeSet<&str> = rows.iter().map(|row| row.layout.as_str()).collect();
        rows.len() >= LEAST_ROWS && layouts.len() >= LEAST_LAYOUTS
    });
    groups
}

/// Source, and what is held fixed in a search.
fn key(reader: &ServingReader, line: &str, case: &ServingCase) -> (String, String) {
    let f = case.formats;
    let formats = [f.attention, f.weights, f.experts, f.kv].map(|format| format.name()).join(" ");
    let drafts = case.speculative.map_or(0, |speculative| speculative.draft_tokens);
    let (model, gpu, backend) = (&case.model.id, &case.gpu.id, case.backend.name());
    let (isl, osl, load) = (case.isl, case.osl, reader.column(line, "load"));
    let fixed = format!("{model} {gpu} {backend} {formats} {drafts} {isl} {osl} {load}");
    (reader.column(line, "source"), fixed)
}

/// Output tokens a second of each accelerator, as published; of a closed loop also by Little's law from its times:
/// concurrency · osl / (ttft + (osl - 1) · tpot) / gpus.
fn throughput(reader: &ServingReader, line: &str, case: &ServingCase) -> Option<f64> {
    let figure = |column: &str| reader.column(line, column).parse().ok().filter(|value: &f64| *value > 0.0);
    let gpus = f64::from(case.gpus);
    let published =
        figure("output_tok_s_per_gpu").or_else(|| figure("total_output_tok_s").map(|total| total / gpus));
    published.or_else(|| {
        let Load::Closed { concurrency } = case.load else { return None };
        let (ttft, tpot) = (figure("ttft_ms_mean")? * 1e-3, figure("tpot_ms_mean")? * 1e-3);
        let output = case.output.mean();
        Some(f64::from(concurrency) * output / (ttft + (output - 1.0) * tpot) / gpus)
    })
}

/// Measured and predicted, of the first column that has both.
fn tpot(
    reader: &ServingReader,
    line: &str,
    case: &ServingCase,
    found: &ServingPrediction,
) -> Option<(f64, f64)> {
    let columns = METRICS.iter().filter(|metric: &&Metric| metric.column.starts_with("tpot"));
    columns.filter_map(|metric| Some((metric.measured(reader, line, case)?, metric.predicted(found)?))).next()
}

fn summed(source: &str, groups: &[&[Row]]) -> Picks {
    let ranks: Vec<f64> = groups.iter().map(|rows| rank(rows) as f64).collect();
    let regrets: Vec<f64> = groups.iter().map(|rows| regret(rows, rows)).collect();
    let limited: Vec<Limited> =
        groups.iter().flat_map(|rows| LIMITS_MS.iter().filter_map(|l| under(rows, *l))).collect();
    let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
    let among = |most: f64| share(ranks.iter().filter(|rank| **rank <= most).count(), ranks.len());
    let of_limited =
        |what: fn(&Limited) -> bool| share(limited.iter().filter(|l| what(l)).count(), limited.len());
    let kept = limited.iter().filter_map(|l| if let Limited::Met(regret) = l { Some(*regret) } else { None });
    Picks {
        source: source.to_owned(),
        groups: groups.len() as u64,
        rows: groups.iter().map(|rows| rows.len() as u64).sum(),
        first: among(1.0),
        among_three: among(3.0),
        rank_median: quantile(ranks.clone(), 0.5),
        regret_median: quantile(regrets.clone(), 0.5),
        regret_p90: quantile(regrets, 0.9),
        limited: limited.len() as u64,
        missed: of_limited(|l| matches!(l, Limited::Missed)),
        none: of_limited(|l| matches!(l, Limited::None)),
        limited_regret_median: quantile(kept.collect(), 0.5),
    }
}

/// Place of the best by measurement among the predictions.
fn rank(rows: &[Row]) -> usize {
    let best = best(rows.iter(), |row| row.measured);
    best.map_or(1, |best| 1 + rows.iter().filter(|row| row.predicted > best.predicted).count())
}

/// 1 - measured throughput of the pick from `rows` over that of the best of `choices`.
fn regret(rows: &[Row], choices: &[Row]) -> f64 {
    let pick = best(rows.iter(), |row| row.predicted).map_or(0.0, |row| row.measured);
    let most = best(choices.iter(), |row| row.measured).map_or(1.0, |row| row.measured);
    (1.0 - pick / most).max(0.0)
}

/// A pick under a limit.
enum Limited {
    Met(f64),
    Missed,
    None,
}

/// What became of the pick under a limit on the time per output token; nothing where the limit is no choice.
fn under(rows: &[Row], limit: f64) -> Option<Limited> {
    let meets = |row: &&Row| row.tpot.is_some_and(|(measured, _)| measured <= limit);
    let choices: Vec<Row> = rows.iter().filter(meets).cloned().collect();
    let known = rows.iter().filter(|row| row.tpot.is_some()).count();
    if choices.is_empty() || choices.len() == known {
        return None;
    }
    let predicted = rows.iter().filter(|row| row.tpot.is_some_and(|(_, predicted)| predicted <= limit));
    let Some(pick) = best(predicted, |row| row.predicted) else { return Some(Limited::None) };
    let (measured, _) = pick.tpot?;
    if measured > limit * (1.0 + TOLERATED) {
        return Some(Limited::Missed);
    }
    Some(Limited::Met(regret(std::slice::from_ref(pick), &choices)))
}

fn best<'a>(rows: impl Iterator<Item = &'a Row>, value: fn(&Row) -> f64) -> Option<&'a Row> {
    rows.max_by(|a, b| value(a).total_cmp(&value(b)))
}

/// The value below which a share of the values lies; nothing of none is not a number.
fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (share * values.len().saturating_sub(1) as f64).round() as usize;
    values.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(measured: f64, predicted: f64, tpot: (f64, f64)) -> Row {
        Row { layout: String::new(), measured, predicted, tpot: Some(tpot) }
    }

    #[test]
    fn hand_a_pick_its_rank_and_its_regret() {
        // The best by measurement gives 100 and is predicted second; the pick gives 80, a fifth less.
        let rows =
            [row(100.0, 90.0, (40.0, 35.0)), row(80.0, 95.0, (25.0, 18.0)), row(50.0, 40.0, (10.0, 11.0))];
        assert_eq!(rank(&rows), 2);
        assert!((regret(&rows, &rows) - 0.2).abs() < 1e-12);
        // Under 20 ms the second is picked, which takes 25 ms; under 30 ms it is the best that keeps the limit.
        assert!(matches!(under(&rows, 20.0), Some(Limited::Missed)));
        assert!(matches!(under(&rows, 30.0), Some(Limited::Met(regret)) if regret == 0.0));
        // Nothing is predicted to keep 10 ms; 50 ms is no choice.
        assert!(matches!(under(&rows, 10.0), Some(Limited::None)));
        assert!(under(&rows, 50.0).is_none());
    }
}
