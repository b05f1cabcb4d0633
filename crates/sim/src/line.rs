//! Decode steps ahead while no sequence begins or ends: contexts grow evenly, so that times lie on a line.

use crate::time::Time;

/// Steps that take `first + slope · j` seconds, for j = 0, 1, ..., from an origin on. Played one by one or many at
/// once they end at the same nanosecond, because both ask for the same sum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    origin: Time,
    first: f64,
    slope: f64,
    /// Steps for which it holds, and those played.
    pub(crate) length: u64,
    pub(crate) played: u64,
}

impl Line {
    /// From a first step on, with what each takes more than the one before.
    pub(crate) fn new(origin: Time, (first, slope): (f64, f64), length: u64) -> Self {
        Self { origin, first, slope, length: length.max(1), played: 0 }
    }

    /// Steps it still holds for.
    pub(crate) fn left(&self) -> u64 {
        self.length - self.played
    }

    /// Seconds of a step from here.
    pub(crate) fn time(&self, step: u64) -> f64 {
        self.first + self.slope * (self.played + step) as f64
    }

    /// When so many more steps have been played.
    pub(crate) fn end(&self, steps: u64) -> Time {
        self.origin + Time::from_seconds(self.elapsed(self.played + steps))
    }

    /// When the last of the steps that have been played began.
    pub(crate) fn last_began(&self) -> Time {
        self.origin + Time::from_seconds(self.elapsed(self.played.saturating_sub(1)))
    }

    /// Seconds of the first n steps: n first + n (n - 1)/2 slope.
    fn elapsed(&self, steps: u64) -> f64 {
        let steps = steps as f64;
        steps * self.first + steps * (steps - 1.0) / 2.0 * self.slope
    }

    /// The fewest steps from here that end at or after a point in time.
    pub(crate) fn steps_to(&self, time: Time) -> u64 {
        if time <= self.end(0) {
            return 0;
        }
        // The root of slope/2 n² + (first - slope/2) n = seconds, in the form that stands a slope of zero.
        let seconds = time.since(self.origin);
        let linear = self.first - self.slope / 2.0;
        let root = (linear * linear + 2.0 * self.slope * seconds).sqrt();
        let steps = 2.0 * seconds / (linear + root);
        if !steps.is_finite() || steps >= 1e15 {
            return u64::MAX;
        }
        // Whole steps and one more; rounding may be off by one either way.
        let steps = (steps as u64 + 1).saturating_sub(self.played).max(1);
        if self.end(steps - 1) >= time {
            steps - 1
        } else if self.end(steps) >= time {
            steps
        } else {
            steps + 1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_steps_to_a_time() {
        // 1.0, 1.1, 1.2 s: 1.0, 2.1, 3.3 s in all.
        let line = Line::new(Time::ZERO, (1.0, 0.1), 3);
        assert_eq!(line.end(3), Time::from_seconds(3.3));
        let to = |seconds| line.steps_to(Time::from_seconds(seconds));
        assert_eq!([0.0, 0.5, 1.0, 1.5, 2.2, 3.2].map(to), [0, 1, 1, 2, 3, 3]);
        let even = Line::new(Time::from_seconds(2.0), (0.5, 0.0), 100);
        assert_eq!([2.5, 2.6, 7.0].map(|at| even.steps_to(Time::from_seconds(at))), [1, 2, 10]);
        let later = Line { played: 4, ..even };
        assert_eq!([3.0, 4.0, 4.6, 7.0].map(|at| later.steps_to(Time::from_seconds(at))), [0, 0, 2, 6]);
        assert_eq!(Line::new(Time::ZERO, (0.0, 0.0), 5).steps_to(Time::from_seconds(1.0)), u64::MAX);
    }
}
