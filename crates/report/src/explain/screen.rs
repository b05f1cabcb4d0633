//! The first screen of `explain`: at most 30 lines of 100 columns, the decision first, then the waterfall.

use super::merged::{Merged, merged};
use crate::format::{bytes, count, number, percent, time};
use crate::lines::{WIDTH, labelled, wrap};
use rackplan_scenario::answer::{Answer, ExplainAnswer, Share};

/// Parts that have a row of their own.
const ROWS: usize = 12;
/// Kinds of work that the decision names, and the least share of one.
const NAMED: usize = 4;
const LEAST: f64 = 0.02;
/// Characters of a bar that stands for the longest part.
const BAR: f64 = 12.0;
/// Warnings shown; the rest is in the wide tables.
const WARNINGS: usize = 2;

/// What to do next.
const NEXT: &str =
    "next: --wide for every part with its formula and band, --figures DIR for waterfall and roofline";

/// The whole screen.
pub(super) fn screen(answer: &Answer<ExplainAnswer>, color: bool) -> String {
    let (bold, plain) = if color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let decision = wrap(&decision(&answer.answer), WIDTH).join("\n");
    format!("{bold}{decision}{plain}\n{}{NEXT}\n", facts(answer))
}

/// The screen between the decision and the next command.
pub(super) fn facts(answer: &Answer<ExplainAnswer>) -> String {
    let found = &answer.answer;
    let above = if found.fits { waterfall(found) } else { difficulty(found) };
    let lines = [
        ("layout", layout(found)),
        ("speed", speed(found)),
        ("latency", latency(found)),
        ("memory", memory(found)),
        ("binds", shares(&found.bounds)),
        ("layers", layers(found)),
        ("evidence", shares(&found.evidence)),
    ];
    // Of what does not fit a step would be idle talk; the wide tables and JSON have it all the same.
    let shown = lines.iter().filter(|(label, _)| found.fits || ["layout", "memory"].contains(label));
    let lines: String = shown.map(|(label, text)| labelled(label, text)).collect();
    above + &lines + &basis(answer)
}

/// The answer in one sentence.
pub(super) fn decision(found: &ExplainAnswer) -> String {
    let machines = format!("{} {}", found.layout.gpus, found.gpu);
    if !found.fits {
        return format!("{} does not fit {machines} at {}.", found.model, load(found));
    }
    let named = found.families.iter().take(NAMED).filter(|family| family.share >= LEAST);
    let named: Vec<String> = named
        .map(|family| format!("{} {} ({})", whole_percent(family.share), family.name, family.bound))
        .collect();
    format!(
        "A {} step of {} on {machines} takes {} at {}: {}.",
        found.phase,
        found.model,
        time(found.step.time_s),
        load(found),
        named.join(", ")
    )
}

/// `batch 64`, `1 prompt of 1,024 tokens`.
fn load(found: &ExplainAnswer) -> String {
    let batch = &found.batch;
    let (tokens, many) = (number(batch.chunk_tokens), number(batch.prompts));
    let prompts = match (batch.prefix_tokens > 0.0, batch.prompts == 1.0) {
        (false, true) => format!("1 prompt of {tokens} tokens"),
        (false, false) => format!("{many} prompts of {tokens} tokens"),
        (true, true) => format!("{tokens} tokens of a longer prompt"),
        (true, false) => format!("{tokens} tokens of each of {many} longer prompts"),
    };
    match (batch.decodes > 0.0, batch.prompts > 0.0) {
        (true, false) if batch.padding_tokens > 0.0 => {
            format!(
                "batch {}, padded by {} for its graph",
                number(batch.decodes),
                number(batch.padding_tokens)
            )
        }
        (true, false) => format!("batch {}", number(batch.decodes)),
        (true, true) => format!("batch {} and {prompts}", number(batch.decodes)),
        _ => prompts,
    }
}

fn whole_percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// The longest parts, and what is left.
fn waterfall(found: &ExplainAnswer) -> String {
    let mut rows = merged(&found.parts);
    // Sorting keeps the order of running where two are equal, as hidden ones are.
    rows.sort_by(|a, b| b.exposed_s.total_cmp(&a.exposed_s));
    let longest = rows.first().map_or(0.0, |row| row.exposed_s);
    let shown = rows.iter().take(ROWS);
    let lines = shown.map(|row| line(row, found.step.time_s, longest));
    let head = format!(
        "  {:<20}{:>6}{:>10}{:>9}{:>8}  {:<12}  {:<8} {}\n",
        "part", "times", "us each", "ms", "share", "", "bound", "evidence"
    );
    head + &lines.collect::<String>() + &rest(&rows[rows.len().min(ROWS)..], found.step.time_s)
}

fn line(row: &Merged, step: f64, longest: f64) -> String {
    let bar = "#".repeat((BAR * row.exposed_s / longest).round() as usize);
    let part = &row.longest;
    let text = format!(
        "  {:<20}{:>6}{:>10}{:>9}{:>8}  {bar:<12}  {:<8} {}",
        cut(&row.name),
        number(row.count),
        number(row.time_s / row.count * 1e6),
        milliseconds(row.exposed_s),
        percent(row.exposed_s / step),
        part.bound,
        part.evidence
    );
    text.trim_end().to_owned() + "\n"
}

