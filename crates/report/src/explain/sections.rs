//! The wide tables of `explain`.

use super::screen::flops;
use crate::format::{bytes, number, percent, time};
use crate::section::{Section, warnings};
use rackplan_scenario::answer::{Answer, ExplainAnswer, ExplainPart};

/// Every table.
pub(super) fn sections(answer: &Answer<ExplainAnswer>) -> Vec<Section> {
    let found = &answer.answer;
    let mut all = vec![parts(found), formulas(found), families(found), totals(found), memory(found)];
    all.push(question(answer));
    all.push(assumptions(answer));
    if !answer.warnings.is_empty() {
        all.push(warnings(&answer.warnings));
    }
    all
}

/// The waterfall, part by part.
fn parts(found: &ExplainAnswer) -> Section {
    let row = |part: &ExplainPart| {
        let [low, high] = [part.band_p10, part.band_p90].map(number);
        let names = [&part.name, &part.layer_kind, &part.bound, &part.evidence].map(String::clone);
        let numbers = [
            number(part.count),
            number(part.each_s * 1e6),
            number(part.time_s * 1e3),
            number(part.exposed_s * 1e3),
            percent(part.share),
            flops(part.flops),
            bytes(part.bytes),
            bytes(part.wire_bytes),
            format!("{low} to {high}"),
        ];
        [names.to_vec(), numbers.to_vec()].concat()
    };
    let columns = [
        "part", "layers", "bound", "evidence", "times", "us each", "ms", "ms added", "share", "each", "HBM",
        "wire", "band",
    ];
    let rows = found.parts.iter().map(row).collect();
    Section::new("Waterfall", &columns, rows).numbers_from(4)
}

fn formulas(found: &ExplainAnswer) -> Section {
    let row = |part: &ExplainPart| vec![part.name.clone(), part.layer_kind.clone(), part.formula.clone()];
    let title = "Formulas of one run: P peak of the format, W memory bandwidth, N link, each times the share reached; \
                 terms in us";
    Section::new(title, &["part", "layers", "formula"], found.parts.iter().map(row).collect())
}

fn families(found: &ExplainAnswer) -> Section {
    let row = |kind: &str, name: &str, bound: &str, seconds: f64, share: f64| {
        vec![kind.to_owned(), name.to_owned(), bound.to_owned(), number(seconds * 1e3), percent(share)]
    };
    let families = found.families.iter().map(|f| row("work", &f.name, &f.bound, f.time_s, f.share));
    let layers = found.layer_kinds.iter().map(|l| {
        let name = if l.layers > 0 { format!("{} {}", l.layers, l.name) } else { l.name.clone() };
        row("layers", &name, "", l.time_s, l.share)
    });
    let bounds = found.bounds.iter().map(|b| row("bound", &b.name, "", b.time_s, b.share));
    let evidence = found.evidence.iter().map(|e| row("evidence", &e.name, "", e.time_s, e.share));
    let rows = families.chain(layers).chain(bounds).chain(evidence).collect();
    Section::new("Shares of the step", &["by", "what", "bound", "ms", "share"], rows).numbers_from(3)
}

fn totals(found: &ExplainAnswer) -> Section {
    let step = &found.step;
    let mut rows = vec![
        ("step", time(step.time_s)),
        ("tokens a step", number(step.tokens)),
        ("tokens/s", number(step.tokens_per_s)),
        ("tokens/s per GPU", number(step.tokens_per_s_per_gpu)),
        ("MFU", percent(step.mfu)),
        ("MBU", percent(step.mbu)),
        ("FLOPs of a GPU", flops(step.flops)),
        ("HBM bytes of a GPU", bytes(step.bytes)),
        ("wire bytes of a GPU", bytes(step.wire_bytes)),
        ("TTFT of a lone prompt", time(found.ttft_alone_s)),
    ];
    rows.extend(found.tpot_s.map(|tpot| ("TPOT", time(tpot))));
    Section::pairs("Step", rows)
}

fn memory(found: &ExplainAnswer) -> Section {
    let m = &found.memory;
    Section::pairs(
        "Memory of a GPU",
        vec![
            ("capacity", bytes(m.capacity_bytes)),
            ("weights", bytes(m.weights_bytes)),
            ("weights at most", bytes(m.weights_room_bytes)),
            ("room for caches", bytes(m.cache_bytes)),
            ("reserve", bytes(m.reserve_bytes)),
            ("KV of a token", bytes(m.kv_bytes_per_token)),
            ("state of a sequence", bytes(m.state_bytes_per_sequence)),
            ("caches of this batch", bytes(m.batch_bytes)),
            ("sequences that fit", number(m.sequences_fit)),
        ],
    )
}

fn question(answer: &Answer<ExplainAnswer>) -> Section {
    let plain = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rows =
        answer.question.iter().map(|(key, v)| vec![key.clone(), plain(&v.value), v.origin.clone()]).collect();
    Section::new("Question", &["key", "value", "origin"], rows)
}

fn assumptions(answer: &Answer<ExplainAnswer>) -> Section {
    let row = |a: &rackplan_scenario::answer::Assumption| {
        vec![a.key.clone(), a.text(), a.why.clone(), a.flag.clone().unwrap_or_default()]
    };
    let rows = answer.assumptions.iter().map(row).collect();
    Section::new("Assumed", &["key", "value", "why", "set it with"], rows)
}
