//! Everything that shows the answer of `explain`.

mod figures;
mod merged;
mod screen;
mod sections;

pub use figures::figures;
pub(crate) use figures::step_figure;

use crate::html::{Page, html as page};
use crate::lines::{WIDTH, wrap};
use crate::section::{self, csv as rows_as_csv};
use crate::svg::Theme;
use rackplan_scenario::answer::{Answer, ExplainAnswer, ExplainPart};

/// The first screen.
pub fn screen(answer: &Answer<ExplainAnswer>, color: bool) -> String {
    screen::screen(answer, color)
}

/// Every table, under the decision.
pub fn wide(answer: &Answer<ExplainAnswer>) -> String {
    let decision = wrap(&screen::decision(&answer.answer), WIDTH).join("\n");
    format!("{decision}\n\n{}", section::text(&sections::sections(answer)))
}

/// Every table as Markdown.
pub fn markdown(answer: &Answer<ExplainAnswer>) -> String {
    let decision = screen::decision(&answer.answer);
    format!("# {decision}\n\n{}", section::markdown(&sections::sections(answer)))
}

/// One page with pictures.
pub fn html(answer: &Answer<ExplainAnswer>) -> String {
    let headline = screen::decision(&answer.answer);
    page(&Page {
        title: format!("rackplan: {headline}"),
        lead: format!("By the {} method; bands: {}.", answer.evidence.method, answer.evidence.band),
        screen: screen::facts(answer),
        figures: figures(answer, Theme::Auto),
        sections: sections::sections(answer),
        version: answer.tool_version.clone(),
        headline,
    })
}

/// A row a part; bare numbers, units in the heading.
pub fn csv(answer: &Answer<ExplainAnswer>) -> String {
    let columns = [
        "part",
        "layer_kind",
        "family",
        "count",
        "each_s",
        "time_s",
        "exposed_s",
        "share",
        "bound",
        "evidence",
        "band_p10",
        "band_p90",
        "arithmetic",
        "flops",
        "bytes",
        "wire_bytes",
        "formula",
    ];
    rows_as_csv(&columns, &answer.answer.parts.iter().map(bare).collect::<Vec<_>>())
}

fn bare(part: &ExplainPart) -> Vec<String> {
    let names = [&part.name, &part.layer_kind, &part.family].map(String::clone);
    let times = [part.count, part.each_s, part.time_s, part.exposed_s, part.share];
    let words = [&part.bound, &part.evidence].map(String::clone);
    let amounts = [part.flops, part.bytes, part.wire_bytes];
    let numbers = |values: &[f64]| values.iter().map(f64::to_string).collect::<Vec<_>>();
    [
        names.to_vec(),
        numbers(&times),
        words.to_vec(),
        numbers(&[part.band_p10, part.band_p90]),
        vec![part.arithmetic.clone().unwrap_or_default()],
        numbers(&amounts),
        vec![part.formula.clone()],
    ]
    .concat()
}
