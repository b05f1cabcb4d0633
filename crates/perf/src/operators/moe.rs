//! The routed experts of one layer on one rank: two grouped matrix multiplications and what surrounds them.

use super::moe_routing::Load;
use crate::constants::constants;
use crate::{Bound, Cost, Device};
use rackplan_catalog::Format;

/// Routed experts on the expert-parallel rank that has most to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moe {
    /// Tokens before dispatch, over all ranks.
    pub tokens: f64,
    /// Width of the model.
    pub hidden: f64,
    /// Width of an expert on this rank: its whole width over the tensor-parallel ranks.
    pub inter: f64,
    /// Experts whose weights this rank has.
    pub local_experts: f64,
    /// Pairs of a token and an expert over all ranks: what a kernel plans for, which sees no more than that.
    pub expected_pairs: f64,
    /// What falls on this rank.
    pub load: Load,
    /// Whether experts have a gate beside the up projection: three matrices, not two.
    pub gated: bool,
    /// Which arithmetic runs it.
    pub arithmetic: Format,
    /// Bytes of a weight, scales included.
    pub weight_bytes: f64,
    /// Bytes of an activation as the kernel reads it.
    pub activation_bytes: f64,
}

constants! {
    /// Constants of routed experts.
    MoeConstants {
        /// Share of the peak that full tiles reach.
        compute_share: 0.5 in 0.02..1.5, spread 0.6;
        /// Share of the memory bandwidth that all processors together reach.
        memory_share: 0.8 in 0.1..2.0, spread 0.3;
        /// Routing, sorting and launches, in microseconds.
        launch_us: 18.0 in 0.5..200.0, spread 0.8;
        /// Depth of the main loop, in microseconds per 1,024 of k.
        depth_us: 1.0 in 0.001..30.0, spread 1.5;
        /// Permuting, quantising and summing what is on the rank, as a factor on its traffic.
        permute: 1.5 in 0.01..40.0, spread 1.0;
        /// Going through the tokens of all ranks, as a factor on their traffic.
        sweep: 2.0 in 0.01..40.0, spread 1.0;
        /// Per 100 experts on the rank, in microseconds.
        expert_us: 3.0 in 0.001..100.0, spread 1.5;
        /// Share of the lesser of arithmetic and memory traffic that the greater does not hide.
        unhidden: 0.3 in 0.01..1.0, spread 1.0;
        /// Time of an empty row of a tile over that of a full one.
        empty_row: 0.9 in 0.05..4.0, spread 0.5;
        /// How much bandwidth fewer tiles than processors lose: the exponent of their share.
        idle: 0.5 in 0.02..1.0, spread 0.7;
        /// Rows of a tile over the tokens of an expert that the kernel expects.
        rows_guess: 1.0 in 0.01..30.0, spread 1.5;
        /// The most rows of a tile.
        rows_most: 128.0 in 8.0..256.0, spread 0.7;
        /// Cycles of a processor to widen one row of the weights of a tile to 16 bits, where that is done: 128 weights on as
        /// many lanes, some two instructions each.
        widen_cycles: 2.0 in 0.001..64.0, spread 1.5;
    }
}

/// The fewest rows of a tile.
const ROWS_LEAST: f64 = 8.0;
/// Columns of a tile.
const COLUMNS: f64 = 128.0;

