//! Small multiples: a few line charts side by side under one heading and one legend, stacked where it is narrow.

use super::canvas::{Canvas, Described};
use super::drawable_width;
use super::frame::{MARGIN, heading, legend, lines, series_legend};
use super::geometry::Rect;
use super::line::LineChart;
use super::plot::{Labelling, draw_chart};
use super::text::Face;
use super::theme::{Ink, Theme};

/// Line charts that are read together; a series' name has one colour in all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panels {
    /// Says what is seen; may be empty.
    pub title: String,
    /// A second, quieter line; may be empty.
    pub subtitle: String,
    /// The charts, each with its own title above it.
    pub panels: Vec<LineChart>,
}

/// Narrower than this a panel's ticks crowd.
const NARROWEST: f64 = 220.0;
const MOST_COLUMNS: usize = 4;
const GAP: f64 = 24.0;

impl Panels {
    /// All panels as one self-contained SVG of about this width in pixels.
    pub fn to_svg(&self, theme: Theme, width: f64) -> String {
        let width = drawable_width(width);
        let inner = width - 2.0 * MARGIN;
        let mut canvas = Canvas::new(theme);
        let names = self.names();
        let mut top = heading(&mut canvas, &self.title, &self.subtitle, MARGIN, inner, MARGIN - 4.0);
        if names.len() > 1 {
            top = legend(&mut canvas, &series_legend(&names), MARGIN, inner, top);
        }
        let columns = self.columns(inner);
        let panel = (inner - GAP * (columns - 1) as f64) / columns as f64;
        for row in self.panels.chunks(columns) {
            top = draw_row(&mut canvas, row, panel, &names, top) + 12.0;
        }
        let description = self.panels.iter().map(LineChart::description).collect::<Vec<_>>().join(" ");
        let told = Described { title: &self.title, description: &description };
        canvas.finish(width, top + MARGIN - 18.0, &told)
    }

    /// As many columns as fit, but no row of two after a row of three when two and two would do.
    fn columns(&self, inner: f64) -> usize {
        let count = self.panels.len().max(1);
        let most = (((inner + GAP) / (NARROWEST + GAP)) as usize).clamp(1, MOST_COLUMNS);
        count.div_ceil(count.div_ceil(most))
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in self.panels.iter().flat_map(LineChart::names) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// Draws panels beside each other, their plots level, and returns where they end.
fn draw_row(canvas: &mut Canvas, row: &[LineChart], width: f64, names: &[String], top: f64) -> f64 {
    let place = |i: usize| MARGIN + i as f64 * (width + GAP);
    let mut below = top;
    for (i, chart) in row.iter().enumerate() {
        below = below.max(lines(canvas, &chart.title, Face::HEADING, Ink::Text, place(i), width, top));
    }
    let height = (width * 0.75).clamp(180.0, 260.0);
    for (i, chart) in row.iter().enumerate() {
        let outer = Rect::new(place(i), below + 4.0, width, height);
        draw_chart(canvas, chart, outer, names, &Labelling::Elsewhere);
    }
    below + 4.0 + height
}
