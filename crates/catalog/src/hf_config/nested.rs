//! DBRX and MPT, which keep the fields of attention and network in objects of their own.

use super::attention::{gqa, head_dim};
use super::config::Config;
use super::feed_forward::dense_of;
use super::schedule::Reach;
use super::stack::Stack;
use super::traits::Traits;
use super::{ImportError, hidden, layer_count};
use crate::model::{Ffn, Gqa, LayerKind, Mixer, Moe};

/// The layers, all alike.
pub(super) fn layers(config: &Config<'_>, traits: &Traits) -> Result<Stack, ImportError> {
    let attention = match config.inside(&["attn_config"]) {
        Some(inner) if inner.has(&["kv_n_heads"]) => {
            let gqa = gqa(config, Reach::Full, traits)?;
            Gqa { kv_heads: inner.count(&["kv_n_heads"])?, head_dim: head_dim(config)?, ..gqa }
        }
        _ => gqa(config, Reach::Full, traits)?,
    };
    let (label, ffn) = match config.inside(&["ffn_config"]) {
        Some(inner) if inner.has(&["moe_num_experts"]) => ("moe", experts(&inner)?),
        _ => ("dense", dense_of(config, expansion(config)?, traits)?),
    };
    let mut stack = Stack::default();
    for _ in 0..layer_count(config)? {
        stack.push("full", label, LayerKind::new(Mixer::Gqa(attention.clone()), ffn.clone()));
    }
    Ok(stack)
}

/// MPT's width inside: four times the hidden width unless `expansion_ratio` says otherwise.
fn expansion(config: &Config<'_>) -> Result<u64, ImportError> {
    let ratio = config.optional(&["expansion_ratio"])?.unwrap_or(4);
    Ok(ratio.saturating_mul(hidden(config)?))
}

fn experts(config: &Config<'_>) -> Result<Ffn, ImportError> {
    Ok(Ffn::Moe(Moe {
        experts: config.count(&["moe_num_experts"])?,
        experts_per_token: config.count(&["moe_top_k"])?,
        intermediate: config.count(&["ffn_hidden_size"])?,
        ..Moe::default()
    }))
}
