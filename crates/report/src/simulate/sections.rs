//! Every figure of `simulate` as tables.

use super::latencies;
use super::screen::{class_name, load_in_words};
use crate::format::{count, number, percent, power, time};
use crate::section::{Section, warnings};
use rackplan_scenario::answer::{
    Answer, Assumption, CapacityPoint, ClassFigures, LatencyFigures, SeriesPoint, SimulateAnswer,
    SimulateResult, SimulatedCapacity, TierFigures,
};

/// Rows of the time series in a table.
const ROWS: usize = 24;

/// All tables, the most asked for first.
pub(super) fn sections(answer: &Answer<SimulateAnswer>) -> Vec<Section> {
    let found = &answer.answer;
    let mut all = Vec::new();
    all.extend(found.capacity.as_ref().map(capacity));
    if let Some(result) = &found.result {
        all.push(latency_table(found));
        all.push(totals(result));
        if result.classes.len() > 1 {
            all.push(classes(&result.classes));
        }
        if !result.cache.tiers.is_empty() {
            all.push(tiers(&result.cache.tiers));
        }
        all.push(series(&result.series));
    }
    all.push(fleet(found));
    all.push(question(answer));
    all.push(assumptions(answer));
    all.push(warnings(&answer.warnings));
    all.into_iter().filter(|section| !section.rows.is_empty()).collect()
}

/// Every load that the search played.
fn capacity(capacity: &SimulatedCapacity) -> Section {
    let at = |name: &str| format!("{name} {}", capacity.percentile);
    let or_none = |value: Option<f64>| value.map_or("-".to_owned(), time);
    let row = |point: &CapacityPoint| {
        vec![
            load_in_words(capacity, point.load),
            number(point.requests_per_s),
            or_none(point.ttft_s),
            or_none(point.tpot_s),
            or_none(point.e2e_s),
            point.breaks.clone().unwrap_or_else(|| "within".to_owned()),
        ]
    };
    let columns = ["load", "req/s", &at("TTFT"), &at("TPOT"), &at("e2e"), "breaks"];
    Section::new("Loads that were tried", &columns, capacity.points.iter().map(row).collect()).numbers_from(1)
}

fn latency_table(found: &SimulateAnswer) -> Section {
    let half = |value: Option<f64>| value.map_or("-".to_owned(), time);
    let row = |(name, l): (&str, LatencyFigures)| {
        let values = [l.mean_s, l.p50_s, l.p90_s, l.p95_s, l.p99_s].map(time);
        let halves =
            [l.mean_half_width_s, l.p50_half_width_s, l.p95_half_width_s, l.p99_half_width_s].map(half);
        [vec![name.to_owned()], values.to_vec(), halves.to_vec()].concat()
    };
    let columns = ["latency", "mean", "p50", "p90", "p95", "p99", "± mean", "± p50", "± p95", "± p99"];
    Section::new("Latencies", &columns, latencies(found).into_iter().map(row).collect()).numbers_from(1)
}

fn totals(result: &SimulateResult) -> Section {
    let (counts, rates, engine) = (&result.requests, &result.throughput, &result.engine);
    let (cache, used) = (&result.cache, &result.use_of_gpus);
    let refused: u64 = counts.refused.iter().map(|refused| refused.count).sum();
    let mut rows = vec![
        ("verdict", result.verdict.state.clone()),
        ("requests sent", count(counts.sent)),
        ("answered", count(counts.finished)),
        ("refused", count(refused)),
        ("lost", count(counts.lost)),
        ("under way at the end", count(counts.unfinished)),
        ("sent again", count(counts.retries)),
        ("simulated time", time(result.end_s)),
        ("requests/s", number(rates.requests_per_s)),
        ("prompt tokens/s", number(rates.prompt_tokens_per_s)),
        ("answer tokens/s", number(rates.output_tokens_per_s)),
        ("goodput, requests/s", number(result.goodput.requests_per_s)),
        ("steps", count(engine.steps)),
        ("mean step", time(engine.step_mean_s)),
        ("sequences generating", number(engine.decode_batch_mean)),
        ("busy", percent(engine.busy_share)),
        ("preemptions", count(engine.preemptions)),
        ("failures", count(engine.failures)),
        ("prompt tokens found in caches", percent(cache.hit_rate)),
        ("peak of HBM cache", percent(cache.hbm_peak_share)),
        ("replica hours", number(used.replica_hours)),
        ("GPU hours", number(used.gpu_hours)),
    ];
    rows.extend(used.mfu.map(|share| ("MFU", percent(share))));
    rows.extend(used.mbu.map(|share| ("MBU", percent(share))));
    rows.extend(used.power_w.map(|watts| ("power at the meter", power(watts))));
    rows.extend(used.energy_j_per_output_token.map(|joules| ("J an answer token", number(joules))));
    Section::pairs("Totals", rows)
}

