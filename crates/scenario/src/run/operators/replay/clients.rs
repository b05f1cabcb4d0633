//! Requests of one instance as its users send them, of one or several kinds, each user with the conversation before them in a
//! cache of their own.

use rackplan_plan::Request as Asking;
use rackplan_plan::{CUT, Population};
use rackplan_traffic::{Answered, Lengths, Sent, Source, Stream};

/// Blocks in which a prefix is kept at most, and tokens of the smallest.
const MOST_BLOCKS: f64 = 64.0;
const SMALLEST_BLOCK: u32 = 16;
/// Fractional parts of its multiples fill 0..1 evenly, so that users of all kinds begin side by side.
const GOLDEN: f64 = 0.618_033_988_749_895;

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
    kinds: Vec<Kind>,
    block: u32,
    /// Blocks of all that kinds share, and the most that a user has.
    shared: u32,
    own: u32,
}

/// Requests as a plan computes them: prompts behind `kept` tokens of a conversation and what else of the prefix is computed
/// already for everybody.
#[derive(Clone, Copy, Debug)]
pub(super) struct Computed {
    pub(super) request: Asking,
    pub(super) kept: f64,
    /// Part of the users, or of the requests a second; all add up to 1.
    pub(super) share: f64,
    /// Mean time between an answer and the next request, in seconds.
    pub(super) think: f64,
    /// 0 is let in before 1.
    pub(super) priority: u16,
}

#[derive(Clone, Debug)]
struct Kind {
    /// Shares of this kind and those before it.
    up_to: f64,
    think: f64,
    priority: u16,
    input: Lengths,
    output: Lengths,
    /// Blocks that all its prompts begin with: the first, and how many.
    first_shared: u32,
    shared: u32,
    /// Blocks of a user's own conversation.
    own: u32,
}

impl Talk {
    pub(super) fn new(kinds: &[Computed], (population, load): (Population, f64)) -> Self {
        let shared = |kind: &Computed| (kind.request.prefix - kind.kept).max(0.0);
        let longest = kinds.iter().map(|kind| kind.kept.max(shared(kind))).fold(0.0, f64::max);
        let block = ((longest / MOST_BLOCKS).ceil() as u32).max(SMALLEST_BLOCK);
        let blocks = |tokens: f64| (tokens / f64::from(block)).round() as u32;
        let (mut up_to, mut before) = (0.0, 0);
        let of = |kind: &Computed| {
            up_to += kind.share;
            let (request, shared) = (&kind.request, blocks(shared(kind)));
            before += shared;
            Kind {
                up_to,
                think: kind.think,
                priority: kind.priority,
                input: lengths(request.input, request.input_sigma),
                output: lengths(request.output, request.output_sigma),
                first_shared: before - shared,
                shared,
                own: blocks(kind.kept),
            }
        };
        let kinds: Vec<Kind> = kinds.iter().map(of).collect();
        let own = kinds.iter().map(|kind| kind.own).max().unwrap_or(0);
        Self { population, load, spread: 0.0, until: 0.0, kinds, block, shared: before, own }
    }

