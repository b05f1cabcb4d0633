//! A TOML table as a typed record, with errors that name the field and, where one is meant, the nearest key.

use crate::lookup::nearest;
use crate::store::Record;
use crate::{CatalogError, Kind};

/// Reads and checks a record; `place` names the file or layer.
pub(crate) fn read<R: Record>(
    table: toml::Table,
    place: &str,
    kind: Kind,
    id: &str,
) -> Result<R, CatalogError> {
    let bad = |path: &str, problem: String, hint: Option<String>| CatalogError::BadEntry {
        place: [place, &format!("{} `{id}`", kind.singular()), path]
            .iter()
            .filter(|p| !p.is_empty() && **p != ".")
            .copied()
            .collect::<Vec<_>>()
            .join(": "),
        problem,
        hint,
    };
    let record: R = serde_path_to_error::deserialize(table).map_err(
        |error: serde_path_to_error::Error<toml::de::Error>| {
            let path = error.path().to_string();
            let (problem, hint) = explain(error.inner().message());
            bad(&path, problem, hint)
        },
    )?;
    record.check().map_err(|fault| bad(&fault.field, fault.problem, fault.hint))?;
    Ok(record)
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
pub(crate) fn explain(message: &str) -> (String, Option<String>) {
    let message = message.trim();
    if let Some(rest) = message.strip_prefix("unknown field `") {
        return unknown_key(rest);
    }
    if let Some((problem, hint)) = message.split_once("; expected ") {
        return (problem.to_owned(), Some(format!("expected {hint}")));
    }
    if let Some(field) = message.strip_prefix("missing field ") {
        return (format!("{field} is missing"), None);
    }
    (message.to_owned(), None)
}

/// `memry`, expected one of `memory`, `power` -> unknown key, did you mean `memory`?
fn unknown_key(rest: &str) -> (String, Option<String>) {
    let (key, expected) = rest.split_once('`').unwrap_or((rest, ""));
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    let likely = nearest(key, known.iter().map(|name| (*name, *name)));
    let hint = match likely.first() {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known keys are {}", known.join(", ")),
    };
    (format!("unknown key `{key}`"), Some(hint))
}