fn classes(classes: &[ClassFigures]) -> Section {
    let p95 = |l: Option<LatencyFigures>| l.map_or("-".to_owned(), |l| time(l.p95_s));
    let row = |class: &ClassFigures| {
        vec![
            class_name(class),
            count(class.sent),
            count(class.finished),
            count(class.within_limits),
            number(class.goodput_requests_per_s),
            p95(class.queueing),
            p95(class.ttft),
            p95(class.tpot),
            p95(class.e2e),
        ]
    };
    let columns = [
        "class",
        "sent",
        "answered",
        "within limits",
        "goodput, req/s",
        "queueing p95",
        "TTFT p95",
        "TPOT p95",
        "e2e p95",
    ];
    Section::new("Classes of requests", &columns, classes.iter().map(row).collect()).numbers_from(1)
}

fn tiers(tiers: &[TierFigures]) -> Section {
    let row = |tier: &TierFigures| {
        vec![
            tier.name.clone(),
            tier.capacity_tokens.map_or("-".to_owned(), number),
            number(tier.peak_tokens as f64),
            number(tier.read_tokens as f64),
            percent(tier.hit_rate),
            number(tier.written_tokens as f64),
            number(tier.evicted_tokens as f64),
            percent(tier.read_load),
            percent(tier.write_load),
            tier.reload_mean_s.map_or("-".to_owned(), time),
        ]
    };
    let columns = [
        "tier",
        "room, tokens",
        "peak",
        "read",
        "of prompts",
        "written",
        "let go",
        "reading",
        "writing",
        "reload",
    ];
    Section::new("KV tiers", &columns, tiers.iter().map(row).collect()).numbers_from(1)
}

/// Every so many points, so that the table stays short; pictures and JSON have all.
fn series(points: &[SeriesPoint]) -> Section {
    let row = |point: &SeriesPoint| {
        vec![
            time(point.time_s),
            number(point.replicas),
            number(point.waiting),
            number(point.running),
            percent(point.hbm_used_share),
            percent(point.hbm_idle_share),
            point.hit_rate.map_or("-".to_owned(), percent),
            number(point.output_tokens_per_s),
        ]
    };
    let columns = [
        "time",
        "replicas",
        "waiting",
        "running",
        "HBM in use",
        "kept",
        "found in caches",
        "answer tokens/s",
    ];
    let every = points.len().div_ceil(ROWS).max(1);
    Section::new("Over time", &columns, points.iter().step_by(every).map(row).collect()).numbers_from(0)
}

fn fleet(found: &SimulateAnswer) -> Section {
    let fleet = &found.fleet;
    Section::pairs(
        "Fleet",
        vec![
            ("replicas", count(fleet.replicas.into())),
            ("replicas for answers", count(fleet.decode_replicas.into())),
            ("GPUs", count(fleet.gpus)),
            ("router", fleet.router.clone()),
            ("age of its signals", time(fleet.signal_age_s)),
            ("tokens of a step", count(fleet.chunk_tokens.into())),
            ("sequences of a group", count(fleet.max_batch.into())),
            ("KV cache of a group, tokens", number(fleet.kv_capacity_tokens)),
            ("step times", fleet.step_times.clone()),
        ],
    )
}

fn question(answer: &Answer<SimulateAnswer>) -> Section {
    let plain = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rows =
        answer.question.iter().map(|(key, v)| vec![key.clone(), plain(&v.value), v.origin.clone()]).collect();
    Section::new("Question", &["key", "value", "origin"], rows)
}

fn assumptions(answer: &Answer<SimulateAnswer>) -> Section {
    let row =
        |a: &Assumption| vec![a.key.clone(), a.text(), a.why.clone(), a.flag.clone().unwrap_or_default()];
    let rows = answer.assumptions.iter().map(row).collect();
    Section::new("Assumed", &["key", "value", "why", "set it with"], rows)
}
