//! `sweep --method operators`: a row for every plan that serves, written as they are found; a file that was cut off is
//! gone on with.

use crate::args::output;
use crate::error::{Failure, code, in_words, write_failed};
use crate::size::format;
use crate::terminal::Progress;
use clap::{Arg, ArgAction, ArgMatches};
use rackplan_scenario::answer::PlanRow;
use rackplan_scenario::{Inputs, Layers, run};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// `--resume`.
pub(crate) fn resume_flag() -> Arg {
    let help = "Goes on with the file of a sweep that was cut off (--method operators, -o FILE)";
    Arg::new("resume").long("resume").action(ArgAction::SetTrue).help(help)
}

/// Whether rows of plans are asked for.
pub(crate) fn asked(layers: &Layers, format: &str) -> bool {
    layers.text("search.method") == Some("operators") && ["jsonl", "csv"].contains(&format)
}

pub(crate) fn run(matches: &ArgMatches, inputs: &Inputs, layers: &Layers) -> Result<ExitCode, Failure> {
    let (csv, target) = (format(matches) == "csv", output(matches));
    let held = if matches.get_flag("resume") { held(target, csv)? } else { Held::default() };
    let name = target.map_or("standard output".to_owned(), |path| path.display().to_string());
    let mut out: Box<dyn Write> = match target {
        Some(path) => Box::new(fs::File::create(path).map_err(write_failed(&name))?),
        None => Box::new(io::stdout()),
    };
    let mut failed = out.write_all(held.text.as_bytes()).err();
    let (mut progress, mut rows, mut heading) = (Progress::new("plans"), 0, csv && held.text.is_empty());
    run::sweep_plans(inputs, layers, held.setups, |setup| {
        let mut text = String::new();
        for row in &setup.rows {
            if std::mem::take(&mut heading) {
                text += &line(row, true, true);
            }
            text += &line(row, csv, false);
        }
        rows += setup.rows.len();
        (0..setup.plans_considered).for_each(|_| progress.advance());
        // A set-up is written as a whole, so that a file ends with a whole one unless writing itself is cut off.
        failed = out.write_all(text.as_bytes()).and_then(|()| out.flush()).err();
        failed.is_none()
    })?;
    match failed {
        Some(error) => Err(write_failed(&name)(error)),
        None if rows == 0 && held.setups == 0 => Ok(ExitCode::from(code::INFEASIBLE)),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// What an earlier run left: rows of whole set-ups, and how many set-ups those are.
#[derive(Default)]
struct Held {
    text: String,
    setups: usize,
}

/// All rows but those of the last set-up, which may not be whole.
fn held(target: Option<&Path>, csv: bool) -> Result<Held, Failure> {
    let Some(path) = target.filter(|path| path.exists()) else { return Ok(Held::default()) };
    let text = fs::read_to_string(path).map_err(|error| {
        let message = format!("{}: it cannot be read: {}", path.display(), in_words(&error));
        Failure::input(message, "leave out --resume to write it anew")
    })?;
    let setup = |line: &str| -> Option<usize> {
        let rest = if csv { line } else { line.strip_prefix("{\"setup\":")? };
        rest.split(',').next()?.parse().ok()
    };
    let Some(last) = text.lines().filter_map(setup).next_back() else { return Ok(Held::default()) };
    let whole = text.lines().filter(|line| setup(line).is_none_or(|number| number < last));
    Ok(Held { text: whole.map(|line| line.to_owned() + "\n").collect(), setups: last })
}

/// A row as JSON, or its values or keys with commas between, in the same order. Names in it are ids, without commas.
fn line(row: &PlanRow, csv: bool, heading: bool) -> String {
    let json = rackplan_report::json::line(row);
    if !csv {
        return json;
    }
    let fields = json.trim().trim_matches(['{', '}']).split(',').filter_map(|field| field.split_once(':'));
    let plain = |text: &str| if text == "null" { String::new() } else { text.trim_matches('"').to_owned() };
    let cells: Vec<String> = fields.map(|(key, value)| plain(if heading { key } else { value })).collect();
    cells.join(",") + "\n"
}
