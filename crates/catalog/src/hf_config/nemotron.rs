//! Nemotron-H: each layer is one thing only, Mamba-2, attention, a network or experts, in an order that is spelt out.

use super::ImportError;
use super::attention::gqa;
use super::config::Config;
use super::feed_forward::{dense, moe};
use super::schedule::Reach;
use super::stack::Stack;
use super::traits::Traits;
use crate::model::{LayerKind, MAX_LAYERS, Mamba2, Mixer};

/// What a layer is.
#[derive(Clone, Copy)]
enum Block {
    Mamba,
    Attention,
    Mlp,
    Moe,
}

/// The layers in the order of `hybrid_override_pattern` (one letter each) or `layers_block_type`.
pub(super) fn layers(config: &Config<'_>, traits: &Traits) -> Result<Stack, ImportError> {
    // Their networks are two matrices around a squared ReLU.
    let traits = Traits { gated: false, ..*traits };
    let blocks = blocks(config, &["hybrid_override_pattern"], &["layers_block_type"])?;
    if blocks.is_empty() || blocks.len() as u64 > MAX_LAYERS {
        return Err(config.missing(&["hybrid_override_pattern", "layers_block_type"]));
    }
    let mut stack = Stack::default();
    for block in blocks {
        let (mixer_label, ffn_label, kind) = layer(config, &traits, block)?;
        stack.push(mixer_label, ffn_label, kind);
    }
    for block in blocks_of_mtp(config)? {
        let (mixer_label, ffn_label, kind) = layer(config, &traits, block)?;
        stack.push_mtp(mixer_label, ffn_label, kind);
    }
    Ok(stack)
}

fn blocks_of_mtp(config: &Config<'_>) -> Result<Vec<Block>, ImportError> {
    let blocks = blocks(config, &["mtp_hybrid_override_pattern"], &["mtp_layers_block_type"])?;
    Ok(blocks.into_iter().take(16).collect())
}

/// The blocks, spelt as letters in one field or as words in another.
fn blocks(
    config: &Config<'_>,
    letters: &'static [&str; 1],
    words: &'static [&str; 1],
) -> Result<Vec<Block>, ImportError> {
    if let Some(text) = config.text(letters) {
        let block = |letter| of_letter(letter).ok_or_else(|| config.misfit(letters[0], EXPECTED));
        return text.chars().map(block).collect();
    }
    let list = config.texts(words)?.unwrap_or_default();
    list.into_iter().map(|word| of_word(word).ok_or_else(|| config.misfit(words[0], EXPECTED))).collect()
}

const EXPECTED: &str = "expected `M` or mamba, `*` or attention, `-` or mlp, `E` or moe for each layer";

fn of_letter(letter: char) -> Option<Block> {
    match letter {
        'M' => Some(Block::Mamba),
        '*' => Some(Block::Attention),
        '-' => Some(Block::Mlp),
        'E' => Some(Block::Moe),
        _ => None,
    }
}

fn of_word(word: &str) -> Option<Block> {
    match word {
        "mamba" => Some(Block::Mamba),
        "attention" => Some(Block::Attention),
        "mlp" => Some(Block::Mlp),
        "moe" => Some(Block::Moe),
        _ => None,
    }
}

fn layer(
    config: &Config<'_>,
    traits: &Traits,
    block: Block,
) -> Result<(&'static str, &'static str, LayerKind), ImportError> {
    let mixer = |mixer| LayerKind { mixer: Some(mixer), ffn: None };
    let ffn = |ffn| LayerKind { mixer: None, ffn: Some(ffn) };
    Ok(match block {
        Block::Mamba => ("mamba", "", mixer(mamba2(config)?)),
        Block::Attention => ("attention", "", mixer(Mixer::Gqa(gqa(config, Reach::Full, traits)?))),
        Block::Mlp => ("", "mlp", ffn(dense(config, traits)?)),
        Block::Moe => ("", "moe", ffn(moe(config, traits)?)),
    })
}

fn mamba2(config: &Config<'_>) -> Result<Mixer, ImportError> {
    Ok(Mixer::Mamba2(Mamba2 {
        heads: config.count(&["mamba_num_heads", "mamba_n_heads"])?,
        head_dim: config.count(&["mamba_head_dim", "mamba_d_head"])?,
        state: config.count(&["ssm_state_size", "mamba_d_state"])?,
        groups: config.count(&["n_groups", "mamba_n_groups"])?,
        conv_width: config.count(&["conv_kernel", "mamba_d_conv"])?,
    }))
}
