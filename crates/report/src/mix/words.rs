//! The answer in words: the decision, a line or two a pool of racks, the bill, what is in the way.

use crate::format::{count, counted, dollars, number, percent, power, time};
use crate::lines::{labelled, notes};
use rackplan_scenario::answer::{
    Answer, MixAnswer, MixClass, MixDeployment, MixKind, MixUndivided, SizedClass,
};

/// The answer in a sentence.
pub(super) fn decision(mix: &MixAnswer) -> String {
    let used = used(mix);
    let who = match mix.load.users {
        Some(users) => counted(users, "user"),
        None => format!("{} requests a second", number(asked_per_second(mix))),
    };
    let [serve, fall] = if mix.total.racks == 1 { ["serves", "falls"] } else { ["serve", "fall"] };
    match (&mix.shortfall, used.is_empty()) {
        (_, true) if mix.limits.is_some() => {
            format!("None of the racks that are there serves {who} within the targets and limits.")
        }
        (_, true) => format!("None of the racks that are there serves {who} within the targets."),
        (None, _) => format!("{} {serve} {who}{}.", used.join(" and "), places(mix)),
        (Some(short), _) => {
            let lacking = match short.users {
                Some(users) => format!("{} too many", counted(users, "user")),
                None => format!("{} of the load too much", percent(short.share)),
            };
            format!("Not enough: {} {fall} short of {who}, {lacking}.", used.join(" and "))
        }
    }
}

/// `2 racks of GB200 NVL72`, each kind once.
fn used(mix: &MixAnswer) -> Vec<String> {
    let mut all: Vec<(&str, u64)> = Vec::new();
    for kind in mix.kinds.iter().filter(|kind| kind.racks > 0) {
        match all.last_mut().filter(|(name, _)| *name == kind.hardware.name) {
            Some((_, racks)) => *racks += kind.racks,
            None => all.push((&kind.hardware.name, kind.racks)),
        }
    }
    all.into_iter().map(|(name, racks)| format!("{} of {name}", counted(racks, "rack"))).collect()
}

/// `: chat on h200_hgx, documents on gb200_nvl72`, where racks serve one class alone.
fn places(mix: &MixAnswer) -> String {
    if mix.kinds.iter().all(|kind| kind.class.is_none()) {
        return String::new();
    }
    let place = |class: &MixClass| {
        let mut on: Vec<&str> = class.on.iter().map(|part| part.name.as_str()).collect();
        on.dedup();
        format!("{} on {}", class.name, on.join(" and "))
    };
    format!(": {}", mix.classes.iter().map(place).collect::<Vec<_>>().join(", "))
}

/// Requests a second of the whole load, served or not.
pub(super) fn asked_per_second(mix: &MixAnswer) -> f64 {
    mix.load.requests_per_s / (1.0 - mix.shortfall.map_or(0.0, |short| short.share))
}

pub(super) fn facts(answer: &Answer<MixAnswer>) -> String {
    let mix = &answer.answer;
    let used = |kind: &MixKind| if kind.deployment.is_some() { "serve" } else { "unused" };
    let kinds: String = mix.kinds.iter().map(|kind| labelled(used(kind), &of_kind(mix, kind))).collect();
    let assumed = notes(answer).collect::<Vec<_>>().join("; ");
    let divided = mix.feasible && mix.kinds.iter().any(|kind| kind.class.is_some());
    let instead =
        if divided { labelled("instead", &undivided(mix.undivided.as_ref())) } else { String::new() };
    kinds + &labelled("together", &together(mix)) + &instead + &difficulty(mix) + &labelled("notes", &assumed)
}

/// What it would take if no racks served one class alone.
fn undivided(all: Option<&MixUndivided>) -> String {
    let Some(all) = all else {
        return "the racks do not suffice where each serves all classes as they come".to_owned();
    };
    format!(
        "{} if each serves all classes as they come, {}{}",
        counted(all.racks, "rack"),
        counted(all.gpus_provisioned, "GPU"),
        bill(all.power_w, all.usd_per_hour)
    )
}

/// Ways out that are named.
const NAMED: usize = 6;

