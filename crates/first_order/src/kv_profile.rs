//! Where the users' KV cache lies (HBM, host DRAM, NVMe) and what moving it takes.

use crate::ceilings::KV_READ_AMPLIFICATION;
use crate::inputs::{KvPath, KvSystem, Setting};
use crate::memory::{kv_per_token, kv_per_token_per_gpu};
use crate::plan::Plan;
use rackplan_units::{Bytes, BytesPerSecond, Seconds};

/// NVMe bandwidth of one GPU, where cache goes that neither HBM nor host DRAM holds.
/// Source: the founding documents' three-ceiling method.
pub const NVME_BANDWIDTH: BytesPerSecond = BytesPerSecond::new(32e9);

/// The users' KV cache by tier.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KvProfile {
    /// All of it.
    pub total: Bytes,
    /// What the plan sets aside in HBM over the active GPUs, used or not.
    pub hbm: Bytes,
    /// In host DRAM.
    pub dram: Bytes,
    /// On NVMe.
    pub nvme: Bytes,
    /// Average load on the path between GPU and DRAM, per GPU.
    pub dram_load: BytesPerSecond,
    /// Average load on NVMe, per GPU.
    pub nvme_load: BytesPerSecond,
    /// Time to reload one user's share from DRAM.
    pub dram_reload: Seconds,
    /// Time to reload one user's share from NVMe.
    pub nvme_reload: Seconds,
}

/// Who wants how much of the cache.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KvDemand {
    /// Users at once.
    pub users: u64,
    /// Tokens per second that each of them reads.
    pub tokens_per_second_per_user: f64,
    /// GPUs at work.
    pub active_gpus: u64,
}

/// Places the users' cache and prices its moves.
///
/// total = users · T · KV/token; HBM = KV/GPU of the plan · active GPUs; the rest goes to DRAM up to its capacity, then
/// to NVMe. Load per GPU = users · rate / active · KV/token/(tp pp) · share · 1.1; reload = KV/token/(tp pp) · T · share /
/// bandwidth, where share is the tier's part of the total.
/// Source: the founding documents' three-ceiling method.
pub fn kv_profile(setting: &Setting, plan: &Plan, demand: &KvDemand, system: Option<&KvSystem>) -> KvProfile {
    let tokens = setting.model.tokens_cached();
    let active = demand.active_gpus.max(1) as f64;
    let total = kv_per_token(&setting.model, &setting.quantisation) * (demand.users as f64 * tokens);
    // Copies hold nothing new.
    let copies = plan.layout.shards() / plan.layout.cache_shards(&setting.model);
    let hbm = plan.memory.kv_cache * (active / copies);
    let rest = (total.get() - hbm.get()).max(0.0);
    let dram = rest.min(system.map_or(0.0, |system| system.dram.get()) * active);
    let nvme = (rest - dram).max(0.0);

    let per_token = kv_per_token_per_gpu(&setting.model, &setting.quantisation, plan.layout);
    let per_user = per_token * tokens;
    let tokens_per_gpu = demand.users as f64 * demand.tokens_per_second_per_user / active;
    let share = |part: f64| if total.get() > 0.0 { part / total.get() } else { 0.0 };
    let load =
        |part| BytesPerSecond::new(tokens_per_gpu * per_token.get() * share(part) * KV_READ_AMPLIFICATION);
    let reload = |part, bandwidth| per_user * share(part) / bandwidth;
    KvProfile {
        total,
        hbm,
        dram: Bytes::new(dram),
        nvme: Bytes::new(nvme),
        dram_load: load(dram),
        nvme_load: load(nvme),
        dram_reload: system.map_or(Seconds::default(), |s| reload(dram, s.bandwidth(KvPath::GpuDram))),
        nvme_reload: reload(nvme, NVME_BANDWIDTH),
    }
}
