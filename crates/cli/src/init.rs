//! `init`: a scenario to start from.

use crate::args::{output, output_flag};
use crate::error::Failure;
use crate::output::write;
use clap::{Arg, ArgMatches, Command};
use rackplan_scenario::use_case;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  rackplan init --use-case chat -o site.toml && rackplan size site.toml";

pub(crate) fn command() -> Command {
    let case = Arg::new("use-case").long("use-case").value_name("CASE").default_value("chat");
    Command::new("init")
        .about("Writes a commented scenario to start from")
        .after_help(EXAMPLES)
        .arg(case.value_parser(use_case::NAMES).help("What people do with the model"))
        .arg(output_flag())
}

pub(crate) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let name: &String = matches.get_one("use-case").expect("it has a default");
    let text = use_case::scenario(name).expect("clap allows only the names listed");
    if let Some(path) = output(matches).filter(|path| path.exists()) {
        let message = format!("{}: it is there already", path.display());
        return Err(Failure::input(message, "give another name after -o, or remove it"));
    }
    write(output(matches), &text)?;
    Ok(ExitCode::SUCCESS)
}
