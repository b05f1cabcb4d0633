//! Laws of all pictures, tried on random data: well formed, finite, every text inside the picture and clear of others.

use super::geometry::Rect;
use super::text::Face;
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// The tags of a document in order, without their angle brackets; panics where it is not well formed.
fn tags(svg: &str) -> Vec<&str> {
    let mut open = Vec::new();
    let mut tags = Vec::new();
    for piece in svg.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').expect("every tag ends");
        assert!(!text.contains('>'), "a stray bracket in `{text}`");
        let escaped = |part: &str| {
            part.split('&')
                .skip(1)
                .all(|rest| rest.split_once(';').is_some_and(|(name, _)| ENTITIES.contains(&name)))
        };
        assert!(escaped(tag) && escaped(text), "`{piece}` is not escaped");
        assert_eq!(tag.matches('"').count() % 2, 0, "open quotes in `{tag}`");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "tags are balanced");
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
        tags.push(tag);
    }
    assert!(open.is_empty(), "left open: {open:?}");
    tags
}

const ENTITIES: [&str; 4] = ["amp", "lt", "gt", "quot"];

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    tag[start..].split('"').next()
}

fn number(tag: &str, name: &str) -> Option<f64> {
    attribute(tag, name).map(|value| value.parse().unwrap())
}

/// The rectangles of all texts.
fn texts(svg: &str) -> Vec<(Rect, String)> {
    let pieces = svg.split("<text ").skip(1).map(|piece| piece.split_once('>').unwrap());
    let unescape = |text: &str| {
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    };
    let place = |(tag, rest): (&str, &str)| {
        let tag = format!(" {tag}");
        let text = unescape(rest.split("</text>").next().unwrap());
        let face = Face {
            size: number(&tag, "font-size").unwrap_or(12.0),
            bold: attribute(&tag, "font-weight").is_some(),
        };
        let width = face.width(&text);
        let before = match attribute(&tag, "text-anchor") {
            Some("end") => width,
            Some("middle") => width / 2.0,
            _ => 0.0,
        };
        let (x, y) = (number(&tag, "x").unwrap(), number(&tag, "y").unwrap());
        (Rect::new(x - before, y - face.size * 0.75, width, face.size * 0.8), text)
    };
    pieces.map(place).filter(|(_, text)| !text.trim().is_empty()).collect()
}

/// Checks what must hold for every picture.
fn check(svg: &str) {
    let tags = tags(svg);
    assert!(svg.contains("role=\"img\"") && svg.contains("<title>") && svg.contains("<desc>"));
    for tag in &tags {
        for value in ["x", "y", "d", "width", "height", "x1", "x2", "y1", "y2"]
            .iter()
            .filter_map(|n| attribute(tag, n))
        {
            assert!(!value.contains("NaN") && !value.contains("inf"), "`{tag}`");
        }
    }
    let picture = Rect::new(0.0, 0.0, number(tags[0], "width").unwrap(), number(tags[0], "height").unwrap());
    let texts = texts(svg);
    for (i, (rect, text)) in texts.iter().enumerate() {
        // Coordinates are rounded to hundredths.
        let rect = Rect { x: rect.x + 0.02, width: rect.width - 0.04, ..*rect };
        assert!(picture.holds(rect), "`{text}` leaves the picture: {rect:?} in {picture:?}");
        for (other, over) in &texts[i + 1..] {
            assert!(!rect.overlaps(*other), "`{text}` {rect:?} overlaps `{over}` {other:?}");
        }
    }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9]{0,6}", "[a-z<&\">' -]{0,40}", "\\PC{0,12}", ".{0,8}"]
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => 0.0..1000.0f64,
        2 => -1e6..1e12f64,
        1 => any::<f64>(),
        1 => proptest::sample::select(vec![f64::NAN, f64::INFINITY, -0.0, 1e-300, f64::MAX, 1.0]),
    ]
}

fn theme() -> impl Strategy<Value = Theme> {
    proptest::sample::select(vec![Theme::Auto, Theme::Light, Theme::Dark])
}

fn axis() -> impl Strategy<Value = Axis> {
    let scale = proptest::sample::select(vec![ScaleKind::Linear, ScaleKind::Log2, ScaleKind::Log10]);
    let format =
        proptest::sample::select(vec![Format::Si, Format::Binary, Format::Percent, Format::SignedPercent]);
    let domain = prop_oneof![
        Just(Domain::Data),
        Just(Domain::FromZero),
        (value(), value()).prop_map(|(a, b)| Domain::AtLeast(a, b))
    ];
    (name(), name(), scale, format, domain).prop_map(|(label, unit, scale, format, domain)| Axis {
        label,
        unit,
        scale,
        format,
        domain,
    })
}

