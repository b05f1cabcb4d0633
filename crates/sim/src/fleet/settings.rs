//! What a fleet is: replicas, who sends a request where, how many there are at a time, and what breaks.

use crate::{Caching, Engine};
use rackplan_units::{BytesPerSecond, Seconds};

/// Replicas of a deployment behind a router.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    /// Each replica; of a disaggregated fleet those that compute prompts.
    pub engine: Engine,
    /// What replicas keep of caches.
    pub caching: Caching,
    /// Replicas at the start.
    pub replicas: u32,
    /// Replicas that generate, if others compute the prompts.
    pub decoders: Option<Decoders>,
    /// Who gets a request.
    pub router: Router,
    /// How old the router's picture of the replicas may be; 0 for always true.
    pub signal_age: Seconds,
    /// Whether replicas come and go with the load.
    pub scaling: Option<Scaling>,
    /// What breaks.
    pub outages: Vec<Outage>,
    /// After how long a request is sent again whose replica failed, and how often at most.
    pub retry_after: Seconds,
    /// How often a request is sent again at most.
    pub retries: u16,
}

impl Fleet {
    /// Replicas that serve whole requests, in turn, forever.
    pub fn of(engine: Engine, replicas: u32) -> Self {
        Self {
            engine,
            caching: Caching::default(),
            replicas,
            decoders: None,
            router: Router::RoundRobin,
            signal_age: Seconds::new(0.0),
            scaling: None,
            outages: Vec::new(),
            retry_after: Seconds::new(1.0),
            retries: 3,
        }
    }

    /// Replicas there can be at most, generating ones not counted.
    pub(crate) fn most(&self) -> u32 {
        self.scaling.map_or(self.replicas, |scaling| scaling.most.max(self.replicas)).max(1)
    }
}

/// The generating part of a disaggregated fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoders {
    /// Each replica.
    pub engine: Engine,
    /// How many.
    pub replicas: u32,
    /// Bytes of cache that move for each prompt token.
    pub bytes_per_token: f64,
    /// Bandwidth of a replica's link into or out of the network that caches move over. Transfers of one replica, and to
    /// one, wait for each other.
    pub bandwidth: BytesPerSecond,
    /// Time before the first byte.
    pub latency: Seconds,
    /// Who gets a cache.
    pub router: Router,
    /// Whether the client's answer comes from here, so that its first token waits for a place and leaves with the first
    /// step, and not from the replica that computed the prompt.
    pub sends_first_token: bool,
}

/// Who gets a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Router {
    /// One after the other.
    RoundRobin,
    /// The replica with the fewest requests, waiting and running.
    LeastOutstanding,
    /// The replica with the fewest requests that wait; running ones do not count (as Vidur does it).
    LeastQueued,
    /// The less loaded of two at random.
    PowerOfTwo,
    /// The replica that has the least to compute: prompt tokens that it has not cached, this request's and waiting ones.
    PrefixAware,
    /// All turns of a session to one replica; the first of it, and those without one, to the least loaded.
    SessionSticky,
}

/// Replicas come and go with the load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// The fewest replicas.
    pub least: u32,
    /// The most.
    pub most: u32,
    /// Requests, waiting and running, that a replica should have.
    pub requests_per_replica: f64,
    /// How often that is looked at.
    pub interval: Seconds,
    /// Time from the decision until a new replica serves.
    pub start_up: Seconds,
}

/// A part that breaks and is mended again, at random.
#[derive(Clone, Debug, PartialEq)]
pub struct Outage {
    /// What breaks: GPU, server, rack, link.
    pub part: String,
    /// Replicas that stop with it, by number.
    pub replicas: Vec<u32>,
    /// Mean time between failures, exponential.
    pub mtbf: Seconds,
    /// Mean time to repair, exponential.
    pub mttr: Seconds,
}
