//! Everything that shows the answer of `simulate`.

mod figures;
mod screen;
mod sections;

pub use figures::figures;

use crate::html::{Page, html as page};
use crate::lines::{WIDTH, wrap};
use crate::section::{self, csv as rows_as_csv};
use crate::svg::Theme;
use rackplan_scenario::answer::{Answer, LatencyFigures, SimulateAnswer};

/// The first screen.
pub fn screen(answer: &Answer<SimulateAnswer>, color: bool) -> String {
    screen::screen(answer, color)
}

/// Every table, under the decision.
pub fn wide(answer: &Answer<SimulateAnswer>) -> String {
    let decision = wrap(&screen::decision(&answer.answer), WIDTH).join("\n");
    format!("{decision}\n\n{}", section::text(&sections::sections(answer)))
}

/// Every table as Markdown.
pub fn markdown(answer: &Answer<SimulateAnswer>) -> String {
    let decision = screen::decision(&answer.answer);
    format!("# {decision}\n\n{}", section::markdown(&sections::sections(answer)))
}

/// One page with pictures.
pub fn html(answer: &Answer<SimulateAnswer>) -> String {
    let headline = screen::decision(&answer.answer);
    page(&Page {
        title: format!("rackplan: {headline}"),
        lead: format!("By simulation, event by event; {}.", answer.evidence.band),
        screen: screen::facts(answer),
        figures: figures(answer, Theme::Auto),
        sections: sections::sections(answer),
        version: answer.tool_version.clone(),
        headline,
    })
}

/// The latencies, with their names.
fn latencies(answer: &SimulateAnswer) -> Vec<(&'static str, LatencyFigures)> {
    let Some(result) = &answer.result else { return Vec::new() };
    let all = [
        ("ttft", result.ttft),
        ("tpot", result.tpot),
        ("itl", result.itl),
        ("e2e", result.e2e),
        ("queueing", result.queueing),
    ];
    all.into_iter().filter_map(|(name, found)| Some((name, found?))).collect()
}

/// A row a latency, in seconds; bare numbers, units in the heading.
pub fn csv(answer: &Answer<SimulateAnswer>) -> String {
    let columns = [
        "latency",
        "mean_s",
        "p50_s",
        "p90_s",
        "p95_s",
        "p99_s",
        "mean_half_width_s",
        "p50_half_width_s",
        "p90_half_width_s",
        "p95_half_width_s",
        "p99_half_width_s",
    ];
    let bare = |(name, l): (&str, LatencyFigures)| {
        let values = [l.mean_s, l.p50_s, l.p90_s, l.p95_s, l.p99_s].map(|value| value.to_string());
        let halves = [
            l.mean_half_width_s,
            l.p50_half_width_s,
            l.p90_half_width_s,
            l.p95_half_width_s,
            l.p99_half_width_s,
        ];
        let halves = halves.map(|half| half.map_or_else(String::new, |half| half.to_string()));
        [vec![name.to_owned()], values.to_vec(), halves.to_vec()].concat()
    };
    rows_as_csv(&columns, &latencies(&answer.answer).into_iter().map(bare).collect::<Vec<_>>())
}
