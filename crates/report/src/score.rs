//! Scores of predictions, as text.

use crate::format::{count, percent};
use crate::section::{Section, text as tables};
use rackplan_scenario::operators::ScoreRow;
use rackplan_scenario::predict_serving::ServingScore;

/// A table, the errors in percent.
pub fn text(scores: &[ScoreRow]) -> String {
    let cells = |row: &ScoreRow| {
        let names = [&row.backend, &row.gpu, &row.dtype, &row.evidence].map(String::clone).to_vec();
        let numbers = [row.median, row.p90, row.bias, row.coverage].map(percent).to_vec();
        [names, vec![count(row.rows)], numbers].concat()
    };
    let columns = ["backend", "gpu", "formats", "evidence", "rows", "median error", "p90", "bias", "in band"];
    tables(&[Section::new("Predicted against measured", &columns, scores.iter().map(cells).collect())
        .numbers_from(4)])
}

const SERVING: [&str; 10] =
    ["source", "model", "gpu", "load", "metric", "rows", "median error", "p90", "bias", "in band"];

/// Scores of serving predictions as a table, the errors in percent.
pub fn serving_text(scores: &[ServingScore]) -> String {
    let rows = scores.iter().map(serving_cells).collect();
    tables(&[Section::new("Predicted against measured", &SERVING, rows).numbers_from(5)])
}

/// The same as a Markdown table.
pub fn serving_markdown(scores: &[ServingScore]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let heading = line(SERVING.map(str::to_owned).to_vec()) + &line(vec!["---".to_owned(); SERVING.len()]);
    heading + &scores.iter().map(|row| line(serving_cells(row))).collect::<String>()
}

fn serving_cells(row: &ServingScore) -> Vec<String> {
    let names = [&row.source, &row.model, &row.gpu, &row.load].map(String::clone).to_vec();
    let numbers = [row.median, row.p90, row.bias].map(percent).to_vec();
    let held = row.coverage.map_or_else(|| "-".to_owned(), percent);
    [names, vec![row.metric.to_owned(), count(row.rows)], numbers, vec![held]].concat()
}
