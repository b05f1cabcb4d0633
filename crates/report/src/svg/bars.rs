//! Horizontal stacked bars: what a whole is made of. Parts are named in the bar where there is room, below it
//! where there is not.

use super::canvas::{Canvas, Described};
use super::drawable_width;
use super::frame::{Key, MARGIN, Stroke, heading, legend};
use super::geometry::Rect;
use super::number::Format;
use super::text::{Anchor, Face};
use super::theme::{Ink, SERIES, Theme};

/// Bars on a common scale.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StackedBars {
    /// Says what is seen; may be empty.
    pub title: String,
    /// A second, quieter line; may be empty.
    pub subtitle: String,
    /// Unit of the values, for instance `B`.
    pub unit: String,
    /// How values are written.
    pub format: Format,
    /// One bar each.
    pub rows: Vec<BarRow>,
}

/// One bar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BarRow {
    /// Stands above the bar.
    pub name: String,
    /// What it is made of, left to right. Values that are negative or not finite are left out.
    pub parts: Vec<BarPart>,
    /// The room there is; what the parts leave free is drawn empty, what exceeds it is marked.
    pub capacity: Option<f64>,
}

/// One part of a bar. A name has one colour in all bars of a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BarPart {
    /// What it is.
    pub name: String,
    /// How much.
    pub value: f64,
}

const BAR: f64 = 26.0;

impl StackedBars {
    /// The bars as a self-contained SVG of about this width in pixels.
    pub fn to_svg(&self, theme: Theme, width: f64) -> String {
        let width = drawable_width(width);
        let inner = width - 2.0 * MARGIN;
        let mut canvas = Canvas::new(theme);
        let mut top = heading(&mut canvas, &self.title, &self.subtitle, MARGIN, inner, MARGIN - 4.0);
        let longest = self.rows.iter().map(BarRow::extent).fold(0.0, f64::max);
        let scale = if longest > 1e-100 { inner / longest } else { 0.0 };
        for row in &self.rows {
            top = self.draw_row(&mut canvas, row, scale, inner, top) + 8.0;
        }
        let description = self.rows.iter().map(|row| self.describe(row)).collect::<Vec<_>>().join(" ");
        canvas.finish(width, top + MARGIN - 8.0, &Described { title: &self.title, description: &description })
    }

    /// Draws a bar with its heading and outside labels; returns where they end.
    fn draw_row(&self, canvas: &mut Canvas, row: &BarRow, scale: f64, inner: f64, top: f64) -> f64 {
        let total = Face::BODY.fit(&self.total(row), inner * 0.6);
        let name = Face::HEADING.fit(&row.name, inner - Face::BODY.width(&total) - 12.0);
        canvas.text((MARGIN, top + 12.0), &name, Face::HEADING, Ink::Text, Anchor::Start);
        canvas.text((MARGIN + inner, top + 12.0), &total, Face::BODY, Ink::Muted, Anchor::End);
        let bar_top = top + 19.0;
        let outside = self.draw_bar(canvas, row, scale, bar_top);
        legend(canvas, &outside, MARGIN, inner, bar_top + BAR + 5.0)
    }

    /// Draws the parts and what is free; returns the labels that found no room inside.
    fn draw_bar(&self, canvas: &mut Canvas, row: &BarRow, scale: f64, top: f64) -> Vec<(Key, String)> {
        let mut outside = Vec::new();
        let mut x = MARGIN;
        for part in row.drawn() {
            let colour = self.colour(&part.name);
            let label = format!("{} {}", part.name, self.shown(part.value));
            let place = Rect::new(x, top, part.value * scale, BAR);
            // A hair of ground between parts keeps neighbours apart without a border.
            let block = Rect { width: (place.width - 1.0).max(0.0), ..place };
            canvas.rect(block).fill(Ink::Series(colour)).titled(&label);
            if Face::BODY.width(&label) + 14.0 <= block.width {
                canvas.text((x + 7.0, top + 17.0), &label, Face::BODY, Ink::On(colour), Anchor::Start);
            } else {
                outside.push((Key::Area(Ink::Series(colour)), label));
            }
            x += place.width;
        }
        outside.extend(self.draw_capacity(canvas, row, scale, Rect::new(x, top, 0.0, BAR)));
        outside
    }

    /// The empty rest of the bar, or a mark where the parts exceed their room.
    fn draw_capacity(
        &self,
        canvas: &mut Canvas,
        row: &BarRow,
        scale: f64,
        end: Rect,
    ) -> Option<(Key, String)> {
        let capacity = row.room()?;
        let free = capacity - row.total();
        if free < 0.0 {
            let at = MARGIN + capacity * scale;
            canvas.line((at, end.y - 4.0), (at, end.y + BAR + 4.0)).stroke(Ink::Text, 2.0).done();
            return Some((Key::Area(Ink::Text), format!("over by {}", self.shown(-free))));
        }
        let rest = Rect::new(end.x + 0.5, end.y + 0.5, (free * scale - 1.0).max(0.0), BAR - 1.0);
        let label = format!("free {}", self.shown(free));
        canvas.rect(rest).unfilled().stroke(Ink::Edge, 1.0).titled(&label);
        if Face::BODY.width(&label) + 14.0 <= rest.width {
            canvas.text((end.x + 7.0, end.y + 17.0), &label, Face::BODY, Ink::Muted, Anchor::Start);
            return None;
        }
        Some((Key::Outline(Ink::Edge, Stroke::Solid), label))
    }

    fn shown(&self, value: f64) -> String {
        self.format.value(value, &self.unit)
    }

    fn total(&self, row: &BarRow) -> String {
        let total = self.shown(row.total());
        row.room().map_or(total.clone(), |room| format!("{total} of {}", self.shown(room)))
    }

    /// The place of a part's name among all names.
    fn colour(&self, name: &str) -> usize {
        let mut names: Vec<&str> = Vec::new();
        for part in self.rows.iter().flat_map(|row| &row.parts) {
            if !names.contains(&part.name.as_str()) {
                names.push(&part.name);
            }
        }
        names.iter().position(|other| *other == name).unwrap_or(0) % SERIES
    }

    fn describe(&self, row: &BarRow) -> String {
        let parts: Vec<_> =
            row.drawn().map(|part| format!("{} {}", part.name, self.shown(part.value))).collect();
        format!("{}: {}; {}.", row.name, self.total(row), parts.join(", "))
    }
}

impl BarRow {
    /// The parts that can be drawn. The limit keeps sums finite.
    fn drawn(&self) -> impl Iterator<Item = &BarPart> {
        self.parts.iter().filter(|part| part.value >= 0.0 && part.value < 1e100)
    }

    fn total(&self) -> f64 {
        self.drawn().map(|part| part.value).sum()
    }

    fn room(&self) -> Option<f64> {
        self.capacity.filter(|capacity| *capacity >= 0.0 && *capacity < 1e100)
    }

    fn extent(&self) -> f64 {
        self.total().max(self.room().unwrap_or(0.0))
    }
}
