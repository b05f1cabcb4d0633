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
        /// Factor on that where the host is coherent with the accelerator: its cores launch more slowly.
        host_coherent: 1.0 in 0.5..6.0, spread 0.5;
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

/// Places of the tiles, those first that are mostly fastest for so many rows: as high as these are, then lower ones and higher ones.
/// Which come first changes no result, only how soon the others are seen to be slower.
fn likely_first(m: f64) -> &'static [usize; TILES.len()] {
    match m {
        m if m <= 16.0 => &[0, 1, 2, 3, 4, 5, 6, 7, 8],
        m if m <= 32.0 => &[1, 2, 0, 3, 4, 6, 5, 7, 8],
        m if m <= 64.0 => &[2, 3, 4, 1, 0, 6, 5, 7, 8],
        m if m <= 128.0 => &[6, 3, 5, 2, 4, 7, 8, 1, 0],
        _ => &[7, 6, 8, 5, 4, 3, 2, 1, 0],
    }
}

/// Ways to split k over processors.
const SPLITS: [f64; 4] = [1.0, 2.0, 4.0, 8.0];

/// Rows times columns over their sum for a 128 x 256 tile: the most that a tile reuses.
const WIDEST: f64 = 128.0 * 256.0 / (128.0 + 256.0);

/// Rows of a tile, each once.
const HEIGHTS: [f64; 5] = [16.0, 32.0, 64.0, 128.0, 256.0];

/// A multiplication by one matrix, ready for any number of rows: everything that does not depend on them is worked out
/// once. See [`gemm`] for the formula.
#[derive(Clone, Debug, PartialEq)]
pub struct GemmPlan {
    tiles: [Tile; TILES.len()],
    /// For each split: reading weights, and everything that grows with rows, per row; at full bandwidth, in microseconds.
    memory: [(f64, f64); SPLITS.len()],
    /// For each split: the chain of the main loop, in microseconds.
    chain: Splits,
    launch_us: f64,
    /// Quantising a row, in microseconds.
    quantise_us: f64,
    host_us: f64,
}

/// One tile, split in each way.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tile {
    /// Index of its rows in [`HEIGHTS`].
    height: u32,
    /// Tiles of a row of tiles, over processors.
    waves: Splits,
    /// Their inverse root.
    idle: Splits,
    /// Microseconds of one wave.
    wave_us: Splits,
    /// What a row of tiles takes at least, in microseconds, however it is split.
    least_us: f64,
}

/// Time of a matrix multiplication.
///
/// t = max(host, launch + quantise · 3 m k / W + min over tiles (tm, tn) and splits s of
///     max( ceil(c / SM) · 2 tm tn (k / s) / (P ec / SM · e), bytes / (W em min(1, c / SM)^½) ) + depth · k / (1024 s))
///
/// `host` times `host_coherent` beside a coherent host; c = ceil(m / tm) ceil(n / tn) s tiles, e = min(1, uncut (tm tn / (tm + tn) / 85.3)^narrow),
/// bytes = weights n k + activations m k + 2 m n, plus 8 m n (s - 1) of partial sums; P peak of the arithmetic in FLOP/s, W memory
/// bandwidth, SM processors, ec and em the shares, `uncut` that of the device. Source: tile quantisation and split-k as cuBLAS and CUTLASS document
/// them; constants are fitted.
///
/// For one matrix and many numbers of rows make a [`GemmPlan`] and keep it.
pub fn gemm(shape: &Gemm, device: &Device, constants: &GemmConstants) -> Cost {
    GemmPlan::new(shape, device, constants).time(shape.m)
}

impl GemmPlan {
    /// For the matrix and formats of a shape, whose rows do not count.
    pub fn new(shape: &Gemm, device: &Device, constants: &GemmConstants) -> Self {
        let peak = device.peak(shape.arithmetic) * constants.compute_share / device.processors;
        let tile = |tile| Tile::new(shape, device, peak * reuse(tile, constants.narrow, device.uncut), tile);
        let slower = if device.host_coherent { constants.host_coherent } else { 1.0 };
        let quantise = if shape.quantises { constants.quantise } else { 0.0 };
        Self {
            tiles: TILES.map(tile),
            memory: SPLITS.map(|split| memory_us(shape, device, constants, split)),
            chain: SPLITS.map(|split| constants.depth_us * shape.k / split / 1024.0),
            launch_us: constants.launch_us,
            quantise_us: quantise * 3.0 * shape.k / device.bandwidth * 1e6,
            host_us: constants.host_us * slower,
        }
    }

