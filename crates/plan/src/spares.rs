//! Spare replicas for an availability: of n replicas k have to be up.

/// How often accelerators fail, how long a replica is then down, and what is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Availability {
    /// Mean time between failures of one accelerator, in seconds.
    pub between_failures: f64,
    /// From a failure until its replica is back, in seconds.
    pub repair: f64,
    /// Share of time in which all replicas that the load needs must be up.
    pub target: f64,
}

/// Most spares that are tried.
const MOST: u64 = 100_000;

/// Fewest spares so that at least `needed` of `needed + spares` replicas of `gpus` accelerators are up in the share of time
/// asked for.
///
/// A replica is down while one of its accelerators is repaired, and is up for a share a = 1 / (1 + g T / M) of time: g
/// accelerators, M between failures of one, T repair. Replicas fail by themselves, so that the number up is binomial:
/// P(at least k of n) = Σ_{i ≤ n-k} C(n, i) (1 - a)^i a^(n-i).
pub fn spares_for(needed: u64, gpus: u32, asked: &Availability) -> u64 {
    let up = 1.0 / (1.0 + f64::from(gpus) * asked.repair / asked.between_failures);
    let enough = |spares: u64| at_most_down(needed + spares, spares, up) >= asked.target;
    let mut high = 0;
    while !enough(high) && high < MOST {
        high = (2 * high).max(1);
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if enough(middle) { high = middle } else { low = middle }
    }
    if enough(low) { low } else { high }
}

/// Chance that at most `down` of `all` are down, each up with chance `up`; summed in logarithms, which no number of
/// replicas underflows.
fn at_most_down(all: u64, down: u64, up: f64) -> f64 {
    if up >= 1.0 {
        return 1.0;
    }
    let mut log = all as f64 * up.ln();
    let step = ((1.0 - up) / up).ln();
    let mut sum = log.exp();
    for i in 0..down {
        log += ((all - i) as f64 / (i + 1) as f64).ln() + step;
        sum += log.exp();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hand_one_of_two() {
        // One accelerator that is up half of the time: one of two is up in 3/4 of it, one of three in 7/8.
        let asked = |target| Availability { between_failures: 10.0, repair: 10.0, target };
        assert_eq!(spares_for(1, 1, &asked(0.5)), 0);
        assert_eq!(spares_for(1, 1, &asked(0.75 - 1e-9)), 1);
        assert_eq!(spares_for(1, 1, &asked(0.76)), 2);
        assert!((at_most_down(3, 2, 0.5) - 0.875).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn law_more_is_never_less(
            needed in 1_u64..400, gpus in 1_u32..128, repair in 60.0..1e6, target in 0.5..0.9999
        ) {
            let asked = Availability { between_failures: 1.8e8, repair, target };
            let spares = spares_for(needed, gpus, &asked);
            let surer = Availability { target: target + (1.0 - target) / 2.0, ..asked };
            prop_assert!(spares_for(needed, gpus, &surer) >= spares);
            prop_assert!(spares_for(needed + 10, gpus, &asked) >= spares);
            prop_assert!(spares_for(needed, 2 * gpus, &asked) >= spares);
            let up = 1.0 / (1.0 + f64::from(gpus) * repair / 1.8e8);
            prop_assert!(at_most_down(needed + spares, spares, up) >= target);
            prop_assert!(spares == 0 || at_most_down(needed + spares - 1, spares - 1, up) < target);
        }
    }
}
