//! The first screen of `simulate`: at most 30 lines of 100 columns; whether the fleet keeps up, then how fast it answers.

use super::latencies;
use crate::format::{bytes, count, counted, number, percent, power, time};
use crate::lines::{WIDTH, labelled, wrap};
use rackplan_scenario::answer::{
    Answer, Assumption, ClassFigures, LatencyFigures, SimulateAnswer, SimulateResult, SimulatedCapacity,
    TierFigures,
};

/// Assumptions and warnings shown; the rest is in the wide tables.
const ASSUMED: usize = 6;
const WARNINGS: usize = 2;

/// What to do next.
const SEEK: &str = "--capacity for the highest load within the targets, ";
const NEXT: &str = "--figures DIR for pictures, --wide for all tables";

/// The whole screen.
pub(super) fn screen(answer: &Answer<SimulateAnswer>, color: bool) -> String {
    let (bold, plain) = if color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let decision = wrap(&decision(&answer.answer), WIDTH).join("\n");
    let next = format!("next: {}{NEXT}", if answer.answer.capacity.is_some() { "" } else { SEEK });
    format!("{bold}{decision}{plain}\n{}{}\n", facts(answer), wrap(&next, WIDTH).join("\n"))
}

/// The screen between the decision and the next command.
pub(super) fn facts(answer: &Answer<SimulateAnswer>) -> String {
    let found = &answer.answer;
    let mut out = labelled("layout", &layout(found));
    if let Some(difficulty) = &found.difficulty {
        out += &labelled("binds", &difficulty.binding);
        for relaxation in
            difficulty.relaxations.iter().filter(|relaxation| relaxation.flag.starts_with("--tp"))
        {
            out += &labelled("try", &format!("{}: {}", relaxation.flag, relaxation.result));
        }
    }
    out += &labelled("load", &load(found));
    if let Some(result) = &found.result {
        out += &played(found, result);
    }
    if let Some(capacity) = &found.capacity {
        out += &labelled("capacity", &at_most(capacity));
    }
    out + &notes(answer)
}

fn played(found: &SimulateAnswer, result: &SimulateResult) -> String {
    let lines = [
        ("requests", requests(result)),
        ("rates", rates(result)),
        ("goodput", goodput(result)),
        ("steps", steps(result)),
        ("KV cache", cache(found, result)),
        ("energy", energy(result)),
    ];
    let mut out = table(found);
    out.extend(lines.iter().map(|(label, text)| labelled(label, text)));
    out.extend(result.cache.tiers.iter().map(|tier| labelled(&tier.name, &lower(tier))));
    if let Some(transfers) = &result.transfers {
        let text = format!(
            "{} caches of {} from prompts to answers in {} on average, {} of it waiting; at most {}",
            count(transfers.transfers),
            bytes(transfers.bytes / transfers.transfers.max(1) as f64),
            time(transfers.time_mean_s),
            time(transfers.wait_mean_s),
            time(transfers.time_max_s)
        );
        out += &labelled("transfers", &text);
    }
    for class in result.classes.iter().filter(|_| result.classes.len() > 1) {
        out += &labelled(&class_name(class), &of_class(class));
    }
    out
}

/// A class as the question or the trace calls it.
pub(super) fn class_name(class: &ClassFigures) -> String {
    class.name.clone().unwrap_or_else(|| format!("class {}", class.class))
}

fn of_class(class: &ClassFigures) -> String {
    let limits = [class.ttft_limit_s, class.tpot_limit_s, class.e2e_limit_s];
    let latencies = [("TTFT", class.ttft), ("TPOT", class.tpot), ("e2e", class.e2e)].into_iter().zip(limits);
    let shown = latencies.filter_map(|((name, latency), limit)| {
        let of = limit.map_or_else(String::new, |limit| format!(" of {}", time(limit)));
        (name != "e2e" || limit.is_some()).then_some(format!("{name} p95 {}{of}", time(latency?.p95_s)))
    });
    format!(
        "{} of {} answered, {} within limits: {}",
        count(class.finished),
        count(class.sent),
        percent(class.within_limits as f64 / class.sent.max(1) as f64),
        shown.collect::<Vec<_>>().join(", ")
    )
}

