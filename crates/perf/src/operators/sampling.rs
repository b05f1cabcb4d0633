//! From logits to tokens: argmax, or softmax and a draw.

use super::estimates::{launches_us, passes};
use crate::{Cost, Device};

/// How a token is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The most likely one.
    Greedy,
    /// A draw from all.
    Random,
    /// A draw from the most likely ones, by number or by probability.
    Truncated,
}

/// One choice for every sequence; each rank that samples has all logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Sequences, or tokens to verify.
    pub sequences: f64,
    /// Tokens of the vocabulary.
    pub vocab: f64,
    /// How.
    pub method: Method,
    /// Whether it is replayed from a graph; most engines do not.
    pub replayed: bool,
}

/// Bytes of a logit: engines widen them to fp32.
const LOGIT: f64 = 4.0;

impl Method {
    /// Passes over the fp32 logits: written once as they are widened, then argmax reads them once; a softmax reads
    /// twice and writes, and the draw reads; truncation without a sort reads about twice more. Estimates.
    fn passes(self) -> f64 {
        match self {
            Method::Greedy => 2.0,
            Method::Random => 5.0,
            Method::Truncated => 7.0,
        }
    }

    /// Kernels: one for each of these steps. Estimates.
    fn launches(self) -> f64 {
        match self {
            Method::Greedy => 2.0,
            Method::Random => 4.0,
            Method::Truncated => 6.0,
        }
    }
}

/// Time of choosing a token for every sequence.
///
/// t = launches · 2 us · phi + b V · 4 · passes / (0.7 W)
///
/// b sequences, V vocabulary, 2 passes and launches for argmax, 5 and 4 for a draw, 7 and 6 for a truncated one; W memory
/// bandwidth in bytes/s, phi as in `elementwise`. Host time is elsewhere. Unvalidated: constants are estimates. Source for
/// truncation without a sort: Ye et al., `FlashInfer` (2025), sampling kernels.
pub fn sampling(shape: &Sampling, device: &Device) -> Cost {
    passes(shape.bytes(), shape.method.launches(), shape.replayed, device)
}

impl Sampling {
    /// Bytes of all passes over the logits.
    pub(crate) fn bytes(&self) -> f64 {
        self.sequences * self.vocab * LOGIT * self.method.passes()
    }

    /// Microseconds of its launches.
    pub(crate) fn launches_us(&self, device: &Device) -> f64 {
        launches_us(self.method.launches(), self.replayed, device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::tests::with_link;

    fn microseconds(sequences: f64, method: Method) -> f64 {
        let shape = Sampling { sequences, vocab: 128_256.0, method, replayed: false };
        sampling(&shape, &with_link(450e9)).time.get() * 1e6
    }

    #[test]
    fn hand_argmax_of_256_sequences() {
        // 4 us + 256 x 128,256 x 4 B x 2 / (0.7 x 3.35 TB/s) = 4 + 112.013 us.
        let time = microseconds(256.0, Method::Greedy);
        assert!((time - 116.013).abs() < 1e-2, "{time}");
    }

    #[test]
    fn law_more_choice_is_never_faster() {
        for sequences in [1.0, 64.0, 4096.0] {
            assert!(microseconds(sequences, Method::Greedy) < microseconds(sequences, Method::Random));
            assert!(microseconds(sequences, Method::Random) < microseconds(sequences, Method::Truncated));
            assert!(microseconds(sequences, Method::Random) < microseconds(2.0 * sequences, Method::Random));
        }
    }
}
