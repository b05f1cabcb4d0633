//! The way of tokens to their experts and back: dispatch and combine.

use super::nccl::{NETWORK_SHARE, NETWORK_US};
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

/// Time of a dispatch or combine.
///
/// t = launch + expert E / ep + token T R / 1000 + T s R (d - 1) / d / (N e), on one domain of d = ep ranks
///
/// `launch` times `host_coherent` beside a coherent host, T tokens of a rank, s bytes of one, N bytes per second of a
/// rank's links one way, R copies of a token: k to experts (low latency), or the expected number of distinct ranks
/// ep (1 - (1 - 1 / ep)^k) (high throughput). Beyond the scale-up domain copies for experts, or one for each of the
/// ep / d domains that has any (high throughput: links inside take it on), pass the network card meanwhile, at 85 % of its rate or of its part of an oversubscribed level, 7 us away: an estimate.
/// Source: DeepEP's description of its kernels; constants are fitted.
pub fn all_to_all(shape: &AllToAll, device: &Device, constants: &AllToAllConstants) -> Cost {
    if shape.ranks <= 1.0 {
        return Cost::of_microseconds(0.0, Bound::Wire, 0.0);
    }
    let copies = copies(shape, shape.ranks);
    let inside = shape.ranks.min(device.domain.max(1.0));
    let data = shape.tokens * shape.token_bytes * 1e6;
    let near =
        data * copies * (inside - 1.0) / inside / (device.link_among(inside).max(1.0) * constants.wire_share);
    let (far, away) = across(shape, device, inside);
    let handling = constants.token_us * shape.tokens * copies / 1000.0;
    let slower = if device.host_coherent { constants.host_coherent } else { 1.0 };
    let latency = constants.launch_us * slower + constants.expert_us * shape.local_experts;
    Cost::of_microseconds(near.max(far * data) + handling, Bound::Wire, latency + away)
}

/// Between domains: microseconds for each million bytes that tokens have, and latency in microseconds.
fn across(shape: &AllToAll, device: &Device, inside: f64) -> (f64, f64) {
    let domains = shape.ranks / inside;
    if domains <= 1.0 {
        return (0.0, 0.0);
    }
    let leaving = copies(shape, domains) * (domains - 1.0) / domains;
    (leaving / (device.network_among(shape.ranks).max(1.0) * NETWORK_SHARE), NETWORK_US)
}

/// Copies of a token that are made for so many receivers.
fn copies(shape: &AllToAll, receivers: f64) -> f64 {
    if shape.per_expert { shape.topk } else { distinct(shape.topk, receivers) }
}

/// How many of so many receivers `topk` experts have on average that are anywhere.
pub(crate) fn distinct(topk: f64, receivers: f64) -> f64 {
    receivers * (1.0 - (1.0 - 1.0 / receivers).powf(topk))
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
        assert!((copies(&AllToAll { per_expert: false, ..SHAPE }, 8.0) - 5.2512).abs() < 1e-4);
    }

    #[test]
    fn hand_prompts_pass_the_network_once_for_each_server() {
        // Four servers of eight: 4 (1 - 0.75^8) = 3.5995 copies, three of four leave: 128 x 14,336 B x 2.6997 / (50 GB/s x 0.85) =
        // 116.56 us, where a copy for each expert takes 6 of 8: 259.06 us. Inside, 32 (1 - (31/32)^8) = 7.1783 copies take 7/8 of them
        // over links in less. Besides, 60 + 32 x 0.05 + 7 us and 3 x 128 copies / 1000.
        let mut servers = with_link(450e9);
        (servers.domain, servers.scale_out) = (8.0, 50e9);
        let shape = |per_expert| AllToAll { ranks: 32.0, per_expert, ..SHAPE };
        let time = |per_expert| {
            all_to_all(&shape(per_expert), &servers, &AllToAllConstants::default()).time.get() * 1e6
        };
        assert!((time(false) - (116.56 + 68.6 + 2.757)).abs() < 0.05, "{}", time(false));
        assert!((time(true) - (259.06 + 68.6 + 3.072)).abs() < 0.05, "{}", time(true));
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
