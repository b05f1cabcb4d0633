//! A choice as the answer's deployment.

use super::super::bill;
use super::Shared;
use super::asked::Asked;
use super::outcome::{Choice, Outcome};
use crate::answer::{Capacity, Deployment, Kv, Latency, Memory, Plan, StepShare, Storage, Throughput};
use crate::inputs::{Machine, Request};
use crate::predict_serving::class;
use rackplan_catalog::{Level, Quantiles};
use rackplan_perf::{
    Batch, Bound, Deployment as Deployed, Family, PartTime, StepEstimate, bytes_of_sequence,
};
use rackplan_plan::{Binds, Population};

/// Everything that follows from a plan and its racks.
pub(super) fn deployment(
    shared: &Shared,
    request: &Request,
    asked: &Asked,
    outcome: &Outcome,
    choice: &Choice,
) -> Deployment {
    let (machine, catalog) = (&outcome.machine, &request.inputs.catalog);
    let capacity = capacity(asked, choice, request.control_servers);
    let throughput = throughput(asked, choice);
    let step = decode_step(asked, choice);
    let shares = step_shares(&step);
    let read = choice.seen.point.requests_per_second * asked.request.output * choice.sizing.replicas as f64;
    Deployment {
        hardware: machine.hardware(),
        model: shared.model.record.name.clone(),
        quant: outcome.quant_name.clone(),
        plan: plan(choice),
        capacity,
        throughput,
        limit: limit(choice.found.served.binds).to_owned(),
        bounds: None,
        latency: Some(latency(shared, asked, choice, &step)),
        memory: memory(shared, request, asked, outcome, choice),
        network: network(request, machine, choice, &shares),
        step_shares: shares,
        links: Vec::new(),
        kv: kv(shared, request, asked, outcome, choice),
        storage: Storage { servers_needed: 0, servers_provisioned: 0, provisioned_bytes: 0.0 },
        utilization: None,
        power: bill::power(machine, &capacity, catalog),
        money: bill::money(machine, &capacity, read, catalog),
    }
}

fn plan(choice: &Choice) -> Plan {
    let plan = choice.found.plan;
    Plan {
        tp: plan.tp,
        pp: plan.pp,
        ep: plan.ep,
        dp: Some(plan.dp),
        batch: batch(choice),
        gpus_per_instance: plan.gpus().into(),
    }
}

/// Requests that generate at once on one instance at most.
fn batch(choice: &Choice) -> u64 {
    choice.found.served.point.generating as u64
}

pub(super) fn capacity(asked: &Asked, choice: &Choice, control_servers_per_rack: u64) -> Capacity {
    let sizing = &choice.sizing;
    let hold = (sizing.replicas as f64 * choice.found.served.taken).floor() as u64;
    let users_short = match asked.population {
        Population::Users { .. } if !choice.served => asked.users_sized().saturating_sub(hold),
        _ => 0,
    };
    let provisioned = sizing.gpus_provisioned;
    Capacity {
        racks: sizing.racks,
        servers_needed: sizing.servers,
        servers_provisioned: servers(choice),
        control_servers: sizing.racks * control_servers_per_rack,
        gpus_active: sizing.gpus_active,
        gpus_spare: sizing.gpus_spare.min(provisioned.saturating_sub(sizing.gpus_active)),
        gpus_provisioned: provisioned,
        instances_needed: sizing.replicas,
        instances: choice.instances,
        slots: choice.instances.saturating_mul(batch(choice)),
        users_short,
        tokens_per_s_short: short(asked, choice),
    }
}

fn servers(choice: &Choice) -> u64 {
    choice.servers_per_rack.saturating_mul(choice.sizing.racks)
}

/// Tokens a second of the requests that the instances do not take.
fn short(asked: &Asked, choice: &Choice) -> f64 {
    let taken = choice.sizing.replicas as f64 * choice.found.served.taken;
    let lacking = (1.0 - taken / asked.population.size()).max(0.0);
    if choice.served {
        return 0.0;
    }
    let per_taken = choice.found.served.point.requests_per_second / choice.found.served.taken;
    lacking * asked.population.size() * per_taken * asked.request.output
}

