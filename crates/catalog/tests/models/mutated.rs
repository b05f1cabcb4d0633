//! Every kind of configuration with one value replaced: the importer answers or refuses, and what it answers holds.

use crate::shared::configs;
use proptest::prelude::*;
use rackplan_catalog::hf_config::import;
use rackplan_catalog::model::{CacheBytes, Model, to_toml};
use serde_json::{Value, json};
use std::sync::OnceLock;

/// The configurations as values; those with `Infinity` are no JSON and left out.
fn values() -> &'static [Value] {
    static VALUES: OnceLock<Vec<Value>> = OnceLock::new();
    VALUES.get_or_init(|| {
        let texts = configs().unwrap_or_default().into_values();
        texts.filter_map(|text| serde_json::from_str(&text).ok()).collect()
    })
}

/// The leaves of a value, in order.
fn leaves<'a>(value: &'a mut Value, found: &mut Vec<&'a mut Value>) {
    match value {
        Value::Object(map) => map.values_mut().for_each(|inner| leaves(inner, found)),
        Value::Array(items) => items.iter_mut().for_each(|inner| leaves(inner, found)),
        leaf => found.push(leaf),
    }
}

fn replacements() -> Vec<Value> {
    let numbers = [json!(0), json!(1), json!(2), json!(3), json!(7), json!(-1), json!(1000), json!(262_144)];
    let huge = [json!(1u64 << 40), json!(u64::MAX), json!(1e300), json!(0.5), json!(-0.0)];
    let others = [json!(null), json!("64"), json!([]), json!([[1]]), json!({}), json!(true), json!(false)];
    numbers.into_iter().chain(huge).chain(others).collect()
}

fn assert_holds(model: &Model) {
    assert!(model.parameters_active() <= model.parameters_total());
    assert!(model.parameters_mtp() < u64::MAX / 2);
    let bytes = CacheBytes::with_kv(2.0);
    let numbers = [
        model.kv_bytes_of_sequence(1 << 30, bytes).get(),
        model.state_bytes_of_sequence(bytes).get(),
        model.attention_flops_per_token(1 << 30).get(),
    ];
    assert!(numbers.iter().all(|number| number.is_finite() && *number >= 0.0));
    assert_eq!(&toml::from_str::<Model>(&to_toml(model)).unwrap(), model);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn law_no_replaced_value_panics(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(),
                                    by in prop::sample::select(replacements())) {
        if values().is_empty() {
            return Ok(());
        }
        let mut value = which.get(values()).clone();
        let mut found = Vec::new();
        leaves(&mut value, &mut found);
        *found.swap_remove(at.index(found.len())) = by;
        if let Ok(imported) = import(&value.to_string(), Some("some/id")) {
            assert_holds(&imported.model);
        }
    }
}
