//! Values as people write them: counts with suffixes, numbers, lists, switches, and their JSON Schemas.

use proptest::prelude::*;
use rackplan_scenario::{Count, List, Number, Switch, schema};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The value of a JSON text or number, which stands for what flags and files hold.
fn read<T: DeserializeOwned>(written: Value) -> Option<T> {
    serde_json::from_value(written).ok()
}

#[test]
fn hand_counts_take_suffixes_and_refuse_fractions() {
    let counts =
        [("0", 0), ("128000", 128_000), ("128k", 128_000), ("32Ki", 32_768), ("1.5k", 1_500), ("1e3", 1_000)];
    for (text, count) in counts {
        assert_eq!(read(json!(text)), Some(Count(count)), "{text}");
    }
    assert_eq!(read(json!(12)), Some(Count(12)));
    for wrong in [
        json!("-5"),
        json!("1.5"),
        json!("many"),
        json!(""),
        json!("5 users"),
        json!(1.5),
        json!("nan"),
        json!([5]),
    ] {
        assert_eq!(read::<Count>(wrong.clone()), None, "{wrong}");
    }
}

#[test]
fn hand_numbers_are_finite_and_not_negative() {
    assert_eq!(read(json!("12.5")), Some(Number(12.5)));
    assert_eq!(read(json!(0)), Some(Number(0.0)));
    for wrong in ["nan", "inf", "-1", "1e999", "fast", ""] {
        assert_eq!(read::<Number>(json!(wrong)), None, "{wrong}");
    }
}

#[test]
fn hand_lists_are_written_with_commas_or_brackets() {
    let list = |counts: &[u64]| List(counts.iter().copied().map(Count).collect());
    assert_eq!(read(json!("1, 2,4k")), Some(list(&[1, 2, 4_000])));
    assert_eq!(read(json!([1, "2", "4k"])), Some(list(&[1, 2, 4_000])));
    assert_eq!(read(json!(8)), Some(list(&[8])));
    assert_eq!(read::<List<Count>>(json!([])), Some(list(&[])));
    for wrong in [json!("8,,9"), json!("8,"), json!("8,-1"), json!([[8]]), json!({"a": 8})] {
        assert_eq!(read::<List<Count>>(wrong.clone()), None, "{wrong}");
    }
}

#[test]
fn hand_switches_are_true_or_false() {
    assert_eq!(read(json!(true)), Some(Switch(true)));
    assert_eq!(read(json!("false")), Some(Switch(false)));
    assert_eq!(read::<Switch>(json!("yes")), None);
}

#[test]
fn hand_the_schema_of_a_question_allows_every_way_of_writing_a_value() {
    let schema =
        serde_json::to_value(schema("question").expect("it is one of the names")).expect("it is JSON");
    let kind = |name: &str| schema.pointer(&format!("/$defs/{name}")).cloned().unwrap_or_default();
    assert_eq!(kind("Count")["type"], json!(["integer", "string"]));
    assert_eq!(kind("Number")["type"], json!(["number", "string"]));
    assert_eq!(kind("Switch")["enum"], json!([true, false, "true", "false"]));
    assert_eq!(kind("ListOfCount")["anyOf"][1]["type"], json!(["string", "number"]));
}

proptest! {
    #[test]
    fn law_reading_never_panics(text in ".{0,40}") {
        let _ = read::<Count>(json!(text));
        let _ = read::<Number>(json!(text));
        let _ = read::<Switch>(json!(text));
        let _ = read::<List<Count>>(json!(text));
    }

    #[test]
    fn law_a_count_is_read_as_it_is_printed(count in 0_u64..=1 << 53) {
        prop_assert_eq!(read(json!(Count(count).to_string())), Some(Count(count)));
        prop_assert_eq!(read(json!(count)), Some(Count(count)));
    }

    #[test]
    fn law_a_list_reads_the_same_with_commas_and_in_brackets(counts in proptest::collection::vec(0_u64..1 << 53, 1..9)) {
        let text: Vec<String> = counts.iter().map(u64::to_string).collect();
        prop_assert_eq!(read::<List<Count>>(json!(text.join(","))), read(json!(counts)));
    }

    #[test]
    fn law_a_number_is_finite_and_not_negative(value in any::<f64>()) {
        let found = read::<Number>(json!(value.to_string()));
        prop_assert_eq!(found.map(|number| number.0), Some(value).filter(|v| v.is_finite() && *v >= 0.0));
    }
}
