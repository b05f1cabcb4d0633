//! Axes: what they mean, the range they span, and the quiet grid drawn for them.

use super::canvas::Canvas;
use super::geometry::Rect;
use super::number::Format;
use super::text::{Anchor, Face};
use super::theme::Ink;
use super::ticks::{Scale, ScaleKind, Ticks, nice_domain, ticks};

/// What an axis shows and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// What is measured, for instance `throughput`.
    pub label: String,
    /// Its unit, for instance `tokens/s`; empty for counts and fractions.
    pub unit: String,
    /// How values are spread.
    pub scale: ScaleKind,
    /// How values are written.
    pub format: Format,
    /// Which range is shown.
    pub domain: Domain,
}

/// The range of an axis; data outside it widen it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Domain {
    /// Just the data.
    #[default]
    Data,
    /// From zero to a round value above the data (on a logarithmic scale: just the data).
    FromZero,
    /// At least this range.
    AtLeast(f64, f64),
}

impl Axis {
    /// A linear axis over the data.
    pub fn linear(label: &str, unit: &str) -> Axis {
        Axis { label: label.into(), unit: unit.into(), ..Axis::default() }
    }

    /// A linear axis that starts at zero, for amounts.
    pub fn from_zero(label: &str, unit: &str) -> Axis {
        Axis { domain: Domain::FromZero, ..Axis::linear(label, unit) }
    }

    /// A base-2 logarithmic axis, for batches and contexts.
    pub fn binary(label: &str) -> Axis {
        Axis { scale: ScaleKind::Log2, format: Format::Binary, ..Axis::linear(label, "") }
    }

    /// A fraction from 0 to 100 %, more if the data say so.
    pub fn utilization(label: &str) -> Axis {
        Axis { format: Format::Percent, domain: Domain::AtLeast(0.0, 1.0), ..Axis::linear(label, "") }
    }

    /// A change from a base, for instance −20 % to +20 %; at least a hundredth either way, so that what hardly changes
    /// looks flat.
    pub fn change(label: &str) -> Axis {
        Axis {
            format: Format::SignedPercent,
            domain: Domain::AtLeast(-0.01, 0.01),
            ..Axis::linear(label, "")
        }
    }

    /// The label with its unit.
    pub(super) fn caption(&self) -> String {
        if self.unit.is_empty() { self.label.clone() } else { format!("{} ({})", self.label, self.unit) }
    }

    /// The range for these values, which the scale holds; `None` without any value to show.
    pub(super) fn range(&self, values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
        let wider = |range: Option<(f64, f64)>, value: f64| {
            range.map_or(Some((value, value)), |(low, high)| Some((low.min(value), high.max(value))))
        };
        let data = values.filter(|value| self.scale.holds(*value)).fold(None, wider);
        let kept = match self.domain {
            Domain::FromZero if self.scale == ScaleKind::Linear => {
                data.map(|(l, h)| (l.min(0.0), h.max(0.0)))
            }
            Domain::AtLeast(low, high) => {
                [low, high].into_iter().filter(|edge| self.scale.holds(*edge)).fold(data, wider)
            }
            _ => data,
        };
        kept.map(|(low, high)| self.scale.opened(low, high))
    }
}

/// An axis laid out: where values lie and which are named.
pub(super) struct Laid {
    pub(super) scale: Scale,
    ticks: Vec<(f64, String)>,
}

/// Both axes laid out around the area they leave for the data.
pub(super) struct Axes {
    pub(super) plot: Rect,
    pub(super) x: Laid,
    pub(super) y: Laid,
}

/// Room between the plot's edges and the outermost points, so that markers do not sit on the axis.
const INSET: f64 = 7.0;
const ABOVE: f64 = 22.0;
const BELOW: f64 = 38.0;

