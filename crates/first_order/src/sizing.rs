//! How many racks: the first rack count with a plan that serves everyone, or a given count with what it lacks.

use crate::inputs::{KvPath, KvSystem, Mode, Setting};
use crate::kv_profile::{KvDemand, KvProfile, kv_profile};
use crate::plan::Plan;
use crate::search::{Candidates, Grid};
use rackplan_traffic::ActiveUsers;
use rackplan_units::BytesPerSecond;

/// Rack counts beyond this are not tried: more GPUs than there are in the world, and a bound on the search.
pub const MAX_RACKS: u64 = 1_000_000;
/// Users beyond this are counted as this many, so that counts stay exact in an `f64`.
pub const MAX_USERS: u64 = 1 << 53;

/// Two plans whose utilisations differ by less than this count as equally used.
const SAME_UTILIZATION: f64 = 1e-9;

/// What is to be served, and on what.
#[derive(Clone, Debug, PartialEq)]
pub struct SizingInput {
    /// Model, number format, GPU and rack; always decode.
    pub setting: Setting,
    /// The KV tier outside HBM, if any.
    pub kv_system: Option<KvSystem>,
    /// Users at once that must be served.
    pub users: u64,
    /// Tokens per second that each of them reads.
    pub tokens_per_second_per_user: f64,
    /// Batch sizes to choose from.
    pub batches: Vec<u32>,
    /// Layouts to choose from.
    pub grid: Grid,
    /// Which rack counts are tried.
    pub racks: RackCount,
    /// Choose the plan with the highest demand over capacity, not the fastest. Ignored with a fixed rack count.
    pub prefer_utilization: bool,
    /// How many users are active, if they come and go; the larger of `users` and its p95 is served.
    pub arrivals: Option<ActiveUsers>,
}

/// Which rack counts are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RackCount {
    /// 1, 2, ... up to this many.
    UpTo(u64),
    /// This many, whatever they lack.
    Exactly(u64),
}

/// The outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizing {
    /// Racks provisioned.
    pub racks: u64,
    /// Sequences per instance.
    pub batch: u32,
    /// The plan of every instance.
    pub plan: Plan,
    /// Users served.
    pub users: u64,
    /// Tokens per second that they read.
    pub demand: f64,
    /// Instances at work, of `plan.instances`.
    pub active_instances: u64,
    /// GPUs at work.
    pub active_gpus: u64,
    /// Servers at work.
    pub active_servers: u64,
    /// Where the cache lies.
    pub kv: KvProfile,
    /// Storage servers that the cache outside HBM fills.
    pub storage_servers_needed: u64,
    /// Storage servers that come with the racks.
    pub storage_servers_available: u64,
}

impl KvSystem {
    /// Bandwidth at which evicted cache comes back.
    pub(crate) fn reload_bandwidth(&self) -> BytesPerSecond {
        self.bandwidth(KvPath::GpuDram)
    }
}

impl SizingInput {
    /// Users to serve: the larger of those given and the p95 of arrivals, at least one.
    pub fn users_to_serve(&self) -> u64 {
        let stochastic = self.arrivals.map_or(0, |active| active.p95.ceil() as u64);
        self.users.max(stochastic).clamp(1, MAX_USERS)
    }

    /// Tokens per second that they read: each at least 0.1.
    pub fn demand(&self) -> f64 {
        self.users_to_serve() as f64 * self.rate()
    }

    fn rate(&self) -> f64 {
        self.tokens_per_second_per_user.max(0.1)
    }
}

/// The racks, or none if no rack count within the limit serves.
///
/// Source: the founding documents' three-ceiling method.
pub fn size(input: &SizingInput) -> Option<Sizing> {
    let setting = Setting { mode: Mode::Inference, ..input.setting };
    let mut batches = input.batches.clone();
    batches.sort_unstable();
    batches.dedup();
    let candidates: Vec<_> =
        batches.iter().map(|&batch| Candidates::new(&input.grid, &setting, batch)).collect();
    let (racks, batch, plan) = match input.racks {
        RackCount::Exactly(racks) => fixed(input, &candidates, racks),
        RackCount::UpTo(most) => first_that_serves(input, &candidates, most),
    }?;
    Some(sizing(input, racks, batch, plan))
}

type Choice = (u64, u32, Plan);

