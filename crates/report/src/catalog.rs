//! What the catalog knows, as text.

use crate::section::{Section, text};
use rackplan_scenario::FigureSource;
use rackplan_scenario::run::catalog::Listed;

/// The entries, a table a kind.
pub fn list(entries: &[Listed]) -> String {
    let mut kinds: Vec<&str> = entries.iter().map(|entry| entry.kind).collect();
    kinds.dedup();
    let section = |kind: &&str| {
        let rows = entries.iter().filter(|entry| entry.kind == *kind);
        let cells = |entry: &Listed| vec![entry.id.clone(), entry.name.clone(), entry.figures.clone()];
        Section::new(kind, &["id", "name", "figures"], rows.map(cells).collect())
    };
    text(&kinds.iter().map(section).collect::<Vec<_>>())
}

/// Every figure of an entry with its basis and source.
pub fn sources(figures: &[FigureSource]) -> String {
    let cells =
        |f: &FigureSource| vec![f.figure.clone(), f.value.clone(), f.basis.to_string(), f.source.clone()];
    text(&[Section::new(
        "Figures",
        &["figure", "value", "basis", "source"],
        figures.iter().map(cells).collect(),
    )])
}
