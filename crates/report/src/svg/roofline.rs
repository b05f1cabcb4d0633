//! The roofline: what operators compute for a byte against how fast they do, under what memory and arithmetic allow.
//!
//! Source: Williams, Waterman, Patterson, Roofline (2009).

use super::axes::{Axes, Axis, Domain};
use super::canvas::{Canvas, Described};
use super::drawable_width;
use super::frame::{Key, MARGIN, heading, legend};
use super::geometry::{Rect, Segment};
use super::labels::{Placer, Spot, around_ring};
use super::number::Format;
use super::text::{Anchor, Face};
use super::theme::{Ink, SERIES, Theme};
use super::ticks::ScaleKind;

/// Operators under the roofs of an accelerator.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Roofline {
    /// Says what is seen; may be empty.
    pub title: String,
    /// A second, quieter line; may be empty.
    pub subtitle: String,
    /// Memory bandwidth, in bytes per second.
    pub bandwidth: f64,
    /// What stands at its line.
    pub bandwidth_name: String,
    /// Peaks of the formats.
    pub roofs: Vec<Roof>,
    /// The operators.
    pub points: Vec<RooflinePoint>,
}

/// The peak of a format.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Roof {
    /// The format; points of this group have its colour.
    pub name: String,
    /// FLOP/s.
    pub rate: f64,
}

/// An operator.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RooflinePoint {
    /// Stands beside it, where there is room.
    pub name: String,
    /// FLOPs for a byte of memory traffic.
    pub intensity: f64,
    /// FLOP/s that are reached.
    pub rate: f64,
    /// Share of the whole; its circle's area.
    pub weight: f64,
    /// The format that it runs in.
    pub group: String,
}

impl Roofline {
    /// The plot as a self-contained SVG of about this width in pixels.
    pub fn to_svg(&self, theme: Theme, width: f64) -> String {
        let width = drawable_width(width);
        let inner = width - 2.0 * MARGIN;
        let mut canvas = Canvas::new(theme);
        let top = heading(&mut canvas, &self.title, &self.subtitle, MARGIN, inner, MARGIN - 4.0);
        let top = legend(&mut canvas, &self.keys(), MARGIN, inner, top);
        let outer = Rect::new(MARGIN, top, inner, (inner * 0.55).clamp(260.0, 460.0));
        let (x, y) = axes();
        let xs = self.shown().map(|point| point.intensity).chain(self.ridges());
        let ys = self.shown().map(|point| point.rate).chain(self.peaks().map(|roof| roof.rate));
        if let (Some(xs), Some(ys)) = (x.range(xs), y.range(ys)) {
            let ranges = [around(xs), around(ys)];
            let laid = Axes::new(&x, &y, ranges, outer, 10.0);
            laid.draw(&mut canvas, &x, &y, outer);
            let mut placer = Placer { bounds: laid.plot, taken: Vec::new(), lines: Vec::new() };
            self.draw_roofs(&mut canvas, &laid, ranges, &mut placer);
            self.draw_points(&mut canvas, &laid, &mut placer);
        }
        let description = self.describe();
        let told = Described { title: &self.title, description: &description };
        canvas.finish(width, outer.bottom() + MARGIN - 8.0, &told)
    }

    /// The slope of memory up to the highest roof, and each roof from where it meets the slope.
    fn draw_roofs(&self, canvas: &mut Canvas, laid: &Axes, ranges: [(f64, f64); 2], placer: &mut Placer) {
        let [(left, right), (low, _)] = ranges;
        let at = |x: f64, y: f64| (laid.x.scale.at(x), laid.y.scale.at(y));
        let highest = self.peaks().map(|roof| roof.rate).fold(0.0, f64::max);
        if !self.has_slope() || highest <= 0.0 {
            return;
        }
        let start = left.max(low / self.bandwidth);
        let end = highest / self.bandwidth;
        if start < end {
            let slope = Segment { from: at(start, start * self.bandwidth), to: at(end, highest) };
            line(canvas, placer, slope, Ink::Axis, &self.bandwidth_name);
        }
        for roof in self.peaks() {
            let ridge = (roof.rate / self.bandwidth).clamp(left, right);
            let flat = Segment { from: at(ridge, roof.rate), to: at(right, roof.rate) };
            line(canvas, placer, flat, Ink::Series(self.colour(&roof.name)), &roof.name);
        }
        self.name_roofs(canvas, laid, ranges, placer);
    }

    /// Names above the right ends of roofs, and along the slope.
    fn name_roofs(&self, canvas: &mut Canvas, laid: &Axes, ranges: [(f64, f64); 2], placer: &mut Placer) {
        for roof in self.peaks() {
            let text = format!("{} {}", roof.name, Format::Si.value(roof.rate, "FLOP/s"));
            let text = Face::SMALL.fit(&text, laid.plot.width * 0.5);
            let y = laid.y.scale.at(roof.rate);
            let spots =
                [-5.0, 13.0].map(|dy| Spot { at: (laid.plot.right() - 4.0, y + dy), anchor: Anchor::End });
            let ink = Ink::Label(self.colour(&roof.name));
            if let Some(spot) = placer.place_over_lines(&text, Face::SMALL, &spots) {
                canvas.text_with_rim(spot.at, &text, Face::SMALL, ink, spot.anchor);
            }
        }
        let [(left, _), (low, high)] = ranges;
        // Left of the slope, above which nothing lies.
        let along = [0.75, 0.6, 0.45, 0.3].map(|share: f64| {
            let rate = low * (high / low).powf(share);
            let x = laid.x.scale.at((rate / self.bandwidth).max(left));
            Spot { at: (x - 8.0, laid.y.scale.at(rate)), anchor: Anchor::End }
        });
        let text = Face::SMALL.fit(&self.bandwidth_name, laid.plot.width * 0.4);
        if let Some(spot) = placer.place_over_lines(&text, Face::SMALL, &along) {
            canvas.text_with_rim(spot.at, &text, Face::SMALL, Ink::Muted, spot.anchor);
        }
    }

