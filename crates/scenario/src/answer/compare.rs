//! Two answers of `size` side by side.

use schemars::JsonSchema;
use serde::Serialize;

/// What differs between two answers.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CompareAnswer {
    /// The files compared.
    pub files: [String; 2],
    /// Whether each serves the demand within its limits.
    pub feasible: [bool; 2],
    /// Values of the question that differ, assumed ones too.
    pub question: Vec<ComparedValue>,
    /// Words of the plan that differ: hardware, number format, layout, what binds.
    pub plan: Vec<ComparedValue>,
    /// Figures, those that are the same too.
    pub figures: Vec<ComparedFigure>,
}

/// A value of both; nothing where one has none.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ComparedValue {
    /// Key of a scenario file, or what it is.
    pub name: String,
    /// In the first.
    pub a: Option<String>,
    /// In the second.
    pub b: Option<String>,
}

/// A figure of both; nothing where one has none.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ComparedFigure {
    /// Key of the answer, with its unit: `ttft_s`, `usd_per_hour`.
    pub name: String,
    /// In the first.
    pub a: Option<f64>,
    /// In the second.
    pub b: Option<f64>,
    /// `b / a - 1`, where both are there and the first is not nothing.
    pub change: Option<f64>,
}