/// Time of the routed experts of one layer.
///
/// t = launch + expert E_local / 100 + depth (h + I) / 1024 + (permute 6 pairs + sweep 4 T) h / W
///   + sum over (n, k) in {(2 I, h), (h, I)} of max(c, m) + unhidden min(c, m)
///
/// c = max(1, tiles / SM) k (2 r' 128 SM / (P ec) + `widen_cycles` / clock);  m = bytes / (W em min(1, tiles / SM)^idle)
/// tiles = filled ceil(n / 128);  filled = max(active, pairs / r + active / 2), or active ceil(pairs / active / r) where
/// all experts have equally many;  bytes = weights active n k + activations pairs k + 2 pairs n
/// r = min(rows_most, 2^ceil(log2 max(8, guess T k / E_local)));  r' = r (u + empty_row (1 - u)), u = pairs / (filled r)
///
/// T tokens before dispatch, h width, I width of an expert on this rank (one up matrix, I, without a gate), `pairs` and
/// `active` experts of the rank's load, P peak in FLOP/s, W memory bandwidth, SM processors, ec and em the shares.
/// Weights of fewer than 16 bits under 16-bit arithmetic are widened for each tile anew, however few its rows; others are
/// not, and `widen_cycles` is 0. H100 and H200 take the same time for mxfp4 at any batch, though bandwidths differ by 1.4.
/// It is not the tensor units that widen, so that an H20, whose tensor peak is cut and whose processors and clock are not
/// cut as far, does not take longer in proportion to its peak.
/// A kernel picks the rows r of its tiles before it knows what falls on its rank, from all pairs over its own experts:
/// with many ranks most rows stay empty, and are computed all the same.
/// Source: how TensorRT-LLM's and FlashInfer's `tile_tokens_dim` and Marlin's `block_size_m` are chosen; constants are
/// fitted.
///
/// For one layer and many batches make a [`MoePlan`] and keep it.
pub fn moe(shape: &Moe, device: &Device, constants: &MoeConstants) -> Cost {
    MoePlan::new(shape, device, constants).time(shape.tokens, shape.expected_pairs, &shape.load)
}

/// The experts of one layer, ready for any batch: everything that does not depend on it is worked out once. See [`moe`]
/// for the formula.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MoePlan {
    /// The up projection with its gate, and the down projection.
    both: [Grouped; 2],
    /// Rows that the kernel expects for each expected pair.
    rows_guess: f64,
    rows_most: f64,
    empty_row: f64,
    unhidden: f64,
    idle: f64,
    /// Microseconds that depend on no batch.
    rest_us: f64,
    /// Permuting a pair, in microseconds.
    pair_us: f64,
    /// Going through a token, in microseconds.
    token_us: f64,
}

/// One grouped multiplication.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Grouped {
    /// Tiles of a row of tiles, over processors.
    waves: f64,
    /// One row of one tile, in microseconds.
    row_us: f64,
    /// Widening the weights of one tile, in microseconds.
    widen_us: f64,
    /// Reading the weights of an expert at full bandwidth, in microseconds.
    expert_us: f64,
    /// Reading and writing the activations of a pair at full bandwidth, in microseconds.
    pair_us: f64,
    /// `waves` to the power of `idle`.
    waves_idle: f64,
}

impl MoePlan {
    /// For the experts and formats of a shape, whose tokens, pairs and load do not count.
    pub fn new(shape: &Moe, device: &Device, constants: &MoeConstants) -> Self {
        let up = if shape.gated { 2.0 } else { 1.0 };
        let grouped = |n, k| Grouped::new(shape, device, constants, n, k);
        let expert_us = constants.expert_us * shape.local_experts / 100.0;
        let chain = constants.depth_us * (shape.hidden + shape.inter) / 1024.0;
        let pass_us = shape.hidden / device.bandwidth * 1e6;
        Self {
            both: [grouped(up * shape.inter, shape.hidden), grouped(shape.hidden, shape.inter)],
            rows_guess: constants.rows_guess / shape.local_experts,
            rows_most: constants.rows_most,
            empty_row: constants.empty_row,
            unhidden: constants.unhidden,
            idle: constants.idle,
            rest_us: constants.launch_us + expert_us + chain,
            pair_us: constants.permute * 6.0 * pass_us,
            token_us: constants.sweep * 4.0 * pass_us,
        }
    }

    /// Time for so many tokens before dispatch, pairs over all ranks, and load of this rank.
    pub fn time(&self, tokens: f64, expected_pairs: f64, load: &Load) -> Cost {
        let rows = self.rows(expected_pairs);
        let filled = filled(load, rows);
        // A share of the bandwidth is lost where tiles are fewer than processors; the power is only taken there.
        let idle = if self.both.iter().all(|one| filled * one.waves >= 1.0) {
            f64::INFINITY
        } else {
            filled.powf(self.idle)
        };
        let full = (load.pairs / (filled * rows)).min(1.0);
        let rows = rows * (full + self.empty_row * (1.0 - full));
        let [first, second] = self.both.map(|one| self.grouped(&one, load, filled, idle, rows));
        let (work, bound) = (first.0 + second.0, if first.0 > second.0 { first.1 } else { second.1 });
        let moved = self.pair_us * load.pairs + self.token_us * tokens;
        Cost::of_microseconds(work + moved, bound, self.rest_us)
    }

