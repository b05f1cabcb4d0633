//! The three-ceiling method against every line of the reference outputs beside the checkout.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use flate2::read::GzDecoder;
use rackplan_catalog::Catalog;
use rackplan_scenario::answer::FoundingSummary;
use rackplan_scenario::predict_first_order::{FirstOrder, RowKind};
use rackplan_scenario::{Inputs, Layers, Origin, QuestionError, SETTINGS, run};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader};

/// The lines of a golden file; none, with a word about it, where the file is not there.
fn golden(name: &str) -> Vec<Value> {
    let path = format!("{}/../../../shared/golden/{name}.jsonl.gz", env!("CARGO_MANIFEST_DIR"));
    let Ok(file) = File::open(&path) else {
        println!("skipped: ../shared/golden/{name}.jsonl.gz is not beside this checkout");
        return Vec::new();
    };
    let lines = BufReader::new(GzDecoder::new(file)).lines();
    lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}

fn method() -> FirstOrder {
    FirstOrder::new(&Catalog::builtin()).unwrap()
}

/// The path at which two values differ: other keys, other texts, or numbers apart by more than 1e-9.
fn difference(found: &Value, expected: &Value, path: &str) -> Option<String> {
    let different = || Some(format!("{path}: {found} is not {expected}"));
    match (found, expected) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            b.iter().find_map(|(key, value)| difference(&a[key], value, &format!("{path}.{key}")))
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            if (a - b).abs() <= 1e-9 * a.abs().max(b.abs()) { None } else { different() }
        }
        (a, b) if a == b => None,
        _ => different(),
    }
}

fn check(name: &str, predict: impl Fn(&Value) -> Value, expected: impl Fn(&Value) -> Value) {
    let lines = golden(name);
    let wrong: Vec<String> = lines
        .iter()
        .filter_map(|line| {
            let place = difference(&predict(line), &expected(line), "out")?;
            Some(format!("{place} for {}", line["in"]))
        })
        .collect();
    println!("{name}: {} of {} lines", lines.len() - wrong.len(), lines.len());
    assert!(wrong.is_empty(), "{} of {} lines differ, first {}", wrong.len(), lines.len(), wrong[0]);
}

fn check_rows(name: &str, kind: RowKind) {
    let method = method();
    let predict = |line: &Value| serde_json::to_value(method.predict(kind, line).unwrap()).unwrap();
    check(name, predict, |line| line["out"].clone());
}

#[test]
fn golden_plans() {
    check_rows("plans", RowKind::Plans);
}

#[test]
fn golden_tables() {
    check_rows("tables", RowKind::Tables);
}

#[test]
fn golden_offload() {
    check_rows("offload", RowKind::Offload);
}

#[test]
fn golden_optimizer() {
    let predict = |line: &Value| {
        let found = size(&words(&line["in"])).unwrap();
        let rows: Value = found.rows.iter().map(|(label, text)| (label.clone(), json!(text))).collect();
        json!({"summary": rows, "details": found.details, "warnings": found.warnings, "error": found.error})
    };
    let expected = |line: &Value| json!({"summary": line["summary"], "details": line["details"], "warnings": line["warnings"], "error": line["error"]});
    check("optimizer", predict, expected);
    for line in golden("optimizer").iter().filter(|line| line["error"].is_null()) {
        let answer = size(&words(&line["in"])).unwrap();
        let keys: Vec<_> = answer.rows.iter().map(|(label, _)| label.as_str()).collect();
        assert_eq!(keys, known_order(&keys), "rows in the order in which the script prints them");
    }
}

