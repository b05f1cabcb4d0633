//! Flags in common: made from the table of settings, so that flag, variable, file key and help are one.

use crate::error::Failure;
use crate::files;
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};
use rackplan_scenario::{Catalog, Inputs, Layers, Origin, QuestionError, Setting, Verb, settings_of};
use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

/// A verb that takes a question: scenario file, `--set`, every setting that the verb knows.
pub(crate) fn question_command(name: &'static str, about: &'static str, verb: Verb) -> Command {
    let scenario =
        Arg::new("scenario").value_name("SCENARIO").help("Scenario file (TOML); flags win over it");
    let set = Arg::new("set").long("set").value_name("KEY=VALUE").action(ArgAction::Append).help(
        "Set a key of the scenario, workload.users=2000, or a figure of the catalog, gpus.gb200.memory=288GB",
    );
    Command::new(name)
        .about(about)
        .arg(scenario.value_hint(ValueHint::FilePath))
        .arg(set)
        .args(settings_of(verb).map(flag))
}

fn flag(setting: &'static Setting) -> Arg {
    let arg = Arg::new(setting.path).long(setting.flag).help(setting.help).help_heading(setting.group);
    let arg = arg.visible_aliases(setting.aliases.iter().copied());
    match setting.is_switch() {
        true => arg.action(ArgAction::SetTrue),
        false => arg.value_name(setting.value).allow_hyphen_values(true),
    }
}

/// The folder flag of every command that looks names up.
pub(crate) fn catalog_flag() -> Arg {
    Arg::new("catalog")
        .long("catalog")
        .value_name("DIR")
        .action(ArgAction::Append)
        .value_parser(clap::value_parser!(PathBuf))
        .help("Folder of catalog entries that add to or replace the built-in ones")
}

/// `-o FILE`.
pub(crate) fn output_flag() -> Arg {
    Arg::new("output")
        .short('o')
        .long("output")
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help("Write the result to a file")
}

/// Where the result goes.
pub(crate) fn output(matches: &ArgMatches) -> Option<&Path> {
    matches.get_one::<PathBuf>("output").map(PathBuf::as_path)
}

/// The catalog with the user's overlays.
pub(crate) fn catalog(matches: &ArgMatches) -> Result<Catalog, Failure> {
    let named: Vec<PathBuf> = matches.get_many("catalog").into_iter().flatten().cloned().collect();
    files::catalog(&named)
}

/// Everything the user said, weakest place first: file, variables, `--set`, flags.
pub(crate) fn layers(matches: &ArgMatches, verb: Verb) -> Result<Layers, Failure> {
    let mut layers = Layers::default();
    if let Some(path) = matches.get_one::<String>("scenario") {
        layers.add_file(path, &files::text(Path::new(path))?)?;
    }
    for setting in settings_of(verb) {
        let variable = setting.variable();
        if let Some(value) = env::var_os(&variable).filter(|value| !value.is_empty()) {
            layers.add(setting.path, &value.to_string_lossy(), Origin::Variable(variable));
        }
    }
    add_flags(&mut layers, matches, verb)?;
    Ok(layers)
}

/// What the command line alone says: `--set`, and flags over it.
pub(crate) fn add_flags(layers: &mut Layers, matches: &ArgMatches, verb: Verb) -> Result<(), QuestionError> {
    for assignment in matches.get_many::<String>("set").into_iter().flatten() {
        layers.add_assignment(assignment)?;
    }
    for setting in settings_of(verb) {
        let origin = || Origin::Flag(format!("--{}", setting.flag));
        if setting.is_switch() {
            if matches.get_flag(setting.path) {
                layers.add(setting.path, "true", origin());
            }
        } else if let Some(value) = matches.get_one::<String>(setting.path) {
            layers.add(setting.path, value, origin());
        }
    }
    Ok(())
}

/// The catalog, and the text of a model's `config.json` where the question names one.
pub(crate) fn inputs(matches: &ArgMatches, layers: &Layers) -> Result<Inputs, Failure> {
    Ok(Inputs::new(catalog(matches)?, texts(layers)?).with_changes(layers)?)
}

/// The text of a model's `config.json` where the question names one.
pub(crate) fn texts(layers: &Layers) -> Result<BTreeMap<String, String>, Failure> {
    let mut texts = BTreeMap::new();
    if let Some(path) = layers.text("model").filter(|name| is_file_name(name)) {
        texts.insert(path.to_owned(), files::text(Path::new(path))?);
    }
    Ok(texts)
}

/// A model that is a file of the user's, not a name: it ends in `.json`.
fn is_file_name(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "json")
}
