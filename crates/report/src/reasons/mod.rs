//! Everything that shows an answer with its reasons: `explain ANSWER.json`, and the page of `size`.

mod figures;
mod screen;
mod sections;

pub use figures::figures;

use crate::html::{Page, html as page};
use crate::lines::{WIDTH, wrap};
use crate::section::{self, csv as rows_as_csv};
use crate::size;
use crate::svg::Theme;
use rackplan_scenario::answer::{Answer, Decision, ReasonsAnswer, SizeAnswer};

/// The first screen.
pub fn screen(answer: &Answer<ReasonsAnswer>, color: bool) -> String {
    screen::screen(answer, color)
}

/// Every table, under the decision.
pub fn wide(answer: &Answer<ReasonsAnswer>) -> String {
    let decision = wrap(&size::decision(&of_size(answer)), WIDTH).join("\n");
    format!("{decision}\n\n{}", section::text(&all(answer)))
}

/// Every table as Markdown.
pub fn markdown(answer: &Answer<ReasonsAnswer>) -> String {
    format!("# {}\n\n{}", size::decision(&of_size(answer)), section::markdown(&all(answer)))
}

/// One page: decision, pictures, reasons, and every table of the answer.
pub fn html(answer: &Answer<ReasonsAnswer>) -> String {
    let sized = of_size(answer);
    let headline = size::decision(&sized);
    page(&Page {
        title: format!("rackplan: {headline}"),
        lead: size::lead(&sized),
        screen: size::facts_text(&sized),
        figures: figures(answer, Theme::Auto),
        sections: all(answer),
        version: answer.tool_version.clone(),
        headline,
    })
}

/// Elasticities, a row each; bare numbers, units in the heading.
pub fn csv(answer: &Answer<ReasonsAnswer>) -> String {
    let columns = [
        "resource",
        "value",
        "change",
        "gpus_change",
        "tpot_change",
        "ttft_change",
        "objective_change",
        "then",
    ];
    let bare = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let row = |e: &rackplan_scenario::answer::Elasticity| {
        let changes = [e.gpus_change, e.tpot_change, e.ttft_change, e.objective_change].map(bare);
        let names = [e.resource.clone(), e.value.clone(), e.change.to_string()];
        names.into_iter().chain(changes).chain([e.then.clone().unwrap_or_default()]).collect()
    };
    rows_as_csv(&columns, &answer.answer.elasticities.iter().map(row).collect::<Vec<_>>())
}

/// Reasons first, then what the answer itself holds.
fn all(answer: &Answer<ReasonsAnswer>) -> Vec<section::Section> {
    let mut all = sections::sections(&answer.answer);
    all.extend(size::sections(&of_size(answer)));
    all
}

/// The answer of `size` inside, with everything around it.
fn of_size(answer: &Answer<ReasonsAnswer>) -> Answer<SizeAnswer> {
    Answer {
        schema_version: answer.schema_version,
        tool_version: answer.tool_version.clone(),
        question: answer.question.clone(),
        answer: answer.answer.size.clone(),
        assumptions: answer.assumptions.clone(),
        warnings: answer.warnings.clone(),
        evidence: answer.evidence.clone(),
    }
}

/// `1 rack, 12 GPUs, ttft 477 ms, tpot 47 ms` and the like: what a decision holds, in cells.
fn cells(decision: Option<&Decision>) -> Vec<String> {
    use crate::format::{count, number, time};
    let Some(d) = decision else { return vec!["-".to_owned(); 5] };
    let seconds = |value: Option<f64>| value.map_or("-".to_owned(), time);
    vec![
        count(d.gpus_active),
        count(d.racks),
        seconds(d.ttft_s),
        seconds(d.tpot_s),
        number(d.tokens_per_s_per_gpu),
    ]
}