/// What is in the way, and what would help.
fn difficulty(mix: &MixAnswer) -> String {
    let Some(difficulty) = &mix.difficulty else { return String::new() };
    let ways = difficulty.relaxations.iter().take(NAMED);
    let help = ways.map(|way| labelled("would help", &format!("{}: {}", way.flag, way.result)));
    labelled("in the way", &difficulty.binding) + &help.collect::<String>()
}

fn of_kind(mix: &MixAnswer, kind: &MixKind) -> String {
    let stock = format!("{} of {} racks of {}", count(kind.racks), count(kind.stock), kind.hardware.id);
    let Some(d) = &kind.deployment else {
        let idle = match &mix.limits {
            _ if mix.feasible || kind.stock == 0 => "not needed",
            Some(_) => "beyond the limits",
            None => "of no use, as not every class is served",
        };
        let why = kind.reason.as_ref().map_or(idle, String::as_str);
        return format!("{stock}: {why}");
    };
    let who = d.users.map_or(String::new(), |users| format!("{}, ", counted(users, "user")));
    format!(
        "{stock}: {} ({who}{} req/s) on {} of {} in {}, {}; {}{}",
        part(kind),
        number(d.requests_per_s),
        counted(d.replicas, "replica"),
        d.layout,
        d.quant,
        counted(d.gpus_active, "GPU"),
        latency(d),
        bill(d.power_w, d.usd_per_hour),
    )
}

/// Whose requests they are: `69.6 % of the load`, `all chat`.
fn part(kind: &MixKind) -> String {
    match &kind.class {
        None => format!("{} of the load", percent(kind.share)),
        Some(class) if class.part > WHOLE => format!("all {}", class.name),
        Some(class) => format!("{} of {}", percent(class.part), class.name),
    }
}

/// The part from which on it is all, rounding aside.
const WHOLE: f64 = 1.0 - 1e-9;

/// What users see; of classes each, beside what it may be.
fn latency(d: &MixDeployment) -> String {
    let own = |class: &SizedClass| {
        let name = if d.classes.len() > 1 { format!("{} ", class.name) } else { String::new() };
        let last = class
            .e2e_target_s
            .map_or(String::new(), |limit| format!(", last token {} of {}", time(class.e2e_s), time(limit)));
        format!(
            "{name}ttft {} of {}, tpot {} of {}{last}",
            time(class.ttft_s),
            time(class.ttft_target_s),
            time(class.tpot_s),
            time(class.tpot_target_s)
        )
    };
    if d.classes.is_empty() {
        return format!("ttft {}, tpot {}", time(d.ttft_s), time(d.tpot_s));
    }
    d.classes.iter().map(own).collect::<Vec<_>>().join(", ")
}

fn together(mix: &MixAnswer) -> String {
    let total = &mix.total;
    let least = match mix.objective.as_str() {
        _ if !mix.feasible && mix.limits.is_some() => "the most within the limits".to_owned(),
        _ if !mix.feasible => "all that there is".to_owned(),
        "gpus" => "the fewest GPUs that serve everybody".to_owned(),
        other => format!("the least {other} that serves everybody"),
    };
    format!(
        "{}, {} active of {} provisioned{}{}; {least}",
        counted(total.racks, "rack"),
        counted(total.gpus_active, "GPU"),
        count(total.gpus_provisioned),
        bill(total.power_w, total.usd_per_hour),
        allowed(mix),
    )
}

/// ` of at most 300 kW and $400 an hour`.
fn allowed(mix: &MixAnswer) -> String {
    let Some(limits) = mix.limits else { return String::new() };
    let drawn = limits.power_w.map(power);
    let cost = limits.usd_per_hour.map(|usd| format!("{} an hour", dollars(usd)));
    format!(" of at most {}", drawn.into_iter().chain(cost).collect::<Vec<_>>().join(" and "))
}

fn bill(power_w: Option<f64>, usd_per_hour: Option<f64>) -> String {
    let drawn = power_w.map_or(String::new(), |watts| format!("; {}", power(watts)));
    let cost = usd_per_hour.map_or(String::new(), |usd| format!(", {} an hour", dollars(usd)));
    drawn + &cost
}
