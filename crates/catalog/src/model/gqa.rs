//! Grouped-query attention and its variants: windows, chunks, gates, sinks, block-sparse selection.

use super::projection::{Projection, Split, weights};
use super::tagged::is_false;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Grouped-query attention; with as many key heads as query heads it is MHA, with one it is MQA.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gqa {
    /// Query heads.
    pub heads: u64,
    /// Key and value heads.
    pub kv_heads: u64,
    /// Width of a query and key head.
    pub head_dim: u64,
    /// Width of a value head where it is not `head_dim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_dim: Option<u64>,
    /// A token sees only the last so many tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u64>,
    /// A token sees only its own chunk of so many tokens (Llama 4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk: Option<u64>,
    /// The attention output is multiplied by a gate computed from the layer's input.
    #[serde(default, skip_serializing_if = "Gate::is_none")]
    pub output_gate: Gate,
    /// The query, key and value projections have biases.
    #[serde(default, skip_serializing_if = "is_false")]
    pub bias: bool,
    /// The output projection has a bias.
    #[serde(default, skip_serializing_if = "is_false")]
    pub output_bias: bool,
    /// Queries and keys are normalised.
    #[serde(default, skip_serializing_if = "QkNorm::is_none")]
    pub qk_norm: QkNorm,
    /// Keys serve as values too: one projection, one cached tensor (Gemma 4's full layers).
    #[serde(default, skip_serializing_if = "is_false")]
    pub shared_kv: bool,
    /// Each head has a learned logit that takes part in the softmax (gpt-oss).
    #[serde(default, skip_serializing_if = "is_false")]
    pub sinks: bool,
    /// A small indexer chooses which blocks of keys are attended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_indexer: Option<BlockIndexer>,
}

/// What gates the attention output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// No gate.
    #[default]
    None,
    /// One factor per channel of every head.
    Channel,
    /// One factor per head.
    Head,
}

impl Gate {
    fn is_none(&self) -> bool {
        *self == Gate::None
    }

    /// Width of the gate vector of `heads` heads.
    pub(super) fn width(self, heads: u64, value_dim: u64) -> u64 {
        match self {
            Gate::None => 0,
            Gate::Channel => heads * value_dim,
            Gate::Head => heads,
        }
    }
}

/// Normalisation of queries and keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QkNorm {
    /// None, or one without weights.
    #[default]
    None,
    /// Each head by itself, with weights shared by the heads.
    Head,
    /// All heads together, with a weight per channel.
    Layer,
}

impl QkNorm {
    fn is_none(&self) -> bool {
        *self == QkNorm::None
    }
}

/// Chooses whole blocks of keys (MiniMax-M3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockIndexer {
    /// Index query heads; there is one index key head.
    pub heads: u64,
    /// Width of an index head.
    pub head_dim: u64,
    /// Keys per block.
    pub block: u64,
    /// Blocks that are attended.
    pub top_blocks: u64,
}

impl Gqa {
    /// Width of a value head.
    pub fn value_dim(&self) -> u64 {
        self.value_dim.unwrap_or(self.head_dim)
    }

    /// The most tokens a query sees, where that is bounded by a window or chunk.
    pub fn reach(&self) -> Option<u64> {
        self.window.or(self.chunk)
    }

    /// The weight matrices for a model of width `hidden`.
    pub fn projections(&self, hidden: u64) -> Vec<Projection> {
        let (queries, values) = (self.heads * self.head_dim, self.heads * self.value_dim());
        let mut all = vec![
            Projection::new("query", hidden, queries, Split::Outputs),
            Projection::new("key", hidden, self.kv_heads * self.head_dim, Split::KvHeads),
        ];
        if !self.shared_kv {
            all.push(Projection::new("value", hidden, self.kv_heads * self.value_dim(), Split::KvHeads));
        }
        if self.output_gate != Gate::None {
            let width = self.output_gate.width(self.heads, self.value_dim());
            all.push(Projection::new("gate", hidden, width, Split::Outputs));
        }
        all.push(Projection::new("output", values, hidden, Split::Inputs));
        if let Some(index) = self.block_indexer {
            let queries = index.heads * index.head_dim;
            all.push(Projection::new("index_query", hidden, queries, Split::Replicated));
            all.push(Projection::new("index_key", hidden, index.head_dim, Split::Replicated));
        }
        all
    }

    /// All weights: the matrices, biases, norms and sinks.
    pub(super) fn parameters(&self, hidden: u64) -> u64 {
        weights(&self.projections(hidden)) + self.vectors(hidden)
    }

    fn vectors(&self, hidden: u64) -> u64 {
        let kv_tensors = if self.shared_kv { 0 } else { self.kv_heads * self.value_dim() };
        let biases = (self.heads + self.kv_heads) * self.head_dim + kv_tensors;
        let norms = match self.qk_norm {
            QkNorm::None => 0,
            QkNorm::Head => 2 * self.head_dim,
            QkNorm::Layer => (self.heads + self.kv_heads) * self.head_dim,
        };
        let on = |flag: bool, count: u64| if flag { count } else { 0 };
        on(self.bias, biases) + on(self.output_bias, hidden) + norms + on(self.sinks, self.heads)
    }

    /// Cached elements per token: keys and values of each head, one tensor where they are the same.
    pub(super) fn kv_elements(&self) -> u64 {
        let values = if self.shared_kv { 0 } else { self.value_dim() };
        self.kv_heads * (self.head_dim + values)
    }

    /// Tokens that a query at context `tokens` attends to.
    pub(super) fn attended(&self, tokens: f64) -> f64 {
        let blocks = self.block_indexer.map(|index| index.block * index.top_blocks);
        [self.reach(), blocks].iter().flatten().fold(tokens, |seen, limit| seen.min(*limit as f64))
    }

    /// FLOPs of one token's attention: `2 · heads · (head_dim + value_dim) · attended`, and the indexer's scores.
    pub(super) fn attention_flops(&self, tokens: f64) -> f64 {
        let index = self.block_indexer.map_or(0, |index| 2 * index.heads * index.head_dim);
        let per_token = 2 * self.heads * (self.head_dim + self.value_dim());
        per_token as f64 * self.attended(tokens) + index as f64 * tokens
    }
}