fn rest(rows: &[Merged], step: f64) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let hidden = rows.iter().filter(|row| row.is_hidden()).count();
    let beside = match hidden {
        0 => String::new(),
        hidden => format!("  {hidden} of them hidden beside longer ones"),
    };
    let sum: f64 = rows.iter().map(|row| row.exposed_s).sum();
    let name = format!("{} more", rows.len());
    format!("  {name:<36}{:>9}{:>8}{beside}\n", milliseconds(sum), percent(sum / step))
}

/// A name that fits its column.
fn cut(name: &str) -> String {
    name.chars().take(20).collect()
}

fn milliseconds(seconds: f64) -> String {
    let value = seconds * 1e3;
    let decimals = if value >= 100.0 { 1 } else { 2 };
    format!("{value:.decimals$}")
}

fn layout(found: &ExplainAnswer) -> String {
    let l = &found.layout;
    let drafts = match l.draft_tokens {
        0 => String::new(),
        drafts => format!(", {drafts} drafted tokens ({} a step)", number(l.tokens_per_step)),
    };
    format!(
        "{} x {} = TP{} x PP{} x DP{}, EP{}, {}; weights {}{drafts}",
        l.gpus,
        found.gpu,
        l.tp,
        l.pp,
        l.dp,
        l.ep,
        found.backend,
        formats(found),
    )
}

/// `fp8_block, KV bf16`, or each part's format where they differ.
fn formats(found: &ExplainAnswer) -> String {
    let l = &found.layout;
    let alike = l.attention_dtype == l.weight_dtype && l.expert_dtype == l.weight_dtype;
    let weights = match alike {
        true => l.weight_dtype.clone(),
        false => {
            format!("{} (attention {}, experts {})", l.weight_dtype, l.attention_dtype, l.expert_dtype)
        }
    };
    format!("{weights}, KV {}", l.kv_dtype)
}

fn speed(found: &ExplainAnswer) -> String {
    let step = &found.step;
    format!(
        "{} tok/s, {} per GPU; MFU {}, MBU {} ({} and {} a GPU and step)",
        number(step.tokens_per_s),
        number(step.tokens_per_s_per_gpu),
        percent(step.mfu),
        percent(step.mbu),
        flops(step.flops),
        bytes(step.bytes),
    )
}

/// `1.2 TFLOP`.
pub(super) fn flops(value: f64) -> String {
    let prefixes = [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M")];
    let found = prefixes.into_iter().find(|(scale, _)| value >= *scale);
    let (scale, prefix) = found.unwrap_or((1.0, ""));
    format!("{} {prefix}FLOP", number(value / scale))
}

fn latency(found: &ExplainAnswer) -> String {
    let band = |band: Option<[f64; 2]>| {
        band.map_or(String::new(), |[low, high]| format!(" (80 % band {} to {})", time(low), time(high)))
    };
    let alone =
        format!("TTFT of a lone prompt {}{}", time(found.ttft_alone_s), band(found.ttft_alone_band_s));
    let tpot = found.tpot_s.map(|tpot| format!("TPOT {}{}; ", time(tpot), band(found.tpot_band_s)));
    tpot.unwrap_or_default() + &alone
}

fn memory(found: &ExplainAnswer) -> String {
    let m = &found.memory;
    if m.cache_bytes <= 0.0 {
        let (capacity, weights) = (bytes(m.capacity_bytes), bytes(m.weights_bytes));
        return format!("of {capacity} per GPU: weights {weights}, and no room for caches");
    }
    let state = match m.state_bytes_per_sequence > 0.0 {
        true => format!(", state {} a sequence", bytes(m.state_bytes_per_sequence)),
        false => String::new(),
    };
    format!(
        "of {} per GPU: weights {}, caches of this batch {} ({} a token{state}) of {}, reserve {}; {} sequences fit",
        bytes(m.capacity_bytes),
        bytes(m.weights_bytes),
        bytes(m.batch_bytes),
        bytes(m.kv_bytes_per_token),
        bytes(m.cache_bytes),
        bytes(m.reserve_bytes),
        count(m.sequences_fit as u64),
    )
}

fn shares(shares: &[Share]) -> String {
    let shown = shares.iter().filter(|share| share.share >= 0.0005);
    shown.map(|share| format!("{} {}", share.name, percent(share.share))).collect::<Vec<_>>().join(", ")
}

fn layers(found: &ExplainAnswer) -> String {
    let one = |kind: &rackplan_scenario::answer::LayerShare| match kind.layers {
        0 => format!("{} {}", kind.name, percent(kind.share)),
        layers => format!("{layers} {} {}", kind.name, percent(kind.share)),
    };
    found.layer_kinds.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What is in the way, where it does not fit.
fn difficulty(found: &ExplainAnswer) -> String {
    let Some(difficulty) = &found.difficulty else { return String::new() };
    let help = difficulty
        .relaxations
        .iter()
        .map(|change| labelled("would help", &format!("{}: {}", change.flag, change.result)));
    labelled("in the way", &difficulty.binding) + &help.collect::<String>()
}

fn basis(answer: &Answer<ExplainAnswer>) -> String {
    let key = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
    let assumed = answer.assumptions.iter().map(|a| format!("{} {}", key(&a.key), a.text()));
    let assumed = assumed.collect::<Vec<_>>().join("; ");
    let assumed =
        if assumed.is_empty() { String::new() } else { labelled("assumed", &(assumed + " (built-in)")) };
    let warnings = answer.warnings.iter().take(WARNINGS).map(|text| labelled("warning", text));
    assumed + &warnings.collect::<String>()
}
