//! Paths of every law of gaps against its mean and deviation.

use proptest::prelude::*;
use rackplan_traffic::{Day, Gaps};

/// Mean gap and its deviation over it, of so many arrivals.
fn moments(gaps: &Gaps, count: usize) -> (f64, f64) {
    let times: Vec<f64> = gaps.times(4, "arrivals").take(count).collect();
    let gaps: Vec<f64> =
        std::iter::once(times[0]).chain(times.windows(2).map(|pair| pair[1] - pair[0])).collect();
    let mean = gaps.iter().sum::<f64>() / count as f64;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count as f64;
    (mean, variance.sqrt() / mean)
}

#[test]
fn law_gaps_have_their_mean_and_deviation() {
    let rate = 2.5;
    for gaps in [
        Gaps::Poisson { rate },
        Gaps::Fixed { rate },
        Gaps::Gamma { rate, cv: 0.3 },
        Gaps::Gamma { rate, cv: 1.0 },
        Gaps::Gamma { rate, cv: 3.0 },
        Gaps::Weibull { rate, cv: 0.3 },
        Gaps::Weibull { rate, cv: 1.0 },
        Gaps::Weibull { rate, cv: 2.0 },
    ] {
        let cv = gaps.cv().unwrap();
        let (mean, found) = moments(&gaps, 400_000);
        // Four deviations of the mean of 400,000 gaps; variations of heavy tails settle more slowly.
        assert!((mean * rate - 1.0).abs() <= 4.0 * cv / 632.0 + 1e-9, "{gaps:?}: {mean}");
        assert!((found - cv).abs() <= 0.03 * cv + 1e-6, "{gaps:?}: {found}");
    }
}

#[test]
fn law_arrivals_follow_the_time_of_day() {
    let day = Day::new([(0.0, 0.2), (9.0, 2.0), (17.0, 0.6)]);
    let gaps = Gaps::TimeOfDay { rate: 1.0, day };
    // (9 · 0.2 + 8 · 2 + 7 · 0.6) / 24 = 22/24.
    assert!((gaps.rate() - 22.0 / 24.0).abs() < 1e-12);
    let mut counts = [0_u32; 3];
    for at in gaps.times(1, "arrivals").take_while(|at| *at < 20.0 * 86_400.0) {
        let hour = at / 3600.0 % 24.0;
        counts[usize::from(hour >= 9.0) + usize::from(hour >= 17.0)] += 1;
    }
    // 20 days: 129,600, 1,152,000 and 302,400, each within four of its Poisson deviations.
    for (count, expected) in counts.into_iter().zip([129_600.0_f64, 1_152_000.0, 302_400.0]) {
        assert!((f64::from(count) - expected).abs() < 4.0 * expected.sqrt(), "{counts:?}");
    }
}

#[test]
fn hand_nobody_comes() {
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(Gaps::Poisson { rate }.times(1, "a").next(), None);
        assert_eq!(Gaps::TimeOfDay { rate, day: Day::hourly([1.0; 24]) }.times(1, "a").next(), None);
    }
    assert_eq!(Gaps::TimeOfDay { rate: 1.0, day: Day::hourly([0.0; 24]) }.times(1, "a").next(), None);
    assert_eq!(Gaps::Gamma { rate: 2.0, cv: f64::NAN }.times(1, "a").nth(3), Some(2.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn law_times_rise_and_have_a_seed(rate in 1e-6f64..1e6, cv in any::<f64>(), seed in any::<u64>()) {
        for gaps in [Gaps::Gamma { rate, cv }, Gaps::Weibull { rate, cv }, Gaps::Poisson { rate }] {
            let times: Vec<f64> = gaps.times(seed, "a").take(50).collect();
            prop_assert!(times.is_sorted() && times[0] >= 0.0 && times[49].is_finite(), "{gaps:?} {times:?}");
            prop_assert_eq!(times, gaps.times(seed, "a").take(50).collect::<Vec<_>>());
        }
    }
}
