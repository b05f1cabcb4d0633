//! Pictures of the answer of `size`.

use super::pareto;
use super::screen::machines;
use crate::format::{number, time};
use crate::html::Figure;
use crate::svg::{
    Axis, BarPart, BarRow, ClusterDiagram, Frontier, FrontierMark, LineChart, LinkLevel, LinkLoad, Panels,
    Reference, Series, StackedBars, Theme, logarithmic,
};
use rackplan_scenario::answer::{Answer, Curve, Deployment, FrontierPoint, SizeAnswer};

/// Width of a picture, in pixels.
const WIDTH: f64 = 900.0;

/// Every picture, the cluster first.
pub fn figures(answer: &Answer<SizeAnswer>, theme: Theme) -> Vec<Figure> {
    let size = &answer.answer;
    let Some(d) = &size.deployment else { return Vec::new() };
    let figure = |name: &str, caption: String, svg: String| Figure { name: name.to_owned(), caption, svg };
    let mut all = vec![
        figure(
            "cluster",
            format!(
                "{}: what runs where. A link is used as far as the demand takes of what it allows, the time of its messages included.",
                machines(d)
            ),
            cluster(d, theme),
        ),
        figure("memory", "What fills the memory of one GPU.".to_owned(), memory(d, theme)),
        figure("kv-placement", "Where the KV cache of all users lives.".to_owned(), placement(d, theme)),
    ];
    if !size.frontier.is_empty() {
        let caption = "Plans and loads that no other beats in both speed of a user and throughput of a GPU; the pointer shows each.";
        all.insert(1, figure("frontier", caption.to_owned(), frontier(size, d, theme)));
    }
    all.extend(pareto::figure(size, theme, WIDTH));
    if size.curves.is_empty() {
        return all;
    }
    all.extend([
        figure(
            "throughput",
            format!("Total throughput of the best plan on {} against batch.", machines(d)),
            throughput(size, d, theme),
        ),
        figure(
            "utilization",
            "Utilisation when users, batch or context are 20 % fewer or more.".to_owned(),
            utilization(size, theme),
        ),
    ]);
    all
}

fn cluster(d: &Deployment, theme: Theme) -> String {
    let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let racks = d.capacity.racks.max(1);
    ClusterDiagram {
        title: machines(d),
        rack_name: d.hardware.name.clone(),
        racks: narrow(d.capacity.racks),
        servers_per_rack: narrow(d.hardware.servers_per_rack),
        gpus_per_server: narrow(d.hardware.gpus_per_server),
        storage_servers_per_rack: narrow(d.storage.servers_provisioned / racks),
        control_servers_per_rack: narrow(d.capacity.control_servers / racks),
        active_gpus: d.capacity.gpus_active,
        spare_gpus: d.capacity.gpus_spare,
        idle_gpus: d.capacity.gpus_provisioned.saturating_sub(d.capacity.gpus_active + d.capacity.gpus_spare),
        gpus_per_instance: narrow(d.plan.gpus_per_instance),
        links: d.links.iter().map(|load| link(load, sharing(d))).collect(),
    }
    .to_svg(theme, WIDTH)
}

/// GPUs over which the load of an instance is shared, since bandwidths are of one: ceilings count an instance as a whole.
fn sharing(d: &Deployment) -> f64 {
    if d.bounds.is_none() { d.plan.gpus_per_instance.max(1) as f64 } else { 1.0 }
}

fn link(load: &rackplan_scenario::answer::LinkLoad, gpus: f64) -> LinkLoad {
    LinkLoad {
        level: match load.level.as_str() {
            "intra_server" => LinkLevel::IntraServer,
            "inter_server" => LinkLevel::InterServer,
            _ => LinkLevel::InterRack,
        },
        name: match load.oversubscription {
            1.0 => format!("{} kmsg/s", number(load.messages_per_s / gpus / 1e3)),
            ratio => format!("{} kmsg/s at {}:1", number(load.messages_per_s / gpus / 1e3), number(ratio)),
        },
        bandwidth_bytes_per_s: load.bandwidth_bytes_per_s,
        load_bytes_per_s: load.load_bytes_per_s / gpus,
        utilization: load.utilization,
    }
}

