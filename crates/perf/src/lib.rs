//! What a step takes: operators with local shapes, and the constants that measurements give them.
//!
//! An operator is a function of its shape, the device and fitted constants. It knows no plan, no user and no money, and
//! it cannot fail: its inputs were checked. Formulas, symbols and units stand at the functions.

pub mod collectives;
mod constants;
mod cost;
mod deployment;
mod device;
pub mod operators;

pub use constants::{Constants, Parameter};
pub use cost::{Bound, Cost};
pub use deployment::ParallelPlan;
pub use device::{Device, Incomplete};
