//! What was played as figures: counts, latencies with their intervals, rates, caches.

use super::OfClass;
use super::gpu_use::busy;
use crate::answer::{
    CacheFigures, ClassFigures, EngineFigures, Goodput, LatencyFigures, RefusalCount, RequestCounts,
    SeriesPoint, SimulatedThroughput, TierFigures, TransferFigures,
};
use rackplan_sim::{ClassResult, Fleet, Latency, RequestLimits, Simulated, Summary};
use rackplan_units::Seconds;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Share of intervals that hold what they are about.
const CONFIDENCE: f64 = 0.95;

/// Mean over seeds of something, with the half width of its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
struct OverSeeds {
    mean: f64,
    half_width: Option<f64>,
}

impl OverSeeds {
    /// Half width t s/√n of n seeds; none of one.
    fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        if values.is_empty() {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count;
        let half_width = (values.len() > 1).then(|| {
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            let law = StudentsT::new(0.0, 1.0, count - 1.0).expect("at least one degree of freedom");
            law.inverse_cdf((1.0 + CONFIDENCE) / 2.0) * (squares / (count - 1.0) / count).sqrt()
        });
        Some(Self { mean, half_width })
    }
}

/// A latency of all seeds: their mean with its interval, or of one seed its own with the interval of batch means.
pub(super) fn latency(
    seeds: &[&Simulated],
    of: impl Fn(&Simulated) -> Option<Latency>,
) -> Option<LatencyFigures> {
    let found: Vec<Latency> = seeds.iter().filter_map(|seed| of(seed)).collect();
    if let [one] = found[..] {
        return Some(figures(one.summary, one.half_width));
    }
    let part = |part: fn(&Summary) -> Seconds| {
        OverSeeds::of(&found.iter().map(|latency| part(&latency.summary).get()).collect::<Vec<_>>())
    };
    let (mean, p50, p90) = (part(|s| s.mean)?, part(|s| s.p50)?, part(|s| s.p90)?);
    let (p95, p99) = (part(|s| s.p95)?, part(|s| s.p99)?);
    Some(LatencyFigures {
        mean_s: mean.mean,
        p50_s: p50.mean,
        p90_s: p90.mean,
        p95_s: p95.mean,
        p99_s: p99.mean,
        mean_half_width_s: mean.half_width,
        p50_half_width_s: p50.half_width,
        p90_half_width_s: p90.half_width,
        p95_half_width_s: p95.half_width,
        p99_half_width_s: p99.half_width,
    })
}

fn figures(summary: Summary, half_width: Option<Summary>) -> LatencyFigures {
    let half = |part: fn(&Summary) -> Seconds| half_width.as_ref().map(|half| part(half).get());
    LatencyFigures {
        mean_s: summary.mean.get(),
        p50_s: summary.p50.get(),
        p90_s: summary.p90.get(),
        p95_s: summary.p95.get(),
        p99_s: summary.p99.get(),
        mean_half_width_s: half(|s| s.mean),
        p50_half_width_s: half(|s| s.p50),
        p90_half_width_s: half(|s| s.p90),
        p95_half_width_s: half(|s| s.p95),
        p99_half_width_s: half(|s| s.p99),
    }
}

/// Gaps between tokens; they have an interval only over seeds.
pub(super) fn gaps(seeds: &[&Simulated]) -> Option<LatencyFigures> {
    latency(seeds, |seed| seed.itl.map(|summary| Latency { summary, half_width: None }))
}

/// What became of requests, of one seed.
pub(super) fn counts(simulated: &Simulated) -> RequestCounts {
    let refused = simulated.refused.iter();
    RequestCounts {
        sent: simulated.all.sent,
        finished: simulated.all.finished,
        refused: refused
            .map(|(reason, count)| RefusalCount { reason: reason.to_string(), count: *count })
            .collect(),
        lost: simulated.lost,
        unfinished: simulated.unfinished,
        retries: simulated.retries,
    }
}

/// Mean over seeds of a rate.
fn rate(seeds: &[&Simulated], of: impl Fn(&Simulated) -> f64) -> f64 {
    let each: Vec<f64> = seeds.iter().map(|seed| seed.per_second(of(seed))).collect();
    OverSeeds::of(&each).map_or(0.0, |rate| rate.mean)
}

/// Rates of a fleet of so many accelerators.
pub(super) fn throughput(seeds: &[&Simulated], gpus: u64) -> SimulatedThroughput {
    let output = rate(seeds, |seed| seed.totals.output_tokens as f64);
    SimulatedThroughput {
        requests_per_s: rate(seeds, |seed| seed.all.finished as f64),
        prompt_tokens_per_s: rate(seeds, |seed| seed.totals.prompt_tokens as f64),
        output_tokens_per_s: output,
        output_tokens_per_s_per_gpu: output / gpus as f64,
    }
}

/// Requests within every limit.
pub(super) fn goodput(seeds: &[&Simulated], classes: &[OfClass]) -> Goodput {
    let limits = strictest(classes);
    let first = seeds.first().map_or((0, 0), |seed| (seed.all.good, seed.all.sent));
    Goodput {
        ttft_limit_s: limits.ttft.get(),
        tpot_limit_s: limits.tpot.get(),
        e2e_limit_s: Some(limits.e2e.get()).filter(|limit| limit.is_finite()),
        requests: first.0,
        requests_per_s: rate(seeds, |seed| seed.all.good as f64),
        share: first.0 as f64 / first.1.max(1) as f64,
    }
}

