//! The catalog: built-in entries, overlays on them, and typed look-up.

use crate::lookup::{Found, find};
use crate::overlay::{Patch, merge, patches};
use crate::provenance::figures;
use crate::reading::{Fault, read};
use crate::{CatalogError, FigureSource, Kind, OverlayFile, OverlayUse};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use toml::Table;

/// The embedded files: kind, file stem, text; sorted.
static FILES: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// A type that entries of one kind are read as.
pub trait Record: DeserializeOwned {
    /// The kind whose entries it reads.
    const KIND: Kind;

    /// What the types cannot express: ranges, sums, names that must exist.
    fn check(&self) -> Result<(), Fault> {
        Ok(())
    }
}

/// An entry as found: its id, its record, and the overlays that touched it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<R> {
    /// The id, as `catalog list` prints it.
    pub id: String,
    /// The record.
    pub record: R,
    /// User files that changed it, in the order applied.
    pub overlays: Vec<OverlayUse>,
}

/// All entries. Built-in texts are parsed when asked for, so that a question pays only for what it names.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    patches: Vec<Patch>,
}

impl Catalog {
    /// What ships with the program.
    pub fn builtin() -> Self {
        Self::default()
    }

    /// Adds user files; later files win. Every entry they touch is read at once, so that errors show here.
    pub fn with_overlay(mut self, files: &[OverlayFile]) -> Result<Self, CatalogError> {
        let mut touched = BTreeSet::new();
        for file in files {
            for patch in patches(file)? {
                touched.insert((patch.kind, patch.id.clone()));
                self.patches.push(patch);
            }
        }
        for (kind, id) in touched {
            self.check_entry(kind, &id)?;
        }
        Ok(self)
    }

    /// The ids of a kind, sorted.
    pub fn ids(&self, kind: Kind) -> Vec<String> {
        let builtin = of_kind(kind).map(|(stem, _)| kind.id_of_stem(stem));
        let added = self.patches.iter().filter(|patch| patch.kind == kind).map(|patch| patch.id.clone());
        builtin.chain(added).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The id that a name, alias or short name stands for.
    pub fn resolve(&self, kind: Kind, name: &str) -> Result<String, CatalogError> {
        if self.is_id(kind, name) {
            return Ok(name.to_owned());
        }
        let entries: Vec<_> =
            self.ids(kind).into_iter().map(|id| (id.clone(), self.aliases(kind, &id))).collect();
        let name = name.to_owned();
        match find(&name, &entries) {
            Found::One(id) => Ok(id),
            Found::Many(candidates) => Err(CatalogError::AmbiguousName { kind, name, candidates }),
            Found::None(nearest) => Err(CatalogError::UnknownName { kind, name, nearest }),
        }
    }

    /// The entry that a name stands for.
    pub fn get<R: Record>(&self, name: &str) -> Result<Entry<R>, CatalogError> {
        let id = self.resolve(R::KIND, name)?;
        let (table, overlays) = self.table(R::KIND, &id)?;
        let place = overlays.last().map_or("", |used| used.file.as_str());
        let record = read(table, place, R::KIND, &id)?;
        Ok(Entry { id, record, overlays })
    }

    /// The entry as written, overlays applied: for `catalog show`.
    pub fn table(&self, kind: Kind, id: &str) -> Result<(Table, Vec<OverlayUse>), CatalogError> {
        let mut table = match builtin_text(kind, id) {
            Some(text) => parse_builtin(kind, id, text)?,
            None => Table::new(),
        };
        let touching = self.patches.iter().filter(|patch| patch.kind == kind && patch.id == id);
        let overlays = touching
            .map(|patch| OverlayUse {
                file: patch.file.clone(),
                fields: merge(&mut table, &patch.table, &patch.file),
            })
            .collect();
        Ok((table, overlays))
    }

    /// Every figure of an entry with its source: for `catalog sources`.
    pub fn sources(&self, kind: Kind, name: &str) -> Result<Vec<FigureSource>, CatalogError> {
        let id = self.resolve(kind, name)?;
        Ok(figures(&self.table(kind, &id)?.0))
    }

    /// Reads every entry: for `catalog check`. Returns how many were read and all that is wrong.
    pub fn check(&self) -> (usize, Vec<CatalogError>) {
        let all: Vec<_> = Kind::ALL
            .into_iter()
            .flat_map(|kind| self.ids(kind).into_iter().map(move |id| (kind, id)))
            .collect();
        let errors = all.iter().filter_map(|(kind, id)| self.check_entry(*kind, id).err()).collect();
        (all.len(), errors)
    }

    fn check_entry(&self, kind: Kind, id: &str) -> Result<(), CatalogError> {
        crate::check_as(self, kind, id)
    }

    fn is_id(&self, kind: Kind, name: &str) -> bool {
        builtin_text(kind, name).is_some()
            || self.patches.iter().any(|patch| patch.kind == kind && patch.id == name)
    }

    fn aliases(&self, kind: Kind, id: &str) -> Vec<String> {
        let aliases =
            self.table(kind, id).ok().and_then(|(table, _)| table.get("aliases")?.as_array().cloned());
        aliases.unwrap_or_default().iter().filter_map(|alias| alias.as_str().map(str::to_owned)).collect()
    }
}

fn of_kind(kind: Kind) -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().filter(move |(folder, _, _)| *folder == kind.folder()).map(|(_, stem, text)| (*stem, *text))
}

fn builtin_text(kind: Kind, id: &str) -> Option<&'static str> {
    of_kind(kind).find(|(stem, _)| kind.id_of_stem(stem) == id).map(|(_, text)| text)
}

fn parse_builtin(kind: Kind, id: &str, text: &str) -> Result<Table, CatalogError> {
    text.parse().map_err(|error: toml::de::Error| {
        crate::overlay::bad_toml(&format!("catalog/{kind}/{id}.toml"), &error)
    })
}
