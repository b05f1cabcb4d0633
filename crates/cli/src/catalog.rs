//! `catalog`: what is known, and what it rests on.

use crate::args::{catalog, catalog_flag, output, output_flag};
use crate::error::{Failure, code};
use crate::files;
use crate::output::write;
use clap::{Arg, ArgMatches, Command};
use rackplan_report::catalog as report;
use rackplan_scenario::{CatalogKind, run::catalog as answers};
use std::path::PathBuf;
use std::process::ExitCode;

pub(crate) fn command() -> Command {
    let kind = || Arg::new("kind").value_name("KIND").value_parser(CatalogKind::ALL.map(CatalogKind::folder));
    let name = || Arg::new("name").value_name("NAME").required(true).help("Id, alias or short name");
    let verb = |name, about| Command::new(name).about(about).args([catalog_flag(), output_flag()]);
    let file = Arg::new("file").value_name("FILE").required(true).value_parser(clap::value_parser!(PathBuf));
    let id = Arg::new("id").long("id").value_name("ID").help("Hugging Face id of the model");
    Command::new("catalog")
        .about("Shows what is known: accelerators, racks, links, models, KV tiers, prices, with sources")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(verb("list", "Lists entries").arg(kind().help("Only of this kind")))
        .subcommand(verb("show", "Prints an entry, overlays applied").arg(name()))
        .subcommand(verb("sources", "Prints every figure of an entry with its basis and source").arg(name()))
        .subcommand(verb("check", "Reads every entry and says what is wrong"))
        .subcommand(
            verb("schema", "Prints the JSON Schema of a kind").arg(kind().required(true).help("Which kind")),
        )
        .subcommand(
            verb("import", "Prints a Hugging Face config.json as a catalog entry")
                .arg(file.help("The config.json"))
                .arg(id),
        )
}

pub(crate) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let Some((verb, matches)) = matches.subcommand() else {
        return Err(Failure::Internal("a catalog verb without a function".to_owned()));
    };
    let target = output(matches);
    let known = catalog(matches)?;
    let kind = || matches.get_one::<String>("kind").and_then(|name| CatalogKind::from_folder(name));
    let name = || matches.get_one::<String>("name").map_or("", String::as_str);
    match verb {
        "list" => write(target, &report::list(&answers::list(&known, kind())))?,
        "show" => write(target, &answers::show(&known, name())?)?,
        "sources" => write(target, &report::sources(&answers::sources(&known, name())?))?,
        "schema" => write(
            target,
            &rackplan_report::json::pretty(&answers::schema(kind().expect("clap requires it"))),
        )?,
        "import" => write(target, &import(matches)?)?,
        _ => return check(matches),
    }
    Ok(ExitCode::SUCCESS)
}

fn import(matches: &ArgMatches) -> Result<String, Failure> {
    let path: &PathBuf = matches.get_one("file").expect("clap requires it");
    let stem = path.file_stem().map(|stem| stem.to_string_lossy());
    let id = matches.get_one::<String>("id").map(String::as_str).or(stem.as_deref());
    Ok(answers::import(&path.display().to_string(), &files::text(path)?, id)?)
}

fn check(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let (entries, errors) = catalog(matches)?.check();
    for error in &errors {
        eprintln!("error: {error}");
        error.hint().into_iter().for_each(|hint| eprintln!("hint: {hint}"));
    }
    write(output(matches), &format!("{entries} entries, {} wrong\n", errors.len()))?;
    Ok(if errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(code::INPUT) })
}
