//! The waterfall: horizontal bars that follow each other, each beginning where the one before it ended.

use super::axes::Axis;
use super::canvas::{Canvas, Described};
use super::drawable_width;
use super::frame::{Key, MARGIN, heading, legend};
use super::geometry::Rect;
use super::number::Format;
use super::text::{Anchor, Face};
use super::theme::{Ink, SERIES, Theme};
use super::ticks::{Scale, ScaleKind, ticks};

/// Parts of a whole, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waterfall {
    /// Says what is seen; may be empty.
    pub title: String,
    /// A second, quieter line; may be empty.
    pub subtitle: String,
    /// Unit of the values, for instance `s`.
    pub unit: String,
    /// Name of the whole.
    pub total: String,
    /// What the colours mean, in their order; those that no row has are left out of the legend.
    pub groups: Vec<String>,
    /// The parts, from the top down. Values that are negative or not finite are left out.
    pub rows: Vec<WaterfallRow>,
}

/// One part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WaterfallRow {
    /// Stands left of its bar.
    pub name: String,
    /// How much.
    pub value: f64,
    /// What gives its colour.
    pub group: String,
}

const ROW: f64 = 20.0;
const BAR: f64 = 13.0;
/// Between names and bars, and between a bar and its value.
const GAP: f64 = 7.0;

/// Where bars lie.
struct Layout {
    scale: Scale,
    plot: Rect,
    sum: f64,
    /// What values may take, right of their bars.
    room: f64,
}

impl Waterfall {
    /// The bars as a self-contained SVG of about this width in pixels.
    pub fn to_svg(&self, theme: Theme, width: f64) -> String {
        let width = drawable_width(width);
        let inner = width - 2.0 * MARGIN;
        let mut canvas = Canvas::new(theme);
        let top = heading(&mut canvas, &self.title, &self.subtitle, MARGIN, inner, MARGIN - 4.0);
        let top = legend(&mut canvas, &self.keys(), MARGIN, inner, top);
        let layout = self.layout(inner, top);
        self.draw_grid(&mut canvas, &layout);
        let mut done = 0.0;
        for (place, row) in self.drawn().enumerate() {
            self.draw_row(&mut canvas, &layout, place, row, done);
            done += row.value;
        }
        self.draw_total(&mut canvas, &layout);
        let description = self.describe();
        let told = Described { title: &self.title, description: &description };
        canvas.finish(width, layout.plot.bottom() + 10.0 + MARGIN, &told)
    }

    /// Bars get what the longest name leaves, and the scale what the widest value leaves.
    fn layout(&self, inner: f64, top: f64) -> Layout {
        let names = self.drawn().map(|row| row.name.as_str()).chain([self.total.as_str()]);
        let widest = names.map(|name| Face::BODY.width(name)).fold(0.0, f64::max).min(inner * 0.35);
        let sum: f64 = self.drawn().map(|row| row.value).sum();
        let values = self.drawn().map(|row| self.shown(row.value)).chain([self.shown(sum)]);
        let room = values.map(|text| Face::SMALL.width(&text)).fold(0.0, f64::max).min(inner * 0.25);
        let x = MARGIN + widest + GAP;
        let height = ROW * (self.drawn().count() + 1) as f64;
        let plot = Rect::new(x, top, (inner - widest - 2.0 * GAP - room).max(20.0), height);
        let range = if sum > 1e-90 { (0.0, sum) } else { (0.0, 1.0) };
        Layout { scale: Scale::new(ScaleKind::Linear, range, plot.x, plot.right()), plot, sum, room }
    }

