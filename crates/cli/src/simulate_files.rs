//! Files of a simulation: the trace it plays, tables of operators, and what it writes beside the answer.

use crate::error::Failure;
use crate::files;
use clap::{Arg, builder::PathBufValueParser};
use rackplan_scenario::Layers;
use std::fs;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Flags of what is written beside the answer.
pub(crate) fn out_flags() -> [Arg; 3] {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("FILE").value_parser(PathBufValueParser::new()).help(help)
    };
    [
        flag(
            "requests-out",
            "Write a row for each request there, as it is answered (CSV, or Parquet if named so and built with it)",
        ),
        flag("steps-out", "Write a row for each step there, or for several alike (as --requests-out)"),
        flag("chrome-trace", "Write steps and requests there for Perfetto or chrome://tracing (JSON)"),
    ]
}

/// What the question names.
pub(crate) struct Files {
    trace: Option<Trace>,
    op_tables: Option<PathBuf>,
}

/// A trace is read several times: once to look through it, then for each seed and each copy.
enum Trace {
    File(PathBuf),
    /// Standard input, which comes only once.
    Memory(Arc<[u8]>),
}

impl Trace {
    /// Looks at once whether it can be read, so that a wrong path is an error with its place.
    fn of(path: PathBuf) -> Result<Self, Failure> {
        let mut rows = files::rows(&path)?;
        if path != Path::new("-") {
            return Ok(Self::File(path));
        }
        let mut bytes = Vec::new();
        rows.read_to_end(&mut bytes).map_err(|error| {
            Failure::input(format!("standard input: {}", crate::error::in_words(&error)), "is it a trace?")
        })?;
        Ok(Self::Memory(bytes.into()))
    }

    fn open(&self) -> io::Result<Box<dyn BufRead + Send>> {
        match self {
            Self::File(path) => files::sendable_rows(path),
            Self::Memory(bytes) => files::rows_in_memory(Arc::clone(bytes)),
        }
    }
}

impl Files {
    pub(crate) fn of(layers: &Layers) -> Result<Self, Failure> {
        let path = |key: &str| layers.text(key).map(PathBuf::from);
        let trace = path("workload.trace").map(Trace::of).transpose()?;
        Ok(Self { trace, op_tables: path("engine.op_tables") })
    }

    pub(crate) fn has_trace(&self) -> bool {
        self.trace.is_some()
    }

    /// The trace from its beginning.
    pub(crate) fn open_trace(&self) -> io::Result<Box<dyn BufRead + Send>> {
        self.trace.as_ref().ok_or(io::ErrorKind::NotFound)?.open()
    }

    /// Names and texts of the tables in the folder, by name.
    pub(crate) fn op_tables(&self) -> Result<Vec<(String, String)>, Failure> {
        let Some(folder) = &self.op_tables else { return Ok(Vec::new()) };
        let entries = fs::read_dir(folder).map_err(|error| {
            let message = format!("--op-tables: {}: {}", folder.display(), crate::error::in_words(&error));
            Failure::input(message, "name a folder with tables of operators")
        })?;
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.is_file() && is_table(path));
        paths.sort();
        paths.iter().map(|path| Ok((path.display().to_string(), files::table(path)?))).collect()
    }
}

fn is_table(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.ends_with(".csv") || name.ends_with(".csv.gz")
}
