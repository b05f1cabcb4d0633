//! User files laid over the built-in entries: they replace by name, field by field.
//!
//! Two layouts: `<kind>/<id>.toml` like the built-in catalog, or any other `*.toml` with tables `[<kind>.<id>]`.

use crate::provenance::META_KEYS;
use crate::{CatalogError, Kind};
use toml::{Table, Value};

/// A file of an overlay folder, already read.
#[derive(Clone, Debug)]
pub struct OverlayFile {
    /// Path as shown in messages, for example `rackplan.d/site.toml`.
    pub shown: String,
    /// Path below the overlay folder, with `/` between parts, for example `gpus/h200_sxm.toml`.
    pub relative: String,
    /// The text.
    pub text: String,
}

/// Which overlay file touched an entry, and where.
#[derive(Clone, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct OverlayUse {
    /// The file.
    pub file: String,
    /// The fields that it set, `memory.capacity`.
    pub fields: Vec<String>,
}

/// What one file says about one entry.
#[derive(Clone, Debug)]
pub(crate) struct Patch {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) file: String,
    pub(crate) table: Table,
}

/// Takes a file apart into entries.
pub(crate) fn patches(file: &OverlayFile) -> Result<Vec<Patch>, CatalogError> {
    let table: Table = file.text.parse().map_err(|error: toml::de::Error| bad_toml(&file.shown, &error))?;
    let patch = |kind: Kind, id: String, table| Patch { kind, id, file: file.shown.clone(), table };
    if let Some((folder, stem)) = file.relative.trim_end_matches(".toml").split_once('/') {
        let kind = Kind::from_folder(folder).ok_or_else(|| not_a_kind(&file.shown, folder))?;
        return Ok(vec![patch(kind, kind.id_of_stem(stem), table)]);
    }
    let mut found = Vec::new();
    for (folder, entries) in table {
        let kind = Kind::from_folder(&folder).ok_or_else(|| not_a_kind(&file.shown, &folder))?;
        for (id, entry) in entries.as_table().cloned().unwrap_or_default() {
            let Value::Table(entry) = entry else { return Err(not_a_table(&file.shown, kind, &id)) };
            found.push(patch(kind, id, entry));
        }
    }
    Ok(found)
}

pub(crate) fn bad_toml(file: &str, error: &toml::de::Error) -> CatalogError {
    CatalogError::BadFile {
        file: file.to_owned(),
        problem: error.to_string().trim_end().to_owned(),
        hint: "overlay files are TOML, e.g. `[gpus.h200_sxm.memory]` then `capacity = \"141 GB\"`".to_owned(),
    }
}

fn not_a_kind(file: &str, name: &str) -> CatalogError {
    let kinds = Kind::ALL.map(|kind| kind.folder().to_owned());
    CatalogError::BadFile {
        file: file.to_owned(),
        problem: format!("`{name}` is no kind of catalog entry"),
        hint: format!("kinds are {}", crate::lookup::quoted(&kinds)),
    }
}

fn not_a_table(file: &str, kind: Kind, id: &str) -> CatalogError {
    CatalogError::BadFile {
        file: file.to_owned(),
        problem: format!("`{kind}.{id}` is a single value"),
        hint: format!("write a table: `[{kind}.{id}.<group>]`, see `rackplan catalog schema {kind}`"),
    }
}

/// Lays `patch` over `base`, field by field, and returns the paths it set.
///
/// A figure that a patch sets without naming a source gets the file as its source and `user` as its basis, so that
/// no user's figure passes for a data sheet's.
pub(crate) fn merge(base: &mut Table, patch: &Table, file: &str) -> Vec<String> {
    let mut fields = Vec::new();
    merge_at(base, patch, "", file, &mut fields);
    fields
}

fn merge_at(base: &mut Table, patch: &Table, path: &str, file: &str, fields: &mut Vec<String>) {
    let sourced = base.contains_key("source") && !patch.contains_key("source");
    for (key, value) in patch {
        let place = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (base.get_mut(key), value) {
            (Some(Value::Table(inner)), Value::Table(changes)) => {
                merge_at(inner, changes, &place, file, fields)
            }
            _ => {
                base.insert(key.clone(), value.clone());
                fields.push(place);
            }
        }
        if sourced && !META_KEYS.contains(&key.as_str()) {
            set_user_source(base, key, file);
        }
    }
}

fn set_user_source(group: &mut Table, figure: &str, file: &str) {
    let others = group.entry("other_sources").or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(others) = others {
        let mut own = Table::new();
        own.insert("source".to_owned(), Value::String(file.to_owned()));
        own.insert("basis".to_owned(), Value::String("user".to_owned()));
        others.insert(figure.to_owned(), Value::Table(own));
    }
}