    fn draw_grid(&self, canvas: &mut Canvas, layout: &Layout) {
        let plot = layout.plot;
        let axis = Axis::from_zero("", &self.unit);
        let high = if layout.sum > 1e-90 { layout.sum } else { 1.0 };
        let found = ticks(ScaleKind::Linear, 0.0, high, (plot.width / 110.0).clamp(1.0, 8.0) as usize);
        let mut free = 0.0;
        for value in &found.values {
            let at = layout.scale.at(*value);
            canvas.line((at, plot.y), (at, plot.bottom())).stroke(Ink::Grid, 1.0).done();
            let name = axis.format.value(*value, &self.unit);
            let half = Face::SMALL.width(&name) / 2.0;
            if at - half > free && at + half < plot.right() + layout.room + MARGIN {
                canvas.text((at, plot.bottom() + 16.0), &name, Face::SMALL, Ink::Muted, Anchor::Middle);
                free = at + half + 8.0;
            }
        }
        canvas.line((plot.x, plot.bottom()), (plot.right(), plot.bottom())).stroke(Ink::Axis, 1.0).done();
    }

    fn draw_row(&self, canvas: &mut Canvas, layout: &Layout, place: usize, row: &WaterfallRow, done: f64) {
        let colour = Ink::Series(self.colour(&row.group));
        let (from, to) = (layout.scale.at(done), layout.scale.at(done + row.value));
        let value = self.shown(row.value);
        let tip = format!("{}: {value} ({})", row.name, row.group);
        let bar = draw_bar(canvas, layout, place, &row.name, (from, to), colour, &tip);
        // The next bar hangs on the end of this one.
        let end = bar.right();
        canvas.line((end, bar.bottom()), (end, bar.bottom() + ROW - BAR)).stroke(Ink::Edge, 1.0).done();
        let value = Face::SMALL.fit(&value, layout.room);
        canvas.text((end + GAP, bar.y + 10.5), &value, Face::SMALL, Ink::Muted, Anchor::Start);
    }

    fn draw_total(&self, canvas: &mut Canvas, layout: &Layout) {
        let value = self.shown(layout.sum);
        let ends = (layout.plot.x, layout.scale.at(layout.sum));
        let tip = format!("{}: {value}", self.total);
        let bar = draw_bar(canvas, layout, self.drawn().count(), &self.total, ends, Ink::Calm, &tip);
        let value = Face::SMALL.fit(&value, layout.room);
        canvas.text((bar.right() + GAP, bar.y + 10.5), &value, Face::SMALL, Ink::Text, Anchor::Start);
    }

    /// `12.1 ms`.
    fn shown(&self, value: f64) -> String {
        Format::Si.value(value, &self.unit)
    }

    fn keys(&self) -> Vec<(Key, String)> {
        let used = |group: &&String| self.drawn().any(|row| row.group == **group);
        let key = |group: &String| (Key::Area(Ink::Series(self.colour(group))), group.clone());
        self.groups.iter().filter(used).map(key).collect()
    }

    fn colour(&self, group: &str) -> usize {
        self.groups.iter().position(|other| other == group).unwrap_or(self.groups.len()) % SERIES
    }

    /// The rows that can be drawn. The limit keeps sums finite.
    fn drawn(&self) -> impl Iterator<Item = &WaterfallRow> {
        self.rows.iter().filter(|row| row.value >= 0.0 && row.value < 1e90)
    }

    fn describe(&self) -> String {
        let sum: f64 = self.drawn().map(|row| row.value).sum();
        let parts: Vec<String> =
            self.drawn().map(|row| format!("{} {}", row.name, self.shown(row.value))).collect();
        format!("Waterfall: {} {} is {}.", self.total, self.shown(sum), parts.join(", "))
    }
}

/// Draws a bar with its name, and returns it.
fn draw_bar(
    canvas: &mut Canvas,
    layout: &Layout,
    place: usize,
    name: &str,
    (from, to): (f64, f64),
    ink: Ink,
    tip: &str,
) -> Rect {
    let top = layout.plot.y + ROW * place as f64;
    let bar = Rect::new(from, top + (ROW - BAR) / 2.0, (to - from).max(1.0), BAR);
    let name = Face::BODY.fit(name, layout.plot.x - GAP - MARGIN);
    canvas.text((layout.plot.x - GAP, top + 14.0), &name, Face::BODY, Ink::Text, Anchor::End);
    canvas.rect(bar).fill(ink).titled(tip);
    bar
}
