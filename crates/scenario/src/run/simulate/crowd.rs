//! People of one or several kinds who send requests to the same fleet.

use super::people::{Habits, MOST_IDS, People, Who};
use rackplan_traffic::{Answered, Sent, Source};

/// About what an answer takes, in seconds; how often the fleet is looked at hangs on it, and nothing else.
const ANSWER: f64 = 5.0;

/// Who sends requests, what each kind of them asks, and until when.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Crowd {
    /// All of them together.
    pub(super) who: Who,
    /// At least one.
    pub(super) kinds: Vec<Kind>,
    /// Requests to send at most.
    pub(super) requests: u64,
    /// When no more are sent, in seconds.
    pub(super) until: f64,
}

/// People of one kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kind {
    /// Name of the class; empty where all are alike.
    pub(super) name: String,
    /// Their part of the load.
    pub(super) share: f64,
    pub(super) habits: Habits,
}

impl Crowd {
    /// Whether there are never more requests under way than people.
    pub(super) fn is_closed(&self) -> bool {
        self.who.is_closed()
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

    /// Mean over people.
    pub(super) fn think(&self) -> f64 {
        self.kinds.iter().map(|kind| kind.share * kind.habits.think).sum()
    }

    /// Most turns of a conversation.
    pub(super) fn turns(&self) -> u32 {
        self.kinds.iter().map(|kind| kind.habits.turns).max().unwrap_or(1)
    }

    /// Mean prompt over requests, in tokens.
    pub(super) fn isl_mean(&self) -> f64 {
        self.mean(|_, habits| habits.isl_mean())
    }

    /// Mean answer over requests, in tokens.
    pub(super) fn osl_mean(&self) -> f64 {
        self.mean(|_, habits| habits.osl.mean())
    }

    /// Mean over requests of what holds for those of a kind, by its place.
    pub(super) fn mean(&self, of: impl Fn(usize, &Habits) -> f64) -> f64 {
        let weighed = self.kinds.iter().enumerate().map(|(place, kind)| {
            let rate = self.per_second(kind);
            (rate * of(place, &kind.habits), rate)
        });
        let (sum, all) = weighed.fold((0.0, 0.0), |sums, one| (sums.0 + one.0, sums.1 + one.1));
        sum / all
    }

    /// Requests a second of a kind; roughly, where answers decide, that take some time each.
    fn per_second(&self, kind: &Kind) -> f64 {
        let cycle = kind.habits.think + ANSWER;
        kind.share
            * match self.who {
                Who::Rate(rate) => rate,
                Who::Users(users) => f64::from(users) / cycle,
                Who::Visitors(rate, stay) => rate * (1.0 + stay / cycle),
            }
    }

    /// For how long requests come, in seconds; roughly, where answers decide.
    pub(super) fn lasts(&self) -> f64 {
        let rate: f64 = self.kinds.iter().map(|kind| self.per_second(kind)).sum();
        (self.requests as f64 / rate).min(self.until)
    }

    /// In words.
    pub(super) fn in_words(&self) -> String {
        let who = match self.who {
            Who::Rate(rate) => format!("{rate} requests/s at random"),
            Who::Users(users) if self.think() > 0.0 => {
                format!("{users} users who think for {}", in_words(self.think()))
            }
            Who::Users(users) => format!("{users} clients"),
            Who::Visitors(rate, stay) => {
                let (a_minute, on) = (rate * 60.0, rate * stay);
                format!("{a_minute} users a minute who stay for {}, {on} at a time", in_words(stay))
            }
        };
        match self.kinds.as_slice() {
            [only] => who + &only.habits.in_words(),
            kinds => {
                let part = |kind: &Kind| {
                    format!("{} {:.0} %{}", kind.name, 100.0 * kind.share, kind.habits.in_words())
                };
                format!("{who}: {}", kinds.iter().map(part).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// The people, by a seed.
    pub(super) fn people(&self, seed: u64) -> Gathering {
        let ids = MOST_IDS / self.kinds.len() as u32;
        let people = self.parts().into_iter().zip(&self.kinds).map(|(who, kind)| {
            let name = if kind.name.is_empty() { String::new() } else { format!(" of {}", kind.name) };
            People::new(who, kind.habits.clone(), self.until, (seed, &name), ids)
        });
        Gathering::new(people.collect(), self.requests)
    }

    /// Who they are of each kind; whole users add up.
    fn parts(&self) -> Vec<Who> {
        let mut above = 0.0;
        let mut part = |share: f64| {
            let below: f64 = above;
            above += share;
            match self.who {
                Who::Rate(rate) => Who::Rate(rate * share),
                Who::Visitors(rate, stay) => Who::Visitors(rate * share, stay),
                Who::Users(users) => {
                    let up_to = |part: f64| (part * f64::from(users)).round() as u32;
                    Who::Users(up_to(above) - up_to(below))
                }
            }
        };
        self.kinds.iter().map(|kind| part(kind.share)).collect()
    }
}

/// A time in seconds as people say it.
fn in_words(seconds: f64) -> String {
    if seconds < 120.0 { format!("{seconds} s") } else { format!("{} min", seconds / 60.0) }
}

/// People of all kinds, as they act. Of k kinds the n-th has every k-th number of conversations and of blocks, beginning
/// with n.
#[derive(Clone, Debug)]
pub(super) struct Gathering {
    people: Vec<People>,
    /// What each kind sends next by itself.
    next: Vec<Option<Sent>>,
    left: u64,
}

impl Gathering {
    fn new(mut people: Vec<People>, left: u64) -> Self {
        let next = people.iter_mut().map(Source::next_sent).collect();
        Self { people, next, left }
    }

    /// A request of a kind among those of all; none any more once there were enough.
    fn among_all(&mut self, place: usize, sent: Sent) -> Option<Sent> {
        self.left = self.left.checked_sub(1)?;
        let (kinds, place) = (self.people.len() as u32, place as u32);
        if kinds == 1 {
            return Some(sent);
        }
        let number = |own: u32| own * kinds + place;
        let blocks = sent.blocks.iter().map(|block| number(*block)).collect();
        Some(Sent { class: place as u16, session: sent.session.map(number), blocks, ..sent })
    }
}

impl Source for Gathering {
    fn next_sent(&mut self) -> Option<Sent> {
        let heads = self.next.iter().enumerate().filter_map(|(place, next)| Some((place, next.as_ref()?.at)));
        let (first, _) = heads.min_by(|a, b| a.1.total_cmp(&b.1))?;
        let sent = std::mem::replace(&mut self.next[first], self.people[first].next_sent())?;
        self.among_all(first, sent)
    }

    fn answered(&mut self, answered: &Answered) -> Option<Sent> {
        let (kinds, place) = (self.people.len() as u32, usize::from(answered.class));
        let session = answered.session.map(|session| session / kinds);
        let sent = self.people[place].answered(&Answered { session, ..answered.clone() })?;
        self.among_all(place, sent)
    }

    fn block_tokens(&self) -> Option<u32> {
        self.people.iter().find_map(People::block_tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rackplan_traffic::Lengths;

    fn habits(isl: u32) -> Habits {
        Habits {
            think: 5.0,
            isl: Lengths::Fixed(isl),
            osl: Lengths::Fixed(10),
            turns: 1,
            shared: 0.0,
            tools: None,
            priority: 0,
        }
    }

    fn crowd(who: Who, shares: &[f64]) -> Crowd {
        let kind = |(place, share): (usize, &f64)| {
            let name = format!("kind {place}");
            Kind { name, share: *share, habits: habits(100 * (place as u32 + 1)) }
        };
        let kinds = shares.iter().enumerate().map(kind).collect();
        Crowd { who, kinds, requests: 1000, until: f64::INFINITY }
    }

    #[test]
    fn law_another_load_is_of_the_same_people() {
        for who in [Who::Rate(2.0), Who::Users(40), Who::Visitors(0.5, 60.0)] {
            let crowd = crowd(who, &[1.0]);
            assert_eq!(crowd.at(crowd.load()), crowd);
            assert_eq!(crowd.at(2.0 * crowd.load()).load(), 2.0 * crowd.load());
        }
    }

    #[test]
    fn law_requests_end_at_their_number() {
        let mut people = crowd(Who::Rate(1.0), &[0.3, 0.7]).people(1);
        assert_eq!(std::iter::from_fn(|| people.next_sent()).count(), 1000);
        let mut users = Crowd { requests: 3, ..crowd(Who::Users(5), &[1.0]) }.people(1);
        assert_eq!(std::iter::from_fn(|| users.next_sent()).count(), 3);
    }

    #[test]
    fn law_each_kind_has_its_part_and_numbers_of_its_own() {
        let mut people = crowd(Who::Rate(8.0), &[0.25, 0.75]).people(1);
        let all: Vec<Sent> = std::iter::from_fn(|| people.next_sent()).collect();
        assert!(all.windows(2).all(|pair| pair[0].at <= pair[1].at));
        let second = all.iter().filter(|sent| sent.class == 1).count() as f64;
        assert!(
            (second / 1000.0 - 0.75).abs() < 0.05
                && all.iter().all(|s| s.input == 100 * (1 + u32::from(s.class)))
        );
        // Users of both kinds add up, and each hears the answers to its own.
        let mut users = crowd(Who::Users(7), &[0.5, 0.5]).people(1);
        let sent: Vec<Sent> = std::iter::from_fn(|| users.next_sent()).collect();
        let mut sessions: Vec<_> = sent.iter().filter_map(|sent| sent.session).collect();
        sessions.sort_unstable();
        sessions.dedup();
        assert_eq!((sent.len(), sessions.len()), (7, 7));
        for one in sent {
            let Sent { input, output, session, turn, class, .. } = one;
            let next = users.answered(&Answered { at: 1.0, input, output, session, turn, class });
            assert_eq!(next.map(|next| (next.class, next.input)), Some((class, input)));
        }
    }

    #[test]
    fn hand_means_are_over_requests() {
        let mut crowd = crowd(Who::Users(10), &[0.5, 0.5]);
        // One kind thinks for 5 s and one for 15, with answers of 5 s: it sends half as often.
        crowd.kinds[1].habits.think = 15.0;
        assert!((crowd.isl_mean() - (2.0 * 100.0 + 200.0) / 3.0).abs() < 1e-9);
        assert_eq!(crowd.think(), 10.0);
    }
}
