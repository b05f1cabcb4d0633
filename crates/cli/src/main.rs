//! `rackplan`: the command line. This file is the table of contents; each verb has a file.

mod args;
mod calibrate;
mod catalog;
mod chrome_trace;
mod compare;
mod error;
mod explain;
mod figures;
mod files;
mod generate;
mod init;
mod offload;
mod output;
#[cfg(feature = "parquet")]
mod parquet;
mod predict;
mod predict_ops;
mod predict_serving;
mod rows;
mod simulate;
mod simulate_files;
mod simulate_watch;
mod size;
mod sweep;
mod sweep_plans;
mod terminal;
mod usage;
mod validate;
mod zstd;

use clap::Command;
use error::Failure;
use std::process::ExitCode;

const ABOUT: &str = "Plans LLM data centres: from a model, its users and a latency target to racks";

const AFTER: &str = "\
Every setting can be a flag, a variable RACKPLAN_<FLAG>, a key of a scenario file, or --set KEY=VALUE.
Exit codes: 0 ok, 1 internal, 2 usage, 3 unreadable or invalid input, 4 no plan fits, 5 a gate failed.";

fn main() -> ExitCode {
    run().unwrap_or_else(Failure::report)
}

fn run() -> Result<ExitCode, Failure> {
    let matches = command().try_get_matches().map_err(|error| Failure::Usage(Box::new(error)))?;
    match matches.subcommand() {
        Some(("size", matches)) => size::run(matches),
        Some(("sweep", matches)) => sweep::run(matches),
        Some(("explain", matches)) => explain::run(matches),
        Some(("simulate", matches)) => simulate::run(matches),
        Some(("compare" | "diff", matches)) => compare::run(matches),
        Some(("init", matches)) => init::run(matches),
        Some(("offload", matches)) => offload::run(matches),
        Some(("predict", matches)) => predict::run(matches),
        Some(("calibrate", matches)) => calibrate::run(matches),
        Some(("validate", matches)) => validate::run(matches),
        Some(("catalog", matches)) => catalog::run(matches),
        Some(("schema", matches)) => generate::schema(matches),
        Some(("completions", matches)) => generate::completions(matches, command()),
        Some(("man", matches)) => generate::man(matches, command()),
        _ => Err(Failure::Internal("a verb without a function".to_owned())),
    }
}

/// The whole command line.
fn command() -> Command {
    Command::new("rackplan")
        .about(ABOUT)
        .after_help(AFTER)
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .max_term_width(100)
        .subcommands([size::command(), sweep::command(), explain::command(), simulate::command()])
        .subcommands([compare::command(), compare::diff_command(), init::command()])
        .subcommands([offload::command(), predict::command()])
        .subcommands([calibrate::command(), validate::command(), catalog::command()])
        .subcommand(generate::schema_command())
        .subcommands([generate::completions_command(), generate::man_command()])
}
