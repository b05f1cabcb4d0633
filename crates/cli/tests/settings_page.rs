//! `docs/settings.md` is made from the table of settings; after a change of the table: `UPDATE=1 cargo test -p rackplan-cli`.

use rackplan_scenario::{SETTINGS, Setting, Verb};
use std::fmt::Write as _;
use std::path::Path;

const HEAD: &str = "\
# Settings

One table for every place: the flag `--users`, the variable `RACKPLAN_USERS`, the key `workload.users` of a scenario file
and `--set workload.users=2000`. A flag wins over `--set`, that over a variable, that over a file. JSON answers list every
value with its origin.

Counts may have a suffix: `32k` is 32,000 and `32Ki` is 32,768. Lists have commas in flags, brackets in files.

| flag | key | verbs | meaning |
|---|---|---|---|
";

#[test]
fn law_the_page_of_settings_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/settings.md");
    let page = SETTINGS.iter().fold(HEAD.to_owned(), |mut page, setting| {
        writeln!(page, "{}", row(setting)).unwrap();
        page
    });
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), page, "docs/settings.md is not what the table says");
}

fn row(setting: &Setting) -> String {
    let value = if setting.value.is_empty() { String::new() } else { format!(" {}", setting.value) };
    let aliases: String = setting.aliases.iter().map(|alias| format!(", `--{alias}`")).collect();
    let verbs: Vec<&str> = setting.verbs.iter().map(|verb| name(*verb)).collect();
    format!(
        "| `--{}{value}`{aliases} | `{}` | {} | {} |",
        setting.flag,
        setting.path,
        verbs.join(", "),
        setting.help
    )
}

fn name(verb: Verb) -> &'static str {
    match verb {
        Verb::Size => "size",
        Verb::Sweep => "sweep",
        Verb::Offload => "offload",
        Verb::Explain => "explain",
        Verb::Simulate => "simulate",
    }
}
