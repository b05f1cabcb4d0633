//! A choice as the answer's deployment.

use super::Extent;
use super::context::Context;
use super::outcome::{Choice, Outcome, limit};
use super::{holdings, money, network};
use crate::answer::{
    Capacity, Deployment, Latency, Plan, Pools, Speculation, StepShare, Storage, Throughput,
};
use crate::inputs::{Machine, Request};
use rackplan_catalog::{Level, Quantiles};
use rackplan_perf::{Batch, Bound, Family, ParallelPlan, PartTime, StepEstimate};
use rackplan_plan::{Population, Station};

/// Everything that follows from a plan and its racks.
pub(super) fn deployment(context: Context, outcome: &Outcome, choice: &Choice, extent: Extent) -> Deployment {
    let (setup, request) = (&outcome.setup, context.request);
    let capacity = capacity(context, choice);
    let question = setup.question(context);
    let operators = question.operators(&choice.found);
    let station = question.station(&choice.found, &operators);
    let shares = step_shares(&decode_step(&station, choice));
    let placement = holdings::placement(context, setup, choice, &station);
    let power = money::power(context, setup, &capacity);
    let cost = money::money(context, setup, &capacity, choice);
    Deployment {
        hardware: setup.machine.hardware(),
        model: context.shared.model.record.name.clone(),
        quant: setup.quant_name.clone(),
        kv_dtype: Some(setup.kv_name().to_owned()),
        plan: plan(choice.found.plan, choice),
        capacity,
        throughput: throughput(context, choice),
        limit: limit(choice.found.served.binds).to_owned(),
        bounds: None,
        latency: Some(latency(context, outcome, choice)),
        memory: holdings::memory(&station, choice),
        network: described(request, &setup.machine, choice, &shares),
        step_shares: shares,
        links: match extent {
            Extent::Whole => network::links(context, setup, choice, (&operators, &station)),
            Extent::Decision => Vec::new(),
        },
        kv: holdings::kv(context, &station, choice, placement.as_ref()),
        storage: storage(context, outcome, choice, &station),
        utilization: None,
        economics: Some(money::economics(context, setup, choice, (power.as_ref(), cost.as_ref()))),
        power,
        money: cost,
        pools: pools(&station, choice),
        kv_placement: placement,
        speculative: (setup.drafts > 0)
            .then_some(Speculation { draft_tokens: setup.drafts, accepted_per_step: setup.pace.accepted }),
        replay: None,
    }
}

fn plan(plan: ParallelPlan, choice: &Choice) -> Plan {
    let ParallelPlan { tp, pp, ep, dp } = plan;
    Plan { tp, pp, ep, dp: Some(dp), batch: batch(choice), gpus_per_instance: choice.found.gpus().into() }
}

/// Requests that generate at once on one instance at most.
fn batch(choice: &Choice) -> u64 {
    choice.found.served.point.generating.max(1.0) as u64
}

/// Workers of a unit, where prompts have their own.
fn pools(station: &Station, choice: &Choice) -> Option<Pools> {
    let (Station::Apart(pools), Some((workers, prefill))) = (station, choice.found.pools) else {
        return None;
    };
    let point = &choice.seen.point;
    let handed = pools.handover(point.requests_per_second);
    Some(Pools {
        prefill_workers: workers.prefill,
        decode_workers: workers.decode,
        prefill: Plan { batch: 1, gpus_per_instance: prefill.gpus().into(), ..plan(prefill, choice) },
        transfer_s: handed.time,
        transfer_utilization: handed.load,
        prefill_utilization: point.queue_load,
    })
}

pub(super) fn capacity(context: Context, choice: &Choice) -> Capacity {
    let (asked, sizing) = (context.asked, &choice.sizing);
    let hold = (sizing.replicas as f64 * choice.found.served.taken).floor() as u64;
    let users_short = match asked.people.population {
        Population::Users { .. } if !choice.served => asked.people.users_sized().saturating_sub(hold),
        _ => 0,
    };
    let provisioned = sizing.gpus_provisioned;
    Capacity {
        racks: sizing.racks,
        servers_needed: sizing.servers,
        servers_provisioned: choice.servers_per_rack.saturating_mul(sizing.racks),
        control_servers: sizing.racks * context.request.control_servers,
        gpus_active: sizing.gpus_active,
        gpus_spare: sizing.gpus_spare.min(provisioned.saturating_sub(sizing.gpus_active)),
        gpus_provisioned: provisioned,
        instances_needed: sizing.replicas,
        instances: choice.instances,
        slots: choice.instances.saturating_mul(batch(choice)),
        users_short,
        tokens_per_s_short: short(context, choice),
    }
}

/// Tokens a second of the requests that the instances do not take.
fn short(context: Context, choice: &Choice) -> f64 {
    let all = context.asked.people.population.size();
    let taken = choice.sizing.replicas as f64 * choice.found.served.taken;
    let lacking = (1.0 - taken / all).max(0.0);
    if choice.served {
        return 0.0;
    }
    let per_taken = choice.found.served.point.requests_per_second / choice.found.served.taken;
    lacking * all * per_taken * context.asked.request.output
}

