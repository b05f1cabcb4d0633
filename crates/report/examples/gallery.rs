//! Writes sample pictures to a folder, to be looked at: `cargo run -p rackplan-report --example gallery -- FOLDER`.
//! With `--features png` each is also written as PNG, light and dark. The numbers are made up.

use rackplan_report::svg::{
    Axis, BarPart, BarRow, ClusterDiagram, Domain, Frontier, FrontierMark, LineChart, LinkLevel, LinkLoad,
    Panels, Reference, ScaleKind, Series, Span, StackedBars, Theme,
};
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "gallery".to_owned()));
    std::fs::create_dir_all(&folder)?;
    let mut pictures: Vec<(String, Box<Draw>)> = Vec::new();
    let mut add = |name: &str, draw: Box<Draw>| pictures.push((name.to_owned(), draw));
    for width in [360.0, 760.0, 1200.0] {
        add(&format!("throughput-{width}"), Box::new(move |theme| throughput().to_svg(theme, width)));
        add(&format!("utilization-{width}"), Box::new(move |theme| utilization().to_svg(theme, width)));
        add(&format!("frontier-{width}"), Box::new(move |theme| frontier().to_svg(theme, width)));
        add(&format!("memory-{width}"), Box::new(move |theme| memory().to_svg(theme, width)));
        add(&format!("racks-21-{width}"), Box::new(move |theme| nvl72(21, 1500, 4, 8).to_svg(theme, width)));
        add(&format!("racks-trays-{width}"), Box::new(move |theme| trays().to_svg(theme, width)));
    }
    for (name, chart) in oddities() {
        add(name, Box::new(move |theme| chart.to_svg(theme, 560.0)));
    }
    for (name, diagram) in clusters() {
        add(name, Box::new(move |theme| diagram.to_svg(theme, 860.0)));
    }
    write(&folder, &pictures)
}

type Draw = dyn Fn(Theme) -> String;

fn write(folder: &Path, pictures: &[(String, Box<Draw>)]) -> std::io::Result<()> {
    #[cfg(feature = "png")]
    let fonts = rackplan_report::png::Fonts::of_system();
    for (name, draw) in pictures {
        std::fs::write(folder.join(format!("{name}.svg")), draw(Theme::Auto))?;
        #[cfg(feature = "png")]
        for (suffix, theme) in [("light", Theme::Light), ("dark", Theme::Dark)] {
            let png =
                rackplan_report::png::render(&draw(theme), 1.5, &fonts).map_err(std::io::Error::other)?;
            std::fs::write(folder.join(format!("{name}-{suffix}.png")), png)?;
        }
    }
    Ok(())
}

fn frontier() -> Frontier {
    let axis = |label: &str, unit: &str| Axis {
        scale: ScaleKind::Log10,
        domain: Domain::Data,
        ..Axis::linear(label, unit)
    };
    let names = ["TP8", "TP8", "TP4 x EP4", "TP4 x EP4", "TP2 x EP2", "TP2 x EP2", "TP2 x EP2"];
    let mark = |(i, name): (usize, &&str)| {
        let speed = 150.0 / 1.5f64.powi(i as i32);
        FrontierMark {
            name: (*name).to_owned(),
            tip: format!("{name}, batch {}", 1 << i),
            x: speed,
            y: 20.0 * 1.9f64.powi(i as i32),
            group: if i < 5 { "within the targets" } else { "misses a target" }.to_owned(),
        }
    };
    Frontier {
        title: "Speed of a user against throughput of a GPU".into(),
        subtitle: "Qwen3-235B-A22B in fp8".into(),
        x: axis("speed", "tok/s for a user"),
        y: axis("throughput", "tok/s per GPU"),
        groups: vec!["within the targets".into(), "misses a target".into()],
        points: names.iter().enumerate().map(mark).collect(),
        joined: true,
        chosen: Some((32.0, 250.0, "chosen".into())),
    }
}