/// The answer in one sentence.
pub(super) fn decision(found: &SimulateAnswer) -> String {
    let machines = machines(found);
    let Some(result) = &found.result else {
        return format!("{} does not fit {machines}.", found.model);
    };
    let verdict = &result.verdict;
    let could = verdict
        .saturated_requests_per_s
        .map_or("nothing".to_owned(), |rate| format!("{} req/s", number(rate)));
    match (verdict.state.as_str(), verdict.offered_requests_per_s) {
        ("serves nothing", _) => format!("{} on {machines} can serve none of these requests.", found.model),
        ("steady", Some(offered)) => format!(
            "Steady: {} on {machines} keeps up with {} req/s; it could serve {could}.",
            found.model,
            number(offered)
        ),
        ("steady", None) => format!(
            "Steady: {} on {machines} serves {} with {} req/s.",
            found.model,
            found.load.kind,
            number(result.throughput.requests_per_s)
        ),
        (state, offered) => format!(
            "The queue {state}: {} req/s come to {} on {machines}, it could serve {could}; latencies below hang on how \
             long this lasts.",
            offered.map_or("too many".to_owned(), number),
            found.model
        ),
    }
}

/// `4 replicas, 16 H100 SXM`.
fn machines(found: &SimulateAnswer) -> String {
    let fleet = &found.fleet;
    if let Some([least, most]) = fleet.autoscale {
        return format!("{least} to {most} replicas of {} {}", found.layout.gpus, found.gpu);
    }
    let replicas = match fleet.decode_replicas {
        0 => counted(fleet.replicas.into(), "replica"),
        decoders => {
            format!("{} for prompts and {decoders} for answers", counted(fleet.replicas.into(), "replica"))
        }
    };
    format!("{replicas}, {} {},", count(fleet.gpus), found.gpu).trim_end_matches(',').to_owned()
}

fn layout(found: &SimulateAnswer) -> String {
    let (l, f) = (&found.layout, &found.fleet);
    let router = if f.replicas > 1 { format!("; router {}", f.router) } else { String::new() };
    let given = if f.step_times == "op_tables" { "; step times from tables" } else { "" };
    format!(
        "replica of {} GPUs = TP{} x PP{} x DP{}, EP{}, {}, weights {}, KV {}; steps of {} tokens, {} sequences{router}{given}",
        l.gpus,
        l.tp,
        l.pp,
        l.dp,
        l.ep,
        found.backend,
        l.weight_dtype,
        l.kv_dtype,
        count(f.chunk_tokens.into()),
        count(f.max_batch.into())
    )
}

fn load(found: &SimulateAnswer) -> String {
    let load = &found.load;
    let skipped = match load.skipped_lines {
        0 => String::new(),
        skipped => format!("; {} skipped", counted(skipped, "line")),
    };
    format!(
        "{}: {} prompt and {} answer tokens{skipped}",
        load.kind,
        number(load.isl_mean),
        number(load.osl_mean)
    )
}

/// A line for each latency.
fn table(found: &SimulateAnswer) -> String {
    let rows = latencies(found);
    if rows.is_empty() {
        return String::new();
    }
    let head =
        format!("  {:<11}{:>16}{:>12}{:>12}{:>20}{:>18}\n", "latency", "mean", "p50", "p90", "p95", "p99");
    head + &rows.iter().map(|(name, l)| line(name, l)).collect::<String>()
}