fn series() -> impl Strategy<Value = Series> {
    let point = (value(), value()).prop_map(|(x, y)| Point { x, y });
    let span = (value(), value(), value()).prop_map(|(x, low, high)| Span { x, low, high });
    (name(), vec(point, 0..12), vec(span, 0..5)).prop_map(|(name, points, band)| Series {
        name,
        points,
        band,
    })
}

fn reference() -> impl Strategy<Value = Reference> {
    prop_oneof![
        (value(), name()).prop_map(|(x, label)| Reference::Vertical { x, label }),
        (value(), name()).prop_map(|(y, label)| Reference::Horizontal { y, label }),
        (value(), value(), name()).prop_map(|(x, y, label)| Reference::Mark { x, y, label }),
    ]
}

fn chart() -> impl Strategy<Value = LineChart> {
    (name(), name(), axis(), axis(), vec(series(), 0..8), vec(reference(), 0..4)).prop_map(
        |(title, subtitle, x, y, series, references)| LineChart { title, subtitle, x, y, series, references },
    )
}

fn bars() -> impl Strategy<Value = StackedBars> {
    let part = (name(), value()).prop_map(|(name, value)| BarPart { name, value });
    let row = (name(), vec(part, 0..7), proptest::option::of(value()))
        .prop_map(|(name, parts, capacity)| BarRow { name, parts, capacity });
    (name(), name(), vec(row, 0..4)).prop_map(|(title, unit, rows)| StackedBars {
        title,
        unit,
        rows,
        ..StackedBars::default()
    })
}

fn waterfall() -> impl Strategy<Value = Waterfall> {
    let row = (name(), value(), name()).prop_map(|(name, value, group)| WaterfallRow { name, value, group });
    (name(), name(), name(), vec(name(), 0..5), vec(row, 0..12)).prop_map(
        |(title, unit, total, groups, rows)| Waterfall {
            title,
            unit,
            total,
            groups,
            rows,
            ..Waterfall::default()
        },
    )
}

fn roofline() -> impl Strategy<Value = Roofline> {
    let roof = (name(), value()).prop_map(|(name, rate)| Roof { name, rate });
    let point =
        (name(), value(), value(), value(), name()).prop_map(|(name, intensity, rate, weight, group)| {
            RooflinePoint { name, intensity, rate, weight, group }
        });
    (name(), value(), name(), vec(roof, 0..4), vec(point, 0..12)).prop_map(
        |(title, bandwidth, bandwidth_name, roofs, points)| Roofline {
            title,
            bandwidth,
            bandwidth_name,
            roofs,
            points,
            ..Roofline::default()
        },
    )
}

fn link() -> impl Strategy<Value = LinkLoad> {
    let level =
        proptest::sample::select(vec![LinkLevel::IntraServer, LinkLevel::InterServer, LinkLevel::InterRack]);
    (level, name(), value(), value(), prop_oneof![0.0..1.5f64, value()]).prop_map(
        |(level, name, bandwidth_bytes_per_s, load_bytes_per_s, utilization)| LinkLoad {
            level,
            name,
            bandwidth_bytes_per_s,
            load_bytes_per_s,
            utilization,
        },
    )
}

/// Small numbers often, any now and then.
fn count(usual: u32) -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0..usual, 1 => any::<u32>()]
}

fn cluster() -> impl Strategy<Value = ClusterDiagram> {
    let shape = (count(70), count(30), count(120), count(6), count(6), count(100));
    let gpus = || prop_oneof![8 => 0..3000u64, 1 => any::<u64>()];
    (name(), name(), shape, (gpus(), gpus(), gpus()), vec(link(), 0..4)).prop_map(
        |(title, rack_name, shape, gpus, links)| ClusterDiagram {
            title,
            rack_name,
            racks: shape.0,
            servers_per_rack: shape.1,
            gpus_per_server: shape.2,
            storage_servers_per_rack: shape.3,
            control_servers_per_rack: shape.4,
            gpus_per_instance: shape.5,
            active_gpus: gpus.0,
            spare_gpus: gpus.1,
            idle_gpus: gpus.2,
            links,
        },
    )
}

fn width() -> impl Strategy<Value = f64> {
    prop_oneof![8 => 200.0..1600.0f64, 1 => any::<f64>()]
}