    /// Circles, the largest first so that none is covered; names where they find room.
    fn draw_points(&self, canvas: &mut Canvas, laid: &Axes, placer: &mut Placer) {
        let mut points: Vec<&RooflinePoint> = self.shown().collect();
        points.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        let at = |point: &RooflinePoint| (laid.x.scale.at(point.intensity), laid.y.scale.at(point.rate));
        for point in &points {
            let (centre, size) = (at(point), radius(point.weight));
            let square = Rect::new(centre.0 - 0.85 * size, centre.1 - 0.85 * size, 1.7 * size, 1.7 * size);
            placer.taken.push(square);
            let rate = Format::Si.value(point.rate, "FLOP/s");
            let tip = format!("{}: {} FLOP/B, {rate}", point.name, Format::Si.value(point.intensity, ""));
            let circle = canvas.circle(centre, size).fill(Ink::Series(self.colour(&point.group)));
            circle.raw("fill-opacity", "0.8").stroke(Ink::Ground, 1.0).titled(&tip);
        }
        for point in &points {
            let spots = around_circle(at(point), radius(point.weight));
            let name = Face::SMALL.fit(&point.name, laid.plot.width * 0.3);
            if let Some(spot) = placer.place_over_lines(&name, Face::SMALL, &spots) {
                canvas.text_with_rim(spot.at, &name, Face::SMALL, Ink::Text, spot.anchor);
            }
        }
    }

    /// Formats that points have, in the order of the roofs.
    fn keys(&self) -> Vec<(Key, String)> {
        let used = |roof: &&Roof| self.shown().any(|point| point.group == roof.name);
        let key = |roof: &Roof| (Key::Area(Ink::Series(self.colour(&roof.name))), roof.name.clone());
        self.roofs.iter().filter(used).map(key).collect()
    }

    fn colour(&self, group: &str) -> usize {
        self.roofs.iter().position(|roof| roof.name == group).unwrap_or(self.roofs.len()) % SERIES
    }

    /// Points that both axes have a place for.
    fn shown(&self) -> impl Iterator<Item = &RooflinePoint> {
        self.points.iter().filter(|point| drawable(point.intensity) && drawable(point.rate))
    }

    fn peaks(&self) -> impl Iterator<Item = &Roof> {
        self.roofs.iter().filter(|roof| drawable(roof.rate))
    }

    fn has_slope(&self) -> bool {
        drawable(self.bandwidth)
    }

    /// Where roofs meet the slope of memory.
    fn ridges(&self) -> impl Iterator<Item = f64> {
        let slope = self.has_slope();
        self.peaks().map(|roof| roof.rate / self.bandwidth).filter(move |ridge| slope && drawable(*ridge))
    }

    fn describe(&self) -> String {
        let roofs =
            self.peaks().map(|roof| format!("{} {}", roof.name, Format::Si.value(roof.rate, "FLOP/s")));
        let roofs = roofs.collect::<Vec<_>>().join(", ");
        let points: Vec<String> = self
            .shown()
            .map(|point| format!("{} {}", point.name, Format::Si.value(point.rate, "FLOP/s")))
            .collect();
        format!("Roofline: {}; roofs {roofs}; {}.", self.bandwidth_name, points.join(", "))
    }
}

fn axes() -> (Axis, Axis) {
    let axis = |label: &str, unit: &str| Axis {
        scale: ScaleKind::Log10,
        domain: Domain::Data,
        ..Axis::linear(label, unit)
    };
    (axis("arithmetic intensity", "FLOP/B"), axis("reached", "FLOP/s"))
}

/// Values that a logarithmic axis can show beside others.
fn drawable(value: f64) -> bool {
    (1e-30..1e30).contains(&value)
}

/// A range with air around it.
fn around((low, high): (f64, f64)) -> (f64, f64) {
    (low / 1.6, high * 1.6)
}

/// Radius of a circle whose area is a share of the whole.
fn radius(weight: f64) -> f64 {
    let share = if weight.is_finite() { weight.clamp(0.0, 1.0) } else { 0.0 };
    3.0 + 21.0 * share.sqrt()
}

/// Draws a line that labels keep clear of where they can.
fn line(canvas: &mut Canvas, placer: &mut Placer, segment: Segment, ink: Ink, tip: &str) {
    canvas.line(segment.from, segment.to).stroke(ink, 1.75).titled(tip);
    placer.lines.push(segment);
}

/// Spots around a circle: beside it, above and below, at its corners.
fn around_circle((x, y): (f64, f64), radius: f64) -> Vec<Spot> {
    let gap = radius + 4.0;
    let sides = [
        ((x + gap, y + 4.0), Anchor::Start),
        ((x - gap, y + 4.0), Anchor::End),
        ((x, y - gap - 1.0), Anchor::Middle),
        ((x, y + gap + 9.0), Anchor::Middle),
    ];
    let near = sides.map(|(at, anchor)| Spot { at, anchor }).to_vec();
    let corners = [1.0, -1.0].into_iter().flat_map(|right| {
        [-1.0, 1.0, -2.0, 2.0].map(|down| Spot {
            at: (x + right * gap * 0.8, y + down * (gap * 0.8 + 6.0) + 4.0),
            anchor: if right > 0.0 { Anchor::Start } else { Anchor::End },
        })
    });
    near.into_iter().chain(corners).chain(around_ring((x, y))).collect()
}
