//! What is generated from the program itself: JSON Schemas, shell completions, man pages.

use crate::args::{output, output_flag};
use crate::error::{Failure, write_failed};
use crate::output::{write, write_bytes};
use clap::{Arg, ArgMatches, Command};
use clap_complete::Shell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(crate) fn schema_command() -> Command {
    let what = Arg::new("what").value_name("WHAT").required(true).value_parser(rackplan_scenario::SCHEMAS);
    Command::new("schema")
        .about("Prints the JSON Schema of a question or an answer")
        .arg(what.help("Which layout"))
        .arg(output_flag())
}

pub(crate) fn schema(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let what: &String = matches.get_one("what").expect("clap requires it");
    let schema = rackplan_scenario::schema(what).expect("clap allows only the names listed");
    let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    write(output(matches), &(text + "\n"))?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn completions_command() -> Command {
    let shell = Arg::new("shell").value_name("SHELL").required(true).value_parser(clap::value_parser!(Shell));
    Command::new("completions").about("Prints the completions of a shell").arg(shell.help("Which shell"))
}

pub(crate) fn completions(matches: &ArgMatches, mut command: Command) -> Result<ExitCode, Failure> {
    let shell: &Shell = matches.get_one("shell").expect("clap requires it");
    let mut text = Vec::new();
    clap_complete::generate(*shell, &mut command, "rackplan", &mut text);
    write_bytes(None, &text)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn man_command() -> Command {
    let folder =
        Arg::new("folder").long("folder").value_name("DIR").value_parser(clap::value_parser!(PathBuf));
    Command::new("man")
        .about("Prints the man page; with --folder writes one page a verb")
        .arg(folder.help("Write rackplan.1, rackplan-size.1, ... there"))
}

pub(crate) fn man(matches: &ArgMatches, command: Command) -> Result<ExitCode, Failure> {
    match matches.get_one::<PathBuf>("folder") {
        None => write_bytes(None, &page(command)?)?,
        Some(folder) => pages(folder, command)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn pages(folder: &Path, command: Command) -> Result<(), Failure> {
    let failed = write_failed(&folder.display().to_string());
    std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder)).map_err(failed)
}

fn page(command: Command) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text).map_err(write_failed("man page"))?;
    Ok(text)
}
