//! DeepSeek-V4: layers with entries compressed at one of two ratios, the first few with experts chosen by token id.

use super::attention::{head_dim, heads, indexer};
use super::config::Config;
use super::feed_forward::moe;
use super::schedule::long_enough;
use super::stack::Stack;
use super::traits::Traits;
use super::{ImportError, layer_count};
use crate::model::{Compressed, Ffn, LayerKind, Mixer};

/// The layers; the ratio after the last layer's is the MTP module's.
pub(super) fn layers(config: &Config<'_>, traits: &Traits) -> Result<Stack, ImportError> {
    let count = layer_count(config)? as usize;
    let names = &["compress_ratios"];
    let ratios = config.counts(names)?.ok_or_else(|| config.missing(names))?;
    let ratios = long_enough(config, names[0], ratios.clone(), count as u64).map(|_| ratios)?;
    let hashed = config.or_zero(&["num_hash_layers"])?;
    let mut stack = Stack::default();
    for (layer, ratio) in ratios.iter().enumerate() {
        let (label, mixer) = attention(config, *ratio)?;
        let (ffn_label, ffn) = experts(config, traits, (layer as u64) < hashed)?;
        let kind = LayerKind::new(mixer, ffn);
        match layer < count {
            true => stack.push(label, ffn_label, kind),
            false => stack.push_mtp(label, ffn_label, kind),
        }
    }
    Ok(stack)
}

fn attention(config: &Config<'_>, ratio: u64) -> Result<(&'static str, Mixer), ImportError> {
    // Only the lower ratio leaves so many entries that they have to be chosen from.
    let (label, indexer) = match ratio {
        0 => ("window", None),
        1..=16 => ("chosen", indexer(config)?),
        _ => ("coarse", None),
    };
    let mixer = Mixer::Compressed(Compressed {
        heads: heads(config)?,
        head_dim: head_dim(config)?,
        rope_dim: config.count(&["qk_rope_head_dim"])?,
        q_rank: config.count(&["q_lora_rank"])?,
        output_groups: config.count(&["o_groups"])?,
        output_rank: config.count(&["o_lora_rank"])?,
        window: config.count(&["sliding_window"])?,
        ratio: (ratio > 0).then_some(ratio),
        indexer,
    });
    Ok((label, mixer))
}

fn experts(config: &Config<'_>, traits: &Traits, hashed: bool) -> Result<(&'static str, Ffn), ImportError> {
    let mut ffn = moe(config, traits)?;
    if let Ffn::Moe(moe) = &mut ffn {
        moe.hash_routed = hashed;
        moe.router_bias &= !hashed;
    }
    Ok((if hashed { "hashed" } else { "moe" }, ffn))
}
