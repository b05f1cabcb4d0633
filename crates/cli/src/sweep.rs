//! `sweep`: the best plan of every rack, quantisation and batch.

use crate::args::{catalog_flag, inputs, layers, output, output_flag, question_command};
use crate::error::{Failure, code};
use crate::figures::{self, figures_flag};
use crate::output::write;
use crate::size::{format, format_flag};
use crate::sweep_plans::{self, resume_flag};
use clap::{ArgMatches, Command};
use rackplan_report::sweep as report;
use rackplan_scenario::{Verb, run};
use std::process::ExitCode;

pub(crate) fn command() -> Command {
    question_command("sweep", "Tabulates the best plan of every rack, quantisation and batch", Verb::Sweep)
        .arg(format_flag())
        .arg(resume_flag())
        .args([output_flag(), figures_flag(), catalog_flag()])
}

pub(crate) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let layers = layers(matches, Verb::Sweep)?;
    if sweep_plans::asked(matches, &layers)? {
        return sweep_plans::run(matches, &inputs(matches, &layers)?, &layers);
    }
    let answer = run::sweep(&inputs(matches, &layers)?, &layers)?;
    let text = match format(matches) {
        "json" => rackplan_report::json::pretty(&answer),
        "jsonl" => rackplan_report::json::line(&answer),
        "csv" => report::csv(&answer),
        "markdown" => report::markdown(&answer),
        "html" => report::html(&answer),
        _ => report::text(&answer),
    };
    write(output(matches), &text)?;
    figures::write(matches, |theme| report::figures(&answer, theme))?;
    let found = !answer.answer.rows.is_empty();
    Ok(if found { ExitCode::SUCCESS } else { ExitCode::from(code::INFEASIBLE) })
}