/// Of an instance at the most that it takes within the targets; a user's at the load asked for.
fn throughput(asked: &Asked, choice: &Choice) -> Throughput {
    let each = choice.found.served.point.requests_per_second * asked.request.output;
    Throughput {
        instance_tokens_per_s: each,
        total_tokens_per_s: each * choice.sizing.replicas as f64,
        tokens_per_s_per_gpu: each / f64::from(choice.found.plan.gpus()),
        tokens_per_s_per_user: 1.0 / choice.seen.point.tpot,
    }
}

pub(super) fn limit(binds: Binds) -> &'static str {
    match binds {
        Binds::Ttft => "ttft",
        Binds::Tpot => "tpot",
        Binds::Memory => "kv_cache",
        Binds::Sequences => "sequences",
        Binds::Batches => "batch",
    }
}

/// A step of the decodes at the load asked for, part by part.
fn decode_step(asked: &Asked, choice: &Choice) -> StepEstimate {
    let ranks = f64::from(choice.found.plan.dp);
    let decodes = (choice.seen.point.generating / ranks).max(1.0);
    choice.found.compiled.estimate(&Batch::decode(decodes, asked.request.context()))
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

fn latency(shared: &Shared, asked: &Asked, choice: &Choice, step: &StepEstimate) -> Latency {
    let seen = &choice.seen;
    let experts = shared.model.record.parameters_routed() > 0;
    let class = class(experts, step.evidence().name());
    let band = |figure: &str, value: f64| {
        let classes = shared.bands.as_ref()?.bands.get(figure)?;
        let Quantiles { p10, p90, .. } = classes.get(class).or_else(|| classes.get("all"))?;
        Some([value * p10, value * p90])
    };
    Latency {
        backend: asked.backend.name().to_owned(),
        percentile: asked.percentile.clone(),
        ttft_s: seen.ttft,
        ttft_target_s: asked.targets.ttft.get(),
        ttft_mean_s: seen.point.ttft,
        ttft_band_s: band("ttft", seen.point.ttft),
        tpot_s: seen.tpot,
        tpot_target_s: asked.targets.tpot.get(),
        tpot_mean_s: seen.point.tpot,
        tpot_band_s: band("tpot", seen.point.tpot),
        e2e_mean_s: seen.point.e2e,
    }
}

/// The plan as `perf` takes it.
fn deployed<R>(
    shared: &Shared,
    request: &Request,
    asked: &Asked,
    outcome: &Outcome,
    choice: &Choice,
    read: impl FnOnce(&Deployed) -> R,
) -> R {
    let question = super::outcome::question_of(shared, request, asked, outcome);
    read(&Deployed { plan: choice.found.plan, ..question.deployment })
}

/// Bytes that the requests in flight hold on one accelerator, half way through their answers.
fn kv_of_rank(shared: &Shared, request: &Request, asked: &Asked, outcome: &Outcome, choice: &Choice) -> f64 {
    let one = deployed(shared, request, asked, outcome, choice, |deployed| {
        bytes_of_sequence(deployed, asked.request.context()).get()
    });
    one * choice.seen.point.generating / f64::from(choice.found.plan.dp)
}

fn memory(shared: &Shared, request: &Request, asked: &Asked, outcome: &Outcome, choice: &Choice) -> Memory {
    let memory = &choice.found.memory;
    let kv = kv_of_rank(shared, request, asked, outcome, choice);
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

/// Of the requests in flight; users who think keep none.
fn kv(shared: &Shared, request: &Request, asked: &Asked, outcome: &Outcome, choice: &Choice) -> Kv {
    let ranks = f64::from(choice.found.plan.gpus());
    let total = kv_of_rank(shared, request, asked, outcome, choice) * ranks * choice.sizing.replicas as f64;
    let in_flight = choice.seen.point.generating * choice.sizing.replicas as f64;
    Kv {
        system: "HBM".to_owned(),
        bytes_per_token: total / (in_flight * asked.request.context()).max(f64::MIN_POSITIVE),
        total_bytes: total,
        hbm_bytes: total,
        cache_bytes: 0.0,
        nvme_bytes: 0.0,
        cache_reload_s: None,
        nvme_reload_s: None,
    }
}

/// The widest level that an instance spans, with its link, and what a step waits for it.
fn network(request: &Request, machine: &Machine, choice: &Choice, shares: &[StepShare]) -> String {
    let gpus = choice.found.plan.gpus();
    let Machine::Real(real) = machine else { return String::new() };
    if gpus == 1 {
        return "none: an instance stays on one GPU".to_owned();
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
    format!("{link} {place}, which a decode step waits for {waits:.0} % of its time")
}
