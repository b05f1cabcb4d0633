//! Mixers with a state instead of a cache: gated delta net, KDA, lightning attention, Mamba and Mamba-2.
//!
//! Projections and norms are not in here. Every constant is an estimate: no table measures these kernels.

use super::estimates::{PASS_SHARE, launches_us, longest, moved_us};
use crate::{Bound, Cost, Device};
use rackplan_catalog::Format;

/// How the state moves from token to token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recurrence {
    /// S = decay S + k vᵀ: lightning attention, Mamba-2.
    Decay,
    /// S = decay (S - k (kᵀ S)) + k vᵀ: gated delta net, KDA.
    Delta,
    /// A decay of its own for every number of the state, which no matrix multiplication can carry: Mamba.
    Selective,
}

/// Sizes on one rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearAttention {
    /// The recurrence.
    pub recurrence: Recurrence,
    /// Heads with a state; channels for Mamba.
    pub heads: f64,
    /// Heads of queries and keys (input and output maps), which several states may share.
    pub key_heads: f64,
    /// Width of a key: numbers of the state per channel.
    pub key_dim: f64,
    /// Width of a value: channels of a head; 1 for Mamba.
    pub value_dim: f64,
    /// Channels of the causal convolution before it; 0 without one.
    pub conv_channels: f64,
    /// Taps of that convolution.
    pub conv_width: f64,
}

/// New tokens of some sequences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearStep {
    /// Sizes.
    pub mixer: LinearAttention,
    /// Sequences.
    pub batch: f64,
    /// New tokens of each: 1 in decode, more where drafts are verified.
    pub tokens: f64,
    /// Whether kernels are replayed from a graph.
    pub replayed: bool,
}

/// Bytes of a number of the state: fp32, as kernels keep it.
pub(crate) const STATE: f64 = 4.0;
/// Bytes of an activation.
const ACTIVATION: f64 = 2.0;
/// Share of the memory bandwidth at which a decode kernel updates states. Estimate.
pub(crate) const UPDATE_SHARE: f64 = 0.75;
/// Tokens of a chunk. Source: flash-linear-attention; Mamba-2's own kernels take 128 or 256.
const CHUNK: f64 = 64.0;
/// Share of the bf16 peak that chunked scans reach: their matrices are small. Estimate.
pub(crate) const SCAN_SHARE: f64 = 0.3;
/// Handing a state from one chunk to the next, in microseconds. Estimate.
const CHUNK_US: f64 = 1.0;
/// Exponentials per clock and processor. Source: Shah et al., FlashAttention-3 (2024).
const EXPONENTIALS: f64 = 16.0;

impl LinearAttention {
    /// Numbers of one sequence's state.
    pub fn state_elements(&self) -> f64 {
        self.heads * self.key_dim * self.value_dim
    }

    /// Bytes of a token's queries, keys, values and output, and of the convolution in and out.
    pub(crate) fn token_bytes(&self) -> f64 {
        let mixed = 2.0 * self.key_heads * self.key_dim + 2.0 * self.heads * self.value_dim;
        ACTIVATION * (mixed + 2.0 * self.conv_channels)
    }

    /// FLOPs per token of the chunked form with chunks of C tokens: within a chunk 2 C (dk + dv), the state updated and
    /// read 4 dk dv for every head; the delta rule adds the products of keys and its triangular solve,
    /// 2 C (2 dk + dv), and what the state predicts, 2 dk dv.
    pub(crate) fn scan_flops(&self) -> f64 {
        let (dk, dv) = (self.key_dim, self.value_dim);
        let decay = 2.0 * CHUNK * (dk + dv) + 4.0 * dk * dv;
        let head = match self.recurrence {
            Recurrence::Decay => decay,
            Recurrence::Delta => decay + 2.0 * CHUNK * (2.0 * dk + dv) + 2.0 * dk * dv,
            Recurrence::Selective => 0.0,
        };
        self.heads * head
    }

    /// Kernels in prefill: the convolution, then those of the chunked form, or one scan. Estimate.
    pub(crate) fn scan_launches(&self) -> f64 {
        match self.recurrence {
            Recurrence::Decay => 5.0,
            Recurrence::Delta => 7.0,
            Recurrence::Selective => 2.0,
        }
    }
}

/// Time of decode: every sequence's state is read and written once, whatever its length.
///
/// t = 2 launches · 2 us · phi + (2 b (4 dk dv H + 2 conv (taps - 1)) + b T bytes of a token) / (0.75 W)
///
/// b sequences, T new tokens of each, H heads with a dk x dv state in fp32, W memory bandwidth in bytes/s, phi as in
/// `elementwise`. Unvalidated: constants are estimates. Source: Gu, Dao, Mamba (2023), section 3.3, for what is moved.
pub fn linear_decode(shape: &LinearStep, device: &Device) -> Cost {
    let LinearStep { mixer, batch, tokens, replayed } = *shape;
    let window = ACTIVATION * mixer.conv_channels * (mixer.conv_width - 1.0).max(0.0);
    let states = 2.0 * batch * (STATE * mixer.state_elements() + window);
    let bytes = states + batch * tokens * mixer.token_bytes();
    Cost::of_microseconds(
        moved_us(bytes, UPDATE_SHARE, device),
        Bound::Memory,
        launches_us(2.0, replayed, device),
    )
}

