//! From names to the inputs of the method: which model, on what, in which formats, for whom.

mod demand;
mod format;
mod machine;
mod model;
mod notes;
mod reader;
mod request;

pub(crate) use demand::{Arrival, Load, check_range};
pub(crate) use format::{Quant, kv_bytes};
pub(crate) use machine::{Machine, RealMachine, founding_rack_of};
pub(crate) use model::{Subject, catalog_error, founding_model_of};
pub(crate) use notes::Notes;
pub(crate) use request::{Combination, Defaults, LONGEST_CONTEXT, Request, sizes};

use rackplan_catalog::{Catalog, Gpu, Kind};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What a question may draw on besides itself.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The catalog, overlays applied.
    pub catalog: Catalog,
    /// Texts of files that the question names, by the name as written: a model's `config.json`.
    pub texts: BTreeMap<String, String>,
    /// Every accelerator, read when first asked for.
    gpus: OnceLock<Vec<Gpu>>,
}

impl Inputs {
    /// A catalog, and the texts of files that the question names.
    pub fn new(catalog: Catalog, texts: BTreeMap<String, String>) -> Self {
        Self { catalog, texts, gpus: OnceLock::new() }
    }

    /// Every accelerator that can be read.
    pub(crate) fn every_gpu(&self) -> &[Gpu] {
        self.gpus.get_or_init(|| {
            let ids = self.catalog.ids(Kind::Gpus);
            ids.iter().filter_map(|id| Some(self.catalog.get::<Gpu>(id).ok()?.record)).collect()
        })
    }
}