/// Each limit where it is hardest to meet.
fn strictest(classes: &[OfClass]) -> RequestLimits {
    let least = |of: fn(&RequestLimits) -> Seconds| {
        let all = classes.iter().map(|class| of(&class.limits).get());
        Seconds::new(all.fold(f64::INFINITY, f64::min))
    };
    RequestLimits { ttft: least(|of| of.ttft), tpot: least(|of| of.tpot), e2e: least(|of| of.e2e) }
}

/// Classes, named or numbered by a trace.
pub(super) fn classes(seeds: &[&Simulated], named: &[OfClass]) -> Vec<ClassFigures> {
    let Some(first) = seeds.first() else { return Vec::new() };
    let of = |at: usize| {
        let (class, limits) = (&first.classes[at], named.get(at).or(named.last()));
        let limit = |of: fn(&RequestLimits) -> Seconds| {
            limits.map(|class| of(&class.limits).get()).filter(|limit| limit.is_finite())
        };
        let latency = |of: fn(&ClassResult) -> Option<Latency>| {
            latency(seeds, |seed| seed.classes.get(at).and_then(of))
        };
        ClassFigures {
            class: at as u64,
            name: named.get(at).map(|class| class.name.clone()).filter(|name| !name.is_empty()),
            sent: class.sent,
            finished: class.finished,
            ttft_limit_s: limit(|of| of.ttft),
            tpot_limit_s: limit(|of| of.tpot),
            e2e_limit_s: limit(|of| of.e2e),
            within_limits: class.good,
            goodput_requests_per_s: rate(seeds, |seed| {
                seed.classes.get(at).map_or(0.0, |class| class.good as f64)
            }),
            ttft: latency(|class| class.ttft),
            tpot: latency(|class| class.tpot),
            e2e: latency(|class| class.e2e),
            queueing: latency(|class| class.queueing),
        }
    };
    (0..first.classes.len()).map(of).collect()
}

/// What the engines did.
pub(super) fn engine(simulated: &Simulated) -> EngineFigures {
    let totals = &simulated.totals;
    EngineFigures {
        steps: totals.steps,
        decode_batch_mean: simulated.decode_batch_mean(),
        step_mean_s: totals.busy_s / totals.steps.max(1) as f64,
        busy_share: busy(simulated),
        preemptions: simulated.preemptions,
        failures: simulated.failures,
    }
}

/// What the caches did.
pub(super) fn cache(fleet: &Fleet, simulated: &Simulated, series: &[SeriesPoint]) -> CacheFigures {
    let prompts = (simulated.totals.prompt_tokens as f64).max(1.0);
    let mean = |of: fn(&SeriesPoint) -> f64| {
        (!series.is_empty()).then(|| series.iter().map(of).sum::<f64>() / series.len() as f64)
    };
    CacheFigures {
        hit_rate: simulated.totals.hit_tokens as f64 / prompts,
        hbm_peak_tokens: simulated.kv_peak_tokens,
        hbm_peak_share: simulated.kv_peak_tokens / fleet.engine.kv_capacity,
        hbm_used_mean_share: mean(|point| point.hbm_used_share),
        hbm_idle_mean_share: mean(|point| point.hbm_idle_share),
        tiers: tiers(fleet, simulated, prompts),
    }
}

fn tiers(fleet: &Fleet, simulated: &Simulated, prompts: f64) -> Vec<TierFigures> {
    let decoders = fleet.decoders.as_ref().map_or(0, |decoders| decoders.replicas);
    let most = fleet.scaling.map_or(fleet.replicas, |scaling| scaling.most.max(fleet.replicas));
    let links = f64::from((most + decoders) * fleet.engine.ranks);
    let end = simulated.end.get().max(1e-9);
    let one = |(tier, totals): (&rackplan_sim::Tier, &rackplan_sim::TierTotals)| {
        let time = if tier.is_shared { end } else { end * links };
        TierFigures {
            name: tier.name.clone(),
            capacity_tokens: Some(tier.capacity_tokens).filter(|tokens| tokens.is_finite()),
            is_shared: tier.is_shared,
            peak_tokens: totals.tokens_peak,
            read_tokens: totals.read_tokens,
            hit_rate: totals.read_tokens as f64 / prompts,
            written_tokens: totals.written_tokens,
            evicted_tokens: totals.evicted_tokens,
            read_load: totals.reading_s / time,
            write_load: totals.writing_s / time,
            reload_mean_s: (totals.reads > 0).then(|| totals.waited_s / totals.reads as f64),
        }
    };
    fleet.caching.tiers.iter().zip(&simulated.tiers).map(one).collect()
}

/// Caches sent between replicas, where there are any that generate.
pub(super) fn transfers(fleet: &Fleet, simulated: &Simulated) -> Option<TransferFigures> {
    fleet.decoders.as_ref()?;
    let totals = &simulated.transfers;
    let mean = |sum: f64| sum / totals.transfers.max(1) as f64;
    Some(TransferFigures {
        transfers: totals.transfers,
        bytes: totals.bytes,
        time_mean_s: mean(totals.took_s),
        wait_mean_s: mean(totals.waited_s),
        time_max_s: totals.longest_s,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_an_interval_over_three_seeds() {
        // Mean 2, s = 1, t of two degrees of freedom 4.303: 4.303 / √3.
        let found = OverSeeds::of(&[1.0, 2.0, 3.0]).expect("three seeds");
        assert_eq!(found.mean, 2.0);
        assert!((found.half_width.expect("more than one") - 4.302_652_73 / 3.0_f64.sqrt()).abs() < 1e-6);
        assert_eq!(OverSeeds::of(&[5.0]), Some(OverSeeds { mean: 5.0, half_width: None }));
    }
}
