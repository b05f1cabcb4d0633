//! The load of a simulation: people made up from laws, or a trace that is sent again.

use super::crowd::{Crowd, Gathering};
use super::list::Listed;
use super::trace::{Sending, Trace};
use super::who::crowd;
use crate::QuestionError;
use crate::question::no_classes;
use crate::run::explain::Asked;
use crate::simulation::Lent;
use rackplan_traffic::{Answered, Sent, Source};

/// Who sends requests.
pub(super) enum Load<'a> {
    /// People made up from laws.
    People(Crowd),
    /// Requests of a file.
    Trace(Trace<'a>),
}

impl<'a> Load<'a> {
    /// Reads who asks; a trace is read once to its end.
    pub(super) fn read(asked: &mut Asked, lent: &mut Lent<'a>) -> Result<Self, QuestionError> {
        match lent.trace {
            Some(open) => {
                no_classes(asked.layers, &asked.question, "a trace")?;
                Trace::read(asked, open, lent).map(Self::Trace)
            }
            None => of_trace_only(asked).and_then(|()| crowd(asked)).map(Self::People),
        }
    }

    /// Mean prompt, in tokens.
    pub(super) fn isl_mean(&self) -> f64 {
        match self {
            Self::People(crowd) => crowd.isl_mean(),
            Self::Trace(trace) => trace.seen.isl_mean(),
        }
    }

    /// Mean answer, in tokens.
    pub(super) fn osl_mean(&self) -> f64 {
        match self {
            Self::People(crowd) => crowd.osl_mean(),
            Self::Trace(trace) => trace.seen.osl_mean(),
        }
    }

    /// Whether there are never more requests under way than people.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self, Self::People(crowd) if crowd.is_closed())
    }

    /// Requests a second that come by themselves; none where people wait for answers.
    pub(super) fn offered(&self) -> Option<f64> {
        match self {
            Self::People(crowd) => crowd.offered(),
            Self::Trace(trace) => trace.offered(),
        }
    }

    /// Requests that there will be, where that is known.
    pub(super) fn expected(&self) -> Option<u64> {
        match self {
            Self::People(crowd) => Some(crowd.requests).filter(|_| crowd.until.is_infinite()),
            Self::Trace(trace) => trace.expected(),
        }
    }

    /// For how long requests come, in seconds; roughly, where answers decide.
    pub(super) fn lasts(&self) -> f64 {
        match self {
            Self::People(crowd) => crowd.lasts(),
            Self::Trace(trace) => trace.lasts(),
        }
    }

    /// Lines of a trace that were passed over.
    pub(super) fn skipped_lines(&self) -> u64 {
        if let Self::Trace(trace) = self { trace.seen.broken } else { 0 }
    }

    /// In words.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::People(crowd) => crowd.in_words(),
            Self::Trace(trace) => trace.kind(),
        }
    }

    /// Whether another seed sends other requests.
    pub(super) fn is_random(&self) -> bool {
        match self {
            Self::People(_) => true,
            Self::Trace(trace) => trace.is_coarse(),
        }
    }

    /// The requests, by a seed.
    pub(super) fn requests(&self, seed: u64) -> Requests<'_> {
        match self {
            Self::People(crowd) => Requests::People(Box::new(crowd.people(seed))),
            Self::Trace(trace) => Requests::Trace(trace.sending(seed)),
        }
    }
}

/// Without a trace nothing of it can be repeated or sent faster.
fn of_trace_only(asked: &Asked) -> Result<(), QuestionError> {
    let paths = ["workload.repeat", "workload.rate_scale", "workload.strict"];
    match paths.iter().find(|path| asked.layers.origin(path).is_some()) {
        None => Ok(()),
        Some(path) => Err(QuestionError::value(asked.layers.place(path), "there is no trace")
            .with_hint("add --trace FILE, or leave it out")),
    }
}

/// Requests as they are sent.
pub(super) enum Requests<'a> {
    /// By people.
    People(Box<Gathering>),
    /// From a file.
    Trace(Sending<'a>),
    /// From memory.
    List(Listed<'a>),
}

impl Source for Requests<'_> {
    fn next_sent(&mut self) -> Option<Sent> {
        match self {
            Self::People(people) => people.next_sent(),
            Self::Trace(sending) => sending.next_sent(),
            Self::List(listed) => listed.next_sent(),
        }
    }

    fn answered(&mut self, answered: &Answered) -> Option<Sent> {
        match self {
            Self::People(people) => people.answered(answered),
            Self::Trace(_) | Self::List(_) => None,
        }
    }

    fn block_tokens(&self) -> Option<u32> {
        match self {
            Self::People(people) => people.block_tokens(),
            Self::Trace(sending) => sending.block_tokens(),
            Self::List(listed) => listed.block_tokens(),
        }
    }
}
