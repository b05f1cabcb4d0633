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
    let table: Table = file.text.parse().map_err(|error| bad_toml(&file.shown, &file.text, &error))?;
    let patch = |kind: Kind, id: String, table| Patch { kind, id, file: file.shown.clone(), table };
    if let Some((folder, stem)) = file.relative.trim_end_matches(".toml").split_once('/') {
        let kind = Kind::from_folder(folder).ok_or_else(|| not_a_kind(&file.shown, folder))?;
        return Ok(vec![patch(kind, kind.id_of_stem(stem), table)]);
    }
    let mut found = Vec::new();
    for (folder, entries) in table {
        let kind = Kind::from_folder(&folder).ok_or_else(|| not_a_kind(&file.shown, &folder))?;
        let Value::Table(entries) = entries else { return Err(no_entries(&file.shown, kind)) };
        for (id, entry) in entries {
            let Value::Table(entry) = entry else { return Err(not_a_table(&file.shown, kind, &id)) };
            found.push(patch(kind, id, entry));
        }
    }
    Ok(found)
}

pub(crate) fn bad_toml(file: &str, text: &str, error: &toml::de::Error) -> CatalogError {
    CatalogError::BadFile {
        file: file.to_owned(),
        problem: toml_problem(text, error),
        hint: "overlay files are TOML, e.g. `[gpus.h200_sxm.memory]` then `capacity = \"141 GB\"`".to_owned(),
    }
}

/// What is wrong with a TOML text, on one line: TOML's own message would quote the whole line, however long it is.
pub fn toml_problem(text: &str, error: &toml::de::Error) -> String {
    let problem = error.message();
    let before = error.span().and_then(|span| text.get(..span.start));
    match before.map(|before| (before, before.rsplit('\n').next().unwrap_or_default())) {
        Some((before, line)) => {
            let (line_number, column) = (before.matches('\n').count() + 1, line.chars().count() + 1);
            format!("line {line_number}, column {column}: {problem}")
        }
        None => problem.to_owned(),
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

fn no_entries(file: &str, kind: Kind) -> CatalogError {
    CatalogError::BadFile {
        file: file.to_owned(),
        problem: format!("`{kind}` is a single value"),
        hint: format!("write a table for each entry: `[{kind}.<id>]`, see `rackplan catalog schema {kind}`"),
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
/// no user's figure passes for a data sheet's. Its neighbours in the group keep theirs.
pub(crate) fn merge(base: &mut Table, patch: &Table, file: &str) -> Vec<String> {
    let mut fields = Vec::new();
    lay(base, patch, &[], &mut fields);
    for field in &fields {
        credit_user(base, patch, field, file);
    }
    fields.into_iter().map(|path| path.join(".")).collect()
}

fn lay(base: &mut Table, patch: &Table, path: &[String], fields: &mut Vec<Vec<String>>) {
    for (key, value) in patch {
        let place = [path, std::slice::from_ref(key)].concat();
        match (base.get_mut(key), value) {
            (Some(Value::Table(inner)), Value::Table(changes)) => lay(inner, changes, &place, fields),
            _ => {
                base.insert(key.clone(), value.clone());
                fields.push(place);
            }
        }
    }
}

/// Notes the file as source of one field, in the innermost group around it that the patch names no source for.
fn credit_user(base: &mut Table, patch: &Table, field: &[String], file: &str) {
    if field.iter().any(|key| META_KEYS.contains(&key.as_str())) {
        return;
    }
    let sourced = |depth: &usize| table_at(base, &field[..*depth]).is_some_and(|t| t.contains_key("source"));
    let Some(depth) = (0..field.len()).rev().find(sourced) else { return };
    if table_at(patch, &field[..depth]).is_some_and(|own| own.contains_key("source")) {
        return;
    }
    let group = field[..depth].iter().try_fold(base, |table, key| table.get_mut(key)?.as_table_mut());
    if let Some(group) = group {
        set_user_source(group, &field[depth..].join("."), file);
    }
}

fn table_at<'a>(table: &'a Table, path: &[String]) -> Option<&'a Table> {
    path.iter().try_fold(table, |table, key| table.get(key)?.as_table())
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