impl Axes {
    /// Lays both axes out within `outer`, leaving at least `right` pixels on the right for labels.
    pub(super) fn new(x: &Axis, y: &Axis, ranges: [(f64, f64); 2], outer: Rect, right: f64) -> Axes {
        let [x_range, y_range] = ranges;
        let height = (outer.height - ABOVE - BELOW).max(40.0);
        let wanted = (height / 46.0).round().max(2.0) as usize;
        let y_range =
            if y.scale == ScaleKind::Linear { nice_domain(y_range.0, y_range.1, wanted) } else { y_range };
        let y_ticks = named(y, y_range, wanted);
        let left = widest(&y_ticks) + 8.0;
        let x_ticks = spaced(x, x_range, (outer.width - left - right).max(40.0));
        let overhang = (widest(&x_ticks) / 2.0 - INSET).max(0.0);
        let (left, right) = (left.max(overhang), right.max(overhang + 2.0));
        let plot = Rect::new(outer.x + left, outer.y + ABOVE, (outer.width - left - right).max(40.0), height);
        let x_scale = Scale::new(x.scale, x_range, plot.x + INSET, plot.right() - INSET);
        let y_scale = Scale::new(y.scale, y_range, plot.bottom(), plot.y);
        Axes { plot, x: Laid { scale: x_scale, ticks: x_ticks }, y: Laid { scale: y_scale, ticks: y_ticks } }
    }

    /// Grid, ticks and captions.
    pub(super) fn draw(&self, canvas: &mut Canvas, x: &Axis, y: &Axis, outer: Rect) {
        let plot = self.plot;
        for (value, name) in &self.y.ticks {
            let at = self.y.scale.at(*value);
            canvas.line((plot.x, at), (plot.right(), at)).stroke(Ink::Grid, 1.0).done();
            canvas.text((plot.x - 7.0, at + 4.0), name, Face::SMALL, Ink::Muted, Anchor::End);
        }
        canvas.line((plot.x, plot.bottom()), (plot.right(), plot.bottom())).stroke(Ink::Axis, 1.0).done();
        for (value, name) in &self.x.ticks {
            let at = self.x.scale.at(*value);
            canvas.line((at, plot.bottom()), (at, plot.bottom() + 4.0)).stroke(Ink::Axis, 1.0).done();
            canvas.text((at, plot.bottom() + 16.0), name, Face::SMALL, Ink::Muted, Anchor::Middle);
        }
        let caption = Face::SMALL.fit(&y.caption(), outer.width);
        canvas.text((outer.x, outer.y + 11.0), &caption, Face::SMALL, Ink::Muted, Anchor::Start);
        let caption = Face::SMALL.fit(&x.caption(), outer.width);
        let end = plot.right().max(outer.x + Face::SMALL.width(&caption));
        canvas.text((end, plot.bottom() + 33.0), &caption, Face::SMALL, Ink::Muted, Anchor::End);
    }
}

fn named(axis: &Axis, (low, high): (f64, f64), wanted: usize) -> Vec<(f64, String)> {
    let Ticks { values, step } = ticks(axis.scale, low, high, wanted);
    values.into_iter().map(|value| (value, axis.format.tick(value, step))).collect()
}

/// As many ticks as stand beside each other without touching.
fn spaced(axis: &Axis, range: (f64, f64), width: f64) -> Vec<(f64, String)> {
    let mut wanted = (width / 36.0).clamp(2.0, 14.0) as usize;
    loop {
        let ticks = named(axis, range, wanted);
        let scale = Scale::new(axis.scale, range, INSET, width - INSET);
        let apart = ticks.windows(2).map(|pair| scale.at(pair[1].0) - scale.at(pair[0].0));
        if wanted <= 1 || apart.fold(f64::INFINITY, f64::min) >= widest(&ticks) + 12.0 {
            return ticks;
        }
        wanted -= 1;
    }
}

fn widest(ticks: &[(f64, String)]) -> f64 {
    ticks.iter().map(|(_, name)| Face::SMALL.width(name)).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_ranges_widen_for_data_and_skip_what_has_no_place() {
        let values = || [f64::NAN, 0.3, 1.2, f64::INFINITY].into_iter();
        assert_eq!(Axis::utilization("u").range(values()), Some((0.0, 1.2)));
        assert_eq!(Axis::from_zero("t", "s").range(values()), Some((0.0, 1.2)));
        assert_eq!(Axis::binary("b").range([0.0, -1.0, 4.0].into_iter()), Some((2.0, 8.0)));
        assert_eq!(Axis::linear("t", "s").range([f64::NAN].into_iter()), None);
        assert_eq!(Axis::change("c").range([0.0, 1e-6].into_iter()), Some((-0.01, 0.01)));
    }
}
