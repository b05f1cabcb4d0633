//! The batched multiplications of latent attention in decode: queries into the latent space, results out of it.

use crate::constants::constants;
use crate::{Bound, Cost, Device};
use rackplan_catalog::Format;

/// One multiplication for every head, `C[h, tokens, n] = A[h, tokens, k] B[h, k, n]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MlaBmm {
    /// Tokens.
    pub tokens: f64,
    /// Heads of the rank.
    pub heads: f64,
    /// Depth: numbers of a head that go in.
    pub k: f64,
    /// Numbers of a head that come out.
    pub n: f64,
    /// Which arithmetic runs it.
    pub arithmetic: Format,
    /// Bytes of a weight.
    pub weight_bytes: f64,
}

constants! {
    /// Constants of a batched multiplication.
    MlaBmmConstants {
        /// Share of the peak that a full wave reaches.
        compute_share: 0.5 in 0.02..2.0, spread 0.5;
        /// Share of the memory bandwidth.
        memory_share: 0.8 in 0.05..2.0, spread 0.5;
        /// Launches, in microseconds.
        launch_us: 4.0 in 0.3..60.0, spread 1.0;
        /// Quantising activations, as a factor on their traffic.
        quantise: 0.5 in 0.001..20.0, spread 1.5;
    }
}

/// Rows and columns of a tile.
const TILE: f64 = 128.0;

/// Time of a batched multiplication.
///
/// t = launch + √(products² + memory²) + quantise · 3 T H k / W (8-bit arithmetic only), with
/// products = ⌈⌈T / 128⌉ ⌈n / 128⌉ H / SM⌉ · 2 · 128² k SM / (P ec) and
/// memory = (w H k n + 2 T H (k + n)) / (W em).
///
/// T tokens, H heads, w bytes of a weight, P peak in FLOP/s, W bandwidth in bytes/s, SM processors. Source: tile
/// quantisation as for a matrix multiplication; constants are fitted.
pub fn mla_bmm(shape: &MlaBmm, device: &Device, constants: &MlaBmmConstants) -> Cost {
    let MlaBmm { tokens, heads, k, n, .. } = *shape;
    let waves = ((tokens / TILE).ceil() * (n / TILE).ceil() * heads / device.processors).ceil();
    let rate = device.peak(shape.arithmetic) * constants.compute_share / device.processors;
    let products = waves * 2.0 * TILE * TILE * k / rate * 1e6;
    let bytes = shape.weight_bytes * heads * k * n + 2.0 * tokens * heads * (k + n);
    let memory = bytes / (device.bandwidth * constants.memory_share) * 1e6;
    let narrow = shape.arithmetic != Format::Bf16;
    let factor = if narrow { constants.quantise } else { 0.0 };
    let quantised = factor * 3.0 * tokens * heads * k / device.bandwidth * 1e6;
    let bound = if products >= memory { Bound::Compute } else { Bound::Memory };
    Cost::of_microseconds(products.hypot(memory), bound, constants.launch_us + quantised)
}
