//! A model's layers, sharded by a plan, as one flat list of operators. It is made once; a step then only counts.

mod attention;
mod ends;
mod feed_forward;
mod parts;

pub(crate) use parts::Parts;

use crate::work::Work;
use crate::{Deployment, Evidence, Kernels};
use rackplan_catalog::Quantiles;
use rackplan_catalog::model::LayerKind;

/// One operator of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What it is, as answers name it: `qkv`, `attention_decode`, `experts`.
    pub name: &'static str,
    /// How many times a step runs it.
    pub count: f64,
    /// What runs beside it.
    pub lane: Lane,
    /// Place of its layer kind among the model's, in the order of first use, and one further for a speculative module;
    /// none before and after the layers.
    pub layer_kind: Option<u16>,
    /// What its time rests on.
    pub evidence: Evidence,
    /// Measured over predicted.
    pub band: Quantiles,
    pub(crate) work: Work,
    /// Place of an earlier part that does the same work, whose time this one takes: layers of several kinds share most.
    pub(crate) twin: Option<usize>,
}

/// What runs beside an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Nothing.
    Alone,
    /// Routed experts and their exchange, beside the shared ones.
    Routed,
    /// Shared experts, beside the routed ones; the longer of both counts.
    Shared,
}

/// The operators of the main model, first to last, layers of one kind as one.
pub(crate) fn compile(deployment: &Deployment, kernels: &Kernels) -> Vec<Part> {
    let mut parts = Parts::new(deployment, kernels);
    ends::embed(&mut parts);
    for (place, (_, kind, count)) in deployment.model.layer_counts().enumerate() {
        parts.count = count as f64;
        parts.layer_kind = u16::try_from(place).ok();
        layer(&mut parts, kind);
    }
    (parts.count, parts.layer_kind) = (1.0, None);
    ends::choose(&mut parts);
    ends::host(&mut parts);
    parts.list
}

/// The operators of one speculative module, applied once: its layers, the joining map, and its choice of a token.
pub(crate) fn compile_draft(deployment: &Deployment, kernels: &Kernels) -> Vec<Part> {
    let mut parts = Parts::new(deployment, kernels);
    parts.layer_kind = u16::try_from(deployment.model.layer_counts().count()).ok();
    ends::join(&mut parts);
    for kind in deployment.model.mtp_sequence() {
        layer(&mut parts, kind);
    }
    ends::choose(&mut parts);
    parts.list
}

fn layer(parts: &mut Parts, kind: &LayerKind) {
    if let Some(mixer) = &kind.mixer {
        parts.norm("norm");
        attention::mix(parts, mixer);
        if !(parts.deployment.model.parallel_block && kind.ffn.is_some()) {
            parts.all_reduce("all_reduce_mixer");
        }
    }
    if let Some(ffn) = &kind.ffn {
        if kind.mixer.is_none() || !parts.deployment.model.parallel_block {
            parts.norm("norm");
        }
        feed_forward::feed_forward(parts, ffn);
    }
}
