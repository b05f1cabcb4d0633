//! Pictures: charts and the cluster diagram, written by our own small SVG writer.
//!
//! Everything here takes plain data and returns the text of one self-contained SVG; the same input gives the same
//! bytes. Nothing here knows where the numbers come from. A value that is not finite is a gap in the picture.
//!
//! ```
//! use rackplan_report::svg::{Axis, LineChart, Series, Theme};
//!
//! let chart = LineChart {
//!     title: "Throughput against batch".into(),
//!     x: Axis::binary("batch per instance"),
//!     y: Axis::from_zero("throughput", "tokens/s"),
//!     series: vec![
//!         Series::new("fp8", [(1.0, 90.0), (8.0, 700.0), (64.0, 4100.0)]),
//!         Series::new("bf16", [(1.0, 50.0), (8.0, 390.0)]),
//!     ],
//!     ..LineChart::default()
//! };
//! let svg = chart.to_svg(Theme::Auto, 720.0);
//! assert!(svg.starts_with("<svg"));
//! ```

mod axes;
mod bars;
mod canvas;
mod frame;
mod frontier;
mod geometry;
mod labels;
mod line;
mod marks;
mod number;
mod panels;
mod plot;
mod racks;
mod roofline;
mod series;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod ticks;
mod waterfall;
mod xml;

pub use axes::{Axis, Domain};
pub use bars::{BarPart, BarRow, StackedBars};
pub(crate) use frontier::logarithmic;
pub use frontier::{Frontier, FrontierMark};
pub use line::LineChart;
pub use number::Format;
pub use panels::Panels;
pub use racks::{ClusterDiagram, LinkLevel, LinkLoad};
pub use roofline::{Roof, Roofline, RooflinePoint};
pub use series::{Point, Reference, Series, Span};
pub use theme::Theme;
pub use ticks::ScaleKind;
pub use waterfall::{Waterfall, WaterfallRow};

/// The width a picture is drawn for: what was asked, within what the layout can honour.
fn drawable_width(asked: f64) -> f64 {
    if asked.is_finite() { asked.clamp(280.0, 4000.0) } else { 720.0 }
}
