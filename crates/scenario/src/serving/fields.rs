//! The cells of a row by name, from CSV or JSON, and what is said about those that cannot be read.

use rackplan_calibrate::Row;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A row, wherever it came from.
#[derive(Debug)]
pub(super) enum Fields<'a> {
    Csv(Row<'a>),
    Json(BTreeMap<String, String>),
}

impl Fields<'_> {
    /// An object on one line; numbers, truths and texts are taken as they stand, `null` as blank.
    pub(super) fn json(line: &str) -> Result<Self, String> {
        let hint = "expected an object on one line, e.g. {\"model\": \"Qwen3-32B\", \"gpu\": \"h200_sxm\"}";
        let value: Value = serde_json::from_str(line.trim())
            .map_err(|error| format!("the line is not JSON ({error}); hint: {hint}"))?;
        let Value::Object(map) = value else { return Err(format!("the line is no object; hint: {hint}")) };
        let text = |value: Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.trim().to_owned(),
            Value::Bool(on) => u8::from(on).to_string(),
            other => other.to_string(),
        };
        Ok(Fields::Json(map.into_iter().map(|(key, value)| (key, text(value))).collect()))
    }

    /// The text of a column; empty where it is absent or blank.
    pub(super) fn text(&self, column: &str) -> &str {
        match self {
            Fields::Csv(row) => row.text(column),
            Fields::Json(map) => map.get(column).map_or("", String::as_str),
        }
    }

    /// A whole number within a range; `8.0` counts as one. `None` where the column is blank.
    pub(super) fn count(&self, column: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, String> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        let number = text.parse::<f64>().ok().filter(|n| n.fract() == 0.0 && (0.0..=4e9).contains(n));
        let count = number.map(|n| n as u32).filter(|count| range.contains(count));
        let expected = || format!("a whole number from {} to {}", range.start(), range.end());
        count.map(Some).ok_or_else(|| wrong(column, text, &expected()))
    }

    /// Yes, no, or blank.
    pub(super) fn truth(&self, column: &str) -> Result<Option<bool>, String> {
        match self.text(column).to_lowercase().as_str() {
            "" => Ok(None),
            "1" | "true" | "yes" | "1.0" => Ok(Some(true)),
            "0" | "false" | "no" | "0.0" => Ok(Some(false)),
            other => Err(wrong(column, other, "1 or 0")),
        }
    }
}

/// A cell that cannot be read: the column, the value, the way out.
pub(super) fn wrong(column: &str, value: &str, expected: &str) -> String {
    if value.is_empty() {
        return format!("`{column}` is blank; hint: expected {expected}");
    }
    format!("`{column}` is `{value}`; hint: expected {expected}")
}
