//! Kernels kept from one question to the next: what-ifs ask a hundred times for those of a few accelerators.

use rackplan_catalog::{Backend, Catalog, Kind};
use rackplan_perf::{Device, Engines, Kernels};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The engines of a catalog, and kernels by framework and accelerator.
#[derive(Debug, Default)]
pub(super) struct KernelPool {
    engines: OnceLock<Engines>,
    held: Mutex<Vec<Arc<Kernels>>>,
}

impl KernelPool {
    /// Those of a framework on an accelerator. All catalogs that share a pool have the same engines.
    pub(super) fn of(&self, gpu: (&str, Device), backend: Backend, catalog: &Catalog) -> Arc<Kernels> {
        let engines = self.engines.get_or_init(|| Engines::new(catalog));
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kernels) = held.iter().find(|kernels| kernels.are_on(gpu, backend)) {
            return Arc::clone(kernels);
        }
        let kernels = Arc::new(Kernels::on(gpu, backend, engines));
        held.push(Arc::clone(&kernels));
        kernels
    }
}

/// Whether user files touch what engines are made of.
pub(super) fn is_changed(catalog: &Catalog) -> bool {
    [Kind::Engines, Kind::Loans, Kind::Steps].into_iter().any(|kind| catalog.changes(kind))
}
