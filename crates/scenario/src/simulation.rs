//! What a shell lends a simulation, and what it may look at: nothing here opens a file or knows the time.

pub use rackplan_sim::{Row, StepRecord, Time};
use std::io::{self, BufRead};

/// Opens a trace from its beginning.
pub type OpenTrace<'a> = dyn Fn() -> io::Result<Box<dyn BufRead + Send>> + Sync + 'a;

/// Files that a question names, and someone who looks on.
pub struct Lent<'a> {
    /// The trace that the question names, if it names one.
    pub trace: Option<&'a OpenTrace<'a>>,
    /// Names and texts of tables of operators.
    pub op_tables: Vec<(String, String)>,
    /// Who looks on while the first seed is played.
    pub watch: &'a mut dyn Watch,
    /// Whether to end, with what is known so far; asked from any thread.
    pub interrupted: &'a (dyn Fn() -> bool + Sync),
}

/// Someone who looks on. Nothing depends on what it does, but that it can end the play.
pub trait Watch {
    /// A request was answered, or refused.
    fn request(&mut self, _row: &Row) {}
    /// A step ended, or several alike.
    fn step(&mut self, _step: &StepRecord) {}
    /// Whether steps are wanted at all.
    fn wants_steps(&self) -> bool {
        false
    }
    /// Asked now and then, with the requests answered of those that there will be, where that is known; `true` ends the
    /// play, with what is known so far.
    fn stops(&mut self, _now: Time, _answered: u64, _expected: Option<u64>) -> bool {
        false
    }
}

/// Nobody looks on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Watch for Nobody {}
