//! What a deployment sends over each level of its network: bytes and messages of every collective, put on the links that
//! its ranks are joined by.

use super::context::Context;
use super::outcome::Choice;
use super::setup::Setup;
use crate::answer::LinkLoad;
use rackplan_catalog::{Level, Rack};
use rackplan_perf::collectives::send::{Path, Transfer, send};
use rackplan_perf::{Batch, Compiled, Family, ParallelPlan};
use rackplan_plan::{Point, Station};

/// Bytes and messages a second of one accelerator at each level.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Traffic {
    bytes: f64,
    messages: f64,
}

/// Every level that something passes, at the load asked for: rates of one instance, and the share of an accelerator's link
/// that they take.
pub(super) fn links(
    context: Context,
    setup: &Setup,
    choice: &Choice,
    (operators, station): (&(Compiled, Option<Compiled>), &Station),
) -> Vec<LinkLoad> {
    let point = &choice.seen.point;
    let (rack, found) = (&setup.real().rack.record, &choice.found);
    let mut all = [Traffic::default(); 3];
    let (workers, prefill) = match station {
        Station::Together(_) => (1.0, None),
        Station::Apart(pools) => (f64::from(pools.workers.decode), operators.1.as_ref().zip(found.pools)),
    };
    let steps = steps(station, point, workers);
    add(&mut all, rack, found.plan, &operators.0, &steps);
    if let Some((compiled, (unit, plan))) = prefill {
        let rate = point.requests_per_second / f64::from(unit.prefill * plan.dp);
        let prompt = Batch { prompts: 1.0, chunk: context.asked.request.input, ..Batch::default() };
        add(&mut all, rack, plan, compiled, &[(prompt, rate)]);
    }
    let loads = Level::ALL.iter().zip(all).filter(|(_, traffic)| traffic.bytes > 0.0);
    let loads = loads.map(|(level, traffic)| load(context, setup, *level, traffic, choice));
    loads.chain(transfer(context, setup, station, choice)).collect()
}

/// Caches on their way from workers for prompts to those that generate.
fn transfer(context: Context, setup: &Setup, station: &Station, choice: &Choice) -> Option<LinkLoad> {
    let Station::Apart(pools) = station else { return None };
    let (rate, device) = (choice.seen.point.requests_per_second, setup.deployment(context).device);
    let handed = pools.handover(rate);
    let among = f64::from(pools.gpus());
    let ratio = device.oversubscription.among(among);
    let (bandwidth, oversubscription) = match pools.path {
        Path::ScaleUp => (device.link, ratio),
        Path::ScaleOut => (device.scale_out, ratio),
        Path::Link(rate) => (rate, 1.0),
    };
    let empty = Transfer { bytes: 0.0, messages: 1.0, path: pools.path, among };
    let prefill = &pools.prefill.room;
    let sent = rate * f64::from(prefill.gpus) / prefill.ranks;
    let tokens = rate * context.asked.request.output;
    Some(LinkLoad {
        level: "kv_transfer".to_owned(),
        bytes_per_token: handed.bytes * sent / tokens,
        messages_per_token: sent / tokens,
        bandwidth_bytes_per_s: bandwidth,
        latency_s: send(&empty, &device).time.get(),
        load_bytes_per_s: handed.bytes * sent,
        messages_per_s: sent,
        oversubscription,
        utilization: handed.load,
    })
}

/// Batches that run on each rank, and how often in a second: every step decodes, and so many carry a prompt.
fn steps(station: &Station, point: &Point, workers: f64) -> Vec<(Batch, f64)> {
    let replica = station.decode();
    let (request, ranks) = (&replica.request, replica.room.ranks * workers);
    let batch = (point.generating / ranks).max(1.0);
    let per_second = 1.0 / (point.tpot * replica.pace.accepted);
    let decode = (Batch::decode(batch, request.context()), per_second);
    let prompt = Batch { prompts: 1.0, chunk: request.input, prefix: request.prefix, ..Batch::default() };
    match station {
        Station::Together(_) => vec![decode, (prompt, point.requests_per_second / ranks)],
        Station::Apart(_) => vec![decode],
    }
}

/// Adds what the collectives of such steps send.
fn add(all: &mut [Traffic; 3], rack: &Rack, plan: ParallelPlan, compiled: &Compiled, steps: &[(Batch, f64)]) {
    for (batch, per_second) in steps {
        for part in compiled.explain(batch) {
            if part.part.family != Family::Communication {
                continue;
            }
            let (span, peers) = span(part.part.name, plan);
            let calls = part.part.count * per_second;
            let traffic = Traffic { bytes: part.amounts.wire * calls, messages: calls * peers };
            put(all, rack, span, peers, traffic);
        }
    }
}

/// Accelerators that a collective spans, and the others that a rank sends to.
fn span(name: &str, plan: ParallelPlan) -> (u32, f64) {
    match name {
        "dispatch_and_combine" => (plan.stage_gpus(), f64::from(plan.stage_gpus().max(2) - 1)),
        "send_between_stages" => (plan.gpus(), 1.0),
        _ => (plan.tp, f64::from(plan.tp.max(2) - 1)),
    }
}

/// Puts traffic among a tightly packed group on the levels that it spans: of n ranks those of the same server are reached
/// within it, g - 1 of n - 1, the others beyond.
fn put(all: &mut [Traffic; 3], rack: &Rack, ranks: u32, peers: f64, traffic: Traffic) {
    let level = rack.level_of_group(ranks);
    let server = rack.layout.gpus_per_server.min(ranks);
    let near = if peers <= 1.0 && level != Level::IntraServer {
        0.0
    } else {
        f64::from(server.max(1) - 1) / f64::from(ranks.max(2) - 1)
    };
    let beyond = Level::ALL.iter().position(|other| *other == level).unwrap_or(0);
    for (place, share) in [(0, near), (beyond, 1.0 - near)] {
        all[place].bytes += share * traffic.bytes;
        all[place].messages += share * traffic.messages;
    }
}

fn load(context: Context, setup: &Setup, level: Level, traffic: Traffic, choice: &Choice) -> LinkLoad {
    let link = setup.real().rack.record.link(level);
    let changed = context.request.link_change(level.name());
    let oversubscription = context.request.ratio(&setup.machine, level);
    let bandwidth = changed.map_or(link.bandwidth_one_way.get(), |change| change.link.bandwidth.get());
    let gpus = f64::from(choice.found.gpus());
    let tokens = choice.seen.point.requests_per_second * context.asked.request.output;
    LinkLoad {
        level: level.name().to_owned(),
        bytes_per_token: traffic.bytes * gpus / tokens,
        messages_per_token: traffic.messages * gpus / tokens,
        bandwidth_bytes_per_s: bandwidth,
        latency_s: changed.map_or(link.latency.get(), |change| change.link.latency.get()),
        load_bytes_per_s: traffic.bytes * gpus,
        messages_per_s: traffic.messages * gpus,
        oversubscription,
        utilization: traffic.bytes * oversubscription / bandwidth,
    }
}