fn line(name: &str, l: &LatencyFigures) -> String {
    let with = |value: f64, half: Option<f64>| match half {
        Some(half) if value > 0.0 => format!("{} ±{:.0} %", time(value), 100.0 * half / value),
        _ => time(value),
    };
    let name = if name == "queueing" { name.to_owned() } else { name.to_uppercase() };
    format!(
        "  {name:<11}{:>16}{:>12}{:>12}{:>20}{:>18}\n",
        with(l.mean_s, l.mean_half_width_s),
        time(l.p50_s),
        time(l.p90_s),
        with(l.p95_s, l.p95_half_width_s),
        with(l.p99_s, l.p99_half_width_s)
    )
}

fn requests(result: &SimulateResult) -> String {
    let counts = &result.requests;
    let refused = counts
        .refused
        .iter()
        .map(|refused| format!(", {} refused: {}", count(refused.count), refused.reason));
    let some = |value: u64, what: &str| {
        if value > 0 { format!(", {} {what}", count(value)) } else { String::new() }
    };
    let seeds = if result.seeds > 1 { format!("; means of {} seeds", result.seeds) } else { String::new() };
    format!(
        "{} sent, {} answered in {}{}{}{}{}{seeds}",
        count(counts.sent),
        count(counts.finished),
        time(result.end_s),
        refused.collect::<String>(),
        some(counts.lost, "lost"),
        some(counts.unfinished, "under way at the end"),
        some(counts.retries, "sent again"),
    )
}

fn rates(result: &SimulateResult) -> String {
    let rates = &result.throughput;
    format!(
        "{} req/s, {} prompt and {} answer tokens/s, {} answer tokens/s per GPU",
        number(rates.requests_per_s),
        number(rates.prompt_tokens_per_s),
        number(rates.output_tokens_per_s),
        number(rates.output_tokens_per_s_per_gpu)
    )
}

fn goodput(result: &SimulateResult) -> String {
    let good = &result.goodput;
    let sent =
        format!("{} req/s, {} of those sent, within", number(good.requests_per_s), percent(good.share));
    if result.classes.iter().any(|class| class.name.is_some()) {
        return format!("{sent} the limits of their classes");
    }
    let e2e = good.e2e_limit_s.map_or_else(String::new, |limit| format!(", e2e {}", time(limit)));
    format!("{sent} TTFT {}, TPOT {}{e2e}", time(good.ttft_limit_s), time(good.tpot_limit_s))
}

fn steps(result: &SimulateResult) -> String {
    let (engine, used) = (&result.engine, &result.use_of_gpus);
    let share = |what: &str, share: Option<f64>| {
        share.map_or_else(String::new, |share| format!(", {what} {}", percent(share)))
    };
    let failures = match engine.failures {
        0 => String::new(),
        failures => format!(", {}", counted(failures, "failure")),
    };
    format!(
        "{} of {} on average, {} sequences generating; busy {}{}{}, {}{failures}",
        count(engine.steps),
        time(engine.step_mean_s),
        number(engine.decode_batch_mean),
        percent(engine.busy_share),
        share("MFU", used.mfu),
        share("MBU", used.mbu),
        counted(engine.preemptions, "preemption")
    )
}

fn cache(found: &SimulateAnswer, result: &SimulateResult) -> String {
    let cache = &result.cache;
    let kept = cache.hbm_idle_mean_share.filter(|_| found.fleet.prefix_cache);
    let kept = kept.map_or_else(String::new, |share| format!(", {} kept for reuse", percent(share)));
    let used =
        cache.hbm_used_mean_share.map_or_else(String::new, |share| format!("{} in use", percent(share)));
    format!(
        "{} tokens an attention group: {used}{kept}, peak {}; {} of prompt tokens found in caches",
        number(found.fleet.kv_capacity_tokens),
        percent(cache.hbm_peak_share),
        percent(cache.hit_rate)
    )
}

fn lower(tier: &TierFigures) -> String {
    let room = tier.capacity_tokens.map_or("no end of".to_owned(), number);
    let whose = if tier.is_shared { "all" } else { "each group" };
    let reload =
        tier.reload_mean_s.map_or("nothing read".to_owned(), |s| format!("back in {} on average", time(s)));
    format!(
        "{room} tokens for {whose}, peak {} in all; {} of prompt tokens read back, {reload}; link {} reading, {} writing",
        number(tier.peak_tokens as f64),
        percent(tier.hit_rate),
        percent(tier.read_load),
        percent(tier.write_load)
    )
}

