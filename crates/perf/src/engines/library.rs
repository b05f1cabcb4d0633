//! What engines of a catalog were fitted, read operator by operator when it is first asked for.

use rackplan_catalog::{Architecture, Catalog, EngineHead, FittedOperator, Kind};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The engines of a catalog; clones share what was read.
#[derive(Clone, Debug)]
pub(super) struct Library {
    catalog: Catalog,
    /// In the order of their ids.
    engines: Vec<(String, EngineHead)>,
    read: Arc<Mutex<Read>>,
}

/// Groups of an operator, in their order.
pub(super) type Groups = Arc<Vec<(String, FittedOperator)>>;

/// By place of the engine, and operator.
type Read = BTreeMap<(usize, String), Groups>;

impl Library {
    pub(super) fn new(catalog: &Catalog) -> Self {
        let ids = catalog.ids(Kind::Engines).into_iter();
        let engines = ids.filter_map(|id| catalog.engine_head(&id).map(|head| (id, head)));
        Self { catalog: catalog.clone(), engines: engines.collect(), read: Arc::default() }
    }

    /// Whose kernels each engine has.
    pub(super) fn heads(&self) -> impl Iterator<Item = &EngineHead> {
        self.engines.iter().map(|(_, head)| head)
    }

    /// Families with measured kernels, each as often as it has engines.
    pub(super) fn architectures(&self) -> impl Iterator<Item = Architecture> {
        self.heads().map(|head| head.architecture)
    }

    /// What the engine at this place has of an operator.
    pub(super) fn groups(&self, engine: usize, operator: &str) -> Groups {
        let key = (engine, operator.to_owned());
        // Nothing can be half read: what panics while it holds the lock has not yet put anything in.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let groups = read.entry(key).or_insert_with(|| {
            let groups = self.catalog.fitted(&self.engines[engine].0, operator);
            Arc::new(groups.into_iter().collect())
        });
        Arc::clone(groups)
    }
}
