//! Prefill attention: causal, over a chunk of new tokens and a prefix that is cached already.

use super::attention_shared::{TILE, causal_tiles, fallback};
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
    /// Constants of prefill attention.
    AttentionPrefillConstants {
        /// Share of the peak that a full wave reaches.
        compute_share: 0.7 in 0.02..1.5, spread 0.5;
        /// Share of the memory bandwidth.
        memory_share: 0.6 in 0.02..3.0, spread 0.6;
        /// Launches, in microseconds.
        launch_us: 10.0 in 0.3..150.0, spread 1.0;
        /// Exponentials, as a factor on what 16 per clock and processor take.
        exponential: 0.8 in 0.001..10.0, spread 1.0;
        /// One step over a tile of keys, in microseconds.
        step_us: 0.3 in 0.001..10.0, spread 1.0;
        /// A block's prologue and epilogue, in microseconds.
        block_us: 1.0 in 0.001..50.0, spread 1.5;
        /// Slow-down at head sizes that are no power of two.
        odd_size: 1.0 in 0.3..20.0, spread 0.7;
    }
}

/// Time of prefill attention.
///
/// t = launch + √(even² + last² + blocks²) + memory + step · n, with
///
/// - tile = √((2 (D + Dv) 128² SM / (P ec))² + (exponential · 128² / (16 clk))²) · o: scores, values and exponentials
///   of one tile on one processor;
/// - even = b Hq A · tile / SM: all tiles spread evenly;
/// - last = n · tile: the row of tiles that sees most keys, on one processor;
/// - blocks = `block_us` · b Hq ⌈S / 128⌉ / SM · D / 128: starting and ending the rows;
/// - memory = (2 b S (Hq + Hkv) D' + w b min(p, window) Hkv D') / (W em), D' = D + Dv: q, k, v, the output, the cache
///   written, and the prefix read.
///
/// A tiles of 128 x 128 scores for one head and n tiles in the last row, both from `causal_tiles`; P peak of the
/// arithmetic in FLOP/s, clk the highest clock in hertz, SM processors, W bandwidth in bytes/s, p prefix, w bytes of a
/// cached number; o is `odd_size` at head sizes that are no power of two. Source: Dao, FlashAttention-2 (2023) for the
/// tiles, Shah et al., FlashAttention-3 (2024) for the exponentials (16 per clock and processor); the rest is fitted.
pub fn attention_prefill(
    shape: &AttentionPrefill,
    device: &Device,
    constants: &AttentionPrefillConstants,
) -> Cost {
    let (tiles, last) = causal_tiles(shape.tokens, shape.prefix, shape.window);
    let heads = shape.batch * shape.q_heads;
    let tile_us = tile_us(shape, device, constants);
    let arithmetic = (heads * tiles * tile_us / device.processors).hypot(last * tile_us);
    let rows = heads * (shape.tokens / TILE).ceil() / device.processors;
    let work = arithmetic.hypot(constants.block_us * rows * shape.head_dim / 128.0);
    let memory = bytes(shape) / (device.bandwidth * constants.memory_share) * 1e6;
    let bound = if memory > work { Bound::Memory } else { Bound::Compute };
    Cost::of_microseconds(work + memory, bound, constants.launch_us + constants.step_us * last)
}

/// Microseconds of a tile of scores on one processor.
fn tile_us(shape: &AttentionPrefill, device: &Device, constants: &AttentionPrefillConstants) -> f64 {
    let scores = TILE * TILE;
    let rate = device.peak(shape.arithmetic) * constants.compute_share / device.processors;
    let products = 2.0 * (shape.head_dim + shape.value_dim) * scores / rate;
    let exponentials = constants.exponential * scores / (16.0 * device.clock);
    let odd = fallback(shape.head_dim.max(shape.value_dim), constants.odd_size);
    products.hypot(exponentials) * odd * 1e6
}

/// Bytes of q, k, v and the output in bf16, and of the prefix in the cache.
fn bytes(shape: &AttentionPrefill) -> f64 {
    let AttentionPrefill { batch, tokens, prefix, q_heads, kv_heads, .. } = *shape;
    let both = shape.head_dim + shape.value_dim;
    let seen = if shape.window > 0.0 { prefix.min(shape.window) } else { prefix };
    2.0 * batch * tokens * (q_heads + kv_heads) * both + shape.kv_bytes * batch * seen * kv_heads * both
}
