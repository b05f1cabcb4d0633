//! The numbers of a mixer or feed-forward network that must lie in a range, with the names they have in files.

use super::check::{MAX_CONTEXT, MAX_EXPERTS, MAX_WIDTH};
use super::ffn::{Ffn, Moe};
use super::mixer::Mixer;
use super::mla::Indexer;

/// A named number and the most it may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) name: &'static str,
    pub(super) value: u64,
    pub(super) limit: u64,
}

/// A width.
fn width(name: &'static str, value: u64) -> Size {
    Size { name, value, limit: MAX_WIDTH }
}

/// Heads times their width.
fn heads(name: &'static str, heads: u64, dim: u64) -> [Size; 2] {
    [width(name, heads), width(name, heads.saturating_mul(dim))]
}

/// A number of tokens; absent is fine.
fn tokens(name: &'static str, value: Option<u64>) -> Size {
    Size { name, value: value.unwrap_or(1), limit: MAX_CONTEXT }
}

fn index(indexer: Option<Indexer>) -> Vec<Size> {
    let Some(indexer) = indexer else { return Vec::new() };
    let mut all =
        vec![width("indexer.head_dim", indexer.head_dim), tokens("indexer.top_k", Some(indexer.top_k))];
    all.extend(heads("indexer.heads", indexer.heads, indexer.head_dim));
    all
}

/// What must be at least 1 and at most its limit.
pub(super) fn mixer_sizes(mixer: &Mixer) -> Vec<Size> {
    match mixer {
        Mixer::Gqa(m) => {
            let mut all = vec![width("head_dim", m.head_dim), width("value_dim", m.value_dim())];
            all.extend(heads("heads", m.heads, m.head_dim.max(m.value_dim())));
            all.extend(heads("kv_heads", m.kv_heads, m.head_dim.max(m.value_dim())));
            all.extend([tokens("window", m.window), tokens("chunk", m.chunk)]);
            if let Some(index) = m.block_indexer {
                all.extend(heads("block_indexer.heads", index.heads, index.head_dim));
                all.push(tokens("block_indexer.block", Some(index.block.saturating_mul(index.top_blocks))));
            }
            all
        }
        Mixer::Mla(m) => {
            let mut all = vec![width("kv_rank", m.kv_rank), width("q_rank", m.q_rank.unwrap_or(1))];
            all.extend([width("nope_dim", m.nope_dim), width("value_dim", m.value_dim)]);
            all.push(width("rope_dim", m.rope_dim.max(1)));
            all.extend(heads("heads", m.heads, m.nope_dim.saturating_add(m.rope_dim).max(m.value_dim)));
            all.extend(index(m.indexer));
            all
        }
        Mixer::Compressed(m) => {
            let mut all = vec![width("head_dim", m.head_dim), width("q_rank", m.q_rank)];
            all.extend(heads("heads", m.heads, m.head_dim));
            all.extend(heads("output_groups", m.output_groups, m.output_rank));
            all.extend([tokens("window", Some(m.window)), width("ratio", m.ratio.unwrap_or(1))]);
            all.extend(index(m.indexer));
            all
        }
        recurrent => recurrent_sizes(recurrent),
    }
}

fn recurrent_sizes(mixer: &Mixer) -> Vec<Size> {
    let mut all = Vec::new();
    match mixer {
        Mixer::GatedDeltaNet(m) => {
            all.extend(heads("key_heads", m.key_heads, m.key_dim));
            all.extend(heads("value_heads", m.value_heads, m.value_dim));
            all.push(width("conv_width", m.conv_width));
        }
        Mixer::Kda(m) => {
            all.extend(heads("heads", m.heads, m.head_dim));
            all.extend([width("conv_width", m.conv_width), width("gate_rank", m.gate_rank.max(1))]);
        }
        Mixer::Lightning(m) => all.extend(heads("heads", m.heads, m.head_dim)),
        Mixer::Mamba1(m) => {
            all.extend([width("inner", m.inner), width("state", m.state)]);
            all.extend([width("dt_rank", m.dt_rank), width("conv_width", m.conv_width)]);
        }
        Mixer::Mamba2(m) => {
            all.extend(heads("heads", m.heads, m.head_dim));
            all.extend(heads("groups", m.groups, m.state));
            all.push(width("conv_width", m.conv_width));
        }
        _ => {}
    }
    all
}

/// Pairs where the second number must divide the first.
pub(super) fn mixer_divisions(mixer: &Mixer) -> Vec<(Size, Size)> {
    match mixer {
        Mixer::Gqa(m) => vec![(width("heads", m.heads), width("kv_heads", m.kv_heads))],
        Mixer::Compressed(m) => vec![(width("heads", m.heads), width("output_groups", m.output_groups))],
        Mixer::GatedDeltaNet(m) => {
            vec![(width("value_heads", m.value_heads), width("key_heads", m.key_heads))]
        }
        Mixer::Mamba2(m) => vec![(width("heads", m.heads), width("groups", m.groups))],
        _ => Vec::new(),
    }
}

/// What must be at least 1 and at most its limit.
pub(super) fn ffn_sizes(ffn: &Ffn) -> Vec<Size> {
    match ffn {
        Ffn::Dense(dense) => vec![width("intermediate", dense.intermediate)],
        Ffn::Moe(moe) => moe_sizes(moe).to_vec(),
    }
}

fn moe_sizes(moe: &Moe) -> [Size; 7] {
    let experts = |name, value| Size { name, value, limit: MAX_EXPERTS };
    [
        experts("experts", moe.experts),
        experts("experts_per_token", moe.experts_per_token),
        experts("shared_experts", moe.shared_experts.max(1)),
        width("intermediate", moe.intermediate),
        width("shared_intermediate", moe.shared_intermediate.max(1)),
        width("latent", moe.latent.unwrap_or(1)),
        width("dense_intermediate", moe.dense_intermediate.max(1)),
    ]
}
