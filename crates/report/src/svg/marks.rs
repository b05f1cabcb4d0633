//! The data themselves: bands, lines, markers and reference lines on laid-out axes.

use super::axes::{Axes, Axis};
use super::canvas::Canvas;
use super::frame::dash;
use super::geometry::Segment;
use super::series::{Reference, Series, Span};
use super::theme::Ink;

/// Beyond this many points markers would merge into the line.
const MOST_MARKERS: usize = 40;

/// The runs of points that can be drawn, in pixels, with the values they stand for.
pub(super) fn runs(series: &Series, [x, y]: [&Axis; 2], axes: &Axes) -> Vec<Vec<Placed>> {
    let place = |point: &super::Point| {
        (x.scale.holds(point.x) && y.scale.holds(point.y)).then(|| Placed {
            at: (axes.x.scale.at(point.x), axes.y.scale.at(point.y)),
            value: (point.x, point.y),
        })
    };
    unbroken(series.points.iter().map(place))
}

/// A point of a series and where it lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) at: (f64, f64),
    value: (f64, f64),
}

/// Splits a sequence with gaps into its runs without.
fn unbroken<T>(items: impl Iterator<Item = Option<T>>) -> Vec<Vec<T>> {
    let mut runs = vec![Vec::new()];
    for item in items {
        match item {
            Some(item) => runs.last_mut().expect("there is always a run").push(item),
            None => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// The straight pieces of a series' line.
pub(super) fn segments(runs: &[Vec<Placed>]) -> impl Iterator<Item = Segment> {
    runs.iter().flat_map(|run| run.windows(2)).map(|pair| Segment { from: pair[0].at, to: pair[1].at })
}

/// The shaded band of a series.
pub(super) fn draw_band(
    canvas: &mut Canvas,
    series: &Series,
    colour: usize,
    [x, y]: [&Axis; 2],
    axes: &Axes,
) {
    let place = |span: &Span| {
        let drawn = x.scale.holds(span.x) && y.scale.holds(span.low) && y.scale.holds(span.high);
        let at = |value| (axes.x.scale.at(span.x), axes.y.scale.at(value));
        drawn.then(|| (at(span.low), at(span.high)))
    };
    for run in unbroken(series.band.iter().map(place)) {
        let upper = run.iter().map(|(_, high)| *high);
        let lower = run.iter().rev().map(|(low, _)| *low);
        let outline: Vec<_> = upper.chain(lower).collect();
        canvas.outline(&outline).fill(Ink::Series(colour)).raw("fill-opacity", "0.16").done();
    }
}

/// Line and markers of a series; each marker names its values.
pub(super) fn draw_series(
    canvas: &mut Canvas,
    series: &Series,
    runs: &[Vec<Placed>],
    colour: usize,
    [x, y]: [&Axis; 2],
) {
    canvas.group(&series.name);
    for run in runs.iter().filter(|run| run.len() > 1) {
        let points: Vec<_> = run.iter().map(|placed| placed.at).collect();
        let line = canvas.path(&points).unfilled().stroke(Ink::Series(colour), 2.0);
        let line = line.raw("stroke-linejoin", "round").raw("stroke-linecap", "round");
        match dash(colour) {
            Some(pattern) => line.raw("stroke-dasharray", pattern).done(),
            None => line.done(),
        }
    }
    let count: usize = runs.iter().map(Vec::len).sum();
    for (i, placed) in runs.iter().flatten().enumerate() {
        // A point alone in its run would vanish without its marker.
        if count <= MOST_MARKERS || runs.len() == count || i + 1 == count {
            let tip = tooltip(&series.name, *placed, x, y);
            draw_marker(canvas, colour, placed.at, &tip);
        }
    }
    canvas.end();
}

fn tooltip(name: &str, placed: Placed, x: &Axis, y: &Axis) -> String {
    let horizontal = format!("{} {}", x.label, x.format.value(placed.value.0, &x.unit));
    let vertical = y.format.value(placed.value.1, &y.unit);
    let tip = format!("{name} · {horizontal}: {vertical}");
    tip.trim_start_matches(" · ").to_owned()
}

/// A marker whose shape, beside its colour, tells the series.
fn draw_marker(canvas: &mut Canvas, series: usize, at: (f64, f64), tip: &str) {
    let (x, y) = at;
    let shape = match series % 4 {
        0 => canvas.circle(at, 3.2),
        1 => {
            canvas.outline(&[(x - 3.0, y - 3.0), (x + 3.0, y - 3.0), (x + 3.0, y + 3.0), (x - 3.0, y + 3.0)])
        }
        2 => canvas.outline(&[(x, y - 4.0), (x + 4.0, y + 3.0), (x - 4.0, y + 3.0)]),
        _ => canvas.outline(&[(x, y - 4.2), (x + 4.2, y), (x, y + 4.2), (x - 4.2, y)]),
    };
    // The rim keeps markers of crossing lines apart.
    shape.fill(Ink::Series(series)).stroke(Ink::Ground, 1.0).titled(tip);
}

/// A series' line and marker as they stand in a legend.
pub(super) fn draw_key(canvas: &mut Canvas, series: usize, x: f64, middle: f64, width: f64) {
    let line = canvas.line((x, middle), (x + width, middle)).stroke(Ink::Series(series), 2.0);
    match dash(series) {
        Some(pattern) => line.raw("stroke-dasharray", pattern).done(),
        None => line.done(),
    }
    draw_marker(canvas, series, (x + width / 2.0, middle), "");
}

/// Reference lines and rings, without their labels.
pub(super) fn draw_reference(canvas: &mut Canvas, reference: &Reference, both: [&Axis; 2], axes: &Axes) {
    if let Some(Segment { from, to }) = reference_line(reference, both, axes) {
        let line = canvas.line(from, to).stroke(Ink::Muted, 1.0).raw("stroke-dasharray", "4 3");
        line.titled(reference.label());
    } else if let Some(at) = place_reference(reference, both, axes) {
        canvas.circle(at, 7.5).unfilled().stroke(Ink::Text, 1.5).titled(reference.label());
    }
}

/// The line of a reference that is one.
pub(super) fn reference_line(reference: &Reference, both: [&Axis; 2], axes: &Axes) -> Option<Segment> {
    let (x, y) = place_reference(reference, both, axes)?;
    let plot = axes.plot;
    match reference {
        Reference::Vertical { .. } => Some(Segment { from: (x, plot.y), to: (x, plot.bottom()) }),
        Reference::Horizontal { .. } => Some(Segment { from: (plot.x, y), to: (plot.right(), y) }),
        Reference::Mark { .. } => None,
    }
}

/// Where a reference lies; `None` where the axes have no place for it.
pub(super) fn place_reference(reference: &Reference, [x, y]: [&Axis; 2], axes: &Axes) -> Option<(f64, f64)> {
    let (across, down) = reference.coordinates();
    let fits = across.is_none_or(|v| x.scale.holds(v)) && down.is_none_or(|v| y.scale.holds(v));
    let across = across.map_or(axes.plot.x, |v| axes.x.scale.at(v));
    fits.then(|| (across, down.map_or(axes.plot.y, |v| axes.y.scale.at(v))))
}
