//! `predict first-order` against every line of the reference outputs beside the checkout: keys and texts to the
//! character, numbers to 1e-9.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

mod common;

use common::{rackplan, say, shared};
use flate2::read::GzDecoder;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Relative.
const TOLERANCE: f64 = 1e-9;

#[test]
fn golden_plans() {
    check("plans", |line| line["out"].clone());
}

#[test]
fn golden_tables() {
    check("tables", |line| line["out"].clone());
}

#[test]
fn golden_offload() {
    check("offload", |line| line["out"].clone());
}

#[test]
fn golden_optimizer() {
    check("optimizer", |line| {
        let mut expected = line.clone();
        expected.as_object_mut().unwrap().remove("in");
        expected
    });
}

/// The command line prints what the reference printed: every row, detail and warning, to the character.
#[test]
fn golden_size_prints_the_rows_of_the_reference() {
    let Some(path) = shared("golden/optimizer.jsonl.gz") else { return };
    for line in lines_of(&path) {
        let row: Value = serde_json::from_str(&line).unwrap();
        let arguments = texts(&row["in"]);
        let said = say(["size", "--method", "first-order"].into_iter().chain(arguments));
        let printed: Vec<&str> = said.out.lines().map(str::trim).collect();
        for text in ["details", "warnings"].into_iter().flat_map(|part| texts(&row[part])) {
            assert!(printed.contains(&text), "{}: `{text}` is not in\n{}", row["in"], said.out);
        }
        for (label, value) in row["summary"].as_object().into_iter().flatten() {
            let found = printed.iter().find_map(|line| line.strip_prefix(label.as_str())).map(str::trim);
            assert_eq!(found, value.as_str(), "{}: {label} in\n{}", row["in"], said.out);
        }
        assert_eq!(said.code, if row["error"].is_null() { 0 } else { 4 }, "{}", row["in"]);
        assert!(said.out.contains(row["error"].as_str().unwrap_or_default()), "{}", said.out);
    }
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap()).collect()
}

fn lines_of(path: &Path) -> Vec<String> {
    BufReader::new(GzDecoder::new(File::open(path).unwrap())).lines().map(Result::unwrap).collect()
}

/// Runs a golden file through the program and compares line by line.
fn check(kind: &str, expected: impl Fn(&Value) -> Value) {
    let Some(path) = shared(&format!("golden/{kind}.jsonl.gz")) else { return };
    let run = rackplan().args(["predict", "first-order", "--kind", kind]).arg(&path).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let found = String::from_utf8(run.stdout).unwrap();
    let golden = lines_of(&path);
    assert_eq!(found.lines().count(), golden.len(), "a line out for each line in");
    let pairs = found.lines().zip(&golden);
    let wrong: Vec<String> = pairs
        .filter_map(|(found, line)| {
            let row: Value = serde_json::from_str(line).unwrap();
            let answer: Value = serde_json::from_str(found).unwrap();
            let place = difference(&answer, &expected(&row), "out")
                .or_else(|| disorder(found, line, &row["summary"]))?;
            Some(format!("{place} for {}", row["in"]))
        })
        .collect();
    println!("{kind}: {} of {} lines", golden.len() - wrong.len(), golden.len());
    assert!(wrong.is_empty(), "{} of {} lines differ, first {}", wrong.len(), golden.len(), wrong[0]);
}

/// The path at which two values differ: other keys, other texts, or numbers too far apart.
fn difference(found: &Value, expected: &Value, path: &str) -> Option<String> {
    match (found, expected) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            b.iter().find_map(|(key, value)| difference(&a[key], value, &format!("{path}.{key}")))
        }
        (Value::Number(a), Value::Number(b)) if is_close(a.as_f64().unwrap(), b.as_f64().unwrap()) => None,
        (a, b) if a == b => None,
        _ => Some(format!("{path}: {found} is not {expected}")),
    }
}

fn is_close(a: f64, b: f64) -> bool {
    (a - b).abs() <= TOLERANCE * a.abs().max(b.abs())
}

/// Whether the rows of a summary stand in another order than in the reference.
fn disorder(found: &str, golden: &str, summary: &Value) -> Option<String> {
    let order = |text: &str| {
        let mut labels: Vec<&String> = summary.as_object().into_iter().flat_map(|rows| rows.keys()).collect();
        labels.sort_by_key(|label| {
            text.find(&format!("\"{label}\": ")).or(text.find(&format!("\"{label}\":")))
        });
        labels
    };
    (order(found) != order(golden)).then(|| format!("rows in the order {:?}", order(found)))
}
