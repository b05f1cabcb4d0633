//! A sizing as the answer's deployment.

use super::bill;
use super::size::Outcome;
use crate::answer::{
    Bounds, Capacity, Deployment, Kv, LinkLoad, Memory, Plan, Storage, Throughput, Utilization,
};
use crate::inputs::{Combination, Machine, Request};
use rackplan_catalog::Level;
use rackplan_first_order as method;
use rackplan_first_order::communication::{Load, limit};
use rackplan_first_order::memory::kv_per_token;
use rackplan_first_order::{Link, Setting, Sizing};

/// Everything that follows from a layout and its racks.
pub(crate) fn deployment(request: &Request, outcome: &Outcome, sizing: &Sizing) -> Deployment {
    let combination = &outcome.combination;
    let capacity = capacity(sizing, &combination.setting, request.control_servers);
    let utilization = utilization(outcome, sizing);
    let machine = &combination.machine;
    let catalog = &request.inputs.catalog;
    Deployment {
        hardware: machine.hardware(),
        model: request.subject.name().to_owned(),
        quant: combination.quant_name.clone(),
        kv_dtype: None,
        plan: plan(&sizing.plan, sizing.batch),
        capacity,
        throughput: throughput(sizing),
        limit: sizing.plan.limit.name().to_owned(),
        bounds: Some(bounds(&sizing.plan)),
        latency: None,
        step_shares: Vec::new(),
        memory: memory(&sizing.plan, &combination.setting),
        network: network(request, machine, sizing),
        links: link_loads(&sizing.plan, combination, sizing.demand / sizing.plan.instances.max(1) as f64),
        kv: kv(outcome, sizing),
        storage: storage(sizing, &combination.setting),
        utilization: Some(utilization),
        power: bill::power(machine, &capacity, catalog),
        money: bill::money(machine, &capacity, served(sizing), catalog),
        pools: None,
        kv_placement: None,
        economics: None,
        speculative: None,
        replay: None,
    }
}

/// The widest level that carries an instance's traffic: the founding documents' words for a preset, else the link's name.
fn network(request: &Request, machine: &Machine, sizing: &Sizing) -> String {
    let Machine::Real(real) = machine else { return method::networking(sizing).to_owned() };
    let (loads, links) = (&sizing.plan.loads, &real.rack.record.links);
    let (level, link, place) = if loads.inter_rack.is_some() {
        ("inter_rack", &links.inter_rack, "between racks")
    } else if loads.inter_server.is_some() {
        ("inter_server", &links.inter_server, "between servers")
    } else {
        ("intra_server", &links.intra_server, "inside a server")
    };
    let changed = request.link_change(level).map(|change| change.id.as_str());
    format!("{} {place}", changed.or(link.link.as_deref()).unwrap_or("links"))
}

/// Tokens a second that users read: what is asked, as far as there are slots and speed for it.
fn served(sizing: &Sizing) -> f64 {
    let with_slot = sizing.users.min(sizing.slots()) as f64 / sizing.users as f64;
    (sizing.demand * with_slot).min(sizing.plan.tokens_per_second_total)
}

pub(crate) fn plan(plan: &method::Plan, batch: u32) -> Plan {
    let method::Layout { tp, pp, ep } = plan.layout;
    Plan { tp, pp, ep, dp: None, batch: batch.into(), gpus_per_instance: plan.gpus_per_instance }
}

fn capacity(sizing: &Sizing, setting: &Setting, control_servers_per_rack: u64) -> Capacity {
    let rack = &setting.rack;
    Capacity {
        racks: sizing.racks,
        servers_needed: sizing.active_servers,
        servers_provisioned: sizing.racks * u64::from(rack.servers_per_rack),
        control_servers: sizing.racks * control_servers_per_rack,
        gpus_active: sizing.active_gpus,
        gpus_spare: 0,
        gpus_provisioned: sizing.racks * rack.gpus(),
        instances_needed: sizing.active_instances,
        instances: sizing.plan.instances,
        slots: sizing.slots(),
        users_short: sizing.users_lacking(),
        tokens_per_s_short: sizing.tokens_per_second_lacking(),
    }
}

fn throughput(sizing: &Sizing) -> Throughput {
    let plan = &sizing.plan;
    Throughput {
        instance_tokens_per_s: plan.tokens_per_second,
        total_tokens_per_s: plan.tokens_per_second_total,
        tokens_per_s_per_gpu: plan.tokens_per_second_per_gpu(),
        tokens_per_s_per_user: plan.tokens_per_second / f64::from(sizing.batch),
    }
}

