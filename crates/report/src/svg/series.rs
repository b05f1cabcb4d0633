//! What a line chart shows: points, bands around them, and reference lines.

/// One point of a series. A coordinate that is not finite makes a gap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Position along the horizontal axis.
    pub x: f64,
    /// Value on the vertical axis.
    pub y: f64,
}

/// The band of a series at one x, for instance from p10 to p90.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Position along the horizontal axis.
    pub x: f64,
    /// Lower edge.
    pub low: f64,
    /// Upper edge.
    pub high: f64,
}

/// A named line through points in the order given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Stands at the line's end or in the legend; the same name has the same colour in all panels.
    pub name: String,
    /// The points, usually by rising x.
    pub points: Vec<Point>,
    /// A shaded band, empty for none.
    pub band: Vec<Span>,
}

impl Series {
    /// A series without a band from pairs of x and y.
    pub fn new(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Series {
        let points = points.into_iter().map(|(x, y)| Point { x, y }).collect();
        Series { name: name.into(), points, band: Vec::new() }
    }
}

/// Something to compare the series with.
#[derive(Clone, Debug, PartialEq)]
pub enum Reference {
    /// A vertical line, for instance the batch that was chosen.
    Vertical {
        /// Where it stands.
        x: f64,
        /// What it means; may be empty.
        label: String,
    },
    /// A horizontal line, for instance the demand.
    Horizontal {
        /// Where it stands.
        y: f64,
        /// What it means; may be empty.
        label: String,
    },
    /// A ring around one point, for instance the chosen plan.
    Mark {
        /// Where it stands.
        x: f64,
        /// Where it stands.
        y: f64,
        /// What it means; may be empty.
        label: String,
    },
}

impl Reference {
    /// The coordinates it needs a place for.
    pub(super) fn coordinates(&self) -> (Option<f64>, Option<f64>) {
        match self {
            Reference::Vertical { x, .. } => (Some(*x), None),
            Reference::Horizontal { y, .. } => (None, Some(*y)),
            Reference::Mark { x, y, .. } => (Some(*x), Some(*y)),
        }
    }

    pub(super) fn label(&self) -> &str {
        match self {
            Reference::Vertical { label, .. }
            | Reference::Horizontal { label, .. }
            | Reference::Mark { label, .. } => label,
        }
    }
}