    /// Time for so many rows; fractions of a row, as averages have them, are allowed.
    pub fn time(&self, m: f64) -> Cost {
        let (work, bound, chain) = self.fastest(m);
        let rest = self.launch_us + self.quantise_us * m + chain;
        Cost::of_microseconds(work, bound, rest).at_least(self.host_us)
    }

    /// Work, what bounds it, and the chain of the main loop, in microseconds, of the fastest way.
    fn fastest(&self, m: f64) -> (f64, Bound, f64) {
        let rows = HEIGHTS.map(|height| Rows::new(ceil(m / height)));
        let memory = self.memory.map(|(weights, row)| weights + row * m);
        // Nothing is faster than traffic that every processor takes part in; small multiplications often reach it.
        let moved = least_of(std::array::from_fn(|split| memory[split] + self.chain[split]));
        let shortest_chain = self.chain[SPLITS.len() - 1];
        let (mut least, mut best) = (f64::INFINITY, &self.tiles[0]);
        for place in likely_first(m) {
            let tile = &self.tiles[*place];
            if least <= moved {
                break;
            }
            // What its rows compute is bound enough to pass over most tiles of large multiplications.
            let rows = &rows[tile.height as usize];
            if (rows.number * tile.least_us + shortest_chain) * SAFELY >= least {
                continue;
            }
            let fastest = least_of(tile.ways(rows, &memory, &self.chain));
            if fastest < least {
                (least, best) = (fastest, tile);
            }
        }
        let rows = &rows[best.height as usize];
        let ways = best.ways(rows, &memory, &self.chain);
        let split = ways.iter().position(|way| *way == least).unwrap_or_default();
        let (compute, memory) = best.way(split, rows, memory[split]);
        let bound = if compute >= memory { Bound::Compute } else { Bound::Memory };
        (larger(compute, memory), bound, self.chain[split])
    }
}

/// One number for each split.
type Splits = [f64; SPLITS.len()];

/// The larger of two numbers that are both numbers; `f64::max` also asks whether they are.
#[inline]
fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

#[inline]
fn least_of([a, b, c, d]: Splits) -> f64 {
    let smaller = |a: f64, b: f64| if a < b { a } else { b };
    smaller(smaller(a, b), smaller(c, d))
}

/// Keeps a bound a bound where rounding differs.
const SAFELY: f64 = 1.0 - 1e-9;

impl Tile {
    /// On a processor that does so many FLOP/s on such tiles.
    fn new(shape: &Gemm, device: &Device, rate: f64, (rows, columns): (f64, f64)) -> Self {
        let height = HEIGHTS.iter().position(|height| *height == rows).expect("each tile's rows are listed");
        let waves = SPLITS.map(|split| (shape.n / columns).ceil() * split / device.processors * JUST_BELOW);
        let wave_us = SPLITS.map(|split| 2.0 * rows * columns * (shape.k / split) / rate * 1e6);
        let idle = waves.map(|waves| 1.0 / waves.sqrt());
        Self { height: height as u32, waves, idle, wave_us, least_us: waves[0] * wave_us[0] }
    }

    /// Microseconds with each split, the chains of the main loop included: all at once and without a branch, since processors do
    /// several of them side by side.
    #[inline]
    fn ways(&self, rows: &Rows, memory: &Splits, chain: &Splits) -> Splits {
        std::array::from_fn(|split| {
            let (compute, memory) = self.way(split, rows, memory[split]);
            larger(compute, memory) + chain[split]
        })
    }

    /// Arithmetic and traffic of so many rows of tiles, split in a way, in microseconds; `memory` is traffic while every
    /// processor is at work.
    #[inline]
    fn way(&self, split: usize, rows: &Rows, memory: f64) -> (f64, f64) {
        let compute = ceil(rows.number * self.waves[split]) * self.wave_us[split];
        (compute, memory * larger(rows.idle * self.idle[split], 1.0))
    }
}

/// So many rows of tiles; roots are taken once for all tiles of a height, since they take longer than all else.
#[derive(Clone, Copy)]
struct Rows {
    number: f64,
    /// Its inverse root.
    idle: f64,
}

impl Rows {
    fn new(number: f64) -> Self {
        Self { number, idle: 1.0 / number.sqrt() }
    }
}

/// What narrow tiles are left of the peak, since they use each number less often: what moves numbers into the matrix
/// units is as fast where these are cut.
fn reuse((rows, columns): (f64, f64), narrow: f64, uncut: f64) -> f64 {
    (uncut * (rows * columns / (rows + columns) / WIDEST).powf(narrow)).min(1.0)
}

/// Rounding must not turn a whole number of waves into one more.
const JUST_BELOW: f64 = 1.0 - 1e-13;

