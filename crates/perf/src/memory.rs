//! What lies in the memory of one accelerator: weights, cache, states, reserve. One function per quantity.

use crate::{Deployment, Precision};
use rackplan_catalog::model::{CacheBytes, Ffn, LayerKind, Mixer, Model, Projection, Split};
use rackplan_units::Bytes;

/// Memory of one accelerator of a deployment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// What the accelerator has.
    pub capacity: Bytes,
    /// Weights of this rank.
    pub weights: Bytes,
    /// What is left for caches and states.
    pub cache: Bytes,
}

/// Share of the capacity that a process sees. Source: performance-model, KV memory.
const SEEN: f64 = 0.97;
/// Share of what is left that frameworks give to the cache. Source: the same.
const GIVEN: f64 = 0.92;
/// Activations, graphs and libraries. Source: the same.
const RESERVE: f64 = 4e9;

impl Memory {
    /// Of a deployment: cache = 0.92 (0.97 capacity - weights - 4 GB), and nothing where that is negative.
    pub fn of(deployment: &Deployment) -> Self {
        let weights = weights_of_rank(deployment);
        let capacity = deployment.device.memory;
        let cache = GIVEN * (SEEN * capacity - weights - RESERVE);
        Self {
            capacity: Bytes::new(capacity),
            weights: Bytes::new(weights),
            cache: Bytes::new(cache.max(0.0)),
        }
    }

    /// What weights may take at most: 0.97 capacity - 4 GB.
    pub fn room(&self) -> Bytes {
        Bytes::new((SEEN * self.capacity.get() - RESERVE).max(0.0))
    }

    /// Whether weights leave anything for a cache.
    pub fn fits(&self) -> bool {
        self.cache.get() > 0.0
    }

    /// Sequences of `tokens` tokens whose caches and states fit one attention group.
    pub fn sequences(&self, deployment: &Deployment, tokens: f64) -> f64 {
        self.cache.get() / bytes_of_sequence(deployment, tokens).get().max(1.0)
    }

    /// Tokens that the cache holds, in sequences of `tokens` each.
    pub fn tokens(&self, deployment: &Deployment, tokens: f64) -> f64 {
        self.sequences(deployment, tokens) * tokens
    }
}

/// Weights of one rank in bytes: attention and dense layers over `tp`, experts over `tp · dp`, both over the stages; the
/// embedding table and the output projection over `tp`, in 16 bits, on the stages that hold them.
fn weights_of_rank(deployment: &Deployment) -> f64 {
    let Deployment { model, plan, .. } = *deployment;
    let tp = f64::from(plan.tp);
    let layers: f64 =
        model.layer_counts().map(|(_, kind, count)| count as f64 * layer(model, kind, deployment)).sum();
    let tables = 2.0 * model.parameters_embedding() as f64 / tp;
    let ends = if plan.pp > 1 { tables / 2.0 } else { tables };
    let draft: f64 = if deployment.draft_tokens > 0 {
        let modules = model.mtp_layers.max(1) as f64;
        let of: f64 = model.mtp_sequence().into_iter().map(|kind| layer(model, kind, deployment)).sum();
        modules * (of + 4.0 * (model.hidden * model.hidden) as f64)
    } else {
        0.0
    };
    layers / f64::from(plan.pp) + ends + draft
}

/// Weights of one layer on one rank, in bytes.
fn layer(model: &Model, kind: &LayerKind, deployment: &Deployment) -> f64 {
    let Precision { attention, dense, experts, .. } = deployment.precision;
    let tp = f64::from(deployment.plan.tp);
    let hidden = model.hidden;
    let held = |projections: &[Projection]| projections.iter().map(|p| share(p, deployment)).sum::<f64>();
    let mixer = kind.mixer.as_ref().map_or(0.0, |mixer| held(&mixer.projections(hidden)));
    let (common, routed) = match &kind.ffn {
        None => (0.0, 0.0),
        Some(Ffn::Dense(network)) => (network.parameters(hidden) as f64 / tp, 0.0),
        Some(Ffn::Moe(moe)) => {
            let ranks = f64::from(deployment.plan.stage_gpus());
            let held_at_all = moe.experts as f64 + deployment.copies(moe.experts as f64);
            let all = held_at_all * moe.expert_parameters(hidden) as f64;
            (held(&moe.common_projections(hidden)), all / ranks)
        }
    };
    mixer * attention.bytes_per_weight()
        + common * dense.bytes_per_weight()
        + routed * experts.bytes_per_weight()
}

/// Weights of a projection on one rank.
fn share(projection: &Projection, deployment: &Deployment) -> f64 {
    let all = projection.weights() as f64;
    match projection.split {
        Split::Replicated => all,
        Split::Outputs | Split::Inputs | Split::KvHeads => all / f64::from(deployment.plan.tp),
    }
}

/// Cache and state of a sequence of `tokens` tokens on one rank.
///
/// Keys and values are split over tensor-parallel ranks by heads, so that each rank has at least one; a latent is held
/// whole by every rank, as is an index. A window holds at most its width.
pub fn bytes_of_sequence(deployment: &Deployment, tokens: f64) -> Bytes {
    let Deployment { model, plan, precision, .. } = *deployment;
    let bytes = CacheBytes::with_kv(precision.kv_bytes);
    let whole = tokens.ceil().max(1.0) as u64;
    let of = |mixer: &Mixer| {
        let kv = mixer.kv_elements(whole) as f64 * cache_share(mixer, f64::from(plan.tp));
        bytes.kv * kv + bytes.index * mixer.index_elements(whole) as f64
    };
    over_layers(model, of) / f64::from(plan.pp) + state_of_sequence(deployment)
}

/// Recurrent state and inputs of convolutions of a sequence on one rank, whatever its length.
pub fn state_of_sequence(deployment: &Deployment) -> Bytes {
    let Deployment { model, plan, precision, .. } = *deployment;
    let bytes = CacheBytes::with_kv(precision.kv_bytes);
    let of = |mixer: &Mixer| {
        bytes.state * mixer.state_elements() as f64 + bytes.convolution * mixer.conv_elements() as f64
    };
    over_layers(model, of) / (f64::from(plan.tp) * f64::from(plan.pp))
}

/// A quantity of the mixers, summed over all layers.
fn over_layers(model: &Model, of: impl Fn(&Mixer) -> f64) -> Bytes {
    let layers = model
        .layer_counts()
        .filter_map(|(_, kind, count)| kind.mixer.as_ref().map(|mixer| count as f64 * of(mixer)));
    Bytes::new(layers.sum())
}

/// Share of a layer's cache on one of `tp` ranks.
fn cache_share(mixer: &Mixer, tp: f64) -> f64 {
    match mixer {
        Mixer::Gqa(gqa) => 1.0 / tp.min(gqa.kv_heads as f64),
        _ => 1.0,
    }
}
