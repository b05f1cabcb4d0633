//! Matrix multiplication, `C[m, n] = A[m, k] B[k, n]`.

use crate::constants::constants;
use crate::{Bound, Cost, Device};
use rackplan_catalog::Format;

/// One matrix multiplication on one rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gemm {
    /// Rows: tokens.
    pub m: f64,
    /// Columns: outputs.
    pub n: f64,
    /// Depth: inputs.
    pub k: f64,
    /// Which arithmetic runs it.
    pub arithmetic: Format,
    /// Bytes of a weight, scales included.
    pub weight_bytes: f64,
    /// Bytes of an activation as it is read by the kernel.
    pub activation_bytes: f64,
    /// Whether activations are quantised on the way in.
    pub quantises: bool,
    /// Whether the same weights were used just before, as in a benchmark's loop but in no engine: what the cache holds
    /// of them need not be read again.
    pub repeats: bool,
}

constants! {
    /// Constants of a matrix multiplication.
    GemmConstants {
        /// Share of the peak that full, square tiles reach.
        compute_share: 0.75 in 0.05..1.5, spread 0.5;
        /// Share of the memory bandwidth that all processors together reach.
        memory_share: 0.8 in 0.1..2.5, spread 0.4;
        /// Launch and prologue, in microseconds.
        launch_us: 4.0 in 0.05..60.0, spread 1.0;
        /// The host's time to issue the call, in microseconds; it hides behind the kernel, and only shows where kernels are
        /// not replayed from a graph.
        host_us: 30.0 in 0.05..400.0, spread 2.0;
        /// Quantising activations, as a factor on their traffic.
        quantise: 0.5 in 0.0001..20.0, spread 1.5;
        /// How much narrow tiles lose.
        narrow: 0.4 in 0.001..2.0, spread 1.0;
        /// Speed of the cache over the memory's, for weights that it still holds.
        cache_gain: 1.5 in 1.0..8.0, spread 0.7;
        /// Depth of the main loop, in microseconds per 1,024 of k.
        depth_us: 0.3 in 0.0001..20.0, spread 2.0;
    }
}

/// Tiles that kernels of serving frameworks choose among.
const TILES: [(f64, f64); 9] = [
    (16.0, 64.0),
    (32.0, 128.0),
    (64.0, 64.0),
    (64.0, 128.0),
    (64.0, 256.0),
    (128.0, 64.0),
    (128.0, 128.0),
    (128.0, 256.0),
    (256.0, 128.0),
];

/// Ways to split k over processors.
const SPLITS: [f64; 4] = [1.0, 2.0, 4.0, 8.0];

/// Rows times columns over their sum for a 128 x 256 tile: the most that a tile reuses.
const WIDEST: f64 = 128.0 * 256.0 / (128.0 + 256.0);

/// Time of a matrix multiplication.
///
/// t = max(host, launch + quantise · 3 m k / W + min over tiles (tm, tn) and splits s of
///     max( ceil(c / SM) · 2 tm tn (k / s) / (P ec / SM · e), bytes / (W em min(1, c / SM)^½) ) + depth · k / (1024 s))
///
/// with c = ceil(m / tm) ceil(n / tn) s tiles, e = min(1, (tm tn / (tm + tn) / 85.3)^narrow),
/// bytes = weights n k + activations m k + 2 m n, plus 8 m n (s - 1) of partial sums; P peak of the arithmetic in FLOP/s, W memory
/// bandwidth, SM processors, ec and em the shares. Source: tile quantisation and split-k as cuBLAS and CUTLASS document
/// them; constants are fitted.
pub fn gemm(shape: &Gemm, device: &Device, constants: &GemmConstants) -> Cost {
    let best = TILES
        .iter()
        .flat_map(|tile| SPLITS.iter().map(move |split| on_tiles(shape, device, constants, *tile, *split)))
        .min_by(|a, b| (a.0 + a.2).total_cmp(&(b.0 + b.2)))
        .expect("there are tiles");
    let quantised = if shape.quantises {
        constants.quantise * 3.0 * shape.m * shape.k / device.bandwidth * 1e6
    } else {
        0.0
    };
    let (work, bound, depth) = best;
    Cost::of_microseconds(work, bound, constants.launch_us + quantised + depth).at_least(constants.host_us)
}

/// Work, what bounds it, and the chain of the main loop, in microseconds, on tiles of one size.
fn on_tiles(
    shape: &Gemm,
    device: &Device,
    constants: &GemmConstants,
    (rows, columns): (f64, f64),
    split: f64,
) -> (f64, Bound, f64) {
    let tiles = (shape.m / rows).ceil() * (shape.n / columns).ceil() * split;
    let waves = (tiles / device.processors).ceil();
    let reuse = (rows * columns / (rows + columns) / WIDEST).powf(constants.narrow).min(1.0);
    let depth = shape.k / split;
    let per_processor = device.peak(shape.arithmetic) * constants.compute_share * reuse / device.processors;
    let compute = waves * 2.0 * rows * columns * depth / per_processor * 1e6;
    let busy = (tiles / device.processors).min(1.0).sqrt();
    let memory =
        traffic(shape, device, constants, split) / (device.bandwidth * constants.memory_share * busy) * 1e6;
    let chain = constants.depth_us * depth / 1024.0;
    if compute >= memory { (compute, Bound::Compute, chain) } else { (memory, Bound::Memory, chain) }
}

/// Bytes read and written: both operands, the result in bf16, and fp32 partial sums of a split. Weights that the cache
/// still holds count as so many fewer as the cache is faster.
fn traffic(shape: &Gemm, device: &Device, constants: &GemmConstants, split: f64) -> f64 {
    let Gemm { m, n, k, .. } = *shape;
    let weights = shape.weight_bytes * n * k;
    let held = if shape.repeats { held_share(weights, device.cache) } else { 0.0 };
    let read = weights * (1.0 - held + held / constants.cache_gain);
    read + shape.activation_bytes * m * k + 2.0 * m * n + 8.0 * m * n * (split - 1.0)
}

/// Share of the weights that is still in the cache when they are used again: all of them up to half of its size, none
/// from its size on, since least-recently-used lines go first.
fn held_share(weights: f64, cache: f64) -> f64 {
    (2.0 - 2.0 * weights / cache).clamp(0.0, 1.0)
}
