//! The answer as tables.

use crate::format::{count, dollars, number, percent, power, time};
use crate::section::{Section, csv as rows_as_csv};
use crate::size::classes;
use rackplan_scenario::answer::{
    Answer, MixAnswer, MixClass, MixDeployment, MixKind, MixPart, Relaxation, SizedClass,
};

/// A row a kind; bare numbers, units in the heading.
pub fn csv(answer: &Answer<MixAnswer>) -> String {
    let columns = [
        "hardware",
        "stock",
        "racks",
        "class",
        "class_part",
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
        let (class, part) = kind
            .class
            .as_ref()
            .map_or_else(Default::default, |class| (class.name.clone(), class.part.to_string()));
        let own = [
            hardware.id.clone(),
            stock.to_string(),
            racks.to_string(),
            class,
            part,
            share.to_string(),
            most.to_string(),
        ];
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

pub(super) fn sections(mix: &MixAnswer) -> Vec<Section> {
    let mut all = vec![shares(mix), running(mix)];
    if !mix.classes.is_empty() {
        all.extend([classes(mix), seen(mix)]);
    }
    if let Some(difficulty) = &mix.difficulty {
        let row = |way: &Relaxation| vec![way.flag.clone(), way.result.clone()];
        let rows = difficulty.relaxations.iter().map(row).collect();
        let title = format!("What would help, where {}", difficulty.binding);
        all.push(Section::new(&title, &["change", "what it gives"], rows));
    }
    all
}

/// Who serves each class.
fn classes(mix: &MixAnswer) -> Section {
    let load = if mix.load.users.is_some() { "users" } else { "req/s" };
    let on = |part: &MixPart| format!("{} on {}", percent(part.part), part.name);
    let row = |class: &MixClass| {
        vec![
            class.name.clone(),
            class.on.iter().map(on).collect::<Vec<_>>().join(", "),
            number(class.load),
            percent(class.share),
            percent(class.served),
        ]
    };
    Section::new(
        "Classes of requests",
        &["class", "where", load, "share", "served"],
        mix.classes.iter().map(row).collect(),
    )
    .numbers_from(2)
}

/// What each class sees, wherever it is served.
fn seen(mix: &MixAnswer) -> Section {
    let row = |(kind, class): (&MixKind, &SizedClass)| {
        [vec![class.name.clone(), kind.hardware.id.clone()], classes::seen(class)].concat()
    };
    let rows = mix.kinds.iter().flat_map(seen_on).map(row).collect();
    let columns = ["class", "hardware", "req/s", "prompt", "answer", "ttft", "tpot", "e2e"];
    Section::new("What users see", &columns, rows).numbers_from(2)
}

fn seen_on(kind: &MixKind) -> impl Iterator<Item = (&MixKind, &SizedClass)> {
    kind.deployment.iter().flat_map(|d| &d.classes).map(move |class| (kind, class))
}

/// What tells pools of racks apart: the kind, and whom they serve where classes are told apart.
fn pool(mix: &MixAnswer, kind: &MixKind) -> Vec<String> {
    let class = kind.class.as_ref().map_or("all", |class| class.name.as_str());
    let shown = (!mix.classes.is_empty()).then(|| class.to_owned());
    [kind.hardware.id.clone()].into_iter().chain(shown).collect()
}

/// A table with a row a pool; what is shown of it comes after what tells it apart, numbers after so many columns of text.
fn table(
    mix: &MixAnswer,
    title: &str,
    columns: &[&str],
    (texts, rows): (usize, Vec<Vec<String>>),
) -> Section {
    let first: &[&str] = if mix.classes.is_empty() { &["hardware"] } else { &["hardware", "class"] };
    Section::new(title, &[first, columns].concat(), rows).numbers_from(first.len() + texts)
}

fn shares(mix: &MixAnswer) -> Section {
    let most = if mix.load.users.is_some() { "most users" } else { "most req/s" };
    let row = |kind: &MixKind| {
        let d = kind.deployment.as_ref();
        let or = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let own = vec![
            count(kind.stock),
            count(kind.racks),
            number(kind.most),
            percent(kind.share),
            or(d.and_then(|d| d.users).map(count)),
            or(d.map(|d| number(d.requests_per_s))),
            or(d.and_then(|d| d.power_w).map(power)),
            or(d.and_then(|d| d.usd_per_hour).map(dollars)),
        ];
        [pool(mix, kind), own].concat()
    };
    let columns = ["stock", "used", most, "share", "users", "req/s", "power", "cost an hour"];
    table(mix, "Racks", &columns, (0, mix.kinds.iter().map(row).collect()))
}

/// Latencies of classes have a table of their own.
fn running(mix: &MixAnswer) -> Section {
    let alike = mix.classes.is_empty();
    let row = |(kind, d): (&MixKind, &MixDeployment)| {
        let own = vec![
            d.layout.clone(),
            d.quant.clone(),
            d.backend.clone(),
            count(d.replicas),
            count(d.spares),
            count(d.gpus_active),
            count(d.gpus_provisioned),
        ];
        let latency = if alike { vec![time(d.ttft_s), time(d.tpot_s)] } else { Vec::new() };
        [pool(mix, kind), own, latency].concat()
    };
    let used = mix.kinds.iter().filter_map(|kind| Some((kind, kind.deployment.as_ref()?)));
    let latency: &[&str] = if alike { &["ttft", "tpot"] } else { &[] };
    let columns = ["layout", "quant", "backend", "replicas", "spares", "GPUs active", "provisioned"];
    let columns = [&columns, latency].concat();
    table(mix, "What runs on them", &columns, (3, used.map(row).collect()))
}