pub(crate) fn bounds(plan: &method::Plan) -> Bounds {
    let (c, gpus) = (&plan.ceilings, plan.gpus_per_instance as f64);
    let comm = c.communication.is_finite().then_some(c.communication);
    Bounds {
        compute_tokens_per_s: c.compute,
        hbm_tokens_per_s: c.hbm,
        comm_tokens_per_s: comm,
        compute_tokens_per_s_per_gpu: c.compute / gpus,
        hbm_tokens_per_s_per_gpu: c.hbm / gpus,
        comm_tokens_per_s_per_gpu: comm.map(|comm| comm / gpus),
    }
}

pub(crate) fn memory(plan: &method::Plan, setting: &Setting) -> Memory {
    let m = &plan.memory;
    Memory {
        weights_bytes: m.weights.get(),
        kv_bytes: m.kv_cache.get(),
        optimizer_bytes: m.optimizer.get(),
        activations_bytes: m.activations.get(),
        overhead_bytes: m.overhead.get(),
        used_bytes: m.used.get(),
        limit_bytes: m.limit.get(),
        capacity_bytes: setting.gpu.hbm_capacity.get(),
    }
}

/// The three levels; utilisation at `tokens_per_s` of one instance.
pub(crate) fn link_loads(plan: &method::Plan, combination: &Combination, tokens_per_s: f64) -> Vec<LinkLoad> {
    let (rack, loads) = (&combination.setting.rack, &plan.loads);
    let levels = [
        (&loads.intra_server, &rack.intra_server),
        (&loads.inter_server, &rack.inter_server),
        (&loads.inter_rack, &rack.inter_rack),
    ];
    let ratios = Level::ALL.into_iter().zip(combination.ratios);
    let loads = ratios.zip(levels);
    loads.map(|(level, load)| link_load(level, load, plan.tokens_per_second, tokens_per_s)).collect()
}

fn link_load(
    (level, oversubscription): (Level, f64),
    (load, link): (&Load, &Link),
    full_speed: f64,
    tokens_per_s: f64,
) -> LinkLoad {
    LinkLoad {
        level: level.name().to_owned(),
        bytes_per_token: load.bytes_per_token,
        messages_per_token: load.messages_per_token,
        bandwidth_bytes_per_s: link.bandwidth.get() * oversubscription,
        latency_s: link.latency.get(),
        load_bytes_per_s: load.bytes_per_token * full_speed,
        messages_per_s: load.messages_per_token * full_speed,
        oversubscription,
        utilization: tokens_per_s / limit(load, link),
    }
}

fn kv(outcome: &Outcome, sizing: &Sizing) -> Kv {
    let (setting, profile) = (&outcome.combination.setting, &sizing.kv);
    let system = outcome.combination.kv_system.as_ref();
    let total = profile.total.get();
    let outside = profile.dram.get() + profile.nvme.get();
    let reload = |bytes: f64, time: f64| (bytes > 0.0).then_some(time);
    Kv {
        system: system.map_or("Host DRAM / NVMe spill", |(name, _)| name.as_str()).to_owned(),
        bytes_per_token: kv_per_token(&setting.model, &setting.quantisation).get(),
        total_bytes: total,
        hbm_bytes: (total - outside).max(0.0),
        cache_bytes: profile.dram.get(),
        nvme_bytes: profile.nvme.get(),
        cache_reload_s: reload(profile.dram.get(), profile.dram_reload.get()),
        nvme_reload_s: reload(profile.nvme.get(), profile.nvme_reload.get()),
    }
}

fn storage(sizing: &Sizing, setting: &Setting) -> Storage {
    Storage {
        servers_needed: sizing.storage_servers_needed,
        servers_provisioned: sizing.storage_servers_available,
        provisioned_bytes: sizing.storage_servers_available as f64
            * setting.rack.storage_server_capacity.get(),
    }
}

fn utilization(outcome: &Outcome, sizing: &Sizing) -> Utilization {
    let used = method::utilizations(&outcome.input, sizing);
    let dma = outcome.input.kv_system.map(|_| used.dram);
    Utilization {
        compute_mean: used.compute.mean,
        compute_p95: used.compute.p95,
        network_mean: used.network.mean,
        network_p95: used.network.p95,
        storage_mean: used.storage.mean,
        storage_p95: used.storage.p95,
        kv_dma_mean: dma.map(|dma| dma.mean),
        kv_dma_p95: dma.map(|dma| dma.p95),
    }
}
