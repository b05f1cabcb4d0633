//! Caches on their way from the replicas that computed them to those that generate.

use super::settings::Decoders;
use crate::time::Time;

/// What was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TransferTotals {
    /// Caches sent.
    pub transfers: u64,
    /// Bytes.
    pub bytes: f64,
    /// Σ time from the end of the prompt until the cache was there, in seconds.
    pub took_s: f64,
    /// Σ of it spent waiting for a link, in seconds.
    pub waited_s: f64,
    /// The longest time that one took, in seconds.
    pub longest_s: f64,
}

/// When the links of each replica are free again.
#[derive(Debug)]
pub(crate) struct Transfers {
    free: Vec<Time>,
    pub(crate) totals: TransferTotals,
}

impl Transfers {
    pub(crate) fn new(replicas: u32) -> Self {
        Self { free: vec![Time::ZERO; replicas as usize], totals: TransferTotals::default() }
    }

    /// Sends a cache; returns when it is there. Both links carry one at a time, in order.
    pub(crate) fn send(&mut self, decoders: &Decoders, ends: (u32, u32), tokens: u32, now: Time) -> Time {
        let bytes = f64::from(tokens) * decoders.bytes_per_token;
        let busy = bytes / decoders.bandwidth.get();
        let (from, to) = (ends.0 as usize, ends.1 as usize);
        let begins = self.free[from].max(self.free[to]).max(now);
        let free = begins + Time::from_seconds(busy);
        (self.free[from], self.free[to]) = (free, free);
        let arrives = free + Time::from_seconds(decoders.latency.get());
        let totals = &mut self.totals;
        totals.transfers += 1;
        totals.bytes += bytes;
        totals.took_s += arrives.since(now);
        totals.waited_s += begins.since(now);
        totals.longest_s = totals.longest_s.max(arrives.since(now));
        arrives
    }
}
