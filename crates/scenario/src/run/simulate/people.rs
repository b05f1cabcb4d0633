//! Requests made up from laws: clients at random, users who think between turns, people who come and go.

use super::tools::Tools;
use rackplan_traffic::{Answered, Lengths, Sent, Source, Stream};

/// About what an answer takes, in seconds; how often the fleet is looked at hangs on it, and nothing else.
const ANSWER: f64 = 5.0;
/// Tokens in a block of a prefix that many prompts share.
const BLOCK: u32 = 64;
/// Ids of blocks that all prompts begin with come before those of conversations; ids there can be.
const FIRST_OWN: u32 = 1 << 21;
const MOST_IDS: u32 = 1 << 30;

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

/// What they ask and how often.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Crowd {
    pub(super) who: Who,
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
    /// Requests to send at most.
    pub(super) requests: u64,
    /// When no more are sent, in seconds.
    pub(super) until: f64,
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

/// The people of a load, as they act.
#[derive(Clone, Debug)]
pub(super) struct People {
    load: Crowd,
    arrivals: Stream,
    thoughts: Stream,
    inputs: Stream,
    outputs: Stream,
    calls: Stream,
    clock: f64,
    left: u64,
    users_left: u32,
    /// The next id of a block that is no other's.
    fresh_block: u32,
    sessions: Vec<Session>,
}

impl Crowd {
    /// Whether there are never more requests under way than people.
    pub(super) fn is_closed(&self) -> bool {
        !matches!(self.who, Who::Rate(_))
    }

    /// Requests a second that come by themselves; none where people wait for answers.
    pub(super) fn offered(&self) -> Option<f64> {
        if let Who::Rate(rate) = self.who { Some(rate) } else { None }
    }

    /// The load: requests a second, users, or users who come in a minute.
    pub(super) fn load(&self) -> f64 {
        match self.who {
            Who::Rate(rate) => rate,
            Who::Users(users) => f64::from(users),
            Who::Visitors(rate, _) => rate * 60.0,
        }
    }

    /// The same people at another load.
    pub(super) fn at(&self, load: f64) -> Self {
        let who = match self.who {
            Who::Rate(_) => Who::Rate(load),
            Who::Users(_) => Who::Users(load as u32),
            Who::Visitors(_, stay) => Who::Visitors(load / 60.0, stay),
        };
        Self { who, ..self.clone() }
    }

