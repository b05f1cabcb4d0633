//! `validate`: predictions against measurements.

use crate::args::{catalog, catalog_flag, output, output_flag};
use crate::error::{Failure, code};
use crate::files;
use crate::output::write;
use crate::predict_ops::operator_flag;
use clap::{Arg, ArgAction, ArgMatches, Command};
use rackplan_scenario::operators::score;
use rackplan_scenario::predict_serving::score_serving;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

pub(crate) fn command() -> Command {
    let file = Arg::new("file").value_name("FILE").required(true).value_parser(clap::value_parser!(PathBuf));
    let most =
        Arg::new("max-error").long("max-error").value_name("PERCENT").value_parser(clap::value_parser!(f64));
    let markdown =
        Arg::new("markdown").long("markdown").action(ArgAction::SetTrue).help("Write a Markdown table");
    Command::new("validate")
        .about("Scores predictions against measured times")
        .arg(
            file.help(
                "CSV as for `predict serving` with measured columns, or with --op as for `predict ops`",
            ),
        )
        .arg(operator_flag().required(false))
        .arg(markdown)
        .arg(most.help("Exit with 5 where the median error of a group is larger"))
        .args([catalog_flag(), output_flag()])
}

pub(crate) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let path: &PathBuf = matches.get_one("file").expect("clap requires it");
    let operator = matches.get_one::<String>("op");
    let shown = path.display();
    let mut text = String::new();
    let unreadable = |error: std::io::Error| {
        Failure::input(format!("{shown}: {error}"), "is it a CSV table, plain or .gz?")
    };
    files::rows(path)?.read_to_string(&mut text).map_err(unreadable)?;
    let Some(operator) = operator else { return serving(matches, &text) };
    let scores = score(operator, &text, &catalog(matches)?).map_err(|error| {
        Failure::input(format!("{shown}: {error}"), "every row needs the shape's columns and latency_us")
    })?;
    write(output(matches), &rackplan_report::score::text(&scores))?;
    let worst = scores.iter().map(|row| row.median * 100.0).fold(0.0, f64::max);
    let allowed = matches.get_one::<f64>("max-error").copied().unwrap_or(f64::INFINITY);
    Ok(if worst <= allowed { ExitCode::SUCCESS } else { ExitCode::from(code::GATE) })
}

/// Scores a table of serving results.
fn serving(matches: &ArgMatches, text: &str) -> Result<ExitCode, Failure> {
    let scores = score_serving(text, &catalog(matches)?);
    if scores.is_empty() {
        let hint =
            "measured columns are e.g. tpot_ms_mean, ttft_ms_mean, total_output_tok_s; operators need --op";
        return Err(Failure::input("no row has a measured column that a prediction answers", hint));
    }
    let shown = match matches.get_flag("markdown") {
        true => rackplan_report::score::serving_markdown(&scores),
        false => rackplan_report::score::serving_text(&scores),
    };
    write(output(matches), &shown)?;
    let worst = scores.iter().map(|row| row.median * 100.0).fold(0.0, f64::max);
    let allowed = matches.get_one::<f64>("max-error").copied().unwrap_or(f64::INFINITY);
    Ok(if worst <= allowed { ExitCode::SUCCESS } else { ExitCode::from(code::GATE) })
}
