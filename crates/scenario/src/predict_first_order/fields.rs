//! The keys of a row, read one by one so that every error knows its place and value.

use crate::QuestionError;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// Keys beside the question that a row may carry.
const BESIDE: [&str; 2] = ["id", "out"];

/// A row whose keys are all known.
pub(super) struct Fields<'a> {
    row: &'a Map<String, Value>,
    known: &'a [&'a str],
}

impl<'a> Fields<'a> {
    pub(super) fn new(row: &'a Map<String, Value>, known: &'a [&'a str]) -> Result<Self, QuestionError> {
        let strange =
            row.keys().find(|key| !known.contains(&key.as_str()) && !BESIDE.contains(&key.as_str()));
        match strange {
            None => Ok(Self { row, known }),
            Some(key) => {
                Err(QuestionError::value(key, "it is an unknown key").with_hint(nearest_key(key, known)))
            }
        }
    }

    fn value(&self, key: &str) -> Result<&'a Value, QuestionError> {
        self.row.get(key).ok_or_else(|| {
            QuestionError::value(key, "it is missing")
                .with_hint(format!("a row holds {}", self.known.join(", ")))
        })
    }

    pub(super) fn text(&self, key: &str) -> Result<&'a str, QuestionError> {
        let value = self.value(key)?;
        value.as_str().ok_or_else(|| wrong(key, value, "a text"))
    }

    /// A whole number within a range; `8.0` counts as one.
    pub(super) fn count(&self, key: &str, range: RangeInclusive<u64>) -> Result<u64, QuestionError> {
        let value = self.value(key)?;
        let exact =
            || value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..9e15).contains(n)).map(|n| n as u64);
        let count = value.as_u64().or_else(exact).filter(|count| range.contains(count));
        let expected = || format!("a whole number from {} to {}", range.start(), range.end());
        count.ok_or_else(|| wrong(key, value, &expected()))
    }

    /// The same, where absent and `null` mean none.
    pub(super) fn optional_count(
        &self,
        key: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, QuestionError> {
        match self.row.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.count(key, range).map(Some),
        }
    }
}

fn wrong(key: &str, value: &Value, expected: &str) -> QuestionError {
    QuestionError::value(key, format!("it is `{value}`")).with_hint(format!("expected {expected}"))
}

fn nearest_key(key: &str, known: &[&str]) -> String {
    let alike = |name: &&&str| strsim::jaro_winkler(key, name);
    match known.iter().max_by(|a, b| alike(a).total_cmp(&alike(b))) {
        Some(name) if alike(&name) > 0.75 => format!("did you mean `{name}`?"),
        _ => format!("known keys are {}", known.join(", ")),
    }
}
