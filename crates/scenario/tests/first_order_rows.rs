//! Rows and founding command lines that no reference output covers: bad ones, and arrivals worked out by hand.
//! The reference outputs themselves are compared in `crates/cli/tests/golden.rs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use rackplan_catalog::Catalog;
use rackplan_scenario::answer::FoundingSummary;
use rackplan_scenario::predict_first_order::{FirstOrder, RowKind};
use rackplan_scenario::{Inputs, Layers, Origin, QuestionError, SETTINGS, run};
use serde_json::{Value, json};

#[test]
fn hand_bad_rows_name_place_value_and_way_out() {
    let row = json!({"rack": "NVIDIA GB200 NVL72", "model": "1", "quant_bits": 8, "mode": "inference", "batch": 8,
        "tp": 1, "pp": 1, "ep": 2, "racks": 8, "id": "a"});
    let method = FirstOrder::new(&Catalog::builtin()).unwrap();
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
