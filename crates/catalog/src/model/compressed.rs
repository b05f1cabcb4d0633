//! The attention of DeepSeek-V4: one shared key/value head over entries that each stand for several tokens,
//! beside a short window of single tokens.

use super::mla::Indexer;
use super::projection::{Projection, Split, weights};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Attention over compressed entries: with an indexer it is "CSA", without one "HCA"; without a ratio only the
/// window remains.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Compressed {
    /// Query heads; there is one head that serves as key and as value.
    pub heads: u64,
    /// Width of a head, positions included.
    pub head_dim: u64,
    /// The part of `head_dim` that carries positions.
    pub rope_dim: u64,
    /// Rank of the query latent.
    pub q_rank: u64,
    /// Groups of heads whose outputs are projected apart.
    pub output_groups: u64,
    /// Width to which each group is projected.
    pub output_rank: u64,
    /// Single tokens that are attended beside the compressed entries.
    pub window: u64,
    /// Tokens per compressed entry; absent where the window is all there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<u64>,
    /// Chooses the compressed entries that are attended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexer: Option<Indexer>,
}

impl Compressed {
    /// The weight matrices for a model of width `hidden`.
    pub fn projections(&self, hidden: u64) -> Vec<Projection> {
        let inner = self.heads * self.head_dim;
        let group = Projection {
            count: self.output_groups,
            ..Projection::new(
                "output_group",
                inner / self.output_groups.max(1),
                self.output_rank,
                Split::Outputs,
            )
        };
        let mut all = vec![
            Projection::new("query_down", hidden, self.q_rank, Split::Replicated),
            Projection::new("query_up", self.q_rank, inner, Split::Outputs),
            Projection::new("kv", hidden, self.head_dim, Split::Replicated),
            group,
            Projection::new("output", self.output_groups * self.output_rank, hidden, Split::Inputs),
        ];
        if self.ratio.is_some() {
            all.extend(self.compressor("compress", hidden, self.head_dim));
        }
        if let Some(indexer) = self.indexer.filter(|indexer| indexer.present) {
            let queries = indexer.heads * indexer.head_dim;
            all.push(Projection::new("index_query", self.q_rank, queries, Split::Replicated));
            all.push(Projection::new("index_weight", hidden, indexer.heads, Split::Replicated));
            all.extend(self.compressor("index_compress", hidden, indexer.head_dim));
        }
        all
    }

    /// The value and weight maps of a compressor of width `width`. Where an indexer chooses entries they overlap
    /// by half, for which both maps are twice as wide.
    fn compressor(&self, name: &'static str, hidden: u64, width: u64) -> [Projection; 2] {
        let matrix = Projection::new(name, hidden, self.overlap() * width, Split::Replicated);
        [matrix, matrix]
    }

    fn overlap(&self) -> u64 {
        if self.indexer.is_some() { 2 } else { 1 }
    }

    /// All weights: the matrices, the norms of both latents, the position table of each compressor, the sinks.
    pub(super) fn parameters(&self, hidden: u64) -> u64 {
        let ratio = self.ratio.unwrap_or(0);
        let index = self.indexer.map_or(0, |indexer| indexer.key_elements());
        let tables = self.overlap() * ratio * (self.head_dim + index);
        weights(&self.projections(hidden)) + self.q_rank + 2 * self.head_dim + index + tables + self.heads
    }

    /// Cached elements per further token in the long run: `head_dim / ratio`.
    pub(super) fn kv_growth(&self) -> f64 {
        self.ratio.map_or(0.0, |ratio| self.head_dim as f64 / ratio as f64)
    }

    /// Cached index elements per further token in the long run.
    pub(super) fn index_growth(&self) -> f64 {
        let keys = self.indexer.map_or(0, |indexer| indexer.key_elements()) as f64;
        self.ratio.map_or(0.0, |ratio| keys / ratio as f64)
    }

    /// Cached elements after `tokens` tokens: the window's, and one entry for each whole group.
    pub(super) fn kv_elements(&self, tokens: u64) -> u64 {
        self.head_dim.saturating_mul(tokens.min(self.window).saturating_add(self.entries(tokens)))
    }

    /// Cached index elements after `tokens` tokens.
    pub(super) fn index_elements(&self, tokens: u64) -> u64 {
        self.entries(tokens).saturating_mul(self.indexer.map_or(0, |indexer| indexer.key_elements()))
    }

    fn entries(&self, tokens: u64) -> u64 {
        self.ratio.map_or(0, |ratio| tokens / ratio.max(1))
    }

    /// FLOPs of one token's attention: `4 · heads · head_dim` for each attended token or entry, and the indexer's
    /// scores over all entries.
    pub(super) fn attention_flops(&self, tokens: f64) -> f64 {
        let entries = self.ratio.map_or(0.0, |ratio| tokens / ratio as f64);
        let chosen = self.indexer.map_or(entries, |indexer| entries.min(indexer.top_k as f64));
        let attended = tokens.min(self.window as f64) + chosen;
        let scores = self.indexer.map_or(0.0, |indexer| indexer.flops(entries));
        (4 * self.heads * self.head_dim) as f64 * attended + scores
    }
}
