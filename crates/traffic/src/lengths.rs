//! How long prompts and answers are: laws with exact moments, and seeded draws.

use crate::Stream;
use statrs::function::erf::erfc;

/// Law of the lengths of prompts or answers, in tokens. Every length drawn is a whole number and at least 1.
#[derive(Clone, Debug, PartialEq)]
pub enum Lengths {
    /// All the same.
    Fixed(u32),
    /// Whole numbers between two ends, both included, each as likely.
    Uniform {
        /// The shortest.
        low: u32,
        /// The longest.
        high: u32,
    },
    /// Log-normal, cut at a longest length.
    LogNormal {
        /// Mean of the law before it is cut, in tokens.
        mean: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
        /// Longer ones have this length.
        longest: u32,
    },
    /// A list of (share of requests that are at most this long, length), rising in both, with straight lines between.
    /// Shares below the first have the first length, and those above the last the last one.
    Quantiles(Vec<(f64, f64)>),
}

impl Lengths {
    /// Uniform in [ratio · length, length], as serving benchmarks draw them with a "random range ratio".
    pub fn up_to(length: u32, ratio: f64) -> Self {
        Self::Uniform { low: (f64::from(length) * ratio).ceil() as u32, high: length }
    }

    /// Mean, in tokens. Exact for the first two; the others are rounded to whole tokens only when drawn.
    pub fn mean(&self) -> f64 {
        self.moments().0.max(1.0)
    }

    /// Standard deviation, in tokens.
    pub fn deviation(&self) -> f64 {
        let (mean, square) = self.moments();
        (square - mean * mean).max(0.0).sqrt()
    }

    /// The longest length that can be drawn.
    pub fn longest(&self) -> u32 {
        match self {
            Self::Fixed(length) | Self::Uniform { high: length, .. } => (*length).max(1),
            Self::LogNormal { longest, .. } => (*longest).max(1),
            Self::Quantiles(points) => whole(points.last().map_or(1.0, |point| point.1)),
        }
    }

    /// One length.
    pub fn draw(&self, random: &mut Stream) -> u32 {
        match self {
            Self::Fixed(length) => (*length).max(1),
            Self::Uniform { low, high } => random.whole((*low).max(1), (*high).max(1)),
            Self::LogNormal { mean, sigma, longest } => {
                let length = (location(*mean, *sigma) + sigma * random.normal()).exp();
                whole(length).min((*longest).max(1))
            }
            Self::Quantiles(points) => whole(quantile(points, random.unit())),
        }
    }

    /// Mean, and mean of the square.
    fn moments(&self) -> (f64, f64) {
        match self {
            Self::Fixed(length) => (f64::from(*length), f64::from(*length).powi(2)),
            Self::Uniform { low, high } => uniform(f64::from((*low).min(*high)), f64::from(*high)),
            Self::LogNormal { mean, sigma, longest } => {
                let (location, longest) = (location(*mean, *sigma), f64::from(*longest));
                (cut_moment(1.0, location, *sigma, longest), cut_moment(2.0, location, *sigma, longest))
            }
            Self::Quantiles(points) => of_quantiles(points),
        }
    }
}

/// Moments of whole numbers from low to high: mean (a + b)/2, variance ((b - a + 1)² - 1)/12.
fn uniform(low: f64, high: f64) -> (f64, f64) {
    let mean = (low + high) / 2.0;
    (mean, mean * mean + ((high - low + 1.0).powi(2) - 1.0) / 12.0)
}

/// Mean of the logarithm: ln(mean) - σ²/2.
fn location(mean: f64, sigma: f64) -> f64 {
    mean.max(1.0).ln() - sigma * sigma / 2.0
}

/// E[min(X, M)^k] = exp(kμ + k²σ²/2) Φ((ln M - μ)/σ - kσ) + M^k (1 - Φ((ln M - μ)/σ)), X log-normal.
fn cut_moment(power: f64, location: f64, sigma: f64, longest: f64) -> f64 {
    if sigma <= 0.0 {
        return location.exp().min(longest).powf(power);
    }
    let below = |z: f64| 0.5 * erfc(-z / std::f64::consts::SQRT_2);
    let cut = (longest.ln() - location) / sigma;
    let whole = (power * location + (power * sigma).powi(2) / 2.0).exp();
    whole * below(cut - power * sigma) + longest.powf(power) * below(-cut)
}

