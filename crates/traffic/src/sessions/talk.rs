//! One session: what is left of it, and its next prompt.

use super::SessionLoad;
use crate::{Sent, Stream};

/// Ids of prefix blocks that nobody has yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fresh {
    /// Tokens in a block, if prompts carry any.
    pub(super) tokens: Option<u32>,
    next: u32,
}

impl Fresh {
    pub(super) fn new(load: &SessionLoad) -> Self {
        let tokens = load.block_tokens.filter(|tokens| *tokens > 0);
        Self { tokens, next: tokens.map_or(0, |tokens| load.shared / tokens) }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Talk {
    session: u32,
    /// Turns of the user that are still to come.
    turns: u32,
    /// Calls of tools that are still to come in this turn.
    calls: u32,
    blocks: Vec<u32>,
    pub(super) random: Stream,
}

impl Talk {
    /// A session and its first prompt.
    pub(super) fn begin(load: &SessionLoad, session: u32, at: f64, fresh: &mut Fresh) -> (Self, Sent) {
        let mut random = Stream::of(load.seed, "session", u64::from(session));
        let turns = load.turns.draw(&mut random) - 1;
        let calls = calls(load, &mut random);
        let mut talk = Self { session, turns, calls, blocks: Vec::new(), random };
        let input = load.first_input.draw(&mut talk.random).saturating_add(load.shared);
        let sent = talk.prompt(load, input, fresh);
        (talk, Sent { at, ..sent })
    }

    /// What follows an answer after which the context has this many tokens, with its delay in `at`; none at the end.
    pub(super) fn next(&mut self, load: &SessionLoad, context: u32, fresh: &mut Fresh) -> Option<Sent> {
        let random = &mut self.random;
        let (pause, new) = match &load.tools {
            Some(tools) if self.calls > 0 => {
                self.calls -= 1;
                (tools.time.draw(random), tools.result.draw(random))
            }
            _ => {
                self.turns = self.turns.checked_sub(1)?;
                self.calls = calls(load, random);
                (load.think.draw(random), load.new_input.draw(random))
            }
        };
        Some(Sent { at: pause, ..self.prompt(load, context.saturating_add(new), fresh) })
    }

    /// A prompt of this length, or as much of it as leaves room for its answer.
    fn prompt(&mut self, load: &SessionLoad, input: u32, fresh: &mut Fresh) -> Sent {
        let longest = load.longest_context.max(2);
        let output = load.output.draw(&mut self.random).min(longest - 1);
        let room = longest - output;
        let blocks = self.carry(load, input > room, input.min(room), fresh);
        let session = Some(self.session);
        Sent {
            at: 0.0,
            input: input.min(room),
            output,
            session,
            turn: 0,
            class: load.class,
            priority: load.class,
            blocks,
        }
    }

    /// Ids of the full blocks of a prompt. A history that was cut has moved against its blocks, so that only those of
    /// the shared tokens stay.
    fn carry(&mut self, load: &SessionLoad, cut: bool, input: u32, fresh: &mut Fresh) -> Box<[u32]> {
        let Some(tokens) = fresh.tokens else { return Box::default() };
        let (full, shared) = ((input / tokens) as usize, (load.shared / tokens) as usize);
        self.blocks.truncate(if cut { shared.min(full) } else { full });
        while self.blocks.len() < full && fresh.next < u32::MAX {
            if self.blocks.len() < shared {
                self.blocks.push(self.blocks.len() as u32);
            } else {
                self.blocks.push(fresh.next);
                fresh.next += 1;
            }
        }
        self.blocks.as_slice().into()
    }
}

/// Calls of tools in a turn.
fn calls(load: &SessionLoad, random: &mut Stream) -> u32 {
    let Some(tools) = &load.tools else { return 0 };
    if random.unit() < tools.share { tools.calls.draw(random) } else { 0 }
}
