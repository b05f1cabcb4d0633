//! Plans that no other beats in everything.

use crate::Found;

/// Throughput of each accelerator up, time per token and to the first one down.
fn scores(found: &Found) -> [Option<f64>; 3] {
    let point = &found.served.point;
    let throughput = point.requests_per_second / f64::from(found.gpus());
    [throughput, -found.served.tpot, -found.served.ttft].map(Some)
}

/// The plans that none of the others reaches in all of requests per second and accelerator, time per token and time to
/// first token, and beats in one; in their order.
pub fn pareto(found: &[Found]) -> Vec<&Found> {
    let all: Vec<_> = found.iter().map(scores).collect();
    found.iter().zip(unbeaten(&all)).filter(|(_, kept)| *kept).map(|(found, _)| found).collect()
}

/// Which of them none of the others reaches in every score and beats in one. The higher the better; what nobody knows is
/// neither better nor worse than what is known, so that those of which the same is unknown are compared by the rest.
pub fn unbeaten<const N: usize>(all: &[[Option<f64>; N]]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    // Whoever beats one comes before it in this order, so that only those kept so far need be asked.
    let low = |score: Option<f64>| score.unwrap_or(f64::NEG_INFINITY);
    order.sort_by(|a, b| {
        let by_score = all[*a].iter().zip(&all[*b]).map(|(a, b)| low(*b).total_cmp(&low(*a)));
        by_score.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    let (mut kept, mut best) = (vec![false; all.len()], Vec::new());
    for one in order {
        kept[one] = !best.iter().any(|other: &usize| beats(&all[*other], &all[one]));
        if kept[one] {
            best.push(one);
        }
    }
    kept
}

fn beats<const N: usize>(a: &[Option<f64>; N], b: &[Option<f64>; N]) -> bool {
    let pairs = || a.iter().zip(b);
    let reached = pairs().all(|(a, b)| match (a, b) {
        (Some(a), Some(b)) => a >= b,
        (None, None) => true,
        _ => false,
    });
    reached && pairs().any(|(a, b)| a > b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hand_one_is_beaten_by_what_is_better_somewhere_and_worse_nowhere() {
        let some = |scores: [f64; 3]| scores.map(Some);
        assert!(beats(&some([2.0, -1.0, -1.0]), &some([1.0, -1.0, -1.0])));
        assert!(!beats(&some([1.0, -1.0, -1.0]), &some([1.0, -1.0, -1.0])));
        assert!(!beats(&some([2.0, -2.0, -1.0]), &some([1.0, -1.0, -1.0])));
    }

    #[test]
    fn hand_what_nobody_knows_neither_wins_nor_loses() {
        // The third is worse than the first, whose cost is known too; of the second and the fourth nobody knows the cost.
        let all = [[Some(2.0), Some(-5.0)], [Some(1.0), None], [Some(1.0), Some(-6.0)], [Some(3.0), None]];
        assert_eq!(unbeaten(&all), [true, false, false, true]);
    }

    fn score() -> impl Strategy<Value = Option<f64>> {
        prop::option::weighted(0.8, (0..6_u8).prop_map(f64::from))
    }

    proptest! {
        #[test]
        fn law_those_kept_are_those_that_none_beats(all in prop::collection::vec([score(), score(), score()], 0..40)) {
            let kept = unbeaten(&all);
            for (one, kept) in all.iter().zip(kept) {
                prop_assert_eq!(kept, !all.iter().any(|other| beats(other, one)));
            }
        }
    }
}
