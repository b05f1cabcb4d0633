//! One question from several places: flag over `--set` over variable over file over built-in, each value knowing
//! where it came from.

use crate::QuestionError;
use rackplan_catalog::{Catalog, Kind, OverlayFile};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt;
use toml::{Table, Value};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A scenario file.
    File(String),
    /// An environment variable.
    Variable(String),
    /// `--set KEY=VALUE`.
    Set,
    /// A flag, as it was written.
    Flag(String),
    /// Another key, as messages name it.
    Key(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File(file) => f.write_str(file),
            Origin::Variable(name) => f.write_str(name),
            Origin::Set => f.write_str("--set"),
            Origin::Flag(text) | Origin::Key(text) => f.write_str(text),
        }
    }
}

/// A value of the question with its origin, as answers print it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ResolvedValue {
    /// The value.
    pub value: serde_json::Value,
    /// The flag, variable or file that gave it, or `built-in` and the reason.
    pub origin: String,
}

/// The values given so far. A later one replaces an earlier one of the same key, so add the weakest place first.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    given: BTreeMap<String, (Value, Origin)>,
    /// Figures of catalog entries that `--set` changes, `gpus.gb200.memory.capacity`.
    catalog: BTreeMap<String, Value>,
}

impl Layers {
    /// Adds every value of a scenario file.
    pub fn add_file(&mut self, file: &str, text: &str) -> Result<(), QuestionError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| QuestionError::File {
            file: file.to_owned(),
            problem: rackplan_catalog::toml_problem(text, &error),
        })?;
        self.add_table("", table, &Origin::File(file.to_owned()))
    }

    /// Adds a value written as text.
    pub fn add(&mut self, path: &str, text: &str, origin: Origin) {
        self.given.insert(path.to_owned(), (Value::String(text.to_owned()), origin));
    }

    /// Adds `workload.users=2000`, where the value is TOML or, failing that, text.
    pub fn add_assignment(&mut self, assignment: &str) -> Result<(), QuestionError> {
        let Some((path, text)) = assignment.split_once('=').filter(|(path, _)| !path.trim().is_empty())
        else {
            let problem = format!("`{assignment}` is not KEY=VALUE");
            return Err(QuestionError::value("--set", problem).with_hint("e.g. `--set workload.users=2000`"));
        };
        let parsed =
            format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
        let value = parsed.unwrap_or_else(|| Value::String(text.trim().to_owned()));
        if is_of_the_catalog(path.trim()) {
            self.catalog.insert(path.trim().to_owned(), value);
        } else {
            self.given.insert(path.trim().to_owned(), (value, Origin::Set));
        }
        Ok(())
    }

    /// Adds a value as data.
    pub(crate) fn add_value(&mut self, path: &str, value: Value, origin: Origin) {
        self.given.insert(path.to_owned(), (value, origin));
    }

    /// Takes a value out again.
    pub(crate) fn remove(&mut self, path: &str) {
        self.given.remove(path);
    }

    /// Takes all values of a group out.
    pub(crate) fn remove_group(&mut self, group: &str) {
        self.given.retain(|path, _| !within(path, group));
    }

    /// What `--set` changes in the catalog, as written.
    pub(crate) fn catalog_changes(&self) -> Vec<String> {
        self.catalog.iter().map(|(path, value)| format!("{path}={}", plain(value))).collect()
    }

    /// What `--set` changes in the catalog, as a file over it; ids may hold dots, so the catalog says where they end.
    pub fn overlay(&self, catalog: &Catalog) -> Option<OverlayFile> {
        let mut table = Table::new();
        for (path, value) in &self.catalog {
            let (kind, rest) = path.split_once('.')?;
            let (id, field) = entry_and_field(Kind::from_folder(kind)?, rest, catalog)?;
            let entries = table.entry(kind.to_owned()).or_insert_with(|| Value::Table(Table::new()));
            let entry = entries.as_table_mut()?.entry(id).or_insert_with(|| Value::Table(Table::new()));
            // People say `memory` for how much there is of it.
            let field = if field == "memory" && !value.is_table() { "memory.capacity" } else { &field };
            insert(entry.as_table_mut()?, field, value.clone())?;
        }
        let text = table.to_string();
        (!table.is_empty()).then(|| OverlayFile {
            shown: "--set".to_owned(),
            relative: "set.toml".to_owned(),
            text,
        })
    }

    /// Where the value of a key came from, if it was given.
    pub fn origin(&self, path: &str) -> Option<&Origin> {
        self.given.get(path).map(|(_, origin)| origin)
    }

    /// The value of a key, if it was given.
    pub(crate) fn value(&self, path: &str) -> Option<&Value> {
        self.given.get(path).map(|(value, _)| value)
    }

    /// The value of a key as text, if it was given as text.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.given.get(path).and_then(|(value, _)| value.as_str())
    }

    /// The value of a key as it was written; empty if it was not given.
    pub(crate) fn written(&self, path: &str) -> String {
        self.given.get(path).map_or_else(String::new, |(value, _)| plain(value))
    }

    /// How to name a key in a message: the flag or variable, or the file and the key.
    pub fn place(&self, path: &str) -> String {
        match self.nearest_origin(path) {
            Some((_, Origin::Flag(text) | Origin::Key(text))) => text.clone(),
            Some((_, Origin::Variable(name))) => name.clone(),
            Some((key, Origin::Set)) => format!("--set {key}"),
            Some((_, Origin::File(file))) => format!("{file}: `{path}`"),
            None => format!("`{path}`"),
        }
    }

    /// The question as a typed value. Every key must be known and every value readable.
    pub fn read<Q: DeserializeOwned>(&self) -> Result<Q, QuestionError> {
        let mut table = Table::new();
        for (path, (value, _)) in &self.given {
            if value.as_str().is_some_and(|text| text.trim().is_empty()) {
                return Err(QuestionError::value(self.place(path), "it is empty")
                    .with_hint("give a value, or leave it out"));
            }
            insert(&mut table, path, value.clone()).ok_or_else(|| self.clash(path))?;
        }
        serde_path_to_error::deserialize(table).map_err(|error| {
            let path = error.path().to_string();
            let (problem, hint) = rackplan_catalog::explain(error.inner().message());
            // The path of an unknown key ends with it or with the group around it, whichever serde was at.
            let inside = |key: &&str| path.rsplit('.').next() != Some(*key);
            let named = unknown_key(&problem).filter(inside).map_or(path.clone(), |key| join(&path, key));
            let error = QuestionError::value(self.place(&named), problem);
            hint.into_iter().fold(error, |error, hint| error.with_hint(hint))
        })
    }

    /// Every given value, with its origin.
    pub fn resolved(&self) -> BTreeMap<String, ResolvedValue> {
        let value = |v: &Value| serde_json::to_value(v).unwrap_or_default();
        let shown =
            |(v, origin): &(Value, Origin)| ResolvedValue { value: value(v), origin: origin.to_string() };
        let given = self.given.iter().map(|(path, given)| (path.clone(), shown(given)));
        let figures = (!self.catalog.is_empty()).then(|| {
            let value = self.catalog_changes().into();
            ("catalog".to_owned(), ResolvedValue { value, origin: Origin::Set.to_string() })
        });
        given.chain(figures).collect()
    }

    fn add_table(&mut self, path: &str, table: Table, origin: &Origin) -> Result<(), QuestionError> {
        for (key, value) in table {
            let path = join(path, &key);
            match value {
                Value::Table(inner) => self.add_table(&path, inner, origin)?,
                Value::Array(items) if items.iter().any(Value::is_table) => {
                    let place = format!("{origin}: `{path}`");
                    let error = QuestionError::value(place, "it is a list of tables");
                    return Err(error.with_hint(format!("write `[{path}]`, with single brackets")));
                }
                value => {
                    self.given.insert(path, (value, origin.clone()));
                }
            }
        }
        Ok(())
    }

    /// A key that one place uses as a value and another as a group.
    fn clash(&self, path: &str) -> QuestionError {
        let other = self.given.keys().find(|key| *key != path && (within(key, path) || within(path, key)));
        let other = other.map_or("another key".to_owned(), |key| self.place(key));
        QuestionError::value(self.place(path), "it is both a value and a group of values")
            .with_hint(format!("see {other}; give one of them"))
    }

    /// The given key that a path of an error belongs to: the longest around it, so that an error inside a list names
    /// the list, else the first inside it, so that a group where a value belongs names its file.
    fn nearest_origin(&self, path: &str) -> Option<(&str, &Origin)> {
        let around = self.given.iter().filter(|(key, _)| within(path, key)).max_by_key(|(key, _)| key.len());
        let found = around.or_else(|| self.given.iter().find(|(key, _)| within(key, path)));
        found.map(|(key, (_, origin))| (key.as_str(), origin))
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether a path of `--set` names a figure of a catalog entry, `<kind>.<id>.<field>`, and no key of the question.
fn is_of_the_catalog(path: &str) -> bool {
    let mut parts = path.splitn(3, '.');
    let kind = parts.next().and_then(Kind::from_folder);
    kind.is_some() && parts.clone().count() == 2 && parts.all(|part| !part.is_empty())
}

/// `Qwen/Qwen2.5-72B.layers` as id and field: the longest beginning that names an entry, else all before the first dot.
fn entry_and_field(kind: Kind, path: &str, catalog: &Catalog) -> Option<(String, String)> {
    let dots: Vec<usize> = path.match_indices('.').map(|(at, _)| at).collect();
    let named = dots.iter().rev().find_map(|at| Some((catalog.resolve(kind, &path[..*at]).ok()?, *at)));
    let (id, at) = named.or_else(|| dots.first().map(|at| (path[..*at].to_owned(), *at)))?;
    Some((id, path[at + 1..].to_owned()))
}

/// Whether a path is a key or lies inside it.
fn within(path: &str, key: &str) -> bool {
    path == key || path.strip_prefix(key).is_some_and(|rest| rest.starts_with(['.', '[']))
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() || path == "." { key.to_owned() } else { format!("{path}.{key}") }
}

fn unknown_key(problem: &str) -> Option<&str> {
    problem.strip_prefix("unknown key `")?.strip_suffix('`')
}

/// Puts a value at a dotted path; `None` where a part of the path is already a plain value.
fn insert(table: &mut Table, path: &str, value: Value) -> Option<()> {
    match path.split_once('.') {
        None => match table.insert(path.to_owned(), value) {
            Some(Value::Table(_)) => None,
            _ => Some(()),
        },
        Some((group, rest)) => {
            let inner = table.entry(group.to_owned()).or_insert_with(|| Value::Table(Table::new()));
            insert(inner.as_table_mut()?, rest, value)
        }
    }
}
