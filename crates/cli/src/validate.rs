//! `validate`: predictions against measurements.

use crate::args::{catalog, catalog_flag, output, output_flag};
use crate::error::{Failure, code};
use crate::files;
use crate::output::write;
use crate::predict_ops::operator_flag;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use rackplan_report::score as layout;
use rackplan_scenario::operators::score;
use rackplan_scenario::predict_serving::{AnchorRows, AnchorSummary, By, Picks, picks, score_serving};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(crate) fn command() -> Command {
    let file = Arg::new("file").value_name("FILE").required(true).value_parser(clap::value_parser!(PathBuf));
    let most =
        Arg::new("max-error").long("max-error").value_name("PERCENT").value_parser(clap::value_parser!(f64));
    let by = Arg::new("by").long("by").value_name("COLUMNS").value_delimiter(',').conflicts_with("op");
    let format = Arg::new("format").long("format").value_name("FORMAT").conflicts_with("op");
    let draw = Arg::new("draw-anchors").long("draw-anchors").value_name("N").conflicts_with("op");
    let draw = draw.value_parser(clap::value_parser!(u16).range(1..)).conflicts_with("anchors");
    Command::new("validate")
        .about("Scores predictions against measured times")
        .arg(
            file.help(
                "CSV as for `predict serving` with measured columns, or with --op as for `predict ops`",
            ),
        )
        .arg(operator_flag().required(false))
        .arg(
            by.value_parser(PossibleValuesParser::new(By::ALL.map(By::name)))
                .help("Columns that tell groups apart, beside the metric (default: source,model,gpu,load)"),
        )
        .arg(
            format
                .value_parser(["text", "markdown", "csv", "json"])
                .help("How the table is written; Markdown is a page as VALIDATION.md (default: text)"),
        )
        .arg(picks_flag().conflicts_with_all(["op", "by", "anchors", "draw-anchors", "max-error"]))
        .arg(anchors_flag().conflicts_with("op"))
        .arg(draw.help("Calibrate with N rows of each model, framework, GPU and load; score the others"))
        .arg(most.help("Exit with 5 where the median error of a group is larger"))
        .args([catalog_flag(), output_flag()])
}

fn picks_flag() -> Arg {
    let help =
        "Score the picks of layout and load that predictions would have made (on the Markdown page always)";
    Arg::new("picks").long("picks").action(ArgAction::SetTrue).help(help)
}

/// `--anchors FILE`.
pub(crate) fn anchors_flag() -> Arg {
    Arg::new("anchors")
        .long("anchors")
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help("Measured rows of the same model, framework and GPU; predictions are calibrated with them")
}

/// The text of the anchors, if any are named.
pub(crate) fn anchors_text(matches: &ArgMatches) -> Result<Option<String>, Failure> {
    matches.get_one::<PathBuf>("anchors").map(|path| files::table(path)).transpose()
}

/// Says on stderr which anchors were of no use; none of use is a mistake.
pub(crate) fn report_anchors(summary: &AnchorSummary) -> Result<(), Failure> {
    for (id, why) in &summary.skipped {
        eprintln!("warning: anchor `{id}` is left out: {why}");
    }
    if summary.used > 0 {
        return Ok(());
    }
    let hint = "measured columns are e.g. tpot_ms_mean, ttft_ms_mean, total_output_tok_s";
    Err(Failure::input("--anchors: no row can be used", hint))
}

pub(crate) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let path: &PathBuf = matches.get_one("file").expect("clap requires it");
    let text = files::table(path)?;
    if matches.get_flag("picks") {
        let found = picks_of(matches, &text)?;
        let markdown = matches.get_one::<String>("format").is_some_and(|format| format == "markdown");
        let shown = if markdown { layout::picks_markdown(&found) } else { layout::picks_text(&found) };
        write(output(matches), &shown)?;
        return Ok(ExitCode::SUCCESS);
    }
    let worst = match matches.get_one::<String>("op") {
        Some(operator) => operators(matches, operator, path, &text)?,
        None => serving(matches, path, &text)?,
    };
    let allowed = matches.get_one::<f64>("max-error").copied().unwrap_or(f64::INFINITY);
    Ok(if worst * 100.0 <= allowed { ExitCode::SUCCESS } else { ExitCode::from(code::GATE) })
}

/// Picks of a table, at least one.
fn picks_of(matches: &ArgMatches, text: &str) -> Result<Vec<Picks>, Failure> {
    let found = picks(text, &catalog(matches)?);
    if found.iter().all(|picks| picks.groups == 0) {
        let hint =
            "a search is three rows or more of one model, accelerator and lengths that differ in layout";
        return Err(Failure::input("no rows of the table are a search", hint));
    }
    Ok(found)
}

/// Scores a table of operators; the largest median error.
fn operators(matches: &ArgMatches, operator: &str, path: &Path, text: &str) -> Result<f64, Failure> {
    let scores = score(operator, text, &catalog(matches)?).map_err(|error| {
        let message = format!("{}: {error}", path.display());
        Failure::input(message, "every row needs the shape's columns and latency_us")
    })?;
    write(output(matches), &layout::text(&scores))?;
    Ok(scores.iter().map(|row| row.median).fold(0.0, f64::max))
}

/// Scores a table of serving results; the largest median error.
fn serving(matches: &ArgMatches, path: &Path, text: &str) -> Result<f64, Failure> {
    let named: Vec<By> = matches
        .get_many::<String>("by")
        .into_iter()
        .flatten()
        .filter_map(|name| By::from_name(name))
        .collect();
    let by = if named.is_empty() { By::USUAL.to_vec() } else { named };
    let anchors = anchors_text(matches)?;
    let drawn = matches.get_one::<u16>("draw-anchors").map(|count| AnchorRows::Drawn(usize::from(*count)));
    let rows = anchors.as_deref().map(AnchorRows::Table).or(drawn).unwrap_or_default();
    let scores = score_serving(text, &catalog(matches)?, &by, rows);
    if anchors.is_some() {
        report_anchors(&scores.anchors)?;
    }
    if scores.groups.is_empty() {
        let hint =
            "measured columns are e.g. tpot_ms_mean, ttft_ms_mean, total_output_tok_s; operators need --op";
        return Err(Failure::input("no row has a measured column that a prediction answers", hint));
    }
    let shown = match matches.get_one::<String>("format").map(String::as_str) {
        Some("markdown") => {
            let page = layout::serving_markdown(&scores, &path.display().to_string(), &command_line(matches));
            let found = picks(text, &catalog(matches)?);
            page + &if found.is_empty() { String::new() } else { layout::picks_markdown(&found) }
        }
        Some("csv") => layout::serving_csv(&scores),
        Some("json") => layout::serving_json(&scores),
        _ => layout::serving_text(&scores),
    };
    write(output(matches), &shown)?;
    Ok(scores.groups.iter().map(|group| group.median).fold(0.0, f64::max))
}

/// The flags that the numbers hang on, as they were given.
fn command_line(matches: &ArgMatches) -> String {
    let mut words = vec!["rackplan validate".to_owned()];
    words.extend(matches.get_one::<PathBuf>("file").map(|path| path.display().to_string()));
    let by: Vec<&str> = matches.get_many::<String>("by").into_iter().flatten().map(String::as_str).collect();
    if !by.is_empty() {
        words.push(format!("--by {}", by.join(",")));
    }
    words.extend(matches.get_one::<PathBuf>("anchors").map(|path| format!("--anchors {}", path.display())));
    words.extend(matches.get_one::<u16>("draw-anchors").map(|count| format!("--draw-anchors {count}")));
    words.push("--format markdown".to_owned());
    words.join(" ")
}