    /// Rows of the tile that a kernel takes.
    fn rows(&self, expected_pairs: f64) -> f64 {
        let expected = self.rows_guess * expected_pairs;
        power_of_two_from(expected.max(ROWS_LEAST)).min(self.rows_most)
    }

    /// One grouped multiplication: microseconds, and what bounds them.
    fn grouped(&self, one: &Grouped, load: &Load, filled: f64, idle: f64, rows: f64) -> (f64, Bound) {
        let compute = (filled * one.waves).max(1.0) * (rows * one.row_us + one.widen_us);
        let share = (idle * one.waves_idle).min(1.0);
        let memory = (load.active * one.expert_us + load.pairs * one.pair_us) / share;
        if compute >= memory {
            (compute + self.unhidden * memory, Bound::Compute)
        } else {
            (memory + self.unhidden * compute, Bound::Memory)
        }
    }
}

impl Grouped {
    fn new(shape: &Moe, device: &Device, constants: &MoeConstants, n: f64, k: f64) -> Self {
        let rate = device.peak(shape.arithmetic) * constants.compute_share / device.processors;
        let bandwidth = device.bandwidth * constants.memory_share;
        let waves = (n / COLUMNS).ceil() / device.processors;
        let cycles = if widens(shape) { constants.widen_cycles } else { 0.0 };
        Self {
            waves,
            row_us: 2.0 * COLUMNS * k / rate * 1e6,
            widen_us: cycles * k / device.clock * 1e6,
            expert_us: shape.weight_bytes * n * k / bandwidth * 1e6,
            pair_us: (shape.activation_bytes * k + 2.0 * n) / bandwidth * 1e6,
            waves_idle: waves.powf(constants.idle),
        }
    }
}

/// Whether weights are widened before they are multiplied.
fn widens(shape: &Moe) -> bool {
    shape.arithmetic == Format::Bf16 && shape.weight_bytes < 2.0
}

/// Rows of tiles that are filled at least in part.
fn filled(load: &Load, rows: f64) -> f64 {
    let Load { pairs, active, even } = *load;
    if even { active * (pairs / active / rows).ceil() } else { active.max(pairs / rows + 0.5 * active) }
}

/// The power of two at or above a number of at least 1.
fn power_of_two_from(x: f64) -> f64 {
    const FRACTION: u64 = (1 << 52) - 1;
    let whole = f64::from_bits(x.to_bits() & !FRACTION);
    if whole < x { 2.0 * whole } else { whole }
}

#[cfg(test)]
mod tests {
    use super::super::moe_routing::Routing;
    use super::*;
    use crate::device::tests::with_link;
    use proptest::prelude::*;

    fn shape(tokens: f64, ranks: f64, routing: Routing) -> Moe {
        Moe {
            tokens,
            hidden: 7168.0,
            inter: 2048.0,
            local_experts: 256.0 / ranks,
            expected_pairs: 8.0 * tokens,
            load: Load::of_heaviest_rank(tokens, 256.0, 8.0, ranks, routing),
            gated: true,
            arithmetic: Format::Fp8,
            weight_bytes: 1.0,
            activation_bytes: 1.0,
        }
    }

    fn plan(shape: &Moe) -> MoePlan {
        MoePlan::new(shape, &with_link(450e9), &MoeConstants::default())
    }