    pub(super) fn clients(&self, seed: u64) -> Clients<'_> {
        let stream = |name| Stream::new(seed, name);
        let begun = if let Population::Users { .. } = self.population { 0 } else { u32::MAX };
        Clients {
            talk: self,
            clock: stream("arrivals"),
            choice: stream("kinds"),
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

    /// The kind whose part of 0..1 this is.
    fn kind(&self, place: f64) -> usize {
        self.kinds.iter().position(|kind| place < kind.up_to).unwrap_or(self.kinds.len() - 1)
    }

    fn kind_of_user(&self, user: u32) -> usize {
        self.kind((f64::from(user) * GOLDEN).fract())
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
    choice: Stream,
    inputs: Stream,
    outputs: Stream,
    at: f64,
    /// Users who have sent something.
    begun: u32,
}

impl Clients<'_> {
    fn request(&mut self, at: f64, user: u32, kind: usize) -> Option<Sent> {
        (at <= self.talk.until).then_some(())?;
        let Kind { input, output, first_shared, shared, own, priority, .. } = &self.talk.kinds[kind];
        let first = self.talk.shared + user * self.talk.own;
        Some(Sent {
            at,
            input: (shared + own) * self.talk.block + input.draw(&mut self.inputs),
            output: output.draw(&mut self.outputs),
            session: Some(user),
            class: kind as u16,
            priority: *priority,
            blocks: (*first_shared..first_shared + shared).chain(first..first + own).collect(),
            ..Sent::default()
        })
    }
}

impl Source for Clients<'_> {
    fn next_sent(&mut self) -> Option<Sent> {
        match self.talk.population {
            Population::Rate(_) => {
                self.at += self.clock.gap() / self.talk.load;
                let place = if self.talk.kinds.len() > 1 { self.choice.unit() } else { 0.0 };
                self.request(self.at, 0, self.talk.kind(place))
            }
            Population::Users { .. } => {
                let (user, users) = (self.begun, self.talk.users());
                (user < users).then_some(())?;
                self.begun += 1;
                let at = self.talk.spread * f64::from(user) / f64::from(users);
                self.request(at, user, self.talk.kind_of_user(user))
            }
        }
    }

    fn answered(&mut self, answered: &Answered) -> Option<Sent> {
        let Population::Users { .. } = self.talk.population else { return None };
        let user = answered.session?;
        let kind = self.talk.kind_of_user(user);
        let at = answered.at + self.talk.kinds[kind].think * self.clock.gap();
        self.request(at, user, kind)
    }

    fn block_tokens(&self) -> Option<u32> {
        (self.talk.shared + self.talk.own > 0).then_some(self.talk.block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rackplan_units::Seconds;

    fn alike(request: Asking, kept: f64, think: f64) -> Computed {
        Computed { request, kept, share: 1.0, think, priority: 0 }
    }

    #[test]
    fn law_kinds_have_their_parts_and_blocks() {
        let users = Population::Users { users: 100.0, think_time: Seconds::new(5.0) };
        let shared = Asking { prefix: 640.0, ..Asking::new(100.0, 10.0) };
        let kinds = [
            Computed { share: 0.3, ..alike(shared, 0.0, 5.0) },
            Computed { share: 0.7, ..alike(Asking { prefix: 320.0, ..shared }, 0.0, 5.0) },
        ];
        let talk = Talk { until: 1.0, ..Talk::new(&kinds, (users, 100.0)) };
        let sent: Vec<Sent> = {
            let mut clients = talk.clients(1);
            std::iter::from_fn(|| clients.next_sent()).collect()
        };
        let first: Vec<&Sent> = sent.iter().filter(|sent| sent.class == 0).collect();
        assert!(sent.len() == 100 && (29..=31).contains(&first.len()), "{}", first.len());
        let other = sent.iter().find(|sent| sent.class == 1).expect("seventy");
        assert!(first[0].blocks.iter().all(|block| !other.blocks.contains(block)));
        assert_eq!((first[0].blocks.len(), other.blocks.len()), (40, 20));
    }

    #[test]
    fn hand_a_user_comes_back_to_his_own_conversation() {
        let asking = Asking { prefix: 6400.0, kept: 6400.0, ..Asking::new(100.0, 10.0) };
        let users = Population::Users { users: 9.0, think_time: Seconds::new(5.0) };
        let talk =
            Talk { until: 30.0, spread: 8.0, ..Talk::new(&[alike(asking, 6400.0, 5.0)], (users, 2.0)) };
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
        let talk = Talk {
            until: 2000.0,
            ..Talk::new(&[alike(Asking::new(9.0, 9.0), 0.0, 0.0)], (Population::Rate(8.0), 2.0))
        };
        let mut clients = talk.clients(3);
        let sent = std::iter::from_fn(|| clients.next_sent()).count() as f64;
        assert!((sent / 4000.0 - 1.0).abs() < 0.05 && clients.block_tokens().is_none(), "{sent}");
    }
}
