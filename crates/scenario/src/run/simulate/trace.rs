//! A trace as a load: read once for what is in it, then sent line by line, as often and as fast as the question says.

use super::fleet::longest_context;
use super::list::List;
use super::who::{requests_given, until};
use crate::QuestionError;
use crate::inputs::{Notes, check_range};
use crate::run::explain::Asked;
use crate::simulation::{Lent, OpenTrace, Time};
use rackplan_traffic::trace::{Format, Options, Reader, TraceError};
use rackplan_traffic::{Sent, Source};
use std::io::BufRead;

/// Most times that a trace is repeated, and the fastest that it is sent.
const MOST_REPEATS: u64 = 1_000_000;
const FASTEST: f64 = 1e6;
/// Ids of blocks or sessions of all copies together.
const MOST_IDS: u64 = 1 << 30;
/// Requests between two looks at whether to go on.
const LOOKS_EVERY: u64 = 1 << 16;

type Lines = Reader<Box<dyn BufRead + Send>>;

/// A trace and how it is sent.
pub(super) struct Trace<'a> {
    file: File<'a>,
    /// Its name, without folders.
    name: String,
    /// How often, one time after the other.
    repeat: u32,
    /// Requests to send at most, and when no more are sent, in seconds.
    most: u64,
    until: f64,
    pub(super) seen: Seen,
}

/// The file of a trace.
#[derive(Clone, Copy)]
struct File<'a> {
    open: &'a OpenTrace<'a>,
    options: Options,
}

/// What is in a trace, as far as it is sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    requests: u64,
    /// Those that the model's context holds, and tokens of their prompts and answers.
    fitting: u64,
    input: u64,
    output: u64,
    /// When the last request comes, in seconds.
    last: f64,
    /// Ids of prefix blocks and of sessions: one more than the highest.
    blocks: u64,
    sessions: u64,
    format: Option<Format>,
    /// Lines that were passed over.
    pub(super) broken: u64,
    first_broken: Option<String>,
}

impl Seen {
    fn add(&mut self, sent: &Sent, longest: u32) {
        self.requests += 1;
        if sent.input.saturating_add(sent.output) <= longest {
            self.fitting += 1;
            self.input += u64::from(sent.input);
            self.output += u64::from(sent.output);
        }
        self.last = sent.at;
        let blocks = sent.blocks.iter().max().map_or(0, |id| u64::from(*id) + 1);
        self.blocks = self.blocks.max(blocks);
        self.sessions = self.sessions.max(sent.session.map_or(0, |id| u64::from(id) + 1));
    }

    /// Mean prompt, in tokens.
    pub(super) fn isl_mean(&self) -> f64 {
        (self.input as f64 / self.fitting.max(1) as f64).max(1.0)
    }

    /// Mean answer, in tokens.
    pub(super) fn osl_mean(&self) -> f64 {
        (self.output as f64 / self.fitting.max(1) as f64).max(1.0)
    }

    /// From the start of one copy to the start of the next, in seconds: n requests have n - 1 gaps, and a mean one
    /// follows the last.
    fn period(&self) -> f64 {
        if self.requests > 1 { self.last * self.requests as f64 / (self.requests - 1) as f64 } else { 0.0 }
    }
}

impl<'a> Trace<'a> {
    /// Reads how the trace is sent, and the trace itself for what is in it.
    pub(super) fn read(
        asked: &mut Asked,
        open: &'a OpenTrace<'a>,
        lent: &mut Lent<'_>,
    ) -> Result<Self, QuestionError> {
        say_nothing_twice(asked)?;
        let workload = asked.question.workload.clone();
        let repeat = workload.repeat.map_or(1, |times| times.0);
        check_range(asked.layers, "workload.repeat", repeat, 1, MOST_REPEATS)?;
        let strict = workload.strict.unwrap_or_default().0;
        let options = Options { strict, rate: rate(asked)?, jitter: None };
        let (most, until) = (requests_given(asked)?.unwrap_or(u64::MAX), until(asked)?);
        let name = name(asked);
        let mut trace = Self {
            file: File { open, options },
            name: name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned(),
            repeat: repeat as u32,
            most,
            until,
            seen: Seen::default(),
        };
        let model = asked.model()?;
        let longest = longest_context(asked, &model)?;
        trace.look_through(lent, longest).map_err(|error| broken(&name, &error))?;
        trace.check_ids(asked)?;
        trace.note(&name, &mut asked.notes);
        Ok(trace)
    }

