//! Answers as data. Numbers are SI under keys that name the unit; reports only read them.

mod compare;
mod explain;
mod mix;
mod offload;
mod plans;
mod reasons;
mod replay;
mod simulate;
mod size;
mod sweep;
mod what_if;

pub use compare::{CompareAnswer, ComparedFigure, ComparedValue};
pub use explain::{
    DeviceRoofs, ExplainAnswer, ExplainLayout, ExplainMemory, ExplainPart, ExplainStep, ExplainedBatch,
    FamilyShare, FormatPeak, LayerShare, Share,
};
pub use mix::{
    MixAnswer, MixClass, MixDeployment, MixKind, MixLimits, MixLoad, MixPart, MixShortfall, MixTotal,
    MixUndivided,
};
pub use offload::{Delay, KvSystemColumn, OffloadAnswer, OffloadRow, SwapAnswer, SwapPath};
pub use plans::{FrontierPoint, NearMiss, ParetoPlan, RankedPlan};
pub use reasons::{Elasticity, Flip, ReasonsAnswer, Sensitivity, SensitivityPoint};
pub use replay::{Replay, ReplayedClass, ReplayedLatency};
pub use simulate::{
    CacheFigures, CapacityPoint, ClassFigures, DistributionPoint, Distributions, EngineFigures, Goodput,
    GpuUse, LatencyFigures, RefusalCount, RequestCounts, SeriesPoint, SimulateAnswer, SimulateResult,
    SimulatedCapacity, SimulatedFleet, SimulatedLoad, SimulatedThroughput, TierFigures, TransferFigures,
    Verdict,
};
pub use size::{
    Alternative, Bounds, Capacity, Curve, Demand, Deployment, Difference, Difficulty, Economics, Founding,
    FoundingSummary, Generating, Hardware, Kv, KvPlacement, Latency, LinkLoad, Memory, Money, Plan, Point,
    Pools, Power, Rejected, Relaxation, SearchCounts, SizeAnswer, SizedClass, Speculation, StepShare,
    Storage, Throughput, Users, Utilization,
};
pub use sweep::{PlanRow, SweepAnswer, SweepRow};
pub use what_if::{Decision, WhatIf, WhatIfCase};

use crate::ResolvedValue;
use rackplan_catalog::{Basis, OverlayUse};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The version of the answer's layout; it changes when a key changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// What every answer carries around its own part.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Answer<T> {
    /// Version of this layout.
    pub schema_version: u32,
    /// Version of the program.
    pub tool_version: String,
    /// The question as understood, each value with its origin.
    pub question: BTreeMap<String, ResolvedValue>,
    /// The answer itself.
    pub answer: T,
    /// What was not said and had to be assumed.
    pub assumptions: Vec<Assumption>,
    /// What the user should know before acting.
    pub warnings: Vec<String>,
    /// What the numbers rest on.
    pub evidence: Evidence,
}

/// A value that nobody gave.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Assumption {
    /// Key in a scenario file.
    pub key: String,
    /// The flag that would set it.
    pub flag: Option<String>,
    /// The value taken, as a file would have it.
    pub value: serde_json::Value,
    /// Why this one.
    pub why: String,
}

impl Assumption {
    /// The value as a flag would have it.
    pub fn text(&self) -> String {
        let one = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match &self.value {
            serde_json::Value::Array(items) => items.iter().map(one).collect::<Vec<_>>().join(","),
            value => one(value),
        }
    }
}

/// What the numbers rest on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Evidence {
    /// The performance model.
    pub method: String,
    /// How far it can be trusted, in one sentence.
    pub band: String,
    /// Catalog figures used that are estimates, or come from the user.
    pub estimates: Vec<Figure>,
    /// User files that changed entries used.
    pub overlays: Vec<OverlayUse>,
}

/// A catalog figure that an answer used.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Figure {
    /// Kind and id, `racks.gb200_nvl72`.
    pub entry: String,
    /// Field, `links.inter_rack.latency`.
    pub figure: String,
    /// As written.
    pub value: String,
    /// How it is known.
    pub basis: Basis,
    /// Who says so.
    pub source: String,
}
