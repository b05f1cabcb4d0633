//! The kernel of multi-head latent attention in decode: all heads of a sequence share one latent per token.

use super::attention_shared::keys_of_block;
use crate::constants::constants;
use crate::{Bound, Cost, Device};

/// Sizes of multi-head latent attention.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latent {
    /// Numbers of the compressed keys and values of a token.
    pub rank: f64,
    /// Numbers of its rotated key, shared by all heads.
    pub rope_dim: f64,
    /// Size of a head of queries and keys without rotation.
    pub nope_dim: f64,
    /// Size of a head of values.
    pub value_dim: f64,
}

impl Latent {
    /// DeepSeek-V2 and V3, Kimi K2. Source: DeepSeek-V3 technical report (2024), section 4.2.
    pub const DEEPSEEK: Self = Self { rank: 512.0, rope_dim: 64.0, nope_dim: 128.0, value_dim: 128.0 };

    /// Numbers that the cache holds for a token.
    pub fn cached(&self) -> f64 {
        self.rank + self.rope_dim
    }
}

/// One call on one rank; heads are those of the rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MlaDecode {
    /// Sequences.
    pub batch: f64,
    /// Tokens of each in the cache, the new one included.
    pub kv_len: f64,
    /// Query heads.
    pub heads: f64,
    /// Sizes.
    pub latent: Latent,
    /// Bytes of a number in the cache.
    pub kv_bytes: f64,
}

constants! {
    /// Constants of decode over latents.
    MlaDecodeConstants {
        /// Share of the bf16 peak.
        compute_share: 0.6 in 0.02..2.0, spread 0.7;
        /// Share of the memory bandwidth that all processors together reach.
        memory_share: 0.8 in 0.05..2.0, spread 0.5;
        /// Launches, `RoPE` and the append to the cache, in microseconds.
        launch_us: 10.0 in 0.5..150.0, spread 1.0;
        /// What one block streams, in even shares of the memory bandwidth.
        block_share: 2.0 in 0.1..50.0, spread 1.0;
        /// A block's prologue and epilogue, in microseconds.
        block_us: 3.0 in 0.001..60.0, spread 1.5;
        /// The chain over the keys of a block, in microseconds per 1,024.
        chain_us: 2.0 in 0.001..400.0, spread 2.0;
        /// Queries in and results out, as a factor on their traffic.
        passing: 0.5 in 0.01..5.0, spread 1.0;
        /// Parts of one sequence that the kernel joins at most; 1 for kernels that do not split.
        most_splits: 64.0 in 1.0..512.0, spread 1.5;
    }
}

/// Queries that one block multiplies at once: the height of a matrix instruction of a warp group.
const ROWS: f64 = 64.0;

/// Time of decode over latents.
///
/// t = launch + passing · 4 b H (2 R + r) / W + √(stream² + products² + blocks² + block²) + chain · L / 1024, with
///
/// - stream = b S (R + r) w / (W em): the latents are read once for all heads;
/// - products = 2 b 64 ⌈H / 64⌉ S (2 R + r) / (P ec): scores over R + r, values over R, heads padded to 64;
/// - blocks = `block_us` · u / SM, u = b ⌈H / 64⌉;
/// - block = L (R + r) w / (W / SM · `block_share`).
///
/// n = clamp(⌊SM / u⌋, 1, min(⌈S / 128⌉, `most_splits`)) splits leave L = max(⌈S / n⌉, min(S, 128)) keys to a block. R rank, r rotated
/// key, w bytes per number, W bandwidth in bytes/s, P bf16 peak in FLOP/s (fp8 caches are widened first), SM
/// processors. Source: Deng, Xu, Yang et al., `FlashMLA` (2025) for 64 rows and one wave of splits; constants are
/// fitted.
pub fn mla_decode(shape: &MlaDecode, device: &Device, constants: &MlaDecodeConstants) -> Cost {
    let MlaDecode { batch, kv_len, heads, latent, kv_bytes } = *shape;
    let blocks_of_heads = (heads / ROWS).ceil();
    let units = batch * blocks_of_heads;
    let keys = keys_of_block(kv_len, units, device.processors, constants.most_splits);
    let token_bytes = latent.cached() * kv_bytes;
    let width = 2.0 * latent.rank + latent.rope_dim;
    let stream = batch * kv_len * token_bytes / (device.bandwidth * constants.memory_share) * 1e6;
    let peak = device.peak(rackplan_catalog::Format::Bf16) * constants.compute_share;
    let products = 2.0 * units * ROWS * kv_len * width / peak * 1e6;
    let blocks = constants.block_us * units / device.processors;
    let block = keys * token_bytes / (device.bandwidth / device.processors * constants.block_share) * 1e6;
    let work = (stream * stream + products * products + blocks * blocks + block * block).sqrt();
    let passing = constants.passing * 4.0 * batch * heads * width / device.bandwidth * 1e6;
    let bound = if products >= stream.max(block) { Bound::Compute } else { Bound::Memory };
    Cost::of_microseconds(work, bound, constants.launch_us + passing + constants.chain_us * keys / 1024.0)
}
