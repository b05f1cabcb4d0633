//! The source: who begins when, and what an answer leads to.

use super::talk::{Fresh, Talk};
use super::{After, SessionLoad, Users};
use crate::{Answered, Sent, Source, Times};
use std::collections::BTreeMap;

/// A source of requests of people who wait for their answers.
///
/// [`Source::next_sent`] gives the first request of each user who comes, [`Source::answered`] all others.
#[derive(Clone, Debug)]
pub struct Sessions {
    load: SessionLoad,
    coming: Coming,
    /// Sessions whose answers are awaited, by number.
    talks: BTreeMap<u32, Talk>,
    begun: u32,
    fresh: Fresh,
}

/// Users who come of their own accord.
#[derive(Clone, Debug)]
enum Coming {
    Arriving(Times),
    /// How many have started.
    Starting(u32),
}

impl Sessions {
    /// Starts at time 0 with nobody there.
    pub fn new(load: SessionLoad) -> Self {
        let coming = match &load.users {
            Users::Arriving(gaps) => Coming::Arriving(gaps.times(load.seed, "users")),
            Users::Fixed { .. } => Coming::Starting(0),
        };
        let fresh = Fresh::new(&load);
        Self { load, coming, talks: BTreeMap::new(), begun: 0, fresh }
    }

    /// Sessions that have begun.
    pub fn begun(&self) -> u32 {
        self.begun
    }

    /// Sessions that have begun and not ended.
    pub fn active(&self) -> usize {
        self.talks.len()
    }

    /// When the next user comes.
    fn next_user(&mut self) -> Option<f64> {
        match (&mut self.coming, &self.load.users) {
            (Coming::Arriving(times), _) => times.next(),
            (Coming::Starting(started), Users::Fixed { users, over }) if *started < *users => {
                let share = f64::from(*started) / f64::from(*users);
                *started += 1;
                Some(if *over > 0.0 && over.is_finite() { over * share } else { 0.0 })
            }
            _ => None,
        }
    }

    fn begin(&mut self, at: f64) -> Option<Sent> {
        let most = self.load.sessions.unwrap_or(u64::MAX).min(u64::from(u32::MAX));
        if !self.runs(at) || u64::from(self.begun) >= most {
            return None;
        }
        let (talk, sent) = Talk::begin(&self.load, self.begun, at, &mut self.fresh);
        self.talks.insert(self.begun, talk);
        self.begun += 1;
        Some(sent)
    }

    fn runs(&self, at: f64) -> bool {
        at <= self.load.duration.unwrap_or(f64::INFINITY)
    }

    /// After the last answer of a session: the user comes back, another takes the place, or nobody.
    fn leave(&mut self, mut talk: Talk, at: f64) -> Option<Sent> {
        match self.load.after {
            After::Returns { share, idle } if talk.random.unit() < share => {
                self.begin(at + idle.draw(&mut talk.random))
            }
            _ if matches!(self.load.users, Users::Fixed { .. }) => self.begin(at),
            _ => None,
        }
    }
}

impl Source for Sessions {
    fn next_sent(&mut self) -> Option<Sent> {
        let at = self.next_user()?;
        self.begin(at)
    }

    fn answered(&mut self, answered: &Answered) -> Option<Sent> {
        let session = answered.session?;
        let mut talk = self.talks.remove(&session)?;
        let context = answered.input.saturating_add(answered.output);
        let Some(next) = talk.next(&self.load, context, &mut self.fresh) else {
            return self.leave(talk, answered.at);
        };
        let at = answered.at + next.at;
        if !self.runs(at) {
            return None;
        }
        self.talks.insert(session, talk);
        Some(Sent { at, turn: answered.turn.saturating_add(1), ..next })
    }

    fn block_tokens(&self) -> Option<u32> {
        self.fresh.tokens
    }
}
