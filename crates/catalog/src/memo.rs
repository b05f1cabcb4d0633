//! What was read of a catalog: the same question asked with other figures asks for most entries again.

use crate::Kind;
use crate::store::{Entry, Record};
use std::any::{Any, TypeId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Entries as records, and what names stand for.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    inner: Mutex<Inner>,
}

#[derive(Clone, Debug, Default)]
struct Inner {
    entries: BTreeMap<(Kind, String, TypeId), Arc<dyn Any + Send + Sync>>,
    names: BTreeMap<(Kind, String), String>,
}

impl Memo {
    /// An entry that was read as this type.
    pub(crate) fn entry<R: Record>(&self, id: &str) -> Option<Entry<R>> {
        let key = (R::KIND, id.to_owned(), TypeId::of::<R>());
        let held = self.inner().entries.get(&key).cloned()?;
        held.downcast_ref::<Entry<R>>().cloned()
    }

    pub(crate) fn keep<R: Record>(&self, entry: &Entry<R>) {
        let key = (R::KIND, entry.id.clone(), TypeId::of::<R>());
        self.inner().entries.insert(key, Arc::new(entry.clone()));
    }

    /// The id that a name was found to stand for.
    pub(crate) fn id(&self, kind: Kind, name: &str) -> Option<String> {
        self.inner().names.get(&(kind, name.to_owned())).cloned()
    }

    pub(crate) fn keep_name(&self, kind: Kind, name: &str, id: &str) {
        self.inner().names.insert((kind, name.to_owned()), id.to_owned());
    }

    /// What still holds when these entries have changed.
    pub(crate) fn without(&self, changed: &BTreeSet<(Kind, String)>) -> Self {
        let mut inner = self.inner().clone();
        inner.entries.retain(|(kind, id, _), _| !changed.contains(&(*kind, id.clone())));
        inner.names.retain(|(kind, _), _| !changed.iter().any(|(other, _)| other == kind));
        Self { inner: Mutex::new(inner) }
    }

    /// Nothing can be half kept: what panics while it holds the lock has not yet put anything in.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
