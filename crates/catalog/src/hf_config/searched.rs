//! Models found by architecture search (Llama-Nemotron): every layer has its own choice of attention and width.

use super::attention::{gqa, heads};
use super::config::Config;
use super::feed_forward::dense_of;
use super::schedule::Reach;
use super::stack::Stack;
use super::traits::Traits;
use super::{ImportError, hidden};
use crate::model::{Ffn, LayerKind, Linear, MAX_LAYERS, MAX_WIDTH, Mixer};

/// The layers as `block_configs` lists them.
pub(super) fn layers(config: &Config<'_>, traits: &Traits) -> Result<Stack, ImportError> {
    let blocks = config.objects("block_configs")?;
    if blocks.is_empty() || blocks.len() as u64 > MAX_LAYERS {
        return Err(config.missing(&["block_configs"]));
    }
    let mut stack = Stack::default();
    for block in &blocks {
        let (label, mixer) = mixer(config, block, traits)?;
        let (ffn_label, ffn) = feed(config, block, traits)?;
        stack.push(label, ffn_label, LayerKind { mixer, ffn });
    }
    Ok(stack)
}

type Half<T> = Result<(&'static str, Option<T>), ImportError>;

fn mixer(config: &Config<'_>, block: &Config<'_>, traits: &Traits) -> Half<Mixer> {
    let Some(choice) = block.inside(&["attention"]) else { return Err(block.missing(&["attention"])) };
    if choice.flag(&["no_op"], false)? {
        return Ok(("", None));
    }
    if choice.flag(&["replace_with_linear"], false)? {
        return Ok(("linear", Some(Mixer::Linear(Linear {}))));
    }
    let mut attention = gqa(config, Reach::Full, traits)?;
    let heads = heads(config)?;
    let group = choice.optional(&["n_heads_in_group"])?.unwrap_or(1);
    if heads % group != 0 {
        return Err(choice.misfit("n_heads_in_group", format!("expected a divisor of {heads} heads")));
    }
    attention.kv_heads = heads / group;
    attention.window = choice.optional(&["window_length"])?;
    Ok(("attention", Some(Mixer::Gqa(attention))))
}

fn feed(config: &Config<'_>, block: &Config<'_>, traits: &Traits) -> Half<Ffn> {
    let Some(choice) = block.inside(&["ffn"]) else { return Err(block.missing(&["ffn"])) };
    if choice.flag(&["no_op"], false)? {
        return Ok(("", None));
    }
    let hidden = hidden(config)?;
    let intermediate = width(choice.number(&["ffn_mult"])?, hidden);
    Ok(("dense", Some(dense_of(config, intermediate, traits)?)))
}

/// Two thirds of `mult · hidden`, rounded up to a multiple of 256.
fn width(mult: f64, hidden: u64) -> u64 {
    let exact = (2.0 * mult * hidden as f64 / 3.0).min(2.0 * MAX_WIDTH as f64) as u64;
    exact.div_ceil(256) * 256
}
