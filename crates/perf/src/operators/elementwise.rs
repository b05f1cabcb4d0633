//! Norms, residual sums, activations, rotations: passes over activations that compute next to nothing.

use super::estimates::passes;
use crate::{Cost, Device};

/// One or more passes on one rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elementwise {
    /// Tokens.
    pub tokens: f64,
    /// Bytes of a token that all passes together read and write.
    pub token_bytes: f64,
    /// Kernels that are launched.
    pub launches: f64,
    /// Whether they are replayed from a graph.
    pub replayed: bool,
}

/// Time of passes over activations.
///
/// t = launches · 2 us · phi + tokens · `token_bytes` / (0.7 W), phi = 0.7 in a graph and 1 outside
///
/// W memory bandwidth in bytes/s. A fused residual sum and norm in bf16 moves 8 bytes per element (two read, two
/// written), a gated activation 6 per output. Unvalidated: constants are estimates. Source: the step of this
/// repository's performance model.
pub fn elementwise(shape: &Elementwise, device: &Device) -> Cost {
    passes(shape.tokens * shape.token_bytes, shape.launches, shape.replayed, device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::tests::with_link;
    use proptest::prelude::*;

    fn microseconds(tokens: f64, launches: f64, replayed: bool) -> f64 {
        let shape = Elementwise { tokens, token_bytes: 8.0 * 4096.0, launches, replayed };
        elementwise(&shape, &with_link(450e9)).time.get() * 1e6
    }

    #[test]
    fn hand_norm_of_a_thousand_tokens() {
        // 2 x 0.7 us + 1,024 x 8 x 4,096 B / (0.7 x 3.35 TB/s) = 1.4 + 14.309 us.
        assert!((microseconds(1024.0, 1.0, true) - 15.709).abs() < 1e-3);
    }

    proptest! {
        #[test]
        fn law_more_tokens_or_launches_are_never_faster(tokens in 1.0..1e6_f64, launches in 1.0..20.0_f64) {
            let time = microseconds(tokens, launches, false);
            prop_assert!(time.is_finite() && time > microseconds(tokens, launches, true));
            prop_assert!(microseconds(2.0 * tokens, launches, false) > time);
            prop_assert!(microseconds(tokens, 2.0 * launches, false) > time);
        }
    }
}
