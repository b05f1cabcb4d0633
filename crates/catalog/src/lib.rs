//! What exists: accelerators, racks, links, models, KV tiers, prices; each figure with a source and a basis.
//!
//! Entries are TOML, one file each under `catalog/<kind>/<id>.toml`, embedded in the binary. User files may add
//! entries or replace fields ([`Catalog::with_overlay`]). Nothing here opens a file: texts are given.

mod backend;
mod band;
mod effective;
mod engine;
mod error;
pub mod first_order;
mod framework;
mod gpu;
mod group;
pub mod hf_config;
mod kind;
mod launch;
mod link;
mod loan;
mod lookup;
mod memo;
pub mod model;
mod overlay;
mod partial;
mod price;
mod provenance;
mod rack;
mod reading;
mod step;
mod storage;
mod store;
mod workload;

pub use backend::Backend;
pub use band::Bands;
pub use effective::{
    BusBandwidth, Collective, CollectiveLatency, Effective, Gemm, GemmKind, SmallMessage, Streaming,
};
pub use engine::{Engine, FittedOperator, HeldOut, Quantiles};
pub use error::CatalogError;
pub use framework::{
    CacheFormat, CacheMemory, CapturedBy, CapturedSizes, Execution, Framework, FrontEnd, HostTime,
    LaunchFlags, Policy, Scheduler,
};
pub use gpu::{
    Architecture, Chip, Compute, Format, Gpu, GpuPower, HostLink, Memory, ScaleOut, ScaleUp, Status,
};
pub use kind::Kind;
pub use launch::{CacheFormatRule, DecodePlaces, Launch, LaunchRule, LessMemory, Situation, When};
pub use link::{Line, LinkRole, LinkType, Reached};
pub use loan::{Loan, LoanFactors};
pub use model::Model;
pub use overlay::{OverlayFile, OverlayUse, toml_problem};
pub use partial::EngineHead;
pub use price::{
    AllInPower, Capital, Colocation, Draw, Electricity, Flash, Owned, Price, Pue, Purchase, Reliability,
    Rental,
};
pub use provenance::{Basis, FigureSource, Provenance};
pub use rack::{Companion, Cooling, Host, Layout, Level, Rack, RackLink, RackLinks, RackPower, RackPrice};
pub use reading::{Fault, explain};
pub use step::{HostPerSequence, StepConstants, Steps};
pub use storage::{BlockRate, Blocks, Scope, StorageTier, Tier, TierBandwidth, TierCapacity};
pub use store::{Catalog, Entry, Record};
pub use workload::{LatencyLimits, Lengths, RequestLengths, Workload, WorkloadScenario};

/// Reads an entry as what its kind says it is.
fn check_as(catalog: &Catalog, kind: Kind, id: &str) -> Result<(), CatalogError> {
    match kind {
        Kind::Gpus => catalog.verify::<Gpu>(id),
        Kind::Racks => catalog.verify::<Rack>(id),
        Kind::Links => catalog.verify::<LinkType>(id),
        Kind::Storage => catalog.verify::<StorageTier>(id),
        Kind::Prices => catalog.verify::<Price>(id),
        Kind::Models => catalog.verify::<Model>(id),
        Kind::Engines => catalog.verify::<Engine>(id),
        Kind::Frameworks => catalog.verify::<Framework>(id),
        Kind::Workloads => catalog.verify::<Workload>(id),
        Kind::Bands => catalog.verify::<Bands>(id),
        Kind::Loans => catalog.verify::<Loan>(id),
        Kind::Steps => catalog.verify::<Steps>(id),
        Kind::FirstOrder => first_order::check(catalog, id),
    }
}
