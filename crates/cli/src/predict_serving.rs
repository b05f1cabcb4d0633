//! `predict serving`: what a benchmark's client would see of each configuration.

use crate::args::{catalog, catalog_flag, output_flag};
use crate::error::Failure;
use crate::predict::stream;
use crate::validate::{anchors_flag, anchors_text, report_anchors};
use clap::{Arg, ArgMatches, Command};
use rackplan_scenario::Catalog;
use rackplan_scenario::predict_serving::ServingPredictor;
use rackplan_scenario::serving::{ServingFilter, ServingReader};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

pub(crate) fn command() -> Command {
    let file = Arg::new("file").value_name("FILE").required(true).value_parser(clap::value_parser!(PathBuf));
    let help = "CSV with headings or JSON lines, plain or .gz: model, gpu, framework, weight_dtype, tp, isl, osl, \
                load, concurrency...";
    Command::new("serving")
        .about("TTFT, TPOT and throughput of serving configurations, as their client would see them")
        .arg(file.help(help))
        .arg(names("gpu", "Only rows of these accelerators"))
        .arg(names("backend", "Only rows of these frameworks: vllm, sglang, trtllm"))
        .args([anchors_flag(), catalog_flag(), output_flag()])
}

/// A list of names that rows are kept by.
fn names(flag: &'static str, help: &'static str) -> Arg {
    Arg::new(flag).long(flag).value_name("NAME[,NAME...]").value_delimiter(',').help(help)
}

/// The rows that are wanted.
fn filter(matches: &ArgMatches, catalog: &Catalog) -> Result<ServingFilter, Failure> {
    let names = |flag: &str| -> Vec<&str> {
        matches.get_many::<String>(flag).into_iter().flatten().map(String::as_str).collect()
    };
    Ok(ServingFilter::new(&names("gpu"), &names("backend"), catalog)?)
}

pub(crate) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let known = catalog(matches)?;
    let filter = filter(matches, &known)?;
    let mut predictor = ServingPredictor::new(&known);
    if let Some(text) = anchors_text(matches)? {
        report_anchors(&predictor.anchor(&text, &known))?;
    }
    let mut reader: Option<ServingReader> = None;
    stream(matches, |line| {
        let text = String::from_utf8_lossy(line);
        let reader = match &mut reader {
            Some(reader) => reader,
            none => {
                let first = none.insert(ServingReader::new(&text, &known));
                if !first.is_jsonl() {
                    return None;
                }
                first
            }
        };
        let case = reader.case(&text);
        if case.as_ref().is_ok_and(|case| !filter.keeps(case)) {
            return None;
        }
        let found = case.and_then(|case| predictor.predict(&case).map_err(|problem| (case.id, problem)));
        Some(match found {
            Ok(answer) => serde_json::to_string(&answer).expect("a row is plain data"),
            Err((id, error)) => json!({ "id": id, "error": error }).to_string(),
        })
    })
}
