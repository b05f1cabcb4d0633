//! How far predictions are from measurements.

/// Errors of many predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Rows.
    pub rows: usize,
    /// Median of |predicted / measured - 1|.
    pub median: f64,
    /// 90th percentile of the same.
    pub p90: f64,
    /// Median of predicted / measured - 1.
    pub bias: f64,
}

/// Quantiles of measured over predicted: the band of a prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residuals {
    /// One in ten is below.
    pub p10: f64,
    /// The middle.
    pub p50: f64,
    /// One in ten is above.
    pub p90: f64,
}

impl Score {
    /// Of pairs (predicted, measured).
    pub fn new(pairs: &[(f64, f64)]) -> Self {
        let mut errors: Vec<f64> =
            pairs.iter().map(|(predicted, measured)| predicted / measured - 1.0).collect();
        errors.sort_by(f64::total_cmp);
        let bias = quantile(&errors, 0.5);
        let mut sizes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        Self { rows: pairs.len(), median: quantile(&sizes, 0.5), p90: quantile(&sizes, 0.9), bias }
    }
}

impl Residuals {
    /// Of pairs (predicted, measured).
    pub fn new(pairs: &[(f64, f64)]) -> Self {
        let mut ratios: Vec<f64> = pairs.iter().map(|(predicted, measured)| measured / predicted).collect();
        ratios.sort_by(f64::total_cmp);
        Self { p10: quantile(&ratios, 0.1), p50: quantile(&ratios, 0.5), p90: quantile(&ratios, 0.9) }
    }
}

/// Kendall's rank correlation of pairs (tau-b, which counts ties out): concordant less discordant pairs of pairs, over the
/// geometric mean of those that are no ties in one and in the other. None where all of either are equal.
pub fn kendall(pairs: &[(f64, f64)]) -> Option<f64> {
    let (mut balance, mut left, mut right) = (0.0, 0.0, 0.0);
    for (i, a) in pairs.iter().enumerate() {
        for b in &pairs[..i] {
            let order = |x: f64, y: f64| f64::from(x.total_cmp(&y) as i8);
            let (first, second) = (order(a.0, b.0), order(a.1, b.1));
            balance += first * second;
            left += first.abs();
            right += second.abs();
        }
    }
    (left > 0.0 && right > 0.0).then(|| balance / (left * right).sqrt())
}

/// A quantile of sorted values by linear interpolation; 0 of none.
pub(crate) fn quantile(sorted: &[f64], fraction: f64) -> f64 {
    let rank = sorted.len().saturating_sub(1) as f64 * fraction;
    let (below, part) = (rank.floor() as usize, rank.fract());
    let Some(low) = sorted.get(below) else { return 0.0 };
    let high = sorted.get(below + 1).unwrap_or(low);
    low + (high - low) * part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_score_of_four_predictions() {
        // Errors -10, 0, +10, +20 %: sizes 0, 10, 10, 20; median 10, p90 at rank 2.7: 17; bias 5.
        let score = Score::new(&[(0.9, 1.0), (1.0, 1.0), (1.1, 1.0), (1.2, 1.0)]);
        assert!((score.median - 0.1).abs() < 1e-12);
        assert!((score.p90 - 0.17).abs() < 1e-12);
        assert!((score.bias - 0.05).abs() < 1e-12);
    }

    #[test]
    fn hand_kendall_with_a_tie() {
        // 1,2,3,4 against 1,3,2,2: of 6 pairs 3 concordant, 2 discordant, one a tie on the right: 1 / sqrt(6 · 5).
        let tau = kendall(&[(1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (4.0, 2.0)]).expect("they differ");
        assert!((tau - 1.0 / 30.0_f64.sqrt()).abs() < 1e-12, "{tau}");
        assert_eq!(kendall(&[(1.0, 2.0), (2.0, 2.0)]), None);
    }
}
