//! The line chart: several series with direct labels where they fit and a legend where they would collide.

use super::axes::Axis;
use super::canvas::{Canvas, Described};
use super::drawable_width;
use super::frame::{MARGIN, heading};
use super::geometry::Rect;
use super::plot::{Labelling, draw_chart};
use super::series::{Point, Reference, Series};
use super::theme::Theme;

/// Lines over a common horizontal axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineChart {
    /// Says what is seen; may be empty.
    pub title: String,
    /// A second, quieter line; may be empty.
    pub subtitle: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// The lines, in the order of their colours.
    pub series: Vec<Series>,
    /// What they are compared with.
    pub references: Vec<Reference>,
}

impl LineChart {
    /// The chart as a self-contained SVG of about this width in pixels.
    pub fn to_svg(&self, theme: Theme, width: f64) -> String {
        let width = drawable_width(width);
        let mut canvas = Canvas::new(theme);
        let inner = width - 2.0 * MARGIN;
        let top = heading(&mut canvas, &self.title, &self.subtitle, MARGIN, inner, MARGIN - 4.0);
        let outer = Rect::new(MARGIN, top, inner, (inner * 0.5).clamp(250.0, 380.0));
        let bottom = draw_chart(&mut canvas, self, outer, &self.names(), &Labelling::Auto);
        let description = self.description();
        let told = Described { title: self.told_title(), description: &description };
        canvas.finish(width, bottom + MARGIN - 8.0, &told)
    }

    /// Names of its series in order, each once.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for series in &self.series {
            if !names.contains(&series.name) {
                names.push(series.name.clone());
            }
        }
        names
    }

    fn told_title(&self) -> &str {
        if self.title.is_empty() { &self.y.label } else { &self.title }
    }

    /// What the chart shows, in words.
    pub(super) fn description(&self) -> String {
        let axes = format!("Line chart of {} against {}.", self.y.caption(), self.x.caption());
        let ends = self.series.iter().filter_map(|series| {
            let last = series.points.iter().rev().find(|point| self.shows(point))?;
            let x = self.x.format.value(last.x, &self.x.unit);
            Some(format!(" {} ends at {} at {x}.", series.name, self.y.format.value(last.y, &self.y.unit)))
        });
        axes + &ends.collect::<String>()
    }

    /// Whether both axes have a place for a point.
    fn shows(&self, point: &Point) -> bool {
        self.x.scale.holds(point.x) && self.y.scale.holds(point.y)
    }

    /// The ranges of both axes; `None` where there is nothing to show.
    pub(super) fn ranges(&self) -> Option<[(f64, f64); 2]> {
        let shown = || self.series.iter().flat_map(|s| &s.points).filter(|point| self.shows(point));
        let spans = || self.series.iter().flat_map(|s| &s.band).filter(|span| self.x.scale.holds(span.x));
        let referred = || self.references.iter().map(Reference::coordinates);
        let x = shown().map(|p| p.x).chain(spans().map(|s| s.x)).chain(referred().filter_map(|r| r.0));
        let y = shown().map(|p| p.y).chain(spans().flat_map(|s| [s.low, s.high]));
        // A chart of references alone has nothing to refer to.
        shown().next()?;
        Some([self.x.range(x)?, self.y.range(y.chain(referred().filter_map(|r| r.1)))?])
    }
}
