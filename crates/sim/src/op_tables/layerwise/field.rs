//! Values at the points of several axes, and between them.

use super::axis::{Axis, Place};

/// A value at every combination of the points of N axes; the last axis lies closest together.
#[derive(Clone, Debug)]
pub(super) struct Field<const N: usize> {
    pub(super) axes: [Axis; N],
    strides: [usize; N],
    values: Vec<f64>,
}

/// How points that were not measured get a value from others on a line along one axis.
#[derive(Clone, Copy, PartialEq)]
enum Fill {
    /// Between two measured ones.
    Between,
    /// Beyond the last two on their line, and never less than the last; before the first as there.
    Beyond,
    /// As the nearest, where only one was measured.
    Hold,
}

/// The most values of a field.
const MOST: usize = 1 << 24;

impl<const N: usize> Field<N> {
    /// From measured values, at least one, on any points; none if there were too many of them.
    ///
    /// Profiles are unions of grids, with corners left out that memory had no room for. What is missing is interpolated
    /// between measured neighbours, along the axes from the last to the first; then what lies beyond them likewise.
    pub(super) fn new(cells: &[([f64; N], f64)]) -> Option<Self> {
        let axes: [Axis; N] = std::array::from_fn(|axis| Axis::new(cells.iter().map(|cell| cell.0[axis])));
        let mut strides = [1; N];
        for axis in (1..N).rev() {
            strides[axis - 1] = strides[axis] * axes[axis].len();
        }
        let size = axes.iter().try_fold(1_usize, |size, axis| size.checked_mul(axis.len()))?;
        if size > MOST {
            return None;
        }
        let mut field = Self { axes, strides, values: vec![f64::NAN; size] };
        for (at, value) in cells {
            let index = (0..N).map(|axis| field.axes[axis].index(at[axis]) * strides[axis]).sum::<usize>();
            field.values[index] = *value;
        }
        for fill in [Fill::Between, Fill::Beyond, Fill::Hold] {
            (0..N).rev().for_each(|axis| field.fill(axis, fill));
        }
        Some(field)
    }

    fn fill(&mut self, axis: usize, fill: Fill) {
        let (points, stride) = (&self.axes[axis].points, self.strides[axis]);
        let starts = (0..self.values.len()).filter(|at| (at / stride) % points.len() == 0);
        let mut line = vec![0.0; points.len()];
        for start in starts {
            for (at, value) in line.iter_mut().enumerate() {
                *value = self.values[start + at * stride];
            }
            if line.iter().any(|value| value.is_nan()) {
                fill_line(points, &mut line, fill);
                for (at, value) in line.iter().enumerate() {
                    self.values[start + at * stride] = *value;
                }
            }
        }
    }

    /// The value at a point: linear along each axis between measured points, beyond the last two on their line, before
    /// the first as there.
    pub(super) fn at(&self, point: [f64; N]) -> f64 {
        let places: [Place; N] = std::array::from_fn(|axis| self.axes[axis].place(point[axis]));
        let mut sum = 0.0;
        for corner in 0..1_usize << N {
            let (mut index, mut weight) = (0, 1.0);
            for (axis, place) in places.iter().enumerate() {
                let is_high = (corner >> axis) & 1 == 1;
                let (at, share) =
                    if is_high { (place.high, place.share) } else { (place.low, 1.0 - place.share) };
                index += at * self.strides[axis];
                weight *= share;
            }
            sum += weight * self.values[index];
        }
        sum.max(0.0)
    }
}

fn fill_line(points: &[f64], line: &mut [f64], fill: Fill) {
    let known: Vec<usize> = (0..line.len()).filter(|at| !line[*at].is_nan()).collect();
    let (Some(&first), Some(&last)) = (known.first(), known.last()) else { return };
    let (start, end) = (line[first], line[last]);
    let on_line = |line: &[f64], (a, b): (usize, usize), at: usize| {
        line[a] + (line[b] - line[a]) * ((points[at] - points[a]) / (points[b] - points[a]))
    };
    match fill {
        Fill::Between => {
            for pair in known.windows(2) {
                for at in pair[0] + 1..pair[1] {
                    line[at] = on_line(line, (pair[0], pair[1]), at);
                }
            }
        }
        Fill::Beyond => {
            if let [.., before, last] = known[..] {
                for at in last + 1..line.len() {
                    line[at] = on_line(line, (before, last), at).max(end);
                }
                line[..first].fill(start);
            }
        }
        Fill::Hold => {
            line[..first].fill(start);
            line[last..].fill(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_what_was_not_measured_lies_between_and_beyond() {
        // Along the second axis: 1 at 0, 3 at 2 and nothing at 1 and 4; at 10 of the first only 0 was measured.
        let cells = [
            ([0.0, 0.0], 1.0),
            ([0.0, 2.0], 3.0),
            ([10.0, 0.0], 5.0),
            ([10.0, 1.0], 7.0),
            ([20.0, 4.0], 9.0),
        ];
        let field = Field::new(&cells).expect("small");
        assert_eq!(field.at([0.0, 1.0]), 2.0);
        // On from 5 and 7, two each.
        assert_eq!((field.at([10.0, 2.0]), field.at([10.0, 4.0])), (9.0, 13.0));
        // The last row has one value alone; its others go on from the rows before.
        assert_eq!((field.at([20.0, 4.0]), field.at([20.0, 0.0])), (9.0, 9.0));
        // Halfway along both: the mean of 1, 2, 5 and 7.
        assert_eq!(field.at([5.0, 0.5]), 3.75);
    }
}
