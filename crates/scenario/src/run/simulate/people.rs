//! Requests made up from laws: clients at random, users who think between turns, people who come and go. All of a kind.

use super::tools::Tools;
use rackplan_traffic::{Answered, Lengths, Sent, Source, Stream};

/// Tokens in a block of a prefix that many prompts share.
const BLOCK: u32 = 64;
/// Ids of blocks that all prompts begin with come before those of conversations; ids there can be.
const FIRST_OWN: u32 = 1 << 21;
pub(super) const MOST_IDS: u32 = 1 << 30;

/// Who sends requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Who {
    /// So many a second, at random, whoever sends them.
    Rate(f64),
    /// So many users, each of whom thinks after an answer.
    Users(u32),
    /// So many a second come, and stay for so many seconds on average.
    Visitors(f64, f64),
}

/// What people of one kind ask and how often.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Habits {
    /// Mean time between an answer and the next request, in seconds.
    pub(super) think: f64,
    pub(super) isl: Lengths,
    pub(super) osl: Lengths,
    /// Turns of a conversation.
    pub(super) turns: u32,
    /// Share of a prompt that all prompts begin with; of a conversation, of its first.
    pub(super) shared: f64,
    /// Tools that are called between turns.
    pub(super) tools: Option<Tools>,
    /// Who is let in first: 0 is the most urgent.
    pub(super) priority: u16,
}

/// A conversation under way.
#[derive(Clone, Debug, Default)]
struct Session {
    turns_left: u32,
    /// Calls of tools that are still to come in this turn.
    calls_left: u32,
    /// Ids of its prompt's blocks, where prompts share a beginning and conversations go on.
    blocks: Vec<u32>,
    /// When its user leaves.
    leaves: f64,
}

/// People of one kind, as they act.
#[derive(Clone, Debug)]
pub(super) struct People {
    who: Who,
    habits: Habits,
    /// When no more is sent, in seconds.
    until: f64,
    arrivals: Stream,
    thoughts: Stream,
    inputs: Stream,
    outputs: Stream,
    calls: Stream,
    clock: f64,
    users_left: u32,
    /// The next id of a block that is no other's, and where ids end.
    fresh_block: u32,
    most_ids: u32,
    sessions: Vec<Session>,
}

impl Who {
    /// Whether there are never more requests under way than people.
    pub(super) fn is_closed(&self) -> bool {
        !matches!(self, Self::Rate(_))
    }
}

impl Habits {
    /// Requests of a conversation: its turns, and calls of tools between them.
    pub(super) fn requests_each(&self) -> f64 {
        f64::from(self.turns) * (1.0 + self.tools.map_or(0.0, |tools| tools.mean()))
    }

    /// Mean prompt, in tokens: of n requests of a conversation the k-th has k - 1 prompts and answers before it, (n - 1)/2
    /// on average; a turn adds --isl, a call of a tool its result.
    pub(super) fn isl_mean(&self) -> f64 {
        let (all, turns) = (self.requests_each(), f64::from(self.turns));
        let results = self.tools.map_or(0.0, |tools| f64::from(tools.tokens)) * (all - turns);
        let added = (self.isl.mean() * turns + results) / all;
        added + (all - 1.0) / 2.0 * (added + self.osl.mean())
    }

    /// Whether conversations have more than one request.
    fn goes_on(&self) -> bool {
        self.turns > 1 || self.tools.is_some()
    }

    /// In words, behind who they are.
    pub(super) fn in_words(&self) -> String {
        let tools =
            self.tools.map_or(String::new(), |tools| format!(" with {} calls of tools each", tools.mean()));
        let turns =
            if self.turns > 1 { format!(" in conversations of {} turns", self.turns) } else { String::new() };
        turns + &tools
    }
}

impl People {
    /// So many of them by a seed; `name` keeps their random streams from those of other kinds, and of all ids of blocks they
    /// have the first `most_ids`.
    pub(super) fn new(
        who: Who,
        habits: Habits,
        until: f64,
        (seed, name): (u64, &str),
        most_ids: u32,
    ) -> Self {
        let stream = |of: &str| Stream::new(seed, &format!("{of}{name}"));
        Self {
            arrivals: stream("arrivals"),
            thoughts: stream("thoughts"),
            inputs: stream("inputs"),
            outputs: stream("outputs"),
            calls: stream("calls"),
            fresh_block: FIRST_OWN,
            most_ids,
            clock: 0.0,
            users_left: if let Who::Users(users) = who { users } else { 0 },
            sessions: Vec::new(),
            who,
            habits,
            until,
        }
    }

