//! The shape that gives a law its coefficient of variation.

use statrs::function::gamma::ln_gamma;

/// Coefficients of variation between which laws can be drawn in floats; 0 is no variation.
pub(super) fn within(cv: f64) -> f64 {
    if cv > 0.0 { cv.clamp(0.05, 20.0) } else { 0.0 }
}

/// Mean of E^(1/k) with E exponential: Γ(1 + 1/k).
pub(super) fn mean(shape: f64) -> f64 {
    ln_gamma(1.0 + 1.0 / shape).exp()
}

/// The shape k of a Weibull law: the root of Γ(1 + 2/k) / Γ(1 + 1/k)² = 1 + cv², which falls with k.
pub(super) fn weibull(cv: f64) -> f64 {
    let square = |shape: f64| ln_gamma(1.0 + 2.0 / shape) - 2.0 * ln_gamma(1.0 + 1.0 / shape);
    let target = (1.0 + cv * cv).ln();
    let (mut low, mut high) = (0.1_f64, 50.0_f64);
    for _ in 0..60 {
        let middle = (low * high).sqrt();
        if square(middle) > target { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_shapes() {
        // Shape 1 is exponential. Shape 1/2 has Γ(5) / Γ(3)² = 24/4 = 6 = 1 + cv², and mean Γ(3) = 2.
        assert!((weibull(1.0) - 1.0).abs() < 1e-9 && (mean(1.0) - 1.0).abs() < 1e-9);
        assert!((weibull(5_f64.sqrt()) - 0.5).abs() < 1e-9 && (mean(0.5) - 2.0).abs() < 1e-9);
        // Shape 2 (Rayleigh): cv² = 4/π - 1.
        assert!((weibull((4.0 / std::f64::consts::PI - 1.0).sqrt()) - 2.0).abs() < 1e-9);
    }
}
