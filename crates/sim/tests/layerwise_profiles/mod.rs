//! Layerwise operator profiles beside the checkout, for tests and benchmarks.
#![allow(dead_code, reason = "tests and a benchmark share this")]

use flate2::read::GzDecoder;
use rackplan_sim::{Layout, OperatorTables};
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

/// Llama-3.1-8B on one GPU.
pub(crate) const LLAMA_8B: Layout = Layout { layers: 32, tp: 1, pp: 1, is_grouped: true };

pub(crate) fn shared() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared")
}

/// The text of a compressed file beside the checkout; none, and a line that says so, where it is not.
pub(crate) fn text(path: &str) -> Option<String> {
    let Ok(file) = File::open(shared().join(path)) else {
        println!("skipped: ../shared/{path} is not here");
        return None;
    };
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Files of the profile of a card, model and layout.
pub(crate) fn files(card: &str, model: &str, tp: u32, tables: &[&str]) -> Option<Vec<(String, String)>> {
    let path = |table: &str| {
        format!("peers/operator-profiles/llmservingsim/perf--{card}--{model}--bf16--tp{tp}--{table}.csv.gz")
    };
    tables.iter().map(|table| Some((format!("{table}.csv"), text(&path(table))?))).collect()
}

/// All of the profile of Llama-3.1-8B on one card.
pub(crate) fn llama_8b(card: &str) -> Option<OperatorTables> {
    let files = files(card, "meta-llama--Llama-3.1-8B", 1, &["dense", "per_sequence", "attention", "skew"])?;
    Some(OperatorTables::read(&files, LLAMA_8B).expect("a good profile"))
}
