//! Attention to some of the context: chosen tokens or blocks, and entries that stand for several tokens.
//!
//! An indexer scores everything cheaply, a selection keeps the best, and the kernel of `attention_mla_decode`,
//! `attention_decode` or `attention_prefill` runs over what was kept. None of it was measured.

use super::attention_decode::{AttentionDecode, AttentionDecodeConstants, attention_decode};
use super::attention_mla_decode::{Latent, MlaDecode, MlaDecodeConstants, mla_decode};
use super::attention_prefill::{AttentionPrefill, AttentionPrefillConstants, attention_prefill};
use super::estimates::{PASS_SHARE, launches_us, longest, moved_us};
use crate::{Bound, Cost, Device};
use rackplan_catalog::Format;

/// What scores keys for every query: a few heads of its own, with one key head. It is the same on every rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Indexer {
    /// Heads.
    pub heads: f64,
    /// Width of a head.
    pub head_dim: f64,
    /// Keys (tokens or entries) that are kept; blocks times their size where whole blocks are.
    pub top_k: f64,
    /// Which arithmetic scores: fp8 in DeepSeek's kernels.
    pub arithmetic: Format,
    /// Bytes of an index key's number, scales included.
    pub key_bytes: f64,
    /// Whether it is replayed from a graph.
    pub replayed: bool,
}

/// Queries and keys of one scoring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scoring {
    /// Sequences.
    pub batch: f64,
    /// New tokens of each.
    pub tokens: f64,
    /// Tokens of each, the new ones included.
    pub kv_len: f64,
    /// Tokens that an index key stands for: 1 unless entries are compressed.
    pub ratio: f64,
}

/// Latent attention to part of the context: DeepSeek-V3.2, and the compressed attention of DeepSeek-V4.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SparseLatent {
    /// Sequences.
    pub batch: f64,
    /// New tokens of each.
    pub tokens: f64,
    /// Tokens of each in the cache, the new ones included.
    pub kv_len: f64,
    /// Query heads of the rank.
    pub heads: f64,
    /// Sizes; where one vector serves as key and value, `rank` is its width and `rope_dim` 0.
    pub latent: Latent,
    /// Bytes of a number in the cache.
    pub kv_bytes: f64,
    /// Latest tokens that are attended in any case; 0 for none.
    pub window: f64,
    /// Tokens that an entry stands for: 1 where every token is one; `None` where there is only the window.
    pub ratio: Option<f64>,
    /// Entries that are kept of all; `None` for all.
    pub top_k: Option<f64>,
    /// Scores them in this layer; `None` where all are attended or an earlier layer chose.
    pub indexer: Option<Indexer>,
}

/// Share of the peak that scoring reaches: narrow heads, and a weighted sum over them. Estimate.
pub(crate) const SCORE_SHARE: f64 = 0.5;
/// Bytes of a score: fp32.
const SCORE: f64 = 4.0;
/// Passes over the scores: written, and read twice by a radix selection. Estimate.
const SCORE_PASSES: f64 = 3.0;
/// Kernels: queries quantised, scores, selection. Estimate.
pub(crate) const LAUNCHES: f64 = 3.0;

/// Time of scoring all keys for every query and keeping the best.
///
/// t = 3 launches · 2 us · phi + max(2 H D Q K / (0.5 P), b S D w / (0.7 W)) + 3 · 4 Q K / (0.7 W)
///
/// H index heads of width D, b sequences of S keys (their tokens over the ratio) with w bytes a number, Q = b T queries
/// of which each sees K keys on average ((tokens - (T - 1) / 2) over the ratio), P peak of the arithmetic in FLOP/s, W memory bandwidth in bytes/s, phi as in `elementwise`.
/// Nothing but the launches where all keys are kept. Unvalidated: constants are estimates. Source: DeepSeek-V3.2 report
/// (2025), section 2.1.
pub fn index(shape: &Scoring, indexer: &Indexer, device: &Device) -> Cost {
    let Scoring { batch, tokens, kv_len, ratio } = *shape;
    let latency = launches_us(LAUNCHES, indexer.replayed, device);
    if kv_len / ratio <= indexer.top_k {
        return Cost::of_microseconds(0.0, Bound::Memory, latency);
    }
    let scores = batch * tokens * mean_seen(kv_len, tokens, f64::INFINITY) / ratio;
    let flops = 2.0 * indexer.heads * indexer.head_dim * scores;
    let compute = flops / (device.peak(indexer.arithmetic) * SCORE_SHARE) * 1e6;
    let key_bytes = batch * kv_len / ratio * indexer.head_dim * indexer.key_bytes;
    let keys = moved_us(key_bytes, PASS_SHARE, device);
    let selection = moved_us(SCORE_PASSES * SCORE * scores, PASS_SHARE, device);
    let (scoring, bound) = longest(&[(compute, Bound::Compute), (keys, Bound::Memory)]);
    let bound = if selection > scoring { Bound::Memory } else { bound };
    Cost::of_microseconds(scoring + selection, bound, latency)
}

