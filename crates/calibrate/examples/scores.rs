//! Fits one operator and prints constants and held-out errors: `cargo run --release -p rackplan-calibrate --example scores -- gemm FILE.csv.gz`.
//!
//! `--leave-out GPU` fits on the other accelerators of its architecture and scores on it; `--pool` takes Blackwell and
//! Blackwell Ultra for one architecture.

use flate2::read::MultiGzDecoder;
use rackplan_calibrate::operators::with_operator;
use rackplan_calibrate::{Operator, Table};
use rackplan_catalog::{Architecture, Catalog};
use rackplan_perf::Constants;
use std::io::Read;

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let pool = take(&mut arguments, "--pool", 1).is_some();
    let left_out = take(&mut arguments, "--leave-out", 2).map(|mut option| option.remove(1));
    let [operator, path] = arguments.as_slice() else {
        panic!("usage: scores OPERATOR FILE.csv.gz [--leave-out GPU] [--pool]")
    };
    let mut text = String::new();
    let file = std::fs::File::open(path).expect("a readable file");
    MultiGzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    with_operator!(operator.as_str(), O => scores(&table::<O>(&text, left_out.as_deref(), pool)))
        .expect("a known operator");
}

/// Takes an option of so many words out of the arguments.
fn take(arguments: &mut Vec<String>, option: &str, words: usize) -> Option<Vec<String>> {
    let at = arguments.iter().position(|argument| argument == option)?;
    Some(arguments.drain(at..at + words).collect())
}

/// The groups to score: all, or those of one accelerator's architecture with that accelerator held out.
fn table<O: Operator>(text: &str, left_out: Option<&str>, pool: bool) -> Table<O> {
    let catalog = Catalog::builtin();
    let read = |text: &str| Table::<O>::read(text, &catalog).expect("a readable table");
    let Some(gpu) = left_out else { return pooled(read(text), pool) };
    let (heading, rows) = text.split_once('\n').expect("a heading");
    let mark = format!("{gpu},");
    let part = |of_gpu: bool| -> String {
        let rows = rows.lines().filter(|row| row.starts_with(&mark) == of_gpu);
        std::iter::once(heading).chain(rows).flat_map(|row| [row, "\n"]).collect()
    };
    let (mut known, unseen) = (pooled(read(&part(false)), pool), pooled(read(&part(true)), pool));
    known.groups.retain(|key, _| unseen.groups.contains_key(key));
    for (key, samples) in &mut known.groups {
        samples.iter_mut().for_each(|sample| sample.held_out = false);
        samples.extend(unseen.groups[key].iter().map(|sample| {
            let mut sample = *sample;
            sample.held_out = true;
            sample
        }));
    }
    known
}

fn pooled<O: Operator>(table: Table<O>, pool: bool) -> Table<O> {
    if !pool {
        return table;
    }
    let gpus = table.gpus;
    let mut groups = std::collections::BTreeMap::new();
    for (mut key, samples) in table.groups {
        if key.architecture == Architecture::BlackwellUltra {
            key.architecture = Architecture::Blackwell;
        }
        groups.entry(key).or_insert_with(Vec::new).extend(samples);
    }
    Table { groups, gpus }
}

fn scores<O: Operator>(table: &Table<O>)
where
    O::Shape: Send + Sync,
    O::Constants: Send,
{
    for group in table.fit() {
        let (key, held) = (&group.key, &group.fit.held_out);
        let names = O::Constants::PARAMETERS.iter().map(|parameter| parameter.name);
        let constants: Vec<String> = names
            .zip(group.fit.constants.values())
            .map(|(name, value)| format!("{name} {value:.3}"))
            .collect();
        println!(
            "{:8} {:18} {:12} n {:5} held out {:5}: {:5.1} / {:5.1} bias {:+5.1}   {}",
            key.backend,
            format!("{:?}", key.architecture),
            key.group,
            group.fit.rows,
            held.rows,
            held.median * 100.0,
            held.p90 * 100.0,
            held.bias * 100.0,
            constants.join(", ")
        );
    }
}
