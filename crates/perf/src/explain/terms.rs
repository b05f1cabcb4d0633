//! Each operator's formula as terms: what it computes, reads and sends at the rates that its constants give.
//!
//! The shapes and constants are those that the operators are priced with; the whole formulas stand at their functions.

use super::Amounts;
use super::text::{amount, short};
use super::{attention, communication};
use crate::Device;
use crate::operators::attention_linear::{LinearAttention, SCAN_SHARE, STATE, UPDATE_SHARE};
use crate::operators::estimates::{PASS_SHARE, launches_us};
use crate::operators::gemm::{Gemm, GemmConstants};
use crate::operators::moe::{Moe, MoeConstants};
use crate::operators::sampling::Sampling;
use crate::work::attend::sequences;
use crate::work::{Counts, Work};
use rackplan_catalog::Format;

/// A term of a formula.
pub(super) struct Term {
    /// As it is written.
    pub(super) symbol: String,
    /// What it comes to, in microseconds.
    pub(super) us: f64,
}

/// How the work of an operator adds up.
#[derive(Clone, Copy)]
pub(super) enum Join {
    /// It overlaps: the longest counts.
    Longest,
    /// One after the other.
    Sum,
}

/// A formula with its numbers.
pub(super) struct Terms {
    /// The operator with its shape.
    pub(super) what: String,
    /// What a call does.
    pub(super) amounts: Amounts,
    /// What depends on the amounts.
    pub(super) work: Vec<Term>,
    /// How that adds up.
    pub(super) join: Join,
    /// What comes on top.
    pub(super) fixed: Vec<Term>,
}

/// The arithmetic of an operator's multiplications.
pub(super) fn arithmetic(work: &Work) -> Option<Format> {
    match work {
        Work::Gemm { shape, .. } => Some(shape.arithmetic),
        Work::Prefill { shape, .. } => Some(shape.arithmetic),
        Work::MlaPrefill { shape, .. } => Some(shape.arithmetic),
        Work::MlaBmm { shape, .. } => Some(shape.arithmetic),
        Work::Moe { shape, .. } => Some(shape.arithmetic),
        Work::Index { indexer, .. } => Some(indexer.arithmetic),
        Work::Linear(_) | Work::Decode { .. } | Work::MlaDecode { .. } | Work::Sparse { .. } => {
            Some(Format::Bf16)
        }
        _ => None,
    }
}

impl Terms {
    /// Of an operator in a step.
    pub(super) fn of(work: &Work, counts: &Counts, device: &Device) -> Self {
        match work {
            Work::Gemm { rows, shape, constants, .. } => {
                multiplication(rows.count(counts), shape, constants, device)
            }
            Work::Pass { rows, bytes, launches } => {
                let count = rows.count(counts);
                Self::new(format!("pass over {} rows of {}", short(count), amount(*bytes, "B")))
                    .reading(count * bytes, device, PASS_SHARE)
                    .launched(launches_us(*launches, true, device))
            }
            Work::Embed(shape) => {
                let bytes = 2.0 * counts.tokens * shape.hidden * shape.element_bytes;
                Self::new(format!("look-up of {} rows of {}", short(counts.tokens), whole(shape.hidden)))
                    .reading(bytes, device, PASS_SHARE)
                    .launched(launches_us(1.0, shape.replayed, device))
            }
            Work::Sample(shape) => {
                let shape = Sampling { sequences: counts.sampled, ..*shape };
                Self::new(format!("choice among {} for {} rows", whole(shape.vocab), short(shape.sequences)))
                    .reading(shape.bytes(), device, PASS_SHARE)
                    .launched(shape.launches_us(device))
            }
            Work::Host { row_us } => {
                let rows = counts.sampled;
                Self::new(format!("host for {} rows", short(rows))).plus("rows", rows * row_us)
            }
            Work::Linear(mixer) => state(counts, mixer, device),
            Work::Moe { shape, routed, constants, .. } => {
                experts(&routed.met(counts.average, shape), constants, device)
            }
            Work::AllReduce { .. } | Work::Gather { .. } | Work::Dispatch(_) => {
                communication::of(work, counts, device)
            }
            _ => attention::of(work, counts, device),
        }
    }

    pub(super) fn new(what: String) -> Self {
        let amounts = Amounts::default();
        Self { what, amounts, work: Vec::new(), join: Join::Longest, fixed: Vec::new() }
    }

    /// What it comes to, in microseconds.
    pub(super) fn sum_us(&self) -> f64 {
        let work = self.work.iter().map(|term| term.us);
        let fixed: f64 = self.fixed.iter().map(|term| term.us).sum();
        fixed
            + match self.join {
                Join::Longest => work.fold(0.0, f64::max),
                Join::Sum => work.sum(),
            }
    }

    /// FLOPs that no term of the formula has.
    pub(super) fn doing(mut self, flops: f64) -> Self {
        self.amounts.flops = flops;
        self
    }

    pub(super) fn computing(mut self, symbol: &str, flops: f64, peak: f64, share: f64) -> Self {
        let symbol = format!("{symbol} / (P {})", short(share));
        self.work.push(Term { symbol, us: flops / (peak * share) * 1e6 });
        self.doing(flops)
    }

    pub(super) fn reading(mut self, bytes: f64, device: &Device, share: f64) -> Self {
        let symbol = format!("{} / (W {})", amount(bytes, "B"), short(share));
        self.work.push(Term { symbol, us: bytes / (device.bandwidth * share) * 1e6 });
        self.amounts.bytes = bytes;
        self
    }

