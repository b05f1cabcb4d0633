//! What a step takes: operators with local shapes, and the constants that measurements give them.
//!
//! An operator is a function of its shape, the device and fitted constants. It knows no plan, no user and no money, and
//! it cannot fail: its inputs were checked. Formulas, symbols and units stand at the functions.

pub mod collectives;
mod constants;
mod cost;
mod deployment;
mod device;
mod engine_check;
mod engines;
mod evidence;
mod explain;
mod formats;
mod graphs;
mod inference;
mod kernels;
mod layers;
mod memory;
pub mod operators;
mod step_table;
mod work;

pub use constants::{Constants, Parameter};
pub use cost::{Bound, Cost};
pub use deployment::{Deployment, ParallelPlan, Precision};
pub use device::{Device, Incomplete, Oversubscription};
pub use engine_check::{EngineProblem, check_engines};
pub use engines::{Engines, Fitted, Place};
pub use evidence::{BLIND, Evidence, distance};
pub use explain::{Amounts, ExplainedPart, Family};
pub use formats::NumberFormat;
pub use graphs::Graphs;
pub use inference::{Average, Batch, Chunk, Compiled, PartTime, StepEstimate};
pub use kernels::Kernels;
pub use layers::{Lane, Part};
pub use memory::{Memory, bytes_of_sequence, state_of_sequence};
pub use step_table::StepTable;
