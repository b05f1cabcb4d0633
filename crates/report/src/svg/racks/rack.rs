//! Drawing one rack (or one for many): its frame, its rows of servers and what joins them, captions.

use super::super::canvas::Canvas;
use super::super::geometry::Rect;
use super::super::number::grouped;
use super::super::text::{Anchor, Face};
use super::super::theme::Ink;
use super::fold::{ROLES, Role, Roles, Run, fold};
use super::links::{self, LinkStyle};
use super::server::draw_server;
use super::shape::Shape;
use super::{CONTROL, ClusterDiagram, LinkLevel, STORAGE};

/// One rack, or one that stands for many, measured and ready to be drawn.
pub(super) struct RackDrawing {
    pub(super) shape: Shape,
    pub(super) run: Run,
    pub(super) rows: Vec<Row>,
    captions: Vec<String>,
    /// With captions and the edges of the racks behind.
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A row of a rack: a server, or one that stands for several.
pub(super) enum Row {
    Gpus(Run),
    Other { colour: usize, name: &'static str, count: u32 },
}

const ROW_GAP: f64 = 3.0;
const OTHER_HEIGHT: f64 = 10.0;
/// Storage and control servers up to this many are drawn one by one.
const MOST_OTHER: u32 = 3;
/// How far the edges of the racks behind stand out.
const DECK: f64 = 4.0;

impl RackDrawing {
    pub(super) fn new(diagram: &ClusterDiagram, shape: &Shape, run: Run, room: f64) -> RackDrawing {
        let rows = rows(diagram, &run, shape.folded);
        let captions: Vec<String> = captions(&run, room);
        let widest = captions.iter().map(|line| Face::SMALL.width(line) * 1.13).fold(0.0, f64::max);
        let deck = if run.count > 1 { 2.0 * DECK } else { 0.0 };
        let body = rack_height(shape, &rows);
        RackDrawing {
            width: (shape.rack_width() + deck).max(widest).min(room),
            height: body + 6.0 + captions.len() as f64 * Face::SMALL.line(),
            shape: shape.clone(),
            run,
            rows,
            captions,
        }
    }
}

impl Row {
    fn height(&self, shape: &Shape) -> f64 {
        match self {
            Row::Gpus(_) => shape.server_height(),
            Row::Other { .. } => OTHER_HEIGHT,
        }
    }

