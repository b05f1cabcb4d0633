//! The catalog: built-in entries, overlays on them, and typed look-up.

use crate::lookup::{Found, find, quoted};
use crate::memo::Memo;
use crate::overlay::{Patch, merge, patches};
use crate::provenance::figures;
use crate::reading::{Fault, bad_entry, read};
use crate::{CatalogError, FigureSource, Kind, OverlayFile, OverlayUse};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::sync::Arc;
use toml::Table;

/// The embedded files: kind, file stem, text; sorted.
static FILES: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// A type that entries of one kind are read as.
pub trait Record: DeserializeOwned + Clone + Send + Sync + 'static {
    /// The kind whose entries it reads.
    const KIND: Kind;

    /// What the types cannot express: ranges, sums.
    fn check(&self) -> Result<(), Fault> {
        Ok(())
    }

    /// Names of other entries, which must exist.
    fn check_names(&self, _: &Catalog) -> Result<(), Fault> {
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

/// All entries. Built-in texts are parsed when asked for, so that a question pays only for what it names, and once.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    patches: Vec<Patch>,
    /// Shared by clones.
    memo: Arc<Memo>,
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
        self.memo = Arc::new(self.memo.without(&touched));
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
        if self.has(kind, name) {
            return Ok(name.to_owned());
        }
        if let Some(id) = self.memo.id(kind, name) {
            return Ok(id);
        }
        let entries: Vec<_> =
            self.ids(kind).into_iter().map(|id| (id.clone(), self.aliases(kind, &id))).collect();
        let name = name.to_owned();
        match find(&name, &entries) {
            Found::One(id) => {
                self.memo.keep_name(kind, &name, &id);
                Ok(id)
            }
            Found::Many(candidates) => Err(CatalogError::AmbiguousName { kind, name, candidates }),
            Found::None(nearest) => Err(CatalogError::UnknownName { kind, name, nearest }),
        }
    }

    /// The entry that a name stands for.
    pub fn get<R: Record>(&self, name: &str) -> Result<Entry<R>, CatalogError> {
        let id = self.resolve(R::KIND, name)?;
        if let Some(entry) = self.memo.entry(&id) {
            return Ok(entry);
        }
        let (table, overlays) = self.table(R::KIND, &id)?;
        match read(table) {
            Ok(record) => {
                let entry = Entry { id, record, overlays };
                self.memo.keep(&entry);
                Ok(entry)
            }
            Err(fault) => {
                Err(bad_entry(&file_of(R::KIND, &id, &overlays, &fault.field), R::KIND, &id, fault))
            }
        }
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

    /// Reads an entry and looks up the names in it.
    pub(crate) fn verify<R: Record>(&self, id: &str) -> Result<(), CatalogError> {
        let Entry { record, overlays, .. } = self.get::<R>(id)?;
        let place =
            |fault: Fault| bad_entry(&file_of(R::KIND, id, &overlays, &fault.field), R::KIND, id, fault);
        record.check_names(self).map_err(place)
    }

    fn check_entry(&self, kind: Kind, id: &str) -> Result<(), CatalogError> {
        crate::check_as(self, kind, id).map_err(|error| self.hint_at_new_entry(kind, id, error))
    }

    /// A name that misses its built-in entry makes a new, incomplete one: says so.
    fn hint_at_new_entry(&self, kind: Kind, id: &str, error: CatalogError) -> CatalogError {
        match error {
            CatalogError::BadEntry { place, problem, hint: None } if builtin_text(kind, id).is_none() => {
                let like =
                    Catalog::builtin().resolve(kind, id).map_or_else(|error| error.names(), |id| vec![id]);
                let meant = if like.is_empty() {
                    String::new()
                } else {
                    format!("; did you mean {}?", quoted(&like))
                };
                let hint = format!(
                    "no built-in {} is called `{id}`, so this is a new entry{meant}",
                    kind.singular()
                );
                CatalogError::BadEntry { place, problem, hint: Some(hint) }
            }
            other => other,
        }
    }

    /// Whether an entry has this very id.
    pub(crate) fn has(&self, kind: Kind, name: &str) -> bool {
        builtin_text(kind, name).is_some() || self.is_changed(kind, name)
    }

    /// Whether user files touch an entry.
    pub(crate) fn is_changed(&self, kind: Kind, id: &str) -> bool {
        self.patches.iter().any(|patch| patch.kind == kind && patch.id == id)
    }

    /// Whether user files touch any entry of a kind.
    pub fn changes(&self, kind: Kind) -> bool {
        self.patches.iter().any(|patch| patch.kind == kind)
    }

    /// Other names of an entry. A look-up by alias asks every entry, so only the line that has them is parsed.
    fn aliases(&self, kind: Kind, id: &str) -> Vec<String> {
        let line = builtin_text(kind, id).filter(|_| !self.is_changed(kind, id)).map(alias_line);
        let table = match line.map(str::parse::<Table>) {
            Some(Ok(table)) => Some(table),
            _ => self.table(kind, id).ok().map(|(table, _)| table),
        };
        let aliases = table.and_then(|table| table.get("aliases")?.as_array().cloned()).unwrap_or_default();
        aliases.iter().filter_map(|alias| alias.as_str().map(str::to_owned)).collect()
    }
}

/// The line of an entry that holds its aliases, empty if it has none.
fn alias_line(text: &str) -> &str {
    let head = text.lines().take_while(|line| !line.starts_with('['));
    head.filter(|line| line.starts_with("aliases = ")).last().unwrap_or("")
}

/// The file to blame for a field: the last overlay that touched it, else the last of the entry, else ours.
fn file_of(kind: Kind, id: &str, overlays: &[OverlayUse], field: &str) -> String {
    let related =
        |set: &String| field.starts_with(set.as_str()) || (!field.is_empty() && set.starts_with(field));
    let touched = overlays.iter().rev().find(|used| used.fields.iter().any(related));
    match touched.or(overlays.last()) {
        Some(used) => used.file.clone(),
        None => format!("catalog/{kind}/{}.toml", kind.stem_of_id(id)),
    }
}

fn of_kind(kind: Kind) -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().filter(move |(folder, _, _)| *folder == kind.folder()).map(|(_, stem, text)| (*stem, *text))
}

pub(crate) fn builtin_text(kind: Kind, id: &str) -> Option<&'static str> {
    let stem = kind.stem_of_id(id);
    let found = of_kind(kind).find(|(known, _)| *known == stem);
    found.filter(|(stem, _)| kind.id_of_stem(stem) == id).map(|(_, text)| text)
}

fn parse_builtin(kind: Kind, id: &str, text: &str) -> Result<Table, CatalogError> {
    text.parse().map_err(|error| crate::overlay::bad_toml(&format!("catalog/{kind}/{id}.toml"), text, &error))
}
