//! Arranging the racks: rows under a spine that joins them, and the names of the link levels beside the first.

use super::super::canvas::Canvas;
use super::super::frame::MARGIN;
use super::super::text::{Anchor, Face};
use super::super::theme::Ink;
use super::fold::{Run, fold};
use super::links::{self, LinkStyle};
use super::rack::{RackDrawing, draw_rack};
use super::shape::Shape;
use super::{ClusterDiagram, LinkLevel, LinkLoad};

/// Up to this many racks stand side by side; more are folded.
const MOST_UNFOLDED: u32 = 4;
const COLUMN_GAP: f64 = 22.0;
/// From the spine to the racks: room for the badges between them.
const DROP: f64 = 34.0;
/// Where a drop meets its rack: left, as the badge stands on the right.
const DROP_INSET: f64 = 22.0;

/// Room for the names of the link levels, left of the racks.
pub(super) fn gutter(diagram: &ClusterDiagram) -> f64 {
    if diagram.links.is_empty() { 12.0 } else { 96.0 }
}

/// Racks as they are drawn: one by one where they are few and fit beside each other, else folded.
pub(super) fn measured(diagram: &ClusterDiagram, room: f64) -> Vec<RackDrawing> {
    let folded = fold(diagram.racks.into(), diagram.gpus_per_rack(), &diagram.held());
    if diagram.racks <= MOST_UNFOLDED {
        let single = in_columns(diagram, folded.iter().flat_map(|run| run.unfolded()).collect(), room);
        if rows_within(&single, room).len() <= 1 {
            return single;
        }
    }
    in_columns(diagram, folded, room)
}

/// Measures a column for each run, narrow enough for one row if the racks are readable so.
fn in_columns(diagram: &ClusterDiagram, runs: Vec<Run>, room: f64) -> Vec<RackDrawing> {
    let beside = (room + COLUMN_GAP) / runs.len().max(1) as f64 - COLUMN_GAP;
    let shape = Shape::new(diagram, room, beside);
    runs.into_iter().map(|run| RackDrawing::new(diagram, &shape, run, room)).collect()
}

/// Draws all racks in as many rows as they need and returns where they end.
pub(super) fn draw_racks(
    canvas: &mut Canvas,
    diagram: &ClusterDiagram,
    racks: &[RackDrawing],
    room: f64,
    top: f64,
) -> f64 {
    let left = MARGIN + gutter(diagram);
    let spine = (diagram.racks > 1).then(|| links::style(diagram.link(LinkLevel::InterRack)));
    let mut row_top = top + 8.0;
    let mut last_spine = row_top;
    for (i, row) in rows_within(racks, room).into_iter().enumerate() {
        let racks_top = row_top + if spine.is_some() { DROP } else { 0.0 };
        if let Some(style) = spine {
            draw_spine(canvas, row, left, [row_top, racks_top], style);
        }
        let mut bottom = draw_row(canvas, diagram, row, left, racks_top);
        if i == 0 {
            bottom = bottom.max(draw_tags(canvas, diagram, &row[0], left, [row_top, racks_top]));
        }
        last_spine = row_top;
        row_top = bottom + 22.0;
    }
    if let Some(style) = spine.filter(|_| last_spine > top + 8.0) {
        let x = left - 8.0;
        canvas.line((x, top + 8.0), (x, last_spine)).stroke(style.ink, style.width).done();
    }
    row_top - 8.0
}

/// The line above a row of racks, and the drops to each.
fn draw_spine(
    canvas: &mut Canvas,
    row: &[RackDrawing],
    left: f64,
    [spine, racks]: [f64; 2],
    style: LinkStyle,
) {
    let mut x = left + DROP_INSET;
    let mut end = x;
    for rack in row {
        canvas.line((x, spine), (x, racks)).stroke(style.ink, style.width).done();
        end = x + style.width / 2.0;
        x += rack.width + COLUMN_GAP;
    }
    canvas.line((left - 8.0, spine), (end, spine)).stroke(style.ink, style.width).done();
}

/// Draws racks beside each other and returns where the longest ends.
fn draw_row(canvas: &mut Canvas, diagram: &ClusterDiagram, row: &[RackDrawing], left: f64, top: f64) -> f64 {
    let mut x = left;
    for rack in row {
        draw_rack(canvas, diagram, rack, x, top);
        x += rack.width + COLUMN_GAP;
    }
    top + row.iter().map(|rack| rack.height).fold(0.0, f64::max)
}

/// Names the link levels in the gutter, each with a thin line to where it is drawn; returns where they end.
fn draw_tags(
    canvas: &mut Canvas,
    diagram: &ClusterDiagram,
    rack: &RackDrawing,
    left: f64,
    [spine, racks]: [f64; 2],
) -> f64 {
    let targets = [
        (LinkLevel::InterRack, (diagram.racks > 1).then_some((left - 8.0, spine))),
        (LinkLevel::InterServer, rack.shape.switch_end(left, racks)),
        (LinkLevel::IntraServer, rack.shape.first_intra_end(left, racks)),
    ];
    let mut free = f64::NEG_INFINITY;
    for (level, target) in targets {
        let (Some(link), Some(target)) = (diagram.link(level), target) else { continue };
        let y = target.1.max(free + 13.0);
        draw_tag(canvas, link, y, target, left);
        free = y + 24.0;
    }
    free
}

fn draw_tag(canvas: &mut Canvas, link: &LinkLoad, y: f64, target: (f64, f64), left: f64) {
    let edge = left - 18.0;
    canvas.text((edge, y + 4.0), link.level.name(), Face::SMALL, Ink::Text, Anchor::End);
    canvas.text((edge, y + 17.0), &links::utilization(link), Face::SMALL, Ink::Muted, Anchor::End);
    let bend = (left - 8.0).min(target.0);
    canvas.path(&[(edge + 4.0, y), (bend, target.1), target]).unfilled().stroke(Ink::Axis, 1.0).done();
    if link.level != LinkLevel::InterRack {
        canvas.circle(target, 2.2).fill(Ink::Axis).done();
    }
}

/// Splits the racks into rows that fit the room; each row has at least one.
fn rows_within(racks: &[RackDrawing], room: f64) -> Vec<&[RackDrawing]> {
    let mut rows = Vec::new();
    let (mut start, mut used) = (0, 0.0);
    for (i, rack) in racks.iter().enumerate() {
        if i > start && used + rack.width > room {
            rows.push(&racks[start..i]);
            (start, used) = (i, 0.0);
        }
        used += rack.width + COLUMN_GAP;
    }
    if start < racks.len() {
        rows.push(&racks[start..]);
    }
    rows
}
