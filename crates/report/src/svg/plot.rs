//! Drawing one line chart into a rectangle: axes, marks, and labels that keep clear of both.

use super::axes::Axes;
use super::canvas::Canvas;
use super::frame::{legend, lines, series_legend};
use super::geometry::{Rect, Segment};
use super::labels::{Placer, Spot, along_horizontal, along_vertical, around_end, around_ring};
use super::line::LineChart;
use super::marks::{
    Placed, draw_band, draw_reference, draw_series, place_reference, reference_line, runs, segments,
};
use super::series::{Reference, Series};
use super::text::{Anchor, Face};
use super::theme::Ink;

/// How the series of one drawing are told apart.
pub(super) enum Labelling {
    /// Names at the ends of the lines, or a legend if they collide.
    Auto,
    /// A legend stands elsewhere and lists the names in the order of their colours.
    Elsewhere,
}

/// Draws from the top of `outer` and returns where the drawing ends: its bottom.
pub(super) fn draw_chart(
    canvas: &mut Canvas,
    chart: &LineChart,
    outer: Rect,
    names: &[String],
    labelling: &Labelling,
) -> f64 {
    let Some(ranges) = chart.ranges() else {
        draw_empty(canvas, chart, outer);
        return outer.bottom();
    };
    let named = matches!(labelling, Labelling::Auto) && names.iter().any(|name| !name.is_empty());
    if named && let Some(plan) = direct_labels(chart, ranges, outer) {
        draw_plot(canvas, chart, &plan.axes, outer, names, &plan.labels);
        return outer.bottom();
    }
    let mut top = outer.y;
    if named {
        top = legend(canvas, &series_legend(names), outer.x, outer.width, top);
    }
    let below = Rect { y: top, ..outer };
    let axes = Axes::new(&chart.x, &chart.y, ranges, below, 10.0);
    draw_plot(canvas, chart, &axes, below, names, &[]);
    below.bottom()
}

fn draw_empty(canvas: &mut Canvas, chart: &LineChart, outer: Rect) {
    let caption = chart.y.caption();
    let line = lines(canvas, &caption, Face::SMALL, Ink::Muted, outer.x, outer.width, outer.y);
    let frame = Rect::new(outer.x, line + 6.0, outer.width, (outer.bottom() - line - 14.0).max(40.0));
    canvas.rect(frame).unfilled().stroke(Ink::Grid, 1.0).done();
    let middle = (outer.x + outer.width / 2.0, frame.y + frame.height / 2.0 + 4.0);
    canvas.text(middle, "no data", Face::BODY, Ink::Muted, Anchor::Middle);
}

fn draw_plot(
    canvas: &mut Canvas,
    chart: &LineChart,
    axes: &Axes,
    outer: Rect,
    names: &[String],
    labels: &[SeriesLabel],
) {
    let both = [&chart.x, &chart.y];
    axes.draw(canvas, &chart.x, &chart.y, outer);
    let colour = |series: &Series| names.iter().position(|name| *name == series.name).unwrap_or(0);
    for series in &chart.series {
        draw_band(canvas, series, colour(series), both, axes);
    }
    for reference in &chart.references {
        draw_reference(canvas, reference, both, axes);
    }
    for series in &chart.series {
        draw_series(canvas, series, &runs(series, both, axes), colour(series), both);
    }
    let mut placer = placer(chart, axes, outer, false);
    placer.taken.extend(labels.iter().map(|label| label.rect));
    draw_reference_labels(canvas, chart, axes, &mut placer);
    for label in labels {
        let series = &chart.series[label.series];
        let spot = label.spot;
        canvas.text_with_rim(spot.at, &series.name, Face::BODY, Ink::Label(colour(series)), spot.anchor);
    }
}

/// A placer that knows all lines and markers of the chart, and if asked its reference lines.
fn placer(chart: &LineChart, axes: &Axes, outer: Rect, references: bool) -> Placer {
    let both = [&chart.x, &chart.y];
    let all: Vec<Vec<Vec<Placed>>> = chart.series.iter().map(|series| runs(series, both, axes)).collect();
    let marker = |placed: &Placed| Rect::new(placed.at.0 - 4.5, placed.at.1 - 4.5, 9.0, 9.0);
    let mut lines: Vec<Segment> = all.iter().flat_map(|runs| segments(runs)).collect();
    if references {
        lines.extend(chart.references.iter().filter_map(|reference| reference_line(reference, both, axes)));
    }
    let top = outer.y + 18.0;
    Placer {
        // Left of the plot stand the ticks, above it the caption.
        bounds: Rect::new(axes.plot.x, top, outer.right() - axes.plot.x, axes.plot.bottom() - top),
        taken: all.iter().flatten().flatten().map(marker).collect(),
        lines,
    }
}

fn draw_reference_labels(canvas: &mut Canvas, chart: &LineChart, axes: &Axes, placer: &mut Placer) {
    for reference in &chart.references {
        let Some(at) = place_reference(reference, [&chart.x, &chart.y], axes) else { continue };
        let spots = match reference {
            Reference::Vertical { .. } => along_vertical(at.0, axes.plot),
            Reference::Horizontal { .. } => along_horizontal(at.1, axes.plot),
            Reference::Mark { .. } => around_ring(at),
        };
        let label = Face::SMALL.fit(reference.label(), axes.plot.width * 0.6);
        if let Some(spot) = placer.place_over_lines(&label, Face::SMALL, &spots) {
            canvas.text_with_rim(spot.at, &label, Face::SMALL, Ink::Text, spot.anchor);
        }
    }
}

/// Axes and label spots with every series named at its line's end; `None` where they would collide.
fn direct_labels(chart: &LineChart, ranges: [(f64, f64); 2], outer: Rect) -> Option<DirectPlan> {
    let widest = chart.series.iter().map(|series| Face::BODY.width(&series.name)).fold(0.0, f64::max);
    if widest > outer.width * 0.3 || chart.series.iter().any(|series| series.name.is_empty()) {
        return None;
    }
    let axes = Axes::new(&chart.x, &chart.y, ranges, outer, widest + 6.0);
    // Crossing a dashed reference line is allowed where nothing else works: the labels have a rim.
    let labels = [true, false]
        .into_iter()
        .find_map(|references| name_ends(chart, &axes, placer(chart, &axes, outer, references)))?;
    Some(DirectPlan { axes, labels })
}

/// A spot at the end of each line, from the top down.
fn name_ends(chart: &LineChart, axes: &Axes, mut placer: Placer) -> Option<Vec<SeriesLabel>> {
    let mut ends: Vec<(usize, (f64, f64))> = Vec::new();
    for (i, series) in chart.series.iter().enumerate() {
        ends.push((i, runs(series, [&chart.x, &chart.y], axes).last()?.last()?.at));
    }
    ends.sort_by(|a, b| a.1.1.total_cmp(&b.1.1));
    let mut labels = Vec::new();
    for (series, end) in ends {
        let spot = placer.place(&chart.series[series].name, Face::BODY, &around_end(end))?;
        labels.push(SeriesLabel { series, spot, rect: *placer.taken.last()? });
    }
    Some(labels)
}

/// Where a series' name stands.
struct SeriesLabel {
    series: usize,
    spot: Spot,
    rect: Rect,
}

/// Axes that leave room for the names at the lines' ends, and those names.
struct DirectPlan {
    axes: Axes,
    labels: Vec<SeriesLabel>,
}
