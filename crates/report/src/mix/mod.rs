//! Everything that shows the answer of `size --stock`: who serves how much on which racks.

mod figures;

pub use figures::figures;

use crate::format::{count, counted, dollars, number, percent, power, time};
use crate::html::{Page, html as page};
use crate::lines::{WIDTH, labelled, notes, wrap};
use crate::section::{self, Section, csv as rows_as_csv};
use crate::svg::Theme;
use rackplan_scenario::answer::{Answer, MixAnswer, MixDeployment, MixKind};

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

/// A row a kind; bare numbers, units in the heading.
pub fn csv(answer: &Answer<MixAnswer>) -> String {
    let columns = [
        "hardware",
        "stock",
        "racks",
        "share",
        "most",
        "users",
        "requests_per_s",
        "quant",
        "backend",
        "layout",
        "replicas",
        "spares",
        "gpus_active",
        "gpus_provisioned",
        "ttft_s",
        "tpot_s",
        "power_w",
        "usd_per_hour",
    ];
    let bare = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let row = |kind: &MixKind| {
        let MixKind { hardware, stock, racks, share, most, .. } = kind;
        let own =
            [hardware.id.clone(), stock.to_string(), racks.to_string(), share.to_string(), most.to_string()];
        let running = kind.deployment.as_ref().map_or_else(Vec::new, |d| {
            vec![
                d.users.map_or(String::new(), |users| users.to_string()),
                d.requests_per_s.to_string(),
                d.quant.clone(),
                d.backend.clone(),
                d.layout.clone(),
                d.replicas.to_string(),
                d.spares.to_string(),
                d.gpus_active.to_string(),
                d.gpus_provisioned.to_string(),
                d.ttft_s.to_string(),
                d.tpot_s.to_string(),
                bare(d.power_w),
                bare(d.usd_per_hour),
            ]
        });
        let mut cells: Vec<String> = own.into_iter().chain(running).collect();
        cells.resize(columns.len(), String::new());
        cells
    };
    rows_as_csv(&columns, &answer.answer.kinds.iter().map(row).collect::<Vec<_>>())
}

/// The answer in a sentence.
fn decision(mix: &MixAnswer) -> String {
    let used: Vec<String> = mix
        .kinds
        .iter()
        .filter(|kind| kind.racks > 0)
        .map(|kind| format!("{} of {}", counted(kind.racks, "rack"), kind.hardware.name))
        .collect();
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
        (None, _) => format!("{} {serve} {who}.", used.join(" and ")),
        (Some(short), _) => {
            let lacking = match short.users {
                Some(users) => format!("{} too many", counted(users, "user")),
                None => format!("{} of the load too much", percent(short.share)),
            };
            format!("Not enough: {} {fall} short of {who}, {lacking}.", used.join(" and "))
        }
    }
}

/// Requests a second of the whole load, served or not.
fn asked_per_second(mix: &MixAnswer) -> f64 {
    mix.load.requests_per_s / (1.0 - mix.shortfall.map_or(0.0, |short| short.share))
}

fn facts(answer: &Answer<MixAnswer>) -> String {
    let mix = &answer.answer;
    let used = |kind: &MixKind| if kind.deployment.is_some() { "serve" } else { "unused" };
    let kinds: String = mix.kinds.iter().map(|kind| labelled(used(kind), &of_kind(mix, kind))).collect();
    let assumed = notes(answer).collect::<Vec<_>>().join("; ");
    kinds + &labelled("together", &together(mix)) + &labelled("notes", &assumed)
}

fn of_kind(mix: &MixAnswer, kind: &MixKind) -> String {
    let stock = format!("{} of {} racks of {}", count(kind.racks), count(kind.stock), kind.hardware.id);
    let Some(d) = &kind.deployment else {
        let idle = if mix.feasible || kind.stock == 0 { "not needed" } else { "beyond the limits" };
        let why = kind.reason.as_ref().map_or(idle, String::as_str);
        return format!("{stock}: {why}");
    };
    let who = d.users.map_or(String::new(), |users| format!("{}, ", counted(users, "user")));
    let latency = format!("ttft {}, tpot {}", time(d.ttft_s), time(d.tpot_s));
    format!(
        "{stock}: {} of the load ({who}{} req/s) on {} of {} in {}, {}; {latency}{}",
        percent(kind.share),
        number(d.requests_per_s),
        counted(d.replicas, "replica"),
        d.layout,
        d.quant,
        counted(d.gpus_active, "GPU"),
        bill(d.power_w, d.usd_per_hour),
    )
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

fn sections(mix: &MixAnswer) -> Vec<Section> {
    vec![shares(mix), running(mix)]
}

fn shares(mix: &MixAnswer) -> Section {
    let most = if mix.load.users.is_some() { "most users" } else { "most req/s" };
    let row = |kind: &MixKind| {
        let d = kind.deployment.as_ref();
        let or = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        vec![
            kind.hardware.id.clone(),
            count(kind.stock),
            count(kind.racks),
            number(kind.most),
            percent(kind.share),
            or(d.and_then(|d| d.users).map(count)),
            or(d.map(|d| number(d.requests_per_s))),
            or(d.and_then(|d| d.power_w).map(power)),
            or(d.and_then(|d| d.usd_per_hour).map(dollars)),
        ]
    };
    let columns = ["hardware", "stock", "used", most, "share", "users", "req/s", "power", "cost an hour"];
    Section::new("Racks", &columns, mix.kinds.iter().map(row).collect()).numbers_from(1)
}

fn running(mix: &MixAnswer) -> Section {
    let row = |(kind, d): (&MixKind, &MixDeployment)| {
        vec![
            kind.hardware.id.clone(),
            d.layout.clone(),
            d.quant.clone(),
            d.backend.clone(),
            count(d.replicas),
            count(d.spares),
            count(d.gpus_active),
            count(d.gpus_provisioned),
            time(d.ttft_s),
            time(d.tpot_s),
        ]
    };
    let used = mix.kinds.iter().filter_map(|kind| Some((kind, kind.deployment.as_ref()?)));
    let columns = [
        "hardware",
        "layout",
        "quant",
        "backend",
        "replicas",
        "spares",
        "GPUs active",
        "provisioned",
        "ttft",
        "tpot",
    ];
    Section::new("What runs on them", &columns, used.map(row).collect()).numbers_from(4)
}