/// The fastest plan of a rack count, whatever it lacks.
fn fixed(input: &SizingInput, candidates: &[Candidates], racks: u64) -> Option<Choice> {
    let gpus = racks.min(MAX_RACKS) * input.setting.rack.gpus();
    let plans = candidates.iter().filter_map(|c| Some((c.batch, c.best(gpus)?)));
    let (batch, plan) = fastest(plans)?;
    Some((racks.min(MAX_RACKS), batch, plan))
}

/// The first rack count where the best plan of some batch serves everyone.
fn first_that_serves(input: &SizingInput, candidates: &[Candidates], most: u64) -> Option<Choice> {
    let (users, demand) = (input.users_to_serve(), input.demand());
    let gpus_per_rack = input.setting.rack.gpus();
    let fewest = candidates.iter().map(|c| c.fewest_gpus(users as f64, demand)).fold(f64::INFINITY, f64::min);
    // One rack less than the bound, which rounding may have put too high.
    let first = (fewest / gpus_per_rack as f64).ceil() - 1.0;
    let serves = |batch: u32, plan: &Plan| {
        plan.instances.saturating_mul(batch.into()) >= users && plan.tokens_per_second_total >= demand
    };
    ((first.max(1.0) as u64)..=most.min(MAX_RACKS)).find_map(|racks| {
        let best = candidates.iter().filter_map(|c| Some((c.batch, c.best(racks * gpus_per_rack)?)));
        let serving = best.filter(|(batch, plan)| serves(*batch, plan));
        let (batch, plan) =
            if input.prefer_utilization { fullest(serving, demand) } else { fastest(serving) }?;
        Some((racks, batch, plan))
    })
}

/// The highest tokens/s; a tie keeps the smallest batch.
fn fastest(plans: impl Iterator<Item = (u32, Plan)>) -> Option<(u32, Plan)> {
    plans.fold(None, |best: Option<(u32, Plan)>, new| match best {
        Some((_, held)) if held.tokens_per_second_total >= new.1.tokens_per_second_total => best,
        _ => Some(new),
    })
}

/// The highest demand over capacity; of plans that are equally full, the slower.
fn fullest(plans: impl Iterator<Item = (u32, Plan)>, demand: f64) -> Option<(u32, Plan)> {
    let fullness = |plan: &Plan| demand / plan.tokens_per_second_total;
    plans.fold(None, |best: Option<(u32, Plan)>, new| {
        let Some((_, held)) = best else { return Some(new) };
        let (ours, theirs) = (fullness(&new.1), fullness(&held));
        let close = (ours - theirs).abs() <= SAME_UTILIZATION * ours.abs().max(theirs.abs()).max(1.0);
        let slower = new.1.tokens_per_second_total < held.tokens_per_second_total;
        if ours > theirs + SAME_UTILIZATION || (close && slower) { Some(new) } else { best }
    })
}

fn sizing(input: &SizingInput, racks: u64, batch: u32, plan: Plan) -> Sizing {
    let rack = &input.setting.rack;
    let users = input.users_to_serve();
    let active_instances = active_instances(&plan, batch, users);
    let active_gpus = active_instances * plan.gpus_per_instance;
    let kv = profile(input, &plan, users, active_gpus);
    Sizing {
        racks,
        batch,
        plan,
        users,
        demand: input.demand(),
        active_instances,
        active_gpus,
        active_servers: active_gpus.div_ceil(rack.gpus_per_server.into()),
        kv,
        storage_servers_needed: storage_servers(input, &kv),
        storage_servers_available: racks * u64::from(rack.storage_servers),
    }
}

/// ceil(users / b), at least one and no more than there are.
fn active_instances(plan: &Plan, batch: u32, users: u64) -> u64 {
    users.div_ceil(batch.into()).max(1).min(plan.instances)
}

/// Storage servers that hold a copy of all cache outside HBM.
fn storage_servers(input: &SizingInput, kv: &KvProfile) -> u64 {
    let capacity = input.setting.rack.storage_server_capacity.get();
    let outside = (kv.dram + kv.nvme).get();
    if capacity > 0.0 && outside > 0.0 { (outside / capacity).ceil() as u64 } else { 0 }
}

fn profile(input: &SizingInput, plan: &Plan, users: u64, active_gpus: u64) -> KvProfile {
    let demand = KvDemand { users, tokens_per_second_per_user: input.rate(), active_gpus };
    kv_profile(&input.setting, plan, &demand, input.kv_system.as_ref())
}

