//! Scores of predictions, as text.

use crate::format::{count, percent};
use crate::section::{Section, text as tables};
use rackplan_scenario::operators::ScoreRow;

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