    fn count(&self) -> u64 {
        match self {
            Row::Gpus(run) => run.count,
            Row::Other { count, .. } => u64::from(*count),
        }
    }
}

/// The rows of a rack from the top: GPU servers, then storage, then control.
fn rows(diagram: &ClusterDiagram, run: &Run, folded: bool) -> Vec<Row> {
    let servers = fold(diagram.servers_per_rack.into(), diagram.gpus_per_server.into(), &run.roles);
    let mut rows: Vec<Row> = if folded {
        servers.into_iter().map(Row::Gpus).collect()
    } else {
        servers.into_iter().flat_map(Run::unfolded).map(Row::Gpus).collect()
    };
    rows.extend(others(diagram.storage_servers_per_rack, STORAGE, "storage"));
    rows.extend(others(diagram.control_servers_per_rack, CONTROL, "control"));
    rows
}

fn others(count: u32, colour: usize, name: &'static str) -> impl Iterator<Item = Row> {
    let (rows, each) = if count <= MOST_OTHER { (count, 1) } else { (1, count) };
    (0..rows).map(move |_| Row::Other { colour, name, count: each })
}

fn rack_height(shape: &Shape, rows: &[Row]) -> f64 {
    let held: f64 = rows.iter().map(|row| row.height(shape) + ROW_GAP).sum();
    shape.servers_top() + held - if rows.is_empty() { 0.0 } else { ROW_GAP } + shape.bottom_padding()
}

/// Which racks these are and what each holds.
fn captions(run: &Run, room: f64) -> Vec<String> {
    let first = grouped(run.first + 1);
    let (name, each) = match run.count {
        1 => (format!("rack {first}"), ""),
        count => (format!("racks {first}–{}", grouped(run.first + count)), " each"),
    };
    let mut lines = vec![name];
    lines.extend(
        roles_held(&run.roles).map(|(role, count)| format!("{} {}{each}", grouped(count), role.name())),
    );
    lines.iter().map(|line| Face::SMALL.fit(line, room / 1.13)).collect()
}

/// The roles there are, and how many of each.
pub(super) fn roles_held(roles: &Roles) -> impl Iterator<Item = (Role, u64)> {
    ROLES.into_iter().zip(*roles).filter(|(_, count)| *count > 0)
}

/// Draws a rack with its top left corner at a point.
pub(super) fn draw_rack(
    canvas: &mut Canvas,
    diagram: &ClusterDiagram,
    drawing: &RackDrawing,
    x: f64,
    y: f64,
) {
    let shape = &drawing.shape;
    let body = Rect::new(x, y, shape.rack_width(), rack_height(shape, &drawing.rows));
    canvas.group(&drawing.captions.join(", "));
    draw_body(canvas, body, drawing.run.count);
    let style = |level| links::style(diagram.link(level));
    if shape.switched {
        let ink = style(LinkLevel::InterServer).ink;
        canvas.rect(shape.switch(x, y)).number("rx", 2.0).fill(ink).done();
    }
    draw_rows(canvas, diagram, drawing, x, y, [style(LinkLevel::InterServer), style(LinkLevel::IntraServer)]);
    let mut baseline = body.bottom() + 6.0;
    for (i, line) in drawing.captions.iter().enumerate() {
        baseline += Face::SMALL.line();
        let (face, ink) =
            if i == 0 { (Face { bold: true, ..Face::SMALL }, Ink::Text) } else { (Face::SMALL, Ink::Muted) };
        canvas.text((x, baseline - 3.0), line, face, ink, Anchor::Start);
    }
    canvas.end();
}

/// The rack's frame, the edges of those behind it, and how many they are.
fn draw_body(canvas: &mut Canvas, body: Rect, count: u64) {
    let behind = if count > 1 { 2 } else { 0 };
    for depth in (0..=behind).rev() {
        let shift = f64::from(depth) * DECK;
        let edge = Rect { x: body.x + shift, y: body.y - shift, ..body };
        canvas.rect(edge).number("rx", 4.0).fill(Ink::Surface).stroke(Ink::Edge, 1.0).done();
    }
    if count > 1 {
        let at = (body.right() + 2.0 * DECK, body.y - 2.0 * DECK - 6.0);
        canvas.text(at, &format!("×{}", grouped(count)), Face::HEADING, Ink::Text, Anchor::End);
    }
}

fn draw_rows(
    canvas: &mut Canvas,
    diagram: &ClusterDiagram,
    drawing: &RackDrawing,
    x: f64,
    y: f64,
    [outer, inner]: [LinkStyle; 2],
) {
    let shape = &drawing.shape;
    let bus = shape.bus_x(x);
    let mut top = y + shape.servers_top();
    let mut bus_end = top;
    for row in &drawing.rows {
        let place = Rect { height: row.height(shape), ..shape.server(x, top) };
        let middle = top + place.height / 2.0;
        if shape.switched {
            canvas
                .line((place.right(), middle), (bus, middle))
                .stroke(outer.ink, outer.width.min(2.0))
                .done();
        }
        match row {
            Row::Gpus(run) => draw_server(canvas, diagram, drawing, run, place, inner),
            Row::Other { colour, name, count } => {
                let tip = format!("{count} {name} server{}", if *count == 1 { "" } else { "s" });
                canvas.rect(place).number("rx", 2.0).fill(Ink::Series(*colour)).titled(&tip);
            }
        }
        if row.count() > 1 {
            draw_fold(canvas, place, bus, row);
        }
        bus_end = middle;
        top += place.height + ROW_GAP;
    }
    if shape.switched && !drawing.rows.is_empty() {
        canvas
            .line((bus, y + shape.servers_top() - 6.0), (bus, bus_end))
            .stroke(outer.ink, outer.width)
            .done();
    }
}

/// How many servers a row stands for: beside GPU servers, on the others.
fn draw_fold(canvas: &mut Canvas, place: Rect, bus: f64, row: &Row) {
    let label = format!("×{}", grouped(row.count()));
    let middle = place.y + place.height / 2.0 + 3.5;
    if let Row::Other { colour, .. } = row {
        let face = Face { size: 9.0, bold: true };
        canvas.text((place.x + place.width / 2.0, middle), &label, face, Ink::On(*colour), Anchor::Middle);
    } else {
        let label = Face::SMALL.fit(&label, 36.0);
        canvas.text((bus + 6.0, middle), &label, Face::SMALL, Ink::Text, Anchor::Start);
    }
}
