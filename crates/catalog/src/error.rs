//! What can be wrong with a name or with a file, said with its place and a way out.

use crate::Kind;
use crate::lookup::quoted;

/// A name that is not in the catalog, or an entry that cannot be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CatalogError {
    /// No entry has this name.
    #[error("no {} is called `{name}`", kind.singular())]
    UnknownName {
        /// Where it was looked up.
        kind: Kind,
        /// What was asked for.
        name: String,
        /// Ids that look alike, the likeliest first.
        nearest: Vec<String>,
    },
    /// Several entries begin like this.
    #[error("`{name}` could be any of {}", quoted(candidates))]
    AmbiguousName {
        /// Where it was looked up.
        kind: Kind,
        /// What was asked for.
        name: String,
        /// The entries that match.
        candidates: Vec<String>,
    },
    /// A file that is no TOML, or not laid out as an overlay.
    #[error("{file}: {problem}")]
    BadFile {
        /// The file as the user named it.
        file: String,
        /// What is wrong, with line and column where known.
        problem: String,
        /// What to do.
        hint: String,
    },
    /// An entry with a wrong, missing or unknown field.
    #[error("{place}: {problem}")]
    BadEntry {
        /// File or layer, entry and field.
        place: String,
        /// What is wrong, with the value.
        problem: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl CatalogError {
    /// The names that a failed look-up came near to.
    pub(crate) fn names(self) -> Vec<String> {
        match self {
            CatalogError::UnknownName { nearest: names, .. }
            | CatalogError::AmbiguousName { candidates: names, .. } => names,
            _ => Vec::new(),
        }
    }

    /// The way out, without the word "hint".
    pub fn hint(&self) -> Option<String> {
        match self {
            CatalogError::UnknownName { kind, nearest, .. } if nearest.is_empty() => {
                Some(format!("`rackplan catalog list {kind}` shows the names"))
            }
            CatalogError::UnknownName { kind, nearest, .. } => {
                Some(format!("did you mean {}? `rackplan catalog list {kind}` shows all", quoted(nearest)))
            }
            CatalogError::AmbiguousName { .. } => Some("write the whole id".to_owned()),
            CatalogError::BadFile { hint, .. } => Some(hint.clone()),
            CatalogError::BadEntry { hint, .. } => hint.clone(),
        }
    }
}
