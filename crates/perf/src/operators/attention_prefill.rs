//! Prefill attention: causal, over a chunk of new tokens and a prefix that is cached already.

use super::attention_shared::causal_scores;
use crate::constants::constants;
use crate::{Bound, Cost, Device};
use rackplan_catalog::Format;

/// One call on one rank; heads are those of the rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionPrefill {
    /// Sequences.
    pub batch: f64,
    /// New tokens of each.
    pub tokens: f64,
    /// Tokens of each that are in the cache already.
    pub prefix: f64,
    /// Query heads.
    pub q_heads: f64,
    /// Heads of keys and values.
    pub kv_heads: f64,
    /// Size of a head of queries and keys.
    pub head_dim: f64,
    /// Size of a head of values.
    pub value_dim: f64,
    /// Tokens that each looks back to; 0 for all.
    pub window: f64,
    /// Which arithmetic runs it.
    pub arithmetic: Format,
    /// Bytes of a number in the cache.
    pub kv_bytes: f64,
}

constants! {
    /// Constants of prefill attention. Kernels are built for one head size, and frameworks take another library where
    /// theirs lacks one, so that each head size has constants of its own.
    AttentionPrefillConstants {
        /// Share of the peak that a full wave reaches.
        compute_share: 0.7 in 0.02..1.5, spread 0.5;
        /// Share of the memory bandwidth.
        memory_share: 0.6 in 0.02..3.0, spread 0.6;
        /// Launches, in microseconds.
        launch_us: 10.0 in 0.3..150.0, spread 1.0;
        /// Exponentials, as a factor on what 16 per clock and processor take.
        exponential: 0.8 in 0.001..10.0, spread 1.0;
        /// 128 keys of the longest row, one after the other, in microseconds.
        step_us: 0.3 in 0.001..10.0, spread 1.0;
        /// A block's prologue and epilogue at a head size of 128, in microseconds.
        block_us: 1.0 in 0.001..50.0, spread 1.5;
        /// Edge of a tile of scores: shorter sequences take one all the same.
        tile: 128.0 in 8.0..512.0, spread 0.7;
        /// How far query heads that share keys fill a tile together: their number to this power.
        packed: 0.3 in 0.01..1.0, spread 1.5;
        /// Share of the scores outside a window that is computed all the same; 1 for kernels that only mask them.
        unskipped: 0.02 in 0.0005..1.0, spread 2.0;
    }
}

/// Time of prefill attention.
///
/// t = launch + √(even² + last² + blocks²) + memory + step · n / 128, with
///
/// - score = √((2 (D + Dv) SM / (P ec))² + (exponential / (16 clk))²): one score with its products and exponential on
///   one processor;
/// - even = b Hq A (R / S') · score / SM: all scores spread evenly;
/// - last = n c · score: the row of tiles that sees most keys, on one processor;
/// - blocks = `block_us` · b Hq R / c / SM · D / 128: starting and ending the rows of tiles;
/// - memory = (2 b S (Hq + Hkv) D' + w b min(p, window) Hkv D') / (W em), D' = D + Dv: q, k, v, the output, the cache
///   written, and the prefix read.
///
/// S' = max(S, c) keys and R = max(S, c / G^packed) rows of a head, c the edge of a tile, G = Hq / Hkv query heads to a
/// key: a short sequence takes a whole tile, which kernels that lay the queries of a group side by side share. A scores
/// of one head and n keys of its last row, both from `causal_scores`; a window leaves A and n of the band, and
/// `unskipped` of what is outside. P peak of the arithmetic in FLOP/s, clk the highest clock in hertz, SM processors, W
/// bandwidth in bytes/s, p prefix, w bytes of a cached number. Source: Dao, FlashAttention-2 (2023) for the tiles, Shah
/// et al., FlashAttention-3 (2024) for the exponentials (16 per clock and processor) and packed groups; the rest is
/// fitted.
pub fn attention_prefill(
    shape: &AttentionPrefill,
    device: &Device,
    constants: &AttentionPrefillConstants,
) -> Cost {
    let AttentionPrefill { tokens, q_heads, kv_heads, .. } = *shape;
    let tile = constants.tile;
    let heads = shape.batch * q_heads;
    let rows = tokens.max(tile / (q_heads / kv_heads).powf(constants.packed));
    let (scores, last) = computed(shape, constants);
    let score = score_us(shape, device, constants);
    let even = heads * scores * rows / tokens.max(tile) * score / device.processors;
    let arithmetic = even.hypot(last * tile * score);
    let blocks = heads * rows / tile / device.processors;
    let work = arithmetic.hypot(constants.block_us * blocks * shape.head_dim / 128.0);
    let memory = bytes(shape) / (device.bandwidth * constants.memory_share) * 1e6;
    let bound = if memory > work { Bound::Memory } else { Bound::Compute };
    Cost::of_microseconds(work + memory, bound, constants.launch_us + constants.step_us * last / 128.0)
}

/// Scores of a head and keys of its last row, those outside a window that are not skipped included.
fn computed(shape: &AttentionPrefill, constants: &AttentionPrefillConstants) -> (f64, f64) {
    let (tokens, tile) = (shape.tokens.max(constants.tile), constants.tile);
    let all = causal_scores(tokens, shape.prefix, f64::INFINITY, tile);
    if shape.window <= 0.0 {
        return all;
    }
    let band = causal_scores(tokens, shape.prefix, shape.window, tile);
    let with = |band: f64, all: f64| band + constants.unskipped * (all - band);
    (with(band.0, all.0), with(band.1, all.1))
}

/// Microseconds of a score on one processor.
fn score_us(shape: &AttentionPrefill, device: &Device, constants: &AttentionPrefillConstants) -> f64 {
    let rate = device.peak(shape.arithmetic) * constants.compute_share / device.processors;
    let products = 2.0 * (shape.head_dim + shape.value_dim) / rate;
    let exponentials = constants.exponential / (16.0 * device.clock);
    products.hypot(exponentials) * 1e6
}

/// Bytes of q, k, v and the output in bf16, and of the prefix in the cache.
fn bytes(shape: &AttentionPrefill) -> f64 {
    let AttentionPrefill { batch, tokens, prefix, q_heads, kv_heads, .. } = *shape;
    let both = shape.head_dim + shape.value_dim;
    let seen = if shape.window > 0.0 { prefix.min(shape.window) } else { prefix };
    2.0 * batch * tokens * (q_heads + kv_heads) * both + shape.kv_bytes * batch * seen * kv_heads * both
}
