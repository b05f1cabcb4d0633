//! Looks on while a fleet is played: distributions of latencies and the fleet over time, in constant memory.

use crate::answer::{DistributionPoint, Distributions, SeriesPoint};
use crate::simulation::Watch;
use rackplan_sim::{Observer, Row, Sample, StepRecord, Time};

/// Points of the time series at most; then two become one.
const MOST_POINTS: usize = 512;
/// Buckets to a doubling of a latency, and the smallest latency told apart, in seconds.
const PER_DOUBLING: f64 = 32.0;
const SMALLEST: f64 = 1e-6;
/// Points of a distribution at most.
const MOST_STEPS: usize = 160;

/// What was seen, and who else looks on.
pub(super) struct Watching<'w> {
    outer: Option<&'w mut dyn Watch>,
    expected: Option<u64>,
    warm_up: f64,
    ttft: Counts,
    tpot: Counts,
    e2e: Counts,
    points: Vec<Gathered>,
    /// Samples in a point.
    each: u32,
}

impl<'w> Watching<'w> {
    /// Requests sent before the warm-up's end are left out of distributions.
    pub(super) fn new(outer: Option<&'w mut dyn Watch>, expected: Option<u64>, warm_up: f64) -> Self {
        let none = Counts::default;
        let (ttft, tpot, e2e) = (none(), none(), none());
        Self { outer, expected, warm_up, ttft, tpot, e2e, points: Vec::new(), each: 1 }
    }

    pub(super) fn distributions(&self) -> Distributions {
        let [ttft, tpot, e2e] = [&self.ttft, &self.tpot, &self.e2e].map(Counts::points);
        Distributions { ttft, tpot, e2e }
    }

    pub(super) fn series(&self) -> Vec<SeriesPoint> {
        let starts = std::iter::once(0.0).chain(self.points.iter().map(|point| point.time));
        self.points.iter().zip(starts).map(|(point, from)| point.shown(point.time - from)).collect()
    }
}

impl Observer for Watching<'_> {
    fn request(&mut self, row: &Row) {
        if row.sent.get() >= self.warm_up {
            let tpot = row.tpot();
            for (counts, time) in
                [(&mut self.ttft, row.ttft), (&mut self.tpot, tpot), (&mut self.e2e, row.e2e)]
            {
                time.into_iter().for_each(|time| counts.add(time.get()));
            }
        }
        if let Some(outer) = &mut self.outer {
            outer.request(row);
        }
    }

    fn step(&mut self, step: &StepRecord) {
        if let Some(outer) = &mut self.outer {
            outer.step(step);
        }
    }

    fn sample(&mut self, sample: &Sample) {
        let fresh = Gathered::of(sample);
        match self.points.last_mut() {
            Some(last) if last.samples < self.each => last.add(&fresh),
            _ => self.points.push(fresh),
        }
        if self.points.len() > MOST_POINTS {
            self.each *= 2;
            let pairs = self.points.chunks(2).map(|pair| {
                pair[1..].iter().fold(pair[0].clone(), |mut sum, other| {
                    sum.add(other);
                    sum
                })
            });
            self.points = pairs.collect();
        }
    }

    fn stops(&mut self, now: Time, answered: u64) -> bool {
        self.outer.as_mut().is_some_and(|outer| outer.stops(now, answered, self.expected))
    }
}

/// Latencies counted by size.
#[derive(Clone, Debug, Default)]
struct Counts {
    buckets: Vec<u64>,
    all: u64,
}

impl Counts {
    fn add(&mut self, seconds: f64) {
        let place = ((seconds / SMALLEST).max(1.0).log2() * PER_DOUBLING).ceil() as usize;
        if self.buckets.len() <= place {
            self.buckets.resize(place + 1, 0);
        }
        self.buckets[place] += 1;
        self.all += 1;
    }

