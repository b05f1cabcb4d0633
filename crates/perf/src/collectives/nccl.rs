//! The collectives of NCCL.

use crate::constants::constants;
use crate::{Bound, Cost, Device};

/// What ranks exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collective {
    /// Each ends with the sum of all.
    AllReduce,
    /// Each ends with the parts of all.
    AllGather,
    /// Each ends with its part of the sum.
    ReduceScatter,
    /// Each sends each other its own part.
    AllToAll,
}

/// One call on every rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exchange {
    /// Which.
    pub collective: Collective,
    /// Ranks that take part.
    pub ranks: f64,
    /// The whole tensor, in bytes: the output of an all-gather, the input of a reduce-scatter.
    pub bytes: f64,
}

constants! {
    /// Constants of a collective of NCCL.
    NcclConstants {
        /// Launch, in microseconds.
        launch_us: 6.0 in 0.5..60.0, spread 0.7;
        /// Each rank beyond the first, in microseconds.
        hop_us: 1.0 in 0.005..20.0, spread 1.0;
        /// Share of the link that two ranks reach.
        pair_share: 0.65 in 0.05..2.0, spread 0.4;
        /// Share of the link that many ranks would reach.
        many_share: 0.8 in 0.05..1.5, spread 0.4;
        /// Factor on the rate at eight ranks and more: reduction in the switch, or the way between two root complexes.
        switch: 1.1 in 0.2..2.5, spread 0.3;
        /// What data as such adds to latency once a packet is full, in microseconds.
        packet_us: 2.0 in 0.01..60.0, spread 1.0;
        /// Half of that is paid at this many bytes.
        packet_bytes: 20000.0 in 500.0..500000.0, spread 1.0;
        /// What filling all channels adds, in microseconds.
        fill_us: 30.0 in 0.1..300.0, spread 1.0;
        /// Half of that is paid at this many bytes.
        fill_bytes: 5e6 in 200000.0..100000000.0, spread 1.0;
    }
}

/// Ranks from which reduction in the switch is used.
const SWITCHED: f64 = 8.0;
/// A message through two network cards and a switch, in microseconds. Unvalidated.
pub(crate) const NETWORK_US: f64 = 7.0;
/// Share of a network card's line rate that a collective reaches. Unvalidated.
pub(crate) const NETWORK_SHARE: f64 = 0.85;

impl Collective {
    /// Bytes that a rank sends, over those of the whole tensor.
    pub fn share_sent(self, ranks: f64) -> f64 {
        let others = (ranks - 1.0) / ranks;
        if self == Collective::AllReduce { 2.0 * others } else { others }
    }
}

/// Time of a collective.
///
/// x = f B;  t = launch + hop (n - 1) + packet x / (x + packet_bytes) + fill x / (x + fill_bytes) + x / (N e(n))
///
/// B bytes of the whole tensor, n ranks, f = 2 (n - 1) / n for an all-reduce and (n - 1) / n otherwise, N bytes per
/// second of a rank's links to the others one way, e(n) = many + (pair - many) 2 / n, times `switch` from eight ranks. The two terms in
/// between stand for the steps from the protocol LL to LL128 to Simple: each has more latency and more bandwidth.
/// Beyond the scale-up domain the ranks of a domain exchange first, then each exchanges its part with its peers over
/// its network card, as far as the network is not oversubscribed: an estimate.
/// Source: factors as nccl-tests document them; protocols as NCCL documents NCCL_PROTO; constants are fitted.
pub fn nccl(shape: &Exchange, device: &Device, constants: &NcclConstants) -> Cost {
    if shape.ranks <= 1.0 {
        return Cost::of_microseconds(0.0, Bound::Wire, 0.0);
    }
    let (wire, latency) = parts(shape, device, constants);
    Cost::of_microseconds(wire, Bound::Wire, latency)
}

/// On the wire, and besides, in microseconds, inside domains and between them.
pub(crate) fn parts(shape: &Exchange, device: &Device, constants: &NcclConstants) -> (f64, f64) {
    let inside = shape.ranks.min(device.domain);
    let sent = shape.collective.share_sent(inside) * shape.bytes;
    let network = across(shape, device, inside);
    let (wire, latency) =
        if inside > 1.0 { ring(inside, sent, device, constants) } else { (0.0, constants.launch_us) };
    (wire + network.0, latency + network.1)
}

