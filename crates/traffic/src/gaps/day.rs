//! Factors of a rate through the day.

/// Factors that each hold from their hour on until the next one; the last holds past midnight. Time 0 is midnight.
#[derive(Clone, Debug, PartialEq)]
pub struct Day {
    /// (seconds after midnight, factor), rising.
    steps: Vec<(f64, f64)>,
    highest: f64,
    mean: f64,
}

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;

impl Day {
    /// One factor for each hour from midnight on.
    pub fn hourly(factors: [f64; 24]) -> Self {
        Self::new(factors.into_iter().enumerate().map(|(hour, factor)| (hour as f64, factor)))
    }

    /// (hour after midnight, factor) in any order. Hours outside 0..24 are left out, factors that are not positive and
    /// finite count as 0; without any factor all are 1.
    pub fn new(factors: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let valid = |factor: f64| if factor > 0.0 && factor.is_finite() { factor } else { 0.0 };
        let inside = factors.into_iter().filter(|(hour, _)| (0.0..24.0).contains(hour));
        let mut steps: Vec<(f64, f64)> = inside.map(|(hour, factor)| (hour * HOUR, valid(factor))).collect();
        steps.sort_by(|a, b| a.0.total_cmp(&b.0));
        if steps.is_empty() {
            steps.push((0.0, 1.0));
        }
        let highest = steps.iter().fold(0.0, |highest: f64, step| highest.max(step.1));
        let ends = steps.iter().skip(1).map(|step| step.0).chain([steps[0].0 + DAY]);
        let mean = steps.iter().zip(ends).map(|((start, factor), end)| factor * ((end - start) / DAY)).sum();
        Self { steps, highest, mean }
    }

    /// The factor at a time, in seconds.
    pub fn at(&self, time: f64) -> f64 {
        let second = time.rem_euclid(DAY);
        let after = self.steps.partition_point(|step| step.0 <= second);
        let step = after.checked_sub(1).unwrap_or(self.steps.len() - 1);
        self.steps[step].1
    }

    /// The highest factor.
    pub fn highest(&self) -> f64 {
        self.highest
    }

    /// The mean factor over the day.
    pub fn mean(&self) -> f64 {
        self.mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_day_and_night() {
        // 2 from 8 to 20 h, 0.5 for the other twelve: mean 1.25.
        let day = Day::new([(20.0, 0.5), (8.0, 2.0), (25.0, 9.0)]);
        assert_eq!((day.mean(), day.highest()), (1.25, 2.0));
        let at = [0.0, 7.99, 8.0, 19.99, 20.0, 24.0 + 9.0].map(|hour| day.at(hour * HOUR));
        assert_eq!(at, [0.5, 0.5, 2.0, 2.0, 0.5, 2.0]);
        assert_eq!(Day::new([]), Day::new([(0.0, 1.0)]));
        assert!((Day::hourly([1.0; 24]).mean() - 1.0).abs() < 1e-12);
    }
}
