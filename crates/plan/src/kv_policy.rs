//! Where the cache of users who think is, until their next request finds it: in the accelerators' memory, in a tier
//! outside it, or nowhere, so that it is computed again.

use crate::Request;
use crate::queueing::wait;

/// Kinds of tiers, the nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TierKind {
    /// Memory of the same server.
    Host,
    /// Flash of the same server.
    Nvme,
    /// Storage servers.
    Remote,
}

impl TierKind {
    /// As questions and answers spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Nvme => "nvme",
            Self::Remote => "remote",
        }
    }
}

/// A tier as one accelerator has it. Rates in bytes per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tier {
    /// What it is.
    pub kind: TierKind,
    /// Read by one accelerator while the others rest.
    pub read: f64,
    /// Read by each while all do.
    pub read_shared: f64,
    /// Written by each while all do.
    pub write_shared: f64,
    /// Bytes for each accelerator; infinite where more can be bought.
    pub capacity: f64,
}

/// A way to keep the caches of users who think.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KvPolicy {
    /// Share of them that stays in the accelerators' memory.
    pub hbm_share: f64,
    /// Where the rest goes; without a tier it is dropped and computed again.
    pub tier: Option<Tier>,
}

impl KvPolicy {
    /// Everything stays.
    pub const HBM: Self = Self { hbm_share: 1.0, tier: None };
    /// Nothing stays.
    pub const DROP: Self = Self { hbm_share: 0.0, tier: None };

    /// `hbm`, `host`, `nvme`, `remote`, or `none` for what is computed again.
    pub fn name(&self) -> &'static str {
        match self.tier {
            _ if self.hbm_share >= 1.0 => "hbm",
            Some(tier) => tier.kind.name(),
            None => "none",
        }
    }

    /// What the engine computes: of the part that is dropped the conversation is prompt again.
    pub fn request(&self, asked: &Request) -> Request {
        let dropped = if self.tier.is_some() { 0.0 } else { 1.0 - self.hbm_share };
        let again = asked.kept * dropped;
        Request { input: asked.input + again, prefix: asked.prefix - again, ..*asked }
    }

    /// Share of requests whose cache has to be read back.
    pub fn reloaded(&self) -> f64 {
        if self.tier.is_some() { 1.0 - self.hbm_share } else { 0.0 }
    }
}

/// How caches come back from a tier at one load. Times in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reload {
    /// Of one cache, the wait for others included; mean.
    pub time: f64,
    /// That wait.
    pub wait: f64,
    /// Share of the reading rate that is used.
    pub read_load: f64,
    /// Share of the writing rate that is used.
    pub write_load: f64,
}

impl Reload {
    /// One accelerator reads `bytes` for each of `rate` requests per second and writes `written`: t = B / N + W, with W of
    /// an M/D/1 queue whose service B / N_shared is that of an accelerator among all that read.
    pub fn of(tier: &Tier, rate: f64, bytes: f64, written: f64) -> Self {
        let service = bytes / tier.read_shared;
        let read_load = rate * service;
        let wait = wait(read_load, service);
        Self {
            time: bytes / tier.read + wait,
            wait,
            read_load,
            write_load: rate * written / tier.write_shared,
        }
    }

    /// Whether both directions keep up.
    pub fn keeps_up(&self) -> bool {
        self.read_load < 1.0 && self.write_load < 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIER: Tier =
        Tier { kind: TierKind::Host, read: 40e9, read_shared: 20e9, write_shared: 20e9, capacity: 1e12 };

    #[test]
    fn hand_a_cache_of_four_gigabytes_comes_back() {
        // Alone 0.1 s at 40 GB/s; 2.5 requests a second of 0.2 s each keep it half busy: 0.5 · 0.2 / (2 · 0.5) = 0.1 s.
        let reload = Reload::of(&TIER, 2.5, 4e9, 1e9);
        assert!((reload.time - 0.2).abs() < 1e-12 && (reload.read_load - 0.5).abs() < 1e-12, "{reload:?}");
        assert!((reload.write_load - 0.125).abs() < 1e-12 && reload.keeps_up());
        assert!(!Reload::of(&TIER, 5.0, 4e9, 0.0).keeps_up());
    }

    #[test]
    fn hand_what_is_dropped_is_prompt_again() {
        let asked = Request { prefix: 1000.0, kept: 1000.0, ..Request::new(100.0, 50.0) };
        let half = KvPolicy { hbm_share: 0.5, tier: None }.request(&asked);
        assert_eq!((half.input, half.prefix), (600.0, 500.0));
        let host = KvPolicy { hbm_share: 0.0, tier: Some(TIER) };
        assert_eq!((host.request(&asked), host.reloaded(), host.name()), (asked, 1.0, "host"));
        assert_eq!((KvPolicy::HBM.name(), KvPolicy::DROP.name()), ("hbm", "none"));
        assert_eq!(half.longest(), asked.longest());
    }
}
