//! Files beside the checkout. They are not part of the project, so that a test without them says so and passes.

use rackplan_catalog::hf_config::import;
use rackplan_catalog::model::Model;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

/// A path below `../shared`, if it is there.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let found = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if found.exists() {
        return Some(found);
    }
    println!("skipped: ../shared/{path} is absent");
    None
}

/// A table as one map a row, column to cell.
pub(crate) fn table(path: &str) -> Option<Vec<BTreeMap<String, String>>> {
    let path = shared(path)?;
    let bytes = std::fs::read(&path).unwrap();
    let mut text = String::new();
    match path.extension().is_some_and(|extension| extension == "gz") {
        true => flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap(),
        false => bytes.as_slice().read_to_string(&mut text).unwrap(),
    };
    let mut rows = rows(&text).into_iter();
    let head = rows.next()?;
    Some(rows.map(|row| head.iter().cloned().zip(row).collect()).collect())
}

/// The cells of a CSV text; quoted cells may hold commas, quotes and line ends.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '\r' => {}
            c => cell.push(c),
        }
    }
    rows
}

/// The configurations, by id.
pub(crate) fn configs() -> Option<BTreeMap<String, String>> {
    let folder = shared("catalog/hf_configs")?;
    let texts = std::fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().replace("_config", "");
        (stem.replacen("--", "/", 1), std::fs::read_to_string(&path).unwrap())
    });
    Some(texts.collect())
}

/// The models that the configurations give, by id.
pub(crate) fn imported() -> Option<BTreeMap<String, Model>> {
    let read = |(id, text): (String, String)| {
        let imported = import(&text, Some(&id)).unwrap_or_else(|error| panic!("{id}: {error}"));
        (id, imported.model)
    };
    Some(configs()?.into_iter().map(read).collect())
}
