//! A trace as a stream of requests.

use super::json::Objects;
use super::lines::{Lines, Step};
use super::spread::Spread;
use super::stamp::Stamp;
use super::table::{self, Table};
use super::{Format, Problem, Row, TraceError};
use crate::{Sent, Source};
use std::io::BufRead;

/// How a trace is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Ends at the first broken line, instead of passing over it.
    pub strict: bool,
    /// With a seed, requests that share a stamp of a coarse clock (Mooncake: 3 s, BurstGPT: 1 s) are spread over the
    /// time until the next stamp, at most one step of the clock. Their order stays.
    pub jitter: Option<u64>,
    /// Requests come this many times as fast as in the trace. What is not positive and finite counts as 1.
    pub rate: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { strict: false, jitter: None, rate: 1.0 }
    }
}

/// What was read so far.
#[derive(Debug)]
pub struct Report {
    /// What kind of trace it is.
    pub format: Format,
    /// Requests.
    pub requests: u64,
    /// Lines that were passed over.
    pub broken: u64,
    /// What is wrong with the first ten of them.
    pub first_broken: Vec<TraceError>,
}

/// How many broken lines are kept as messages.
const KEPT: usize = 10;

enum Rows {
    Table(Table),
    Objects(Objects),
}

/// A trace that is read line by line.
///
/// As an iterator it gives an error at most once, and then ends: with `strict` the first broken line, else only what
/// leaves nothing to read on. As a [`Source`] it ends there too, and keeps the error in [`Reader::failure`].
pub struct Reader<R> {
    name: String,
    lines: Lines<R>,
    /// The first line is a request already.
    first: bool,
    rows: Rows,
    strict: bool,
    rate: f64,
    spread: Option<Spread>,
    origin: Option<Stamp>,
    last: Option<Stamp>,
    ended: bool,
    report: Report,
    failure: Option<TraceError>,
}

impl<R: BufRead> Reader<R> {
    /// Finds out what kind of trace it is; the name is for messages.
    pub fn new(name: &str, input: R, options: Options) -> Result<Self, TraceError> {
        let mut lines = Lines::new(input);
        let name = name.to_owned();
        match lines.advance() {
            Err(source) => return Err(TraceError::Io { name, line: lines.number, source }),
            Ok(Step::End) => return Err(TraceError::Empty { name }),
            Ok(Step::Line | Step::TooLong) => {}
        }
        let line = lines.line();
        let Some((format, rows)) = recognise(line) else {
            return Err(TraceError::Unknown { name, line: lines.number, found: table::heading(line) });
        };
        let rate = if options.rate > 0.0 && options.rate.is_finite() { options.rate } else { 1.0 };
        let spread = options.jitter.and_then(|seed| Some(Spread::new(format.grid()? / rate, seed)));
        let report = Report { format, requests: 0, broken: 0, first_broken: Vec::new() };
        Ok(Self {
            name,
            lines,
            first: format.is_json(),
            rows,
            strict: options.strict,
            rate,
            spread,
            origin: None,
            last: None,
            ended: false,
            report,
            failure: None,
        })
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What was read so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Why a source ended before the trace did.
    pub fn failure(&self) -> Option<&TraceError> {
        self.failure.as_ref()
    }

    /// The next request at its time in the trace.
    fn read(&mut self) -> Option<Result<Sent, TraceError>> {
        while !self.ended {
            let problem = match self.step() {
                Ok(Step::End) => return self.end(),
                Ok(Step::TooLong) => Problem::TooLong,
                Ok(Step::Line) => match self.row() {
                    Ok(row) => return Some(Ok(self.sent(row))),
                    Err(problem) => problem,
                },
                Err(error) => return self.fail(error),
            };
            let error = TraceError::Line { name: self.name.clone(), line: self.lines.number, problem };
            if self.strict {
                return self.fail(error);
            }
            self.report.broken += 1;
            if self.report.first_broken.len() < KEPT {
                self.report.first_broken.push(error);
            }
        }
        None
    }

    fn step(&mut self) -> Result<Step, TraceError> {
        if std::mem::take(&mut self.first) {
            return Ok(Step::Line);
        }
        let step = self.lines.advance();
        step.map_err(|source| TraceError::Io { name: self.name.clone(), line: self.lines.number, source })
    }

    fn row(&mut self) -> Result<Row, Problem> {
        match &mut self.rows {
            Rows::Table(table) => table.row(self.lines.line(), self.last),
            Rows::Objects(objects) => objects.row(self.lines.line(), self.last),
        }
    }

    fn sent(&mut self, row: Row) -> Sent {
        let Row { stamp, input, output, session, turn, class, blocks } = row;
        self.last = Some(stamp);
        self.report.requests += 1;
        let at = stamp.since(*self.origin.get_or_insert(stamp)) / self.rate;
        Sent { at, input, output, session, turn, class, priority: class, blocks }
    }

    fn end(&mut self) -> Option<Result<Sent, TraceError>> {
        if self.report.requests > 0 {
            self.ended = true;
            return None;
        }
        let first =
            (!self.report.first_broken.is_empty()).then(|| Box::new(self.report.first_broken.remove(0)));
        self.fail(TraceError::NoRequests { name: self.name.clone(), broken: self.report.broken, first })
    }

    fn fail(&mut self, error: TraceError) -> Option<Result<Sent, TraceError>> {
        (self.ended, self.spread) = (true, None);
        Some(Err(error))
    }
}

fn recognise(line: &[u8]) -> Option<(Format, Rows)> {
    if line.starts_with(b"{") {
        return Objects::new(line).map(|(format, objects)| (format, Rows::Objects(objects)));
    }
    Table::new(line).map(|(format, table)| (format, Rows::Table(table)))
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Sent, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(spread) = &mut self.spread else { return self.read() };
            if let Some(sent) = spread.pop() {
                return Some(Ok(sent));
            }
            match self.read() {
                Some(Ok(sent)) => self.spread.as_mut()?.push(sent),
                Some(error) => return Some(error),
                None => {
                    let spread = self.spread.as_mut()?;
                    spread.finish();
                    return spread.pop().map(Ok);
                }
            }
        }
    }
}

impl<R: BufRead> Source for Reader<R> {
    fn next_sent(&mut self) -> Option<Sent> {
        match self.next()? {
            Ok(sent) => Some(sent),
            Err(error) => {
                self.failure = Some(error);
                None
            }
        }
    }

    fn block_tokens(&self) -> Option<u32> {
        self.report.format.block_tokens()
    }
}
