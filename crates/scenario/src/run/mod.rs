//! Each verb: from a request to its answer.

mod alternatives;
mod bill;
pub mod catalog;
mod compare;
mod curves;
mod decision;
mod deployment;
mod difficulty;
mod elasticities;
mod envelope;
mod explain;
mod flips;
mod founding;
mod offload;
mod operators;
mod reasons;
mod resources;
mod sensitivity;
mod simulate;
mod size;
mod sweep;
mod trial;
mod what_if;

pub use compare::compare;
pub use explain::explain;
pub use offload::offload;
pub use operators::{SweptSetup, mix, sweep_plans};
pub use reasons::{reasons_of_file, with_reasons};
pub use simulate::simulate;
pub use size::{founding_summary, size};
pub use sweep::{sweep, sweeps_plans};
