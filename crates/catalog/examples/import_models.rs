//! Writes `catalog/models/*.toml` from a folder of `config.json` files:
//!
//! ```text
//! cargo run -p rackplan-catalog --example import_models -- CONFIGS ../../catalog/models
//! ```
//!
//! A file is called `Qwen--Qwen3-32B_config.json` or `Qwen--Qwen3-32B.json`; its stem is the model's id. What a
//! configuration does not say is kept from the entry that stands: name, aliases, source, basis, notes, published
//! totals, and every field that `other_sources` names. Entries without a configuration are written anew as read.

use rackplan_catalog::hf_config::import;
use rackplan_catalog::model::{Model, to_toml};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};
use toml::Table;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [configs, catalog] = arguments.as_slice() else {
        return Err("usage: import_models CONFIGS CATALOG_MODELS".into());
    };
    let configs: BTreeMap<String, PathBuf> =
        files(Path::new(configs), "json")?.into_iter().map(|path| (stem(&path), path)).collect();
    for (stem, path) in &configs {
        let entry = Path::new(catalog).join(format!("{stem}.toml"));
        fs::write(&entry, to_toml(&imported(stem, path, &entry)?))?;
    }
    for entry in files(Path::new(catalog), "toml")? {
        if !configs.contains_key(&stem(&entry)) {
            let model: Model = toml::from_str(&fs::read_to_string(&entry)?)?;
            fs::write(&entry, to_toml(&model))?;
        }
    }
    Ok(())
}

/// The model of a configuration, with what the standing entry adds.
fn imported(stem: &str, path: &Path, entry: &Path) -> Result<Model, Failure> {
    let id = stem.replacen("--", "/", 1);
    let imported = import(&fs::read_to_string(path)?, Some(&id)).map_err(|error| format!("{id}: {error}"))?;
    for warning in &imported.warnings {
        eprintln!("{id}: {warning}");
    }
    let standing: Table = fs::read_to_string(entry).unwrap_or_default().parse()?;
    let mut table = Table::try_from(&imported.model)?;
    let corrected = standing.get("other_sources").and_then(toml::Value::as_table);
    let kept = ["name", "aliases", "source", "basis", "notes", "published", "other_sources"];
    for key in kept.into_iter().chain(corrected.into_iter().flatten().map(|(key, _)| key.as_str())) {
        if let Some(value) = standing.get(key) {
            table.insert(key.to_owned(), value.clone());
        }
    }
    Ok(table.try_into()?)
}

fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, Failure>>()?;
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    Ok(paths)
}

/// The id as a file name writes it.
fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    stem.trim_end_matches("_config").to_owned()
}