fn energy(result: &SimulateResult) -> String {
    let used = &result.use_of_gpus;
    let power = used.power_w.map_or_else(String::new, |watts| format!(", {} at the meter", power(watts)));
    let each = used
        .energy_j_per_output_token
        .map_or_else(String::new, |j| format!(", {} J an answer token", number(j)));
    format!("{} GPU hours, {} replica hours{power}{each}", number(used.gpu_hours), number(used.replica_hours))
}

/// The outcome of a search for the highest load.
pub(super) fn at_most(capacity: &SimulatedCapacity) -> String {
    let ended = if capacity.stopped { "; the search was ended early" } else { "" };
    let Some(load) = capacity.load else {
        let least = capacity.points.first().map_or_else(String::new, |point| {
            format!(
                ": even {} would break {}",
                load_in_words(capacity, point.load),
                in_words(&capacity.limit)
            )
        });
        let part = part_of_trace(capacity);
        return format!("nothing is within the targets at {}{part}{least}{ended}", capacity.percentile);
    };
    let rate = capacity.requests_per_s.filter(|_| capacity.unit != "requests_per_s");
    let rate = rate.map_or_else(String::new, |rate| format!(", {} req/s,", number(rate)));
    let times = [("TTFT", capacity.ttft_s), ("TPOT", capacity.tpot_s), ("e2e", capacity.e2e_s)];
    let times = times.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", time(value?))));
    format!(
        "{}{rate} within the targets at {} ({}){}; more would break {}{ended}",
        load_in_words(capacity, load),
        capacity.percentile,
        times.collect::<Vec<_>>().join(", "),
        part_of_trace(capacity),
        in_words(&capacity.limit)
    )
}

/// How much of a trace a search played.
fn part_of_trace(capacity: &SimulatedCapacity) -> String {
    match (capacity.trace_requests, capacity.trace_requests_left_out) {
        (Some(all), Some(0)) => format!(" over {} requests", count(all)),
        (Some(some), Some(left_out)) => {
            format!(
                " over the first {} of {} requests (--requests N for others)",
                count(some),
                count(some + left_out)
            )
        }
        _ => String::new(),
    }
}

/// What a search varies, with its unit.
pub(super) fn load_in_words(capacity: &SimulatedCapacity, load: f64) -> String {
    match capacity.unit.as_str() {
        "users" => format!("{} users", count(load as u64)),
        "users_per_min" => format!("{} users a minute", number(load)),
        "rate_scale" => format!("{} times the trace's rate", number(load)),
        _ => format!("{} req/s", number(load)),
    }
}

fn in_words(limit: &str) -> String {
    let (name, class) = limit.split_once(' ').map_or((limit, ""), |(name, class)| (name, class));
    let name = match name {
        "throughput" => "what the fleet can answer at all".to_owned(),
        "e2e" => name.to_owned(),
        name => name.to_uppercase(),
    };
    format!("{name} {class}").trim_end().to_owned()
}

fn notes(answer: &Answer<SimulateAnswer>) -> String {
    let assumed = |a: &Assumption| format!("{} {} ({})", a.key, a.text(), a.why);
    let shown: Vec<String> = answer.assumptions.iter().take(ASSUMED).map(assumed).collect();
    let more = answer.assumptions.len().saturating_sub(ASSUMED);
    let more = if more > 0 { format!("; {more} more in --wide") } else { String::new() };
    let mut out = String::new();
    if !shown.is_empty() {
        out += &labelled("assumed", &format!("{}{more}", shown.join("; ")));
    }
    for warning in answer.warnings.iter().take(WARNINGS) {
        out += &labelled("warning", warning);
    }
    out
}