    fn look_through(&mut self, lent: &mut Lent<'_>, longest: u32) -> Result<(), TraceError> {
        let mut reader = self.file.reader(1)?;
        for sent in reader.by_ref() {
            let sent = sent?;
            if sent.at > self.until || self.seen.requests >= self.most {
                break;
            }
            self.seen.add(&sent, longest);
            let is_time = self.seen.requests.is_multiple_of(LOOKS_EVERY);
            if is_time && lent.watch.stops(Time::ZERO, self.seen.requests, None) {
                break;
            }
        }
        let report = reader.report();
        self.seen.format = Some(report.format);
        self.seen.broken = report.broken;
        self.seen.first_broken = report.first_broken.first().map(ToString::to_string);
        Ok(())
    }

    /// Copies have blocks and sessions of their own, for which there have to be numbers.
    fn check_ids(&self, asked: &Asked) -> Result<(), QuestionError> {
        let times = u64::from(self.repeat);
        for (ids, what) in [(self.seen.blocks, "blocks"), (self.seen.sessions, "sessions")] {
            if times > 1 && ids * times > MOST_IDS {
                let problem = format!("{times} copies of {ids} ids of {what} are more than {MOST_IDS} ids");
                return Err(QuestionError::value(asked.layers.place("workload.repeat"), problem)
                    .with_hint("repeat it fewer times"));
            }
        }
        Ok(())
    }

    fn note(&self, name: &str, notes: &mut Notes) {
        let seen = &self.seen;
        if let Some(first) = &seen.first_broken {
            let are = if seen.broken == 1 { "1 line is" } else { &format!("{} lines are", seen.broken) };
            notes.warn(format!("{name}: {are} no requests and skipped; the first: {}", tail(first, NAME)));
        }
        if self.is_coarse() {
            let why = "over each step of its coarse clock, so that they do not all come at once";
            notes.assume("workload.trace", "arrivals spread", why);
        }
    }

    /// Whether requests share stamps of a coarse clock, over whose steps they are spread by the seed.
    pub(super) fn is_coarse(&self) -> bool {
        self.seen.format.is_some_and(|format| format.grid().is_some())
    }

    /// Requests a second on average: n - 1 gaps over the time of the last.
    pub(super) fn offered(&self) -> Option<f64> {
        let period = self.seen.period();
        (period > 0.0).then(|| self.seen.requests as f64 / period)
    }

    pub(super) fn expected(&self) -> Option<u64> {
        (self.until.is_infinite() || self.repeat == 1).then(|| self.all())
    }

    /// Requests of all copies, as many as are sent at most.
    fn all(&self) -> u64 {
        self.seen.requests.saturating_mul(u64::from(self.repeat)).min(self.most)
    }

    /// For how long requests come, in seconds.
    pub(super) fn lasts(&self) -> f64 {
        let whole = self.seen.period() * f64::from(self.repeat);
        let share = self.most as f64 / (self.seen.requests as f64 * f64::from(self.repeat)).max(1.0);
        (whole * share.min(1.0)).min(self.until)
    }

    /// In words.
    pub(super) fn kind(&self) -> String {
        let times = if self.repeat > 1 { format!(", {} times over", self.repeat) } else { String::new() };
        let rate = self.file.options.rate;
        let rate = if rate == 1.0 { String::new() } else { format!(", {rate} times as fast") };
        format!("the {} requests of {}{times}{rate}", self.seen.requests, self.name)
    }

    /// The requests, spread by a seed where they share stamps.
    pub(super) fn sending(&self, seed: u64) -> Sending<'_> {
        Sending { trace: self, seed, reader: None, copy: 0, left: self.most }
    }

    /// How many times as fast as written it is sent.
    pub(super) fn rate(&self) -> f64 {
        self.file.options.rate
    }

    /// Its requests in memory, as many as somebody says, else so many at most; and how many are left out.
    pub(super) fn first(&self, most: u64, seed: u64) -> (List, u64) {
        let most = if self.most == u64::MAX { most } else { self.most };
        let mut once = Sending { left: most, ..self.sending(seed) };
        let sent: Vec<Sent> = std::iter::from_fn(|| once.next_sent()).collect();
        let left_out = if once.left > 0 { 0 } else { self.all() - sent.len() as u64 };
        (List { block_tokens: once.block_tokens(), sent }, left_out)
    }
}

impl File<'_> {
    fn reader(&self, seed: u64) -> Result<Lines, TraceError> {
        let failed = |source| TraceError::Io { name: NAME.to_owned(), line: 1, source };
        Reader::new(NAME, (self.open)().map_err(failed)?, Options { jitter: Some(seed), ..self.options })
    }
}

/// What messages of the reader begin with; they get the place in its stead.
const NAME: &str = "trace";

