//! Users of two models in turn: when the model changes, the arriving user's offloaded cache is reloaded first.

use crate::utilization::percentile;
use rackplan_units::Seconds;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

/// Delay that a swap adds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SwapDelay {
    /// Average over all arrivals, swap or not.
    pub mean: Seconds,
    /// 95th percentile over all arrivals.
    pub p95: Seconds,
    /// Share of the arrivals that changed the model.
    pub swaps: f64,
}

/// The exact law: each model arrives with equal chance, so the model changes with probability 1/2.
///
/// The delay is 0, first or second with probability 1/2, 1/4, 1/4: its mean is (first + second) / 4, and the larger
/// one fills the upper quarter, so it is the 95th percentile.
pub fn swap_delay(reloads: [Seconds; 2]) -> SwapDelay {
    let [first, second] = reloads.map(Seconds::get);
    SwapDelay { mean: Seconds::new((first + second) / 4.0), p95: Seconds::new(first.max(second)), swaps: 0.5 }
}

/// A run of `arrivals` users; the same seed gives the same run everywhere.
pub fn simulate_swaps(reloads: [Seconds; 2], arrivals: u32, seed: u64) -> SwapDelay {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut current: bool = random.random();
    let mut swaps = 0_u32;
    let mut delay = || {
        let next: bool = random.random();
        let changed = std::mem::replace(&mut current, next) != next;
        swaps += u32::from(changed);
        if changed { reloads[usize::from(next)].get() } else { 0.0 }
    };
    let added: Vec<f64> = (0..arrivals).map(|_| delay()).collect();
    let runs = f64::from(arrivals.max(1));
    SwapDelay {
        mean: Seconds::new(added.iter().sum::<f64>() / runs),
        p95: Seconds::new(percentile(&added, 0.95)),
        swaps: f64::from(swaps) / runs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELOADS: [Seconds; 2] = [Seconds::new(0.1), Seconds::new(0.3)];

    #[test]
    fn hand_swap_of_100_and_300_ms() {
        // (100 + 300) / 4 = 100 ms on average; a quarter of the arrivals waits 300 ms.
        let exact = swap_delay(RELOADS);
        assert!((exact.mean.get() - 0.1).abs() < 1e-15);
        assert_eq!(exact.p95.get(), 0.3);
    }

    #[test]
    fn law_a_long_run_approaches_the_exact_law() {
        let (exact, run) = (swap_delay(RELOADS), simulate_swaps(RELOADS, 200_000, 42));
        assert!((run.mean.get() - exact.mean.get()).abs() < 1e-3);
        assert_eq!(run.p95, exact.p95);
        assert!((run.swaps - 0.5).abs() < 5e-3);
        assert_eq!(run, simulate_swaps(RELOADS, 200_000, 42));
    }

    #[test]
    fn hand_no_arrivals_no_delay() {
        assert_eq!(simulate_swaps(RELOADS, 0, 1).mean, Seconds::default());
    }
}
