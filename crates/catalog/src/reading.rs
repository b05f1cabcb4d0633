//! A TOML table as a typed record, with errors that name the field and, where one is meant, the nearest key.

use crate::lookup::nearest;
use crate::store::Record;
use crate::{CatalogError, Kind};

/// Reads and checks a record.
pub(crate) fn read<R: Record>(table: toml::Table) -> Result<R, Fault> {
    let record: R = serde_path_to_error::deserialize(table).map_err(
        |error: serde_path_to_error::Error<toml::de::Error>| {
            let path = error.path().to_string();
            let (problem, hint) = explain(error.inner().message());
            match path.strip_suffix(".?") {
                // The key of a map, which is a word to serde and a key to whoever wrote it.
                Some(map) => {
                    let key = |text: String| text.replace(" word", " key");
                    Fault { field: map.to_owned(), problem: key(problem), hint: hint.map(key) }
                }
                None => Fault { field: path.trim_start_matches('.').to_owned(), problem, hint },
            }
        },
    )?;
    record.check()?;
    Ok(record)
}

/// A fault with its place: file, entry, field.
pub(crate) fn bad_entry(file: &str, kind: Kind, id: &str, fault: Fault) -> CatalogError {
    let entry = format!("{} `{id}`", kind.singular());
    let parts = [file, &entry, &fault.field].into_iter().filter(|part| !part.is_empty());
    CatalogError::BadEntry {
        place: parts.collect::<Vec<_>>().join(": "),
        problem: fault.problem,
        hint: fault.hint,
    }
}

/// What a record's own check found wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Path inside the entry.
    pub field: String,
    /// What is wrong, with the value.
    pub problem: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault in a field.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into(), hint: None }
    }

    /// With a way out.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Turns serde's words into ours: the problem, and a hint where the message holds one.
pub fn explain(message: &str) -> (String, Option<String>) {
    let message = message.trim();
    let rest = |prefix: &str| message.strip_prefix(prefix);
    if let Some(rest) = rest("unknown field `") {
        return unknown_key("key", rest);
    }
    if let Some(rest) = rest("unknown variant `") {
        return unknown_key("word", rest);
    }
    if let Some((found, expected)) = rest("invalid type: ")
        .or_else(|| rest("invalid value: "))
        .and_then(|rest| rest.split_once(", expected "))
    {
        return (format!("it is {}", in_words(found)), Some(format!("expected {}", in_words(expected))));
    }
    if let Some((problem, hint)) = message.split_once("; expected ") {
        return (problem.to_owned(), Some(format!("expected {hint}")));
    }
    if let Some(field) = rest("missing field ") {
        return (format!("{field} is missing"), hint_for_missing(field.trim_matches('`')));
    }
    (message.to_owned(), None)
}

/// Serde's and Rust's names of types, as people say them.
fn in_words(kind: &str) -> String {
    match kind {
        "u32" | "u64" | "usize" => "a whole number, at least 0".to_owned(),
        "f64" => "a number".to_owned(),
        "map" => "a table".to_owned(),
        "sequence" | "a sequence" => "a list".to_owned(),
        "a string" | "string or table" | "string only" => "a text in quotes".to_owned(),
        // What TOML calls whatever is no text where a word from a list is expected.
        "unit variant" => "no text".to_owned(),
        _ if kind.starts_with("struct ") || kind == "a map" => "a table".to_owned(),
        _ => {
            let (what, value) = kind.split_once(' ').unwrap_or((kind, ""));
            match what {
                "string" => format!("the text {value}"),
                "integer" | "floating" => format!("the number {}", value.trim_start_matches("point ")),
                "boolean" => value.to_owned(),
                _ => kind.to_owned(),
            }
        }
    }
}

fn hint_for_missing(field: &str) -> Option<String> {
    let example = match field {
        "source" => "say who states these figures, e.g. `source = \"offer of 2026-05\"`",
        "basis" => "say how they are known: `datasheet`, `measured`, `derived`, `estimate` or `user`",
        _ => return None,
    };
    Some(example.to_owned())
}

/// `memry`, expected one of `memory`, `power` -> unknown key, did you mean `memory`?
fn unknown_key(what: &str, rest: &str) -> (String, Option<String>) {
    let (key, expected) = rest.split_once('`').unwrap_or((rest, ""));
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    let likely = nearest(key, known.iter().map(|name| (*name, *name)));
    let hint = match likely.first() {
        Some(name) => format!("did you mean `{name}`? known {what}s are {}", known.join(", ")),
        None => format!("known {what}s are {}", known.join(", ")),
    };
    (format!("unknown {what} `{key}`"), Some(hint))
}
