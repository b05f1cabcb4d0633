//! Tools that a model calls between the turns of its users: a program sends a result at once where a person would think.

use crate::QuestionError;
use crate::inputs::check_range;
use crate::run::explain::Asked;
use rackplan_traffic::Stream;
use rackplan_units::{Seconds, parse_count};

/// Most calls of a turn, and tokens of a result.
const MOST_CALLS: u64 = 10_000;
const LONGEST: u64 = 100_000_000;
const HINT: &str = "expected e.g. `share=0.5,calls=3,time=2s,tokens=800`";

/// Calls of tools.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tools {
    /// Share of turns that need some.
    pub(super) share: f64,
    /// Calls in a row in such a turn.
    pub(super) calls: u32,
    /// Mean time of a call, exponential, in seconds.
    pub(super) time: f64,
    /// Tokens of a result.
    pub(super) tokens: u32,
}

impl Tools {
    /// Reads `share=0.5,calls=3,time=2s,tokens=800`; what is left out is 1, 1, no time and one token.
    pub(super) fn read(asked: &Asked) -> Result<Option<Self>, QuestionError> {
        let Some(given) = asked.question.workload.tools.clone() else { return Ok(None) };
        let mut tools = Self { share: 1.0, calls: 1, time: 0.0, tokens: 1 };
        for part in &given.0 {
            tools.set(part, asked)?;
        }
        Ok(Some(tools))
    }

    fn set(&mut self, part: &str, asked: &Asked) -> Result<(), QuestionError> {
        let place = asked.layers.place("workload.tools");
        let wrong =
            || QuestionError::value(&place, format!("`{part}` is nothing that tools have")).with_hint(HINT);
        let (name, value) = part.split_once('=').ok_or_else(wrong)?;
        let count = |most| {
            let count = parse_count(value).ok_or_else(wrong)?;
            check_range(asked.layers, "workload.tools", count, 1, most).map(|()| count as u32)
        };
        match name {
            "share" => {
                let share = value.parse().ok().filter(|share| (0.0..=1.0).contains(share));
                self.share = share.ok_or_else(wrong)?;
            }
            "calls" => self.calls = count(MOST_CALLS)?,
            "tokens" => self.tokens = count(LONGEST)?,
            "time" => {
                let time = value.parse::<Seconds>().ok().filter(|time| time.get() >= 0.0);
                self.time = time.ok_or_else(wrong)?.get();
            }
            _ => return Err(wrong()),
        }
        Ok(())
    }

    /// Calls in a turn.
    pub(super) fn draw(&self, random: &mut Stream) -> u32 {
        if random.unit() < self.share { self.calls } else { 0 }
    }

    /// Mean calls in a turn.
    pub(super) fn mean(&self) -> f64 {
        self.share * f64::from(self.calls)
    }
}
