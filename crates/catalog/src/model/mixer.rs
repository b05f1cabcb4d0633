//! What mixes tokens in a layer: some kind of attention, or a recurrence.

use super::compressed::Compressed;
use super::gqa::Gqa;
use super::mla::Mla;
use super::projection::Projection;
use super::recurrent::{GatedDeltaNet, Kda, Lightning, Linear, Mamba1, Mamba2};
use super::tagged::{rest, take_kind};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// The token mixer of a layer.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Mixer {
    /// Grouped-query attention, MHA and MQA included.
    Gqa(Gqa),
    /// Multi-head latent attention.
    Mla(Mla),
    /// Attention over compressed entries.
    Compressed(Compressed),
    /// Gated DeltaNet.
    GatedDeltaNet(GatedDeltaNet),
    /// Kimi Delta Attention.
    Kda(Kda),
    /// Lightning attention.
    Lightning(Lightning),
    /// Mamba.
    Mamba1(Mamba1),
    /// Mamba-2.
    Mamba2(Mamba2),
    /// A linear layer, without any mixing of tokens.
    Linear(Linear),
}

const KINDS: [&str; 9] =
    ["gqa", "mla", "compressed", "gated_delta_net", "kda", "lightning", "mamba1", "mamba2", "linear"];

impl<'de> Deserialize<'de> for Mixer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = toml::Table::deserialize(deserializer)?;
        match take_kind::<D::Error>(&mut table, &KINDS)?.as_str() {
            "gqa" => rest(table).map(Mixer::Gqa),
            "mla" => rest(table).map(Mixer::Mla),
            "compressed" => rest(table).map(Mixer::Compressed),
            "gated_delta_net" => rest(table).map(Mixer::GatedDeltaNet),
            "kda" => rest(table).map(Mixer::Kda),
            "lightning" => rest(table).map(Mixer::Lightning),
            "mamba1" => rest(table).map(Mixer::Mamba1),
            "mamba2" => rest(table).map(Mixer::Mamba2),
            _ => rest(table).map(Mixer::Linear),
        }
    }
}

impl Mixer {
    /// The weight matrices for a model of width `hidden`: the GEMMs of the layer.
    pub fn projections(&self, hidden: u64) -> Vec<Projection> {
        match self {
            Mixer::Gqa(m) => m.projections(hidden),
            Mixer::Mla(m) => m.projections(hidden),
            Mixer::Compressed(m) => m.projections(hidden),
            Mixer::GatedDeltaNet(m) => m.projections(hidden),
            Mixer::Kda(m) => m.projections(hidden),
            Mixer::Lightning(m) => m.projections(hidden),
            Mixer::Mamba1(m) => m.projections(hidden),
            Mixer::Mamba2(m) => m.projections(hidden),
            Mixer::Linear(m) => m.projections(hidden),
        }
    }

    /// All weights of the mixer: its matrices, convolutions, biases and norms.
    pub fn parameters(&self, hidden: u64) -> u64 {
        match self {
            Mixer::Gqa(m) => m.parameters(hidden),
            Mixer::Mla(m) => m.parameters(hidden),
            Mixer::Compressed(m) => m.parameters(hidden),
            Mixer::GatedDeltaNet(m) => m.parameters(hidden),
            Mixer::Kda(m) => m.parameters(hidden),
            Mixer::Lightning(m) => m.parameters(hidden),
            Mixer::Mamba1(m) => m.parameters(hidden),
            Mixer::Mamba2(m) => m.parameters(hidden),
            Mixer::Linear(m) => m.parameters(hidden),
        }
    }

    /// Elements that each further token adds to the cache for good; a window does not grow, nor does a state.
    pub fn kv_growth(&self) -> f64 {
        match self {
            Mixer::Gqa(m) if m.reach().is_some() => 0.0,
            Mixer::Gqa(m) => m.kv_elements() as f64,
            Mixer::Mla(m) => m.kv_elements() as f64,
            Mixer::Compressed(m) => m.kv_growth(),
            _ => 0.0,
        }
    }

    /// Elements in the cache after `tokens` tokens: windows and chunks stop growing at their width.
    pub fn kv_elements(&self, tokens: u64) -> u64 {
        match self {
            Mixer::Gqa(m) => {
                m.kv_elements().saturating_mul(m.reach().map_or(tokens, |reach| reach.min(tokens)))
            }
            Mixer::Mla(m) => m.kv_elements().saturating_mul(tokens),
            Mixer::Compressed(m) => m.kv_elements(tokens),
            _ => 0,
        }
    }

    /// Elements that each further token adds to the cache of index keys.
    pub fn index_growth(&self) -> f64 {
        match self {
            Mixer::Gqa(m) => m.block_indexer.map_or(0.0, |index| index.head_dim as f64),
            Mixer::Mla(m) => m.indexer.map_or(0.0, |index| index.key_elements() as f64),
            Mixer::Compressed(m) => m.index_growth(),
            _ => 0.0,
        }
    }

    /// Elements in the cache of index keys after `tokens` tokens.
    pub fn index_elements(&self, tokens: u64) -> u64 {
        match self {
            Mixer::Gqa(m) => m.block_indexer.map_or(0, |index| index.head_dim.saturating_mul(tokens)),
            Mixer::Mla(m) => m.indexer.map_or(0, |index| index.key_elements().saturating_mul(tokens)),
            Mixer::Compressed(m) => m.index_elements(tokens),
            _ => 0,
        }
    }

    /// Elements of the recurrent state of a sequence, whatever its length.
    pub fn state_elements(&self) -> u64 {
        match self {
            Mixer::GatedDeltaNet(m) => m.state_elements(),
            Mixer::Kda(m) => m.state_elements(),
            Mixer::Lightning(m) => m.state_elements(),
            Mixer::Mamba1(m) => m.state_elements(),
            Mixer::Mamba2(m) => m.state_elements(),
            _ => 0,
        }
    }

    /// Elements that the causal convolutions keep: `conv_width - 1` earlier inputs per channel.
    pub fn conv_elements(&self) -> u64 {
        let (channels, width) = match self {
            Mixer::GatedDeltaNet(m) => (m.conv_channels(), m.conv_width),
            Mixer::Kda(m) => (m.conv_channels(), m.conv_width),
            Mixer::Mamba1(m) => (m.inner, m.conv_width),
            Mixer::Mamba2(m) => (m.conv_channels(), m.conv_width),
            _ => (0, 0),
        };
        channels * width.saturating_sub(1)
    }

    /// FLOPs of one token beyond the weight matrices, at a context of `tokens`.
    ///
    /// Attention is scores and weighted values over what is attended. A recurrence decays, updates and reads its
    /// state once per token, two FLOPs each per element.
    pub fn attention_flops(&self, tokens: f64) -> f64 {
        match self {
            Mixer::Gqa(m) => m.attention_flops(tokens),
            Mixer::Mla(m) => m.attention_flops(tokens),
            Mixer::Compressed(m) => m.attention_flops(tokens),
            recurrent => 6.0 * recurrent.state_elements() as f64,
        }
    }
}
