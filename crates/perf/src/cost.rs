//! What one operator takes, and what bounds it.

use rackplan_units::Seconds;

/// The time of one operator call on one rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// From call to result.
    pub time: Seconds,
    /// What most of it is spent on.
    pub bound: Bound,
}

/// What an operator waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bound {
    /// Arithmetic.
    Compute,
    /// Memory bandwidth.
    Memory,
    /// A link.
    Wire,
    /// Launches, synchronisation, chains of small steps.
    Latency,
}

impl Cost {
    /// Microseconds of work and of everything else; the larger names the bound, `busy` if it is the work.
    pub(crate) fn of_microseconds(work: f64, busy: Bound, rest: f64) -> Self {
        let bound = if work >= rest { busy } else { Bound::Latency };
        Self { time: Seconds::new((work + rest) * 1e-6), bound }
    }

    /// The same after waiting for so many microseconds.
    pub(crate) fn later(self, microseconds: f64) -> Self {
        let waited = microseconds * 1e-6;
        let bound = if waited > self.time.get() { Bound::Latency } else { self.bound };
        Self { time: Seconds::new(self.time.get() + waited), bound }
    }

    /// One after the other; the longer says what bounds both.
    pub(crate) fn then(self, next: Self) -> Self {
        let bound = if self.time >= next.time { self.bound } else { next.bound };
        Self { time: Seconds::new(self.time.get() + next.time.get()), bound }
    }

    /// No less than so many microseconds.
    pub(crate) fn at_least(self, microseconds: f64) -> Self {
        if self.time.get() >= microseconds * 1e-6 {
            return self;
        }
        Self { time: Seconds::new(microseconds * 1e-6), bound: Bound::Latency }
    }
}

impl Bound {
    /// As answers spell it.
    pub fn name(self) -> &'static str {
        match self {
            Bound::Compute => "compute",
            Bound::Memory => "memory",
            Bound::Wire => "wire",
            Bound::Latency => "latency",
        }
    }
}
