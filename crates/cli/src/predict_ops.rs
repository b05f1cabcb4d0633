//! `predict ops`: the time of operators, from a table of shapes.

use crate::args::{catalog, catalog_flag, output_flag};
use crate::error::Failure;
use crate::predict::stream;
use clap::{Arg, ArgMatches, Command};
use rackplan_scenario::operators::{NAMES, RowPredictor};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// `--op`.
pub(crate) fn operator_flag() -> Arg {
    let names = clap::builder::PossibleValuesParser::new(NAMES);
    Arg::new("op").long("op").value_name("OPERATOR").required(true).value_parser(names).help("Which operator")
}

pub(crate) fn command() -> Command {
    let file = Arg::new("file").value_name("FILE").required(true).value_parser(clap::value_parser!(PathBuf));
    Command::new("ops")
        .about("The time of single operators on one rank, with their band and evidence")
        .arg(file.help("CSV with a line of headings, plain or .gz: gpu, backend and the shape's columns"))
        .arg(operator_flag())
        .args([catalog_flag(), output_flag()])
}

pub(crate) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let operator: &String = matches.get_one("op").expect("clap requires it");
    let known = catalog(matches)?;
    let mut predictor: Option<RowPredictor> = None;
    stream(matches, |line| {
        let text = String::from_utf8_lossy(line);
        let Some(predictor) = &mut predictor else {
            predictor = Some(RowPredictor::new(operator, &text, &known));
            return None;
        };
        Some(match predictor.predict(&text) {
            Ok(found) => serde_json::to_string(&found).expect("a row is plain data"),
            Err((row, error)) => json!({ "row": row, "error": error }).to_string(),
        })
    })
}
