//! Where a falling function passes zero.

use std::cmp::Ordering;

/// Points tried at most.
const TRIES: u32 = 30;

/// Between an end where `of` is positive and one where it is not, each with its value, a point where it is within `close` of
/// zero: on the line between the ends of the range, where an end that stays twice counts half (the Illinois rule). The high
/// end where that is positive too.
pub(crate) fn root(of: impl Fn(f64) -> f64, mut low: (f64, f64), mut high: (f64, f64), close: f64) -> f64 {
    let mut moved_last = Ordering::Equal;
    for _ in 0..TRIES {
        if high.1 >= 0.0 {
            break;
        }
        let next = low.0 + (high.0 - low.0) * low.1 / (low.1 - high.1);
        let found = of(next);
        if found.abs() <= close {
            return next;
        }
        let moves = found.total_cmp(&0.0);
        if moves == moved_last {
            let stays = if found > 0.0 { &mut high.1 } else { &mut low.1 };
            *stays /= 2.0;
        }
        let moved = if found > 0.0 { &mut low } else { &mut high };
        (*moved, moved_last) = ((next, found), moves);
    }
    high.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_roots() {
        let found = |of: fn(f64) -> f64, high: f64| root(of, (0.0, of(0.0)), (high, of(high)), 1e-9);
        // A line at once, a parabola's 2 = x², and a step between 3 and the float after it.
        assert_eq!(found(|x| 6.0 - 2.0 * x, 10.0), 3.0);
        assert!((found(|x| 2.0 - x * x, 100.0) - f64::sqrt(2.0)).abs() < 1e-9);
        assert!((found(|x| if x > 3.0 { -1.0 } else { 1.0 }, 7.0) - 3.0).abs() < 1e-6);
        // None within the range.
        assert_eq!(found(|x| 6.0 - 2.0 * x, 2.0), 2.0);
    }
}
