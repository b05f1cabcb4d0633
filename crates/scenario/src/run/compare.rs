//! `compare`: two answers side by side: what changed in the question, then in GPUs, latency, margins, power and money.

use crate::AnswerFile;
use crate::answer::{CompareAnswer, ComparedFigure, ComparedValue};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Words of a plan, by name and place in the answer.
const WORDS: [(&str, &str); 4] = [
    ("hardware", "/answer/deployment/hardware/id"),
    ("quant", "/answer/deployment/quant"),
    ("binds", "/answer/deployment/limit"),
    ("in the way", "/answer/difficulty/binding"),
];

/// Figures, by name and place in the answer.
const FIGURES: [(&str, &str); 17] = [
    ("racks", "/answer/deployment/capacity/racks"),
    ("gpus_active", "/answer/deployment/capacity/gpus_active"),
    ("gpus_spare", "/answer/deployment/capacity/gpus_spare"),
    ("gpus_provisioned", "/answer/deployment/capacity/gpus_provisioned"),
    ("instances_needed", "/answer/deployment/capacity/instances_needed"),
    ("users_short", "/answer/deployment/capacity/users_short"),
    ("requests_in_flight", "/answer/demand/generating/in_flight"),
    ("total_tokens_per_s", "/answer/deployment/throughput/total_tokens_per_s"),
    ("tokens_per_s_per_gpu", "/answer/deployment/throughput/tokens_per_s_per_gpu"),
    ("tokens_per_s_per_user", "/answer/deployment/throughput/tokens_per_s_per_user"),
    ("ttft_s", "/answer/deployment/latency/ttft_s"),
    ("tpot_s", "/answer/deployment/latency/tpot_s"),
    ("e2e_mean_s", "/answer/deployment/latency/e2e_mean_s"),
    ("kv_total_bytes", "/answer/deployment/kv/total_bytes"),
    ("facility_w", "/answer/deployment/power/facility_w"),
    ("usd_per_hour", "/answer/deployment/money/usd_per_hour"),
    ("usd_per_million_tokens", "/answer/deployment/money/usd_per_million_tokens"),
];

/// What differs between two answers.
pub fn compare(a: &AnswerFile, b: &AnswerFile) -> CompareAnswer {
    let feasible =
        |file: &AnswerFile| file.figure("/answer/feasible").and_then(Value::as_bool).unwrap_or(false);
    let plan = WORDS.map(|(name, place)| value(name, a.figure(place), b.figure(place)));
    let layouts = ComparedValue { name: "layout".to_owned(), a: layout(a), b: layout(b) };
    let plan = plan.into_iter().chain([layouts]).filter(|value| value.a != value.b);
    let mut figures: Vec<ComparedFigure> =
        FIGURES.map(|(name, place)| figure(name, number(a, place), number(b, place))).to_vec();
    figures.extend(
        ["ttft", "tpot"].map(|name| figure(&format!("{name}_margin"), margin(a, name), margin(b, name))),
    );
    figures.retain(|figure| figure.a.is_some() || figure.b.is_some());
    CompareAnswer {
        files: [a.name.clone(), b.name.clone()],
        feasible: [feasible(a), feasible(b)],
        question: question(a, b),
        plan: plan.collect(),
        figures,
    }
}

/// Values of the question that differ.
fn question(a: &AnswerFile, b: &AnswerFile) -> Vec<ComparedValue> {
    let values = |file: &AnswerFile| -> BTreeMap<String, Value> {
        file.question().map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    let (first, second) = (values(a), values(b));
    let keys: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
    let all = keys.into_iter().map(|key| value(key, first.get(key), second.get(key)));
    all.filter(|value| value.a != value.b).collect()
}

fn value(name: &str, a: Option<&Value>, b: Option<&Value>) -> ComparedValue {
    ComparedValue { name: name.to_owned(), a: a.map(words), b: b.map(words) }
}

/// As a flag would have it.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// `TP2 x EP2`, sizes of 1 left out.
fn layout(file: &AnswerFile) -> Option<String> {
    file.figure("/answer/deployment/plan")?;
    let size = |key: &str| {
        let size = number(file, &format!("/answer/deployment/plan/{key}")).filter(|size| *size > 1.0);
        size.map(|size| format!("{}{size}", key.to_uppercase()))
    };
    let named: Vec<String> = ["tp", "pp", "dp", "ep"].into_iter().filter_map(size).collect();
    Some(if named.is_empty() { "TP1".to_owned() } else { named.join(" x ") })
}

fn number(file: &AnswerFile, place: &str) -> Option<f64> {
    file.figure(place).and_then(Value::as_f64)
}

/// 1 - value / target: 0.1 where a tenth of the target is to spare.
fn margin(file: &AnswerFile, name: &str) -> Option<f64> {
    let figure = |key: &str| number(file, &format!("/answer/deployment/latency/{name}{key}"));
    Some(1.0 - figure("_s")? / figure("_target_s")?)
}

fn figure(name: &str, a: Option<f64>, b: Option<f64>) -> ComparedFigure {
    let change = a.zip(b).filter(|(a, _)| *a != 0.0).map(|(a, b)| b / a - 1.0);
    ComparedFigure { name: name.to_owned(), a, b, change }
}
