//! Pictures of an answer with its reasons: those of the answer, the step, elasticities and sensitivities.

use super::of_size;
use crate::html::Figure;
use crate::svg::{Axis, LineChart, Panels, Reference, Series, Theme};
use crate::{explain, size};
use rackplan_scenario::answer::{Answer, Decision, ReasonsAnswer, Sensitivity};

/// Width of a picture, in pixels.
const WIDTH: f64 = 900.0;

/// Every picture, the racks first.
pub fn figures(answer: &Answer<ReasonsAnswer>, theme: Theme) -> Vec<Figure> {
    let reasons = &answer.answer;
    let mut all = size::figures(&of_size(answer), theme);
    if let Some(step) = &reasons.step {
        all.push(explain::step_figure(step, theme));
    }
    if !reasons.sensitivities.is_empty() {
        all.push(Figure {
            name: "sensitivity".to_owned(),
            caption: "The same plan when users, batch or context are a fifth fewer to a fifth more: GPUs that it takes, and what users see.".to_owned(),
            svg: sensitivity(reasons, theme),
        });
    }
    all
}

fn sensitivity(reasons: &ReasonsAnswer, theme: Theme) -> String {
    Panels {
        title: "The plan around the load asked for".to_owned(),
        subtitle: "change of each, from 20 % below to 20 % above; gaps where the plan no longer serves"
            .to_owned(),
        panels: reasons.sensitivities.iter().map(panel).collect(),
    }
    .to_svg(theme, WIDTH)
}

fn panel(one: &Sensitivity) -> LineChart {
    let middle =
        one.points.iter().find(|point| point.scale == 1.0).and_then(|point| point.same_plan.as_ref());
    let series = |name: &str, read: fn(&Decision) -> Option<f64>| {
        let base = middle.and_then(read).unwrap_or(f64::NAN);
        let points = one.points.iter().map(|point| {
            let value = point.same_plan.as_ref().and_then(read);
            (point.scale - 1.0, value.map_or(f64::NAN, |value| value / base - 1.0))
        });
        Series::new(name, points)
    };
    LineChart {
        title: format!("by {}", one.input),
        x: Axis::change(&one.input),
        y: Axis::change("change"),
        series: vec![
            series("GPUs active", |d| Some(d.gpus_active as f64)),
            series("ttft", |d| d.ttft_s),
            series("tpot", |d| d.tpot_s),
        ],
        references: vec![Reference::Vertical { x: 0.0, label: String::new() }],
        ..LineChart::default()
    }
}
