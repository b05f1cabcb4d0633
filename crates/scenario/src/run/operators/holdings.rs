//! What lies in memory: weights and caches of one accelerator, caches of all requests and of all users who think.

use super::context::Context;
use super::outcome::Choice;
use super::setup::Setup;
use crate::answer::{Kv, KvPlacement, Memory};
use rackplan_plan::{KvPolicy, Point, Replica, Station, Tier};

/// Caches that are moved out of the accelerators' memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moved {
    /// Held, over all instances.
    pub(super) bytes: f64,
    /// Read back, over all instances.
    pub(super) bytes_per_second: f64,
}

/// Memory of one accelerator of those that generate, at the load asked for.
pub(super) fn memory(station: &Station, choice: &Choice) -> Memory {
    let (memory, room) = (&choice.found.memory, &station.decode().room);
    let kv =
        requests(choice) * half_way(station) / (room.ranks * workers(choice)) + resident(choice, station);
    let reserve = (memory.capacity - memory.weights - memory.cache).get();
    Memory {
        weights_bytes: memory.weights.get(),
        kv_bytes: kv,
        optimizer_bytes: 0.0,
        activations_bytes: 0.0,
        overhead_bytes: reserve,
        used_bytes: memory.weights.get() + kv + reserve,
        limit_bytes: memory.capacity.get(),
        capacity_bytes: memory.capacity.get(),
    }
}

/// Requests that generate on one instance.
fn requests(choice: &Choice) -> f64 {
    choice.seen.point.generating
}

/// Workers that generate, of one instance.
fn workers(choice: &Choice) -> f64 {
    choice.found.pools.map_or(1.0, |(workers, _)| f64::from(workers.decode))
}

/// Bytes of a request half way through its answer, on one accelerator.
fn half_way(station: &Station) -> f64 {
    let replica = station.decode();
    replica.room.sequence * replica.request.context() / replica.request.longest()
}

/// Bytes of users who think that stay on one accelerator.
fn resident(choice: &Choice, station: &Station) -> f64 {
    let room = &station.decode().room;
    let (policy, thinking) = (&choice.found.policy, thinking_of(choice));
    thinking * policy.hbm_share * room.kept / room.ranks
}

/// Users of one instance who think: those it has, less those in flight.
fn thinking_of(choice: &Choice) -> f64 {
    let point = &choice.seen.point;
    (choice.seen.taken - point.in_flight()).max(0.0)
}

/// Users who think, over all instances; nobody is known behind requests that merely arrive.
fn thinking(context: Context, choice: &Choice) -> f64 {
    let rate = choice.seen.point.requests_per_second;
    context.asked.people.population.thinking(rate) * choice.sizing.replicas as f64
}

/// Accelerators that hold one cache, each its part: those of an attention rank.
fn parts(replica: &Replica) -> f64 {
    f64::from(replica.room.gpus) / replica.room.ranks
}

/// Caches of users who think that are moved out.
pub(super) fn moved(context: Context, choice: &Choice, station: &Station) -> Moved {
    let replica = station.prefill();
    let one = replica.room.kept * parts(replica) * choice.found.policy.reloaded();
    Moved { bytes: thinking(context, choice) * one, bytes_per_second: choice.asked_per_second() * one }
}

/// Where the caches of users who think are; nothing where none is kept.
pub(super) fn placement(
    context: Context,
    setup: &Setup,
    choice: &Choice,
    station: &Station,
) -> Option<KvPlacement> {
    if context.asked.request.kept <= 0.0 {
        return None;
    }
    let (policy, replica) = (&choice.found.policy, station.prefill());
    let (users, whole) = (thinking(context, choice), replica.room.kept * parts(replica));
    let known = policy.tier.and_then(|tier| setup.tiers.iter().find(|known| known.tier.kind == tier.kind));
    let moved = moved(context, choice, station);
    let reload = &choice.seen.point.reload;
    Some(KvPlacement {
        policy: policy.name().to_owned(),
        tier: known.map(|known| known.name.clone()),
        hbm_residency: policy.hbm_share,
        users_thinking: users,
        kept_tokens: context.asked.request.kept as u64,
        resident_bytes: users * policy.hbm_share * whole,
        offloaded_bytes: moved.bytes,
        reload_s: policy.tier.map(|tier| reload_time(&tier, replica, &choice.seen.point)),
        recompute_s: recompute(replica, context),
        dma_read_utilization: reload.read_load,
        dma_write_utilization: reload.write_load,
        tier_utilization: policy.tier.and_then(|tier| filled(&tier, policy, choice, replica)),
    })
}

/// Of one cache, the wait for others included.
fn reload_time(tier: &Tier, replica: &Replica, point: &Point) -> f64 {
    if point.reload.time > 0.0 { point.reload.time } else { replica.room.kept / tier.read }
}

/// Time to compute a conversation again, alone.
fn recompute(replica: &Replica, context: Context) -> f64 {
    let asked = &context.asked.request;
    let again = replica.keeping(KvPolicy::DROP, asked);
    (again.prompt_alone() - replica.keeping(KvPolicy::HBM, asked).prompt_alone()).max(0.0)
}

/// Share of a tier's size that is used.
fn filled(tier: &Tier, policy: &KvPolicy, choice: &Choice, replica: &Replica) -> Option<f64> {
    let workers = choice.found.pools.map_or(1.0, |(workers, _)| f64::from(workers.prefill));
    let each = thinking_of(choice) / workers * policy.reloaded() * replica.room.kept / replica.room.ranks;
    tier.capacity.is_finite().then_some(each / tier.capacity)
}

/// Caches of the requests in flight and of the users who think.
pub(super) fn kv(
    context: Context,
    station: &Station,
    choice: &Choice,
    placement: Option<&KvPlacement>,
) -> Kv {
    let replica = station.decode();
    let generating = requests(choice) * choice.sizing.replicas as f64;
    let in_use = generating * half_way(station) * parts(replica);
    let resident = placement.map_or(0.0, |placement| placement.resident_bytes);
    let offloaded = placement.map_or(0.0, |placement| placement.offloaded_bytes);
    let at = |name: &str| if placement.is_some_and(|p| p.policy == name) { offloaded } else { 0.0 };
    let reload = |name: &str| placement.filter(|p| p.policy == name).and_then(|p| p.reload_s);
    Kv {
        system: placement.map_or("hbm".to_owned(), |placement| placement.policy.clone()),
        bytes_per_token: replica.room.sequence * parts(replica) / context.asked.request.longest(),
        total_bytes: in_use + resident + offloaded,
        hbm_bytes: in_use + resident,
        cache_bytes: at("host"),
        nvme_bytes: at("nvme"),
        cache_reload_s: reload("host"),
        nvme_reload_s: reload("nvme"),
    }
}
