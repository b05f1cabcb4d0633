//! `compare` and `diff`: two answers of `size` side by side.

use crate::args::{catalog, catalog_flag, output, output_flag};
use crate::error::Failure;
use crate::files;
use crate::output::write;
use crate::size::format;
use clap::{Arg, ArgMatches, Command};
use rackplan_report::{compare as report, json};
use rackplan_scenario::{AnswerFile, Inputs, Layers, run};
use std::path::Path;
use std::process::ExitCode;

const AFTER: &str = "\
A file is what `rackplan size ... --format json -o FILE` wrote, or a scenario (TOML), which is sized first.
Examples:
  rackplan compare before.json after.json
  rackplan diff main.toml branch.toml >> comment.md";

pub(crate) fn command() -> Command {
    two_files("compare", "Compares two answers: what changed in the question, and what follows", "text")
}

pub(crate) fn diff_command() -> Command {
    two_files("diff", "The same as Markdown, for a pull request", "markdown")
}

fn two_files(name: &'static str, about: &'static str, usual: &'static str) -> Command {
    let file = |id: &'static str| Arg::new(id).value_name(if id == "a" { "A" } else { "B" }).required(true);
    let formats = Arg::new("format").long("format").value_name("FORMAT").default_value(usual);
    Command::new(name)
        .about(about)
        .after_help(AFTER)
        .arg(file("a").help("The first answer or scenario"))
        .arg(file("b").help("The second"))
        .arg(formats.value_parser(["text", "json", "csv", "markdown"]).help("Layout"))
        .args([output_flag(), catalog_flag()])
}

pub(crate) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let answer = run::compare(&read(matches, "a")?, &read(matches, "b")?);
    let text = match format(matches) {
        "json" => json::pretty(&answer),
        "csv" => report::csv(&answer),
        "markdown" => report::markdown(&answer),
        _ => report::text(&answer),
    };
    write(output(matches), &text)?;
    Ok(ExitCode::SUCCESS)
}

/// An answer as it was written, or a scenario sized now.
fn read(matches: &ArgMatches, which: &str) -> Result<AnswerFile, Failure> {
    let name: &String = matches.get_one(which).expect("clap requires it");
    let text = files::text(Path::new(name))?;
    if !Path::new(name).extension().is_some_and(|extension| extension == "toml") {
        return Ok(AnswerFile::read(name, &text)?);
    }
    let mut layers = Layers::default();
    layers.add_file(name, &text)?;
    let inputs = Inputs::new(catalog(matches)?, crate::args::texts(&layers)?);
    let answer = run::size(&inputs, &layers)?;
    Ok(AnswerFile::read(name, &json::line(&answer))?)
}
