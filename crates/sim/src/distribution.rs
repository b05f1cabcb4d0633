//! Many values as mean and percentiles: exact while they are few, within half a percent when they are many.

use crate::metrics::Summary;
use rackplan_units::Seconds;

/// Values kept one by one before they are only counted.
const EXACT: usize = 1 << 22;
/// Batches for confidence intervals, and the fewest values in one.
const BATCHES: usize = 20;
const IN_BATCH: usize = 25;
/// Student's t for 95 % with 19 degrees of freedom.
const STUDENT_19: f64 = 2.093;

/// Values in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Distribution {
    values: Vec<f64>,
    counted: Option<Histogram>,
}

impl Distribution {
    pub(crate) fn add(&mut self, value: f64) {
        if let Some(counted) = &mut self.counted {
            return counted.add(value, 1.0);
        }
        self.values.push(value);
        if self.values.len() == EXACT {
            let mut counted = Histogram::default();
            std::mem::take(&mut self.values).into_iter().for_each(|value| counted.add(value, 1.0));
            self.counted = Some(counted);
        }
    }

    /// Mean and percentiles; none of none.
    pub(crate) fn summary(self) -> Option<Summary> {
        self.counted.as_ref().map_or_else(|| Summary::of(self.values), Histogram::summary)
    }

    /// Half widths of 95 % confidence intervals by batch means; none for few values, or for so many that only their
    /// counts are kept.
    ///
    /// t s/√20 with s the deviation of the statistic between 20 batches of consecutive values.
    pub(crate) fn half_widths(&self) -> Option<Summary> {
        let size = self.values.len() / BATCHES;
        if size < IN_BATCH {
            return None;
        }
        let batches: Vec<Summary> = self
            .values
            .chunks_exact(size)
            .take(BATCHES)
            .filter_map(|batch| Summary::of(batch.to_vec()))
            .collect();
        Some(spread(&batches, STUDENT_19))
    }
}

/// t s/√n of each statistic over n summaries.
pub(crate) fn spread(summaries: &[Summary], student: f64) -> Summary {
    let count = summaries.len() as f64;
    let half = |of: fn(&Summary) -> Seconds| {
        let mean = summaries.iter().map(|summary| of(summary).get()).sum::<f64>() / count;
        let squares = summaries.iter().map(|summary| (of(summary).get() - mean).powi(2)).sum::<f64>();
        Seconds::new(student * (squares / (count - 1.0) / count).sqrt())
    };
    Summary {
        mean: half(|s| s.mean),
        p50: half(|s| s.p50),
        p90: half(|s| s.p90),
        p95: half(|s| s.p95),
        p99: half(|s| s.p99),
    }
}

/// Buckets to a doubling, at most 0.8 % wide, from 2^-30 s, about a nanosecond, on. A bucket is the exponent and the
/// first bits of the fraction of a number, so that finding it costs nothing.
const FRACTION_BITS: u32 = 7;
const SMALLEST: f64 = 1.0 / 1_073_741_824.0;

pub(crate) fn bucket(value: f64) -> usize {
    let bits = |value: f64| value.to_bits() >> (52 - FRACTION_BITS);
    (bits(value.max(SMALLEST)) - bits(SMALLEST)) as usize
}

/// The middle of a bucket.
fn middle(bucket: usize) -> f64 {
    let shift = 52 - FRACTION_BITS;
    let first = (SMALLEST.to_bits() >> shift) + bucket as u64;
    (f64::from_bits(first << shift) + f64::from_bits((first + 1) << shift)) / 2.0
}

/// Weighted values by size.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    buckets: Vec<f64>,
    weight: f64,
    sum: f64,
}

impl Histogram {
    pub(crate) fn add(&mut self, value: f64, weight: f64) {
        self.count(bucket(value), weight);
        self.sum += weight * value;
    }

    /// As many more in a bucket, of which the mean is known elsewhere.
    pub(crate) fn count(&mut self, bucket: usize, weight: f64) {
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0.0);
        }
        self.buckets[bucket] += weight;
        self.weight += weight;
    }

    /// Mean, and percentiles at the middle of their buckets; none of none.
    pub(crate) fn summary(&self) -> Option<Summary> {
        (self.weight > 0.0).then(|| {
            let at = |share| Seconds::new(self.percentile(share));
            let mean = Seconds::new(self.sum / self.weight);
            Summary { mean, p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99) }
        })
    }

    fn percentile(&self, share: f64) -> f64 {
        let mut left = share * self.weight;
        let place = self.buckets.iter().position(|weight| {
            left -= weight;
            left <= 0.0
        });
        let place = place.unwrap_or(self.buckets.len().saturating_sub(1));
        middle(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_counted_values_have_the_percentiles_of_exact_ones() {
        let (mut exact, mut counted) = (Distribution::default(), Histogram::default());
        for at in 0..10_000 {
            let value = 1e-3 * (1.0 + f64::from(at % 977));
            exact.add(value);
            counted.add(value, 1.0);
        }
        let (exact, counted) = (exact.summary().expect("some"), counted.summary().expect("some"));
        assert!((counted.mean.get() / exact.mean.get() - 1.0).abs() < 1e-9);
        for (a, b) in [(exact.p50, counted.p50), (exact.p90, counted.p90), (exact.p99, counted.p99)] {
            assert!((b.get() / a.get() - 1.0).abs() < 0.006, "{a:?} {b:?}");
        }
    }

    #[test]
    fn hand_batch_means() {
        let mut values = Distribution::default();
        // Batches of 25 equal values, 0 and 1 in turn: s = √(20 · 0.25/19), half width t s/√20.
        (0..500).for_each(|at| values.add(f64::from(at / 25 % 2)));
        let half = values.half_widths().expect("twenty batches").mean.get();
        assert!((half - 2.093 * (0.25_f64 / 19.0).sqrt()).abs() < 1e-9, "{half}");
        assert_eq!(Distribution::default().half_widths(), None);
    }
}
