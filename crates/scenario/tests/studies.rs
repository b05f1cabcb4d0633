//! Single published figures, each in a file of `validation/` with its question and the tolerance that we claim.

use rackplan_scenario::Catalog;
use rackplan_scenario::predict_serving::{AnchorRows, By, ServingPredictor, score_serving};
use rackplan_scenario::serving::ServingReader;
use serde::Deserialize;
use std::fs;
use std::path::Path;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Study {
    source: String,
    published: Option<String>,
    notes: Option<String>,
    question: toml::Table,
    figure: Figure,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Figure {
    /// A measured column, as in tables of results.
    column: String,
    value: f64,
    /// Of |predicted / measured - 1|.
    tolerance: f64,
}

/// The studies by name.
fn studies() -> Vec<(String, Study)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../validation");
    let mut found: Vec<(String, Study)> = fs::read_dir(folder)
        .expect("the folder is part of the project")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| {
            let text = fs::read_to_string(&path).expect("it can be read");
            let study = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path.file_stem().expect("it has a name").to_string_lossy().into_owned(), study)
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// The question with its figure, as a line of a table.
fn line(study: &Study) -> String {
    let mut row = study.question.clone();
    row.insert(study.figure.column.clone(), toml::Value::Float(study.figure.value));
    serde_json::to_string(&row).expect("it is plain data")
}

#[test]
fn val_published_figures_are_met_within_the_claimed_tolerance() {
    let catalog = Catalog::builtin();
    let all = studies();
    assert!(all.len() >= 8, "{} studies", all.len());
    let mut missed = Vec::new();
    for (name, study) in &all {
        let Figure { column, value, tolerance } = &study.figure;
        let scores = score_serving(&line(study), &catalog, &[By::Model], AnchorRows::None);
        let score = scores.groups.iter().find(|score| score.metric == column);
        let score = score.unwrap_or_else(|| panic!("{name}: `{column}` is not compared"));
        println!("{name}: {column} {value}, predicted {:+.1} %, claimed {tolerance}", 100.0 * score.bias);
        if score.median > *tolerance {
            missed.push(format!("{name}: off by {:.3}, claimed {tolerance}", score.bias));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn law_every_study_names_its_source_and_can_be_asked() {
    let catalog = Catalog::builtin();
    let mut predictor = ServingPredictor::new(&catalog);
    for (name, study) in studies() {
        assert!(!study.source.is_empty(), "{name}");
        assert!(study.published.is_none_or(|month| month.starts_with("20")), "{name}: a month");
        assert!(study.notes.is_none_or(|notes| notes.ends_with('.')), "{name}: notes are sentences");
        assert!((0.05..=0.5).contains(&study.figure.tolerance), "{name}: that claims too much or nothing");
        let text = serde_json::to_string(&study.question).expect("it is plain data");
        let case = ServingReader::new(&text, &catalog).case(&text);
        let case = case.unwrap_or_else(|(_, problem)| panic!("{name}: {problem}"));
        assert!(predictor.predict(&case).expect("it has an answer").fits, "{name}: what ran fits");
    }
}
