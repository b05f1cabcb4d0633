//! `predict`: many configurations at once, a line in and a line out, in order; a bad line never stops the run.

use crate::args::{add_flags, catalog, catalog_flag, output, output_flag};
use crate::error::{Failure, in_words, write_failed};
use crate::terminal::Progress;
use crate::{files, output as sink, predict_ops, predict_serving, size, usage};
use clap::{Arg, ArgMatches, Command};
use rackplan_scenario::answer::FoundingSummary;
use rackplan_scenario::predict_first_order::{FirstOrder, RowKind};
use rackplan_scenario::{Catalog, Inputs, Layers, QuestionError, Verb, run};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The longest line that is read; a configuration takes a few hundred bytes.
const LONGEST_LINE: usize = 64 << 20;

pub(crate) fn command() -> Command {
    let file = Arg::new("file").value_name("FILE").required(true).value_parser(clap::value_parser!(PathBuf));
    let kind = Arg::new("kind").long("kind").value_name("KIND").default_value("plans");
    let first_order = Command::new("first-order")
        .about("The founding documents' method: plans, tables, offload, or whole `size` command lines")
        .arg(file.help("JSON lines, plain or .gz, each with `in`; `-` is standard input"))
        .arg(kind.value_parser(["plans", "tables", "offload", "optimizer"]).help("What a line holds"))
        .arg(catalog_flag())
        .arg(output_flag());
    Command::new("predict")
        .about("Predicts many configurations at once, a line in and a line out")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(first_order)
        .subcommands([predict_ops::command(), predict_serving::command()])
}

pub(crate) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    match matches.subcommand() {
        Some(("first-order", matches)) => {
            let kind: &String = matches.get_one("kind").expect("clap has a default");
            let predictor = Predictor::new(kind, catalog(matches)?)?;
            stream(matches, |line| Some(predictor.answer(line)))
        }
        Some(("ops", matches)) => predict_ops::run(matches),
        Some(("serving", matches)) => predict_serving::run(matches),
        _ => Err(Failure::Internal("a method without a function".to_owned())),
    }
}

/// Reads the file line by line and writes what `answer` makes of each that is not blank.
pub(crate) fn stream(
    matches: &ArgMatches,
    mut answer: impl FnMut(&[u8]) -> Option<String>,
) -> Result<ExitCode, Failure> {
    let path: &PathBuf = matches.get_one("file").expect("clap requires it");
    let target = output(matches);
    let failed =
        write_failed(&target.map_or("standard output".to_owned(), |path| path.display().to_string()));
    let mut lines = Lines { reader: files::rows(path)?, place: path.display().to_string() };
    if target.is_some_and(|target| is_same_file(path, target)) {
        let message = format!("--output: {} is the file that is read", path.display());
        return Err(Failure::Flags { message, hint: Some("name another file".to_owned()) });
    }
    let mut out = sink::open(target)?;
    let mut progress = Progress::new("lines");
    while let Some(line) = lines.next_line()? {
        if let Some(text) =
            Some(&line).filter(|line| !line.trim_ascii().is_empty()).and_then(|line| answer(line))
        {
            writeln!(out, "{text}").map_err(&failed)?;
        }
        progress.advance();
    }
    out.flush().map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}

/// Writing would empty the file before its lines are read.
fn is_same_file(path: &Path, target: &Path) -> bool {
    matches!((path.canonicalize(), target.canonicalize()), (Ok(read), Ok(written)) if read == written)
}

struct Predictor {
    kind: Option<RowKind>,
    inputs: Inputs,
    method: FirstOrder,
}

impl Predictor {
    fn new(kind: &str, catalog: Catalog) -> Result<Self, Failure> {
        let kind = match kind {
            "plans" => Some(RowKind::Plans),
            "tables" => Some(RowKind::Tables),
            "offload" => Some(RowKind::Offload),
            _ => None,
        };
        let method = FirstOrder::new(&catalog)?;
        Ok(Self { kind, inputs: Inputs::new(catalog, BTreeMap::new()), method })
    }

