//! Which layout of a model serves a load within its targets on the fewest accelerators, and how many racks that takes.
//!
//! [`Space`] lays plans out, [`rules`] drop the impossible ones by name, [`Replica`] says what users of one replica see
//! under a load, [`search`] finds the most that each plan takes, [`Site`] turns replicas into racks. How long a step
//! takes is asked of `perf`.

mod best;
mod demand;
mod evaluate;
mod kv_policy;
mod pareto;
mod pools;
mod queueing;
mod room;
mod root;
pub mod rules;
mod scheduler;
mod search;
mod shapes;
mod sizing;
mod space;
mod spares;

pub use best::{Promise, Rank, RankOf, search_best};
pub use demand::{CUT, Class, Population, Request, Targets, Urgency};
pub use evaluate::{Binds, ClassSeen, Served, highest, operating, seen_by};
pub use kv_policy::{KvPolicy, Reload, Tier, TierKind};
pub use pareto::{pareto, unbeaten};
pub use pools::{Handover, Pools, Station, Workers};
pub use queueing::{Pace, Point, Replica, normal_quantile};
pub use room::Room;
pub use rules::Rejection;
pub use scheduler::Scheduler;
pub use search::{Dropped, Found, Modes, Question, Searched, search};
pub use sizing::{Site, Sizing};
pub use space::{Sizes, Space};
pub use spares::{Availability, spares_for};
