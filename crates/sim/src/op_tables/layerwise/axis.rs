//! The measured points of one axis, found without a search.

/// Points in rising order, and by cells of equal width the last point at or before each cell.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) points: Vec<f64>,
    /// One over the distance from each point to the next; 0 at the last, where there is none.
    per_span: Vec<f64>,
    /// Cells a unit.
    per_width: f64,
    before: Vec<u32>,
}

/// Between which points a value lies, and how far from the lower to the upper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) low: usize,
    pub(super) high: usize,
    pub(super) share: f64,
}

const MOST_CELLS: f64 = 65_536.0;

impl Axis {
    /// From at least one value, in any order.
    pub(super) fn new(values: impl Iterator<Item = f64>) -> Self {
        let mut points: Vec<f64> = values.collect();
        points.sort_by(f64::total_cmp);
        points.dedup();
        let range = points[points.len() - 1] - points[0];
        let gaps = points.windows(2).map(|pair| pair[1] - pair[0]);
        let width = gaps.fold(f64::INFINITY, f64::min).max(range / MOST_CELLS);
        let cells = if width.is_finite() { (range / width) as usize + 1 } else { 1 };
        let mut low = 0;
        let before = (0..cells).map(|cell| {
            while low + 2 < points.len() && points[low + 1] <= points[0] + cell as f64 * width {
                low += 1;
            }
            low as u32
        });
        let before = before.collect();
        let mut per_span: Vec<f64> = points.windows(2).map(|pair| 1.0 / (pair[1] - pair[0])).collect();
        per_span.push(0.0);
        Self { before, points, per_span, per_width: 1.0 / width }
    }

    pub(super) fn len(&self) -> usize {
        self.points.len()
    }

    /// The place of a point that is on the axis.
    pub(super) fn index(&self, point: f64) -> usize {
        self.points.partition_point(|known| *known < point).min(self.points.len() - 1)
    }

    /// Where a value lies: before the first point at that point, beyond the last on the line through the last two.
    pub(super) fn place(&self, value: f64) -> Place {
        let points = self.points.as_slice();
        // A cell below zero is the first one.
        let cell = ((value - points[0]) * self.per_width) as usize;
        let mut low = self.before[cell.min(self.before.len() - 1)] as usize;
        while low + 2 < points.len() && points[low + 1] <= value {
            low += 1;
        }
        let high = (low + 1).min(points.len() - 1);
        let share = ((value - points[low]) * self.per_span[low]).max(0.0);
        Place { low, high, share }
    }

    /// The first point beyond a value; infinity where there is none.
    pub(super) fn next(&self, value: f64) -> f64 {
        let Place { low, high, .. } = self.place(value);
        let next = [low, high].map(|at| self.points[at]).into_iter().find(|point| *point > value);
        next.unwrap_or(f64::INFINITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hand_places() {
        let axis = Axis::new([64.0, 16.0, 32.0, 16.0].into_iter());
        assert_eq!(axis.points, [16.0, 32.0, 64.0]);
        assert_eq!(axis.place(40.0), Place { low: 1, high: 2, share: 0.25 });
        assert_eq!(axis.place(32.0), Place { low: 1, high: 2, share: 0.0 });
        assert_eq!(axis.place(3.0), Place { low: 0, high: 1, share: 0.0 });
        assert_eq!(axis.place(128.0), Place { low: 1, high: 2, share: 3.0 });
        assert_eq!([3.0, 16.0, 63.0, 64.0].map(|at| axis.next(at)), [16.0, 32.0, 64.0, f64::INFINITY]);
        let one = Axis::new([5.0].into_iter());
        assert_eq!(one.place(9.0), Place { low: 0, high: 0, share: 0.0 });
    }

    proptest! {
        #[test]
        fn law_a_value_lies_between_its_points(
            points in prop::collection::vec(0.0..1e5_f64, 1..40), value in 0.0..1e5_f64,
        ) {
            let axis = Axis::new(points.into_iter());
            let place = axis.place(value);
            let last = axis.len() - 1;
            prop_assert!(place.low == 0 || axis.points[place.low] <= value);
            prop_assert!(place.high == last || value < axis.points[place.high]);
        }
    }
}