fn throughput() -> LineChart {
    let saturating = |name: &str, peak: f64, half: f64, most: i32| {
        let points = (0..=most).map(|power| {
            let batch = 2f64.powi(power);
            (batch, peak * batch / (batch + half))
        });
        Series::new(name, points)
    };
    let mut series = vec![
        saturating("nvfp4", 21_000.0, 120.0, 10),
        saturating("fp8", 13_500.0, 110.0, 9),
        saturating("int8", 12_900.0, 130.0, 9),
        saturating("bf16", 7_200.0, 90.0, 7),
    ];
    series[0].band =
        series[0].points.iter().map(|p| Span { x: p.x, low: p.y * 0.88, high: p.y * 1.1 }).collect();
    LineChart {
        title: "Throughput against batch".into(),
        subtitle: "Qwen3-235B-A22B on GB200 NVL72, one instance of TP 8; the band spans p10 to p90".into(),
        x: Axis::binary("batch per instance"),
        y: Axis::from_zero("throughput", "tokens/s"),
        series,
        references: vec![
            Reference::Horizontal { y: 9000.0, label: "demand".into() },
            Reference::Vertical { x: 256.0, label: "chosen batch".into() },
        ],
    }
}

fn utilization() -> Panels {
    let panel = |title: &str, x: Axis, xs: Vec<f64>, base: f64, chosen: f64| LineChart {
        title: title.into(),
        x,
        y: Axis::utilization("utilisation"),
        series: vec![
            Series::new("compute", xs.iter().map(|v| (*v, 0.62 * v.abs().max(0.1).powf(0.1) * (base + v)))),
            Series::new("network", xs.iter().map(|v| (*v, 0.21 * (base + v)))),
            Series::new("storage", xs.iter().map(|v| (*v, (0.84 * (base + v)).min(1.0)))),
        ],
        references: vec![Reference::Vertical { x: chosen, label: String::new() }],
        ..LineChart::default()
    };
    let change: Vec<f64> = (-4..=4).map(|step| f64::from(step) * 0.05).collect();
    let mut batch = panel("against batch", Axis::binary("batch"), change.clone(), 1.0, 64.0);
    for series in &mut batch.series {
        for (i, point) in series.points.iter_mut().enumerate() {
            point.x = 2f64.powi(i as i32 + 2);
        }
    }
    Panels {
        title: "How full compute, network and storage are".into(),
        subtitle: "One input varies, the others stay; the dashed line is the plan".into(),
        panels: vec![
            panel("against users", Axis::change("users"), change.clone(), 1.0, 0.0),
            batch,
            panel("against context", Axis::change("context"), change, 1.0, 0.0),
        ],
    }
}

fn memory() -> StackedBars {
    let part = |name: &str, value: f64| BarPart { name: name.into(), value };
    StackedBars {
        title: "Memory per GPU".into(),
        unit: "B".into(),
        rows: vec![
            BarRow {
                name: "nvfp4, TP 4".into(),
                parts: vec![
                    part("weights", 31.4e9),
                    part("KV cache", 96.2e9),
                    part("activations", 2.1e9),
                    part("reserve", 9.3e9),
                ],
                capacity: Some(186e9),
            },
            BarRow {
                name: "bf16, TP 4".into(),
                parts: vec![
                    part("weights", 117.6e9),
                    part("KV cache", 61.0e9),
                    part("activations", 4.1e9),
                    part("reserve", 9.3e9),
                ],
                capacity: Some(186e9),
            },
            BarRow { name: "empty".into(), parts: vec![], capacity: Some(186e9) },
        ],
        ..StackedBars::default()
    }
}

fn oddities() -> Vec<(&'static str, LineChart)> {
    let chart = |title: &str, series: Vec<Series>| LineChart {
        title: title.into(),
        x: Axis::binary("batch"),
        y: Axis::from_zero("throughput", "tokens/s"),
        series,
        ..LineChart::default()
    };
    let parallel = |n: usize| -> Vec<Series> {
        let line = |i: usize| {
            let points = (0..8).map(move |p| (2f64.powi(p), 1000.0 + f64::from(p) * 900.0 + i as f64 * 11.0));
            Series::new(format!("quantisation {i}"), points)
        };
        (0..n).map(line).collect()
    };
    let gaps = Series::new(
        "gaps",
        [(1.0, 10.0), (2.0, f64::NAN), (4.0, 30.0), (8.0, 35.0), (16.0, f64::INFINITY), (32.0, 60.0)],
    );
    let mut marked = chart("One series with the chosen point", vec![parallel(1).remove(0)]);
    marked.references.push(Reference::Mark { x: 16.0, y: 4600.0, label: "chosen: batch 16".into() });
    let hostile = Series::new("a<b> & \"c\"", [(1.0, 1.0), (2.0, 2.0)]);
    vec![
        ("line-empty", chart("No data", vec![])),
        ("line-one-point", chart("One point", vec![Series::new("fp8", [(64.0, 1234.0)])])),
        ("line-one-series", marked),
        ("line-colliding", chart("Lines that nearly coincide: a legend", parallel(8))),
        ("line-gaps", chart("Gaps where there is no finite value", vec![gaps])),
        (
            "line-hostile",
            chart("Names with <, & and \"", vec![hostile, Series::new("d", [(1.0, 2.0), (2.0, 1.0)])]),
        ),
    ]
}