/// The next whole number of a positive one below 2^51, without a call into a library: adding and taking away 2^52 rounds
/// to the nearest.
#[inline]
fn ceil(x: f64) -> f64 {
    const ROUNDS: f64 = 4_503_599_627_370_496.0;
    let nearest = (x + ROUNDS) - ROUNDS;
    nearest + if nearest < x { 1.0 } else { 0.0 }
}

/// Reading and writing in microseconds: what does not depend on rows, and one row of it. Both operands, the result in
/// bf16, and fp32 partial sums of a split. Weights that the cache still holds count as so many fewer as it is faster.
fn memory_us(shape: &Gemm, device: &Device, constants: &GemmConstants, split: f64) -> (f64, f64) {
    let Gemm { n, k, .. } = *shape;
    let weights = shape.weight_bytes * n * k;
    let held = if shape.repeats { held_share(weights, device.cache) } else { 0.0 };
    let read = weights * (1.0 - held + held / constants.cache_gain);
    let row = shape.activation_bytes * k + 2.0 * n + 8.0 * n * (split - 1.0);
    let rate = device.bandwidth * constants.memory_share;
    (read / rate * 1e6, row / rate * 1e6)
}

/// Share of the weights that is still in the cache when they are used again: all of them up to half of its size, none
/// from its size on, since least-recently-used lines go first.
fn held_share(weights: f64, cache: f64) -> f64 {
    (2.0 - 2.0 * weights / cache).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::tests::with_link;
    use proptest::prelude::*;

    const SHAPE: Gemm = Gemm {
        m: 1.0,
        n: 4096.0,
        k: 4096.0,
        arithmetic: Format::Bf16,
        weight_bytes: 2.0,
        activation_bytes: 2.0,
        quantises: false,
        repeats: false,
    };

    /// The formula as it is written, without anything worked out beforehand.
    fn as_written(shape: &Gemm, device: &Device, constants: &GemmConstants) -> f64 {
        let Gemm { m, n, k, .. } = *shape;
        let on = |(tm, tn): (f64, f64), s: f64| {
            let c = (m / tm).ceil() * (n / tn).ceil() * s;
            let e = (tm * tn / (tm + tn) / WIDEST).powf(constants.narrow).min(1.0);
            let peak = device.peak(shape.arithmetic) * constants.compute_share;
            let sm = device.processors;
            let compute = (c / sm).ceil() * 2.0 * tm * tn * (k / s) / (peak / sm * e);
            let bytes = shape.weight_bytes * n * k
                + shape.activation_bytes * m * k
                + 2.0 * m * n
                + 8.0 * m * n * (s - 1.0);
            let share = constants.memory_share * (c / sm).min(1.0).sqrt();
            compute.max(bytes / (device.bandwidth * share)) * 1e6 + constants.depth_us * k / (1024.0 * s)
        };
        let ways = TILES.iter().flat_map(|tile| SPLITS.map(|split| on(*tile, split)));
        (constants.launch_us + ways.fold(f64::INFINITY, f64::min)).max(constants.host_us)
    }

    #[test]
    fn hand_a_large_square_is_bound_by_arithmetic() {
        // m = n = k = 8,192: 32 x 64 tiles of 256 x 128, each split in four, on 132 processors are 63 waves of
        // 2 x 256 x 128 x 2,048 FLOP over 989 TFLOP/s x 0.75 / 132: 63 x 23.885 us; depth 0.3 x 2 and launch 4 us. Whole
        // tiles take 16 waves of four times as long, an eighth of one more partial sums than the memory can take.
        let shape = Gemm { m: 8192.0, n: 8192.0, k: 8192.0, ..SHAPE };
        let cost = gemm(&shape, &with_link(450e9), &GemmConstants::default());
        assert!((cost.time.get() * 1e6 - 1509.36).abs() < 0.1, "{cost:?}");
        assert_eq!(cost.bound, Bound::Compute);
    }

    proptest! {
        #[test]
        fn law_a_plan_is_the_formula_as_written(
            m in 1..20_000_u32, n in 1..400_u32, k in 1..300_u32, narrow in 0.001..2.0_f64, host_us in 0.05..20.0_f64,
        ) {
            let shape = Gemm { m: f64::from(m), n: 64.0 * f64::from(n), k: 64.0 * f64::from(k), ..SHAPE };
            let constants = GemmConstants { narrow, host_us, ..GemmConstants::default() };
            let (device, written) = (with_link(450e9), as_written(&shape, &with_link(450e9), &constants));
            // Rows of the shape that a plan is made from do not count.
            let planned = GemmPlan::new(&Gemm { m: 0.0, ..shape }, &device, &constants).time(shape.m).time.get() * 1e6;
            prop_assert!((planned / written - 1.0).abs() < 1e-12, "{planned} {written}");
        }
    }
}
