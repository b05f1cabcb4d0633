//! Figures of ours beside those of others, and the page that shows them.
#![allow(dead_code, reason = "two tests share this")]

use rackplan_sim::Summary;
use std::fmt::Write as _;
use std::path::PathBuf;

/// A figure of ours beside one of theirs.
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
}

impl Pair {
    /// Ours over theirs less one, in percent.
    pub(crate) fn off(&self) -> f64 {
        (self.ours / self.theirs - 1.0) * 100.0
    }
}

pub(crate) const STATISTICS: [&str; 5] = ["mean", "p50", "p90", "p95", "p99"];

pub(crate) fn of(summary: &Summary) -> [f64; 5] {
    [summary.mean, summary.p50, summary.p90, summary.p95, summary.p99].map(|value| value.get())
}

/// A table of one run: ours, theirs, difference.
pub(crate) fn table(name: &str, pairs: &[Pair]) -> String {
    let mut out = format!("### {name}\n\n| figure | ours | theirs | difference |\n|---|---:|---:|---:|\n");
    for pair in pairs {
        let digits = if pair.theirs > 1000.0 { 0 } else { 4 };
        let Pair { name, ours, theirs } = pair;
        let _ = writeln!(out, "| {name} | {ours:.digits$} | {theirs:.digits$} | {:+.2} % |", pair.off());
    }
    out
}

/// Whether the page has these tables at a mark; `UPDATE=1` in the environment puts them there.
pub(crate) fn shows(mark: &str, tables: &[String]) -> bool {
    let (begin, end) = (format!("<!-- {mark}: begin -->\n"), format!("<!-- {mark}: end -->"));
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/fidelity-simulation.md");
    let page = std::fs::read_to_string(&path).expect("the page is here");
    let (before, rest) = page.split_once(&begin).expect("where tables begin");
    let (_, after) = rest.split_once(&end).expect("where tables end");
    let wanted = format!("{before}{begin}\n{}\n{end}{after}", tables.join("\n"));
    let updates = std::env::var_os("UPDATE").is_some();
    if updates {
        std::fs::write(&path, &wanted).expect("the page can be written");
    }
    updates || page == wanted
}
