//! Steps and requests in the trace-event format of Chrome, which Perfetto reads too: a process for each replica, with its
//! steps on one line, and a process with requests from sending to their last token.

use crate::error::{Failure, write_failed};
use crate::output::open;
use clap::ArgMatches;
use rackplan_scenario::simulation::{Row, StepRecord};
use std::io::{self, Write};
use std::path::PathBuf;

/// Process of requests; replicas come after it.
const REQUESTS: u32 = 0;
const MICRO: f64 = 1e6;

/// A trace that is being written.
pub(crate) struct ChromeTrace {
    name: String,
    out: Box<dyn Write>,
    failed: Option<io::Error>,
}

impl ChromeTrace {
    /// Opens the file, if one is asked for.
    pub(crate) fn open(matches: &ArgMatches) -> Result<Option<Self>, Failure> {
        let Some(path) = matches.get_one::<PathBuf>("chrome-trace") else { return Ok(None) };
        let mut trace = Self { name: path.display().to_string(), out: open(Some(path))?, failed: None };
        // Times are in microseconds, as the format has them.
        trace.write(format_args!(
            "{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n\
             {{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":{REQUESTS},\"args\":{{\"name\":\"requests\"}}}}"
        ));
        Ok(Some(trace))
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        if self.failed.is_none() {
            self.failed = self.out.write_fmt(text).err();
        }
    }

    /// One step, or several alike.
    pub(crate) fn step(&mut self, step: &StepRecord) {
        let (began, end) = (step.began.seconds() * MICRO, step.end.seconds() * MICRO);
        let name = match (step.decodes > 0, step.prompt_tokens > 0.0) {
            (true, true) => "mixed",
            (false, true) => "prefill",
            _ => "decode",
        };
        self.write(format_args!(
            ",\n{{\"name\":\"{name}\",\"ph\":\"X\",\"pid\":{},\"tid\":0,\"ts\":{began:.3},\"dur\":{:.3},\"args\":\
             {{\"steps\":{},\"decodes\":{},\"context_tokens\":{},\"prompt_tokens\":{}}}}}",
            step.replica + 1,
            end - began,
            step.steps,
            step.decodes,
            step.context,
            step.prompt_tokens
        ));
    }

    /// One request: waiting, its prompt, its answer. Asynchronous events of one id may overlap those of others.
    pub(crate) fn request(&mut self, row: &Row) {
        let (Some(queueing), Some(ttft), Some(e2e)) = (row.queueing, row.ttft, row.e2e) else { return };
        let sent = row.sent.get();
        let parts = [
            ("waiting", 0.0, queueing.get()),
            ("prefill", queueing.get(), ttft.get()),
            ("decode", ttft.get(), e2e.get()),
        ];
        for (name, from, to) in parts.into_iter().filter(|(_, from, to)| to > from) {
            for (phase, at) in [("b", from), ("e", to)] {
                self.write(format_args!(
                    ",\n{{\"name\":\"{name}\",\"cat\":\"request\",\"ph\":\"{phase}\",\"id\":{},\"pid\":{REQUESTS},\
                     \"tid\":0,\"ts\":{:.3},\"args\":{{\"replica\":{},\"isl\":{},\"osl\":{}}}}}",
                    row.number,
                    (sent + at) * MICRO,
                    row.replica,
                    row.isl,
                    row.osl
                ));
            }
        }
    }

    /// Closes the list.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.write(format_args!("\n]}}\n"));
        let failed = self.failed.take().or_else(|| self.out.flush().err());
        failed.map_or(Ok(()), |error| Err(write_failed(&self.name)(error)))
    }
}