/// Time of prefill: a chunked scan.
///
/// t = launches · 2 us · phi + max(b T F / (0.3 P), b T (bytes of a token + 8 dk dv H / C) / (0.7 W), ⌈T / C⌉ · 1 us)
///
/// F FLOPs of a token with chunks of C = 64 tokens: H (2 C (dk + dv) + 4 dk dv), and with a delta rule
/// H (2 C (2 dk + dv) + 2 dk dv) more; P bf16 peak in FLOP/s. States go through memory once per chunk, and from chunk to
/// chunk one after the other. Mamba has no chunks: H dk dv exponentials per token at 16 per clock and processor take
/// the place of F. Unvalidated: constants are estimates. Source: Yang, Kautz, Hatamizadeh, Gated Delta Networks (2025),
/// section 3; Dao, Gu, Mamba-2 (2024), section 6.
pub fn linear_prefill(shape: &LinearStep, device: &Device) -> Cost {
    let LinearStep { mixer, batch, tokens, replayed } = *shape;
    let all = batch * tokens;
    let chunked = mixer.recurrence != Recurrence::Selective;
    let products = all * mixer.scan_flops() / (device.peak(Format::Bf16) * SCAN_SHARE) * 1e6;
    let rate = EXPONENTIALS * device.processors * device.clock;
    let scan = all * mixer.state_elements() / rate * 1e6;
    let compute = if chunked { products } else { scan };
    let states = if chunked { 2.0 * STATE * mixer.state_elements() / CHUNK } else { 0.0 };
    let memory = moved_us(all * (mixer.token_bytes() + states), PASS_SHARE, device);
    let chain = if chunked { CHUNK_US * (tokens / CHUNK).ceil() } else { 0.0 };
    let parts = [(compute, Bound::Compute), (memory, Bound::Memory), (chain, Bound::Latency)];
    let (work, bound) = longest(&parts);
    Cost::of_microseconds(work, bound, launches_us(mixer.scan_launches(), replayed, device))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::tests::with_link;
    use proptest::prelude::*;

    /// Gated delta net of Qwen3-Next-80B-A3B.
    const QWEN: LinearAttention = LinearAttention {
        recurrence: Recurrence::Delta,
        heads: 32.0,
        key_heads: 16.0,
        key_dim: 128.0,
        value_dim: 128.0,
        conv_channels: 8192.0,
        conv_width: 4.0,
    };

    fn step(mixer: LinearAttention, batch: f64, tokens: f64) -> LinearStep {
        LinearStep { mixer, batch, tokens, replayed: true }
    }

    fn microseconds(cost: Cost) -> f64 {
        cost.time.get() * 1e6
    }

    #[test]
    fn hand_decode_of_64_sequences() {
        // State 32 x 128 x 128 = 524,288 numbers: 2 x 64 x (2,097,152 + 2 x 8,192 x 3) B = 274.727 MB; token
        // 2 x (2 x 2,048 + 2 x 4,096 + 2 x 8,192) = 57,344 B: 3.670 MB. 278.397 MB / (0.75 x 3.35 TB/s) = 110.805 us,
        // and 2 x 2 x 0.7 = 2.8 us.
        let time = microseconds(linear_decode(&step(QWEN, 64.0, 1.0), &with_link(450e9)));
        assert!((time - 113.605).abs() < 1e-2, "{time}");
    }

    #[test]
    fn hand_prefill_of_8192_tokens() {
        // F = 32 x (128 x 256 + 4 x 16,384 + 128 x 384 + 2 x 16,384) = 5,767,168. 8,192 F / (0.3 x 989 TFLOP/s) =
        // 159.2 us; memory (57,344 + 65,536) x 8,192 B / (0.7 x 3.35 TB/s) = 429.3 us; chain 128 us. Launches 9.8 us.
        let cost = linear_prefill(&step(QWEN, 1.0, 8192.0), &with_link(450e9));
        assert!((microseconds(cost) - 439.07).abs() < 0.1, "{cost:?}");
        assert_eq!(cost.bound, Bound::Memory);
    }

    proptest! {
        #[test]
        fn law_decode_ignores_length_and_all_grow_with_batch(
            batch in 1.0..512.0_f64, tokens in 1.0..1e5_f64, heads in 1.0..128.0_f64, kind in 0..3_usize,
        ) {
            let recurrence = [Recurrence::Decay, Recurrence::Delta, Recurrence::Selective][kind];
            let mixer = LinearAttention { recurrence, heads, ..QWEN };
            let device = with_link(450e9);
            for time in [linear_decode, linear_prefill].map(|f| move |b, t| f(&step(mixer, b, t), &device)) {
                prop_assert!(microseconds(time(batch, tokens)).is_finite());
                prop_assert!(time(2.0 * batch, tokens).time.get() >= time(batch, tokens).time.get());
                prop_assert!(time(batch, 2.0 * tokens).time.get() >= time(batch, tokens).time.get());
            }
        }
    }
}
