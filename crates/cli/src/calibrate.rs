//! `calibrate`: measurements in, constants out.

use crate::args::{catalog, catalog_flag};
use crate::error::{Failure, write_failed};
use crate::files;
use crate::output::write;
use clap::{Arg, ArgMatches, Command};
use rackplan_scenario::operators::{NAMES, fit};
use rackplan_scenario::predict_serving::{BandCoverage, FittedEntry, fit_bands, fit_loans, fit_steps};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(crate) fn command() -> Command {
    let path = |name: &'static str| Arg::new(name).value_parser(clap::value_parser!(PathBuf));
    let folder = path("folder")
        .value_name("DIR")
        .required(true)
        .help("Folder of tables named OPERATOR_fit.csv.gz or OPERATOR.csv");
    let output = path("output")
        .short('o')
        .long("output")
        .value_name("DIR")
        .help("Where the engine files go (default: rackplan.d/engines)");
    let fit_ops = Command::new("fit-ops")
        .about("Fits the constants of operators to tables of measured latencies and writes catalog entries")
        .args([folder, output, catalog_flag()]);
    let fit_bands = fit_results("fit-bands", "bands")
        .about("Fits the bands of serving predictions to published results and writes a catalog entry");
    let fit_loans = fit_results("fit-loans", "loans").about(
        "Fits what borrowed kernels reach on accelerators without measured ones to published results there",
    );
    let fit_steps = fit_results("fit-steps", "constants").about(
        "Fits what no single operator shows of a step to published results, and leaves parts of them out",
    );
    Command::new("calibrate")
        .about("Turns measurements into constants")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([fit_ops, fit_loans, fit_steps, fit_bands])
}

/// A command that fits something to published results.
fn fit_results(name: &'static str, what: &str) -> Command {
    let results = Arg::new("file")
        .value_name("FILE")
        .required(true)
        .value_parser(clap::value_parser!(PathBuf))
        .help("Results as for `predict serving`, with measured columns");
    let folder = if what == "constants" { "steps" } else { what };
    let output = Arg::new("output")
        .short('o')
        .long("output")
        .value_name("DIR")
        .value_parser(clap::value_parser!(PathBuf))
        .help(format!("Where the {what} go (default: rackplan.d/{folder})"));
    Command::new(name).args([results, output, catalog_flag()])
}

pub(crate) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    match matches.subcommand() {
        Some(("fit-ops", matches)) => fit_operators(matches),
        Some(("fit-loans", matches)) => fit_serving_loans(matches),
        Some(("fit-steps", matches)) => fit_serving_steps(matches),
        Some(("fit-bands", matches)) => fit_serving_bands(matches),
        _ => Err(Failure::Internal("a calibration without a function".to_owned())),
    }
}

/// Fits bands and says how many of the measurements of left-out groups they hold.
fn fit_serving_bands(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let path: &PathBuf = matches.get_one("file").expect("clap requires it");
    let fallback = PathBuf::from("rackplan.d/bands");
    let target: &PathBuf = matches.get_one("output").unwrap_or(&fallback);
    let (text, coverage) = fit_bands(&files::table(path)?, &catalog(matches)?);
    if coverage.is_empty() {
        let message = format!("{}: no row has a measured column", path.display());
        return Err(Failure::input(message, "see the columns of `predict serving --help`"));
    }
    std::fs::create_dir_all(target).map_err(write_failed(&target.display().to_string()))?;
    write(Some(&target.join("serving.toml")), &text)?;
    for BandCoverage { what, rows, groups, of_rows, of_groups } in coverage {
        let (of_rows, of_groups) = (100.0 * of_rows, 100.0 * of_groups);
        let line =
            format!("{what}: {of_rows:.0} % of {rows} rows, {of_groups:.0} % as a mean over {groups}\n");
        write(None, &line)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Fits loans and says what they would be without each model, source and accelerator, and the errors there.
fn fit_serving_loans(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let path: &PathBuf = matches.get_one("file").expect("clap requires it");
    let loans = fit_loans(&files::table(path)?, &catalog(matches)?);
    let missing = "no row is of an accelerator without measured kernels";
    write_entries(matches, &loans, "rackplan.d/loans", missing)
}

/// The same for constants of steps.
fn fit_serving_steps(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let path: &PathBuf = matches.get_one("file").expect("clap requires it");
    let steps = fit_steps(&files::table(path)?, &catalog(matches)?);
    write_entries(matches, steps.as_slice(), "rackplan.d/steps", "no row has a measured column")
}

fn write_entries(
    matches: &ArgMatches,
    entries: &[FittedEntry],
    fallback: &str,
    missing: &str,
) -> Result<ExitCode, Failure> {
    let path: &PathBuf = matches.get_one("file").expect("clap requires it");
    let fallback = PathBuf::from(fallback);
    let target: &PathBuf = matches.get_one("output").unwrap_or(&fallback);
    if entries.is_empty() {
        let message = format!("{}: {missing}", path.display());
        return Err(Failure::input(message, "see the columns of `predict serving --help`"));
    }
    std::fs::create_dir_all(target).map_err(write_failed(&target.display().to_string()))?;
    for FittedEntry { id, text, report } in entries {
        write(Some(&target.join(format!("{id}.toml"))), text)?;
        write(None, &format!("{id}: {}\n", report.join("\n  ")))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn fit_operators(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let folder: &PathBuf = matches.get_one("folder").expect("clap requires it");
    let fallback = PathBuf::from("rackplan.d/engines");
    let target: &PathBuf = matches.get_one("output").unwrap_or(&fallback);
    let tables = tables(folder)?;
    let engines = fit(&tables, &catalog(matches)?).map_err(|error| {
        Failure::input(format!("{}: {error}", folder.display()), "see the columns of `predict ops --help`")
    })?;
    std::fs::create_dir_all(target).map_err(write_failed(&target.display().to_string()))?;
    for (id, text) in &engines {
        write(Some(&target.join(format!("{id}.toml"))), text)?;
    }
    write(
        None,
        &format!("{} tables, {} engine files in {}\n", tables.len(), engines.len(), target.display()),
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The tables of a folder, as (operator, text), in the order of the operators' names.
fn tables(folder: &Path) -> Result<Vec<(String, String)>, Failure> {
    let candidates = |name: &str| {
        ["_fit.csv.gz", ".csv.gz", "_fit.csv", ".csv"].map(|end| folder.join(format!("{name}{end}")))
    };
    let mut found = Vec::new();
    for name in NAMES {
        if let Some(path) = candidates(name).into_iter().find(|path| path.is_file()) {
            found.push(((*name).to_owned(), files::table(&path)?));
        }
    }
    if found.is_empty() {
        let hint = format!("expected files such as `{}_fit.csv.gz`", NAMES[0]);
        return Err(Failure::input(format!("{}: no table of an operator is there", folder.display()), hint));
    }
    Ok(found)
}
