//! Attention and recurrence in a step: what generating sequences take, what chunks of prompts take.

use super::{Chosen, Counts, Work};
use crate::operators::attention_decode::{AttentionDecode, attention_decode};
use crate::operators::attention_linear::{LinearStep, linear_decode, linear_prefill};
use crate::operators::attention_mla_bmm::{MlaBmm, mla_bmm};
use crate::operators::attention_mla_decode::{MlaDecode, mla_decode};
use crate::operators::attention_mla_prefill::{MlaPrefill, mla_prefill};
use crate::operators::attention_prefill::{AttentionPrefill, attention_prefill};
use crate::operators::attention_sparse::{Scoring, SparseLatent, index, sparse_latent};
use crate::{Cost, Device};

/// The time of an operator over contexts; `None` where the step has nothing for it.
pub(super) fn cost(work: &Work, counts: &Counts, device: &Device) -> Option<Cost> {
    match work {
        Work::Decode { .. } | Work::MlaDecode { .. } | Work::MlaBmm { .. } => decode(work, counts, device),
        Work::Prefill { .. } | Work::MlaPrefill { .. } => prefill(work, counts, device),
        Work::Linear(_) | Work::Index { .. } | Work::Sparse { .. } => {
            let [decodes, prompts] = sequences(counts);
            let decoding = decodes.and_then(|part| over_all(work, &part, true, device));
            let prompting = prompts.and_then(|part| over_all(work, &part, false, device));
            match (decoding, prompting) {
                (Some(decoding), Some(prompting)) => Some(decoding.then(prompting)),
                (decoding, prompting) => decoding.or(prompting),
            }
        }
        _ => None,
    }
}

/// Operators over what each generating sequence has in the cache.
fn decode(work: &Work, counts: &Counts, device: &Device) -> Option<Cost> {
    if counts.decodes <= 0.0 {
        return None;
    }
    // Several positions of a sequence share its keys, as more heads would.
    let verified = counts.decode_tokens / counts.decodes;
    let keys = |limit: f64| counts.context.min(limit).max(1.0);
    match work {
        Work::Decode { shape, limit, constants } => {
            let (batch, kv_len, q_heads) = (counts.decodes, keys(*limit), shape.q_heads * verified);
            Some(attention_decode(&AttentionDecode { batch, kv_len, q_heads, ..*shape }, device, constants))
        }
        Work::MlaDecode { shape, limit, constants } => {
            let (batch, kv_len, heads) = (counts.decodes, keys(*limit), shape.heads * verified);
            Some(mla_decode(&MlaDecode { batch, kv_len, heads, ..*shape }, device, constants))
        }
        Work::MlaBmm { shape, constants } => {
            Some(mla_bmm(&MlaBmm { tokens: counts.decode_tokens, ..*shape }, device, constants))
        }
        _ => None,
    }
}

/// Operators over chunks of prompts and what is cached before them.
fn prefill(work: &Work, counts: &Counts, device: &Device) -> Option<Cost> {
    if counts.prompts <= 0.0 {
        return None;
    }
    let (batch, tokens, prefix) = (counts.prompts, counts.chunk, counts.prefix);
    match work {
        Work::Prefill { shape, constants } => {
            Some(attention_prefill(&AttentionPrefill { batch, tokens, prefix, ..*shape }, device, constants))
        }
        Work::MlaPrefill { shape, constants, chosen } => {
            let whole = MlaPrefill { batch, tokens, prefix, ..*shape };
            let sparse = chosen.as_ref().filter(|chosen| tokens + prefix > chosen.top_k);
            let dense = || mla_prefill(&whole, device, constants);
            Some(sparse.map_or_else(dense, |chosen| over_chosen(&whole, chosen, device)))
        }
        _ => None,
    }
}

/// Queries of prompts over the latents chosen for each, as engines run it where there are more than that; with fewer they
/// unfold all. Folding queries in and results out takes the arithmetic of unfolding, which is counted for all prompts.
fn over_chosen(shape: &MlaPrefill, chosen: &Chosen, device: &Device) -> Cost {
    let MlaPrefill { batch, tokens, prefix, heads, latent, .. } = *shape;
    let Chosen { top_k, kv_bytes, ref constants } = *chosen;
    let kv_len = tokens + prefix;
    let (ratio, top_k) = (Some(1.0), Some(top_k));
    let sparse = SparseLatent {
        batch,
        tokens,
        kv_len,
        heads,
        latent,
        kv_bytes,
        window: 0.0,
        ratio,
        top_k,
        indexer: None,
    };
    sparse_latent(&sparse, device, constants)
}

/// Sequences with new tokens: so many, how many new tokens each, and how many tokens with them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sequences {
    pub(crate) batch: f64,
    pub(crate) tokens: f64,
    pub(crate) kv_len: f64,
}

/// Those that generate, and prompts; `None` where the step has none.
pub(crate) fn sequences(counts: &Counts) -> [Option<Sequences>; 2] {
    let of = |batch: f64, tokens: f64, kv_len: f64| {
        (batch > 0.0).then(|| Sequences { batch, tokens, kv_len: kv_len.max(tokens).max(1.0) })
    };
    [
        of(counts.decodes, counts.decode_tokens / counts.decodes.max(1e-9), counts.context),
        of(counts.prompts, counts.chunk, counts.prefix + counts.chunk),
    ]
}

/// Operators that treat generating sequences and prompts alike, or nearly.
fn over_all(work: &Work, part: &Sequences, generates: bool, device: &Device) -> Option<Cost> {
    let Sequences { batch, tokens, kv_len } = *part;
    match work {
        Work::Linear(mixer) => {
            let step = LinearStep { mixer: *mixer, batch, tokens, replayed: true };
            Some(if generates { linear_decode(&step, device) } else { linear_prefill(&step, device) })
        }
        Work::Index { indexer, ratio } => {
            Some(index(&Scoring { batch, tokens, kv_len, ratio: *ratio }, indexer, device))
        }
        Work::Sparse { shape, constants } => {
            Some(sparse_latent(&SparseLatent { batch, tokens, kv_len, ..*shape }, device, constants))
        }
        _ => None,
    }
}