    /// The answer to one line, as JSON on one line.
    fn answer(&self, line: &[u8]) -> String {
        let row: Value = match serde_json::from_slice(line.trim_ascii_end()) {
            Ok(row) => row,
            Err(error) => {
                return json!({ "id": null, "error": not_json(&error) }).to_string();
            }
        };
        let id = row.get("id").cloned();
        let result = match self.kind {
            Some(kind) => self.method.predict(kind, &row).map_err(with_hint).map(|found| text_of(&found)),
            None => self.optimize(row.get("in").unwrap_or(&row)),
        };
        match (result, id) {
            (Ok(answer), Some(id)) if answer.starts_with('{') => format!("{{\"id\":{id},{}", &answer[1..]),
            (Ok(answer), _) => answer,
            (Err(error), id) => json!({ "id": id, "error": error }).to_string(),
        }
    }

    /// Runs a list of `size` arguments and gives the founding summary.
    fn optimize(&self, input: &Value) -> Result<String, String> {
        let texts: Option<Vec<&str>> =
            input.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
        let texts = texts.ok_or("`in` is not a list of texts; hint: expected e.g. [\"--users\", \"50\"]")?;
        let arguments = std::iter::once("size").chain(texts);
        let matches = size::command().try_get_matches_from(arguments).map_err(brief)?;
        if let Some(file) = matches.get_one::<String>("scenario") {
            return Err(format!("`{file}` is a file; hint: a line says all of its question"));
        }
        let mut layers = Layers::default();
        add_flags(&mut layers, &matches, Verb::Size)
            .and_then(|()| run::founding_summary(&self.inputs, &layers))
            .map_err(with_hint)
            .map(|found| text_of(&Optimized::from(found)))
    }
}

/// The founding summary under the keys of the golden files; no rows where nothing serves.
#[derive(Serialize)]
struct Optimized {
    #[serde(serialize_with = "as_map")]
    summary: Vec<(String, String)>,
    details: Vec<String>,
    warnings: Vec<String>,
    error: Option<String>,
}

impl From<FoundingSummary> for Optimized {
    fn from(found: FoundingSummary) -> Self {
        let FoundingSummary { rows, details, warnings, error, presets: _ } = found;
        Self { summary: rows, details, warnings, error }
    }
}

fn as_map<S: Serializer>(rows: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(rows.iter().map(|(label, text)| (label, text)))
}

/// In the order of its fields, which a `Value` would lose.
fn text_of<T: Serialize>(found: &T) -> String {
    serde_json::to_string(found).expect("answers are plain data")
}

fn brief(error: clap::Error) -> String {
    let (message, hint) = usage::explain(&error);
    format!("{message}; hint: {hint}")
}

/// Where a line stops being JSON; the parser counts from the start of the line.
fn not_json(error: &serde_json::Error) -> String {
    let why = if error.is_eof() { "the line is cut short" } else { "the line is not JSON" };
    format!("{why} at column {}; hint: expected an object on one line, e.g. {{\"in\": ...}}", error.column())
}

fn with_hint(error: QuestionError) -> String {
    let hint = error.hint().map(|hint| format!("; hint: {hint}"));
    format!("{error}{}", hint.unwrap_or_default())
}

/// Lines of a file, with a bound on their length so that a file without line ends cannot fill the memory.
struct Lines {
    reader: Box<dyn BufRead>,
    place: String,
}

impl Lines {
    fn next_line(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let mut line = Vec::new();
        let mut limited = std::io::Read::take(&mut self.reader, LONGEST_LINE as u64);
        let read = limited.read_until(b'\n', &mut line).map_err(|error| {
            let message = format!("{}: {}", self.place, in_words(&error));
            Failure::input(message, "is it a readable file of JSON lines?")
        })?;
        if read == LONGEST_LINE {
            let message = format!("{}: a line of over {} MiB", self.place, LONGEST_LINE >> 20);
            return Err(Failure::input(message, "is it a file of JSON lines?"));
        }
        Ok((read > 0).then_some(line))
    }
}
