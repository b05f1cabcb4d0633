//! Looks on while a simulation is played: progress, Ctrl-C, rows of requests and steps.

use crate::chrome_trace::ChromeTrace;
use crate::error::Failure;
use crate::rows::{Cell, Rows};
use crate::terminal::Timed;
use clap::ArgMatches;
use rackplan_scenario::simulation::{Row, StepRecord, Time, Watch};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Everything that looks on.
pub(crate) struct Watcher {
    requests: Option<Rows>,
    steps: Option<Rows>,
    trace: Option<ChromeTrace>,
    progress: Timed,
    interrupted: Arc<AtomicBool>,
}

impl Watcher {
    pub(crate) fn new(matches: &ArgMatches) -> Result<Self, Failure> {
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        // The first Ctrl-C ends the play with what is known by then, a second one the program.
        let handler = move || {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(crate::error::code::INTERRUPTED));
            }
        };
        // Without a handler Ctrl-C ends the program, as it does everywhere.
        let _ = ctrlc::set_handler(handler);
        let rows = |flag| matches.get_one::<PathBuf>(flag).map(|path| Rows::open(path)).transpose();
        Ok(Self {
            requests: rows("requests-out")?,
            steps: rows("steps-out")?,
            trace: ChromeTrace::open(matches)?,
            progress: Timed::new("requests"),
            interrupted,
        })
    }

    /// Whether Ctrl-C was pressed.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupted)
    }

    /// Ends every file.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        self.requests.map_or(Ok(()), Rows::finish)?;
        self.steps.map_or(Ok(()), Rows::finish)?;
        self.trace.map_or(Ok(()), ChromeTrace::finish)
    }
}

impl Watch for Watcher {
    fn request(&mut self, row: &Row) {
        if let Some(trace) = &mut self.trace {
            trace.request(row);
        }
        if let Some(rows) = &mut self.requests {
            rows.write(request_cells(row));
        }
    }

    fn step(&mut self, step: &StepRecord) {
        if let Some(trace) = &mut self.trace {
            trace.step(step);
        }
        if let Some(rows) = &mut self.steps {
            rows.write(step_cells(step));
        }
    }

    fn stops(&mut self, _now: Time, answered: u64, expected: Option<u64>) -> bool {
        self.progress.at(answered, expected);
        self.interrupted.load(Ordering::Relaxed)
    }
}

fn request_cells(row: &Row) -> [(&'static str, Cell); 15] {
    [
        ("request", row.number.into()),
        ("sent_s", row.sent.get().into()),
        ("isl", row.isl.into()),
        ("osl", row.osl.into()),
        ("class", row.class.into()),
        ("session", row.session.into()),
        ("turn", row.turn.into()),
        ("replica", row.replica.into()),
        ("queueing_s", row.queueing.map(|time| time.get()).into()),
        ("ttft_s", row.ttft.map(|time| time.get()).into()),
        ("tpot_s", row.tpot().map(|time| time.get()).into()),
        ("e2e_s", row.e2e.map(|time| time.get()).into()),
        ("hit_tokens", row.hit_tokens.into()),
        ("preemptions", row.preemptions.into()),
        ("retries", row.retries.into()),
    ]
}

fn step_cells(step: &StepRecord) -> [(&'static str, Cell); 7] {
    [
        ("replica", step.replica.into()),
        ("began_s", step.began.seconds().into()),
        ("end_s", step.end.seconds().into()),
        ("steps", step.steps.into()),
        ("decodes", step.decodes.into()),
        ("context_tokens", step.context.into()),
        ("prompt_tokens", step.prompt_tokens.into()),
    ]
}
