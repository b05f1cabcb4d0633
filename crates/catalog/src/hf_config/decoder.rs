//! The reader for most models: attention of some reach, then a dense network or experts, layer by layer.

use super::attention::{block_indexer, gated_delta_net, gqa, mla};
use super::config::Config;
use super::feed_forward::{any_experts, dense, moe};
use super::schedule::{Reach, has_experts, long_enough, reaches};
use super::stack::Stack;
use super::traits::Traits;
use super::{ImportError, layer_count};
use crate::model::{Ffn, LayerKind, Mixer};

/// The layers of a plain decoder.
pub(super) fn layers(config: &Config<'_>, traits: &Traits) -> Result<Stack, ImportError> {
    let count = layer_count(config)?;
    let reaches = reaches(config, count, traits)?;
    let feeds = feeds(config, count, traits)?;
    let indexed = own_indexers(config, count)?;
    let mut stack = Stack::default();
    for (layer, (reach, (ffn_label, ffn))) in reaches.into_iter().zip(feeds).enumerate() {
        let (label, mixer) = mixer(config, traits, reach, layer, indexed[layer])?;
        stack.push(label, ffn_label, LayerKind::new(mixer, ffn));
    }
    Ok(stack)
}

/// The feed-forward part of each layer, with its label.
pub(super) fn feeds(
    config: &Config<'_>,
    layers: u64,
    traits: &Traits,
) -> Result<Vec<(&'static str, Ffn)>, ImportError> {
    if !any_experts(config)? {
        return Ok(vec![("dense", dense(config, traits)?); layers as usize]);
    }
    let sparse = has_experts(config, layers)?;
    let with = ("moe", moe(config, traits)?);
    // The width of dense layers is only needed where there are any.
    let without = match sparse.iter().all(|experts| *experts) {
        true => with.clone(),
        false => ("dense", dense(config, traits)?),
    };
    Ok(sparse.into_iter().map(|experts| if experts { with.clone() } else { without.clone() }).collect())
}

fn mixer(
    config: &Config<'_>,
    traits: &Traits,
    reach: Reach,
    layer: usize,
    own_indexer: bool,
) -> Result<(&'static str, Mixer), ImportError> {
    if reach == Reach::Linear {
        return Ok(("linear", gated_delta_net(config)?));
    }
    if config.has(&["kv_lora_rank"]) {
        let mut mla = mla(config)?;
        if let Some(indexer) = &mut mla.indexer {
            indexer.present = own_indexer;
        }
        let label = if mla.indexer.is_some() && !own_indexer { "shared" } else { "full" };
        return Ok((label, Mixer::Mla(mla)));
    }
    let mut attention = gqa(config, reach, traits)?;
    attention.block_indexer = block_indexer(config, layer)?;
    let label = match reach {
        _ if attention.block_indexer.is_some() => "sparse",
        Reach::Sliding => "sliding",
        Reach::Chunked => "chunked",
        Reach::Full | Reach::Linear => "full",
    };
    Ok((label, Mixer::Gqa(attention)))
}

/// Which layers have an indexer of their own rather than an earlier layer's choice (GLM-5.2).
fn own_indexers(config: &Config<'_>, layers: u64) -> Result<Vec<bool>, ImportError> {
    match config.texts(&["indexer_types"])? {
        None => Ok(vec![true; layers as usize]),
        Some(types) => {
            let own = types.iter().map(|name| *name != "shared").collect();
            long_enough(config, "indexer_types", own, layers)
        }
    }
}
