//! The kernel of multi-head latent attention in prefill: keys and values are unfolded, every head has its own.

use super::attention_mla_decode::Latent;
use super::attention_prefill::{AttentionPrefill, AttentionPrefillConstants, attention_prefill};
use crate::constants::constants;
use crate::{Cost, Device};
use rackplan_catalog::Format;

/// One call on one rank; heads are those of the rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MlaPrefill {
    /// Sequences.
    pub batch: f64,
    /// New tokens of each.
    pub tokens: f64,
    /// Tokens of each that are in the cache already, unfolded beforehand.
    pub prefix: f64,
    /// Heads.
    pub heads: f64,
    /// Sizes.
    pub latent: Latent,
    /// Which arithmetic runs it.
    pub arithmetic: Format,
}

constants! {
    /// Constants of prefill over unfolded latents; see [`AttentionPrefillConstants`].
    MlaPrefillConstants {
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
        /// Edge of a tile of scores.
        tile: 128.0 in 8.0..512.0, spread 0.7;
    }
}

/// Time of prefill over unfolded latents: [`attention_prefill`] with heads of nope + rope for keys and of their own
/// size for values, as many of either as of queries, and no window. Source: DeepSeek-V2 (2024), section 2.1.
pub fn mla_prefill(shape: &MlaPrefill, device: &Device, constants: &MlaPrefillConstants) -> Cost {
    let MlaPrefill { batch, tokens, prefix, heads, latent, arithmetic } = *shape;
    let head_dim = latent.nope_dim + latent.rope_dim;
    let unfolded = AttentionPrefill {
        batch,
        tokens,
        prefix,
        q_heads: heads,
        kv_heads: heads,
        head_dim,
        value_dim: latent.value_dim,
        window: 0.0,
        arithmetic,
        kv_bytes: 2.0,
    };
    let MlaPrefillConstants { compute_share, memory_share, launch_us, exponential, step_us, block_us, tile } =
        *constants;
    // Every head has keys of its own, and there is no window.
    let constants = AttentionPrefillConstants {
        compute_share,
        memory_share,
        launch_us,
        exponential,
        step_us,
        block_us,
        tile,
        packed: 1.0,
        unskipped: 1.0,
    };
    attention_prefill(&unfolded, device, &constants)
}
