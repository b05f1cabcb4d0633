//! `size`: the main job.

use crate::args::{catalog_flag, inputs, layers, output, output_flag, question_command};
use crate::error::{Failure, code};
use crate::figures::{self, figures_flag};
use crate::output::write;
use crate::terminal::wants_color;
use clap::{Arg, ArgAction, ArgMatches, Command};
use rackplan_report::{mix as mixed, reasons, size as report};
use rackplan_scenario::answer::{Answer, SizeAnswer};
use rackplan_scenario::{Inputs, Layers, Origin, Verb, run};
use std::process::ExitCode;
use std::time::Instant;

const EXAMPLES: &str = "\
Examples:
  rackplan size --model Qwen/Qwen3-235B-A22B --users 1000 --think-time 30s --isl 4k --hardware gb200_nvl72
  rackplan size site.toml --set workload.users=2000 --format html -o plan.html
  rackplan size --active-users 1000 --model 3 --tokens-cached 128000 --max-racks 96 --method first-order";

pub(crate) fn command() -> Command {
    question_command("size", "Sizes racks for a model and its users: the main job", Verb::Size)
        .after_help(EXAMPLES)
        .arg(wide_flag())
        .args([compare_flag(), rejected_flag(), timing_flag()])
        .arg(format_flag())
        .arg(color_flag())
        .args([output_flag(), figures_flag(), catalog_flag()])
}

pub(crate) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let layers = layers(matches, Verb::Size)?;
    let inputs = inputs(matches, &layers)?;
    if matches.get_flag("compare-methods") {
        return compare(matches, &inputs, &layers);
    }
    if layers.origin("limits.stock").is_some() {
        return mix(matches, &inputs, &layers);
    }
    let started = Instant::now();
    let mut answer = run::size(&inputs, &layers)?;
    if matches.get_flag("timing")
        && let Some(search) = &mut answer.answer.search
    {
        search.seconds = Some(started.elapsed().as_secs_f64());
    }
    let text = match format(matches) {
        // The page has the reasons too, for which the question is asked a hundred times over.
        "html" => reasons::html(&run::with_reasons(&inputs, &layers, answer.clone())?),
        _ => render(matches, &layers, &answer),
    };
    write(output(matches), &text)?;
    figures::write(matches, |theme| report::figures(&answer, theme))?;
    let served = answer.answer.deployment.is_some();
    Ok(if served { ExitCode::SUCCESS } else { ExitCode::from(code::INFEASIBLE) })
}

/// Racks of several kinds that are there, and who serves how much on which.
fn mix(matches: &ArgMatches, inputs: &Inputs, layers: &Layers) -> Result<ExitCode, Failure> {
    let answer = run::mix(inputs, layers)?;
    let color =
        wants_color(matches.get_one::<String>("color").map(String::as_str)) && output(matches).is_none();
    let text = match format(matches) {
        "json" => rackplan_report::json::pretty(&answer),
        "jsonl" => rackplan_report::json::line(&answer),
        "csv" => mixed::csv(&answer),
        "markdown" => mixed::markdown(&answer),
        "html" => mixed::html(&answer),
        _ if matches.get_flag("wide") => mixed::wide(&answer),
        _ => mixed::screen(&answer, color),
    };
    write(output(matches), &text)?;
    figures::write(matches, |theme| mixed::figures(&answer, theme))?;
    let served = answer.answer.feasible;
    Ok(if served { ExitCode::SUCCESS } else { ExitCode::from(code::INFEASIBLE) })
}

/// The first screen of either method, one below the other.
fn compare(matches: &ArgMatches, inputs: &Inputs, layers: &Layers) -> Result<ExitCode, Failure> {
    if layers.origin("search.method").is_some() || format(matches) != "text" {
        let message = "--compare-methods prints the screens of all methods".to_owned();
        let hint = Some("leave out --method and --format".to_owned());
        return Err(Failure::Flags { message, hint });
    }
    let mut screens = Vec::new();
    for method in ["first-order", "operators"] {
        let mut asked = layers.clone();
        asked.add("search.method", method, Origin::Flag("--compare-methods".to_owned()));
        let answer = run::size(inputs, &asked)?;
        screens.push(format!("{method}\n{}", report::screen(&answer, false)));
    }
    write(output(matches), &screens.join("\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn render(matches: &ArgMatches, layers: &Layers, answer: &Answer<SizeAnswer>) -> String {
    let color =
        wants_color(matches.get_one::<String>("color").map(String::as_str)) && output(matches).is_none();
    match format(matches) {
        "json" => rackplan_report::json::pretty(answer),
        "jsonl" => rackplan_report::json::line(answer),
        "csv" => report::csv(answer),
        "markdown" => report::markdown(answer),
        // Who names the founding method on its presets wants its own words; else the first screen is that of every method.
        _ if layers.origin("search.method").is_some() && answer.answer.summary.presets => {
            report::founding(answer)
        }
        _ if matches.get_flag("wide") => report::wide(answer),
        _ if matches.get_flag("rejected") => report::screen(answer, color) + "\n" + &report::rejected(answer),
        _ => report::screen(answer, color),
    }
}

fn rejected_flag() -> Arg {
    let help = "Which rule dropped how many plans, under the screen";
    Arg::new("rejected").long("rejected").action(ArgAction::SetTrue).help(help)
}

/// Off by default, so that the same question gives the same bytes.
fn timing_flag() -> Arg {
    let help = "Adds the time that the search took to JSON";
    Arg::new("timing").long("timing").action(ArgAction::SetTrue).help(help)
}

/// `--format`.
pub(crate) fn format_flag() -> Arg {
    let formats = ["text", "json", "jsonl", "csv", "markdown", "html"];
    Arg::new("format")
        .long("format")
        .value_name("FORMAT")
        .default_value("text")
        .value_parser(formats)
        .help("Layout")
}

/// The chosen layout.
pub(crate) fn format(matches: &ArgMatches) -> &str {
    matches.get_one::<String>("format").map_or("text", String::as_str)
}

/// `--wide`.
pub(crate) fn wide_flag() -> Arg {
    Arg::new("wide").long("wide").action(ArgAction::SetTrue).help("Every table, not only the first screen")
}

fn compare_flag() -> Arg {
    let help = "The screens of both methods, one below the other";
    Arg::new("compare-methods").long("compare-methods").action(ArgAction::SetTrue).help(help)
}

/// `--color`.
pub(crate) fn color_flag() -> Arg {
    let choices = ["auto", "always", "never"];
    let arg = Arg::new("color").long("color").value_name("WHEN").default_value("auto").value_parser(choices);
    arg.help("Colour; NO_COLOR is honoured")
}
