//! Predicted serving figures beside measured ones, scored by source, model, accelerator and metric.

use super::{ServingPrediction, ServingPredictor};
use crate::serving::ServingReader;
use rackplan_calibrate::Score;
use rackplan_catalog::Catalog;
use serde::Serialize;
use std::collections::BTreeMap;

/// Scores of one group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServingScore {
    /// Who measured; `all` for the total.
    pub source: String,
    /// The model.
    pub model: String,
    /// The accelerator.
    pub gpu: String,
    /// How it was driven.
    pub load: String,
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
    /// Share of measurements inside the band, where the metric has one.
    pub coverage: Option<f64>,
}

/// What a row predicts for a measured column: the value in the column's unit, and the band.
struct Metric {
    column: &'static str,
    value: fn(&ServingPrediction) -> Option<f64>,
    scale: f64,
    band: fn(&ServingPrediction) -> Option<[f64; 2]>,
}

/// Measured columns; times are in milliseconds.
const METRICS: &[Metric] = &[
    Metric { column: "ttft_ms_mean", value: |p| p.ttft_s, scale: 1e3, band: |p| p.band.ttft_s },
    Metric { column: "ttft_ms_median", value: |p| p.ttft_p50_s, scale: 1e3, band: |_| None },
    Metric { column: "ttft_ms", value: |p| p.ttft_s, scale: 1e3, band: |p| p.band.ttft_s },
    Metric { column: "tpot_ms_mean", value: |p| p.tpot_s, scale: 1e3, band: |p| p.band.tpot_s },
    Metric { column: "tpot_ms_median", value: |p| p.tpot_p50_s, scale: 1e3, band: |_| None },
    Metric { column: "e2e_ms_median", value: |p| p.e2e_p50_s, scale: 1e3, band: |_| None },
    Metric {
        column: "total_output_tok_s",
        value: |p| Some(p.total_output_tok_s),
        scale: 1.0,
        band: |p| p.band.total_output_tok_s,
    },
    Metric {
        column: "output_tok_s_per_gpu",
        value: |p| Some(p.output_tok_s_per_gpu),
        scale: 1.0,
        band: |p| p.band.output_tok_s_per_gpu,
    },
    Metric { column: "total_tok_s", value: |p| Some(p.total_tok_s), scale: 1.0, band: |_| None },
    Metric {
        column: "total_tok_s_per_gpu",
        value: |p| Some(p.total_tok_s_per_gpu),
        scale: 1.0,
        band: |p| p.band.total_tok_s_per_gpu,
    },
    Metric {
        column: "output_tok_s_per_decode_gpu",
        value: |p| p.output_tok_s_per_decode_gpu,
        scale: 1.0,
        band: |_| None,
    },
    Metric {
        column: "input_tok_s_per_prefill_gpu",
        value: |p| p.input_tok_s_per_prefill_gpu,
        scale: 1.0,
        band: |_| None,
    },
];

/// One comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compared {
    pub(crate) predicted: f64,
    pub(crate) measured: f64,
    band: Option<[f64; 2]>,
}

/// A row with what it was compared with.
pub(crate) struct ScoredRow {
    pub(crate) names: [String; 4],
    pub(crate) prediction: ServingPrediction,
    pub(crate) compared: Vec<(&'static str, Compared)>,
}

/// Predicts every row of a table and pairs it with what was measured. Times to first token are compared only where the
/// client is known and the engine was warm: others hold compile times, or waits that nobody describes. Rows that cannot
/// be read are left out; `predict serving` says why.
pub(crate) fn compare(text: &str, catalog: &Catalog) -> Vec<ScoredRow> {
    let mut lines = text.lines();
    let mut reader = ServingReader::new(lines.next().unwrap_or(""), catalog);
    let mut predictor = ServingPredictor::new(catalog);
    let mut rows = Vec::new();
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let Ok(case) = reader.case(line) else { continue };
        let Ok(prediction) = predictor.predict(&case) else { continue };
        let known = case.inferencex_client && case.warm == Some(true);
        let measured = |metric: &&Metric| known || !metric.column.starts_with("ttft");
        let of = |metric: &Metric| {
            let measured: f64 =
                reader.column(line, metric.column).parse().ok().filter(|value| *value > 0.0)?;
            let predicted = (metric.value)(&prediction)? * metric.scale;
            let band = (metric.band)(&prediction).map(|ends| ends.map(|end| end * metric.scale));
            Some((metric.column, Compared { predicted, measured, band }))
        };
        let compared = METRICS.iter().filter(measured).filter_map(of).collect();
        let names = ["source", "model", "gpu", "load"].map(|name| reader.column(line, name));
        rows.push(ScoredRow { names, prediction, compared });
    }
    rows
}

/// Scores of a table: by source, model, accelerator, load and metric, then over all by load and metric.
pub fn score_serving(text: &str, catalog: &Catalog) -> Vec<ServingScore> {
    let mut groups: BTreeMap<([String; 4], &'static str), Vec<Compared>> = BTreeMap::new();
    for row in compare(text, catalog) {
        let load = row.names[3].clone();
        let all = || "all".to_owned();
        for (metric, compared) in row.compared {
            groups.entry((row.names.clone(), metric)).or_default().push(compared);
            groups.entry(([all(), all(), all(), load.clone()], metric)).or_default().push(compared);
        }
    }
    groups.into_iter().map(|((names, metric), pairs)| scored(names, metric, &pairs)).collect()
}

fn scored([source, model, gpu, load]: [String; 4], metric: &'static str, pairs: &[Compared]) -> ServingScore {
    let values: Vec<(f64, f64)> = pairs.iter().map(|pair| (pair.predicted, pair.measured)).collect();
    let score = Score::new(&values);
    let banded: Vec<bool> = pairs
        .iter()
        .filter_map(|pair| pair.band.map(|[low, high]| (low..=high).contains(&pair.measured)))
        .collect();
    let inside = banded.iter().filter(|inside| **inside).count() as f64 / banded.len() as f64;
    ServingScore {
        source,
        model,
        gpu,
        load,
        metric,
        rows: score.rows as u64,
        median: score.median,
        p90: score.p90,
        bias: score.bias,
        coverage: (!banded.is_empty()).then_some(inside),
    }
}
