//! Measured columns of serving tables, and what a prediction says to each.

use super::ServingPrediction;
use crate::serving::{Load, ServingCase, ServingReader};
use rackplan_catalog::Catalog;

/// A table's reader, and its rows without the heading.
pub(super) fn open<'a>(text: &'a str, catalog: &Catalog) -> (ServingReader, Vec<&'a str>) {
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let reader = ServingReader::new(lines.first().copied().unwrap_or(""), catalog);
    if !reader.is_jsonl() {
        lines.drain(..lines.len().min(1));
    }
    (reader, lines)
}

/// What a row predicts for a measured column: the value in the column's unit, and the band.
pub(super) struct Metric {
    pub(super) column: &'static str,
    value: fn(&ServingPrediction) -> Option<f64>,
    scale: f64,
    band: fn(&ServingPrediction) -> Option<[f64; 2]>,
}

/// Measured columns; times are in milliseconds.
pub(super) const METRICS: &[Metric] = &[
    Metric { column: "ttft_ms_mean", value: |p| p.ttft_s, scale: 1e3, band: |p| p.band.ttft_s },
    Metric { column: "ttft_ms_median", value: |p| p.ttft_p50_s, scale: 1e3, band: |_| None },
    Metric { column: "ttft_ms_p99", value: |p| p.ttft_p99_s, scale: 1e3, band: |_| None },
    Metric { column: "ttft_ms", value: |p| p.ttft_s, scale: 1e3, band: |p| p.band.ttft_s },
    Metric { column: "tpot_ms_mean", value: |p| p.tpot_s, scale: 1e3, band: |p| p.band.tpot_s },
    Metric { column: "tpot_ms_median", value: |p| p.tpot_p50_s, scale: 1e3, band: |_| None },
    Metric { column: "tpot_ms_p99", value: |p| p.tpot_p99_s, scale: 1e3, band: |_| None },
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

impl Metric {
    /// What a prediction says, in the column's unit.
    pub(super) fn predicted(&self, found: &ServingPrediction) -> Option<f64> {
        (self.value)(found).map(|value| value * self.scale).filter(|value| *value > 0.0)
    }

    /// Its band.
    pub(super) fn band(&self, found: &ServingPrediction) -> Option<[f64; 2]> {
        (self.band)(found).map(|ends| ends.map(|end| end * self.scale))
    }

    /// What was measured on a line, where it can be compared.
    pub(super) fn measured(&self, reader: &ServingReader, line: &str, case: &ServingCase) -> Option<f64> {
        let text = if self.can_be_compared(case) { reader.column(line, self.column) } else { String::new() };
        text.parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0)
    }

    /// Times to first token are compared only where the client is known: others hold waits that nobody describes. Of an
    /// engine that was cold only the median is, since the first requests waited for compilers.
    fn can_be_compared(&self, case: &ServingCase) -> bool {
        if !self.column.starts_with("ttft") || matches!(case.load, Load::StaticBatch { .. }) {
            return true;
        }
        case.inferencex_client && (case.warm == Some(true) || self.column == "ttft_ms_median")
    }
}

/// What was measured on a row, for anchors: a figure of each kind with what a prediction says to it.
#[derive(Default)]
pub(super) struct Measured {
    tpot: Option<(&'static Metric, f64)>,
    ttft: Option<(&'static Metric, f64)>,
    rate: Option<(&'static Metric, f64)>,
}

/// Measured over predicted times; of a rate, predicted over measured.
pub(super) struct Ratios {
    pub(super) tpot: Option<f64>,
    pub(super) ttft: Option<f64>,
    pub(super) time: Option<f64>,
}

/// The figures of a line. Where limits or arrivals set the load, latency is theirs and only the rate says anything.
pub(super) fn measured(reader: &ServingReader, line: &str, case: &ServingCase) -> Measured {
    let first = |start: &str| {
        let of = |metric: &'static Metric| Some((metric, metric.measured(reader, line, case)?));
        METRICS.iter().filter(|metric| metric.column.starts_with(start)).find_map(of)
    };
    let rate = first("total_output").or_else(|| first("output_")).or_else(|| first("total_"));
    let served = matches!(case.load, Load::Closed { .. } | Load::StaticBatch { .. });
    if !served {
        return Measured { rate, ..Measured::default() };
    }
    Measured { tpot: first("tpot"), ttft: first("ttft"), rate }
}

impl Measured {
    /// Beside a prediction.
    pub(super) fn ratios(&self, found: &ServingPrediction) -> Ratios {
        let ratio = |of: Option<(&Metric, f64)>| {
            of.and_then(|(metric, measured)| Some(measured / metric.predicted(found)?))
        };
        Ratios { tpot: ratio(self.tpot), ttft: ratio(self.ttft), time: ratio(self.rate).map(f64::recip) }
    }
}
