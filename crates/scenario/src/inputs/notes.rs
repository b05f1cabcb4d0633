//! What is noticed on the way from a question to its inputs: assumptions, warnings, catalog entries used.

use crate::answer::{Assumption, Figure};
use crate::settings::SETTINGS;
use rackplan_catalog::{Basis, Catalog, Kind, OverlayUse};
use std::collections::BTreeSet;

/// Notes of one question.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    pub(crate) assumptions: Vec<Assumption>,
    pub(crate) warnings: Vec<String>,
    used: BTreeSet<(Kind, String)>,
    pub(crate) overlays: Vec<OverlayUse>,
}

impl Notes {
    /// A value that nobody gave. Said once for each key, however many plans take it.
    pub(crate) fn assume(&mut self, key: &str, value: impl Into<serde_json::Value>, why: &str) {
        if self.assumptions.iter().any(|held| held.key == key && held.why == why) {
            return;
        }
        let flag =
            SETTINGS.iter().find(|setting| setting.path == key).map(|setting| format!("--{}", setting.flag));
        self.assumptions.push(Assumption {
            key: key.to_owned(),
            flag,
            value: value.into(),
            why: why.to_owned(),
        });
    }

    /// Takes an assumption back: this verb does not use it.
    pub(crate) fn forget(&mut self, key: &str) {
        self.assumptions.retain(|held| held.key != key);
    }

    /// Something to know before acting.
    pub(crate) fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    /// Adds what was noticed elsewhere.
    pub(crate) fn join(&mut self, other: Notes) {
        let new = other.assumptions.into_iter().filter(|assumed| !self.assumptions.contains(assumed));
        let new: Vec<Assumption> = new.collect();
        self.assumptions.extend(new);
        other.warnings.into_iter().for_each(|text| self.warn(text));
        self.used.extend(other.used);
        let overlays = other.overlays.into_iter().filter(|used| !self.overlays.contains(used));
        let overlays: Vec<OverlayUse> = overlays.collect();
        self.overlays.extend(overlays);
    }

    /// An entry whose figures the answer rests on.
    pub(crate) fn use_entry(&mut self, kind: Kind, id: &str, overlays: &[OverlayUse]) {
        self.used.insert((kind, id.to_owned()));
        for used in overlays.iter().filter(|used| !self.overlays.contains(used)).cloned().collect::<Vec<_>>()
        {
            self.overlays.push(used);
        }
    }

    /// The figures used that are estimates, or the user's.
    pub(crate) fn estimates(&self, catalog: &Catalog) -> Vec<Figure> {
        let of = |(kind, id): &(Kind, String)| {
            let sources = catalog.sources(*kind, id).unwrap_or_default();
            let weak = sources.into_iter().filter(|s| matches!(s.basis, Basis::Estimate | Basis::User));
            let entry = format!("{kind}.{id}");
            let figure = |s: rackplan_catalog::FigureSource| Figure {
                entry: entry.clone(),
                figure: s.figure,
                value: s.value,
                basis: s.basis,
                source: s.source,
            };
            weak.map(figure).collect::<Vec<_>>()
        };
        self.used.iter().flat_map(of).collect()
    }
}
