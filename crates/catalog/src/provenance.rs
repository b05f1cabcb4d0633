//! What a figure rests on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a figure came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// Printed by the maker.
    Datasheet,
    /// Measured, by the source named.
    Measured,
    /// Follows from other figures; the source says how.
    Derived,
    /// Somebody's estimate, rumour or placeholder.
    Estimate,
    /// Given by the user in an overlay.
    User,
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Basis::Datasheet => "datasheet",
            Basis::Measured => "measured",
            Basis::Derived => "derived",
            Basis::Estimate => "estimate",
            Basis::User => "user",
        })
    }
}

/// Source and basis of one figure that differs from the rest of its group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Who says so.
    pub source: String,
    /// How they know.
    pub basis: Basis,
}

/// One figure of an entry with what it rests on, for `catalog sources`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FigureSource {
    /// Path inside the entry, `memory.bandwidth`.
    pub figure: String,
    /// The figure as written.
    pub value: String,
    /// How it is known.
    pub basis: Basis,
    /// Who says so.
    pub source: String,
}

/// Keys of a group that describe its figures and are none themselves.
pub(crate) const META_KEYS: [&str; 6] = ["source", "basis", "notes", "other_sources", "name", "aliases"];

/// Every figure of an entry: the leaves of each table that names a source, unless `other_sources` names another.
/// A key of `other_sources` is the figure's path inside the group, or a table above it.
pub(crate) fn figures(table: &toml::Table) -> Vec<FigureSource> {
    let mut found = Vec::new();
    collect(table, "", None, &mut found);
    found
}

/// The innermost table around a figure that names a source.
#[derive(Clone)]
struct Group<'a> {
    path: String,
    source: Provenance,
    others: Option<&'a toml::Table>,
}

impl Group<'_> {
    fn provenance_of(&self, figure: &str) -> Provenance {
        let mut key = figure.strip_prefix(&self.path).unwrap_or(figure).trim_start_matches('.');
        while !key.is_empty() {
            let other = self.others.and_then(|others| others.get(key)?.as_table()).and_then(provenance);
            if let Some(other) = other {
                return other;
            }
            key = key.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
        self.source.clone()
    }
}

fn collect(table: &toml::Table, path: &str, outer: Option<&Group<'_>>, found: &mut Vec<FigureSource>) {
    let others = table.get("other_sources").and_then(toml::Value::as_table);
    let own = provenance(table).map(|source| Group { path: path.to_owned(), source, others });
    let group = own.as_ref().or(outer);
    for (key, value) in table.iter().filter(|(key, _)| !META_KEYS.contains(&key.as_str())) {
        let figure = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (value, group) {
            (toml::Value::Table(inner), _) => collect(inner, &figure, group, found),
            (_, Some(group)) => {
                let Provenance { source, basis } = group.provenance_of(&figure);
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                found.push(FigureSource { figure, value, basis, source });
            }
            // Names, aliases and other words outside every sourced group are no figures.
            (_, None) => {}
        }
    }
}

fn provenance(table: &toml::Table) -> Option<Provenance> {
    let source = table.get("source")?.as_str()?.to_owned();
    let basis = table.get("basis")?.clone().try_into().ok()?;
    Some(Provenance { source, basis })
}