    /// Requests of a conversation: its turns, and calls of tools between them.
    fn requests_each(&self) -> f64 {
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

    /// For how long requests come, in seconds; roughly, where answers decide, that take some time each.
    pub(super) fn lasts(&self) -> f64 {
        let cycle = self.think + ANSWER;
        let rate = match self.who {
            Who::Rate(rate) => rate,
            Who::Users(users) => f64::from(users) / cycle,
            Who::Visitors(rate, stay) => rate * (1.0 + stay / cycle),
        };
        (self.requests as f64 / rate).min(self.until)
    }

    /// In words.
    pub(super) fn kind(&self) -> String {
        let mut turns =
            if self.turns > 1 { format!(" in conversations of {} turns", self.turns) } else { String::new() };
        if let Some(tools) = self.tools {
            turns += &format!(" with {} calls of tools each", tools.mean());
        }
        match self.who {
            Who::Rate(rate) => format!("{rate} requests/s at random{turns}"),
            Who::Users(users) if self.think > 0.0 => {
                format!("{users} users who think for {}{turns}", in_words(self.think))
            }
            Who::Users(users) => format!("{users} clients{turns}"),
            Who::Visitors(rate, stay) => {
                format!(
                    "{} users a minute who stay for {}, {} at a time{turns}",
                    rate * 60.0,
                    in_words(stay),
                    rate * stay
                )
            }
        }
    }

    /// The people, by a seed.
    pub(super) fn people(&self, seed: u64) -> People {
        let stream = |name| Stream::new(seed, name);
        People {
            arrivals: stream("arrivals"),
            thoughts: stream("thoughts"),
            inputs: stream("inputs"),
            outputs: stream("outputs"),
            calls: stream("calls"),
            fresh_block: FIRST_OWN,
            clock: 0.0,
            left: self.requests,
            users_left: if let Who::Users(users) = self.who { users } else { 0 },
            sessions: Vec::new(),
            load: self.clone(),
        }
    }
}

/// A time in seconds as people say it.
fn in_words(seconds: f64) -> String {
    if seconds < 120.0 { format!("{seconds} s") } else { format!("{} min", seconds / 60.0) }
}

impl People {
    /// A request whose prompt goes on from so many tokens.
    fn request(&mut self, at: f64, before: u32, place: Option<(u32, u32)>) -> Option<Sent> {
        if at > self.load.until {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        let input = self.load.isl.draw(&mut self.inputs).saturating_add(before);
        self.sends(at, input, place)
    }

    /// A request with a prompt of so many tokens.
    fn sends(&mut self, at: f64, input: u32, place: Option<(u32, u32)>) -> Option<Sent> {
        let blocks = self.blocks(input, place);
        Some(Sent {
            at,
            input,
            output: self.load.osl.draw(&mut self.outputs),
            session: place.map(|(session, _)| session),
            turn: place.map_or(0, |(_, turn)| turn),
            class: 0,
            blocks,
        })
    }

    /// Ids of a prompt's blocks, where prompts share a beginning. Of a request by itself those of the beginning; of a
    /// conversation all full ones, so that the next turn finds this one's.
    fn blocks(&mut self, input: u32, place: Option<(u32, u32)>) -> Box<[u32]> {
        if self.load.shared == 0.0 {
            return Box::default();
        }
        let shared = ((self.load.shared * f64::from(input)) as u32 / BLOCK).min(FIRST_OWN);
        let session = place.filter(|_| self.goes_on()).and_then(|(at, _)| self.sessions.get_mut(at as usize));
        let Some(Session { blocks, .. }) = session else { return (0..shared).collect() };
        if blocks.is_empty() {
            blocks.extend(0..shared);
        }
        while blocks.len() < (input / BLOCK) as usize {
            blocks.push(self.fresh_block);
            // Numbers come round again only after very many.
            self.fresh_block = FIRST_OWN.max((self.fresh_block + 1) % MOST_IDS);
        }
        blocks.as_slice().into()
    }

    /// Whether conversations have more than one request.
    fn goes_on(&self) -> bool {
        self.load.turns > 1 || self.load.tools.is_some()
    }

    fn calls(&mut self) -> u32 {
        self.load.tools.map_or(0, |tools| tools.draw(&mut self.calls))
    }

    /// The first request of a new conversation.
    fn opens(&mut self, at: f64, stay: f64) -> Option<Sent> {
        if !self.goes_on() && !self.load.is_closed() {
            return self.request(at, 0, None);
        }
        let session = self.sessions.len() as u32;
        let calls_left = self.calls();
        let (turns_left, leaves) = (self.load.turns - 1, at + stay);
        self.sessions.push(Session { turns_left, calls_left, leaves, blocks: Vec::new() });
        self.request(at, 0, Some((session, 0)))
    }

    /// A tool's result, sent on as soon as it is there.
    fn result(&mut self, tools: Tools, answered: &Answered, place: u32) -> Option<Sent> {
        let at = answered.at + tools.time * self.thoughts.gap();
        if at > self.load.until {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        let input = answered.input.saturating_add(answered.output).saturating_add(tools.tokens);
        self.sends(at, input, Some((place, answered.turn + 1)))
    }

    fn thought(&mut self) -> f64 {
        self.load.think * self.thoughts.gap()
    }
}

impl Source for People {
    fn next_sent(&mut self) -> Option<Sent> {
        match self.load.who {
            Who::Rate(rate) => {
                self.clock += self.arrivals.gap() * self.load.requests_each() / rate;
                self.opens(self.clock, f64::INFINITY)
            }
            Who::Users(users) => {
                self.users_left = self.users_left.checked_sub(1)?;
                // They are not all there at once: over the time of a thought they begin one after the other.
                let place = f64::from(users - 1 - self.users_left) / f64::from(users);
                self.opens(place * self.load.think, f64::INFINITY)
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
        if let Some(tools) = self.load.tools.filter(|_| session.calls_left > 0) {
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
            return self.load.is_closed().then(|| self.opens(at, stay)).flatten();
        }
        session.turns_left -= 1;
        session.calls_left = calls;
        let before = answered.input.saturating_add(answered.output);
        self.request(at, before, Some((place as u32, answered.turn + 1)))
    }

    fn block_tokens(&self) -> Option<u32> {
        (self.load.shared > 0.0).then_some(BLOCK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(who: Who, turns: u32) -> Crowd {
        let (isl, osl) = (Lengths::Fixed(100), Lengths::Fixed(10));
        Crowd {
            who,
            think: 5.0,
            isl,
            osl,
            turns,
            shared: 0.0,
            tools: None,
            requests: 1000,
            until: f64::INFINITY,
        }
    }

    fn answer(sent: &Sent, at: f64) -> Answered {
        let Sent { input, output, session, turn, class, .. } = *sent;
        Answered { at, input, output, session, turn, class }
    }

    #[test]
    fn hand_a_conversation_grows_by_what_was_said() {
        let mut people = load(Who::Users(1), 2).people(1);
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
        let crowd = Crowd { tools: Some(tools), ..load(Who::Users(1), 2) };
        // Prompts of 100, and results of 50, 50 tokens, behind answers of 10: 100, 160, 220; then a turn, 330.
        let mut people = crowd.people(1);
        let mut sent = vec![people.next_sent().expect("one user")];
        for _ in 0..5 {
            let last = sent.last().expect("the first");
            let next = people.answered(&answer(last, last.at + 1.0)).expect("it goes on");
            sent.push(next);
        }
        assert_eq!(sent.iter().map(|sent| sent.input).collect::<Vec<_>>(), [100, 160, 220, 330, 390, 450]);
        assert_eq!((sent[1].at, sent[2].at), (1.0, 2.0));
        assert!(sent[3].at > 3.0, "a person thinks");
        assert_eq!(crowd.requests_each(), 6.0);
        // The mean of those, but for which request adds what: 66.7 added by each, 2.5 before it on average.
        assert!((crowd.isl_mean() - (200.0 / 3.0 + 2.5 * (200.0 / 3.0 + 10.0))).abs() < 1e-9);
    }

    #[test]
    fn hand_conversations_share_their_beginning_and_keep_their_own() {
        let crowd = Crowd { shared: 0.5, isl: Lengths::Fixed(640), ..load(Who::Users(2), 2) };
        let mut people = crowd.people(1);
        let (first, other) = (people.next_sent().expect("two users"), people.next_sent().expect("two users"));
        // Half of 640 tokens are 5 of 10 blocks.
        assert_eq!((&first.blocks[..5], first.blocks.len()), (&[0, 1, 2, 3, 4][..], 10));
        assert_eq!(first.blocks[..5], other.blocks[..5]);
        assert!(first.blocks[5..].iter().all(|block| !other.blocks.contains(block)));
        let next = people.answered(&answer(&first, 1.0)).expect("a second turn");
        assert_eq!((&next.blocks[..10], next.blocks.len()), (&*first.blocks, 20));
        let alone = Crowd { shared: 0.5, isl: Lengths::Fixed(640), ..load(Who::Users(2), 1) };
        assert_eq!(&*alone.people(1).next_sent().expect("two users").blocks, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn law_another_load_is_of_the_same_people() {
        for who in [Who::Rate(2.0), Who::Users(40), Who::Visitors(0.5, 60.0)] {
            let crowd = load(who, 3);
            assert_eq!(crowd.at(crowd.load()), crowd);
            assert_eq!(crowd.at(2.0 * crowd.load()).load(), 2.0 * crowd.load());
        }
    }

    #[test]
    fn law_a_rate_is_kept_whatever_the_turns() {
        for turns in [1, 4] {
            let mut people = load(Who::Rate(2.0), turns).people(3);
            let mut last = 0.0;
            for _ in 0..400 {
                last = people.next_sent().expect("more to come").at;
            }
            // 400 conversations of so many turns, two requests a second.
            let exact = 400.0 * f64::from(turns) / 2.0;
            assert!((last / exact - 1.0).abs() < 0.15, "{turns}: {last}");
        }
    }

    #[test]
    fn law_requests_end_at_their_number() {
        let mut people = load(Who::Rate(1.0), 1).people(1);
        assert_eq!(std::iter::from_fn(|| people.next_sent()).count(), 1000);
        let mut users = Crowd { requests: 3, ..load(Who::Users(5), 1) }.people(1);
        assert_eq!(std::iter::from_fn(|| users.next_sent()).count(), 3);
    }
}