/// The labels in printed order, of those that are there.
fn known_order<'a>(present: &[&'a str]) -> Vec<&'a str> {
    const ORDER: [&str; 23] = [
        "Model",
        "Rack preset",
        "Quantisation",
        "Users supported (capacity)",
        "KV system",
        "Batch size per instance",
        "TP x PP x EP",
        "Throughput demand / capacity",
        "Servers needed",
        "Racks needed",
        "Storage needed (TB)",
        "Storage offloaded (TB)",
        "Storage servers needed",
        "Storage capacity provisioned",
        "Batches per GPU",
        "Networking between servers",
        "Compute util (avg / p95)",
        "Network util (avg / p95)",
        "Storage util (avg / p95)",
        "KV placement (HBM / cache / NVMe)",
        "KV reload latency (cache)",
        "KV DMA util (avg / p95)",
        "NVMe reload latency",
    ];
    let mut sorted = present.to_vec();
    sorted.sort_by_key(|label| ORDER.iter().position(|known| known == label).unwrap_or(ORDER.len()));
    sorted
}

/// An argument list as words.
fn words(arguments: &Value) -> Vec<&str> {
    arguments.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

/// Sizes from the founding script's arguments, by the table of settings.
fn size(arguments: &[&str]) -> Result<FoundingSummary, QuestionError> {
    let mut layers = Layers::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let flag = word.trim_start_matches("--");
        let named = |s: &&rackplan_scenario::Setting| s.flag == flag || s.aliases.contains(&flag);
        let setting = SETTINGS.iter().find(named).unwrap();
        let value = if setting.is_switch() { "true" } else { words.next().unwrap() };
        layers.add(setting.path, value, Origin::Flag((*word).to_owned()));
    }
    run::founding_summary(&Inputs::default(), &layers)
}

#[test]
fn hand_bad_rows_name_place_value_and_way_out() {
    let row = json!({"rack": "NVIDIA GB200 NVL72", "model": "1", "quant_bits": 8, "mode": "inference", "batch": 8,
        "tp": 1, "pp": 1, "ep": 2, "racks": 8, "id": "a"});
    let method = method();
    assert!(serde_json::to_value(method.predict(RowKind::Plans, &row).unwrap()).unwrap().is_object());
    let bad: [(&str, Value, &str, &str); 12] = [
        ("rack", json!("NVIDIA GB200 NVL27"), "rack: ", "nvidia_gb200_nvl72"),
        ("model", json!("chatgpt6"), "`chatgpt6`", "chatgpt5-1p5t"),
        ("model", json!(1), "model: it is `1`", "expected a text"),
        ("tp", json!(0), "tp: it is `0`", "from 1 to"),
        ("pp", json!(-4), "pp: it is `-4`", "from 1 to"),
        ("racks", json!(1e300), "racks: it is `1e+300`", "from 1 to"),
        ("batch", json!(1.5), "batch: it is `1.5`", "whole number"),
        ("ep", Value::Null, "ep: it is `null`", "whole number"),
        ("quant_bits", json!(5), "`5`", "`16`"),
        ("mode", json!("serving"), "mode: `serving`", "`training`"),
        ("tokens_cached", json!("many"), "tokens_cached: it is `\"many\"`", "whole number"),
        ("batch_size", json!(8), "batch_size: it is an unknown key", "did you mean `batch`?"),
    ];
    for (key, value, message, hint) in bad {
        let mut changed = row.clone();
        changed[key] = value;
        let error = method.predict(RowKind::Plans, &json!({"in": changed})).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.hint().unwrap_or_default().contains(hint), "{error}: {:?}", error.hint());
    }
    let missing = method.predict(RowKind::Offload, &json!({"model": "1"})).unwrap_err();
    assert_eq!(missing.to_string(), "quant_bits: it is missing");
    assert!(method.predict(RowKind::Tables, &json!([1, 2])).is_err());
}

#[test]
fn hand_arrivals_of_60_a_minute_for_5_minutes_size_for_329_users() {
    let answer = size(&["--arrival-rate", "60", "--avg-session-min", "5"]).unwrap();
    let row = |label: &str| answer.rows.iter().find(|(known, _)| known == label).unwrap().1.clone();
    assert!(row("Arrival model (mean/p95/max)").starts_with("300.0 / 329.0 / "));
    assert_eq!(row("Arrival inputs"), "60.00 users/min, avg session 5.0 min");
    assert!(row("Users supported (capacity)").starts_with("329 ("));

    let half = size(&["--arrival-rate", "60"]).unwrap_err();
    assert!(half.hint().unwrap().contains("--avg-session-min"));
}
