//! Parts of an entry, read without the rest: an engine has hundreds of constants, of which a question asks for a few.

use crate::store::{Catalog, builtin_text};
use crate::{Architecture, FittedOperator, Kind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// Whose kernels an engine has.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct EngineHead {
    /// Serving framework or library.
    pub backend: String,
    /// The family of accelerators.
    pub architecture: Architecture,
}

impl Catalog {
    /// Whose kernels an engine has; nothing where there is no such engine.
    pub fn engine_head(&self, id: &str) -> Option<EngineHead> {
        of_table(Value::Table(self.written(id, |text| before_tables(text).to_owned())?))
    }

    /// The groups of one operator of an engine, as [`crate::Engine::operators`] has them.
    pub fn fitted(&self, id: &str, operator: &str) -> BTreeMap<String, FittedOperator> {
        let own = format!("{TABLE}operators.{operator}.");
        let table = self.written(id, |text| tables(text, &own));
        let groups = table.and_then(|mut table| {
            let Value::Table(mut operators) = table.remove("operators")? else { return None };
            of_table(operators.remove(operator)?)
        });
        groups.unwrap_or_default()
    }

    /// An engine as far as a part of its text goes. One that a user changed is read as a whole.
    fn written(&self, id: &str, part: impl Fn(&str) -> String) -> Option<Table> {
        match builtin_text(Kind::Engines, id) {
            Some(text) if !self.is_changed(Kind::Engines, id) => part(text).parse().ok(),
            _ => self.table(Kind::Engines, id).ok().map(|(table, _)| table),
        }
    }
}

/// How a table begins.
const TABLE: &str = "\n[";

/// What stands before the first table.
fn before_tables(text: &str) -> &str {
    text.split(TABLE).next().unwrap_or(text)
}

/// The tables that begin so.
fn tables(text: &str, own: &str) -> String {
    let each = text.match_indices(own).map(|(start, begins)| {
        let end = text[start + begins.len()..].find(TABLE).map(|length| start + begins.len() + length);
        &text[start..end.unwrap_or(text.len())]
    });
    each.collect()
}

fn of_table<T: DeserializeOwned>(value: Value) -> Option<T> {
    T::deserialize(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, OverlayFile};

    fn law_parts_are_those_of_the_whole(catalog: &Catalog) {
        for id in catalog.ids(Kind::Engines) {
            let whole = catalog.get::<Engine>(&id).expect("a test reads every entry").record;
            let Engine { backend, architecture, operators, .. } = whole;
            assert_eq!(catalog.engine_head(&id), Some(EngineHead { backend, architecture }));
            for (operator, groups) in operators {
                assert_eq!(catalog.fitted(&id, &operator), groups, "{id} {operator}");
            }
            assert!(catalog.fitted(&id, "no such").is_empty());
        }
    }

    #[test]
    fn law_parts_of_engines_are_those_of_the_whole() {
        law_parts_are_those_of_the_whole(&Catalog::builtin());
    }

    #[test]
    fn law_a_changed_engine_is_read_with_its_changes() {
        let text = "[engines.vllm_hopper.operators.gemm.bfloat16.constants]\nlaunch_us = 9.25\n".to_owned();
        let file = OverlayFile { shown: "o.toml".to_owned(), relative: "o.toml".to_owned(), text };
        let catalog = Catalog::builtin().with_overlay(&[file]).expect("one constant of an engine");
        law_parts_are_those_of_the_whole(&catalog);
        let gemm = catalog.fitted("vllm_hopper", "gemm");
        assert_eq!(gemm["bfloat16"].constants["launch_us"], 9.25);
    }
}
