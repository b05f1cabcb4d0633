//! Pictures of a fleet of several kinds of rack: who takes how much of the load, and what runs where.

use super::words::asked_per_second;
use crate::format::counted;
use crate::html::Figure;
use crate::svg::{BarPart, BarRow, ClusterDiagram, StackedBars, Theme};
use rackplan_scenario::answer::{Answer, MixAnswer, MixDeployment, MixKind};

/// Width of a picture, in pixels.
const WIDTH: f64 = 900.0;

/// The load by kind of rack, then a diagram of each kind that serves.
pub fn figures(answer: &Answer<MixAnswer>, theme: Theme) -> Vec<Figure> {
    let mix = &answer.answer;
    let load = Figure {
        name: "load".to_owned(),
        caption: "Which racks serve how much of the load, and what is left unserved.".to_owned(),
        svg: load(mix, theme),
    };
    let serving = mix.kinds.iter().filter_map(|kind| Some((kind, kind.deployment.as_ref()?)));
    let clusters = serving.map(|(kind, d)| Figure {
        name: format!("cluster-{}", file_name(&pool(kind))),
        caption: format!(
            "{} of {}{}: what runs where.",
            counted(kind.racks, "rack"),
            kind.hardware.name,
            alone(kind)
        ),
        svg: cluster(kind, d, theme),
    });
    [load].into_iter().chain(clusters).collect()
}

/// `h200_hgx`, or `h200_hgx chat` where they serve one class alone.
fn pool(kind: &MixKind) -> String {
    let class = kind.class.as_ref().map_or(String::new(), |class| format!(" {}", class.name));
    kind.hardware.id.clone() + &class
}

/// What a file may be called everywhere.
fn file_name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    text.chars().map(plain).collect()
}

/// ` for chat`.
fn alone(kind: &MixKind) -> String {
    kind.class.as_ref().map_or(String::new(), |class| format!(" for {}", class.name))
}

fn load(mix: &MixAnswer, theme: Theme) -> String {
    let users = mix.load.users.map(|users| users as f64);
    let all = users.unwrap_or_else(|| asked_per_second(mix));
    let part = |name: &str, share: f64| BarPart { name: name.to_owned(), value: share * all };
    let serving = mix.kinds.iter().filter(|kind| kind.share > 0.0);
    let lacking = mix.shortfall.map(|short| part("not served", short.share));
    let (unit, who) = if users.is_some() { ("users", "users") } else { ("req/s", "requests") };
    StackedBars {
        title: "Who serves the load".to_owned(),
        unit: unit.to_owned(),
        rows: vec![BarRow {
            name: who.to_owned(),
            parts: serving.map(|kind| part(&pool(kind), kind.share)).chain(lacking).collect(),
            capacity: None,
        }],
        ..StackedBars::default()
    }
    .to_svg(theme, WIDTH)
}

fn cluster(kind: &MixKind, d: &MixDeployment, theme: Theme) -> String {
    let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let spare = d.spares * d.gpus_per_replica;
    ClusterDiagram {
        title: format!(
            "{} of {}{}, {} in {}",
            counted(kind.racks, "rack"),
            kind.hardware.name,
            alone(kind),
            d.layout,
            d.quant
        ),
        rack_name: kind.hardware.name.clone(),
        racks: narrow(kind.racks),
        servers_per_rack: narrow(kind.hardware.servers_per_rack),
        gpus_per_server: narrow(kind.hardware.gpus_per_server),
        storage_servers_per_rack: 0,
        control_servers_per_rack: 0,
        active_gpus: d.gpus_active,
        spare_gpus: spare,
        idle_gpus: d.gpus_provisioned.saturating_sub(d.gpus_active + spare),
        gpus_per_instance: narrow(d.gpus_per_replica),
        links: Vec::new(),
    }
    .to_svg(theme, WIDTH)
}