/// Time of latent attention to part of the context, decode and prefill alike.
///
/// t = index + [`mla_decode`] of b T sequences over A keys each, A the mean over the new tokens' positions p of
/// min(p, window) + min(p / ratio, `top_k`)
///
/// Every query gathers keys of its own, as sparse kernels do in prefill too, so that a prefill is a decode of as many
/// sequences as it has tokens. Projections and absorption are elsewhere. Unvalidated. Source: DeepSeek-V3.2 report (2025),
/// section 2.1 for chosen tokens, DeepSeek-V4 for window and entries; `constants` are those of dense decode.
pub fn sparse_latent(shape: &SparseLatent, device: &Device, constants: &MlaDecodeConstants) -> Cost {
    let SparseLatent { batch, tokens, kv_len, heads, latent, kv_bytes, .. } = *shape;
    let attended = attended(shape);
    let dense = MlaDecode { batch: batch * tokens, kv_len: attended, heads, latent, kv_bytes };
    let attention = mla_decode(&dense, device, constants);
    let Some((indexer, ratio)) = shape.indexer.zip(shape.ratio) else { return attention };
    let scoring = Scoring { batch, tokens, kv_len, ratio };
    attention.then(index(&scoring, &indexer, device))
}

/// Time of grouped-query decode over chosen blocks.
///
/// t = index + [`attention_decode`] over min(S, `top_k`) keys. Unvalidated; `constants` are those of dense decode.
pub fn sparse_decode(
    shape: &AttentionDecode,
    indexer: &Indexer,
    device: &Device,
    constants: &AttentionDecodeConstants,
) -> Cost {
    let kept = AttentionDecode { kv_len: shape.kv_len.min(indexer.top_k), ..*shape };
    let scoring = Scoring { batch: shape.batch, tokens: 1.0, kv_len: shape.kv_len, ratio: 1.0 };
    attention_decode(&kept, device, constants).then(index(&scoring, indexer, device))
}

/// Time of grouped-query prefill over chosen blocks.
///
/// t = index + [`attention_prefill`] with a window of `top_k`: each query sees as many keys as in such a window, and the
/// queries of a tile are taken to choose much the same blocks. Unvalidated; `constants` are those of dense prefill.
pub fn sparse_prefill(
    shape: &AttentionPrefill,
    indexer: &Indexer,
    device: &Device,
    constants: &AttentionPrefillConstants,
) -> Cost {
    let kv_len = shape.tokens + shape.prefix;
    let window = if kv_len > indexer.top_k { indexer.top_k } else { 0.0 };
    let kept = AttentionPrefill { window, ..*shape };
    let scoring = Scoring { batch: shape.batch, tokens: shape.tokens, kv_len, ratio: 1.0 };
    attention_prefill(&kept, device, constants).then(index(&scoring, indexer, device))
}

/// Keys that a new token attends to on average, at least 1.
pub(crate) fn attended(shape: &SparseLatent) -> f64 {
    let near = mean_seen(shape.kv_len, shape.tokens, shape.window);
    let most = shape.top_k.unwrap_or(f64::INFINITY);
    let entries =
        shape.ratio.map_or(0.0, |ratio| mean_seen(shape.kv_len, shape.tokens, most * ratio) / ratio);
    (near + entries).max(1.0)
}