    /// A request whose prompt goes on from so many tokens.
    fn request(&mut self, at: f64, before: u32, place: Option<(u32, u32)>) -> Option<Sent> {
        if at > self.until {
            return None;
        }
        let input = self.habits.isl.draw(&mut self.inputs).saturating_add(before);
        self.sends(at, input, place)
    }

    /// A request with a prompt of so many tokens.
    fn sends(&mut self, at: f64, input: u32, place: Option<(u32, u32)>) -> Option<Sent> {
        let blocks = self.blocks(input, place);
        Some(Sent {
            at,
            input,
            output: self.habits.osl.draw(&mut self.outputs),
            session: place.map(|(session, _)| session),
            turn: place.map_or(0, |(_, turn)| turn),
            class: 0,
            priority: self.habits.priority,
            blocks,
        })
    }

    /// Ids of a prompt's blocks, where prompts share a beginning. Of a request by itself those of the beginning; of a
    /// conversation all full ones, so that the next turn finds this one's.
    fn blocks(&mut self, input: u32, place: Option<(u32, u32)>) -> Box<[u32]> {
        if self.habits.shared == 0.0 {
            return Box::default();
        }
        let shared = ((self.habits.shared * f64::from(input)) as u32 / BLOCK).min(FIRST_OWN);
        let session =
            place.filter(|_| self.habits.goes_on()).and_then(|(at, _)| self.sessions.get_mut(at as usize));
        let Some(Session { blocks, .. }) = session else { return (0..shared).collect() };
        if blocks.is_empty() {
            blocks.extend(0..shared);
        }
        while blocks.len() < (input / BLOCK) as usize {
            blocks.push(self.fresh_block);
            // Numbers come round again only after very many.
            self.fresh_block = FIRST_OWN.max((self.fresh_block + 1) % self.most_ids);
        }
        blocks.as_slice().into()
    }

    fn calls(&mut self) -> u32 {
        self.habits.tools.map_or(0, |tools| tools.draw(&mut self.calls))
    }

    /// The first request of a new conversation.
    fn opens(&mut self, at: f64, stay: f64) -> Option<Sent> {
        if !self.habits.goes_on() && !self.who.is_closed() {
            return self.request(at, 0, None);
        }
        let session = self.sessions.len() as u32;
        let calls_left = self.calls();
        let (turns_left, leaves) = (self.habits.turns - 1, at + stay);
        self.sessions.push(Session { turns_left, calls_left, leaves, blocks: Vec::new() });
        self.request(at, 0, Some((session, 0)))
    }

    /// A tool's result, sent on as soon as it is there.
    fn result(&mut self, tools: Tools, answered: &Answered, place: u32) -> Option<Sent> {
        let at = answered.at + tools.time * self.thoughts.gap();
        if at > self.until {
            return None;
        }
        let input = answered.input.saturating_add(answered.output).saturating_add(tools.tokens);
        self.sends(at, input, Some((place, answered.turn + 1)))
    }

    fn thought(&mut self) -> f64 {
        self.habits.think * self.thoughts.gap()
    }
}

impl Source for People {
    fn next_sent(&mut self) -> Option<Sent> {
        match self.who {
            Who::Rate(rate) => {
                self.clock += self.arrivals.gap() * self.habits.requests_each() / rate;
                self.opens(self.clock, f64::INFINITY)
            }
            Who::Users(users) => {
                self.users_left = self.users_left.checked_sub(1)?;
                // They are not all there at once: over the time of a thought they begin one after the other.
                let place = f64::from(users - 1 - self.users_left) / f64::from(users);
                self.opens(place * self.habits.think, f64::INFINITY)
            }
            Who::Visitors(rate, stay) => {
                self.clock += self.arrivals.gap() / rate;
                let stay = stay * self.thoughts.gap();
                self.opens(self.clock, stay)
            }
        }
    }

    fn answered(&mut self, answered: &Answered) -> Option<Sent> {
        let place = answered.session? as usize;
        let session = self.sessions.get_mut(place)?;
        if let Some(tools) = self.habits.tools.filter(|_| session.calls_left > 0) {
            session.calls_left -= 1;
            return self.result(tools, answered, place as u32);
        }
        let at = answered.at + self.thought();
        let calls = self.calls();
        let session = self.sessions.get_mut(place)?;
        if at > session.leaves {
            return None;
        }
        if session.turns_left == 0 {
            session.blocks = Vec::new();
            let stay = session.leaves - at;
            return self.who.is_closed().then(|| self.opens(at, stay)).flatten();
        }
        session.turns_left -= 1;
        session.calls_left = calls;
        let before = answered.input.saturating_add(answered.output);
        self.request(at, before, Some((place as u32, answered.turn + 1)))
    }

