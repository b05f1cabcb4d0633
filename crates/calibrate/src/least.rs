//! A few constants from many results that all depend on them: robust least squares of logarithms, with priors.
//!
//! Results are whole predictions that take long to make, so that a descent must do with few of them: the logarithm of a
//! result is taken as linear in the logarithms of the constants about a point (Gauss and Newton).

use rackplan_perf::Parameter;

/// A result beside its prediction at a point.
#[derive(Clone, Debug, PartialEq)]
pub struct Residual {
    /// ln(measured / predicted).
    pub log: f64,
    /// How ln(predicted) grows with the logarithm of each constant.
    pub slopes: Vec<f64>,
    /// How much it counts, in results.
    pub weight: f64,
}

impl Residual {
    /// What is left of it when the constants have moved from `at` to `to`, both as logarithms.
    pub fn left(&self, at: &[f64], to: &[f64]) -> f64 {
        let moved = self.slopes.iter().zip(at.iter().zip(to)).map(|(slope, (a, b))| slope * (b - a));
        self.log - moved.sum::<f64>()
    }
}

/// Standard deviation of a result about a right prediction: versions of software and systems differ by as much.
const NOISE: f64 = 0.15;
/// Rounds of weights; they settle after five or six.
const ROUNDS: usize = 20;

/// The logarithms of the constants that fit best where results are linear about `at`:
///
/// least sum of weight · huber(left / NOISE) + sum of ((ln c - ln prior) / spread)^2
///
/// found by least squares whose weights are those of the last round (Holland, Welsch, Communications in Statistics 6, 1977).
pub fn solve(parameters: &[Parameter], at: &[f64], residuals: &[Residual]) -> Vec<f64> {
    let mut to = at.to_vec();
    for _ in 0..ROUNDS {
        to = round(parameters, at, residuals, &to);
    }
    to
}

fn round(parameters: &[Parameter], at: &[f64], residuals: &[Residual], last: &[f64]) -> Vec<f64> {
    let size = parameters.len();
    let mut matrix = vec![vec![0.0; size]; size];
    let mut right = vec![0.0; size];
    for (place, parameter) in parameters.iter().enumerate() {
        let pull = parameter.spread.powi(-2);
        matrix[place][place] += pull;
        right[place] += pull * (parameter.prior.ln() - at[place]);
    }
    for residual in residuals {
        let far = residual.left(at, last).abs() / NOISE;
        let weight = residual.weight / (NOISE * NOISE) / far.max(1.0);
        for (row, slope) in residual.slopes.iter().enumerate() {
            right[row] += weight * slope * residual.log;
            for (cell, other) in matrix[row].iter_mut().zip(&residual.slopes) {
                *cell += weight * slope * other;
            }
        }
    }
    let moved = eliminate(matrix, right);
    let within = |(place, moved): (usize, f64)| {
        let Parameter { low, high, .. } = parameters[place];
        (at[place] + moved).clamp(low.ln(), high.ln())
    };
    moved.into_iter().enumerate().map(within).collect()
}

/// Solves a positive definite system by elimination.
fn eliminate(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for pivot in 0..size {
        let (above, below) = matrix.split_at_mut(pivot + 1);
        let first = &above[pivot];
        for (offset, row) in below.iter_mut().enumerate() {
            let factor = row[pivot] / first[pivot];
            row.iter_mut().zip(first).for_each(|(cell, other)| *cell -= factor * other);
            right[pivot + 1 + offset] -= factor * right[pivot];
        }
    }
    for pivot in (0..size).rev() {
        let known: f64 = (pivot + 1..size).map(|place| matrix[pivot][place] * right[place]).sum();
        right[pivot] = (right[pivot] - known) / matrix[pivot][pivot];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: [Parameter; 2] = [
        Parameter { name: "a", prior: 1.0, low: 0.1, high: 10.0, spread: 1e3 },
        Parameter { name: "b", prior: 1.0, low: 0.1, high: 10.0, spread: 1e3 },
    ];

    fn residual(log: f64, slopes: [f64; 2]) -> Residual {
        Residual { log, slopes: slopes.to_vec(), weight: 1.0 }
    }

    #[test]
    fn hand_two_constants_from_three_results() {
        // 0.1 = a / 2, 0.3 = a + b: a = 0.2, b = 0.1; among three of each, one that is 3 away pulls a tenth of the way.
        let results = [residual(0.1, [0.5, 0.0]), residual(0.3, [1.0, 1.0])];
        let found = solve(&TWO, &[0.0, 0.0], &results);
        assert!((found[0] - 0.2).abs() < 1e-6 && (found[1] - 0.1).abs() < 1e-6, "{found:?}");
        let (many, odd) = ([results.as_slice(); 3].concat(), [residual(3.0, [0.0, 1.0])]);
        let odd = [many.as_slice(), &odd].concat();
        let moved = solve(&TWO, &[0.0, 0.0], &odd);
        assert!(moved[1] - found[1] < 0.29, "{moved:?}");
    }

    #[test]
    fn law_a_prior_holds_what_results_say_nothing_about() {
        let held = [TWO[0], Parameter { prior: 2.0, spread: 0.1, ..TWO[1] }];
        let found = solve(&held, &[0.0, 0.0], &[residual(0.1, [1.0, 0.0])]);
        assert!((found[1] - 2.0_f64.ln()).abs() < 1e-9 && (found[0] - 0.1).abs() < 1e-6, "{found:?}");
    }
}