    /// The formula as it is written, without anything worked out beforehand.
    fn as_written(s: &Moe, device: &Device, c: &MoeConstants) -> f64 {
        let (pairs, active, sm) = (s.load.pairs, s.load.active, device.processors);
        let guess = (c.rows_guess * s.expected_pairs / s.local_experts).max(ROWS_LEAST);
        let rows = guess.log2().ceil().exp2().min(c.rows_most);
        let filled = filled(&s.load, rows);
        let of = |n: f64, k: f64| {
            let waves = filled * (n / COLUMNS).ceil() / sm;
            let full = (pairs / (filled * rows)).min(1.0);
            let widened = if widens(s) { c.widen_cycles / device.clock } else { 0.0 };
            let rows = rows * (full + c.empty_row * (1.0 - full));
            let peak = device.peak(s.arithmetic) * c.compute_share;
            let compute = waves.max(1.0) * k * (2.0 * rows * COLUMNS * sm / peak + widened);
            let bytes = s.weight_bytes * active * n * k + s.activation_bytes * pairs * k + 2.0 * pairs * n;
            let memory = bytes / (device.bandwidth * c.memory_share * waves.min(1.0).powf(c.idle));
            compute.max(memory) + c.unhidden * compute.min(memory)
        };
        let traffic = (c.permute * 6.0 * pairs + c.sweep * 4.0 * s.tokens) * s.hidden / device.bandwidth;
        let up = if s.gated { 2.0 } else { 1.0 };
        (of(up * s.inter, s.hidden) + of(s.hidden, s.inter) + traffic) * 1e6
            + c.launch_us
            + c.expert_us * s.local_experts / 100.0
            + c.depth_us * (s.hidden + s.inter) / 1024.0
    }

    fn microseconds(shape: &Moe) -> f64 {
        moe(shape, &with_link(450e9), &MoeConstants::default()).time.get() * 1e6
    }

    #[test]
    fn hand_rows_follow_what_the_kernel_expects() {
        // 512 tokens x 8 over 32 experts of a rank: 128 expected, 16 of them real on eight ranks.
        let rows = |tokens| plan(&shape(tokens, 8.0, Routing::Balanced)).rows(8.0 * tokens);
        assert_eq!(rows(512.0), 128.0);
        // One token: the fewest rows. A little above a power of two: the next one.
        assert_eq!(rows(1.0), 8.0);
        assert_eq!(rows(130.0), 64.0);
    }

    #[test]
    fn hand_a_batch_of_64_reads_every_expert() {
        // 256 experts x 3 x 7168 x 2048 B = 11.27 GB over 3.35 TB/s x 0.8: 4,206 us, and little besides.
        let time = microseconds(&shape(64.0, 1.0, Routing::Balanced));
        assert!((4206.0..4206.0 * 1.15).contains(&time), "{time}");
    }

    #[test]
    fn law_skew_is_faster_at_a_small_batch_on_one_rank() {
        let (flat, skewed) = (Routing::Balanced, Routing::PowerLaw { alpha: 1.2 });
        assert!(microseconds(&shape(64.0, 1.0, skewed)) < 0.9 * microseconds(&shape(64.0, 1.0, flat)));
    }

    proptest! {
        #[test]
        fn law_a_plan_is_the_formula_as_written(
            tokens in 1..100_000_u32, ranks in prop::sample::select(vec![1.0, 8.0, 64.0, 256.0]), alpha in 0.8..1.6_f64, gated in any::<bool>(),
        ) {
            let device = with_link(450e9);
            for routing in [Routing::Balanced, Routing::PowerLaw { alpha }] {
                let shape = Moe { gated, ..shape(f64::from(tokens), ranks, routing) };
                let written = as_written(&shape, &device, &MoeConstants::default());
                prop_assert!((microseconds(&shape) / written - 1.0).abs() < 1e-12, "{shape:?} {written}");
            }
        }

        #[test]
        fn law_time_is_finite_and_grows_with_tokens(
            tokens in 1..65_536_u32, ranks in prop::sample::select(vec![1.0, 2.0, 8.0, 32.0, 256.0]), alpha in 0.8..1.6_f64,
        ) {
            for routing in [Routing::Balanced, Routing::Uniform, Routing::PowerLaw { alpha }] {
                let time = microseconds(&shape(f64::from(tokens), ranks, routing));
                prop_assert!(time.is_finite() && time > 0.0);
                // Popularity's range has a step where pairs outnumber experts, so twice the tokens, not one more.
                let twice = microseconds(&shape(2.0 * f64::from(tokens), ranks, routing));
                prop_assert!(twice >= 0.95 * time, "{routing:?} {tokens} {time} {twice}");
            }
        }
    }
}