/// Mean of min(p, most) over the positions p = S - T + 1 ..= S of T new tokens.
pub(crate) fn mean_seen(keys: f64, tokens: f64, most: f64) -> f64 {
    let first = (keys - tokens + 1.0).max(1.0);
    let growing = (most.floor().min(keys) - first + 1.0).clamp(0.0, tokens);
    let full = if tokens > growing { (tokens - growing) * most } else { 0.0 };
    (growing * (first + (growing - 1.0) / 2.0) + full) / tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::tests::with_link;
    use proptest::prelude::*;

    /// The indexer of DeepSeek-V3.2.
    const INDEXER: Indexer = Indexer {
        heads: 64.0,
        head_dim: 128.0,
        top_k: 2048.0,
        arithmetic: Format::Fp8,
        key_bytes: 1.0 + 4.0 / 128.0,
        replayed: true,
    };

    fn latent(tokens: f64, kv_len: f64, indexer: Option<Indexer>) -> SparseLatent {
        let top_k = indexer.map(|indexer| indexer.top_k);
        SparseLatent {
            batch: 32.0,
            tokens,
            kv_len,
            heads: 128.0,
            latent: Latent::DEEPSEEK,
            kv_bytes: 2.0,
            window: 0.0,
            ratio: Some(1.0),
            top_k,
            indexer,
        }
    }

    fn microseconds(shape: &SparseLatent) -> f64 {
        sparse_latent(shape, &with_link(450e9), &MlaDecodeConstants::default()).time.get() * 1e6
    }

    #[test]
    fn hand_index_of_32_queries_over_100_000_tokens() {
        // 2 x 64 x 128 x 3.2e6 FLOP / (0.5 x 1,979 TFLOP/s) = 52.98 us; keys 3.2e6 x 132 B / (0.7 x 3.35 TB/s) =
        // 180.13 us; scores 3 x 4 x 3.2e6 B at the same rate 16.375 us; 3 x 2 x 0.7 = 4.2 us.
        let shape = Scoring { batch: 32.0, tokens: 1.0, kv_len: 1e5, ratio: 1.0 };
        let cost = index(&shape, &INDEXER, &with_link(450e9));
        assert!((cost.time.get() * 1e6 - 200.705).abs() < 1e-2, "{cost:?}");
        assert_eq!(cost.bound, Bound::Memory);
    }

    #[test]
    fn hand_mean_of_what_new_tokens_see() {
        // Positions 3, 4, 5, 6: mean 4.5; at most 4: 3, 4, 4, 4; a single one at 6 sees 6.
        assert_eq!(mean_seen(6.0, 4.0, f64::INFINITY), 4.5);
        assert_eq!(mean_seen(6.0, 4.0, 4.0), 3.75);
        assert_eq!(mean_seen(6.0, 1.0, f64::INFINITY), 6.0);
        // DeepSeek-V4 at 4,096 tokens: 128 of the window, and 512 chosen of 1,024 entries of four.
        let compressed =
            SparseLatent { window: 128.0, ratio: Some(4.0), top_k: Some(512.0), ..latent(1.0, 4096.0, None) };
        assert_eq!(attended(&compressed), 640.0);
        assert_eq!(attended(&SparseLatent { ratio: None, ..compressed }), 128.0);
    }

    #[test]
    fn law_short_contexts_cost_as_dense_ones_and_a_launch() {
        let dense = microseconds(&latent(1.0, 2000.0, None));
        assert!((microseconds(&latent(1.0, 2000.0, Some(INDEXER))) - dense - 4.2).abs() < 1e-9);
    }

    #[test]
    fn law_long_contexts_are_faster_than_dense_ones() {
        assert!(
            microseconds(&latent(1.0, 131_072.0, Some(INDEXER)))
                < 0.5 * microseconds(&latent(1.0, 131_072.0, None))
        );
    }

    proptest! {
        #[test]
        fn law_time_is_finite_and_grows_with_context(
            tokens in 1.0..8192.0_f64, more in 0.0..1e5_f64, ratio in 1.0..128.0_f64, window in 0.0..512.0_f64, sparse in any::<bool>(),
        ) {
            let tokens = tokens.floor();
            let indexer = sparse.then_some(INDEXER);
            let shape = |kv_len: f64| SparseLatent { window, ratio: Some(ratio), ..latent(tokens, kv_len, indexer) };
            let time = microseconds(&shape(tokens + more.floor()));
            prop_assert!(time.is_finite() && time > 0.0);
            prop_assert!(microseconds(&shape(tokens + more.floor() + 4096.0)) >= time * (1.0 - 1e-9));
        }
    }
}
