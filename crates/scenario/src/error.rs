//! A question that cannot be read: the place, the value, and the way out.

use rackplan_catalog::{Catalog, CatalogError};

/// Why a question has no answer at all. A plan that does not fit is an answer, not an error.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QuestionError {
    /// A value that is wrong, missing or contradicts another.
    #[error("{place}: {problem}")]
    Value {
        /// The flag, variable or file and key.
        place: String,
        /// What is wrong, with the value.
        problem: String,
        /// What to do.
        hint: Option<String>,
    },
    /// A scenario file that is no TOML.
    #[error("{file}: {problem}")]
    File {
        /// The file.
        file: String,
        /// What is wrong, with line and column.
        problem: String,
    },
    /// A name that the catalog lacks, or an entry that cannot be read.
    #[error("{place}{error}")]
    Catalog {
        /// The flag or key that named it, followed by `: `, or nothing.
        place: String,
        /// What the catalog says.
        error: CatalogError,
    },
}

impl QuestionError {
    /// A wrong value at a place.
    pub fn value(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Value { place: place.into(), problem: problem.into(), hint: None }
    }

    /// With a way out.
    pub fn with_hint(self, text: impl Into<String>) -> Self {
        match self {
            Self::Value { place, problem, .. } => Self::Value { place, problem, hint: Some(text.into()) },
            other => other,
        }
    }

    /// The way out, without the word "hint".
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Value { hint, .. } => hint.clone(),
            Self::File { .. } => {
                Some("scenario files are TOML; `rackplan schema question` shows the keys".to_owned())
            }
            Self::Catalog { error, .. } => error.hint(),
        }
    }
}

/// Whether the engines of a catalog, built-in or a user's, have every constant that their operators take.
pub fn check_engines(catalog: &Catalog) -> Result<(), QuestionError> {
    rackplan_perf::check_engines(catalog).map_err(|found| {
        let place = format!("engines/{}: `{}`", found.engine, found.field);
        QuestionError::value(place, found.problem).with_hint(
            "engine files are written by `rackplan calibrate fit-ops` of this version; fit them again",
        )
    })
}