fn tail<'t>(text: &'t str, name: &str) -> &'t str {
    text.strip_prefix(name).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(text)
}

fn name(asked: &Asked) -> String {
    match asked.layers.written("workload.trace") {
        name if name == "-" => "standard input".to_owned(),
        name => name,
    }
}

fn broken(name: &str, error: &TraceError) -> QuestionError {
    let text = error.to_string().replace(&format!("; {NAME}: "), "; ");
    QuestionError::value(name, tail(&text, NAME)).with_hint(error.hint())
}

fn rate(asked: &Asked) -> Result<f64, QuestionError> {
    let rate = asked.question.workload.rate_scale.map_or(1.0, |scale| scale.0);
    if rate > 0.0 && rate <= FASTEST {
        return Ok(rate);
    }
    let place = asked.layers.place("workload.rate_scale");
    Err(QuestionError::value(place, format!("`{rate}` is out of range"))
        .with_hint("expected more than 0 and at most 1e6, e.g. `1.5`"))
}

/// A trace says who asks, what and when; who says it another time is told.
fn say_nothing_twice(asked: &mut Asked) -> Result<(), QuestionError> {
    let layers = asked.layers;
    let others = ["workload.rate", "workload.users", "workload.concurrency", "workload.arrival_rate"];
    if let Some(other) = others.iter().find(|path| layers.origin(path).is_some()) {
        let problem = "the trace says already when requests come";
        return Err(QuestionError::value(layers.place(other), problem)
            .with_hint("leave out one of the two; --rate-scale X sends a trace faster"));
    }
    let unused = [
        "workload.isl",
        "workload.osl",
        "workload.turns",
        "workload.think_time",
        "workload.prefix_hit",
        "workload.tools",
    ];
    for path in unused.iter().filter(|path| layers.origin(path).is_some()) {
        asked.notes.warn(format!("{} is not used: the trace says it for every request", layers.place(path)));
    }
    Ok(())
}

/// The requests of a trace on their way. What can go wrong did so when it was looked through.
pub(super) struct Sending<'a> {
    trace: &'a Trace<'a>,
    seed: u64,
    reader: Option<Box<Lines>>,
    copy: u32,
    left: u64,
}

impl Sending<'_> {
    /// A request of the copy that is being sent, with its time and numbers.
    fn moved(&self, mut sent: Sent) -> Sent {
        let seen = &self.trace.seen;
        sent.at += f64::from(self.copy) * seen.period();
        // Checked to fit where there are several copies; the first adds nothing.
        let (blocks, sessions) = (self.copy * seen.blocks as u32, self.copy * seen.sessions as u32);
        sent.session = sent.session.map(|session| session + sessions);
        sent.blocks.iter_mut().for_each(|block| *block += blocks);
        sent
    }
}

impl Source for Sending<'_> {
    fn next_sent(&mut self) -> Option<Sent> {
        while self.left > 0 && self.copy < self.trace.repeat {
            if self.reader.is_none() {
                self.reader = self.trace.file.reader(self.seed).ok().map(Box::new);
            }
            match self.reader.as_mut()?.next_sent() {
                Some(sent) => {
                    let sent = self.moved(sent);
                    self.left -= 1;
                    return Some(sent).filter(|sent| sent.at <= self.trace.until);
                }
                None => (self.reader, self.copy) = (None, self.copy + 1),
            }
        }
        None
    }

    fn block_tokens(&self) -> Option<u32> {
        self.trace.seen.format?.block_tokens()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{self, Cursor};

    const ROWS: &str = "arrival_s,input_tokens,output_tokens\n0,9,1\n1,9,1\n2,9,1\n";

    #[test]
    fn hand_a_list_is_as_long_as_somebody_says_and_else_at_most_so_long() {
        let open = || io::Result::Ok(Box::new(Cursor::new(ROWS)) as Box<dyn BufRead + Send>);
        let file = File { open: &open, options: Options::default() };
        let seen = Seen { requests: 3, last: 2.0, ..Seen::default() };
        // Two copies, six requests.
        for (said, most, length) in
            [(None, 100, (6, 0)), (None, 4, (4, 2)), (None, 6, (6, 0)), (Some(5), 4, (5, 0))]
        {
            let (seen, most_sent) = (seen.clone(), said.unwrap_or(u64::MAX));
            let (name, until) = (String::new(), f64::INFINITY);
            let trace = Trace { file, name, repeat: 2, most: most_sent, until, seen };
            let (list, left_out) = trace.first(most, 1);
            assert_eq!((list.sent.len(), left_out), length, "{said:?} {most}");
        }
    }
}
