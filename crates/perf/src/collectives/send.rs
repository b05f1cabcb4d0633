//! One rank sends, another receives: activations between pipeline stages, a cache from prefill to decode.

use super::nccl::{NETWORK_SHARE, NETWORK_US};
use crate::{Bound, Cost, Device};

/// What lies between the two ranks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Path {
    /// The scale-up domain of both.
    ScaleUp,
    /// The network between domains, at the accelerator's share of it.
    ScaleOut,
    /// A link of so many bytes per second one way, as a site names it.
    Link(f64),
}

/// One message from one rank to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transfer {
    /// Bytes.
    pub bytes: f64,
    /// Messages that they are cut into and that wait for one another: layers of a cache that are sent as they are made
    /// count as one.
    pub messages: f64,
    /// What they pass.
    pub path: Path,
    /// Accelerators of the group that both ranks are in, as far apart as any of them.
    pub among: f64,
}

/// A matched send and receive within a domain, in microseconds. Estimate: what fits of two-rank collectives have.
const NEAR_US: f64 = 7.0;
/// Share of the scale-up links that one pair reaches. Estimate: fitted two-rank collectives have 0.6 to 0.85.
const NEAR_SHARE: f64 = 0.75;

/// Time of a transfer.
///
/// t = messages · latency + B / (N e): 7 us and e = 0.75 in a domain, 14 us and e = 0.85 over a network or named link
///
/// B bytes, N bytes per second one way, of which an oversubscribed level leaves its part. Two of a mesh have one link between them. A device without scale-up links
/// sends over the network, one without a network over its links. Unvalidated: constants are estimates.
pub fn send(shape: &Transfer, device: &Device) -> Cost {
    let far = |rate: f64| (rate, NETWORK_SHARE, NEAR_US + NETWORK_US);
    let (rate, share, latency) = match shape.path {
        Path::ScaleUp if device.link > 0.0 => (device.pair_among(shape.among), NEAR_SHARE, NEAR_US),
        Path::ScaleUp | Path::ScaleOut => far(device.network_among(shape.among)),
        Path::Link(rate) => far(rate),
    };
    let wire = shape.bytes / (rate.max(1.0) * share) * 1e6;
    Cost::of_microseconds(wire, Bound::Wire, shape.messages * latency)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::tests::with_link;

    fn microseconds(bytes: f64, path: Path) -> f64 {
        send(&Transfer { bytes, messages: 1.0, path, among: 2.0 }, &with_link(450e9)).time.get() * 1e6
    }

    #[test]
    fn hand_activations_of_128_tokens_to_the_next_stage() {
        // 7 us + 128 x 8,192 x 2 B / (450 GB/s x 0.75) = 7 + 6.214 us.
        assert!((microseconds(2_097_152.0, Path::ScaleUp) - 13.214).abs() < 1e-3);
    }

    #[test]
    fn hand_a_cache_of_a_gigabyte_over_the_network() {
        // 14 us + 1 GB / (50 GB/s x 0.85) = 14 + 23,529.4 us.
        assert!((microseconds(1e9, Path::ScaleOut) - 23_543.4).abs() < 0.1);
    }

    #[test]
    fn law_a_named_link_counts_as_the_network_of_its_rate() {
        assert_eq!(microseconds(1e9, Path::Link(50e9)), microseconds(1e9, Path::ScaleOut));
        assert!(microseconds(1e9, Path::Link(100e9)) < microseconds(1e9, Path::Link(50e9)));
    }
}
