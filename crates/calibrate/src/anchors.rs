//! Corrections from a few measurements of the same system, each counting as much as it is like what is asked.

/// What a measurement was made on, as far as it decides how like two of them are.
#[derive(Clone, Debug, PartialEq)]
pub struct Spot {
    /// What has to be the same: number formats, layout, drafted tokens.
    pub kind: String,
    /// Natural logarithms of the sizes: sequences of an accelerator, accelerators, input and output length.
    pub sizes: [f64; 4],
}

/// The prior of a logarithmic error, as shares of its variance: common to a model, framework and accelerator; to a kind of
/// configuration; and fading with the distance between sizes, in e-folds. Chosen among twenty on published results.
const COMMON: f64 = 0.1;
const KIND: f64 = 0.2;
const NEAR: f64 = 0.7;
const REACH: f64 = 2.0;
/// Larger errors say that something else was measured, and count as this.
pub const LARGEST: f64 = 0.8;

impl Spot {
    /// Correlation of the errors of two spots: 0.1 + [same kind] (0.2 + 0.7 exp(-d^2 / (2 · 2^2))).
    fn likeness(&self, other: &Self) -> f64 {
        if self.kind != other.kind {
            return COMMON;
        }
        let pairs = self.sizes.iter().zip(&other.sizes);
        let distance: f64 = pairs.map(|(a, b)| (a - b) * (a - b)).sum();
        COMMON + KIND + NEAR * (-distance / (2.0 * REACH * REACH)).exp()
    }
}

/// What anchors say about a spot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correction {
    /// Logarithm of measured over predicted.
    pub log: f64,
    /// Share of the variance of that logarithm which the anchors leave.
    pub left: f64,
}

/// Logarithms of measured over predicted at some spots, interpolated (kriging, or regression by a Gaussian process):
///
/// log(x) = k(x) · (K + noise · 1)^-1 r,   left(x) = 1 - k(x) · (K + noise · 1)^-1 k(x)
///
/// r are the logarithms of the anchors, K their likenesses among each other, k(x) those to x, and noise is the variance of
/// one run relative to the prior's. With noise 1 and n anchors that are all alike it is n / (n + 1) times their mean.
#[derive(Clone, Debug)]
pub struct Corrections {
    spots: Vec<Spot>,
    /// Lower triangle of the Cholesky factor, row by row.
    factor: Vec<Vec<f64>>,
    /// Solution for the logarithms.
    weights: Vec<f64>,
}

impl Corrections {
    /// From anchors, with the variance of one run relative to the prior's, above 0.
    pub fn new(anchors: &[(Spot, f64)], noise: f64) -> Self {
        let spots: Vec<Spot> = anchors.iter().map(|(spot, _)| spot.clone()).collect();
        let factor =
            cholesky(spots.len(), |i, j| spots[i].likeness(&spots[j]) + if i == j { noise } else { 0.0 });
        let logs: Vec<f64> = anchors.iter().map(|(_, log)| log.clamp(-LARGEST, LARGEST)).collect();
        let weights = backward(&factor, forward(&factor, logs));
        Self { spots, factor, weights }
    }

    /// The correction at a spot; none, and all variance left, without anchors.
    pub fn at(&self, spot: &Spot) -> Correction {
        let like: Vec<f64> = self.spots.iter().map(|anchor| anchor.likeness(spot)).collect();
        let log = like.iter().zip(&self.weights).map(|(like, weight)| like * weight).sum();
        let explained: f64 = forward(&self.factor, like).iter().map(|x| x * x).sum();
        Correction { log, left: (1.0 - explained).clamp(0.0, 1.0) }
    }

    /// Anchors.
    pub fn len(&self) -> usize {
        self.spots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spots.is_empty()
    }
}

/// L with L Lᵀ = M, of a matrix that is positive definite.
fn cholesky(size: usize, of: impl Fn(usize, usize) -> f64) -> Vec<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(size);
    for i in 0..size {
        let mut row: Vec<f64> = Vec::with_capacity(i + 1);
        for j in 0..=i {
            let other = rows.get(j).unwrap_or(&row);
            let known: f64 = row.iter().zip(other).take(j).map(|(a, b)| a * b).sum();
            let rest = of(i, j) - known;
            row.push(if i == j { rest.max(f64::MIN_POSITIVE).sqrt() } else { rest / rows[j][j] });
        }
        rows.push(row);
    }
    rows
}

/// x with L x = b.
fn forward(factor: &[Vec<f64>], mut b: Vec<f64>) -> Vec<f64> {
    for (i, row) in factor.iter().enumerate() {
        let known: f64 = row[..i].iter().zip(&b).map(|(l, x)| l * x).sum();
        b[i] = (b[i] - known) / row[i];
    }
    b
}

/// x with Lᵀ x = b.
fn backward(factor: &[Vec<f64>], mut b: Vec<f64>) -> Vec<f64> {
    for i in (0..factor.len()).rev() {
        let known: f64 = (i + 1..factor.len()).map(|j| factor[j][i] * b[j]).sum();
        b[i] = (b[i] - known) / factor[i][i];
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spot(kind: &str, size: f64) -> Spot {
        Spot { kind: kind.to_owned(), sizes: [size, 0.0, 0.0, 0.0] }
    }

    #[test]
    fn hand_anchors_of_the_same_spot_shrink_by_n_over_n_plus_noise() {
        let two = Corrections::new(&[(spot("a", 1.0), 0.3), (spot("a", 1.0), 0.1)], 1.0);
        let found = two.at(&spot("a", 1.0));
        // 2 / (2 + 1) of the mean 0.2; 1 - 2 / 3 of the variance is left.
        assert!((found.log - 0.4 / 3.0).abs() < 1e-12, "{found:?}");
        assert!((found.left - 1.0 / 3.0).abs() < 1e-12, "{found:?}");
        // Another kind: likeness 0.1, so 0.1 · 2 / 3 · 0.2.
        assert!((two.at(&spot("b", 1.0)).log - 0.04 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn hand_two_anchors_with_a_distance() {
        // Likeness at distance 2: 0.3 + 0.7 e^-1/2 = 0.72457; K = [1.2 .72457; .72457 1.2], determinant 0.915.
        let two = Corrections::new(&[(spot("a", 0.0), 0.2), (spot("a", 2.0), 0.0)], 0.2);
        let l = 0.3 + 0.7 * (-0.5_f64).exp();
        let (first, second) = (1.2 * 0.2 / (1.44 - l * l), -l * 0.2 / (1.44 - l * l));
        assert!((two.at(&spot("a", 0.0)).log - (first + l * second)).abs() < 1e-12);
        assert_eq!(Corrections::new(&[], 0.2).at(&spot("a", 0.0)), Correction { log: 0.0, left: 1.0 });
    }

    proptest! {
        #[test]
        fn law_more_anchors_leave_less(sizes in proptest::collection::vec((-3.0..9.0_f64, -2.0..2.0_f64), 1..20)) {
            let anchors: Vec<(Spot, f64)> = sizes.iter().map(|(size, log)| (spot("a", *size), *log)).collect();
            let asked = spot("a", 2.0);
            let mut before = 1.0;
            for count in 1..=anchors.len() {
                let found = Corrections::new(&anchors[..count], 0.15).at(&asked);
                prop_assert!(found.left <= before + 1e-9 && found.log.abs() <= 3.0 * LARGEST);
                before = found.left;
            }
        }
    }
}
