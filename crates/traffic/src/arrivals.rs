//! Users who come and go: how many are active at once, as an exact law and as a seeded path.
//!
//! Arrivals are Poisson and sessions exponential (M/M/∞). The number active is then Poisson in the long run, whatever
//! the law of the sessions (M/G/∞), with mean rate · session.

use rand::SeedableRng;
use rand_distr::{Binomial, Distribution as _, Poisson as RandomPoisson};
use rand_pcg::Pcg64;
use statrs::distribution::{Discrete as _, DiscreteCDF as _, Poisson};

/// Users who arrive at random.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrivals {
    /// New users per minute.
    pub users_per_minute: f64,
    /// Mean length of a session, in minutes.
    pub session_minutes: f64,
}

/// How many users are active at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActiveUsers {
    /// On average.
    pub mean: f64,
    /// 95th percentile over time.
    pub p95: f64,
    /// The most within the window: at any instant in [`Arrivals::stationary`], at whole minutes in [`Arrivals::path`].
    pub max: f64,
}

/// The stretch of time that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Minutes from the empty start that are left out.
    pub warmup_minutes: u32,
    /// Minutes after them that count.
    pub minutes: u32,
}

impl Default for Window {
    /// The founding documents' window: 240 minutes after 30 of warm-up.
    fn default() -> Self {
        Self { warmup_minutes: 30, minutes: 240 }
    }
}

/// Means above this are treated as normal with a correction for skew, whose error is below one user in a million.
const EXACT_UP_TO: f64 = 1e6;
/// No count of users exceeds this, so that no input overflows a sampler.
const MOST: f64 = 1e15;
/// The longest path, in minutes: about two years.
const LONGEST: u32 = 1_000_000;

impl Arrivals {
    /// Mean number active in the long run: rate · session (Little's law).
    pub fn mean_active(&self) -> f64 {
        let mean = self.users_per_minute * self.session_minutes;
        if mean > 0.0 { mean.min(MOST) } else { 0.0 }
    }

    /// The long run: mean and p95 of the Poisson law, and the median of the largest number within the window.
    ///
    /// P(max <= x) ≈ P(N <= x) · exp(-W (x + 1 - m)/S · P(N = x + 1)), with W the window, S the session and m the mean:
    /// visits above x start at rate m/S P(N = x), and 1 - m/(x + 1) of them are not the return of one just ended.
    /// Source: Aldous, Probability Approximations via the Poisson Clumping Heuristic (1989), section B.
    pub fn stationary(&self, window: Window) -> ActiveUsers {
        let mean = self.mean_active();
        let most = largest(mean, f64::from(window.minutes) / self.session_minutes.max(f64::MIN_POSITIVE));
        ActiveUsers { mean, p95: quantile(mean, 0.95), max: most }
    }

    /// One path from an empty start, counted once a minute; the same seed gives the same path everywhere.
    ///
    /// Those active stay for another minute with probability exp(-1/S); of those who arrive within it, a Poisson
    /// number with mean m (1 - exp(-1/S)) is still there at its end. That is the law of M/M/∞ at whole minutes.
    pub fn path(&self, window: Window, seed: u64) -> ActiveUsers {
        let mut random = Pcg64::seed_from_u64(seed);
        let stay = (-1.0 / self.session_minutes.max(f64::MIN_POSITIVE)).exp();
        let joining = self.mean_active() * (1.0 - stay);
        let mut active = 0.0;
        let mut minute = || {
            active = staying(active, stay, &mut random) + joiners(joining, &mut random);
            active
        };
        for _ in 0..window.warmup_minutes.min(LONGEST) {
            minute();
        }
        let counts: Vec<f64> = (0..window.minutes.clamp(1, LONGEST)).map(|_| minute()).collect();
        of_counts(counts)
    }
}

fn staying(active: f64, stay: f64, random: &mut Pcg64) -> f64 {
    Binomial::new(active as u64, stay).map_or(0.0, |law| law.sample(random) as f64)
}

fn joiners(mean: f64, random: &mut Pcg64) -> f64 {
    RandomPoisson::new(mean).map_or(0.0, |law| law.sample(random))
}

/// Mean, p95 by linear interpolation, and maximum of the counts of a path.
fn of_counts(mut counts: Vec<f64>) -> ActiveUsers {
    counts.sort_by(f64::total_cmp);
    let last = counts.len() - 1;
    let rank = 0.95 * last as f64;
    let (low, high) = (counts[rank.floor() as usize], counts[rank.ceil() as usize]);
    let mean = counts.iter().sum::<f64>() / counts.len() as f64;
    ActiveUsers { mean, p95: low + (high - low) * rank.fract(), max: counts[last] }
}

/// Smallest n with P(N <= n) >= p, for N Poisson.
fn quantile(mean: f64, p: f64) -> f64 {
    match Poisson::new(mean) {
        _ if mean == 0.0 => 0.0,
        Ok(law) if mean <= EXACT_UP_TO => first(bracket(mean), |n| law.cdf(n) >= p) as f64,
        _ => normal_quantile(mean, 1.644_853_626_951_472_7),
    }
}

/// Cornish-Fisher: m + z √m + (z² - 1)/6, the normal quantile corrected for the skew of a Poisson law.
fn normal_quantile(mean: f64, z: f64) -> f64 {
    (mean + z * mean.sqrt() + (z * z - 1.0) / 6.0).floor()
}

/// The median of the largest number active within `sessions` mean sessions.
fn largest(mean: f64, sessions: f64) -> f64 {
    match Poisson::new(mean) {
        _ if mean == 0.0 => 0.0,
        Ok(law) if mean <= EXACT_UP_TO => {
            let stays_below = |n: u64| {
                let visits = sessions * (n as f64 + 1.0 - mean) * law.pmf(n + 1);
                law.cdf(n) * (-visits).exp() >= 0.5
            };
            // Below m + √m the rate of new visits still grows with the level.
            let (low, high) = bracket(mean);
            first((low.max((mean + mean.sqrt()) as u64), high), stays_below) as f64
        }
        _ => (mean + extreme(sessions) * mean.sqrt()).ceil(),
    }
}

