//! Looks on while a simulation is played: progress, Ctrl-C, rows of requests and steps.

use crate::chrome_trace::ChromeTrace;
use crate::error::{Failure, write_failed};
use crate::output::open;
use crate::terminal::Timed;
use clap::ArgMatches;
use rackplan_scenario::simulation::{Row, StepRecord, Time, Watch};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const REQUEST_COLUMNS: &str = "request,sent_s,isl,osl,class,session,turn,replica,queueing_s,ttft_s,tpot_s,e2e_s,\
                               hit_tokens,preemptions,retries";
const STEP_COLUMNS: &str = "replica,began_s,end_s,steps,decodes,context_tokens,prompt_tokens";

/// A file of rows; a failed write is remembered and said at the end.
struct Rows {
    name: String,
    out: Box<dyn Write>,
    failed: Option<std::io::Error>,
}

impl Rows {
    fn open(matches: &ArgMatches, flag: &str, heading: &str) -> Result<Option<Self>, Failure> {
        let Some(path) = matches.get_one::<PathBuf>(flag) else { return Ok(None) };
        let mut rows = Self { name: path.display().to_string(), out: open(Some(path))?, failed: None };
        rows.write(format_args!("{heading}\n"));
        Ok(Some(rows))
    }

    fn write(&mut self, line: std::fmt::Arguments<'_>) {
        if self.failed.is_none() {
            self.failed = self.out.write_fmt(line).err();
        }
    }

    fn finish(mut self) -> Result<(), Failure> {
        let failed = self.failed.take().or_else(|| self.out.flush().err());
        failed.map_or(Ok(()), |error| Err(write_failed(&self.name)(error)))
    }
}

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
        Ok(Self {
            requests: Rows::open(matches, "requests-out", REQUEST_COLUMNS)?,
            steps: Rows::open(matches, "steps-out", STEP_COLUMNS)?,
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
            let session = row.session.map_or_else(String::new, |session| session.to_string());
            let time = |time: Option<f64>| time.map_or_else(String::new, |time| time.to_string());
            let [queueing, ttft, tpot, e2e] =
                [row.queueing, row.ttft, row.tpot(), row.e2e].map(|latency| time(latency.map(|s| s.get())));
            rows.write(format_args!(
                "{},{},{},{},{},{session},{},{},{queueing},{ttft},{tpot},{e2e},{},{},{}\n",
                row.number,
                row.sent.get(),
                row.isl,
                row.osl,
                row.class,
                row.turn,
                row.replica,
                row.hit_tokens,
                row.preemptions,
                row.retries
            ));
        }
    }

    fn step(&mut self, step: &StepRecord) {
        if let Some(trace) = &mut self.trace {
            trace.step(step);
        }
        if let Some(rows) = &mut self.steps {
            rows.write(format_args!(
                "{},{},{},{},{},{},{}\n",
                step.replica,
                step.began.seconds(),
                step.end.seconds(),
                step.steps,
                step.decodes,
                step.context,
                step.prompt_tokens
            ));
        }
    }

    fn stops(&mut self, _now: Time, answered: u64, expected: Option<u64>) -> bool {
        self.progress.at(answered, expected);
        self.interrupted.load(Ordering::Relaxed)
    }
}
