//! Files of a simulation: the trace it plays, tables of operators, and what it writes beside the answer.

use crate::error::Failure;
use crate::files;
use clap::{Arg, builder::PathBufValueParser};
use rackplan_scenario::Layers;
use std::fs;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

/// Flags of what is written beside the answer.
pub(crate) fn out_flags() -> [Arg; 3] {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("FILE").value_parser(PathBufValueParser::new()).help(help)
    };
    [
        flag("requests-out", "Write a CSV row for each request there, as it is answered"),
        flag("steps-out", "Write a CSV row for each step there, or for several alike"),
        flag("chrome-trace", "Write steps and requests there for Perfetto or chrome://tracing (JSON)"),
    ]
}

/// What the question names.
pub(crate) struct Files {
    trace: Option<PathBuf>,
    op_tables: Option<PathBuf>,
}

impl Files {
    /// Looks at once whether the trace can be read, so that a wrong path is an error with its place.
    pub(crate) fn of(layers: &Layers) -> Result<Self, Failure> {
        let path = |key: &str| layers.text(key).map(PathBuf::from);
        let files = Self { trace: path("workload.trace"), op_tables: path("engine.op_tables") };
        if let Some(trace) = files.trace.as_deref().filter(|trace| *trace != Path::new("-")) {
            files::rows(trace)?;
        }
        Ok(files)
    }

    pub(crate) fn has_trace(&self) -> bool {
        self.trace.is_some()
    }

    /// The trace from its beginning.
    pub(crate) fn open_trace(&self) -> io::Result<Box<dyn BufRead + Send>> {
        let path = self.trace.as_deref().ok_or(io::ErrorKind::NotFound)?;
        files::sendable_rows(path)
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
