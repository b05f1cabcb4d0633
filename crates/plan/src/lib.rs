//! Which layout of a model serves a load within its targets on the fewest accelerators, and how many racks that takes.
//!
//! [`Space`] lays plans out, [`rules`] drop the impossible ones by name, [`Replica`] says what users of one replica see
//! under a load, [`search`] finds the most that each plan takes, [`Site`] turns replicas into racks. How long a step
//! takes is asked of `perf`.

mod demand;
mod evaluate;
mod pareto;
mod queueing;
pub mod rules;
mod scheduler;
mod search;
mod sizing;
mod space;

pub use demand::{Population, Request, Targets};
pub use evaluate::{Binds, Served, highest, operating};
pub use pareto::pareto;
pub use queueing::{Point, Replica};
pub use rules::Rejection;
pub use scheduler::Scheduler;
pub use search::{Dropped, Found, Question, counts, search};
pub use sizing::{Site, Sizing};
pub use space::{Sizes, Space};
