//! Bytes that one GPU holds. What fits is decided in `plan`.

use crate::inputs::{Mode, Model, Quantisation, Setting};
use crate::plan::Layout;
use crate::training;
use rackplan_units::Bytes;

/// Share of HBM set aside for activations and buffers in decode.
const INFERENCE_OVERHEAD: f64 = 0.05;
/// Share of HBM set aside for gradients and buffers in training.
const TRAINING_OVERHEAD: f64 = 0.03;
/// Share of HBM that may be filled in decode: a margin of 0.15, subtracted as the founding documents do.
const INFERENCE_USABLE: f64 = 1.0 - 0.15;
/// Share of HBM that may be filled in training.
const TRAINING_USABLE: f64 = 1.0 - 0.12;

/// What fills the HBM of one GPU.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// Weights.
    pub weights: Bytes,
    /// KV cache of the whole batch; nothing in training.
    pub kv_cache: Bytes,
    /// Optimizer moments; nothing in inference.
    pub optimizer: Bytes,
    /// Activations kept for the backward pass; nothing in inference.
    pub activations: Bytes,
    /// Set aside.
    pub overhead: Bytes,
    /// All of the above.
    pub used: Bytes,
    /// What may be used.
    pub limit: Bytes,
}

impl Memory {
    /// Room for KV cache beside weights and overhead, never negative.
    pub fn kv_room(&self) -> Bytes {
        Bytes::new((self.limit.get() - self.weights.get() - self.overhead.get()).max(0.0))
    }
}

/// Memory of one GPU of an instance with `batch` sequences.
pub fn memory(setting: &Setting, layout: Layout, batch: u32) -> Memory {
    match setting.mode {
        Mode::Inference => inference_memory(setting, layout, batch),
        Mode::Training => training_memory(setting, layout, batch),
    }
}

/// weights + KV/token/(tp pp) · (ctx + gen) · b + 0.05 M, of at most 0.85 M.
///
/// Source: the founding documents' three-ceiling method.
fn inference_memory(setting: &Setting, layout: Layout, batch: u32) -> Memory {
    let capacity = setting.gpu.hbm_capacity;
    let weights = weights(&setting.model, &setting.quantisation, layout);
    let tokens = setting.model.tokens_cached() * f64::from(batch);
    let kv_cache = kv_per_token_per_gpu(&setting.model, &setting.quantisation, layout) * tokens;
    let overhead = capacity * INFERENCE_OVERHEAD;
    Memory {
        weights,
        kv_cache,
        optimizer: Bytes::default(),
        activations: Bytes::default(),
        overhead,
        used: weights + kv_cache + overhead,
        limit: capacity * INFERENCE_USABLE,
    }
}

/// weights + 2 weights (Adam) + activations + 0.03 M, of at most 0.88 M.
///
/// Source: the founding documents' three-ceiling method.
fn training_memory(setting: &Setting, layout: Layout, batch: u32) -> Memory {
    let capacity = setting.gpu.hbm_capacity;
    let weights = weights(&setting.model, &setting.quantisation, layout);
    let optimizer = weights * training::OPTIMIZER_STATES;
    let activations = training::activations(&setting.model, layout, batch);
    let overhead = capacity * TRAINING_OVERHEAD;
    Memory {
        weights,
        kv_cache: Bytes::default(),
        optimizer,
        activations,
        overhead,
        used: weights + optimizer + activations + overhead,
        limit: capacity * TRAINING_USABLE,
    }
}

/// Weights on one GPU: P w f_s / (tp pp) + P w f_e / (tp pp ep); dense P w / (tp pp).
///
/// `P` parameters, `w` bytes each, `f_s` and `f_e` the shared and expert shares.
pub fn weights(model: &Model, quantisation: &Quantisation, layout: Layout) -> Bytes {
    let total = model.parameters * quantisation.weight_bytes;
    let shards = layout.shards();
    Bytes::new(match model.moe {
        None => total / shards,
        Some(moe) => {
            total * moe.shared_fraction / shards
                + total * moe.expert_fraction / (shards * f64::from(layout.ep))
        }
    })
}

/// KV bytes that one token adds, over all GPUs of an instance: elements · q.
pub fn kv_per_token(model: &Model, quantisation: &Quantisation) -> Bytes {
    Bytes::new(model.kv_elements_per_token * quantisation.kv_bytes_per_element)
}

/// KV bytes that one token adds on one GPU, KV/token / (min(tp, ways) pp): layers and heads are shared out, experts are
/// not; a model without a limit on the ways has the founding documents' KV/token / (tp pp).
pub fn kv_per_token_per_gpu(model: &Model, quantisation: &Quantisation, layout: Layout) -> Bytes {
    kv_per_token(model, quantisation) / layout.cache_shards(model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::qwen_on_gb200;

    #[test]
    fn hand_a_cache_of_four_heads_on_eight_gpus_is_held_twice() {
        // 4 ways of 8: each GPU holds a quarter, not an eighth; the founding presets know no limit.
        let setting = qwen_on_gb200();
        let layout = Layout { tp: 8, pp: 1, ep: 1 };
        let whole = kv_per_token(&setting.model, &setting.quantisation);
        let four = Model { kv_ways: Some(4), ..setting.model };
        assert_eq!(kv_per_token_per_gpu(&setting.model, &setting.quantisation, layout), whole / 8.0);
        assert_eq!(kv_per_token_per_gpu(&four, &setting.quantisation, layout), whole / 4.0);
    }
}
