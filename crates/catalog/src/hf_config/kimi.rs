//! Kimi Linear and its successors: Kimi Delta Attention in most layers, latent attention in the rest.

use super::attention::mla;
use super::config::Config;
use super::decoder::feeds;
use super::stack::Stack;
use super::traits::Traits;
use super::{ImportError, layer_count};
use crate::model::{Kda, LayerKind, Mixer};

/// The layers; the configuration counts them from 1.
pub(super) fn layers(config: &Config<'_>, traits: &Traits) -> Result<Stack, ImportError> {
    let names = &["linear_attn_config"];
    let linear = config.inside(names).ok_or_else(|| config.missing(names))?;
    let full = linear.counts(&["full_attn_layers"])?.unwrap_or_default();
    let feeds = feeds(config, layer_count(config)?, traits)?;
    let (delta, latent) = (delta_attention(&linear)?, Mixer::Mla(mla(config)?));
    let mut stack = Stack::default();
    for (layer, (ffn_label, ffn)) in (1..).zip(feeds) {
        let (label, mixer) = if full.contains(&layer) { ("full", &latent) } else { ("linear", &delta) };
        stack.push(label, ffn_label, LayerKind::new(mixer.clone(), ffn));
    }
    Ok(stack)
}

fn delta_attention(config: &Config<'_>) -> Result<Mixer, ImportError> {
    let head_dim = config.count(&["head_dim"])?;
    let full_gate = config.flag(&["use_full_rank_gate"], false)?;
    Ok(Mixer::Kda(Kda {
        heads: config.count(&["num_heads"])?,
        head_dim,
        conv_width: config.count(&["short_conv_kernel_size"])?,
        gate_rank: if full_gate { 0 } else { head_dim },
    }))
}
