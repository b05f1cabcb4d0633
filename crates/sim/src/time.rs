//! Simulated time: whole nanoseconds, so that order never hangs on rounding.

use rackplan_units::Seconds;
use std::ops::{Add, Sub};

/// A point in time, or a span of it, in whole nanoseconds since the start. Reaches 584 years and stays there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

const PER_SECOND: f64 = 1e9;

impl Time {
    /// The start.
    pub const ZERO: Self = Self(0);
    /// Later than anything.
    pub const NEVER: Self = Self(u64::MAX);

    /// The nearest nanosecond; the start for negative numbers and what is none.
    pub fn from_seconds(seconds: f64) -> Self {
        Self((seconds * PER_SECOND + 0.5) as u64)
    }

    /// In seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / PER_SECOND
    }

    /// As a quantity; none for [`Self::NEVER`].
    pub fn quantity(self) -> Option<Seconds> {
        (self != Self::NEVER).then(|| Seconds::new(self.seconds()))
    }

    /// In nanoseconds.
    pub fn nanoseconds(self) -> u64 {
        self.0
    }

    /// What passed between two points, in seconds; none if the later one never comes.
    pub(crate) fn since(self, earlier: Self) -> f64 {
        (self - earlier).seconds()
    }
}

impl Add for Time {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Time {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_nanoseconds_are_rounded_and_bounded() {
        assert_eq!(Time::from_seconds(1.000_000_000_4).nanoseconds(), 1_000_000_000);
        assert_eq!(Time::from_seconds(-3.0), Time::ZERO);
        assert_eq!(Time::from_seconds(f64::NAN), Time::ZERO);
        assert_eq!(Time::from_seconds(1e300), Time::NEVER);
        assert_eq!(Time::NEVER + Time::from_seconds(1.0), Time::NEVER);
        assert_eq!(Time::from_seconds(2.0).since(Time::from_seconds(0.5)), 1.5);
    }
}
