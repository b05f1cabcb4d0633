//! Reading a table whose `kind` says which record the rest is, with errors that keep the field's name.
//!
//! serde's own tagged enums buffer the table and lose the path, so `heads = "x"` would be reported without `heads`.

use crate::reading::explain;
use serde::de::{DeserializeOwned, Error};
use toml::{Table, Value};

/// Takes the `kind` out of a table.
pub(super) fn take_kind<E: Error>(table: &mut Table, kinds: &[&str]) -> Result<String, E> {
    let expected = || kinds.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ");
    match table.remove("kind") {
        Some(Value::String(kind)) if kinds.contains(&kind.as_str()) => Ok(kind),
        Some(other) => Err(E::custom(format!("kind {other} is unknown; expected one of {}", expected()))),
        None => Err(E::custom(format!("the field `kind` is missing; expected one of {}", expected()))),
    }
}

/// Reads the rest of the table.
pub(super) fn rest<T: DeserializeOwned, E: Error>(table: Table) -> Result<T, E> {
    serde_path_to_error::deserialize(table).map_err(|error: serde_path_to_error::Error<toml::de::Error>| {
        let message = error.inner().message().trim().to_owned();
        match error.path().to_string() {
            // Unknown and missing fields are named by the message itself.
            _ if message.contains(" field `") => E::custom(message),
            path => match explain(&message) {
                (problem, Some(hint)) => E::custom(format!("`{path}`: {problem}; {hint}")),
                (problem, None) => E::custom(format!("`{path}`: {problem}")),
            },
        }
    })
}

/// For `skip_serializing_if`.
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

/// For `skip_serializing_if`.
pub(super) fn is_zero(count: &u64) -> bool {
    *count == 0
}