impl Sizing {
    /// Users at once that the plan has room for.
    pub fn slots(&self) -> u64 {
        self.plan.instances.saturating_mul(self.batch.into())
    }

    /// Users beyond the slots.
    pub fn users_lacking(&self) -> u64 {
        self.users.saturating_sub(self.slots())
    }

    /// Tokens per second beyond the capacity.
    pub fn tokens_per_second_lacking(&self) -> f64 {
        (self.demand - self.plan.tokens_per_second_total).max(0.0)
    }

    /// Storage servers beyond those that come with the racks.
    pub fn storage_servers_lacking(&self) -> u64 {
        self.storage_servers_needed.saturating_sub(self.storage_servers_available)
    }

    /// The profile for another number of users on the same plan, with as many instances at work as they need.
    pub(crate) fn kv_profile_at(&self, input: &SizingInput, users: u64) -> KvProfile {
        let instances = active_instances(&self.plan, self.batch, users);
        profile(input, &self.plan, users, instances * self.plan.gpus_per_instance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{gb200_host, qwen_on_gb200};

    fn input(users: u64, racks: RackCount) -> SizingInput {
        SizingInput {
            setting: qwen_on_gb200(),
            kv_system: Some(gb200_host()),
            users,
            tokens_per_second_per_user: 12.0,
            batches: vec![8],
            grid: Grid::default(),
            racks,
            prefer_utilization: false,
            arrivals: None,
        }
    }

    #[test]
    fn hand_a_thousand_users_of_qwen() {
        // One GPU holds an instance of 8, so 1000 users take 125 of the 144 GPUs of two racks, in 16 servers.
        let sizing = size(&input(1000, RackCount::UpTo(16))).unwrap();
        assert_eq!((sizing.racks, sizing.active_instances, sizing.active_gpus), (2, 125, 125));
        assert_eq!((sizing.active_servers, sizing.slots()), (16, 1152));
        // Everyone's cache is in HBM.
        assert_eq!((sizing.kv.dram.get(), sizing.storage_servers_needed), (0.0, 0));
    }

    #[test]
    fn hand_too_many_users_for_a_rack_spill_to_dram_then_nvme() {
        let sizing = size(&input(100_000, RackCount::Exactly(1))).unwrap();
        assert_eq!((sizing.slots(), sizing.users_lacking()), (576, 99_424));
        // 216,576 B · 5120 tokens is 1.1089 GB a user: 110.887 TB. 576 of them, 0.639 TB, are in HBM, 72 · 512 GB =
        // 36.864 TB in DRAM, the rest on NVMe; outside HBM is 110.248 TB, less than one server of 122 TB.
        let terabytes = |size: rackplan_units::Bytes| (size.get() / 1e9).round() / 1e3;
        let kv = sizing.kv;
        assert_eq!([kv.total, kv.hbm, kv.dram, kv.nvme].map(terabytes), [110.887, 0.639, 36.864, 73.384]);
        assert_eq!((sizing.storage_servers_needed, sizing.storage_servers_lacking()), (1, 0));
    }

    #[test]
    fn hand_the_larger_of_given_and_arriving_users_is_served() {
        let arriving = ActiveUsers { mean: 300.0, p95: 328.5, max: 350.0 };
        let users = |users| SizingInput { arrivals: Some(arriving), ..input(users, RackCount::UpTo(1)) };
        assert_eq!(users(10).users_to_serve(), 329);
        assert_eq!(users(500).users_to_serve(), 500);
    }

    #[test]
    fn hand_preferring_utilization_takes_the_slower_plan() {
        let both = SizingInput { batches: vec![16, 8], ..input(500, RackCount::UpTo(1)) };
        assert_eq!(size(&both).unwrap().batch, 16);
        assert_eq!(size(&SizingInput { prefer_utilization: true, ..both }).unwrap().batch, 8);
    }

    #[test]
    fn law_more_users_than_the_limit_serves_are_refused_at_once() {
        assert_eq!(size(&input(1_000_000_000_000, RackCount::UpTo(16))), None);
        assert_eq!(size(&input(u64::MAX, RackCount::UpTo(u64::MAX))), None);
        let fast = SizingInput { tokens_per_second_per_user: 1e300, ..input(1, RackCount::UpTo(u64::MAX)) };
        assert_eq!(size(&fast), None);
    }
}