/// Moments of a law whose quantiles are straight lines: (a + b)/2 and (a² + ab + b²)/3 over each.
fn of_quantiles(points: &[(f64, f64)]) -> (f64, f64) {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return (1.0, 1.0) };
    let ends = (first.0 * first.1 + (1.0 - last.0) * last.1, {
        first.0 * first.1 * first.1 + (1.0 - last.0) * last.1 * last.1
    });
    points.windows(2).fold(ends, |(mean, square), pair| {
        let ((p, a), (q, b)) = (pair[0], pair[1]);
        (mean + (q - p) * (a + b) / 2.0, square + (q - p) * (a * a + a * b + b * b) / 3.0)
    })
}

fn quantile(points: &[(f64, f64)], share: f64) -> f64 {
    let above = points.partition_point(|point| point.0 <= share);
    let Some(low) = above.checked_sub(1).and_then(|at| points.get(at)) else {
        return points.first().map_or(1.0, |point| point.1);
    };
    points.get(above).map_or(low.1, |high| low.1 + (high.1 - low.1) * (share - low.0) / (high.0 - low.0))
}

/// Rounded to a whole number of at least 1.
fn whole(length: f64) -> u32 {
    length.round().max(1.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drawn(lengths: &Lengths) -> (f64, f64) {
        let mut random = Stream::new(5, "lengths");
        let draws: Vec<f64> = (0..100_000).map(|_| f64::from(lengths.draw(&mut random))).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        (mean, variance.sqrt())
    }

    #[test]
    fn hand_moments() {
        // 800..1000 has 201 numbers: mean 900, variance (201² - 1)/12 = 3366.7.
        let uniform = Lengths::up_to(1000, 0.8);
        assert_eq!((uniform.mean(), uniform.longest()), (900.0, 1000));
        assert!((uniform.deviation() - 3366.667_f64.sqrt()).abs() < 1e-3);
        // Half at most 100 (a line from 0), half between 100 and 300: 25 + 100.
        let quantiles = Lengths::Quantiles(vec![(0.0, 0.0), (0.5, 100.0), (1.0, 300.0)]);
        assert_eq!((quantiles.mean(), quantiles.longest()), (125.0, 300));
        // A log-normal that is hardly cut keeps its mean, and exp(σ²) - 1 is its relative variance.
        let law = Lengths::LogNormal { mean: 500.0, sigma: 0.5, longest: 1_000_000 };
        assert!((law.mean() - 500.0).abs() < 1e-6);
        assert!((law.deviation() / 500.0 - (0.25_f64.exp() - 1.0).sqrt()).abs() < 1e-6);
        assert_eq!((Lengths::Fixed(7).mean(), Lengths::Fixed(7).deviation()), (7.0, 0.0));
    }

    #[test]
    fn law_draws_meet_the_moments() {
        let laws = [
            Lengths::Fixed(128),
            Lengths::up_to(1024, 0.5),
            Lengths::LogNormal { mean: 900.0, sigma: 1.2, longest: 4096 },
            Lengths::Quantiles(vec![(0.1, 20.0), (0.5, 300.0), (0.9, 2000.0)]),
        ];
        for law in laws {
            let (mean, deviation) = drawn(&law);
            assert!((mean / law.mean() - 1.0).abs() < 0.02, "{law:?}: {mean} {}", law.mean());
            assert!((deviation - law.deviation()).abs() <= 0.02 * law.mean(), "{law:?}: {deviation}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn law_any_numbers_give_lengths(mean in any::<f64>(), sigma in any::<f64>(), high in any::<u32>()) {
            let mut random = Stream::new(1, "any");
            for law in [
                Lengths::LogNormal { mean, sigma, longest: high },
                Lengths::Uniform { low: 1000, high },
                Lengths::Quantiles(vec![(mean, sigma)]),
                Lengths::Quantiles(vec![]),
            ] {
                let length = law.draw(&mut random);
                prop_assert!(length >= 1 && length <= law.longest(), "{law:?} {length}");
            }
        }
    }
}
