//! MiniMax-01 and MiniMax-M1: lightning attention in seven layers of eight, softmax attention in the eighth.

use super::attention::{gqa, head_dim, heads};
use super::config::Config;
use super::decoder::feeds;
use super::schedule::{Reach, long_enough};
use super::stack::Stack;
use super::traits::Traits;
use super::{ImportError, layer_count};
use crate::model::{LayerKind, Lightning, Mixer};

/// The layers; `attn_type_list` has 1 for softmax attention.
pub(super) fn layers(config: &Config<'_>, traits: &Traits) -> Result<Stack, ImportError> {
    let count = layer_count(config)?;
    let softmax = match config.counts(&["attn_type_list"])? {
        Some(flags) => long_enough(config, "attn_type_list", flags, count)?,
        None => (1..=count).map(|layer| u64::from(layer % 8 == 0)).collect(),
    };
    let full = Mixer::Gqa(gqa(config, Reach::Full, traits)?);
    let linear = Mixer::Lightning(Lightning { heads: heads(config)?, head_dim: head_dim(config)? });
    let mut stack = Stack::default();
    for (flag, (ffn_label, ffn)) in softmax.into_iter().zip(feeds(config, count, traits)?) {
        let (label, mixer) = if flag == 0 { ("linear", &linear) } else { ("full", &full) };
        stack.push(label, ffn_label, LayerKind::new(mixer.clone(), ffn));
    }
    Ok(stack)
}
