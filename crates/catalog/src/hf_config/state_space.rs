//! Jamba: Mamba in most layers, attention in every eighth, experts in every second.

use super::attention::gqa;
use super::config::Config;
use super::decoder::feeds;
use super::schedule::Reach;
use super::stack::Stack;
use super::traits::Traits;
use super::{ImportError, hidden, layer_count};
use crate::model::{LayerKind, Mamba1, Mixer};

/// The layers of Jamba.
pub(super) fn jamba_layers(config: &Config<'_>, traits: &Traits) -> Result<Stack, ImportError> {
    let period = config.optional(&["attn_layer_period"])?.unwrap_or(8);
    let offset = config.or_zero(&["attn_layer_offset"])?;
    let feeds = feeds(config, layer_count(config)?, traits)?;
    let (attention, mamba) = (Mixer::Gqa(gqa(config, Reach::Full, traits)?), mamba1(config)?);
    let mut stack = Stack::default();
    for (layer, (ffn_label, ffn)) in (0..).zip(feeds) {
        let attends = layer % period == offset;
        let (label, mixer) = if attends { ("attention", &attention) } else { ("mamba", &mamba) };
        stack.push(label, ffn_label, LayerKind::new(mixer.clone(), ffn));
    }
    Ok(stack)
}

fn mamba1(config: &Config<'_>) -> Result<Mixer, ImportError> {
    let hidden = hidden(config)?;
    Ok(Mixer::Mamba1(Mamba1 {
        inner: config.optional(&["mamba_expand"])?.unwrap_or(2).saturating_mul(hidden),
        state: config.count(&["mamba_d_state"])?,
        dt_rank: config.optional(&["mamba_dt_rank"])?.unwrap_or(hidden.div_ceil(16)),
        conv_width: config.count(&["mamba_d_conv"])?,
    }))
}
