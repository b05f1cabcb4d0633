//! The answer of `sweep`: the best plan of every rack, quantisation and batch.

use super::size::{Bounds, LinkLoad, Memory};
use schemars::JsonSchema;
use serde::Serialize;

/// Best plans.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SweepAnswer {
    /// `inference` or `training`.
    pub mode: String,
    /// Racks over which plans were laid out.
    pub racks: u64,
    /// One row for each hardware, quantisation and batch that has an admissible plan, in that order.
    pub rows: Vec<SweepRow>,
    /// Plans laid out, admissible or not.
    pub plans_considered: u64,
}

/// The best plan of one hardware, quantisation and batch.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SweepRow {
    /// Catalog id, or the founding preset's name.
    pub hardware: String,
    /// Number format of the weights.
    pub quant: String,
    /// Sequences of one instance.
    pub batch: u64,
    /// Tensor parallelism.
    pub tp: u32,
    /// Pipeline parallelism.
    pub pp: u32,
    /// Expert parallelism.
    pub ep: u32,
    /// `tp · pp · ep`.
    pub gpus_per_instance: u64,
    /// Instances that fit.
    pub instances: u64,
    /// One instance.
    pub instance_tokens_per_s: f64,
    /// All instances.
    pub total_tokens_per_s: f64,
    /// Total over the GPUs that carry instances.
    pub tokens_per_s_per_gpu: f64,
    /// What binds: `compute`, `hbm` or `comm`.
    pub limit: String,
    /// The three ceilings.
    pub bounds: Bounds,
    /// Each link level.
    pub links: Vec<LinkLoad>,
    /// HBM of one GPU.
    pub memory: Memory,
    /// Training steps a second of one instance.
    pub instance_steps_per_s: Option<f64>,
    /// Training steps a second of all instances.
    pub total_steps_per_s: Option<f64>,
    /// Training samples a second of all instances.
    pub total_samples_per_s: Option<f64>,
}