    /// Upper ends of buckets with the share at or below them: the first, and then one wherever the share has risen enough.
    fn points(&self) -> Vec<DistributionPoint> {
        let (mut below, mut points, mut shown) = (0, Vec::new(), f64::NEG_INFINITY);
        for (place, count) in self.buckets.iter().enumerate().filter(|(_, count)| **count > 0) {
            let end = |place: usize| SMALLEST * (place as f64 / PER_DOUBLING).exp2();
            if points.is_empty() {
                points.push(DistributionPoint { time_s: end(place.saturating_sub(1)), share: 0.0 });
            }
            below += count;
            let share = below as f64 / self.all as f64;
            if share - shown >= 1.0 / MOST_STEPS as f64 || below == self.all {
                shown = share;
                points.push(DistributionPoint { time_s: end(place), share });
            }
        }
        points
    }
}

/// Several samples as one: states as sums to be averaged, flows as sums.
#[derive(Clone, Debug, Default)]
struct Gathered {
    samples: u32,
    time: f64,
    states: [f64; 5],
    tiers: Vec<f64>,
    prompt_tokens: u64,
    hit_tokens: u64,
    output_tokens: u64,
    reload: (f64, u32),
}

impl Gathered {
    fn of(sample: &Sample) -> Self {
        let counts = [f64::from(sample.replicas), sample.waiting as f64, sample.running as f64];
        Self {
            samples: 1,
            time: sample.time.seconds(),
            states: [counts[0], counts[1], counts[2], sample.kv_used, sample.kv_idle],
            tiers: sample.tier_tokens.iter().map(|tokens| *tokens as f64).collect(),
            prompt_tokens: sample.prompt_tokens,
            hit_tokens: sample.hit_tokens,
            output_tokens: sample.output_tokens,
            reload: sample.reload_s.map_or((0.0, 0), |time| (time, 1)),
        }
    }

    fn add(&mut self, later: &Self) {
        self.samples += later.samples;
        self.time = later.time;
        self.states.iter_mut().zip(later.states).for_each(|(sum, state)| *sum += state);
        self.tiers.iter_mut().zip(&later.tiers).for_each(|(sum, tokens)| *sum += tokens);
        self.prompt_tokens += later.prompt_tokens;
        self.hit_tokens += later.hit_tokens;
        self.output_tokens += later.output_tokens;
        self.reload.0 += later.reload.0;
        self.reload.1 += later.reload.1;
    }

    fn shown(&self, span: f64) -> SeriesPoint {
        let count = f64::from(self.samples);
        let [replicas, waiting, running, used, idle] = self.states.map(|sum| sum / count);
        SeriesPoint {
            time_s: self.time,
            replicas,
            waiting,
            running,
            hbm_used_share: used,
            hbm_idle_share: idle,
            tier_tokens: self.tiers.iter().map(|sum| sum / count).collect(),
            hit_rate: (self.prompt_tokens > 0).then(|| self.hit_tokens as f64 / self.prompt_tokens as f64),
            output_tokens_per_s: if span > 0.0 { self.output_tokens as f64 / span } else { 0.0 },
            reload_s: (self.reload.1 > 0).then(|| self.reload.0 / f64::from(self.reload.1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_distributions_rise_to_one() {
        let mut counts = Counts::default();
        (1..=10_000).for_each(|at| counts.add(f64::from(at) * 1e-4));
        let points = counts.points();
        assert!(points.len() <= MOST_STEPS + 2);
        assert!(
            points.windows(2).all(|pair| pair[0].time_s <= pair[1].time_s && pair[0].share <= pair[1].share)
        );
        assert_eq!((points[0].share, points.last().map(|point| point.share)), (0.0, Some(1.0)));
        // Uniform on 0 to 1 s: a share is its time, within a bucket.
        let median = points.iter().find(|point| point.share >= 0.5).expect("there is one");
        assert!((median.time_s - 0.5).abs() < 0.02, "{median:?}");
    }

    #[test]
    fn law_any_number_of_samples_keeps_the_flows() {
        let mut watching = Watching::new(None, None, 0.0);
        for at in 1..=5000_u32 {
            let time = Time::from_seconds(f64::from(at));
            watching.sample(&Sample { time, running: 3, output_tokens: 7, ..Sample::default() });
        }
        let series = watching.series();
        assert!(series.len() <= MOST_POINTS && series.iter().all(|point| point.running == 3.0));
        assert!(series.iter().all(|point| (point.output_tokens_per_s - 7.0).abs() < 1e-9), "{:?}", series[1]);
    }
}
