//! What went wrong, as a message, a hint and an exit code.

use crate::usage;
use clap::error::ErrorKind;
use rackplan_scenario::QuestionError;
use std::fmt::Display;
use std::io;
use std::process::ExitCode;

/// Exit codes, as README and man page list them.
pub(crate) mod code {
    /// Our own fault.
    pub(crate) const INTERNAL: u8 = 1;
    /// The command line is wrong.
    pub(crate) const USAGE: u8 = 2;
    /// A file, a name or a value that cannot be used.
    pub(crate) const INPUT: u8 = 3;
    /// No plan fits; the answer says why.
    pub(crate) const INFEASIBLE: u8 = 4;
    /// Errors are larger than allowed.
    pub(crate) const GATE: u8 = 5;
    /// Ctrl-C.
    pub(crate) const INTERRUPTED: u8 = 130;
}

/// A command that ends without an answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The user has to change something.
    Input { message: String, hint: Option<String> },
    /// The command line is wrong; clap has the words.
    Usage(Box<clap::Error>),
    /// A flag is missing, or two contradict each other.
    Flags { message: String, hint: Option<String> },
    /// Whoever reads our output has stopped reading.
    PipeClosed,
    /// A bug.
    Internal(String),
}

impl Failure {
    pub(crate) fn input(message: impl Display, hint: impl Into<String>) -> Self {
        Self::Input { message: message.to_string(), hint: Some(hint.into()) }
    }

    /// Says it on stderr and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let (message, hint, code) = match self {
            Failure::PipeClosed => return ExitCode::SUCCESS,
            Failure::Usage(error) if is_help(&error) => {
                // Asking for help is no failure, saying nothing at all is; clap knows where to print it.
                let code = if error.use_stderr() { code::USAGE } else { 0 };
                let _ = error.print();
                return ExitCode::from(code);
            }
            Failure::Usage(error) => {
                let (message, hint) = usage::explain(&error);
                (message, Some(hint), code::USAGE)
            }
            Failure::Input { message, hint } => (message, hint, code::INPUT),
            Failure::Flags { message, hint } => (message, hint, code::USAGE),
            Failure::Internal(message) => (format!("internal: {message}"), None, code::INTERNAL),
        };
        eprintln!("error: {message}");
        if let Some(hint) = hint {
            eprintln!("hint: {hint}");
        }
        ExitCode::from(code)
    }
}

fn is_help(error: &clap::Error) -> bool {
    let kinds = [
        ErrorKind::DisplayHelp,
        ErrorKind::DisplayVersion,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
    ];
    kinds.contains(&error.kind())
}

impl From<QuestionError> for Failure {
    fn from(error: QuestionError) -> Self {
        let (message, hint) = (error.to_string(), error.hint());
        match error {
            QuestionError::Value { place, .. } if place.starts_with("--") => Failure::Flags { message, hint },
            _ => Failure::Input { message, hint },
        }
    }
}

impl From<rackplan_scenario::CatalogError> for Failure {
    fn from(error: rackplan_scenario::CatalogError) -> Self {
        Failure::Input { message: error.to_string(), hint: error.hint() }
    }
}

/// A failed write: a closed pipe is the reader's right, all else is said.
pub(crate) fn write_failed(place: &str) -> impl Fn(io::Error) -> Failure + use<> {
    let place = place.to_owned();
    move |error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::PipeClosed,
        _ => Failure::input(format!("{place}: {}", in_words(&error)), "is the folder there and writable?"),
    }
}

/// What the operating system says, without its error number, which helps nobody.
pub(crate) fn in_words(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    words.chars().take(1).flat_map(char::to_lowercase).chain(words.chars().skip(1)).collect()
}
