//! Drawing one server (or one for several): GPUs by role, shaded by instance.

use super::super::canvas::Canvas;
use super::super::geometry::Rect;
use super::super::theme::Ink;
use super::ClusterDiagram;
use super::fold::{Role, Roles, Run};
use super::links::LinkStyle;
use super::rack::{RackDrawing, Row, roles_held};
use super::shape::Shape;

/// Draws a server: its frame, its GPUs, and the line that joins them.
pub(super) fn draw_server(
    canvas: &mut Canvas,
    diagram: &ClusterDiagram,
    drawing: &RackDrawing,
    run: &Run,
    place: Rect,
    link: LinkStyle,
) {
    let shape = &drawing.shape;
    canvas.group(&server_tip(run));
    canvas.rect(place).number("rx", 2.0).fill(Ink::Ground).stroke(Ink::Edge, 0.75).done();
    if shape.columns == 0 {
        draw_proportions(canvas, &run.roles, shape.cells(place));
    } else {
        let instance = u64::from(diagram.gpus_per_instance);
        let start = shaded_from(diagram, drawing, run);
        let odd = |index| start.is_some_and(|start| start.saturating_add(index) / instance % 2 == 1);
        draw_cells(canvas, shape, run, place, &odd);
    }
    if shape.linked {
        let (area, y) = (shape.cells(place), shape.intra_y(place));
        canvas.line((area.x, y), (area.right(), y)).stroke(link.ink, link.width.min(3.0)).done();
    }
    canvas.end();
}

fn server_tip(run: &Run) -> String {
    let held: Vec<String> =
        roles_held(&run.roles).map(|(role, count)| format!("{count} {}", role.name())).collect();
    let which = match run.count {
        1 => format!("server {}", run.first + 1),
        count => format!("servers {}–{}", run.first + 1, run.first + count),
    };
    format!("{which}: {}", held.join(", "))
}

/// Position in the cluster of a server's first GPU, where its instances can be told by shade.
fn shaded_from(diagram: &ClusterDiagram, drawing: &RackDrawing, server: &Run) -> Option<u64> {
    let (instance, gpus) = (u64::from(diagram.gpus_per_instance), u64::from(diagram.gpus_per_server));
    // Folded servers stand for instances at different offsets, unless each starts at a server.
    let aligned = server.count == 1 || gpus.checked_rem(instance) == Some(0);
    let in_rack = server.first.saturating_mul(gpus);
    let start = drawing.run.first.saturating_mul(diagram.gpus_per_rack()).saturating_add(in_rack);
    (drawing.shape.columns > 0 && aligned && diagram.shades(&drawing.run)).then_some(start)
}

/// Whether any GPU of a rack is drawn in the second shade.
pub(super) fn shows_shades(diagram: &ClusterDiagram, drawing: &RackDrawing) -> bool {
    let instance = u64::from(diagram.gpus_per_instance);
    drawing.rows.iter().any(|row| match row {
        Row::Gpus(server) if server.roles[0] > 0 => {
            shaded_from(diagram, drawing, server).is_some_and(|start| {
                let last = start.saturating_add(server.roles[0] - 1) / instance;
                last > start / instance || last % 2 == 1
            })
        }
        _ => false,
    })
}

/// The GPUs of a server as cells: one shape per role and shade.
fn draw_cells(canvas: &mut Canvas, shape: &Shape, run: &Run, place: Rect, odd: &impl Fn(u64) -> bool) {
    let mut next = 0;
    for (role, count) in roles_held(&run.roles) {
        let (odd, even): (Vec<u64>, Vec<u64>) =
            (next..next + count).partition(|index| role == Role::Active && odd(*index));
        for (indices, opacity) in
            [(even, 1.0), (odd, 0.6)].into_iter().filter(|(indices, _)| !indices.is_empty())
        {
            let tiles: Vec<Rect> = indices.iter().map(|index| shape.cell(place, *index)).collect();
            draw_tiles(canvas, role, &tiles, opacity);
        }
        next += count;
    }
}

/// The GPUs of a server too large for cells, as parts of a bar.
fn draw_proportions(canvas: &mut Canvas, roles: &Roles, area: Rect) {
    let total = roles.iter().sum::<u64>().max(1) as f64;
    let mut x = area.x;
    for (role, count) in roles_held(roles) {
        let width = count as f64 / total * area.width;
        draw_tiles(canvas, role, &[Rect { x, width, ..area }], 1.0);
        x += width;
    }
}

fn draw_tiles(canvas: &mut Canvas, role: Role, tiles: &[Rect], opacity: f64) {
    // Outlines run inside the cell, so that all roles have the same size.
    let inset = |by: f64| -> Vec<Rect> {
        let shrink = |tile: &Rect| {
            Rect::new(
                tile.x + by,
                tile.y + by,
                (tile.width - 2.0 * by).max(0.0),
                (tile.height - 2.0 * by).max(0.0),
            )
        };
        tiles.iter().map(shrink).collect()
    };
    match role {
        Role::Active if opacity < 1.0 => {
            canvas.tiles(tiles).fill(Ink::Series(0)).number("fill-opacity", opacity).done();
        }
        Role::Active => canvas.tiles(tiles).fill(Ink::Series(0)).done(),
        Role::Idle => canvas.tiles(tiles).fill(Ink::Idle).done(),
        Role::Spare => canvas.tiles(&inset(0.75)).unfilled().stroke(Ink::Series(0), 1.5).done(),
        Role::Empty => {
            let outline = canvas.tiles(&inset(0.5)).unfilled().stroke(Ink::Axis, 1.0);
            outline.raw("stroke-dasharray", "2 2").done();
        }
    }
}
