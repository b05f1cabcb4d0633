//! Everything that shows the answer of `size --stock`: who serves how much on which racks.

mod figures;
mod tables;
mod words;

pub use figures::figures;
pub use tables::csv;

use crate::html::{Page, html as page};
use crate::lines::{WIDTH, notes, wrap};
use crate::section;
use crate::svg::Theme;
use rackplan_scenario::answer::{Answer, MixAnswer};
use tables::sections;
use words::{decision, facts};

/// The decision, a line or two a kind, the bill, and what was assumed.
pub fn screen(answer: &Answer<MixAnswer>, color: bool) -> String {
    let (bold, plain) = if color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let decision = wrap(&decision(&answer.answer), WIDTH).join("\n");
    let next = "next: --wide for the tables, --format html -o mix.html for a page\n";
    format!("{bold}{decision}{plain}\n{}{next}", facts(answer))
}

/// The tables as text.
pub fn wide(answer: &Answer<MixAnswer>) -> String {
    let decision = wrap(&decision(&answer.answer), WIDTH).join("\n");
    let notes: String = notes(answer).map(|line| line + "\n").collect();
    format!("{decision}\n\n{}\n{notes}", section::text(&sections(&answer.answer)))
}

/// The tables as Markdown.
pub fn markdown(answer: &Answer<MixAnswer>) -> String {
    let notes: String = notes(answer).map(|line| format!("- {line}\n")).collect();
    format!("# {}\n\n{}\n{notes}", decision(&answer.answer), section::markdown(&sections(&answer.answer)))
}

/// The tables as a page.
pub fn html(answer: &Answer<MixAnswer>) -> String {
    let headline = decision(&answer.answer);
    page(&Page {
        title: format!("rackplan: {headline}"),
        lead: format!("By the {} method; {}.", answer.evidence.method, answer.evidence.band),
        screen: facts(answer),
        figures: figures(answer, Theme::Auto),
        sections: sections(&answer.answer),
        version: answer.tool_version.clone(),
        headline,
    })
}
