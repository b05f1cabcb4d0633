//! The founding documents' three-ceiling method, whole and by itself: a reference that shares no formula with the
//! operator-level model.
//!
//! `inputs` -> `plan` (memory, ceilings, communication) -> `search` -> `sizing` -> `summary`; `offload` and `swaps`
//! stand beside. Everything is pure; evaluating a plan allocates nothing.

pub mod ceilings;
pub mod communication;
mod inputs;
mod kv_profile;
pub mod memory;
mod offload;
mod plan;
mod presets;
mod search;
mod sizing;
mod summary;
mod swaps;
pub mod training;
mod utilization;

#[cfg(test)]
mod fixtures;

pub use inputs::{Gpu, KvPath, KvSystem, Link, Mode, Model, Moe, Quantisation, Rack, Setting};
pub use kv_profile::{KvDemand, KvProfile, NVME_BANDWIDTH, kv_profile};
pub use memory::Memory;
pub use offload::{Delay, Offload, OffloadPoint, compare, offload};
pub use plan::{Inadmissible, Layout, Plan, divides, evaluate};
pub use search::{Candidates, Grid};
pub use sizing::{MAX_RACKS, MAX_USERS, RackCount, Sizing, SizingInput, size};
pub use summary::{ArrivalInputs, NOT_SERVED, Names, Summary, networking, summary};
pub use swaps::{SwapDelay, simulate_swaps, swap_delay};
pub use utilization::{Utilization, Utilizations, percentile, utilizations};
