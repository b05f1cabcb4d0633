//! What can be wrong with a trace: the place, the value, and the way out.

use super::Format;
use std::fmt;
use thiserror::Error;

/// Why a trace, or one line of it, cannot be used.
#[derive(Debug, Error)]
pub enum TraceError {
    /// One line is no request.
    #[error("{name}: line {line}: {problem}")]
    Line {
        /// The trace.
        name: String,
        /// Counted from 1, the heading included.
        line: u64,
        /// What is wrong with it.
        problem: Problem,
    },
    /// The bytes did not come.
    #[error("{name}: line {line}: cannot be read: {source}")]
    Io {
        /// The trace.
        name: String,
        /// The line that was asked for.
        line: u64,
        /// The reason.
        source: std::io::Error,
    },
    /// There is no line at all.
    #[error("{name}: the trace is empty")]
    Empty {
        /// The trace.
        name: String,
    },
    /// There are lines, but no request among them.
    #[error("{name}: none of {broken} lines is a request{}", first.as_ref().map_or(String::new(), |e| format!("; {e}")))]
    NoRequests {
        /// The trace.
        name: String,
        /// Lines that could not be read.
        broken: u64,
        /// What is wrong with the first of them.
        first: Option<Box<TraceError>>,
    },
    /// The heading, or the keys of the first line, are of no trace that is known.
    #[error("{name}: line {line}: `{found}` is the heading of no known trace")]
    Unknown {
        /// The trace.
        name: String,
        /// The first line that is not blank.
        line: u64,
        /// The heading.
        found: String,
    },
    /// Its copies need more numbers than there are.
    #[error("{name}: {times} copies of {ids} ids of {what} are more than 2^32 ids")]
    TooManyIds {
        /// The trace.
        name: String,
        /// Copies asked for.
        times: u32,
        /// Ids in one copy.
        ids: u64,
        /// Blocks or sessions.
        what: &'static str,
    },
}

impl TraceError {
    /// The way out, as a sentence fragment.
    pub fn hint(&self) -> String {
        match self {
            Self::Line { problem, .. } => problem.hint().into(),
            Self::Io { .. } => {
                "check that the file is whole and its compression is what its name says".into()
            }
            Self::Empty { .. } => format!("a trace starts with one of: {}", Format::known()),
            Self::NoRequests { first, .. } => {
                first.as_ref().map_or_else(|| "add rows below the heading".into(), |error| error.hint())
            }
            Self::Unknown { .. } => format!("known are: {}", Format::known()),
            Self::TooManyIds { .. } => "repeat it fewer times, or let copies share ids".into(),
        }
    }
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Problem {
    /// Too few or too many fields.
    #[error("{found} fields, and the heading has {expected}")]
    Fields {
        /// In the line.
        found: usize,
        /// In the heading.
        expected: usize,
    },
    /// A quote that does not end on its line.
    #[error("a quoted field does not end")]
    OpenQuote,
    /// No line of a trace is that long.
    #[error("the line is longer than {} MiB", super::lines::LONGEST >> 20)]
    TooLong,
    /// Not a JSON object.
    #[error("not a JSON object: {0}")]
    NotJson(String),
    /// A key is absent.
    #[error("key `{0}` is missing")]
    Missing(&'static str),
    /// A field holds what it cannot.
    #[error("`{column}` is `{value}`, which {fault}")]
    Value {
        /// The column or key.
        column: String,
        /// What it holds, cut to 40 characters.
        value: String,
        /// Why that cannot be.
        fault: Fault,
    },
}

impl Problem {
    pub(crate) fn value(column: &str, value: &[u8], fault: Fault) -> Self {
        Self::Value { column: column.into(), value: shown(value), fault }
    }

    /// The way out.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Fields { .. } => "one field for each column of the heading, with commas between",
            Self::OpenQuote => {
                "a quote inside a quoted field is written twice, and a field stays on its line"
            }
            Self::TooLong => "one request a line",
            Self::NotJson(_) => "one JSON object a line",
            Self::Missing(_) => "every line has the keys of the first",
            Self::Value { fault, .. } => fault.hint(),
        }
    }
}

/// Why a value cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not read as one.
    NotANumber,
    /// It does not read as a date with a time of day.
    NotATime,
    /// Infinite, or "not a number".
    NotFinite,
    /// Zero or less, where tokens are counted.
    NotPositive,
    /// Not whole, where tokens are counted.
    Fractional,
    /// More tokens than fit 32 bits, or a time further than 10^12 s away.
    TooLarge,
    /// Earlier than the line before.
    Backwards,
    /// Not a list of ids, or not an id.
    NotIds,
    /// Not a priority class.
    NotAClass,
}

impl Fault {
    fn hint(self) -> &'static str {
        match self {
            Self::NotANumber => "expected a number, e.g. `512`",
            Self::NotATime => "expected a time such as `2023-11-16 18:17:03.9799600`",
            Self::NotFinite | Self::TooLarge => "expected a number of everyday size",
            Self::NotPositive => "expected at least 1 token; requests that failed have no place in a trace",
            Self::Fractional => "expected a whole number of tokens",
            Self::Backwards => "sort the trace by time",
            Self::NotIds => "expected whole numbers of at least 0",
            Self::NotAClass => "expected a priority class from 0, the most urgent, to 63",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "is not a number",
            Self::NotATime => "is not a date and time",
            Self::NotFinite => "is not finite",
            Self::NotPositive => "is not positive",
            Self::Fractional => "is not whole",
            Self::TooLarge => "is too large",
            Self::Backwards => "is earlier than the request before",
            Self::NotIds => "is not a list of ids",
            Self::NotAClass => "is no priority class",
        })
    }
}

/// A value as a message shows it.
pub(crate) fn shown(value: &[u8]) -> String {
    const LONGEST: usize = 40;
    let text = String::from_utf8_lossy(&value[..value.len().min(4 * LONGEST)]).into_owned();
    if text.chars().count() <= LONGEST && value.len() <= 4 * LONGEST {
        return text;
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}
