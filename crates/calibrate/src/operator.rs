//! What a fit needs to know of an operator: how a row becomes a shape, and which constants its time has.

use crate::{Row, RowError};
use rackplan_perf::{Constants, Cost, Device};

/// Rows that share constants, besides backend and architecture: `bf16`, `fp8.w4a8`.
pub type Group = String;

/// An operator whose constants are fitted from a table of measurements.
pub trait Operator {
    /// Its shape.
    type Shape: Copy;
    /// Its constants.
    type Constants: Constants;
    /// Its name in commands, files and `catalog/engines`: `gemm`.
    const NAME: &'static str;

    /// Reads a row of `measured/ops`.
    fn read(row: &Row) -> Result<(Group, Self::Shape), RowError>;

    /// Where a fit of a group starts.
    fn prior(_group: &str) -> Self::Constants {
        let priors: Vec<f64> = Self::Constants::PARAMETERS.iter().map(|parameter| parameter.prior).collect();
        Self::Constants::from_values(&priors)
    }

    /// Its time.
    fn cost(shape: &Self::Shape, device: &Device, constants: &Self::Constants) -> Cost;

    /// Whether a row says something about the formula; others are left out of fits but not of scores.
    fn is_representative(_shape: &Self::Shape, _device: &Device) -> bool {
        true
    }
}
