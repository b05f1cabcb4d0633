//! The three ceilings of an instance, in tokens per second, before and after the efficiency of the batch.

use crate::communication::{Levels, Load, limits};
use crate::inputs::{Mode, Model, Setting};
use crate::memory::kv_per_token_per_gpu;
use crate::plan::Layout;
use crate::training::{self, activations_per_token};

/// Reads of the KV cache over its size: misses and paging.
pub const KV_READ_AMPLIFICATION: f64 = 1.1;

/// Which ceiling binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Arithmetic.
    Compute,
    /// Memory bandwidth.
    Hbm,
    /// The links.
    Communication,
}

impl Limit {
    /// The founding documents' word for it.
    pub fn name(self) -> &'static str {
        match self {
            Limit::Compute => "compute",
            Limit::Hbm => "hbm",
            Limit::Communication => "comm",
        }
    }
}

/// The ceilings of one instance without efficiency, in tokens per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ceilings {
    /// What the arithmetic allows.
    pub compute: f64,
    /// What the memory bandwidth allows.
    pub hbm: f64,
    /// What the slowest level of the network allows; infinite if none carries traffic.
    pub communication: f64,
    /// What each level allows; infinite where it carries nothing.
    pub links: Levels<f64>,
}

impl Ceilings {
    /// All of them for one instance.
    pub fn new(setting: &Setting, layout: Layout, loads: &Levels<Load>) -> Self {
        let links = limits(loads, &setting.rack);
        Self {
            compute: compute(setting, layout),
            hbm: hbm(setting, layout),
            communication: links.intra_server.min(links.inter_server).min(links.inter_rack),
            links,
        }
    }

    /// The lowest after efficiency, and its name; a tie names communication over HBM over compute.
    pub fn lowest(&self, efficiency: f64) -> (f64, Limit) {
        let (compute, hbm) = (self.compute * efficiency, self.hbm * efficiency);
        let communication = self.communication * efficiency;
        let lowest = compute.min(hbm).min(communication);
        let limit = if lowest == communication {
            Limit::Communication
        } else if lowest == hbm {
            Limit::Hbm
        } else {
            Limit::Compute
        };
        (lowest, limit)
    }
}

/// Share of a ceiling that a batch reaches.
///
/// Inference clamp(0.65 + 0.08 log2 b, 0.55, 0.92), training clamp(0.50 + 0.05 log2 b, 0.45, 0.90).
/// An empirical curve. Source: the founding documents' three-ceiling method.
pub fn efficiency(mode: Mode, batch: u32) -> f64 {
    let doublings = f64::from(batch.max(1)).log2();
    match mode {
        Mode::Inference => (0.65 + 0.08 * doublings).clamp(0.55, 0.92),
        Mode::Training => (0.50 + 0.05 * doublings).clamp(0.45, 0.90),
    }
}

/// Parameters that work on a token: P f_s + P f_e k / E; dense P.
pub fn active_parameters(model: &Model) -> f64 {
    model.moe.map_or(model.parameters, |moe| {
        let share = f64::from(moe.active) / f64::from(moe.experts);
        model.parameters * moe.shared_fraction + model.parameters * moe.expert_fraction * share
    })
}

/// FLOPs per token: 2 A, and 6 times that in training.
pub fn flops_per_token(model: &Model, mode: Mode) -> f64 {
    let decode = 2.0 * active_parameters(model);
    match mode {
        Mode::Inference => decode,
        Mode::Training => decode * training::COMPUTE_FACTOR,
    }
}

/// Compute ceiling: n F s / (FLOPs per token), in tokens per second.
///
/// `n` GPUs, `F` sustained FLOP/s each, `s` compute scale of the number format. The order of the factors is that of
/// the founding script: plans that tie on paper are told apart by the last bit.
pub fn compute(setting: &Setting, layout: Layout) -> f64 {
    let per_gpu = setting.gpu.flops_sustained.get() * setting.quantisation.compute_scale;
    per_gpu * layout.gpus() as f64 / flops_per_token(&setting.model, setting.mode)
}

/// HBM ceiling: B / (1.1 KV/token/(tp pp)); in training B / (1.8 activations/token), in tokens per second.
///
/// Source: the founding documents' three-ceiling method.
pub fn hbm(setting: &Setting, layout: Layout) -> f64 {
    let bytes = match setting.mode {
        Mode::Inference => {
            kv_per_token_per_gpu(&setting.model, &setting.quantisation, layout) * KV_READ_AMPLIFICATION
        }
        Mode::Training => activations_per_token(&setting.model, layout) * training::HBM_FACTOR,
    };
    setting.gpu.hbm_bandwidth.get() / bytes.get()
}
