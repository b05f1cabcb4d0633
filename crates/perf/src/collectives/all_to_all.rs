//! The way of tokens to their experts and back: dispatch and combine.

use crate::constants::constants;
use crate::{Bound, Cost, Device};

/// One dispatch or combine on every rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AllToAll {
    /// Expert-parallel ranks.
    pub ranks: f64,
    /// Tokens of each rank.
    pub tokens: f64,
    /// Bytes of a token on the wire.
    pub token_bytes: f64,
    /// Experts that a token goes to.
    pub topk: f64,
    /// Experts of a rank.
    pub local_experts: f64,
    /// Whether a copy goes to every expert, as low-latency kernels do, and not one to every rank.
    pub per_expert: bool,
}

constants! {
    /// Constants of dispatch or combine.
    AllToAllConstants {
        /// Launch and synchronisation, in microseconds.
        launch_us: 60.0 in 1.0..800.0, spread 0.8;
        /// Factor on that where the host is coherent with the accelerator: its cores launch more slowly.
        host_coherent: 1.8 in 0.5..6.0, spread 0.5;
        /// Share of the link.
        wire_share: 0.6 in 0.02..2.0, spread 0.5;
        /// Per 1,000 tokens and copy, in microseconds: indices, flags, the copy within the rank.
        token_us: 3.0 in 0.001..200.0, spread 1.5;
        /// Per expert of the rank, in microseconds.
        expert_us: 0.05 in 0.0001..5.0, spread 1.5;
    }
}

/// Share of a network card's line rate that kernels reach. Unvalidated.
const NETWORK_SHARE: f64 = 0.85;

/// Time of a dispatch or combine.
///
/// t = launch + expert E / ep + token T R / 1000 + T s R (ep - 1) / ep / (N e)
///
/// `launch` times `host_coherent` beside a coherent host, T tokens of a rank, s bytes of one, N bytes per second of a
/// rank's links one way, R copies of a token: k to experts (low latency), or the expected number of distinct ranks
/// ep (1 - (1 - 1 / ep)^k) (high throughput). Beyond the scale-up domain the copies that leave it go over the network
/// card, at 85 % of its rate or of its part of an oversubscribed level: an estimate.
/// Source: DeepEP's description of its kernels; constants are fitted.
pub fn all_to_all(shape: &AllToAll, device: &Device, constants: &AllToAllConstants) -> Cost {
    if shape.ranks <= 1.0 {
        return Cost::of_microseconds(0.0, Bound::Wire, 0.0);
    }
    let copies = copies(shape);
    let inside = shape.ranks.min(device.domain.max(1.0));
    let data = shape.tokens * shape.token_bytes * copies * 1e6;
    let near =
        data * (inside - 1.0) / shape.ranks / (device.link_among(inside).max(1.0) * constants.wire_share);
    let far = if shape.ranks > inside {
        let rate = device.network_among(shape.ranks).max(1.0);
        data * (shape.ranks - inside) / shape.ranks / (rate * NETWORK_SHARE)
    } else {
        0.0
    };
    let handling = constants.token_us * shape.tokens * copies / 1000.0;
    let slower = if device.host_coherent { constants.host_coherent } else { 1.0 };
    let latency = constants.launch_us * slower + constants.expert_us * shape.local_experts;
    Cost::of_microseconds(near + far + handling, Bound::Wire, latency)
}

/// Copies of a token that are made.
fn copies(shape: &AllToAll) -> f64 {
    if shape.per_expert {
        shape.topk
    } else {
        shape.ranks * (1.0 - (1.0 - 1.0 / shape.ranks).powf(shape.topk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::tests::with_link;
    use proptest::prelude::*;

    const SHAPE: AllToAll = AllToAll {
        ranks: 8.0,
        tokens: 128.0,
        token_bytes: 14_336.0,
        topk: 8.0,
        local_experts: 32.0,
        per_expert: true,
    };

    #[test]
    fn hand_low_latency_dispatch() {
        // 60 + 32 x 0.05 + 3 x 128 x 8 / 1000 + 128 x 14,336 x 8 x 7/8 / (450 GB/s x 0.6) = 61.6 + 3.072 + 47.574 us.
        let cost = all_to_all(&SHAPE, &with_link(450e9), &AllToAllConstants::default());
        assert!((cost.time.get() * 1e6 - 112.246).abs() < 1e-2, "{cost:?}");
    }

    #[test]
    fn hand_copies_to_distinct_ranks() {
        // 8 (1 - (7/8)^8) = 5.2512.
        assert!((copies(&AllToAll { per_expert: false, ..SHAPE }) - 5.2512).abs() < 1e-4);
    }

    #[test]
    fn law_one_gpu_never_communicates() {
        let alone = AllToAll { ranks: 1.0, ..SHAPE };
        assert_eq!(all_to_all(&alone, &with_link(450e9), &AllToAllConstants::default()).time.get(), 0.0);
    }

    proptest! {
        #[test]
        fn law_more_link_is_never_slower_and_more_tokens_never_faster(
            ranks in 2..256_u32, tokens in 1.0..1e5_f64, topk in 1..16_u32, per_expert in any::<bool>(), link in 1e9..1e13_f64,
        ) {
            let shape = AllToAll { ranks: f64::from(ranks), tokens, topk: f64::from(topk), per_expert, ..SHAPE };
            let time = |shape: &AllToAll, link| {
                all_to_all(shape, &with_link(link), &AllToAllConstants::default()).time.get()
            };
            prop_assert!(time(&shape, link).is_finite() && time(&shape, link) > 0.0);
            prop_assert!(time(&shape, 2.0 * link) <= time(&shape, link) * (1.0 + 1e-12));
            let twice = AllToAll { tokens: 2.0 * tokens, ..shape };
            prop_assert!(time(&twice, link) >= time(&shape, link));
        }
    }
}
