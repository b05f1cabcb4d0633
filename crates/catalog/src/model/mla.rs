//! Multi-head latent attention (DeepSeek-V2 and later), and the indexer that makes it sparse.

use super::gqa::Gate;
use super::projection::{Projection, Split, weights};
use super::tagged::is_false;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Multi-head latent attention: keys and values of all heads come from one cached latent vector.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mla {
    /// Query heads.
    pub heads: u64,
    /// Rank of the query latent; absent where queries are projected directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q_rank: Option<u64>,
    /// Rank of the cached latent.
    pub kv_rank: u64,
    /// Width of the part that carries positions, shared by all heads and cached beside the latent.
    pub rope_dim: u64,
    /// Width of a query and key head without positions.
    pub nope_dim: u64,
    /// Width of a value head.
    pub value_dim: u64,
    /// The attention output is multiplied by a gate.
    #[serde(default, skip_serializing_if = "is_no_gate")]
    pub output_gate: Gate,
    /// The query, key and value projections have biases.
    #[serde(default, skip_serializing_if = "is_false")]
    pub bias: bool,
    /// Chooses the tokens that are attended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexer: Option<Indexer>,
}

fn is_no_gate(gate: &Gate) -> bool {
    *gate == Gate::None
}

/// Scores all earlier tokens cheaply and keeps the best (DeepSeek sparse attention).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Indexer {
    /// Index query heads; there is one index key head.
    pub heads: u64,
    /// Width of an index head.
    pub head_dim: u64,
    /// Tokens (or compressed entries) that are attended.
    pub top_k: u64,
    /// Whether this layer has its own indexer; without one it attends to what an earlier layer chose.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub present: bool,
}

fn yes() -> bool {
    true
}

fn is_true(flag: &bool) -> bool {
    *flag
}

impl Indexer {
    /// The matrices of an indexer whose queries come from a latent of `query_rank`.
    pub(super) fn projections(&self, hidden: u64, query_rank: u64) -> Vec<Projection> {
        if !self.present {
            return Vec::new();
        }
        vec![
            Projection::new("index_query", query_rank, self.heads * self.head_dim, Split::Replicated),
            Projection::new("index_key", hidden, self.head_dim, Split::Replicated),
            Projection::new("index_weight", hidden, self.heads, Split::Replicated),
        ]
    }

    /// FLOPs to score `entries` keys: `2 · heads · head_dim · entries`.
    pub(super) fn flops(&self, entries: f64) -> f64 {
        if self.present { (2 * self.heads * self.head_dim) as f64 * entries } else { 0.0 }
    }

    /// Cached elements per key.
    pub(super) fn key_elements(&self) -> u64 {
        if self.present { self.head_dim } else { 0 }
    }
}

impl Mla {
    /// The weight matrices for a model of width `hidden`; `kv_up` becomes two per-head products when absorbed.
    pub fn projections(&self, hidden: u64) -> Vec<Projection> {
        let queries = self.heads * (self.nope_dim + self.rope_dim);
        let mut all = match self.q_rank {
            None => vec![Projection::new("query", hidden, queries, Split::Outputs)],
            Some(rank) => vec![
                Projection::new("query_down", hidden, rank, Split::Replicated),
                Projection::new("query_up", rank, queries, Split::Outputs),
            ],
        };
        let up = self.heads * (self.nope_dim + self.value_dim);
        all.push(Projection::new("kv_down", hidden, self.kv_rank + self.rope_dim, Split::Replicated));
        all.push(Projection::new("kv_up", self.kv_rank, up, Split::Outputs));
        if self.output_gate != Gate::None {
            let width = self.output_gate.width(self.heads, self.value_dim);
            all.push(Projection::new("gate", hidden, width, Split::Outputs));
        }
        all.push(Projection::new("output", self.heads * self.value_dim, hidden, Split::Inputs));
        if let Some(indexer) = self.indexer {
            all.extend(indexer.projections(hidden, self.q_rank.unwrap_or(hidden)));
        }
        all
    }

    /// All weights: the matrices, the norms of both latents and the layer norm of the index keys.
    pub(super) fn parameters(&self, hidden: u64) -> u64 {
        let index_norm = self.indexer.map_or(0, |indexer| 2 * indexer.key_elements());
        let norms = self.q_rank.unwrap_or(0) + self.kv_rank + index_norm;
        let biases = if self.bias { self.q_rank.unwrap_or(0) + self.kv_rank + self.rope_dim } else { 0 };
        weights(&self.projections(hidden)) + norms + biases
    }

    /// Cached elements per token: `kv_rank + rope_dim`, whatever the number of heads.
    pub(super) fn kv_elements(&self) -> u64 {
        self.kv_rank + self.rope_dim
    }

    /// Tokens that a query at context `tokens` attends to.
    pub(super) fn attended(&self, tokens: f64) -> f64 {
        self.indexer.map_or(tokens, |indexer| tokens.min(indexer.top_k as f64))
    }

    /// FLOPs of one token's attention over expanded heads, as in prefill and as model FLOPs are counted:
    /// `2 · heads · (nope_dim + rope_dim + value_dim) · attended`, and the indexer's scores over all tokens.
    pub(super) fn attention_flops(&self, tokens: f64) -> f64 {
        let per_token = 2 * self.heads * (self.nope_dim + self.rope_dim + self.value_dim);
        per_token as f64 * self.attended(tokens) + self.index_flops(tokens)
    }

    /// FLOPs of one token's attention on the latent itself, as decoding kernels do it:
    /// `2 · heads · (2 · kv_rank + rope_dim) · attended`, and the indexer's scores over all tokens.
    pub fn absorbed_attention_flops(&self, tokens: f64) -> f64 {
        let per_token = 2 * self.heads * (2 * self.kv_rank + self.rope_dim);
        per_token as f64 * self.attended(tokens) + self.index_flops(tokens)
    }

    fn index_flops(&self, tokens: f64) -> f64 {
        self.indexer.map_or(0.0, |indexer| indexer.flops(tokens))
    }
}
