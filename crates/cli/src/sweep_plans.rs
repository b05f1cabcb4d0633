//! `sweep` by operators: a row for every plan that serves, written as they are found; a file that was cut off is
//! gone on with.

use crate::args::output;
use crate::error::{Failure, code, in_words, write_failed};
use crate::rows::{self, Cell, Rows, is_parquet, line};
use crate::size::format;
use crate::terminal::Progress;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};
use rackplan_scenario::answer::PlanRow;
use rackplan_scenario::{Inputs, Layers, run};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// `--resume`.
pub(crate) fn resume_flag() -> Arg {
    let help = "Goes on with the file of a sweep that was cut off (of plans by operators, -o FILE)";
    Arg::new("resume").long("resume").action(ArgAction::SetTrue).help(help)
}

/// Whether rows of plans are asked for, and all is right with that.
pub(crate) fn asked(matches: &ArgMatches, layers: &Layers) -> Result<bool, Failure> {
    let operators = run::sweeps_plans(layers);
    let Some(path) = output(matches).filter(|path| is_parquet(path)) else {
        return Ok(operators && ["jsonl", "csv"].contains(&format(matches)));
    };
    let refused = |what: &str, hint: &str| {
        Err(Failure::Flags { message: format!("{}: {what}", path.display()), hint: Some(hint.to_owned()) })
    };
    if !operators {
        return refused(
            "only rows of plans are written as Parquet",
            "say who asks (`--users`), or add `--method operators`",
        );
    }
    if matches.value_source("format") == Some(ValueSource::CommandLine) {
        return refused("Parquet is a format of its own", "leave out --format, or name another file");
    }
    if matches.get_flag("resume") {
        return refused("Parquet cannot be gone on with", "leave out --resume, or write CSV");
    }
    Ok(true)
}

pub(crate) fn run(matches: &ArgMatches, inputs: &Inputs, layers: &Layers) -> Result<ExitCode, Failure> {
    let (csv, target) = (format(matches) == "csv", output(matches));
    let held = if matches.get_flag("resume") { held(target, csv)? } else { Held::default() };
    let mut sheet = match target.filter(|path| is_parquet(path)) {
        Some(path) => Sheet::Table(Rows::open(path)?),
        None => Sheet::Lines(Lines::open(target, csv, &held.text)?),
    };
    let (mut progress, mut rows) = (Progress::new("plans"), 0);
    run::sweep_plans(inputs, layers, held.setups, |setup| {
        rows += setup.rows.len();
        (0..setup.plans_considered).for_each(|_| progress.advance());
        sheet.write(&setup.rows)
    })?;
    sheet.finish()?;
    let found = rows > 0 || held.setups > 0;
    Ok(if found { ExitCode::SUCCESS } else { ExitCode::from(code::INFEASIBLE) })
}

/// Where rows go.
enum Sheet {
    Lines(Lines),
    Table(Rows),
}

impl Sheet {
    /// The rows of a set-up; whether there is any use in more.
    fn write(&mut self, rows: &[PlanRow]) -> bool {
        match self {
            Sheet::Lines(lines) => lines.write(rows),
            Sheet::Table(table) => {
                rows.iter().for_each(|row| table.write(cells(row)));
                table.is_well()
            }
        }
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            Sheet::Lines(lines) => lines.failed.map_or(Ok(()), |error| Err(write_failed(&lines.name)(error))),
            Sheet::Table(table) => table.finish(),
        }
    }
}

/// Text, a set-up at a time.
struct Lines {
    name: String,
    out: Box<dyn Write>,
    csv: bool,
    heading: bool,
    failed: Option<io::Error>,
}

impl Lines {
    fn open(target: Option<&Path>, csv: bool, held: &str) -> Result<Self, Failure> {
        let name = target.map_or("standard output".to_owned(), |path| path.display().to_string());
        let mut out: Box<dyn Write> = match target {
            Some(path) => Box::new(fs::File::create(path).map_err(write_failed(&name))?),
            None => Box::new(io::stdout()),
        };
        let failed = out.write_all(held.as_bytes()).err();
        Ok(Self { name, out, csv, heading: csv && held.is_empty(), failed })
    }

    /// A set-up is written as a whole, so that a file ends with a whole one unless writing itself is cut off.
    fn write(&mut self, rows: &[PlanRow]) -> bool {
        let mut text = String::new();
        for row in rows {
            if std::mem::take(&mut self.heading) {
                text += &line(cells(row).map(|(name, _)| name));
            }
            text += &match self.csv {
                true => line(cells(row).map(|(_, cell)| cell)),
                false => rackplan_report::json::line(row),
            };
        }
        self.failed = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).err();
        self.failed.is_none()
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

/// A row with the names of its columns, as JSON has them.
fn cells(row: &PlanRow) -> [(&'static str, Cell); 33] {
    rows::cells![row;
        setup, hardware, quant, backend, draft_tokens, mode, tp, pp, ep, dp, prefill_workers, decode_workers,
        prefill_tp, prefill_pp, prefill_ep, prefill_dp, kv_policy, gpus_per_instance, batch, limit, taken_per_instance,
        tokens_per_s_per_gpu, tokens_per_s_per_user, ttft_s, tpot_s, e2e_s, instances, gpus_active,
        gpus_provisioned, racks, power_w, usd_per_hour, pareto
    ]
}
