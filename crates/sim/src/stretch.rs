//! Decode steps ahead in which nothing begins or ends: their contexts grow evenly, so their times lie on a line.

/// Steps whose times are `first + slope · j` for j = 0, 1, ...
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    first: f64,
    slope: f64,
}

/// The longest stretch, as a share by which the mean context grows, and in steps where that is less.
const GROWTH: f64 = 0.125;
const SHORTEST: f64 = 16.0;

impl Stretch {
    /// Steps over which times are taken to lie on a line.
    pub(crate) fn limit(context: f64, tokens_per_step: f64) -> u64 {
        (GROWTH * context / tokens_per_step).max(SHORTEST) as u64
    }

    /// The line through the first and the last of so many steps.
    pub(crate) fn through(first: f64, last: f64, steps: u64) -> Self {
        let slope = if steps > 1 { (last - first) / (steps - 1) as f64 } else { 0.0 };
        Self { first, slope }
    }

    /// Time of the first n steps: n first + n (n - 1)/2 slope.
    pub(crate) fn elapsed(&self, steps: u64) -> f64 {
        let steps = steps as f64;
        steps * self.first + steps * (steps - 1.0) / 2.0 * self.slope
    }

    /// The fewest steps that take at least a given time.
    pub(crate) fn steps_to(&self, seconds: f64) -> u64 {
        if seconds <= 0.0 {
            return 0;
        }
        // The root of slope/2 n² + (first - slope/2) n = seconds, in the form that stands a slope of zero.
        let linear = self.first - self.slope / 2.0;
        let root = (linear * linear + 2.0 * self.slope * seconds).sqrt();
        let steps = (2.0 * seconds / (linear + root)).ceil();
        if !steps.is_finite() || steps >= 1e15 {
            return u64::MAX;
        }
        // Rounding may be off by one either way.
        let steps = (steps as u64).max(1);
        if self.elapsed(steps - 1) >= seconds { steps - 1 } else { steps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_steps_to_a_time() {
        // 1.0, 1.1, 1.2 s: 1.0, 2.1, 3.3 s in all.
        let stretch = Stretch::through(1.0, 1.2, 3);
        assert!((stretch.elapsed(3) - 3.3).abs() < 1e-12);
        assert_eq!([0.0, 0.5, 1.0, 1.5, 2.2, 3.2].map(|t| stretch.steps_to(t)), [0, 1, 1, 2, 3, 3]);
        let even = Stretch::through(0.5, 0.5, 1);
        assert_eq!([0.5, 0.6, 5.0].map(|t| even.steps_to(t)), [1, 2, 10]);
        assert_eq!(Stretch::through(0.0, 0.0, 5).steps_to(1.0), u64::MAX);
    }
}
