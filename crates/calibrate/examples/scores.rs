//! Fits one operator and prints constants and held-out errors: `cargo run --release -p rackplan-calibrate --example scores -- gemm FILE.csv.gz`.

use flate2::read::MultiGzDecoder;
use rackplan_calibrate::operators::GemmRows;
use rackplan_calibrate::{Operator, Table};
use rackplan_catalog::Catalog;
use rackplan_perf::Constants;
use std::io::Read;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [operator, path] = arguments.as_slice() else { panic!("usage: scores OPERATOR FILE.csv.gz") };
    let mut text = String::new();
    let file = std::fs::File::open(path).expect("a readable file");
    MultiGzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    match operator.as_str() {
        "gemm" => scores::<GemmRows>(&text),
        other => panic!("unknown operator {other}"),
    }
}

fn scores<O: Operator>(text: &str)
where
    O::Shape: Send + Sync,
    O::Constants: Send,
{
    let table = Table::<O>::read(text, &Catalog::builtin()).expect("a readable table");
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
