//! Decode attention with grouped queries: one new token for every sequence, over its cached keys and values.

use super::attention_shared::{blocks_of_queries, keys_of_block, seen};
use crate::constants::constants;
use crate::{Bound, Cost, Device};

/// One call on one rank; heads are those of the rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionDecode {
    /// Sequences.
    pub batch: f64,
    /// Tokens of each in the cache, the new one included.
    pub kv_len: f64,
    /// Query heads.
    pub q_heads: f64,
    /// Heads of keys and values.
    pub kv_heads: f64,
    /// Size of a head.
    pub head_dim: f64,
    /// Tokens that the new one looks back to; 0 for all.
    pub window: f64,
    /// Bytes of a number in the cache.
    pub kv_bytes: f64,
}

constants! {
    /// Constants of decode attention. Kernels are built for one head size, and frameworks take another library where
    /// theirs lacks one, so that each head size has constants of its own.
    AttentionDecodeConstants {
        /// Share of the memory bandwidth that all processors together reach.
        memory_share: 0.85 in 0.1..2.0, spread 0.3;
        /// Launches, `RoPE` and the append to the cache, in microseconds.
        launch_us: 8.0 in 0.5..150.0, spread 1.0;
        /// What one block streams, in even shares of the memory bandwidth.
        block_share: 2.0 in 0.1..50.0, spread 1.0;
        /// A block's prologue and epilogue at a head size of 128, in microseconds.
        block_us: 1.2 in 0.001..50.0, spread 1.5;
        /// The same of a block that has its processor for itself, as a share of it: less overlaps, nothing hides it.
        alone: 0.5 in 0.01..8.0, spread 1.0;
        /// The same of kernels without grouped queries, as a factor.
        ungrouped: 0.8 in 0.1..3.0, spread 0.5;
        /// The chain over the keys of a block, in microseconds per 1,024.
        chain_us: 2.0 in 0.001..400.0, spread 2.0;
        /// What kernels for more queries per key than 32 read again, as a share of the groups of 16.
        reread: 1.0 in 0.02..300.0, spread 2.0;
        /// Parts of one sequence that the kernel joins at most.
        most_splits: 64.0 in 1.0..512.0, spread 1.5;
    }
}

/// Time of decode attention.
///
/// t = launch + √(stream² + blocks² + block²) + chain · L / 1024, with
///
/// - stream = (2 u Se D w + 6 b (Hq + Hkv) D) · f / (W em): the cache is read once, the new token's q, k, v pass by in
///   bf16;
/// - blocks = `block_us` √(D / 128) · √((u ⌈G / 16⌉ / SM)² + `alone`²): starting and ending a block costs the same at any
///   length, and hides behind others only where there are others;
/// - block = 2 L D w f / (W / SM · `block_share`): one block cannot draw the bandwidth of all.
///
/// u = b Hkv; G = Hq / Hkv queries share a key; Se = min(S, window); n = clamp(⌊2 SM / u⌋, 1, min(⌈Se / 128⌉,
/// `most_splits`)) splits (flash-decoding) leave L = max(⌈Se / n⌉, min(Se, 128)) keys to a block; D head size, w bytes
/// per number, W bandwidth in bytes/s, SM processors; f = 1 + `reread` G / 16 for G > 32 and 1 otherwise. The three
/// overlap in part, which the root of squares is for: it is the larger where one leads and 1.4 times either where two
/// are equal. Source: Dao et al., Flash-Decoding (2023), for the splits; the rest is fitted.
pub fn attention_decode(
    shape: &AttentionDecode,
    device: &Device,
    constants: &AttentionDecodeConstants,
) -> Cost {
    let AttentionDecode { batch, q_heads, kv_heads, head_dim, kv_bytes, .. } = *shape;
    let (units, group) = (batch * kv_heads, q_heads / kv_heads);
    let keys = seen(shape.kv_len, shape.window);
    let part = keys_of_block(keys, units, 2.0 * device.processors, constants.most_splits);
    let slow = blocks_of_queries(group, constants.reread);
    let key_bytes = 2.0 * head_dim * kv_bytes * slow;
    let passing = 6.0 * batch * (q_heads + kv_heads) * head_dim * slow;
    let stream = (units * keys * key_bytes + passing) / (device.bandwidth * constants.memory_share) * 1e6;
    let prologue = constants.block_us * prologue_factor(shape, constants);
    let blocks = prologue * (units * (group / 16.0).ceil() / device.processors).hypot(constants.alone);
    let share = device.bandwidth / device.processors * constants.block_share;
    let block = part * key_bytes / share * 1e6;
    let work = (stream * stream + blocks * blocks + block * block).sqrt();
    let bound = if stream.max(block) >= blocks { Bound::Memory } else { Bound::Latency };
    Cost::of_microseconds(work, bound, constants.launch_us + constants.chain_us * part / 1024.0)
}

/// How a block's prologue compares with one of grouped queries and a head size of 128.
fn prologue_factor(shape: &AttentionDecode, constants: &AttentionDecodeConstants) -> f64 {
    let ungrouped = if shape.q_heads <= shape.kv_heads { constants.ungrouped } else { 1.0 };
    ungrouped * (shape.head_dim / 128.0).sqrt()
}
