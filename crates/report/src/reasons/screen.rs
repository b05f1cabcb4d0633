//! The first screen of `explain ANSWER.json`: at most 25 lines of 100 columns.

use super::of_size;
use super::sections::change;
use crate::format::{count, time};
use crate::lines::{WIDTH, labelled, wrap};
use crate::size;
use rackplan_scenario::answer::{Answer, Elasticity, RankedPlan, ReasonsAnswer, Sensitivity};

/// Lines of the whole screen.
const LINES: usize = 25;
/// Rules shown; the rest is in the wide tables.
const RULES: usize = 4;
/// Where to look next.
const NEXT: &str = "next: --wide for every table, --format html -o why.html for the page with pictures";

/// The whole screen.
pub(super) fn screen(answer: &Answer<ReasonsAnswer>, color: bool) -> String {
    let (bold, plain) = if color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let decision = wrap(&size::decision(&of_size(answer)), WIDTH).join("\n");
    let reasons = &answer.answer;
    let mut lines = vec![
        ("moved", reasons.moved.join("; ")),
        ("binds", size::limits_of(&reasons.size)),
        ("why", why(reasons)),
        ("rejected", rejected(reasons)),
    ];
    let elasticities = reasons.elasticities.iter().filter(|e| matters(e)).map(|e| ("+10 %", elasticity(e)));
    let flat: Vec<&str> =
        reasons.elasticities.iter().filter(|e| !matters(e)).map(|e| e.resource.as_str()).collect();
    lines.extend(elasticities);
    if !flat.is_empty() {
        lines.push(("+10 %", format!("of {}: nothing moves by half a percent", flat.join(", "))));
    }
    lines.extend(reasons.flips.iter().map(|flip| {
        let size = change(Some(flip.change));
        ("flips", format!("{} {} -> {} ({size}): {}", flip.input, flip.from, flip.to, flip.then))
    }));
    lines.extend(reasons.sensitivities.iter().map(|one| ("moves", sensitivity(one))));
    let difficulty = size::difficulty(&reasons.size);
    let text: String = lines
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(label, text)| labelled(label, text))
        .collect();
    // What does not fit is in the wide tables, the least telling last.
    let room = LINES - wrap(&decision, WIDTH).len() - 1 - difficulty.lines().count();
    let shown: String = text.lines().take(room).map(|line| format!("{line}\n")).collect();
    format!("{bold}{decision}{plain}\n{difficulty}{shown}{NEXT}\n")
}

/// The plans behind the chosen one.
fn why(reasons: &ReasonsAnswer) -> String {
    let said = |plan: &RankedPlan| {
        let takes = format!("takes {} each", crate::format::number(plan.taken_per_instance.floor()));
        format!("{} {} GPUs ({takes}, {} binds)", plan.layout, count(plan.gpus_active), plan.limit)
    };
    let plans = &reasons.size.plans;
    match plans.split_first() {
        Some((first, rest)) if !rest.is_empty() => {
            let rest: Vec<String> = rest.iter().take(3).map(said).collect();
            format!("fewest GPUs: {}; then {}", said(first), rest.join(", "))
        }
        Some((first, _)) => format!("the only plan that serves: {}", said(first)),
        None => String::new(),
    }
}

fn rejected(reasons: &ReasonsAnswer) -> String {
    let mut rules: Vec<_> = reasons.size.rejected.iter().collect();
    rules.sort_by(|a, b| b.plans.cmp(&a.plans));
    let all: u64 = rules.iter().map(|rule| rule.plans).sum();
    let shown: Vec<String> =
        rules.iter().take(RULES).map(|rule| format!("{} {}", count(rule.plans), rule.rule)).collect();
    if shown.is_empty() { String::new() } else { format!("{} plans: {}", count(all), shown.join(", ")) }
}

fn matters(e: &Elasticity) -> bool {
    let moves = |value: Option<f64>| value.is_none_or(|value| value.abs() >= 0.005);
    e.then.is_some() || [e.gpus_change, e.tpot_change, e.objective_change].into_iter().any(moves)
}

fn elasticity(e: &Elasticity) -> String {
    let then = e.then.as_ref().map_or(String::new(), |then| format!("; best plan then: {then}"));
    let same = match e.gpus_change {
        Some(_) => format!(
            "same plan {} GPUs before rounding, tpot {}, ttft {}",
            change(e.gpus_change),
            change(e.tpot_change),
            change(e.ttft_change)
        ),
        None => "same plan no longer serves".to_owned(),
    };
    format!("{} ({}): {same}; objective {}{then}", e.resource, e.value, change(e.objective_change))
}

/// From end to end: GPUs and time per token of the same plan.
fn sensitivity(one: &Sensitivity) -> String {
    let at = |index: usize| {
        let point = &one.points[index];
        let value = crate::format::number(point.value);
        match &point.same_plan {
            Some(d) => format!(
                "{value} -> {} GPUs, tpot {}",
                count(d.gpus_active),
                d.tpot_s.map_or("-".to_owned(), time)
            ),
            None => format!("{value} -> the plan no longer serves"),
        }
    };
    let last = one.points.len().saturating_sub(1);
    format!("{} -20 %: {}; +20 %: {}", one.input, at(0), at(last))
}
