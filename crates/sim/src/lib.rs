//! Plays clients against one serving engine: time to first token and its like are properties of that process.
//!
//! [`play`] plays a [`Workload`] against an [`Engine`], one replica, and returns what the client saw. It knows no
//! model and no accelerator: a [`StepTimes`] tells what each step takes. Same settings, times and seed give the same
//! answer.

mod capacity;
mod client;
mod closed_form;
mod engine;
mod metrics;
mod player;
mod rank;
mod request;
mod step;
mod stretch;

pub use capacity::{Highest, Limits, OpenLoop, Requests, highest_rate, open_loop, saturated_rate};
pub use client::{Load, Workload};
pub use closed_form::{Estimate, Simulate, closed_form};
pub use engine::{BatchWait, Engine, Policy, Refusal};
pub use metrics::{Played, Row, Summary};
pub use player::{Options, play, play_with};
pub use rackplan_perf::{Average, Chunk};
pub use step::StepTimes;
