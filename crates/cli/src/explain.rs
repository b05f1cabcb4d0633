//! `explain`: why a step of a deployment takes what it takes.

use crate::args::{catalog_flag, inputs, layers, output, output_flag, question_command};
use crate::error::{Failure, code};
use crate::figures::{self, figures_flag};
use crate::output::write;
use crate::size::{color_flag, format, format_flag, wide_flag};
use crate::terminal::wants_color;
use clap::{ArgMatches, Command};
use rackplan_report::explain as report;
use rackplan_scenario::answer::{Answer, ExplainAnswer};
use rackplan_scenario::{Verb, run};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  rackplan explain --model deepseek-r1 --gpu h200_sxm --tp 8 --backend sglang --batch 64
  rackplan explain --model deepseek-r1 --gpu h200_sxm --dp 16 --ep 16 --speculative mtp:2 --wide
  rackplan explain --model llama-3.1-70b --gpu h100_sxm --tp 4 --phase prefill --isl 8k --figures pictures";

pub(crate) fn command() -> Command {
    question_command(
        "explain",
        "Explains a step of a deployment: what takes its time, why, and how sure that is",
        Verb::Explain,
    )
    .after_help(EXAMPLES)
    .arg(wide_flag())
    .arg(format_flag())
    .arg(color_flag())
    .args([output_flag(), figures_flag(), catalog_flag()])
}

pub(crate) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let layers = layers(matches, Verb::Explain)?;
    let answer = run::explain(&inputs(matches, &layers)?, &layers)?;
    write(output(matches), &render(matches, &answer))?;
    figures::write(matches, |theme| report::figures(&answer, theme))?;
    Ok(if answer.answer.fits { ExitCode::SUCCESS } else { ExitCode::from(code::INFEASIBLE) })
}

fn render(matches: &ArgMatches, answer: &Answer<ExplainAnswer>) -> String {
    let color =
        wants_color(matches.get_one::<String>("color").map(String::as_str)) && output(matches).is_none();
    match format(matches) {
        "json" => rackplan_report::json::pretty(answer),
        "jsonl" => rackplan_report::json::line(answer),
        "csv" => report::csv(answer),
        "markdown" => report::markdown(answer),
        "html" => report::html(answer),
        _ if matches.get_flag("wide") => report::wide(answer),
        _ => report::screen(answer, color),
    }
}
