//! Classes of requests on the first screen and as a table.

use crate::format::{count, number, percent, time};
use crate::lines::labelled;
use crate::section::Section;
use rackplan_scenario::answer::{Latency, SizeAnswer, SizedClass};

/// Classes on the first screen; the rest is in the wide tables.
const SHOWN: usize = 4;

/// A line for each class.
pub(super) fn lines(size: &SizeAnswer, l: &Latency) -> String {
    let shown = size.classes.iter().take(SHOWN).map(|class| labelled(&class.name, &line(class, l)));
    let left = size.classes.len().saturating_sub(SHOWN);
    let more = if left > 0 { labelled("", &format!("{left} more classes in --wide")) } else { String::new() };
    shown.collect::<String>() + &more
}

fn line(class: &SizedClass, l: &Latency) -> String {
    let last = class
        .e2e_target_s
        .map_or(String::new(), |limit| format!(", last token {} of {}", time(class.e2e_s), time(limit)));
    format!(
        "{}; {} ttft {} of {}, tpot {} of {}{last}",
        who(class),
        l.percentile,
        time(class.ttft_s),
        time(class.ttft_target_s),
        time(class.tpot_s),
        time(class.tpot_target_s)
    )
}

fn who(class: &SizedClass) -> String {
    let users = class.users.map_or(String::new(), |users| format!("{} users, ", count(users.round() as u64)));
    format!(
        "{users}{} req/s, prompts {}, answers {}",
        number(class.requests_per_s),
        count(class.isl),
        count(class.osl)
    )
}

/// All of them as a table; without rows where all requests are alike.
pub(super) fn section(size: &SizeAnswer, l: Option<&Latency>) -> Section {
    let at = |name: &str| l.map_or(name.to_owned(), |l| format!("{name} {}", l.percentile));
    let row = |class: &SizedClass| [vec![class.name.clone(), percent(class.share)], seen(class)].concat();
    let columns = ["class", "share", "req/s", "prompt", "answer", &at("TTFT"), &at("TPOT"), &at("e2e")];
    Section::new("Classes of requests", &columns, size.classes.iter().map(row).collect()).numbers_from(1)
}

/// What a class asks for, and what it sees of its targets: req/s, prompt, answer, TTFT, TPOT, e2e.
pub(crate) fn seen(class: &SizedClass) -> Vec<String> {
    let pair = |value: f64, target: f64| format!("{} of {}", time(value), time(target));
    vec![
        number(class.requests_per_s),
        count(class.isl),
        count(class.osl),
        pair(class.ttft_s, class.ttft_target_s),
        pair(class.tpot_s, class.tpot_target_s),
        class.e2e_target_s.map_or_else(|| time(class.e2e_s), |limit| pair(class.e2e_s, limit)),
    ]
}