fn links(inter_rack: f64) -> Vec<LinkLoad> {
    let link = |level, name: &str, bandwidth_bytes_per_s: f64, utilization: f64| LinkLoad {
        level,
        name: name.into(),
        bandwidth_bytes_per_s,
        load_bytes_per_s: bandwidth_bytes_per_s * utilization,
        utilization,
    };
    vec![
        link(LinkLevel::IntraServer, "NVLink 5", 1.8e12, 0.31),
        link(LinkLevel::InterServer, "NVLink Switch", 0.9e12, 0.742),
        link(LinkLevel::InterRack, "InfiniBand NDR 400", 50e9, inter_rack),
    ]
}

fn nvl72(racks: u32, active_gpus: u64, spare_gpus: u64, idle_gpus: u64) -> ClusterDiagram {
    ClusterDiagram {
        title: format!("{racks} {} for 1,000 users", if racks == 1 { "rack" } else { "racks" }),
        rack_name: "NVIDIA GB200 NVL72".into(),
        racks,
        servers_per_rack: 9,
        gpus_per_server: 8,
        storage_servers_per_rack: 2,
        control_servers_per_rack: 1,
        active_gpus,
        spare_gpus,
        idle_gpus,
        gpus_per_instance: 12,
        links: links(0.246),
    }
}

fn trays() -> ClusterDiagram {
    ClusterDiagram { servers_per_rack: 18, gpus_per_server: 4, links: links(0.95), ..nvl72(3, 192, 12, 12) }
}

fn clusters() -> Vec<(&'static str, ClusterDiagram)> {
    let one_server = ClusterDiagram { servers_per_rack: 1, gpus_per_instance: 4, ..nvl72(1, 8, 0, 0) };
    let no_links = ClusterDiagram { links: vec![], gpus_per_instance: 0, ..nvl72(2, 100, 0, 44) };
    let single =
        ClusterDiagram { gpus_per_server: 1, servers_per_rack: 4, gpus_per_instance: 1, ..nvl72(2, 5, 1, 2) };
    let many =
        ClusterDiagram { servers_per_rack: 64, storage_servers_per_rack: 12, ..nvl72(3, 1200, 60, 100) };
    let sixteen = ClusterDiagram {
        gpus_per_server: 16,
        servers_per_rack: 4,
        gpus_per_instance: 32,
        ..nvl72(6, 330, 16, 20)
    };
    let whole = ClusterDiagram { servers_per_rack: 1, gpus_per_server: 72, ..nvl72(5, 300, 24, 36) };
    let huge = ClusterDiagram { servers_per_rack: 2, gpus_per_server: 576, ..nvl72(3, 3000, 100, 200) };
    let over = ClusterDiagram { gpus_per_instance: 144, ..nvl72(2, 288, 10, 0) };
    vec![
        ("racks-one-server", one_server),
        ("racks-1", nvl72(1, 60, 4, 8)),
        ("racks-3", nvl72(3, 204, 4, 8)),
        ("racks-60", nvl72(60, 4000, 72, 200)),
        ("racks-1000", nvl72(1000, 71_000, 900, 100)),
        ("racks-no-links", no_links),
        ("racks-one-gpu", single),
        ("racks-many-servers", many),
        ("racks-16-gpus", sixteen),
        ("racks-72-in-one", whole),
        ("racks-576-in-one", huge),
        ("racks-too-many-gpus", over),
        ("racks-none", nvl72(0, 0, 0, 0)),
    ]
}
