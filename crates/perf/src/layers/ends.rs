//! What comes before and after the layers: embedding, joining of a speculative module, output projection, choice.

use super::Parts;
use crate::work::Rows;
use rackplan_catalog::model::WeightDtype;

/// Passes over the logits in 32 bits, and the kernels of softmax, sorting and choice. Estimates.
const LOGIT_PASSES: f64 = 3.0;
const CHOICE_KERNELS: f64 = 5.0;

/// The row of each token, and the sum over ranks that each have a part of the table.
pub(super) fn embed(parts: &mut Parts) {
    parts.pass("embedding", Rows::Tokens, 2.0 * 2.0 * parts.hidden(), 1.0);
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
    parts.pass("sampling", Rows::Sampled, LOGIT_PASSES * 4.0 * vocab, CHOICE_KERNELS);
}
