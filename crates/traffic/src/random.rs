//! Named streams of random numbers: one seed, and a name for each thing that is drawn.

use rand::{RngExt as _, SeedableRng as _};
use rand_distr::{Distribution as _, Exp1};
use rand_pcg::Pcg64;

/// A stream of random numbers that a seed and a name fix, so that drawing more of one thing moves no other.
#[derive(Clone, Debug)]
pub struct Stream(Pcg64);

impl Stream {
    /// The stream of this name. The name is mixed into the seed by FNV-1a.
    pub fn new(seed: u64, name: &str) -> Self {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        Self(Pcg64::seed_from_u64(name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, mix)))
    }

    /// The stream of this name for one of many, such as a session, so that none depends on what the others do.
    pub fn of(seed: u64, name: &str, number: u64) -> Self {
        Self::new(seed ^ number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15), name)
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// A uniform whole number between two ends, both included.
    pub fn whole(&mut self, low: u32, high: u32) -> u32 {
        self.0.random_range(low.min(high)..=high)
    }

    /// Exponential with mean 1: the gap between Poisson arrivals at rate 1.
    pub fn gap(&mut self) -> f64 {
        Exp1.sample(&mut self.0)
    }

    /// From any law of the library.
    pub(crate) fn sample(&mut self, law: &impl rand_distr::Distribution<f64>) -> f64 {
        law.sample(&mut self.0)
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f64 {
        rand_distr::StandardNormal.sample(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_seed_and_name_fix_a_stream() {
        let first = |seed, name| Stream::new(seed, name).unit();
        assert_eq!(first(1, "input"), first(1, "input"));
        assert_ne!(first(1, "input"), first(1, "output"));
        assert_ne!(first(1, "input"), first(2, "input"));
    }

    #[test]
    fn law_gaps_have_mean_and_deviation_one() {
        let mut stream = Stream::new(3, "gaps");
        let gaps: Vec<f64> = (0..100_000).map(|_| stream.gap()).collect();
        let mean = gaps.iter().sum::<f64>() / 1e5;
        let square = gaps.iter().map(|gap| gap * gap).sum::<f64>() / 1e5;
        assert!((mean - 1.0).abs() < 0.02 && (square - 2.0).abs() < 0.08, "{mean} {square}");
    }
}
