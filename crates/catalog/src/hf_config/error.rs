//! Why a text is no configuration that a model can be read from.

use super::json::CUT_SHORT;

/// What is wrong with a `config.json`, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The text is no JSON.
    #[error("line {line}, column {column}: {problem}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser says.
        problem: String,
    },
    /// The text is JSON, but no object.
    #[error("it is {found}, not an object")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
    /// A field that is needed is absent.
    #[error("`{field}` is missing")]
    Missing {
        /// The field, with the path to it.
        field: String,
        /// Other spellings that would do.
        hint: Option<String>,
    },
    /// A field has a value that makes no sense.
    #[error("`{field}` is {value}")]
    BadValue {
        /// The field, with the path to it.
        field: String,
        /// The value as written, shortened.
        value: String,
        /// What would do.
        hint: String,
    },
    /// Each field is fine by itself, but together they make no model.
    #[error("{field}: {problem}")]
    Inconsistent {
        /// The part of the model.
        field: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl ImportError {
    /// The way out, without the word "hint".
    pub fn hint(&self) -> Option<String> {
        match self {
            ImportError::Json { problem, .. } if problem == CUT_SHORT => {
                Some("the file is cut short; download it again".to_owned())
            }
            ImportError::Json { problem, .. } if problem.contains("recursion") => {
                Some("a model's config.json nests a few levels; this is another file".to_owned())
            }
            ImportError::Json { .. } | ImportError::NotAnObject { .. } => {
                Some("expected the config.json of a Hugging Face model: `{\"model_type\": ...}`".to_owned())
            }
            ImportError::Missing { hint, .. } | ImportError::Inconsistent { hint, .. } => hint.clone(),
            ImportError::BadValue { hint, .. } => Some(hint.clone()),
        }
    }
}

/// What was read with less than certainty.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(tag = "warning", rename_all = "snake_case")]
pub enum ImportWarning {
    /// The type is not known, so that the fields were read as a plain decoder's.
    UnknownModelType {
        /// The `model_type` as written, empty where there is none.
        model_type: String,
    },
    /// The file does not say how long a context the model was made for.
    NoContext,
}

impl std::fmt::Display for ImportWarning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ImportWarning::UnknownModelType { model_type } => write!(
                f,
                "model_type `{model_type}` is not known; read as a plain decoder (gated feed-forward, RMS norm)"
            ),
            ImportWarning::NoContext => {
                f.write_str("`max_position_embeddings` is missing; no limit is assumed")
            }
        }
    }
}
