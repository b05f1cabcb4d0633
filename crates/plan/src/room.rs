//! Room for requests on one accelerator: those that generate, and those that users who think come back to.

use crate::{KvPolicy, Request};
use rackplan_perf::{Deployment, Memory, bytes_of_sequence};

/// Room of a replica, in bytes of one accelerator of each attention rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// Attention data-parallel ranks, which share the requests.
    pub ranks: f64,
    /// Accelerators of the replica.
    pub gpus: u32,
    /// Front ends of the replica, which share its requests.
    pub front_ends: f64,
    /// What is there for caches.
    pub cache: f64,
    /// A request at its end.
    pub sequence: f64,
    /// What a user who thinks comes back to.
    pub kept: f64,
    /// What a request adds to that.
    pub added: f64,
    /// What a worker that computed the prompt hands over.
    pub handed: f64,
}

impl Room {
    /// Of a deployment that is asked such requests.
    pub fn of(deployment: &Deployment, memory: &Memory, request: &Request) -> Self {
        let bytes = |tokens: f64| bytes_of_sequence(deployment, tokens).get();
        let kept = if request.kept > 0.0 { bytes(request.kept) } else { 0.0 };
        let sequence = bytes(request.longest());
        Self {
            ranks: f64::from(deployment.plan.dp),
            gpus: deployment.plan.gpus(),
            front_ends: f64::from(deployment.plan.front_ends()),
            cache: memory.cache.get(),
            sequence,
            kept,
            added: sequence - kept,
            handed: bytes(request.prefix + request.input),
        }
    }

    /// Requests that a rank holds to their end while nobody thinks.
    pub fn sequences(&self) -> f64 {
        self.cache / self.sequence.max(1.0)
    }

    /// Share of the cache that is taken by so many requests and users who think, over all ranks.
    pub(crate) fn taken(&self, generating: f64, thinking: f64, policy: &KvPolicy) -> f64 {
        let used = generating * self.sequence + thinking * policy.hbm_share * self.kept;
        used / (self.ranks * self.cache).max(1.0)
    }

    /// Whether the tier holds what the memory does not.
    pub(crate) fn tier_holds(&self, thinking: f64, policy: &KvPolicy) -> bool {
        let Some(tier) = policy.tier else { return true };
        thinking * policy.reloaded() * self.kept <= tier.capacity * self.ranks
    }
}
