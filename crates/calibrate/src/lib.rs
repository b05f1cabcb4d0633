//! From measurements to constants: read rows, fit an operator's constants on part of them, score on the rest.

mod anchors;
mod borrow;
mod engines;
mod fit;
pub mod least;
mod operator;
pub mod operators;
mod row;
mod score;
mod simplex;
mod table;

pub use anchors::{Correction, Corrections, LARGEST, Spot};
pub use engines::{OperatorModel, Prediction, add_to_engines, architecture_name, to_toml};
pub use fit::{Fit, Sample, fit};
pub use operator::{Group, Operator};
pub use row::{Row, RowError, Rows};
pub use score::{Residuals, Score, kendall};
pub use table::{Devices, FittedGroup, Key, Table, TableError};
