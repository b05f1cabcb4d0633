//! Operators whose time depends on one whole number: tokens or sequences in a step.

/// A sum of operators at every whole number.
#[derive(Clone, Debug, Default)]
pub(super) struct Curve {
    values: Vec<f64>,
    /// What each more takes beyond the last.
    slope: f64,
}

/// An operator's time by that number, and how often it runs.
pub(super) struct Part {
    pub(super) times: f64,
    pub(super) points: Vec<(f64, f64)>,
}

impl Part {
    /// Puts points in order; of several at one number the first counts.
    pub(super) fn new(times: f64, mut points: Vec<(f64, f64)>) -> Self {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points.dedup_by(|a, b| a.0 == b.0);
        Self { times, points }
    }

    /// On the lines between measured points; before the first as there, beyond the last in proportion to what the second
    /// half took, which noise between two neighbours cannot tilt.
    fn at(&self, number: f64) -> f64 {
        let points = &self.points;
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return 0.0 };
        if number <= first.0 {
            return first.1;
        }
        if number > last.0 {
            let half = last.0 / 2.0;
            let slope = if half > 0.0 { (last.1 - self.at(half)) / half } else { 0.0 };
            return last.1 + (number - last.0) * slope.max(0.0);
        }
        let high = points.partition_point(|point| point.0 < number);
        let ((x, y), (x1, y1)) = (points[high - 1], points[high]);
        y + (y1 - y) * ((number - x) / (x1 - x))
    }
}

impl Curve {
    /// Σ times · time, up to the greatest number that was measured.
    pub(super) fn new(parts: &[Part]) -> Self {
        let greatest = parts.iter().filter_map(|part| part.points.last()).map(|point| point.0);
        let greatest = greatest.fold(1.0, f64::max).ceil();
        let sum = |number: f64| parts.iter().map(|part| part.times * part.at(number)).sum::<f64>();
        let values = (0..=greatest as usize).map(|number| sum(number as f64)).collect();
        Self { values, slope: (sum(2.0 * greatest) - sum(greatest)) / greatest }
    }

    pub(super) fn at(&self, number: f64) -> f64 {
        let number = number.max(0.0);
        let (low, last) = (number as usize, self.values.len() - 1);
        if low >= last {
            return self.values[last] + (number - last as f64) * self.slope;
        }
        let [a, b] = [self.values[low], self.values[low + 1]];
        a + (b - a) * (number - low as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_curves_add_up() {
        let a = Part::new(2.0, vec![(4.0, 8.0), (1.0, 5.0), (2.0, 4.0)]);
        let b = Part::new(1.0, vec![(1.0, 1.0), (8.0, 8.0)]);
        let curve = Curve::new(&[a, b]);
        // At 3: 2 · 6 + 3; at 8 the first goes on by (8 - 4)/2 a token: 2 · 16 + 8.
        assert_eq!([0.0, 1.0, 3.0, 2.5, 8.0].map(|at| curve.at(at)), [11.0, 11.0, 15.0, 12.5, 40.0]);
        // Beyond: 2 · 2 + 1 a token.
        assert_eq!(curve.at(10.0), 50.0);
        assert_eq!(Curve::new(&[]).at(7.0), 0.0);
    }
}