    pub(super) fn sending(mut self, symbol: &str, bytes: f64, ranks: f64, device: &Device) -> Self {
        let link = device.link_among(ranks).max(device.scale_out).max(1.0);
        self.work.push(Term { symbol: format!("{symbol} / N"), us: bytes / link * 1e6 });
        self.amounts.wire = bytes;
        self
    }

    pub(super) fn launched(self, us: f64) -> Self {
        self.plus("launch", us)
    }

    pub(super) fn plus(mut self, symbol: &str, us: f64) -> Self {
        if us > 0.0 {
            self.fixed.push(Term { symbol: symbol.to_owned(), us });
        }
        self
    }

    pub(super) fn in_sum(mut self) -> Self {
        self.join = Join::Sum;
        self
    }
}

fn multiplication(m: f64, shape: &Gemm, constants: &GemmConstants, device: &Device) -> Terms {
    let Gemm { n, k, .. } = *shape;
    let bytes = shape.weight_bytes * n * k + shape.activation_bytes * m * k + 2.0 * m * n;
    let format = shape.arithmetic.name();
    Terms::new(format!("GEMM m={} n={} k={} {format}", short(m), whole(n), whole(k)))
        .computing("2mnk", 2.0 * m * n * k, device.peak(shape.arithmetic), constants.compute_share)
        .reading(bytes, device, constants.memory_share)
        .launched(constants.launch_us)
}

/// States are read and written once for each generating sequence, and scanned in chunks over prompts.
fn state(counts: &Counts, mixer: &LinearAttention, device: &Device) -> Terms {
    let [decodes, prompts] = sequences(counts);
    let (decoding, scanned) =
        (decodes.map_or(0.0, |part| part.batch), prompts.map_or(0.0, |part| part.batch * part.tokens));
    let each = STATE * mixer.state_elements();
    let passing = (counts.decode_tokens + scanned) * mixer.token_bytes();
    let sizes = format!("{} decodes and {} prompt tokens", short(decoding), short(scanned));
    let launches = decodes.map_or(0.0, |_| 2.0) + prompts.map_or(0.0, |_| mixer.scan_launches());
    Terms::new(format!("state of {sizes}, {} each", amount(each, "B")))
        .computing("scan", scanned * mixer.scan_flops(), device.peak(Format::Bf16), SCAN_SHARE)
        .reading(2.0 * decoding * each + passing, device, UPDATE_SHARE)
        .launched(launches_us(launches, true, device))
        .in_sum()
}

fn experts(shape: &Moe, constants: &MoeConstants, device: &Device) -> Terms {
    let (h, i) = (shape.hidden, shape.inter);
    let (pairs, active) = (shape.load.pairs, shape.load.active);
    let up = if shape.gated { 2.0 } else { 1.0 };
    let weights = active * (up + 1.0) * h * i * shape.weight_bytes;
    let passing = pairs * (shape.activation_bytes * (h + i) + 2.0 * (up * i + h));
    let sizes =
        format!("h={} I={} experts={} of {}", whole(h), short(i), short(active), short(shape.local_experts));
    let format = shape.arithmetic.name();
    Terms::new(format!("experts pairs={} {sizes} {format}", short(pairs)))
        .computing(
            if shape.gated { "6 pairs h I" } else { "4 pairs h I" },
            2.0 * pairs * (up + 1.0) * h * i,
            device.peak(shape.arithmetic),
            constants.compute_share,
        )
        .reading(weights + passing, device, constants.memory_share)
        .launched(constants.launch_us)
        .plus("experts", constants.expert_us * shape.local_experts / 100.0)
}

/// A size that is whole, or nearly.
pub(super) fn whole(value: f64) -> String {
    format!("{value:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::tests::with_link;
    use crate::inference::Batch;
    use crate::operators::gemm::GemmPlan;
    use crate::work::Rows;

    #[test]
    fn hand_a_multiplication_in_words() {
        // 64 x 4,096 x 4,096: 2.147 GFLOP at 0.75 of 989 TFLOP/s are 2.90 us; 32 MiB + 2 x 512 KiB at 0.8 of 3.35 TB/s
        // are 12.9 us; the launch is 4 us.
        let shape = Gemm {
            m: 0.0,
            n: 4096.0,
            k: 4096.0,
            arithmetic: Format::Bf16,
            weight_bytes: 2.0,
            activation_bytes: 2.0,
            quantises: false,
            repeats: false,
        };
        let (rows, constants) = (Rows::Tokens, GemmConstants::default());
        let plan = std::sync::Arc::new(GemmPlan::new(&shape, &with_link(450e9), &constants));
        let work = Work::Gemm { rows, shape, constants, plan };
        let counts = Counts::of(&Batch::decode(64.0, 100.0), 64.0, 1.0);
        let device = with_link(450e9);
        let terms = Terms::of(&work, &counts, &device);
        assert_eq!(terms.amounts, Amounts { flops: 2_147_483_648.0, bytes: 34_603_008.0, wire: 0.0 });
        let text = super::super::text::formula(&terms, 20.0);
        assert_eq!(
            text,
            "GEMM m=64 n=4096 k=4096 bf16: max(2mnk / (P 0.75), 34.6 MB / (W 0.8)) + launch + rest = max(2.9, 12.9) + 4 + 3.09 = 20 us"
        );
    }
}