fn frontier(size: &SizeAnswer, d: &Deployment, theme: Theme) -> String {
    let group = |within: bool| if within { "within the targets" } else { "misses a target" };
    let mark = |p: &FrontierPoint| FrontierMark {
        name: p.layout.clone(),
        tip: format!(
            "{}, batch {}: {} tok/s for a user, {} tok/s per GPU, ttft {}",
            p.layout,
            p.batch,
            number(p.tokens_per_s_per_user),
            number(p.tokens_per_s_per_gpu),
            time(p.ttft_s)
        ),
        x: p.tokens_per_s_per_user,
        y: p.tokens_per_s_per_gpu,
        group: group(p.within_targets).to_owned(),
    };
    // Where the chosen plan works: the load asked for, on the GPUs that carry it.
    let per_gpu = size.demand.tokens_per_s / d.capacity.gpus_active as f64;
    Frontier {
        title: "Speed of a user against throughput of a GPU".to_owned(),
        subtitle: format!("{} in {}, every plan at every doubling of its load", d.model, d.quant),
        x: logarithmic("speed", "tok/s for a user"),
        y: logarithmic("throughput", "tok/s per GPU"),
        groups: [true, false].map(|within| group(within).to_owned()).to_vec(),
        points: size.frontier.iter().map(mark).collect(),
        joined: true,
        chosen: Some((
            d.throughput.tokens_per_s_per_user,
            per_gpu,
            "chosen, at the load asked for".to_owned(),
        )),
    }
    .to_svg(theme, WIDTH)
}

fn memory(d: &Deployment, theme: Theme) -> String {
    let m = &d.memory;
    let parts = [("weights", m.weights_bytes), ("KV cache", m.kv_bytes), ("reserve", m.overhead_bytes)];
    bars("Memory of one GPU", "one GPU", &parts, Some(m.capacity_bytes), theme)
}

fn placement(d: &Deployment, theme: Theme) -> String {
    let parts = [("HBM", d.kv.hbm_bytes), ("host", d.kv.cache_bytes), ("NVMe", d.kv.nvme_bytes)];
    bars("Where the KV cache of all users lives", "all users", &parts, None, theme)
}

fn bars(title: &str, name: &str, parts: &[(&str, f64)], capacity: Option<f64>, theme: Theme) -> String {
    let parts =
        parts.iter().map(|(name, value)| BarPart { name: (*name).to_owned(), value: *value }).collect();
    StackedBars {
        title: title.to_owned(),
        unit: "B".to_owned(),
        rows: vec![BarRow { name: name.to_owned(), parts, capacity }],
        ..StackedBars::default()
    }
    .to_svg(theme, WIDTH)
}

fn curves<'a>(size: &'a SizeAnswer, chart: &str) -> Vec<&'a Curve> {
    size.curves.iter().filter(|curve| curve.chart == chart && !curve.points.is_empty()).collect()
}

fn throughput(size: &SizeAnswer, d: &Deployment, theme: Theme) -> String {
    let series = curves(size, "throughput_by_batch");
    LineChart {
        title: "Throughput against batch".to_owned(),
        subtitle: format!("best plan on {}", machines(d)),
        x: Axis::binary("batch per instance"),
        y: Axis::from_zero("throughput", "tokens/s"),
        series: series.iter().map(|curve| Series::new(&curve.name, points(curve))).collect(),
        references: vec![
            Reference::Mark {
                x: d.plan.batch as f64,
                y: d.throughput.total_tokens_per_s,
                label: "chosen".to_owned(),
            },
            Reference::Horizontal { y: size.demand.tokens_per_s, label: "asked".to_owned() },
        ],
    }
    .to_svg(theme, WIDTH)
}

fn points(curve: &Curve) -> Vec<(f64, f64)> {
    curve.points.iter().map(|point| (point.x, point.y)).collect()
}

fn utilization(size: &SizeAnswer, theme: Theme) -> String {
    let panel = |chart: &str, label: &str| LineChart {
        title: format!("by {label}"),
        x: Axis::linear(label, ""),
        y: Axis::utilization("utilisation"),
        series: curves(size, chart).iter().map(|curve| Series::new(&curve.name, points(curve))).collect(),
        ..LineChart::default()
    };
    Panels {
        title: "Utilisation around the demand".to_owned(),
        subtitle: "from 20 % below to 20 % above".to_owned(),
        panels: vec![
            panel("utilization_by_users", "users"),
            panel("utilization_by_batch", "batch"),
            panel("utilization_by_context", "context"),
        ],
    }
    .to_svg(theme, WIDTH)
}
