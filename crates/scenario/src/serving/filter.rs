//! Which rows of a table are wanted.

use super::ServingCase;
use crate::QuestionError;
use rackplan_catalog::{Backend, Catalog, Gpu};

/// Accelerators and frameworks whose rows are wanted; none named are all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServingFilter {
    gpus: Vec<String>,
    backends: Vec<Backend>,
}

impl ServingFilter {
    /// From names as people write them.
    pub fn new(gpus: &[&str], backends: &[&str], catalog: &Catalog) -> Result<Self, QuestionError> {
        let id = |name: &&str| {
            let found = catalog.get::<Gpu>(name).map(|entry| entry.id);
            found.map_err(|error| QuestionError::Catalog { place: "--gpu: ".to_owned(), error })
        };
        let backend = |name: &&str| {
            let unknown = || {
                QuestionError::value("--backend", format!("`{name}` is no framework"))
                    .with_hint("expected vllm, sglang or trtllm")
            };
            Backend::from_name(name).ok_or_else(unknown)
        };
        Ok(Self {
            gpus: gpus.iter().map(id).collect::<Result<_, _>>()?,
            backends: backends.iter().map(backend).collect::<Result<_, _>>()?,
        })
    }

    /// Whether a case is wanted.
    pub fn keeps(&self, case: &ServingCase) -> bool {
        (self.gpus.is_empty() || self.gpus.contains(&case.gpu.id))
            && (self.backends.is_empty() || self.backends.contains(&case.backend))
    }
}
