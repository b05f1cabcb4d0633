//! Each verb: from a request to its answer.

mod alternatives;
mod bill;
pub mod catalog;
mod curves;
mod deployment;
mod difficulty;
mod envelope;
mod explain;
mod founding;
mod offload;
mod operators;
mod size;
mod sweep;

pub use explain::explain;
pub use offload::offload;
pub use operators::{SweptSetup, sweep_plans};
pub use size::{founding_summary, size};
pub use sweep::sweep;
