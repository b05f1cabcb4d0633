//! Scores of predictions, as text.

use crate::format::{count, percent};
use crate::section::{Section, csv, markdown, text as tables};
use rackplan_scenario::operators::ScoreRow;
use rackplan_scenario::predict_serving::{By, Picks, ServingScore, ServingScores};
use serde_json::{Value, json};

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

/// Scores of serving predictions as a table, the errors in percent.
pub fn serving_text(scores: &ServingScores) -> String {
    tables(&[serving_section(scores)])
}

/// The same as Markdown, as a page by itself: what was compared, and how to make it again.
pub fn serving_markdown(scores: &ServingScores, file: &str, command: &str) -> String {
    let rows: u64 =
        scores.groups.iter().filter(|group| is_total(scores, group)).map(|group| group.rows).sum();
    let about = format!(
        "Written by `{command}`; do not edit. {} comparisons with `{file}`. Constants of operators never saw serving rows; the \
         drift of ranks, the time of hosts, the skew of experts, the acceptance of drafts on random text and the bands did \
         (docs/fidelity-serving.md). Times to first token are compared where the client is known and the engine was warm, their medians also where it was cold. Errors \
         are |predicted / measured - 1|, the bias is signed. tau is Kendall's, the mean over groups of four rows or more that \
         share model, accelerator, framework and lengths; `tau by rows` counts each group as its rows, those of three too. \
         `in band` is the share of measurements between p10 and p90; 80 % is what it should be.",
        count(rows)
    );
    let table = markdown(&[serving_section(scores)]);
    let body = table.split_once("\n\n").map_or(table.as_str(), |(_, body)| body);
    format!("# Predicted beside measured\n\n{about}\n\n{body}")
}

/// What the picks by prediction would have been worth, as text.
pub fn picks_text(picks: &[Picks]) -> String {
    tables(&[picks_section(picks)])
}

/// The same as a part of the page.
pub fn picks_markdown(picks: &[Picks]) -> String {
    let about = "Rows of one source, model, accelerator, framework, formats and lengths that differ in layout and load are a \
        search whose outcome is known. `rank` is the place of the best by measurement (output tokens a second of each \
        accelerator) among the predictions, `regret` what the pick by prediction gives away of it. Under limits on the time \
        per output token (8 to 120 ms, each a pick where some rows keep it and others do not) a pick misses where it was \
        measured more than a tenth over, and there is none where nothing was predicted to keep the limit.";
    let table = markdown(&[picks_section(picks)]);
    let body = table.split_once("\n\n").map_or(table.as_str(), |(_, body)| body);
    format!("\n## Picks beside the best measured\n\n{about}\n\n{body}")
}

fn picks_section(picks: &[Picks]) -> Section {
    let share = |value: f64| if value.is_finite() { percent(value) } else { "-".to_owned() };
    let cells = |p: &Picks| {
        let shares = [p.first, p.among_three].map(share);
        let regrets = [p.regret_median, p.regret_p90].map(share);
        let limited = if p.limited > 0 {
            [p.missed, p.none, p.limited_regret_median].map(share)
        } else {
            ["-", "-", "-"].map(str::to_owned)
        };
        let counts = [p.source.clone(), count(p.groups), count(p.rows)];
        let rank = format!("{:.0}", p.rank_median);
        [
            counts.to_vec(),
            shares.to_vec(),
            vec![rank],
            regrets.to_vec(),
            vec![count(p.limited)],
            limited.to_vec(),
        ]
        .concat()
    };
    let columns = [
        "source",
        "searches",
        "rows",
        "best is first",
        "among three",
        "rank, median",
        "regret, median",
        "p90",
        "picks under a limit",
        "miss it",
        "none",
        "regret, median",
    ];
    Section::new("Picks by prediction", &columns, picks.iter().map(cells).collect()).numbers_from(1)
}

/// The same as CSV, the errors as numbers.
pub fn serving_csv(scores: &ServingScores) -> String {
    let blank = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.4}"));
    let cells = |group: &ServingScore| {
        let errors = [group.median, group.p90, group.bias].map(Some);
        let numbers = [errors.as_slice(), &[group.tau, group.tau_by_rows, group.coverage]].concat();
        [
            group.names.clone(),
            vec![group.metric.to_owned(), group.rows.to_string()],
            numbers.into_iter().map(blank).collect(),
        ]
        .concat()
    };
    let rows: Vec<Vec<String>> = scores.groups.iter().map(cells).collect();
    csv(&columns(scores, &KEYS), &rows)
}

/// The same as a list of objects.
pub fn serving_json(scores: &ServingScores) -> String {
    let object = |group: &ServingScore| {
        let names = scores.by.iter().zip(&group.names).map(|(by, name)| (by.name().to_owned(), json!(name)));
        let numbers = [
            ("metric", json!(group.metric)),
            ("n", json!(group.rows)),
            ("median", json!(group.median)),
            ("p90", json!(group.p90)),
            ("bias", json!(group.bias)),
            ("tau", json!(group.tau)),
            ("tau_by_rows", json!(group.tau_by_rows)),
            ("coverage", json!(group.coverage)),
        ];
        Value::Object(names.chain(numbers.map(|(key, value)| (key.to_owned(), value))).collect())
    };
    let list: Vec<Value> = scores.groups.iter().map(object).collect();
    format!("{:#}\n", Value::Array(list))
}

/// Headings of the numbers, for people and for programs.
const HEADINGS: [&str; 8] =
    ["metric", "rows", "median error", "p90", "bias", "tau", "tau by rows", "in band"];
const KEYS: [&str; 8] = ["metric", "n", "median", "p90", "bias", "tau", "tau_by_rows", "coverage"];

fn columns<'a>(scores: &ServingScores, rest: &[&'a str]) -> Vec<&'a str> {
    scores.by.iter().map(|by| by.name()).chain(rest.iter().copied()).collect()
}

fn serving_section(scores: &ServingScores) -> Section {
    let cells = |group: &ServingScore| {
        let share = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), percent);
        let numbers = [group.median, group.p90, group.bias].map(percent).to_vec();
        let tau = |of: Option<f64>| of.map_or_else(|| "-".to_owned(), |tau| format!("{tau:.2}"));
        let end = vec![tau(group.tau), tau(group.tau_by_rows), share(group.coverage)];
        [group.names.clone(), vec![group.metric.to_owned(), count(group.rows)], numbers, end].concat()
    };
    let rows = scores.groups.iter().map(cells).collect();
    Section::new("Predicted against measured", &columns(scores, &HEADINGS), rows)
        .numbers_from(scores.by.len() + 1)
}

/// Whether a group is a total, or all groups are.
fn is_total(scores: &ServingScores, group: &ServingScore) -> bool {
    let all = scores.by.iter().zip(&group.names).all(|(by, name)| *by == By::Load || name == "all");
    all || !scores.groups.iter().any(|group| group.names.iter().any(|name| name == "all"))
}
