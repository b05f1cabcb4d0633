//! Answers as JSON. Infinity and NaN, which JSON cannot hold, become null.

use serde::Serialize;

/// Indented, with a closing line end.
pub fn pretty<T: Serialize>(answer: &T) -> String {
    serde_json::to_string_pretty(answer).expect("answers are plain data") + "\n"
}

/// On one line.
pub fn line<T: Serialize>(answer: &T) -> String {
    serde_json::to_string(answer).expect("answers are plain data") + "\n"
}