/// On the wire, and besides, in microseconds.
fn ring(ranks: f64, sent: f64, device: &Device, constants: &NcclConstants) -> (f64, f64) {
    let full = |bytes: f64| sent / (sent + bytes);
    let latency = constants.launch_us
        + constants.hop_us * (ranks - 1.0)
        + constants.packet_us * full(constants.packet_bytes)
        + constants.fill_us * full(constants.fill_bytes);
    // A mesh has no switch that could sum.
    let sums = ranks >= SWITCHED && device.pair_link <= 0.0;
    let switch = if sums { constants.switch } else { 1.0 };
    let share = shared(ranks, constants.pair_share, constants.many_share) * switch;
    (sent / (device.link_among(ranks) * share) * 1e6, latency)
}

/// Share of the link for a number of ranks.
pub(crate) fn shared(ranks: f64, pair: f64, many: f64) -> f64 {
    many + (pair - many) * 2.0 / ranks
}

/// The part between domains, on the wire and besides, in microseconds.
fn across(shape: &Exchange, device: &Device, inside: f64) -> (f64, f64) {
    let domains = shape.ranks / inside;
    if domains <= 1.0 {
        return (0.0, 0.0);
    }
    let bytes = shape.collective.share_sent(domains) * shape.bytes / inside;
    // Sums go one way and come back.
    let ways = if shape.collective == Collective::AllReduce { 2.0 } else { 1.0 };
    let latency = ways * NETWORK_US * domains.log2().max(1.0);
    (bytes / (device.network_among(shape.ranks) * NETWORK_SHARE) * 1e6, latency)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    pub(crate) use crate::device::tests::with_link as device;
    use proptest::prelude::*;

    /// Ranks of one domain.
    pub(crate) fn few_gpus() -> impl Strategy<Value = f64> {
        prop::sample::select(vec![2.0, 3.0, 4.0, 6.0, 8.0])
    }

    fn any_collective() -> impl Strategy<Value = Collective> {
        use Collective as C;
        prop::sample::select(vec![C::AllReduce, C::AllGather, C::ReduceScatter, C::AllToAll])
    }

    fn microseconds(collective: Collective, ranks: f64, bytes: f64, link: f64) -> f64 {
        let shape = Exchange { collective, ranks, bytes };
        nccl(&shape, &device(link), &NcclConstants::default()).time.get() * 1e6
    }

    #[test]
    fn hand_all_gather_of_two() {
        // x = 1/2 x 20,000 B: 6 + 1 + 2 x 10/(10+20) + 30 x 0.01/(0.01+5) + 0.01 MB / (450 GB/s x 0.65)
        // = 7 + 0.66667 + 0.05988 + 0.03419 us.
        let time = microseconds(Collective::AllGather, 2.0, 20_000.0, 450e9);
        assert!((time - 7.760_74).abs() < 1e-4, "{time}");
    }

    #[test]
    fn law_one_gpu_never_communicates() {
        assert_eq!(microseconds(Collective::AllReduce, 1.0, 1e9, 450e9), 0.0);
    }

    proptest! {
        #[test]
        fn law_more_link_is_never_slower_and_more_bytes_never_faster(
            collective in any_collective(), ranks in 2..64_u32, bytes in 1.0..1e10_f64, link in 1e9..1e13_f64,
        ) {
            let ranks = f64::from(ranks);
            let time = microseconds(collective, ranks, bytes, link);
            prop_assert!(time.is_finite() && time > 0.0);
            prop_assert!(microseconds(collective, ranks, bytes, 2.0 * link) <= time);
            prop_assert!(microseconds(collective, ranks, 2.0 * bytes, link) >= time);
        }

        #[test]
        fn law_leaving_the_domain_is_never_faster(collective in any_collective(), bytes in 1e3..1e10_f64) {
            let inside = microseconds(collective, 8.0, bytes, 450e9);
            prop_assert!(microseconds(collective, 16.0, bytes, 450e9) >= inside);
        }
    }
}
