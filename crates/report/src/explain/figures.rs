//! Pictures of the answer of `explain`: the step as a waterfall, its operators under the roofs of the accelerator.

use super::merged::{Merged, merged};
use super::screen::decision;
use crate::format::{rate, time};
use crate::html::Figure;
use crate::svg::{Roof, Roofline, RooflinePoint, Theme, Waterfall, WaterfallRow};
use rackplan_scenario::answer::{Answer, ExplainAnswer};

/// Width of a picture, in pixels.
const WIDTH: f64 = 900.0;
/// Parts with a smaller share of the step are drawn together.
const SMALL: f64 = 0.004;

/// The waterfall and the roofline.
pub fn figures(answer: &Answer<ExplainAnswer>, theme: Theme) -> Vec<Figure> {
    let found = &answer.answer;
    let roofline = Figure {
        name: "roofline".to_owned(),
        caption: "Each operator by what it computes for a byte of memory traffic, and how fast; its area is its share of the step.".to_owned(),
        svg: roofline(found).to_svg(theme, WIDTH),
    };
    vec![step_figure(found, theme), roofline]
}

/// The waterfall alone.
pub(crate) fn step_figure(found: &ExplainAnswer, theme: Theme) -> Figure {
    Figure {
        name: "waterfall".to_owned(),
        caption: format!(
            "{} Parts in the order in which they run; what runs hidden beside longer parts adds nothing.",
            decision(found)
        ),
        svg: waterfall(found).to_svg(theme, WIDTH),
    }
}

fn subtitle(found: &ExplainAnswer) -> String {
    let l = &found.layout;
    format!(
        "{} on {} {}, TP{} x PP{} x DP{}, EP{}, {}: {} step of {}",
        found.model,
        l.gpus,
        found.gpu,
        l.tp,
        l.pp,
        l.dp,
        l.ep,
        found.backend,
        found.phase,
        time(found.step.time_s)
    )
}

fn waterfall(found: &ExplainAnswer) -> Waterfall {
    let step = found.step.time_s;
    let all = merged(&found.parts);
    let (shown, small): (Vec<&Merged>, Vec<&Merged>) =
        all.iter().filter(|row| !row.is_hidden()).partition(|row| row.exposed_s >= SMALL * step);
    let mut rows: Vec<WaterfallRow> = shown
        .iter()
        .map(|row| WaterfallRow {
            name: row.name.clone(),
            value: row.exposed_s,
            group: row.longest.bound.clone(),
        })
        .collect();
    if !small.is_empty() {
        rows.push(WaterfallRow {
            name: format!("{} smaller parts", small.len()),
            value: small.iter().map(|row| row.exposed_s).sum(),
            group: "several".to_owned(),
        });
    }
    Waterfall {
        title: "Where the time of a step goes".to_owned(),
        subtitle: subtitle(found),
        unit: "s".to_owned(),
        total: "step".to_owned(),
        groups: ["memory", "compute", "wire", "latency", "several"].map(str::to_owned).to_vec(),
        rows,
    }
}

fn roofline(found: &ExplainAnswer) -> Roofline {
    let point = |row: &Merged| RooflinePoint {
        name: row.name.clone(),
        intensity: row.flops / row.bytes,
        rate: row.flops / row.time_s,
        weight: row.exposed_s / found.step.time_s,
        group: row.longest.arithmetic.clone().unwrap_or_default(),
    };
    // 8-bit integers are as fast as 8-bit floats, so that their roof only says something where they are used.
    let used = |format: &str| found.parts.iter().any(|part| part.arithmetic.as_deref() == Some(format));
    let drawn = found.device.peaks.iter().filter(|peak| peak.format != "int8" || used("int8"));
    let roofs = drawn.map(|peak| Roof { name: peak.format.clone(), rate: peak.flops_per_s });
    let bandwidth = found.device.memory_bandwidth_bytes_per_s;
    Roofline {
        title: "Operators under the roofs".to_owned(),
        subtitle: subtitle(found),
        bandwidth,
        bandwidth_name: format!("memory {}", rate(bandwidth)),
        roofs: roofs.collect(),
        points: merged(&found.parts).iter().filter(|row| row.flops > 0.0).map(point).collect(),
    }
}
