//! Operators one row at a time: fitted from tables of measurements, predicted, and scored.

use rackplan_calibrate::operators::{OPERATORS, with_operator};
use rackplan_calibrate::{Operator, OperatorModel, Prediction, Rows, Score, Table, add_to_engines, to_toml};
use rackplan_catalog::{Catalog, Engine};
use serde::Serialize;
use std::collections::BTreeMap;

/// Names that `--op` knows.
pub const NAMES: &[&str] = OPERATORS;

/// What a fit was made from, for the files it writes.
const SOURCE: &str = "fitted by `rackplan calibrate fit-ops` to operator tables of aiconfigurator-core 0.12.0 (NVIDIA, \
                      Apache-2.0); constants are per backend and architecture, shapes were kept back for the errors";

/// Fits every table, given as (operator, text), and returns the engines as (id, TOML).
pub fn fit(tables: &[(String, String)], catalog: &Catalog) -> Result<Vec<(String, String)>, String> {
    let mut engines: BTreeMap<String, Engine> = BTreeMap::new();
    for (name, text) in tables {
        let fitted = with_operator!(name.as_str(), O => fit_one::<O>(text, catalog, &mut engines));
        fitted
            .ok_or_else(|| format!("no operator is called `{name}`"))?
            .map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(engines.iter().map(|(id, engine)| (id.clone(), to_toml(engine))).collect())
}

fn fit_one<O: Operator>(
    text: &str,
    catalog: &Catalog,
    engines: &mut BTreeMap<String, Engine>,
) -> Result<(), String>
where
    O::Shape: Send + Sync,
    O::Constants: Send,
{
    let table = Table::<O>::read(text, catalog).map_err(|error| error.to_string())?;
    add_to_engines(engines, &table, &table.fit(), SOURCE);
    Ok(())
}

/// A predicted row, as `predict ops` writes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PredictedRow {
    /// Which row, from 0.
    pub row: u64,
    /// Predicted time, in microseconds.
    pub latency_us: f64,
    /// One measurement in ten should be below.
    pub p10_us: f64,
    /// One measurement in ten should be above.
    pub p90_us: f64,
    /// What bounds it.
    pub bound: &'static str,
    /// What it rests on.
    pub evidence: &'static str,
}

/// Predicts the rows of a table, one by one.
#[derive(Debug)]
pub struct RowPredictor {
    operator: String,
    rows: Rows,
    model: OperatorModel,
    next: u64,
}

impl RowPredictor {
    /// For the table with these headings.
    pub fn new(operator: &str, heading: &str, catalog: &Catalog) -> Self {
        Self {
            operator: operator.to_owned(),
            rows: Rows::new(heading),
            model: OperatorModel::new(catalog),
            next: 0,
        }
    }

    /// Predicts a line; its number, and what is wrong with it, if anything is.
    pub fn predict(&mut self, line: &str) -> Result<PredictedRow, (u64, String)> {
        let number = self.next;
        self.next += 1;
        let row = self.rows.row(line);
        let model = &mut self.model;
        let found = with_operator!(self.operator.as_str(), O => model.predict::<O>(&row));
        let found = found.unwrap_or_else(|| Err(format!("no operator is called `{}`", self.operator)));
        found.map(|prediction| shown(number, &prediction)).map_err(|problem| (number, problem))
    }

    /// A column of a line, for those who score.
    pub fn column(&self, line: &str, name: &str) -> String {
        self.rows.row(line).text(name).to_owned()
    }
}

fn shown(row: u64, p: &Prediction) -> PredictedRow {
    PredictedRow {
        row,
        latency_us: p.microseconds,
        p10_us: p.p10,
        p90_us: p.p90,
        bound: p.bound.name(),
        evidence: p.evidence.name(),
    }
}

/// Scores of one backend and accelerator, or of all.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScoreRow {
    /// Backend.
    pub backend: String,
    /// Accelerator.
    pub gpu: String,
    /// Number formats, as the table gives them.
    pub dtype: String,
    /// What the predictions rest on.
    pub evidence: String,
    /// Rows.
    pub rows: u64,
    /// Median of |predicted / measured - 1|.
    pub median: f64,
    /// 90th percentile of the same.
    pub p90: f64,
    /// Median of predicted / measured - 1.
    pub bias: f64,
    /// Share of measurements inside p10..p90.
    pub coverage: f64,
}

/// Scores the rows of a table that have a measured time, by backend, accelerator and format.
pub fn score(operator: &str, text: &str, catalog: &Catalog) -> Result<Vec<ScoreRow>, String> {
    let mut lines = text.lines();
    let mut predictor = RowPredictor::new(operator, lines.next().unwrap_or(""), catalog);
    let mut groups: BTreeMap<[String; 4], Vec<(PredictedRow, f64)>> = BTreeMap::new();
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let measured = predictor.column(line, "latency_us").parse::<f64>();
        let found = predictor.predict(line).map_err(|(row, problem)| format!("row {row}: {problem}"))?;
        let measured = measured.map_err(|_| format!("row {}: `latency_us` is no number", found.row))?;
        let name = |column: &str| predictor.column(line, column);
        let dtype = [name("dtype"), name("attn_dtype"), name("kv_dtype")].join(" ").trim().to_owned();
        groups
            .entry([name("backend"), name("gpu"), dtype, found.evidence.to_owned()])
            .or_default()
            .push((found, measured));
    }
    Ok(groups.into_iter().map(|(names, rows)| score_row(names, &rows)).collect())
}

fn score_row([backend, gpu, dtype, evidence]: [String; 4], rows: &[(PredictedRow, f64)]) -> ScoreRow {
    let pairs: Vec<(f64, f64)> = rows.iter().map(|(p, measured)| (p.latency_us, *measured)).collect();
    let inside = rows.iter().filter(|(p, measured)| (p.p10_us..=p.p90_us).contains(measured)).count();
    let score = Score::new(&pairs);
    ScoreRow {
        backend,
        gpu,
        dtype,
        evidence,
        rows: rows.len() as u64,
        median: score.median,
        p90: score.p90,
        bias: score.bias,
        coverage: inside as f64 / rows.len() as f64,
    }
}