    fn block_tokens(&self) -> Option<u32> {
        (self.habits.shared > 0.0).then_some(BLOCK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn habits(turns: u32) -> Habits {
        let (isl, osl) = (Lengths::Fixed(100), Lengths::Fixed(10));
        Habits { think: 5.0, isl, osl, turns, shared: 0.0, tools: None, priority: 0 }
    }

    fn people(who: Who, habits: Habits, seed: u64) -> People {
        People::new(who, habits, f64::INFINITY, (seed, ""), MOST_IDS)
    }

    fn answer(sent: &Sent, at: f64) -> Answered {
        let Sent { input, output, session, turn, class, .. } = *sent;
        Answered { at, input, output, session, turn, class }
    }

    #[test]
    fn hand_a_conversation_grows_by_what_was_said() {
        let mut people = people(Who::Users(1), habits(2), 1);
        let first = people.next_sent().expect("one user");
        assert_eq!((first.input, first.turn, people.next_sent()), (100, 0, None));
        let second = people.answered(&answer(&first, 1.0)).expect("a second turn");
        assert_eq!((second.input, second.turn, second.session), (210, 1, Some(0)));
        let third = people.answered(&answer(&second, 9.0)).expect("another conversation");
        assert_eq!((third.input, third.turn, third.session), (100, 0, Some(1)));
        assert!(second.at > 1.0 && third.at > 9.0);
    }

    #[test]
    fn hand_a_tool_answers_before_its_user_does() {
        let tools = Tools { share: 1.0, calls: 2, time: 0.0, tokens: 50 };
        let habits = Habits { tools: Some(tools), ..habits(2) };
        // Prompts of 100, and results of 50, 50 tokens, behind answers of 10: 100, 160, 220; then a turn, 330.
        let mut people = people(Who::Users(1), habits.clone(), 1);
        let mut sent = vec![people.next_sent().expect("one user")];
        for _ in 0..5 {
            let last = sent.last().expect("the first");
            let next = people.answered(&answer(last, last.at + 1.0)).expect("it goes on");
            sent.push(next);
        }
        assert_eq!(sent.iter().map(|sent| sent.input).collect::<Vec<_>>(), [100, 160, 220, 330, 390, 450]);
        assert_eq!((sent[1].at, sent[2].at), (1.0, 2.0));
        assert!(sent[3].at > 3.0, "a person thinks");
        assert_eq!(habits.requests_each(), 6.0);
        // The mean of those, but for which request adds what: 66.7 added by each, 2.5 before it on average.
        assert!((habits.isl_mean() - (200.0 / 3.0 + 2.5 * (200.0 / 3.0 + 10.0))).abs() < 1e-9);
    }

    #[test]
    fn hand_conversations_share_their_beginning_and_keep_their_own() {
        let beginning = |turns| Habits { shared: 0.5, isl: Lengths::Fixed(640), ..habits(turns) };
        let mut people = people(Who::Users(2), beginning(2), 1);
        let (first, other) = (people.next_sent().expect("two users"), people.next_sent().expect("two users"));
        // Half of 640 tokens are 5 of 10 blocks.
        assert_eq!((&first.blocks[..5], first.blocks.len()), (&[0, 1, 2, 3, 4][..], 10));
        assert_eq!(first.blocks[..5], other.blocks[..5]);
        assert!(first.blocks[5..].iter().all(|block| !other.blocks.contains(block)));
        let next = people.answered(&answer(&first, 1.0)).expect("a second turn");
        assert_eq!((&next.blocks[..10], next.blocks.len()), (&*first.blocks, 20));
        let mut alone = super::tests::people(Who::Users(2), beginning(1), 1);
        assert_eq!(&*alone.next_sent().expect("two users").blocks, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn law_a_rate_is_kept_whatever_the_turns() {
        for turns in [1, 4] {
            let mut people = people(Who::Rate(2.0), habits(turns), 3);
            let mut last = 0.0;
            for _ in 0..400 {
                last = people.next_sent().expect("more to come").at;
            }
            // 400 conversations of so many turns, two requests a second.
            let exact = 400.0 * f64::from(turns) / 2.0;
            assert!((last / exact - 1.0).abs() < 0.15, "{turns}: {last}");
        }
    }
}
