//! The whole block of multi-head latent attention in decode: projections, absorption, kernel.

use super::attention_mla_bmm::{MlaBmm, MlaBmmConstants, mla_bmm};
use super::attention_mla_decode::{MlaDecode, MlaDecodeConstants, mla_decode};
use crate::constants::constants;
use crate::{Bound, Cost, Device};
use rackplan_catalog::Format;

/// One block on one rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MlaModule {
    /// The kernel.
    pub kernel: MlaDecode,
    /// Size of the residual stream.
    pub hidden: f64,
    /// Numbers of the compressed query of a token.
    pub q_rank: f64,
    /// Which arithmetic runs the projections.
    pub arithmetic: Format,
    /// Bytes of their weights, scales included.
    pub weight_bytes: f64,
}

constants! {
    /// Constants of the whole block.
    MlaModuleConstants {
        /// Share of the peak that projections and absorption reach.
        projection_compute_share: 0.6 in 0.02..2.0, spread 0.7;
        /// Share of the memory bandwidth that they reach.
        projection_memory_share: 0.7 in 0.05..2.0, spread 0.5;
        /// Activations of the projections in and out, quantisation included, as a factor on their traffic.
        projection_passing: 2.0 in 0.01..20.0, spread 1.0;
        /// Share of the bf16 peak that the kernel reaches.
        compute_share: 0.6 in 0.02..2.0, spread 0.7;
        /// Share of the memory bandwidth that the kernel reaches.
        memory_share: 0.8 in 0.05..2.0, spread 0.5;
        /// Everything that does not depend on the shape, in microseconds.
        launch_us: 25.0 in 1.0..300.0, spread 0.7;
        /// See [`MlaDecodeConstants`].
        block_share: 2.0 in 0.1..50.0, spread 1.0;
        /// See [`MlaDecodeConstants`].
        block_us: 3.0 in 0.001..60.0, spread 1.5;
        /// See [`MlaDecodeConstants`].
        chain_us: 2.0 in 0.001..400.0, spread 2.0;
        /// See [`MlaDecodeConstants`].
        most_splits: 64.0 in 1.0..512.0, spread 1.5;
    }
}

/// Time of the block.
///
/// t = launch + kernel + into latents + out of latents + Σ over projections (m, n, k) of √((2 m n k / (P ec))² + (w n
/// k / (W em))²)
///     + passing · 2 m (n + k) / W
///
/// with projections (b, `q_rank` + R + r, hidden), (b, H (nope + rope), `q_rank`), (b, hidden, H value); the kernel
/// from [`mla_decode`] and the absorption from [`mla_bmm`], with launches counted once in `launch`. Symbols as there.
/// Source: DeepSeek-V2 (2024), section 2.1 and appendix C; the projections are the simple tier of a matrix
/// multiplication, since tiles are invisible beside the rest; constants are fitted.
pub fn mla_decode_module(shape: &MlaModule, device: &Device, constants: &MlaModuleConstants) -> Cost {
    let kernel = mla_decode(&shape.kernel, device, &kernel_constants(constants));
    let others: f64 = absorption(shape, device, constants)
        + projections(shape).map(|gemm| projection_us(shape, gemm, device, constants)).iter().sum::<f64>();
    let attending = kernel.time.get() * 1e6;
    let bound = if attending >= others { kernel.bound } else { Bound::Memory };
    Cost::of_microseconds(attending + others, bound, constants.launch_us)
}

/// A launch that `launch_us` counts already, in microseconds.
const ELSEWHERE: f64 = 0.0;

fn kernel_constants(constants: &MlaModuleConstants) -> MlaDecodeConstants {
    MlaDecodeConstants {
        compute_share: constants.compute_share,
        memory_share: constants.memory_share,
        launch_us: ELSEWHERE,
        block_share: constants.block_share,
        block_us: constants.block_us,
        chain_us: constants.chain_us,
        passing: constants.projection_passing,
        most_splits: constants.most_splits,
    }
}

/// Both absorptions, in microseconds without their launches; their weights stay in bf16.
fn absorption(shape: &MlaModule, device: &Device, constants: &MlaModuleConstants) -> f64 {
    let MlaDecode { batch, heads, latent, .. } = shape.kernel;
    let of = |k, n| MlaBmm { tokens: batch, heads, k, n, arithmetic: Format::Bf16, weight_bytes: 2.0 };
    let shares = MlaBmmConstants {
        compute_share: constants.projection_compute_share,
        memory_share: constants.projection_memory_share,
        launch_us: ELSEWHERE,
        quantise: 0.0,
    };
    let time = |bmm| mla_bmm(&bmm, device, &shares).time.get() * 1e6;
    time(of(latent.nope_dim, latent.rank)) + time(of(latent.rank, latent.value_dim))
}

/// Rows, columns and depth of the projections: down to the latents, up to queries, out.
fn projections(shape: &MlaModule) -> [(f64, f64, f64); 3] {
    let MlaDecode { batch, heads, latent, .. } = shape.kernel;
    [
        (batch, shape.q_rank + latent.cached(), shape.hidden),
        (batch, heads * (latent.nope_dim + latent.rope_dim), shape.q_rank),
        (batch, shape.hidden, heads * latent.value_dim),
    ]
}

fn projection_us(
    shape: &MlaModule,
    (m, n, k): (f64, f64, f64),
    device: &Device,
    constants: &MlaModuleConstants,
) -> f64 {
    let products = 2.0 * m * n * k / (device.peak(shape.arithmetic) * constants.projection_compute_share);
    let weights = shape.weight_bytes * n * k / (device.bandwidth * constants.projection_memory_share);
    let passing = constants.projection_passing * 2.0 * m * (n + k) / device.bandwidth;
    (products.hypot(weights) + passing) * 1e6
}
