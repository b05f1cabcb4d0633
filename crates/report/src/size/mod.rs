//! Everything that shows the answer of `size`.

pub(crate) mod classes;
mod figures;
mod pareto;
mod replay;
mod screen;
mod sections;

pub use figures::figures;

use crate::lines::{WIDTH, wrap};
use crate::section::{self, csv as rows_as_csv};
use rackplan_scenario::answer::{Answer, SizeAnswer};

/// The first screen.
pub fn screen(answer: &Answer<SizeAnswer>, color: bool) -> String {
    screen::screen(answer, color)
}

/// The decision in one sentence.
pub(crate) fn decision(answer: &Answer<SizeAnswer>) -> String {
    screen::decision(answer)
}

/// The screen without the decision.
pub(crate) fn facts_text(answer: &Answer<SizeAnswer>) -> String {
    screen::facts_text(answer)
}

/// What binds, where something serves.
pub(crate) fn limits_of(answer: &SizeAnswer) -> String {
    answer.deployment.as_ref().map_or(String::new(), screen::binds)
}

/// What is in the way, where nothing serves.
pub(crate) fn difficulty(answer: &SizeAnswer) -> String {
    screen::difficulty(answer)
}

/// Every table.
pub(crate) fn sections(answer: &Answer<SizeAnswer>) -> Vec<section::Section> {
    sections::sections(answer)
}

/// Every table, under the decision.
pub fn wide(answer: &Answer<SizeAnswer>) -> String {
    let decision = wrap(&screen::decision(answer), WIDTH).join("\n");
    format!("{decision}\n\n{}", section::text(&sections::sections(answer)))
}

/// Which rule dropped how many plans.
pub fn rejected(answer: &Answer<SizeAnswer>) -> String {
    section::text(&[sections::rejected(&answer.answer)])
}

/// Every table as Markdown.
pub fn markdown(answer: &Answer<SizeAnswer>) -> String {
    format!("# {}\n\n{}", screen::decision(answer), section::markdown(&sections::sections(answer)))
}

/// What the numbers rest on.
pub(crate) fn lead(answer: &Answer<SizeAnswer>) -> String {
    let evidence = &answer.evidence;
    match answer.answer.deployment.as_ref().and_then(|d| d.latency.as_ref()) {
        Some(_) => format!("By the {} method: {}.", evidence.method, evidence.band),
        None => format!("By the {} method; latency is {}.", evidence.method, evidence.band),
    }
}

/// The chosen plan and its alternatives, a row each; bare numbers, units in the heading.
pub fn csv(answer: &Answer<SizeAnswer>) -> String {
    let columns = [
        "choice",
        "plan",
        "racks",
        "gpus_active",
        "gpus_provisioned",
        "total_tokens_per_s",
        "tokens_per_s_per_user",
    ];
    let size = &answer.answer;
    let chosen = size.deployment.as_ref().map(|d| {
        let layout = screen::layout(&d.plan);
        let plan = format!("{} {} {layout} batch {}", d.hardware.id, d.quant, d.plan.batch);
        let c = &d.capacity;
        row(
            "chosen",
            &plan,
            [c.racks, c.gpus_active, c.gpus_provisioned],
            [d.throughput.total_tokens_per_s, d.throughput.tokens_per_s_per_user],
        )
    });
    let others = size.alternatives.iter().map(|a| {
        row(
            &a.change,
            &a.plan,
            [a.racks, a.gpus_active, a.gpus_provisioned],
            [a.total_tokens_per_s, a.tokens_per_s_per_user],
        )
    });
    rows_as_csv(&columns, &chosen.into_iter().chain(others).collect::<Vec<_>>())
}

fn row(choice: &str, plan: &str, counts: [u64; 3], rates: [f64; 2]) -> Vec<String> {
    let counts = counts.iter().map(u64::to_string);
    let rates = rates.iter().map(f64::to_string);
    [choice.to_owned(), plan.to_owned()].into_iter().chain(counts).chain(rates).collect()
}

/// The founding documents' rows, details and warnings, to the character.
pub fn founding(answer: &Answer<SizeAnswer>) -> String {
    let summary = &answer.answer.summary;
    if let Some(error) = &summary.error {
        let help = screen::difficulty(&answer.answer);
        return format!("{error}\n{help}");
    }
    let width = summary.rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    let mut out: String =
        summary.rows.iter().map(|(label, value)| format!("{label:<width$}  {value}\n")).collect();
    out += "\nPlan details:\n";
    out.extend(summary.details.iter().map(|line| format!("  {line}\n")));
    out.extend(summary.warnings.iter().map(|line| format!("{line}\n")));
    out.extend(answer.assumptions.iter().map(|a| format!("assumed {}: {} ({})\n", a.key, a.text(), a.why)));
    out
}
