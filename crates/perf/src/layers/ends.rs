//! What comes before and after the layers: embedding, joining of a speculative module, output projection, choice, and
//! what the host does with it.

use super::Parts;
use crate::operators::embedding::Embedding;
use crate::operators::sampling::{Method, Sampling};
use crate::work::{Rows, Work};
use rackplan_catalog::model::WeightDtype;

/// The row of each token, and the sum over ranks that each have a part of the table.
pub(super) fn embed(parts: &mut Parts) {
    let shape = Embedding { tokens: 0.0, hidden: parts.hidden(), element_bytes: 2.0, replayed: true };
    parts.unmeasured("embedding", Work::Embed(shape));
    parts.all_reduce("all_reduce_embedding");
}

/// The map from the last hidden state and the next token's embedding to one vector.
pub(super) fn join(parts: &mut Parts) {
    let hidden = parts.hidden();
    parts.gemm("draft_join", Rows::Tokens, (hidden, 2.0 * hidden), WeightDtype::Bf16);
}

/// Last norm, output projection, gathering of its parts, and the choice of a token.
pub(super) fn choose(parts: &mut Parts) {
    let (hidden, vocab) = (parts.hidden(), parts.deployment.model.vocab as f64);
    parts.norm("norm_last");
    parts.gemm("lm_head", Rows::Sampled, (vocab / parts.tp(), hidden), WeightDtype::Bf16);
    parts.gather_sampled("gather_logits", vocab);
    // Benchmarks of serving take the likeliest token.
    let shape = Sampling { sequences: 0.0, vocab, method: Method::Greedy, replayed: true };
    parts.unmeasured("sampling", Work::Sample(shape));
}

/// What the host does for each sequence of a step, drafts or not.
pub(super) fn host(parts: &mut Parts) {
    let rows = 1.0 + f64::from(parts.deployment.draft_tokens);
    let row_us = parts.host_us() / rows;
    if row_us > 0.0 {
        parts.unmeasured("host", Work::Host { row_us });
    }
}
