//! People who talk: sessions of turns with a growing context, time to think, tools, and coming and going.

mod laws;
mod source;
mod talk;

pub use laws::{Pause, Turns};
pub use source::Sessions;

use crate::{Gaps, Lengths};

/// Who is there.
#[derive(Clone, Debug, PartialEq)]
pub enum Users {
    /// They come one by one.
    Arriving(Gaps),
    /// Always as many: who leaves makes room for another, who starts at once.
    Fixed {
        /// How many.
        users: u32,
        /// Seconds over which they start, evenly.
        over: f64,
    },
}

/// What a user does after the last turn of a session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum After {
    /// Leaves for good.
    Leaves,
    /// Some come back, with a new session.
    Returns {
        /// Share of sessions after which the user comes back.
        share: f64,
        /// Time away.
        idle: Pause,
    },
}

/// Tools that the model calls: after an answer, a program sends a result instead of a person's next turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Tools {
    /// Share of turns that need tools.
    pub share: f64,
    /// Calls in a row in such a turn; each is a request of its own and none of the user's turns.
    pub calls: Turns,
    /// Time that a tool takes.
    pub time: Pause,
    /// Tokens of a tool's result.
    pub result: Lengths,
}

/// What a [`Sessions`] source sends. Without `sessions` and `duration` it has no end.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionLoad {
    /// Who is there.
    pub users: Users,
    /// Turns of a session.
    pub turns: Turns,
    /// Tokens at the start of every context, the same in all: the system prompt.
    pub shared: u32,
    /// Tokens of the first prompt after the shared ones.
    pub first_input: Lengths,
    /// Tokens that each later turn adds.
    pub new_input: Lengths,
    /// Answer tokens.
    pub output: Lengths,
    /// Time from the end of an answer to the user's next turn.
    pub think: Pause,
    /// Calls of tools, if there are any.
    pub tools: Option<Tools>,
    /// Most tokens of prompt and answer together. The history is cut to it, from its oldest part after the shared tokens.
    pub longest_context: u32,
    /// Tokens in a prefix block. Prompts then carry the ids of their full blocks.
    pub block_tokens: Option<u32>,
    /// Priority class of all requests.
    pub class: u16,
    /// What a user does after a session.
    pub after: After,
    /// The most sessions that begin.
    pub sessions: Option<u64>,
    /// Seconds after which nothing is sent.
    pub duration: Option<f64>,
    /// Of all that is drawn. What a session asks hangs on its number alone, and not on how fast others are answered.
    pub seed: u64,
}
