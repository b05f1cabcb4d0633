//! `explain`: why a step of a deployment takes what it takes, or why an answer of `size` is what it is.

use crate::args::{catalog_flag, inputs, layers, output, output_flag, question_command};
use crate::error::{Failure, code};
use crate::figures::{self, figures_flag};
use crate::files;
use crate::output::write;
use crate::size::{color_flag, format, format_flag, wide_flag};
use crate::terminal::wants_color;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use rackplan_report::{explain as report, reasons};
use rackplan_scenario::answer::{Answer, ExplainAnswer, ReasonsAnswer};
use rackplan_scenario::{AnswerFile, Verb, run, settings_of};
use std::path::Path;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  rackplan explain --model deepseek-r1 --gpu h200_sxm --tp 8 --backend sglang --batch 64
  rackplan explain --model deepseek-r1 --gpu h200_sxm --dp 16 --ep 16 --speculative mtp:2 --wide
  rackplan explain --model llama-3.1-70b --gpu h100_sxm --tp 4 --phase prefill --isl 8k --figures pictures
  rackplan explain answer.json      an answer that `size --format json -o answer.json` wrote: why, and what would flip it";

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
    let named = matches.get_one::<String>("scenario");
    if let Some(path) = named.filter(|path| Path::new(path).extension().is_some_and(|end| end == "json")) {
        return answer_file(matches, path);
    }
    let layers = layers(matches, Verb::Explain)?;
    let answer = run::explain(&inputs(matches, &layers)?, &layers)?;
    write(output(matches), &render(matches, &answer))?;
    figures::write(matches, |theme| report::figures(&answer, theme))?;
    Ok(if answer.answer.fits { ExitCode::SUCCESS } else { ExitCode::from(code::INFEASIBLE) })
}

/// Why an answer is what it is.
fn answer_file(matches: &ArgMatches, path: &str) -> Result<ExitCode, Failure> {
    let given =
        settings_of(Verb::Explain).find(|s| matches.value_source(s.path) == Some(ValueSource::CommandLine));
    if let Some(setting) = given {
        let message = format!("--{}: {path} says already what was asked", setting.flag);
        let hint = Some("ask `size` again with it, and explain that answer".to_owned());
        return Err(Failure::Flags { message, hint });
    }
    let file = AnswerFile::read(path, &files::text(Path::new(path))?)?;
    let answer = run::reasons_of_file(&inputs(matches, &file.layers)?, &file)?;
    write(output(matches), &render_reasons(matches, &answer))?;
    figures::write(matches, |theme| reasons::figures(&answer, theme))?;
    let served = answer.answer.size.deployment.is_some();
    Ok(if served { ExitCode::SUCCESS } else { ExitCode::from(code::INFEASIBLE) })
}

fn render_reasons(matches: &ArgMatches, answer: &Answer<ReasonsAnswer>) -> String {
    match format(matches) {
        "json" => rackplan_report::json::pretty(answer),
        "jsonl" => rackplan_report::json::line(answer),
        "csv" => reasons::csv(answer),
        "markdown" => reasons::markdown(answer),
        "html" => reasons::html(answer),
        _ if matches.get_flag("wide") => reasons::wide(answer),
        _ => reasons::screen(answer, colored(matches)),
    }
}

fn colored(matches: &ArgMatches) -> bool {
    wants_color(matches.get_one::<String>("color").map(String::as_str)) && output(matches).is_none()
}

fn render(matches: &ArgMatches, answer: &Answer<ExplainAnswer>) -> String {
    match format(matches) {
        "json" => rackplan_report::json::pretty(answer),
        "jsonl" => rackplan_report::json::line(answer),
        "csv" => report::csv(answer),
        "markdown" => report::markdown(answer),
        "html" => report::html(answer),
        _ if matches.get_flag("wide") => report::wide(answer),
        _ => report::screen(answer, colored(matches)),
    }
}