/// The same for a normal law, in standard deviations: the root of Φ(z) exp(-sessions · z φ(z)) = 1/2.
fn extreme(sessions: f64) -> f64 {
    let density = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let below = |z: f64| 1.0 - 0.5 * statrs::function::erf::erfc(z / std::f64::consts::SQRT_2);
    let steps = first((1_000, 40_000), |step| {
        let z = step as f64 / 1_000.0;
        below(z) * (-sessions * z * density(z)).exp() >= 0.5
    });
    steps as f64 / 1_000.0
}

/// Between which counts every quantile of use lies: 40 standard deviations around the mean.
fn bracket(mean: f64) -> (u64, u64) {
    let spread = 40.0 * mean.sqrt() + 100.0;
    ((mean - spread).max(0.0) as u64, (mean + spread) as u64)
}

/// The first number in a range, ends included, for which a condition that stays true once true is true.
fn first((mut low, mut high): (u64, u64), holds: impl Fn(u64) -> bool) -> u64 {
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: Arrivals = Arrivals { users_per_minute: 60.0, session_minutes: 5.0 };

    #[test]
    fn hand_sixty_a_minute_for_five_minutes() {
        // 60 · 5 = 300 on average; the 95th percentile of a Poisson law of mean 300 is 329.
        let active = HOUR.stationary(Window::default());
        assert_eq!((active.mean, active.p95), (300.0, 329.0));
    }

    #[test]
    fn law_paths_agree_with_the_long_run() {
        let window = Window { warmup_minutes: 100, minutes: 200_000 };
        let (path, exact) = (HOUR.path(window, 1), HOUR.stationary(window));
        assert!((path.mean - exact.mean).abs() < 1.0, "{path:?}");
        assert!((path.p95 - exact.p95).abs() <= 1.0, "{path:?}");
        assert_eq!(path, HOUR.path(window, 1));
    }

    /// The largest number active in continuous time, played event by event from the mean.
    fn largest_of_events(arrivals: Arrivals, minutes: f64, seed: u64) -> f64 {
        let mut random = Pcg64::seed_from_u64(seed);
        let (mut active, mut most, mut time) = (arrivals.mean_active().round(), 0.0_f64, 0.0);
        while time < minutes {
            most = most.max(active);
            let rate = arrivals.users_per_minute + active / arrivals.session_minutes;
            time += rand_distr::Exp::new(rate).unwrap().sample(&mut random);
            let arrives = rand::RngExt::random::<f64>(&mut random) * rate < arrivals.users_per_minute;
            active += if arrives { 1.0 } else { -1.0 };
        }
        most
    }

    #[test]
    fn law_max_is_the_median_over_runs_of_events() {
        for (users_per_minute, runs) in [(2.0, 999), (60.0, 99)] {
            let arrivals = Arrivals { users_per_minute, session_minutes: 5.0 };
            let mut most: Vec<f64> = (0..runs).map(|seed| largest_of_events(arrivals, 240.0, seed)).collect();
            most.sort_by(f64::total_cmp);
            let (exact, played) = (arrivals.stationary(Window::default()).max, most[most.len() / 2]);
            assert!((exact - played).abs() <= 0.03 * exact.sqrt() * 5.0, "{exact} {played}");
        }
    }

    #[test]
    fn law_a_path_misses_the_peaks_between_its_minutes() {
        let exact = HOUR.stationary(Window::default()).max;
        let mut most: Vec<f64> = (0..199).map(|seed| HOUR.path(Window::default(), seed).max).collect();
        most.sort_by(f64::total_cmp);
        assert!((2.0..=12.0).contains(&(exact - most[99])), "{exact} {}", most[99]);
    }

    #[test]
    fn law_the_approximation_for_many_users_continues_the_exact_law() {
        for mean in [1e4, 1e5, 1e6] {
            assert!((quantile(mean, 0.95) - normal_quantile(mean, 1.644_853_626_951_472_7)).abs() <= 1.0);
            let (exact, normal) = (largest(mean, 48.0), mean + extreme(48.0) * mean.sqrt());
            assert!((exact - normal).abs() < 5.0, "{mean}: {exact} {normal}");
        }
    }

    #[test]
    fn hand_nobody_comes() {
        let nobody = ActiveUsers { mean: 0.0, p95: 0.0, max: 0.0 };
        for users_per_minute in [0.0, -1.0, f64::NAN] {
            let arrivals = Arrivals { users_per_minute, session_minutes: 5.0 };
            assert_eq!(arrivals.stationary(Window::default()), nobody);
            assert_eq!(arrivals.path(Window::default(), 1), nobody);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn law_any_numbers_give_an_answer(rate in any::<f64>(), session in any::<f64>(), minutes in 0u32..100) {
            let arrivals = Arrivals { users_per_minute: rate, session_minutes: session };
            let window = Window { warmup_minutes: 3, minutes };
            let (exact, path) = (arrivals.stationary(window), arrivals.path(window, 7));
            for active in [exact, path] {
                prop_assert!(active.mean >= 0.0 && active.p95.is_finite() && active.max.is_finite());
            }
        }

        #[test]
        fn law_percentiles_are_ordered(mean in 0.5f64..1e7) {
            let active = Arrivals { users_per_minute: mean, session_minutes: 1.0 }.stationary(Window::default());
            prop_assert!(active.mean <= active.p95 + 1.0 && active.p95 <= active.max);
        }
    }
}
