//! From names to the inputs of the method: which model, on what, in which formats, for whom.

mod demand;
mod format;
mod machine;
mod model;
mod notes;
mod request;

pub(crate) use demand::{Load, check_range};
pub(crate) use format::Quant;
pub(crate) use machine::{Machine, founding_rack_of};
pub(crate) use model::{Subject, catalog_error, founding_model_of};
pub(crate) use notes::Notes;
pub(crate) use request::{Combination, Defaults, LONGEST_CONTEXT, Request};

use rackplan_catalog::Catalog;
use std::collections::BTreeMap;

/// What a question may draw on besides itself.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The catalog, overlays applied.
    pub catalog: Catalog,
    /// Texts of files that the question names, by the name as written: a model's `config.json`.
    pub texts: BTreeMap<String, String>,
}
