//! A place below HBM where caches wait for their users: host memory, NVMe, a remote store.

use super::Caching;
use super::lru::{Key, Lru};
use crate::time::Time;
use rackplan_units::{BytesPerSecond, Seconds};

/// A tier of the KV cache below HBM.
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    /// Its name in reports.
    pub name: String,
    /// Tokens it holds, for a replica, or for all where it is shared.
    pub capacity_tokens: f64,
    /// Bandwidth of the link from it to a replica.
    pub read: BytesPerSecond,
    /// Bandwidth of the link to it.
    pub write: BytesPerSecond,
    /// Time before the first byte.
    pub latency: Seconds,
    /// One for all replicas, with one link, as a remote store has, instead of one for each.
    pub is_shared: bool,
}

/// A tier with what lies in it and when its links are free.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub(crate) tier: Tier,
    pub(crate) pieces: Lru,
    bytes_per_token: f64,
    read_free: Time,
    write_free: Time,
    pub(crate) totals: TierTotals,
}

/// What went through a tier.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TierTotals {
    /// Tokens read back.
    pub read_tokens: u64,
    /// Tokens written to it.
    pub written_tokens: u64,
    /// Tokens that left it for good or for the next tier.
    pub evicted_tokens: u64,
    /// The most tokens that lay in it.
    pub tokens_peak: u64,
    /// Seconds for which the link was reading, and writing.
    pub reading_s: f64,
    /// Seconds for which the link was writing.
    pub writing_s: f64,
    /// Times something was read, and how long that took with waiting for the link, in seconds.
    pub reads: u64,
    /// Sum of the times that reads took, in seconds.
    pub waited_s: f64,
}

impl TierTotals {
    /// Adds those of another store of the same tier.
    pub(crate) fn add(&mut self, other: &Self) {
        self.read_tokens += other.read_tokens;
        self.written_tokens += other.written_tokens;
        self.evicted_tokens += other.evicted_tokens;
        self.tokens_peak += other.tokens_peak;
        self.reading_s += other.reading_s;
        self.writing_s += other.writing_s;
        self.reads += other.reads;
        self.waited_s += other.waited_s;
    }
}

impl Store {
    pub(crate) fn new(tier: &Tier, caching: &Caching) -> Self {
        let (free, totals) = (Time::ZERO, TierTotals::default());
        Self {
            tier: tier.clone(),
            pieces: Lru::new(caching.eviction),
            bytes_per_token: caching.bytes_per_token,
            read_free: free,
            write_free: free,
            totals,
        }
    }

    /// How long a read of so many tokens takes from now on, in seconds, with waiting for the link.
    pub(crate) fn read_time(&self, tokens: u32, now: Time) -> f64 {
        self.read_free.since(now) + self.tier.latency.get() + self.transfer(tokens, self.tier.read)
    }

    fn transfer(&self, tokens: u32, bandwidth: BytesPerSecond) -> f64 {
        f64::from(tokens) * self.bytes_per_token / bandwidth.get()
    }

    /// Begins a read; returns when it is done.
    pub(crate) fn read(&mut self, tokens: u32, now: Time) -> Time {
        let (time, busy) = (self.read_time(tokens, now), self.transfer(tokens, self.tier.read));
        self.read_free = self.read_free.max(now) + Time::from_seconds(busy);
        self.totals.read_tokens += u64::from(tokens);
        self.totals.reading_s += busy;
        self.totals.reads += 1;
        self.totals.waited_s += time;
        now + Time::from_seconds(time)
    }

    /// Writes a piece, and returns what had to leave for it. What is here already is only used anew.
    pub(crate) fn write(
        &mut self,
        (key, tokens): (Key, u32),
        worth: f64,
        now: Time,
        left: &mut Vec<(Key, u32)>,
    ) {
        if f64::from(tokens) > self.tier.capacity_tokens {
            return left.push((key, tokens));
        }
        let fresh = tokens - self.pieces.get(key).unwrap_or(0).min(tokens);
        self.pieces.insert(key, tokens, worth);
        let busy = self.transfer(fresh, self.tier.write);
        self.write_free = self.write_free.max(now) + Time::from_seconds(busy);
        self.totals.written_tokens += u64::from(fresh);
        self.totals.writing_s += busy;
        while self.pieces.tokens() as f64 > self.tier.capacity_tokens {
            let Some((oldest, tokens)) = self.pieces.next_to_go() else { break };
            self.pieces.remove(oldest);
            self.totals.evicted_tokens += u64::from(tokens);
            left.push((oldest, tokens));
        }
        self.totals.tokens_peak = self.totals.tokens_peak.max(self.pieces.tokens());
    }
}
