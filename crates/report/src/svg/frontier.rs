//! The frontier of speed against throughput: points that nothing beats in both, with what each is under the pointer.

use super::axes::{Axes, Axis, Domain};
use super::canvas::{Canvas, Described};
use super::drawable_width;
use super::frame::{Key, MARGIN, heading, legend};
use super::geometry::{Rect, Segment};
use super::labels::{Placer, Spot, around_ring};
use super::text::{Anchor, Face};
use super::theme::{Ink, SERIES, Theme};
use super::ticks::ScaleKind;

/// Plans at loads, on axes of which more is better on both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frontier {
    /// Says what is seen; may be empty.
    pub title: String,
    /// A second, quieter line; may be empty.
    pub subtitle: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Names of the groups, in the order of their colours.
    pub groups: Vec<String>,
    /// The frontier, by falling x.
    pub points: Vec<FrontierMark>,
    /// Whether a line joins the points: where they are best in what the axes show, and not in more.
    pub joined: bool,
    /// What was chosen, and what stands at its ring.
    pub chosen: Option<(f64, f64, String)>,
}

/// A plan at a load.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrontierMark {
    /// Stands beside it, where there is room and it is the first of its name.
    pub name: String,
    /// What the pointer shows.
    pub tip: String,
    /// Position along the horizontal axis.
    pub x: f64,
    /// Value on the vertical axis.
    pub y: f64,
    /// One of the groups.
    pub group: String,
}

/// Both axes of a frontier: logarithmic, over the data.
pub(crate) fn logarithmic(label: &str, unit: &str) -> Axis {
    Axis { scale: ScaleKind::Log10, domain: Domain::Data, ..Axis::linear(label, unit) }
}

impl Frontier {
    /// The plot as a self-contained SVG of about this width in pixels.
    pub fn to_svg(&self, theme: Theme, width: f64) -> String {
        let width = drawable_width(width);
        let inner = width - 2.0 * MARGIN;
        let mut canvas = Canvas::new(theme);
        let top = heading(&mut canvas, &self.title, &self.subtitle, MARGIN, inner, MARGIN - 4.0);
        let top = legend(&mut canvas, &self.keys(), MARGIN, inner, top);
        let outer = Rect::new(MARGIN, top, inner, (inner * 0.5).clamp(260.0, 420.0));
        let chosen = self.chosen.iter().map(|(x, y, _)| (*x, *y));
        let all: Vec<(f64, f64)> = self.shown().map(|point| (point.x, point.y)).chain(chosen).collect();
        let xs = self.x.range(all.iter().map(|at| at.0));
        let ys = self.y.range(all.iter().map(|at| at.1));
        if let (Some(xs), Some(ys)) = (xs, ys) {
            let laid = Axes::new(&self.x, &self.y, [around(xs), around(ys)], outer, 10.0);
            laid.draw(&mut canvas, &self.x, &self.y, outer);
            self.draw(&mut canvas, &laid);
        }
        let description = self.describe();
        let told = Described { title: &self.title, description: &description };
        canvas.finish(width, outer.bottom() + MARGIN - 8.0, &told)
    }

    fn draw(&self, canvas: &mut Canvas, laid: &Axes) {
        let at = |x: f64, y: f64| (laid.x.scale.at(x), laid.y.scale.at(y));
        let path: Vec<(f64, f64)> = self.shown().map(|point| at(point.x, point.y)).collect();
        let joined = if self.joined { path.as_slice() } else { &[] };
        if self.joined {
            canvas.path(joined).unfilled().stroke(Ink::Axis, 1.5).done();
        }
        let lines = joined.windows(2).map(|pair| Segment { from: pair[0], to: pair[1] }).collect();
        let mut placer = Placer { bounds: laid.plot, taken: Vec::new(), lines };
        for (point, centre) in self.shown().zip(&path) {
            let circle = canvas.circle(*centre, 4.5).fill(Ink::Series(self.colour(&point.group)));
            circle.stroke(Ink::Ground, 1.0).titled(&point.tip);
            placer.taken.push(Rect::new(centre.0 - 5.0, centre.1 - 5.0, 10.0, 10.0));
        }
        if let Some((x, y, label)) = &self.chosen {
            let centre = at(*x, *y);
            canvas.circle(centre, 8.0).unfilled().stroke(Ink::Text, 1.75).titled(label);
            name(canvas, &mut placer, centre, label, Ink::Text);
        }
        let mut named: Vec<&str> = Vec::new();
        for (point, centre) in self.shown().zip(&path) {
            if !named.contains(&point.name.as_str()) {
                named.push(&point.name);
                name(canvas, &mut placer, *centre, &point.name, Ink::Muted);
            }
        }
    }

    fn shown(&self) -> impl Iterator<Item = &FrontierMark> {
        self.points.iter().filter(|point| self.x.scale.holds(point.x) && self.y.scale.holds(point.y))
    }

    fn keys(&self) -> Vec<(Key, String)> {
        let used = |group: &&String| self.shown().any(|point| point.group == **group);
        let key = |group: &String| (Key::Area(Ink::Series(self.colour(group))), group.clone());
        self.groups.iter().filter(used).map(key).collect()
    }

    fn colour(&self, group: &str) -> usize {
        self.groups.iter().position(|name| name == group).unwrap_or(self.groups.len()) % SERIES
    }

    fn describe(&self) -> String {
        let tips: Vec<&str> = self.shown().map(|point| point.tip.as_str()).collect();
        format!("Frontier of {} against {}: {}.", self.y.caption(), self.x.caption(), tips.join("; "))
    }
}

/// A name near a point, where there is room.
fn name(canvas: &mut Canvas, placer: &mut Placer, (x, y): (f64, f64), text: &str, ink: Ink) {
    let beside = [((x + 9.0, y - 6.0), Anchor::Start), ((x - 9.0, y + 14.0), Anchor::End)];
    let spots: Vec<Spot> =
        beside.map(|(at, anchor)| Spot { at, anchor }).into_iter().chain(around_ring((x, y))).collect();
    if let Some(spot) = placer.place(text, Face::SMALL, &spots) {
        canvas.text_with_rim(spot.at, text, Face::SMALL, ink, spot.anchor);
    }
}

/// A range with air around it.
fn around((low, high): (f64, f64)) -> (f64, f64) {
    (low / 1.15, high * 1.25)
}
