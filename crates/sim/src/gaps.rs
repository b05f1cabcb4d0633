//! Gaps between tokens of a sequence: how many there are of each size, and their sum.
//!
//! Both are the same whether steps are noted one by one or many at once: the sum is one of whole nanoseconds, and a step of
//! a line counts by the time that the line gives it.

use crate::distribution::{Histogram, bucket};
use crate::line::Line;
use crate::metrics::Summary;
use crate::time::Time;
use rackplan_units::Seconds;
use std::ops::Range;

#[derive(Debug, Default)]
pub(crate) struct Gaps {
    sizes: Histogram,
    count: u64,
    nanoseconds: u128,
}

impl Gaps {
    /// As many sequences wait so long for their next token.
    pub(crate) fn add(&mut self, gap: Time, sequences: u32) {
        if sequences > 0 {
            self.sizes.count(bucket(gap.seconds()), f64::from(sequences));
            self.sum(gap, sequences, 1);
        }
    }

    /// As many sequences generate in each of these steps from here on a line, which take so long together.
    pub(crate) fn add_steps(&mut self, line: &Line, steps: Range<u64>, time: Time, sequences: u32) {
        if steps.is_empty() || sequences == 0 {
            return;
        }
        self.sum(time, sequences, steps.end - steps.start);
        let size = |step: u64| bucket(line.time(step));
        let (mut from, last) = (steps.start, steps.end - 1);
        while from < steps.end {
            let at = size(from);
            let is_last = from == last || at == size(last);
            let to = if is_last { steps.end } else { first_other(from..last, |step| size(step) == at) };
            self.sizes.count(at, f64::from(sequences) * (to - from) as f64);
            from = to;
        }
    }

    fn sum(&mut self, time: Time, sequences: u32, each: u64) {
        self.count += u64::from(sequences) * each;
        self.nanoseconds += u128::from(time.nanoseconds()) * u128::from(sequences);
    }

    /// Mean, and percentiles at the middle of their buckets; none of none.
    pub(crate) fn summary(&self) -> Option<Summary> {
        let mean = Seconds::new(self.nanoseconds as f64 / self.count as f64 / 1e9);
        self.sizes.summary().map(|summary| Summary { mean, ..summary })
    }
}

/// The first of these numbers that is not as those before it; times of a line only rise or only fall.
fn first_other(Range { start, end }: Range<u64>, is_alike: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (start, end);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if is_alike(middle) { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn law_many_steps_at_once_are_as_many_one_by_one(
            first in 1e-4..1.0, slope in -1e-6..1e-3, length in 1_u64..400, cut in 0_u64..400, sequences in 0_u32..500,
        ) {
            let line = Line::new(Time::ZERO, (first, f64::max(slope, -first / 400.0)), length);
            let (mut at_once, mut one_by_one) = (Gaps::default(), Gaps::default());
            let cut = cut.min(length);
            let add = |gaps: &mut Gaps, steps: Range<u64>| {
                let time = line.end(steps.end) - line.end(steps.start);
                gaps.add_steps(&line, steps, time, sequences);
            };
            add(&mut at_once, 0..cut);
            add(&mut at_once, cut..length);
            (0..length).for_each(|step| add(&mut one_by_one, step..step + 1));
            prop_assert_eq!(at_once.summary(), one_by_one.summary());
            prop_assert_eq!(at_once.nanoseconds, one_by_one.nanoseconds);
        }
    }

    #[test]
    fn hand_gaps_have_their_mean() {
        let mut gaps = Gaps::default();
        assert_eq!(gaps.summary(), None);
        // 2 · 0.1 s, and 3 sequences through steps of 0.2 and 0.3 s: 1.7 s over 8 gaps.
        gaps.add(Time::from_seconds(0.1), 2);
        gaps.add_steps(&Line::new(Time::ZERO, (0.2, 0.1), 2), 0..2, Time::from_seconds(0.5), 3);
        assert_eq!(gaps.summary().map(|summary| summary.mean.get()), Some(1.7 / 8.0));
    }
}