proptest! {
    #[test]
    fn law_line_charts_hold_for_any_data(chart in chart(), theme in theme(), width in width()) {
        let svg = chart.to_svg(theme, width);
        check(&svg);
        prop_assert_eq!(svg, chart.clone().to_svg(theme, width));
    }

    #[test]
    fn law_panels_hold_for_any_data(panels in vec(chart(), 0..5), title in name(), width in width()) {
        check(&Panels { title, subtitle: String::new(), panels }.to_svg(Theme::Light, width));
    }

    #[test]
    fn law_bars_hold_for_any_data(bars in bars(), theme in theme(), width in width()) {
        check(&bars.to_svg(theme, width));
    }

    #[test]
    fn law_waterfalls_hold_for_any_data(waterfall in waterfall(), theme in theme(), width in width()) {
        check(&waterfall.to_svg(theme, width));
    }

    #[test]
    fn law_rooflines_hold_for_any_data(roofline in roofline(), theme in theme(), width in width()) {
        check(&roofline.to_svg(theme, width));
    }

    #[test]
    fn law_clusters_hold_for_any_numbers(cluster in cluster(), theme in theme(), width in width()) {
        let svg = cluster.to_svg(theme, width);
        check(&svg);
        prop_assert!(svg.len() < 1_000_000, "folding keeps the picture small: {}", svg.len());
        prop_assert_eq!(svg, cluster.clone().to_svg(theme, width));
    }
}

#[test]
fn hand_a_gap_is_drawn_as_two_lines() {
    let points = [(1.0, 1.0), (2.0, 2.0), (3.0, f64::NAN), (4.0, 4.0), (5.0, 5.0)];
    let chart = LineChart { series: vec![Series::new("s", points)], ..LineChart::default() };
    let svg = chart.to_svg(Theme::Light, 600.0);
    assert_eq!(svg.matches("stroke-linejoin=\"round\" stroke-linecap").count(), 2);
    assert_eq!(svg.matches("<circle").count(), 4);
}

#[test]
fn hand_names_stand_at_the_lines_where_they_fit_and_in_a_legend_where_not() {
    let line = |name: &str, height: f64| Series::new(name, [(1.0, height), (2.0, height * 1.1)]);
    let keys = |series: Vec<Series>| {
        let chart = LineChart { y: Axis::from_zero("y", ""), series, ..LineChart::default() };
        let svg = chart.to_svg(Theme::Light, 600.0);
        // Series are paths; only a legend's keys are lines as thick.
        tags(&svg).iter().filter(|tag| tag.starts_with("line ") && tag.contains("stroke-width=\"2\"")).count()
    };
    assert_eq!(keys(vec![line("fp8", 10.0), line("bf16", 5.0)]), 0);
    let crowded = (0..9).map(|i| line(&format!("line {i}"), 10.0 + f64::from(i) * 0.01)).collect();
    assert_eq!(keys(crowded), 9);
}

#[test]
fn hand_the_cluster_says_what_it_folds() {
    let diagram = ClusterDiagram {
        racks: 21,
        servers_per_rack: 9,
        gpus_per_server: 8,
        active_gpus: 1500,
        spare_gpus: 4,
        idle_gpus: 8,
        gpus_per_instance: 12,
        ..ClusterDiagram::default()
    };
    let svg = diagram.to_svg(Theme::Light, 800.0);
    for told in ["×20", "racks 1–20", "rack 21", "1,500 active GPUs", "= 1,512 GPUs", "60 active", "4 spare"]
    {
        assert!(svg.contains(told), "{told} is missing");
    }
    // Nine servers of the folded rack and nine of the last one.
    assert_eq!(svg.matches("<title>server ").count(), 18);
}

#[test]
fn hand_bars_of_a_waterfall_follow_each_other() {
    let row = |name: &str, value: f64| WaterfallRow { name: name.into(), value, group: "memory".into() };
    let waterfall = Waterfall {
        title: "step".into(),
        unit: "s".into(),
        total: "all".into(),
        groups: vec!["memory".into()],
        rows: vec![row("first", 0.001), row("second", 0.003)],
        ..Waterfall::default()
    };
    let svg = waterfall.to_svg(Theme::Light, 600.0);
    let bars: Vec<(f64, f64)> = tags(&svg)
        .iter()
        .filter(|tag| tag.starts_with("rect ") && number(tag, "height") == Some(13.0))
        .map(|tag| (number(tag, "x").unwrap(), number(tag, "width").unwrap()))
        .collect();
    let [first, second, all] = bars[..] else { panic!("two parts and their sum: {bars:?}") };
    assert!(
        (first.0 + first.1 - second.0).abs() < 0.02 && (second.1 / first.1 - 3.0).abs() < 0.01,
        "{bars:?}"
    );
    assert!((all.1 - first.1 - second.1).abs() < 0.02 && svg.contains("4 ms"), "{bars:?}");
}
