//! From names to the inputs of the method: which model, on what, in which formats, for whom.

mod demand;
mod format;
mod kernel_pool;
mod machine;
mod model;
mod notes;
mod reader;
mod request;
mod searches;

pub(crate) use demand::{Arrival, Load, check_range};
pub(crate) use format::{KvFormat, Quant, WeightFormat, kv_bytes};
pub(crate) use machine::{Machine, RealMachine, founding_rack_of};
pub(crate) use model::{Subject, catalog_error, founding_model_of};
pub(crate) use notes::Notes;
pub(crate) use reader::{MOST_OVERSUBSCRIBED, read_links, read_oversubscription};
pub(crate) use request::{Combination, Defaults, LONGEST_CONTEXT, Request, sizes};

use crate::layers::Layers;
use kernel_pool::KernelPool;
use rackplan_catalog::{Backend, Catalog, CatalogError, Gpu, Kind, OverlayFile};
use rackplan_perf::{Device, Kernels};
use rackplan_plan as plan;
use searches::Searches;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// What a question may draw on besides itself.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The catalog, overlays applied.
    pub catalog: Catalog,
    /// Texts of files that the question names, by the name as written: a model's `config.json`.
    pub texts: BTreeMap<String, String>,
    /// The catalog before `--set` changed it, where it did.
    before: Option<Catalog>,
    /// Every accelerator, read when first asked for.
    gpus: OnceLock<Vec<Gpu>>,
    /// Kernels that a question asked for, and what became of their plans; shared with the same inputs under other
    /// figures.
    kernels: Arc<KernelPool>,
    searches: Arc<Searches>,
}

impl Inputs {
    /// A catalog, and the texts of files that the question names.
    pub fn new(catalog: Catalog, texts: BTreeMap<String, String>) -> Self {
        Self { catalog, texts, ..Self::default() }
    }

    /// With the figures that the question sets in the catalog.
    pub fn with_changes(mut self, layers: &Layers) -> Result<Self, CatalogError> {
        if let Some(file) = layers.overlay(&self.catalog) {
            let changed = self.catalog.clone().with_overlay(&[file])?;
            self.before = Some(std::mem::replace(&mut self.catalog, changed));
        }
        Ok(self)
    }

    /// As they were without those.
    pub(crate) fn unchanged(&self) -> Self {
        let catalog = self.before.as_ref().unwrap_or(&self.catalog);
        Self::new(catalog.clone(), self.texts.clone())
    }

    /// The same with a file laid over the catalog.
    pub(crate) fn with_overlay(&self, file: OverlayFile) -> Result<Self, CatalogError> {
        let changed = Self::new(self.catalog.clone().with_overlay(&[file])?, self.texts.clone());
        let shares = !kernel_pool::is_changed(&changed.catalog);
        if !shares {
            return Ok(changed);
        }
        let (kernels, searches) = (Arc::clone(&self.kernels), Arc::clone(&self.searches));
        Ok(Self { kernels, searches, ..changed })
    }

    /// The kernels of a framework on an accelerator, by its catalog id.
    pub(crate) fn kernels(&self, gpu: (&str, Device), backend: Backend) -> Arc<Kernels> {
        self.kernels.of(gpu, backend, &self.catalog)
    }

    /// What became of the plans of a space; `kernels` are those of the question.
    pub(crate) fn searched(
        &self,
        question: &plan::Question,
        kernels: &Arc<Kernels>,
        space: &plan::Space,
    ) -> Arc<plan::Searched> {
        self.searches.of(question, kernels, space)
    }

    /// Every accelerator that can be read.
    pub(crate) fn every_gpu(&self) -> &[Gpu] {
        self.gpus.get_or_init(|| {
            let ids = self.catalog.ids(Kind::Gpus);
            ids.iter().filter_map(|id| Some(self.catalog.get::<Gpu>(id).ok()?.record)).collect()
        })
    }
}
