//! Who gets a request, on signals that may be old.

use super::settings::Router;
use crate::replica::Replica;
use crate::request::Request;
use rackplan_traffic::Stream;

/// What a router knows of a replica.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Signal {
    /// Requests there, waiting and running.
    pub(crate) outstanding: u32,
    /// Requests that wait there.
    pub(crate) queued: u32,
    /// Prompt tokens of all requests there that were not cached when they came.
    pub(crate) tokens: f64,
}

#[derive(Debug)]
pub(crate) struct Routing {
    router: Router,
    /// What it knows, by replica.
    pub(crate) known: Vec<Signal>,
    /// The replica of each session.
    sessions: Vec<u32>,
    turn: usize,
    random: Stream,
}

const NOWHERE: u32 = u32::MAX;

impl Routing {
    pub(crate) fn new(router: Router, replicas: usize, seed: u64) -> Self {
        let known = vec![Signal::default(); replicas];
        Self { router, known, sessions: Vec::new(), turn: 0, random: Stream::new(seed, "router") }
    }

    /// One of the replicas that may take it; none if there are none.
    pub(crate) fn choose(&mut self, open: &[u32], replicas: &[Replica], request: &Request) -> Option<u32> {
        let (&first, rest) = open.split_first()?;
        if rest.is_empty() {
            return Some(first);
        }
        Some(match self.router {
            Router::RoundRobin => {
                self.turn += 1;
                open[(self.turn - 1) % open.len()]
            }
            Router::LeastOutstanding => self.least_outstanding(open),
            Router::LeastQueued => least(open, |at| f64::from(self.known[at].queued)),
            Router::PowerOfTwo => {
                let mut pick = || open[self.random.whole(0, open.len() as u32 - 1) as usize];
                let pair = [pick(), pick()];
                self.least_outstanding(&pair)
            }
            Router::PrefixAware => least(open, |at| {
                let cached = replicas[at].match_tokens(request);
                self.known[at].tokens + f64::from(request.input.saturating_sub(cached))
            }),
            Router::SessionSticky => self.sticky(open, request),
        })
    }

    fn least_outstanding(&self, open: &[u32]) -> u32 {
        least(open, |at| f64::from(self.known[at].outstanding))
    }

    fn sticky(&mut self, open: &[u32], request: &Request) -> u32 {
        let Some(session) = request.session.map(|session| session as usize) else {
            return self.least_outstanding(open);
        };
        if self.sessions.len() <= session {
            self.sessions.resize(session + 1, NOWHERE);
        }
        if !open.contains(&self.sessions[session]) {
            self.sessions[session] = self.least_outstanding(open);
        }
        self.sessions[session]
    }
}

/// The first of those for which a number is least.
fn least(open: &[u32], of: impl Fn(usize) -> f64) -> u32 {
    let better = |best: (u32, f64), &at: &u32| {
        let value = of(at as usize);
        if value < best.1 { (at, value) } else { best }
    };
    open.iter().fold((open[0], f64::INFINITY), better).0
}
