//! Plans of every set-up that no other beats in throughput, speed, time to first token, cost and power.

use crate::format::{count, dollars, number, power, time};
use crate::html::Figure;
use crate::section::Section;
use crate::svg::{Frontier, FrontierMark, Theme, logarithmic};
use rackplan_scenario::answer::{ParetoPlan, SizeAnswer};
use std::collections::BTreeSet;

/// Plans in the table, and kinds of rack that have a colour of their own.
const LISTED: usize = 40;
const COLOURED: usize = 5;
/// The rest of them.
const OTHERS: &str = "other racks";

pub(super) fn section(size: &SizeAnswer) -> Section {
    let known = |value: Option<f64>, show: fn(f64) -> String| value.map_or("-".to_owned(), show);
    let row = |p: &ParetoPlan| {
        vec![
            p.hardware.clone(),
            format!("{}, {}{}", p.quant, p.backend, drafts(p)),
            p.layout.clone(),
            number(p.tokens_per_s_per_gpu),
            number(p.tokens_per_s_per_user),
            time(p.ttft_s),
            count(p.gpus_active),
            count(p.racks),
            known(p.power_w, power),
            known(p.usd_per_hour, dollars),
        ]
    };
    let columns = [
        "hardware",
        "in",
        "plan",
        "tok/s/GPU",
        "tok/s/user",
        "ttft",
        "GPUs active",
        "racks",
        "power",
        "cost an hour",
    ];
    let (all, what) = (&size.pareto, "throughput, speed, ttft, cost and power");
    let listed = match all.len() {
        LISTED.. => format!(", the first {LISTED} of {}", all.len()),
        _ => String::new(),
    };
    let title = format!("Plans that no other beats in {what}{listed}");
    Section::new(&title, &columns, all.iter().take(LISTED).map(row).collect()).numbers_from(3)
}

fn drafts(plan: &ParetoPlan) -> String {
    if plan.draft_tokens > 0 { format!(", {} drafted", plan.draft_tokens) } else { String::new() }
}

/// Answer tokens for a dollar against the speed of a user, where several kinds of rack or formats are compared and what
/// they cost is known.
pub(super) fn figure(size: &SizeAnswer, theme: Theme, width: f64) -> Option<Figure> {
    let priced: Vec<(&ParetoPlan, f64)> =
        size.pareto.iter().filter_map(|plan| Some((plan, plan.usd_per_hour?))).collect();
    let set_ups: BTreeSet<(&str, &str)> =
        priced.iter().map(|(plan, _)| (plan.hardware.as_str(), plan.quant.as_str())).collect();
    if set_ups.len() < 2 {
        return None;
    }
    let mut racks: Vec<&str> = Vec::new();
    for (plan, _) in &priced {
        if !racks.contains(&plan.hardware.as_str()) {
            racks.push(&plan.hardware);
        }
    }
    let group = |plan: &ParetoPlan| {
        let coloured = racks.iter().take(COLOURED).find(|rack| **rack == plan.hardware);
        coloured.map_or(OTHERS, |rack| rack).to_owned()
    };
    let mark = |(plan, cost): &(&ParetoPlan, f64)| FrontierMark {
        name: format!("{} {}", plan.hardware, plan.quant),
        tip: tip(plan, *cost),
        x: plan.tokens_per_s_per_user,
        y: size.demand.tokens_per_s * 3600.0 / cost,
        group: group(plan),
    };
    let svg = Frontier {
        title: "Speed of a user against tokens for a dollar".to_owned(),
        subtitle: "plans that no other beats in throughput, speed, ttft, cost and power".to_owned(),
        x: logarithmic("speed", "tok/s for a user"),
        y: logarithmic("answer tokens", "tokens per USD, at the load asked for"),
        groups: racks.iter().take(COLOURED).copied().chain([OTHERS]).map(str::to_owned).collect(),
        points: priced.iter().map(mark).collect(),
        ..Frontier::default()
    };
    Some(Figure {
        name: "pareto".to_owned(),
        caption: "Plans of every rack and format that no other beats in throughput, speed, time to first token, cost and power; the pointer shows all five.".to_owned(),
        svg: svg.to_svg(theme, width),
    })
}

fn tip(plan: &ParetoPlan, cost: f64) -> String {
    let drawn = plan.power_w.map_or(String::new(), |watts| format!(", {}", power(watts)));
    format!(
        "{} {} {}: {} tok/s for a user, {} tok/s per GPU, ttft {}, {} an hour{drawn}",
        plan.hardware,
        plan.quant,
        plan.layout,
        number(plan.tokens_per_s_per_user),
        number(plan.tokens_per_s_per_gpu),
        time(plan.ttft_s),
        dollars(cost)
    )
}
