//! Plans played request by request beside their closed form.

use crate::format::{count, number, percent, time};
use crate::section::Section;
use rackplan_scenario::answer::{Deployment, Latency, Replay, ReplayedClass, ReplayedLatency, SizeAnswer};

/// `p95 ttft 410 ms ±2 % (430 ms in closed form), tpot ...; 20,000 requests to one instance`.
pub(super) fn line(l: &Latency, replay: &Replay) -> String {
    let one = |latency: &ReplayedLatency| {
        format!("{} ({} in closed form)", sure(latency), time(latency.closed_form_at_percentile_s))
    };
    let preempted = if replay.preemptions > 0 {
        format!(", {} taken back for room", count(replay.preemptions))
    } else {
        String::new()
    };
    format!(
        "{} ttft {}, tpot {}; {} requests to one instance{preempted}",
        l.percentile,
        one(&replay.ttft),
        one(&replay.tpot),
        count(replay.requests),
    )
}

/// A percentile with its interval.
fn sure(latency: &ReplayedLatency) -> String {
    let value = latency.at_percentile_s;
    match latency.at_percentile_half_width_s {
        Some(half) if value > 0.0 => format!("{} ±{}", time(value), percent(half / value)),
        _ => time(value),
    }
}

/// The chosen plan at the load asked for, then each at its most.
pub(super) fn section(size: &SizeAnswer, d: &Deployment) -> Section {
    let chosen = d.replay.iter().flat_map(|replay| rows("chosen, at the load asked for", replay));
    let ranked = size.plans.iter().flat_map(|plan| {
        let replay = plan.replay.iter();
        replay.flat_map(|replay| rows(&format!("{}, at its most", plan.layout), replay))
    });
    let columns =
        ["plan", "load", "figure", "mean", "closed form", "percentile", "closed form", "hits", "targets"];
    let percentile = d.latency.as_ref().map_or("", |l| &l.percentile);
    let title = format!("Played request by request ({percentile}; ± of 95 % confidence)");
    Section::new(&title, &columns, chosen.chain(ranked).collect()).numbers_from(3)
}

fn rows(plan: &str, replay: &Replay) -> Vec<Vec<String>> {
    let figures = [("ttft", &replay.ttft), ("tpot", &replay.tpot), ("e2e", &replay.e2e)];
    let row = |(at, (name, latency)): (usize, (&str, &ReplayedLatency))| {
        // What holds for the whole play stands in its first row.
        let first = |text: String| if at == 0 { text } else { String::new() };
        vec![
            first(plan.to_owned()),
            first(number(replay.load_per_instance)),
            name.to_owned(),
            time(latency.mean_s),
            time(latency.closed_form_mean_s),
            sure(latency),
            time(latency.closed_form_at_percentile_s),
            first(percent(replay.hit_rate)),
            first(if replay.within_targets { "met" } else { "missed" }.to_owned()),
        ]
    };
    let all = figures.into_iter().enumerate().map(row);
    all.chain(replay.classes.iter().flat_map(of_class)).collect()
}

fn of_class(class: &ReplayedClass) -> Vec<Vec<String>> {
    let figures = [("ttft", &class.ttft), ("tpot", &class.tpot), ("e2e", &class.e2e)];
    let row = |(at, (name, latency)): (usize, (&str, &ReplayedLatency))| {
        let first = |text: &str| if at == 0 { text.to_owned() } else { String::new() };
        vec![
            first(&format!("- {}", class.name)),
            String::new(),
            name.to_owned(),
            time(latency.mean_s),
            time(latency.closed_form_mean_s),
            sure(latency),
            time(latency.closed_form_at_percentile_s),
            String::new(),
            first(if class.within_targets { "met" } else { "missed" }),
        ]
    };
    figures.into_iter().enumerate().map(row).collect()
}
