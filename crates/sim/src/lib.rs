//! Plays clients against serving engines: time to first token and its like are properties of that process.
//!
//! [`play`] plays a [`Workload`] against an [`Engine`], one replica, and returns what the client saw, [`play_fleet`] does
//! so against a [`Fleet`] of them; [`simulate`] plays any [`Source`](rackplan_traffic::Source) of requests against one.
//! All are one event loop. It knows no model and no accelerator: a [`StepTimes`] tells what each step takes. Same
//! settings, times and seed give the same answer.

mod cache;
mod capacity;
mod client;
mod closed_form;
mod distribution;
mod engine;
mod fleet;
mod gaps;
mod line;
mod metrics;
mod op_tables;
mod pipeline;
mod play;
mod queue;
mod rank;
mod record;
mod replica;
mod request;
mod simulate;
mod step;
mod time;

pub use cache::{Caching, Eviction, KvBlocks, Tier, TierTotals};
pub use capacity::{Highest, Limits, OpenLoop, Requests, highest_rate, open_loop, saturated_rate};
pub use client::{Load, Workload};
pub use closed_form::{Estimate, Simulate, closed_form};
pub use engine::{BatchWait, Engine, Policy, Refusal};
pub use fleet::{Decoders, Fleet, Outage, Router, Scaling, TransferTotals};
pub use metrics::{Played, Row, Summary};
pub use op_tables::{Layout, OperatorTables, TableError};
pub use play::{Options, play, play_fleet, play_with};
pub use rackplan_perf::{Average, Chunk};
pub use record::{Observer, RequestLimits, Sample, StepRecord, Totals};
pub use simulate::{ClassResult, Latency, Simulated, Simulation, simulate};
pub use step::{Step, StepTimes};
pub use time::Time;
