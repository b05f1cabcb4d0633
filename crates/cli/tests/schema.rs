//! JSON answers are what `rackplan schema` says, and hold no key that it does not name.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

mod common;

use common::type_in;
use serde_json::Value;

const ANSWERS: [(&str, &str); 18] = [
    (
        "size",
        "size --method first-order --model Qwen/Qwen3-235B-A22B --users 1000 --context 32k --hardware gb200_nvl72",
    ),
    ("size", "size --arrival-rate 60 --avg-session-min 5 --model 3 --tokens-cached 128000 --max-racks 96"),
    ("size", "size --users 9007199254740992"),
    ("size", "size --users 50000 --model 3 --fixed-racks 1"),
    ("size", "size --method first-order --users 10 --model Llama-3.1-70B --hardware h200_hgx --tp 1 --pp 1"),
    ("size", "size --model Llama-3.1-8B --users 100 --think-time 10s --hardware h100_hgx"),
    ("size", "size --model Llama-3.1-8B --rate 5 --tpot 1us --hardware h100_hgx"),
    ("mix", "size --model Llama-3.1-8B --users 100 --think-time 10s --stock h100_hgx=1,h200_hgx=1"),
    (
        "mix",
        "size --model Llama-3.1-8B --users 90k --think-time 10s --stock h100_hgx=1 --set classes.a.share=1 --set classes.b.share=2 --set classes.b.isl=9000",
    ),
    ("sweep", "sweep"),
    ("sweep", "sweep --mode training --model DeepSeek-R1 --hardware gb200_nvl72 --batch-sizes 1,8"),
    ("explain", "explain --model deepseek-r1 --tp 8 --speculative mtp:2"),
    ("explain", "explain --model Qwen3-Next-80B-A3B-Instruct --tp 2 --pp 2 --phase mixed"),
    ("explain", "explain --model deepseek-r1 --tp 2"),
    (
        "simulate",
        "simulate --model Llama-3.1-8B --gpu h100_sxm --rate 5 --isl 500 --osl 20 --requests 600 --capacity",
    ),
    (
        "simulate",
        "simulate --model Llama-3.1-8B --gpu h100_hgx --users 9 --turns 3 --isl 500 --osl 20 --requests 60 --kv-tier host --replicas 1 --decode-replicas 1 --seeds 2 --mtbf gpu=1h",
    ),
    ("simulate", "simulate --model Llama-3.1-405B --gpu h100_sxm --rate 1 --isl 500 --osl 20"),
    ("offload", "offload --random-swap --kv-system gb200_host,gb300_host"),
];

#[test]
fn law_answers_follow_their_schema() {
    for (name, question) in ANSWERS {
        let schema = type_in(&format!("schema {name}")).json();
        let answer = type_in(&format!("{question} --format json")).json();
        let fault = fault(&schema, &schema, &answer, "answer");
        assert_eq!(fault, None, "{question}");
    }
}

#[test]
fn hand_a_wrong_answer_is_noticed() {
    let schema = type_in("schema size").json();
    let right = type_in("size --users 5 --format json").json();
    let wrong = |path: &str, value: Value| {
        let mut answer = right.clone();
        *answer.pointer_mut(path).unwrap() = value;
        fault(&schema, &schema, &answer, "answer")
    };
    assert_eq!(fault(&schema, &schema, &right, "answer"), None);
    assert!(wrong("/answer/feasible", "yes".into()).unwrap().starts_with("answer.answer.feasible"));
    assert!(wrong("/answer/demand/users_sized", (-1).into()).is_some());
    assert!(wrong("/warnings", vec![1].into()).unwrap().starts_with("answer.warnings[0]"));
    assert!(wrong("/evidence", serde_json::json!({})).is_some());
}

/// The first place where a value breaks the rules of a schema; of JSON Schema, what schemars writes.
fn fault(root: &Value, schema: &Value, value: &Value, path: &str) -> Option<String> {
    if let Some(target) = schema["$ref"].as_str() {
        return fault(root, root.pointer(target.trim_start_matches('#')).unwrap(), value, path);
    }
    let complain = |rule: &str| Some(format!("{path}: {value} breaks {rule}"));
    for choice in ["anyOf", "oneOf"] {
        let some =
            |options: &Vec<Value>| options.iter().any(|option| fault(root, option, value, path).is_none());
        if schema[choice].as_array().is_some_and(|options| !some(options)) {
            return complain(choice);
        }
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect::<Vec<_>>(),
    };
    if !types.is_empty() && !types.iter().any(|kind| is_of(kind, value)) {
        return complain(&format!("type {types:?}"));
    }
    if schema.get("const").is_some_and(|only| only != value)
        || schema["enum"].as_array().is_some_and(|words| !words.contains(value))
    {
        return complain("const or enum");
    }
    if schema["minimum"].as_f64().is_some_and(|least| value.as_f64().is_some_and(|number| number < least)) {
        return complain("minimum");
    }
    match value {
        Value::Object(map) => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let missing = required.into_iter().find(|key| !map.contains_key(*key));
            missing.and_then(|key| complain(&format!("required {key}"))).or_else(|| {
                map.iter().find_map(|(key, value)| {
                    let path = format!("{path}.{key}");
                    let rule = schema["properties"].get(key).or(schema.get("additionalProperties"));
                    match rule {
                        Some(rule) => fault(root, rule, value, &path),
                        None if schema.get("properties").is_some() => {
                            Some(format!("{path} is not in the schema"))
                        }
                        None => None,
                    }
                })
            })
        }
        Value::Array(items) => items.iter().enumerate().find_map(|(at, item)| {
            let rule = schema["prefixItems"].get(at).or(schema.get("items"))?;
            fault(root, rule, item, &format!("{path}[{at}]"))
        }),
        _ => None,
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("schemas know no type `{other}`"),
    }
}
