//! Requests of one instance as its users send them: all alike, with the conversation before them in a cache of their own.

use rackplan_plan::Request as Asking;
use rackplan_plan::{CUT, Population};
use rackplan_traffic::{Answered, Lengths, Sent, Source, Stream};

/// Blocks in which a prefix is kept at most, and tokens of the smallest.
const MOST_BLOCKS: f64 = 64.0;
const SMALLEST_BLOCK: u32 = 16;

/// What the users of an instance ask.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    pub(super) population: Population,
    /// Users of this instance, or requests a second.
    pub(super) load: f64,
    /// Seconds over which users begin one after the other.
    pub(super) spread: f64,
    /// When nobody sends any more, in seconds.
    pub(super) until: f64,
    input: Lengths,
    output: Lengths,
    block: u32,
    /// Blocks that all prompts begin with, and those of a user's own conversation.
    shared: u32,
    own: u32,
}

impl Talk {
    /// Requests as a plan computes them: prompts behind `kept` tokens of a conversation and what else of the prefix is
    /// computed already for everybody.
    pub(super) fn new(asking: &Asking, kept: f64, (population, load): (Population, f64)) -> Self {
        let shared = (asking.prefix - kept).max(0.0);
        let longest = kept.max(shared);
        let block = ((longest / MOST_BLOCKS).ceil() as u32).max(SMALLEST_BLOCK);
        let blocks = |tokens: f64| (tokens / f64::from(block)).round() as u32;
        Self {
            population,
            load,
            spread: 0.0,
            until: 0.0,
            input: lengths(asking.input, asking.input_sigma),
            output: lengths(asking.output, asking.output_sigma),
            block,
            shared: blocks(shared),
            own: blocks(kept),
        }
    }

    pub(super) fn clients(&self, seed: u64) -> Clients<'_> {
        let stream = |name| Stream::new(seed, name);
        let begun = if let Population::Users { .. } = self.population { 0 } else { u32::MAX };
        Clients {
            talk: self,
            clock: stream("arrivals"),
            inputs: stream("inputs"),
            outputs: stream("outputs"),
            at: 0.0,
            begun,
        }
    }

    /// Users of the instance; none known where requests merely arrive.
    fn users(&self) -> u32 {
        self.load.round().max(1.0) as u32
    }
}

fn lengths(mean: f64, sigma: f64) -> Lengths {
    let tokens = mean.round().max(1.0);
    if sigma > 0.0 {
        return Lengths::LogNormal { mean, sigma, longest: (CUT * tokens) as u32 };
    }
    Lengths::Fixed(tokens as u32)
}

/// The users of an instance, as they act.
#[derive(Clone, Debug)]
pub(super) struct Clients<'a> {
    talk: &'a Talk,
    clock: Stream,
    inputs: Stream,
    outputs: Stream,
    at: f64,
    /// Users who have sent something.
    begun: u32,
}

impl Clients<'_> {
    fn request(&mut self, at: f64, user: u32) -> Option<Sent> {
        (at <= self.talk.until).then_some(())?;
        let Talk { block, shared, own, .. } = *self.talk;
        let first = shared + user * own;
        Some(Sent {
            at,
            input: (shared + own) * block + self.talk.input.draw(&mut self.inputs),
            output: self.talk.output.draw(&mut self.outputs),
            session: Some(user),
            blocks: (0..shared).chain(first..first + own).collect(),
            ..Sent::default()
        })
    }
}

impl Source for Clients<'_> {
    fn next_sent(&mut self) -> Option<Sent> {
        match self.talk.population {
            Population::Rate(_) => {
                self.at += self.clock.gap() / self.talk.load;
                self.request(self.at, 0)
            }
            Population::Users { .. } => {
                let (user, users) = (self.begun, self.talk.users());
                (user < users).then_some(())?;
                self.begun += 1;
                self.request(self.talk.spread * f64::from(user) / f64::from(users), user)
            }
        }
    }

    fn answered(&mut self, answered: &Answered) -> Option<Sent> {
        let Population::Users { think_time, .. } = self.talk.population else { return None };
        let at = answered.at + think_time.get() * self.clock.gap();
        self.request(at, answered.session?)
    }

    fn block_tokens(&self) -> Option<u32> {
        (self.talk.shared + self.talk.own > 0).then_some(self.talk.block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rackplan_units::Seconds;

    #[test]
    fn hand_a_user_comes_back_to_his_own_conversation() {
        let asking = Asking { prefix: 6400.0, kept: 6400.0, ..Asking::new(100.0, 10.0) };
        let users = Population::Users { users: 9.0, think_time: Seconds::new(5.0) };
        let talk = Talk { until: 30.0, spread: 8.0, ..Talk::new(&asking, 6400.0, (users, 2.0)) };
        let mut clients = talk.clients(1);
        let (first, second) = (clients.next_sent().expect("one"), clients.next_sent().expect("two"));
        assert_eq!((first.input, second.at, clients.block_tokens()), (6500, 4.0, Some(100)));
        assert!(first.blocks.iter().all(|block| !second.blocks.contains(block)));
        assert_eq!(clients.next_sent(), None);
        let answered = Answered { at: 1.0, session: second.session, ..Answered::default() };
        let again = clients.answered(&answered).expect("a third");
        assert_eq!(again.blocks, second.blocks);
        assert!(again.at > 1.0 && clients.answered(&Answered { at: 30.0, ..answered }).is_none());
    }

    #[test]
    fn law_requests_a_second_keep_their_rate() {
        let talk =
            Talk { until: 2000.0, ..Talk::new(&Asking::new(9.0, 9.0), 0.0, (Population::Rate(8.0), 2.0)) };
        let mut clients = talk.clients(3);
        let sent = std::iter::from_fn(|| clients.next_sent()).count() as f64;
        assert!((sent / 4000.0 - 1.0).abs() < 0.05 && clients.block_tokens().is_none(), "{sent}");
    }
}
