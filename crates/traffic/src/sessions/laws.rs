//! How many turns a session has, and how long people and tools take between them.

use crate::Stream;

/// Law of a number of turns or of calls in a row; every number drawn is at least 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Turns {
    /// Always as many.
    Fixed(u32),
    /// After each one, another follows with probability 1 - 1/mean.
    Geometric {
        /// Mean number, at least 1.
        mean: f64,
    },
}

impl Turns {
    /// Mean number.
    pub fn mean(self) -> f64 {
        match self {
            Self::Fixed(turns) => f64::from(turns.max(1)),
            Self::Geometric { mean } => mean.max(1.0),
        }
    }

    /// Standard deviation: √(m² - m) for the geometric law.
    pub fn deviation(self) -> f64 {
        match self {
            Self::Fixed(_) => 0.0,
            Self::Geometric { .. } => (self.mean() * (self.mean() - 1.0)).sqrt(),
        }
    }

    /// One number: 1 + floor(E / -ln(1 - 1/m)) with E exponential.
    pub fn draw(self, random: &mut Stream) -> u32 {
        match self {
            Self::Fixed(turns) => turns.max(1),
            Self::Geometric { .. } => {
                let more = random.gap() / -(-1.0 / self.mean()).ln_1p();
                (more as u32).saturating_add(1)
            }
        }
    }
}

/// Law of a time between an answer and what is sent because of it, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pause {
    /// Always as long.
    Fixed(f64),
    /// Exponential.
    Exponential {
        /// In seconds.
        mean: f64,
    },
    /// Log-normal.
    LogNormal {
        /// In seconds.
        mean: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
}

impl Pause {
    /// Mean, in seconds.
    pub fn mean(self) -> f64 {
        match self {
            Self::Fixed(mean) | Self::Exponential { mean } | Self::LogNormal { mean, .. } => valid(mean),
        }
    }

    /// Standard deviation, in seconds.
    pub fn deviation(self) -> f64 {
        match self {
            Self::Fixed(_) => 0.0,
            Self::Exponential { .. } => self.mean(),
            Self::LogNormal { sigma, .. } => self.mean() * (sigma * sigma).exp_m1().sqrt(),
        }
    }

    /// One time, finite and not negative.
    pub fn draw(self, random: &mut Stream) -> f64 {
        let mean = self.mean();
        match self {
            Self::Fixed(_) => mean,
            Self::Exponential { .. } => valid(mean * random.gap()),
            Self::LogNormal { sigma, .. } => {
                valid(mean * (sigma * random.normal() - sigma * sigma / 2.0).exp())
            }
        }
    }
}

fn valid(seconds: f64) -> f64 {
    if seconds > 0.0 && seconds.is_finite() { seconds } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, draw: impl Fn(&mut Stream) -> f64, mean: f64, deviation: f64) {
        let mut random = Stream::new(2, "laws");
        let draws: Vec<f64> = (0..200_000).map(|_| draw(&mut random)).collect();
        let found = draws.iter().sum::<f64>() / draws.len() as f64;
        let square = draws.iter().map(|x| (x - found).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!((found - mean).abs() <= 4.0 * deviation / 447.0 + 1e-9, "{name}: {found}, not {mean}");
        assert!((square.sqrt() - deviation).abs() <= 0.04 * deviation, "{name}: {square}, not {deviation}²");
    }

    #[test]
    fn law_draws_have_their_mean_and_deviation() {
        for turns in [Turns::Fixed(3), Turns::Geometric { mean: 1.0 }, Turns::Geometric { mean: 6.5 }] {
            check(
                &format!("{turns:?}"),
                |random| f64::from(turns.draw(random)),
                turns.mean(),
                turns.deviation(),
            );
        }
        for pause in [
            Pause::Fixed(3.0),
            Pause::Exponential { mean: 30.0 },
            Pause::LogNormal { mean: 20.0, sigma: 1.0 },
        ] {
            check(&format!("{pause:?}"), |random| pause.draw(random), pause.mean(), pause.deviation());
        }
    }

    #[test]
    fn hand_no_sense_is_no_wait() {
        let mut random = Stream::new(1, "any");
        for mean in [-1.0, f64::NAN, f64::INFINITY, 0.0] {
            assert_eq!(Pause::Exponential { mean }.draw(&mut random), 0.0);
            assert!(Turns::Geometric { mean }.draw(&mut random) >= 1);
        }
        assert_eq!(Pause::LogNormal { mean: 1.0, sigma: f64::NAN }.draw(&mut random), 0.0);
        assert_eq!(
            (Turns::Fixed(0).draw(&mut random), Turns::Geometric { mean: 1.0 }.draw(&mut random)),
            (1, 1)
        );
    }
}