/// Of all instances the most that they answer within the targets; of a user what comes at the load asked for.
fn throughput(context: Context, choice: &Choice) -> Throughput {
    let total = choice.most_per_second() * context.asked.request.output;
    let each = total / choice.sizing.replicas as f64;
    Throughput {
        instance_tokens_per_s: each,
        total_tokens_per_s: total,
        tokens_per_s_per_gpu: each / f64::from(choice.found.gpus()),
        tokens_per_s_per_user: 1.0 / choice.seen.point.tpot,
    }
}

/// A step of the decodes at the load asked for, part by part.
fn decode_step(station: &Station, choice: &Choice) -> StepEstimate {
    let replica = station.decode();
    let workers = choice.found.pools.map_or(1.0, |(workers, _)| f64::from(workers.decode));
    let decodes = (choice.seen.point.generating / (replica.room.ranks * workers)).max(1.0);
    replica.compiled.estimate(&Batch::decode(decodes, replica.request.context()))
}

/// What a step waits for. Parts that run side by side may sum to more than the step.
fn step_shares(step: &StepEstimate) -> Vec<StepShare> {
    let all: f64 = step.parts.iter().map(|part| part.time.get()).sum();
    let name = |part: &PartTime| match part.bound {
        _ if part.family == Family::Communication => "comm",
        Bound::Compute => "compute",
        Bound::Memory => "hbm",
        Bound::Wire => "comm",
        Bound::Latency => "latency",
    };
    let share = |bound: &str| {
        let of = step.parts.iter().filter(|part| name(part) == bound);
        StepShare { bound: bound.to_owned(), share: of.map(|part| part.time.get()).sum::<f64>() / all }
    };
    let mut shares: Vec<StepShare> = ["compute", "hbm", "comm", "latency"]
        .into_iter()
        .map(share)
        .filter(|share| share.share > 0.0)
        .collect();
    shares.sort_by(|a, b| b.share.total_cmp(&a.share));
    shares
}

fn latency(context: Context, outcome: &Outcome, choice: &Choice) -> Latency {
    let (seen, asked) = (&choice.seen, context.asked);
    let class = outcome.setup.class(context);
    // The prediction itself, of which the band is: what a confidence made slower is made as it was.
    let pace = outcome.setup.pace;
    let band = |figure: &str, value: f64| {
        let Quantiles { p10, p90, .. } = context.shared.band(figure, class)?;
        Some([value * p10, value * p90])
    };
    let ttft = if choice.found.pools.is_some() { "ttft_disaggregated" } else { "ttft" };
    let target = asked.targets.e2e.get();
    Latency {
        backend: outcome.setup.backend.name().to_owned(),
        percentile: asked.percentile.clone(),
        ttft_s: seen.ttft,
        ttft_target_s: asked.targets.ttft.get(),
        ttft_mean_s: seen.point.ttft,
        ttft_band_s: band(ttft, seen.point.ttft / (pace.slower * pace.later)),
        tpot_s: seen.tpot,
        tpot_target_s: asked.targets.tpot.get(),
        tpot_mean_s: seen.point.tpot,
        tpot_band_s: band("tpot", seen.point.tpot / pace.slower),
        e2e_mean_s: seen.point.e2e,
        e2e_s: seen.e2e,
        e2e_target_s: target.is_finite().then_some(target),
    }
}

/// Storage servers that hold the caches that were moved out, and read them as fast as they are asked for.
fn storage(context: Context, outcome: &Outcome, choice: &Choice, station: &Station) -> Storage {
    let server = choice.found.policy.tier.and_then(|tier| {
        let known = outcome.setup.tiers.iter().find(|known| known.tier.kind == tier.kind)?;
        known.server
    });
    let Some((held, read)) = server else {
        return Storage { servers_needed: 0, servers_provisioned: 0, provisioned_bytes: 0.0 };
    };
    let moved = holdings::moved(context, choice, station);
    let needed = (moved.bytes / held).max(moved.bytes_per_second / read).ceil();
    let servers = needed as u64;
    Storage { servers_needed: servers, servers_provisioned: servers, provisioned_bytes: needed * held }
}

/// The widest level that an instance, or a worker that generates, spans, with its link, and what a step waits for it.
fn described(request: &Request, machine: &Machine, choice: &Choice, shares: &[StepShare]) -> String {
    let gpus = choice.found.plan.gpus();
    let Machine::Real(real) = machine else { return String::new() };
    match choice.found.pools {
        None if gpus == 1 => return "none: an instance stays on one GPU".to_owned(),
        Some(_) if gpus == 1 => return "none in a step: workers that generate are one GPU".to_owned(),
        _ => {}
    }
    let rack = &real.rack.record;
    let level = rack.level_of_group(gpus);
    let (name, place) = match level {
        Level::IntraServer => ("intra_server", "inside a server"),
        Level::InterServer => ("inter_server", "between servers"),
        Level::InterRack => ("inter_rack", "between racks"),
    };
    let changed = request.link_change(name).map(|change| change.id.as_str());
    let link = changed.or(rack.link(level).link.as_deref()).unwrap_or("links");
    let waits = shares.iter().find(|share| share.bound == "comm").map_or(0.0, |share| share.share * 100.0);
    format!("{link} {place}, {waits:.0} % of a step")
}
