//! `simulate`: what comes of requests that a deployment serves, event by event.

use crate::args::{catalog_flag, inputs, layers, output, output_flag, question_command};
use crate::error::{Failure, code};
use crate::figures::{self, figures_flag};
use crate::output::write;
use crate::simulate_files::{Files, out_flags};
use crate::simulate_watch::Watcher;
use crate::size::{color_flag, format, format_flag, wide_flag};
use crate::terminal::wants_color;
use clap::{ArgMatches, Command};
use rackplan_report::simulate as report;
use rackplan_scenario::answer::{Answer, SimulateAnswer};
use rackplan_scenario::simulation::Lent;
use rackplan_scenario::{Verb, run};
use std::process::ExitCode;
use std::sync::atomic::Ordering;

const EXAMPLES: &str = "\
Examples:
  rackplan simulate --model llama-3.1-70b --gpu h100_sxm --tp 4 --replicas 4 --rate 5 --isl 4k --osl 256
  rackplan simulate --model llama-3.1-70b --gpu h100_sxm --tp 4 --trace azure.csv.gz --router prefix --capacity
  rackplan simulate --model llama-3.1-8b --gpu h100_hgx --users 400 --think-time 2m --turns 8 --kv-tier host,nvme
  rackplan simulate --model llama-3.1-70b --gpu h100_sxm --tp 4 --rate 2 --seeds 8 --requests-out rows.csv";

pub(crate) fn command() -> Command {
    question_command(
        "simulate",
        "Plays requests against a deployment, event by event: latencies, goodput, caches, whether it keeps up",
        Verb::Simulate,
    )
    .after_help(EXAMPLES)
    .args(out_flags())
    .arg(wide_flag())
    .arg(format_flag())
    .arg(color_flag())
    .args([output_flag(), figures_flag(), catalog_flag()])
}

pub(crate) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let layers = layers(matches, Verb::Simulate)?;
    let inputs = inputs(matches, &layers)?;
    let files = Files::of(&layers)?;
    let open = || files.open_trace();
    let mut watcher = Watcher::new(matches)?;
    let flag = watcher.flag();
    let interrupted = || flag.load(Ordering::Relaxed);
    let mut lent = Lent {
        trace: files.has_trace().then_some(&open),
        op_tables: files.op_tables()?,
        watch: &mut watcher,
        interrupted: &interrupted,
    };
    let answer = run::simulate(&inputs, &layers, &mut lent)?;
    watcher.finish()?;
    write(output(matches), &render(matches, &answer))?;
    figures::write(matches, |theme| report::figures(&answer, theme))?;
    Ok(match (interrupted(), answer.answer.fits) {
        (true, _) => ExitCode::from(code::INTERRUPTED),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => ExitCode::from(code::INFEASIBLE),
    })
}

fn render(matches: &ArgMatches, answer: &Answer<SimulateAnswer>) -> String {
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
