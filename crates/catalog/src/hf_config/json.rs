//! The text as JSON, with the two liberties that Python takes: `Infinity` and `NaN`.

use super::ImportError;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The text ends inside of something.
pub(super) const CUT_SHORT: &str = "it ends too early";

/// Parses the text of a configuration.
pub(super) fn parse(text: &str) -> Result<Map<String, Value>, ImportError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value: Value = serde_json::from_str(&without_python_numbers(text)).map_err(|error| {
        ImportError::Json { line: error.line(), column: error.column(), problem: what_is_wrong(&error) }
    })?;
    match value {
        Value::Object(map) => Ok(map),
        other => Err(ImportError::NotAnObject { found: kind(&other) }),
    }
}

/// The parser's words without the place, which is said apart.
fn what_is_wrong(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return CUT_SHORT.to_owned();
    }
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(problem, _)| problem.to_owned())
}

/// What a value is, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// `Infinity`, `-Infinity` and `NaN` outside texts become `null`, padded where there is room so that columns stay true.
fn without_python_numbers(text: &str) -> Cow<'_, str> {
    const WORDS: [(&str, &str); 3] = [("-Infinity", "null     "), ("Infinity", "null    "), ("NaN", "null")];
    if !WORDS.iter().any(|(word, _)| text.contains(word)) {
        return Cow::Borrowed(text);
    }
    let mut result = String::with_capacity(text.len());
    let (mut rest, mut quoted) = (text, false);
    while let Some(next) = rest.chars().next() {
        let word = WORDS.iter().find(|(word, _)| !quoted && rest.starts_with(word));
        let taken = match (word, next) {
            (Some((word, instead)), _) => {
                result.push_str(instead);
                word.len()
            }
            (None, '\\') if quoted => {
                let taken = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                result.push_str(&rest[..taken]);
                taken
            }
            (None, c) => {
                quoted ^= c == '"';
                result.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    Cow::Owned(result)
}
