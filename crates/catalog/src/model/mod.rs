//! A model as an architecture: what each layer is made of, and in which order the layers come.
//!
//! The record is here; what follows from it (parameters, cache, arithmetic) has one function each in `parameters`,
//! `cache` and `arithmetic`. Reading a Hugging Face `config.json` is `crate::hf_config`'s job.

mod arithmetic;
mod cache;
mod check;
mod compress;
mod compressed;
mod dtype;
mod ffn;
mod gqa;
mod layer;
mod mixer;
mod mla;
mod parameters;
mod pattern;
mod projection;
mod published;
mod recurrent;
mod sizes;
mod tagged;
mod to_toml;

pub use cache::CacheBytes;
pub use check::{MAX_CONTEXT, MAX_EXPERTS, MAX_VOCAB, MAX_WIDTH};
pub use compressed::Compressed;
pub use dtype::WeightDtype;
pub use ffn::{Dense, Ffn, Moe};
pub use gqa::{BlockIndexer, Gate, Gqa, QkNorm};
pub use layer::{LayerKind, Norm};
pub use mixer::Mixer;
pub use mla::{Indexer, Mla};
pub use parameters::LayerParameters;
pub use pattern::{MAX_LAYERS, Pattern, PatternError};
pub use projection::{Projection, Split};
pub use published::{ParameterCount, Published};
pub use recurrent::{GatedDeltaNet, Kda, Lightning, Linear, Mamba1, Mamba2};
pub use to_toml::to_toml;

use crate::{Basis, Fault, Kind, Provenance, Record};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tagged::{is_false, is_zero};

/// A language model's architecture. Widths and counts are per model, before any parallelism.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The name as people write it.
    pub name: String,
    /// Other names that stand for it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Width of the residual stream.
    pub hidden: u64,
    /// Rows of the embedding table.
    pub vocab: u64,
    /// The longest sequence that it was released for, in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_context: Option<u64>,
    /// The output projection is the embedding table itself.
    #[serde(default)]
    pub tied_embeddings: bool,
    /// Rows of a learned table of positions; 0 where positions are computed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub learned_positions: u64,
    /// The kind of norm before each half of a layer.
    #[serde(default, skip_serializing_if = "Norm::is_rms")]
    pub norm: Norm,
    /// A further norm after each half of a layer (Gemma).
    #[serde(default, skip_serializing_if = "is_false")]
    pub post_norm: bool,
    /// Mixer and feed-forward network read the same input and work side by side (GPT-J, Falcon).
    #[serde(default, skip_serializing_if = "is_false")]
    pub parallel_block: bool,
    /// Copies of the residual stream that hyper-connections mix; 0 is a plain residual (DeepSeek-V4 has 4).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub residual_streams: u64,
    /// Modules that predict further tokens (MTP).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mtp_layers: u64,
    /// The layer kinds of one such module; none named means one like the last layer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mtp_kinds: Vec<String>,
    /// Tokens that a step yields on average when these modules draft 1, 2, 3, ... tokens, the verified one included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mtp_accepted: Vec<f64>,
    /// The format in which weights are released.
    #[serde(default)]
    pub weight_dtype: WeightDtype,
    /// The format of the routed experts where it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expert_weight_dtype: Option<WeightDtype>,
    /// The format of the maker's own 8-bit checkpoint where `weight_dtype` is wider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fp8_weight_dtype: Option<WeightDtype>,
    /// The number of layers, to check the pattern against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer_count: Option<u64>,
    /// The layers in order, `["3 dense", "58 moe"]`.
    pub layers: Pattern,
    /// Who says so.
    #[serde(default = "unsourced")]
    pub source: String,
    /// How they know.
    #[serde(default = "by_user")]
    pub basis: Basis,
    /// What a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Source and basis of single fields that rest on something else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other_sources: BTreeMap<String, Provenance>,
    /// Parameter totals as their makers print them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Published>,
    /// What a layer of each kind is made of.
    pub layer_kinds: BTreeMap<String, LayerKind>,
}

fn unsourced() -> String {
    "not stated".to_owned()
}

fn by_user() -> Basis {
    Basis::User
}

impl Model {
    /// The layer kinds with the number of layers of each, in the order of first use.
    pub fn layer_counts(&self) -> impl Iterator<Item = (&str, &LayerKind, u64)> {
        let known = |(name, count)| self.layer_kinds.get(name).map(|kind| (name, kind, count));
        self.layers.counts().into_iter().filter_map(known)
    }

    /// What each layer is made of, first to last.
    pub fn layer_sequence(&self) -> Vec<&LayerKind> {
        self.layers.sequence().into_iter().filter_map(|name| self.layer_kinds.get(name)).collect()
    }

    /// Tokens that a step yields on average with so many drafted; with more than are known, as with the most known.
    pub fn accepted_per_step(&self, drafted: u32) -> Option<f64> {
        let index = (drafted as usize).min(self.mtp_accepted.len()).checked_sub(1)?;
        self.mtp_accepted.get(index).copied()
    }

    /// The layers of one MTP module.
    pub fn mtp_sequence(&self) -> Vec<&LayerKind> {
        match self.mtp_kinds.as_slice() {
            [] => self.layer_sequence().last().copied().into_iter().collect(),
            named => named.iter().filter_map(|name| self.layer_kinds.get(name)).collect(),
        }
    }
}

impl Record for Model {
    const KIND: Kind = Kind::Models;

    fn check(&self) -> Result<(), Fault> {
        check::check(self)
    }
}
