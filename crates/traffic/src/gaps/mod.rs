//! When requests or users come: laws of the gaps between them, and seeded paths.

mod day;
mod shape;

pub use day::Day;

use crate::Stream;
use rand_distr::Gamma;

/// Law of the gaps between arrivals. A rate that is not positive and finite means that nobody comes; a coefficient of
/// variation that is not, that gaps are all the same.
#[derive(Clone, Debug, PartialEq)]
pub enum Gaps {
    /// Exponential gaps: arrivals that know nothing of each other.
    Poisson {
        /// Arrivals a second.
        rate: f64,
    },
    /// Gamma gaps, in bursts if `cv` is above 1.
    Gamma {
        /// Arrivals a second.
        rate: f64,
        /// Deviation over mean, within 0.05 and 20.
        cv: f64,
    },
    /// Weibull gaps, with a heavier tail than gamma gaps of the same `cv` above 1.
    Weibull {
        /// Arrivals a second.
        rate: f64,
        /// Deviation over mean, within 0.05 and 20.
        cv: f64,
    },
    /// All the same.
    Fixed {
        /// Arrivals a second.
        rate: f64,
    },
    /// Poisson arrivals whose rate follows the time of day.
    TimeOfDay {
        /// Arrivals a second where the factor is 1.
        rate: f64,
        /// Factors of the rate through the day.
        day: Day,
    },
}

impl Gaps {
    /// Arrivals a second, over a whole day.
    pub fn rate(&self) -> f64 {
        let rate = match self {
            Self::Poisson { rate } | Self::Fixed { rate } => *rate,
            Self::Gamma { rate, .. } | Self::Weibull { rate, .. } => *rate,
            Self::TimeOfDay { rate, day } => rate * day.mean(),
        };
        if rate > 0.0 && rate.is_finite() { rate } else { 0.0 }
    }

    /// Deviation over mean of a gap; none where the rate changes.
    pub fn cv(&self) -> Option<f64> {
        match self {
            Self::Poisson { .. } => Some(1.0),
            Self::Gamma { cv, .. } | Self::Weibull { cv, .. } => Some(shape::within(*cv)),
            Self::Fixed { .. } => Some(0.0),
            Self::TimeOfDay { .. } => None,
        }
    }

    /// Arrivals in order of time, without end; the first comes one gap after 0.
    pub fn times(&self, seed: u64, name: &str) -> Times {
        Times { law: Law::new(self), mean: 1.0 / self.rate(), at: 0.0, random: Stream::new(seed, name) }
    }
}

/// A law made ready to draw gaps of mean 1.
#[derive(Clone, Debug)]
enum Law {
    Same,
    Exponential,
    Gamma(Gamma<f64>),
    /// A power of an exponential, and its mean.
    Weibull {
        power: f64,
        mean: f64,
    },
    /// Mean gap where the rate is highest, in seconds.
    Thinned {
        densest: f64,
        day: Day,
    },
}

impl Law {
    fn new(gaps: &Gaps) -> Self {
        match gaps {
            Gaps::Poisson { .. } => Self::Exponential,
            Gaps::Fixed { .. } => Self::Same,
            Gaps::Gamma { cv, .. } | Gaps::Weibull { cv, .. } if shape::within(*cv) == 0.0 => Self::Same,
            Gaps::Gamma { cv, .. } => {
                let square = shape::within(*cv).powi(2);
                Gamma::new(1.0 / square, square).map_or(Self::Same, Self::Gamma)
            }
            Gaps::Weibull { cv, .. } => {
                let shape = shape::weibull(shape::within(*cv));
                Self::Weibull { power: 1.0 / shape, mean: shape::mean(shape) }
            }
            Gaps::TimeOfDay { rate, day } => {
                Self::Thinned { densest: 1.0 / (rate * day.highest()), day: day.clone() }
            }
        }
    }
}

/// Arrivals, in seconds; endless unless nobody comes.
#[derive(Clone, Debug)]
pub struct Times {
    law: Law,
    /// Mean gap, in seconds.
    mean: f64,
    at: f64,
    random: Stream,
}

impl Iterator for Times {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        if !self.mean.is_finite() || !self.at.is_finite() {
            return None;
        }
        let random = &mut self.random;
        self.at += match &self.law {
            Law::Same => self.mean,
            Law::Exponential => self.mean * random.gap(),
            Law::Gamma(law) => self.mean * random.sample(law),
            Law::Weibull { power, mean } => self.mean * random.gap().powf(*power) / mean,
            Law::Thinned { densest, day } => thinned(self.at, *densest, day, random) - self.at,
        };
        Some(self.at)
    }
}

/// The next of the arrivals at the highest rate that is kept, each with the share that the rate has at its time.
/// Source: Lewis and Shedler, Simulation of nonhomogeneous Poisson processes by thinning (1979).
fn thinned(mut at: f64, densest: f64, day: &Day, random: &mut Stream) -> f64 {
    loop {
        at += densest * random.gap();
        if !at.is_finite() || random.unit() * day.highest() < day.at(at) {
            return at;
        }
    }
}
