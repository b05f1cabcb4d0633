//! One machine and number format: the plans that serve, and the one with the fewest accelerators.

use super::Shared;
use super::asked::Asked;
use crate::QuestionError;
use crate::inputs::{Machine, Notes, Quant, RealMachine, Request};
use crate::serving::{Formats, formats_named, situation};
use rackplan_catalog::Situation;
use rackplan_first_order::RackCount;
use rackplan_perf::operators::moe_routing::Routing;
use rackplan_perf::{Deployment, Device, ParallelPlan, Precision};
use rackplan_plan::{self as plan, Dropped, Found, Served, Site, Sizing, Space};

/// A machine and number format, sized.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) machine: Machine,
    pub(super) quant: Quant,
    pub(super) quant_name: String,
    pub(super) formats: Formats,
    pub(super) found: Vec<Found>,
    pub(super) dropped: Vec<Dropped>,
    /// The plan with the fewest accelerators, within the racks if any is.
    pub(super) choice: Option<Choice>,
}

/// A plan with its racks, at the load asked for.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) found: Found,
    pub(super) sizing: Sizing,
    /// Instances that the racks hold.
    pub(super) instances: u64,
    pub(super) servers_per_rack: u64,
    /// What users see.
    pub(super) seen: Served,
    /// Whether the racks allowed hold the instances needed.
    pub(super) served: bool,
}

impl Outcome {
    pub(super) fn site(&self) -> Site {
        site(real(&self.machine))
    }
}

/// The machine as the catalog has it.
fn real(machine: &Machine) -> &RealMachine {
    match machine {
        Machine::Real(real) => real,
        Machine::Founding(_) => unreachable!("founding presets were replaced by what they stand for"),
    }
}

/// Sizes one machine in one number format.
pub(super) fn outcome(
    shared: &Shared,
    request: &Request,
    asked: &Asked,
    (machine, quant): (&Machine, Quant),
    notes: &mut Notes,
) -> Result<Outcome, QuestionError> {
    let real = real(machine);
    let place = request.layers.place("hardware");
    let device = device(request, real).map_err(|problem| QuestionError::value(place, problem))?;
    let gpu = &real.gpu.record;
    let format = quant.format(Some(gpu));
    let mut assumed = Vec::new();
    let formats = formats_named(format.name(), &shared.model.record, gpu, &mut assumed)
        .expect("every weight format has a meaning");
    let formats = Formats { kv: kv_format(shared, real, formats), ..formats };
    assumed.into_iter().for_each(|text| notes.warn(text));
    let question = question(shared, request, asked, real, (device, formats));
    let space = Space {
        sizes: asked.sizes.clone(),
        experts: shared.model.record.parameters_routed() > 0,
        domain: real.rack.record.layout.scale_up_domain_gpus,
    };
    let (found, dropped) = plan::search(&question, &space);
    let choice = choose(&question, asked, site(real), &found);
    Ok(Outcome {
        machine: machine.clone(),
        quant,
        quant_name: format.name().to_owned(),
        formats,
        found,
        dropped,
        choice,
    })
}

/// The accelerator in its rack, links replaced as asked.
fn device(request: &Request, real: &RealMachine) -> Result<Device, String> {
    let gpu = &real.gpu;
    let mut device = Device::new(&gpu.record)
        .map_err(|missing| format!("gpu `{}`: its catalog entry has no `{}`", gpu.id, missing.group))?;
    let rate = |level: &str| request.link_change(level).map(|change| change.link.bandwidth.get());
    let rack = &real.rack.record;
    let outside = if rack.is_one_scale_up_domain() { "inter_rack" } else { "inter_server" };
    device.link = rate("intra_server").unwrap_or(device.link);
    device.scale_out = rate(outside).or_else(|| rate("inter_rack")).unwrap_or(device.scale_out);
    device.domain = f64::from(rack.layout.scale_up_domain_gpus);
    Ok(device)
}

/// The format in which the framework holds the cache.
fn kv_format(shared: &Shared, real: &RealMachine, formats: Formats) -> rackplan_catalog::model::WeightDtype {
    let at: Situation = situation(&shared.model, &real.gpu, formats, ParallelPlan::SINGLE);
    shared.framework.kv_format(&at)
}

/// The question as the planner takes it.
pub(super) fn question<'a>(
    shared: &'a Shared,
    request: &Request,
    asked: &'a Asked,
    real: &'a RealMachine,
    (device, formats): (Device, Formats),
) -> plan::Question<'a> {
    let kv_bytes = request.kv_bytes.unwrap_or(formats.precision().kv_bytes);
    plan::Question {
        deployment: Deployment {
            model: &shared.model.record,
            gpu: &real.gpu.id,
            device,
            backend: asked.backend,
            plan: ParallelPlan::SINGLE,
            precision: Precision { kv_bytes, ..formats.precision() },
            routing: Routing::Uniform,
            draft_tokens: 0,
        },
        engines: &shared.engines,
        scheduler: plan::Scheduler::new(
            &shared.framework,
            real.gpu.record.memory.capacity,
            asked.request.input,
        ),
        request: asked.request,
        population: asked.population,
        targets: asked.targets,
        batches: &asked.batches,
    }
}

/// The same for an outcome that is there already.
pub(super) fn question_of<'a>(
    shared: &'a Shared,
    request: &Request,
    asked: &'a Asked,
    outcome: &'a Outcome,
) -> plan::Question<'a> {
    let real = real(&outcome.machine);
    let device = device(request, real).expect("the outcome was found with it");
    question(shared, request, asked, real, (device, outcome.formats))
}

fn site(real: &RealMachine) -> Site {
    let layout = &real.rack.record.layout;
    Site { gpus_per_server: layout.gpus_per_server, servers_per_rack: layout.servers_per_rack }
}

/// The fewest accelerators; among equals the fewest racks, then the most room.
fn choose(question: &plan::Question, asked: &Asked, site: Site, found: &[Found]) -> Option<Choice> {
    let most = most_racks(asked.racks);
    let sized = found.iter().map(|found| {
        let load = (asked.population.size(), found.served.taken);
        (found, site.size(load, asked.headroom, asked.spares, found.plan.gpus()))
    });
    let rank = |(found, sizing): &(&Found, Sizing)| {
        let room = -(found.served.taken * sizing.replicas as f64);
        ((sizing.racks > most, sizing.gpus_active, sizing.racks), room)
    };
    let best = sized.min_by(|a, b| {
        let ((first, room), (other, other_room)) = (rank(a), rank(b));
        first.cmp(&other).then(room.total_cmp(&other_room))
    });
    best.and_then(|(found, sizing)| choice(question, asked, site, found, sizing))
}

/// Puts a plan into its racks; nothing where it needs more racks than there may be.
pub(super) fn choice(
    question: &plan::Question,
    asked: &Asked,
    site: Site,
    found: &Found,
    sizing: Sizing,
) -> Option<Choice> {
    let gpus = u64::from(found.plan.gpus());
    let most = most_racks(asked.racks);
    let served = sizing.racks <= most;
    let racks = match asked.racks {
        RackCount::Exactly(racks) => racks,
        RackCount::UpTo(_) if !served => return None,
        RackCount::UpTo(_) => sizing.racks,
    };
    let each = site.replicas_of_rack(gpus);
    let instances = if each > 0 { racks * each } else { racks * site.gpus_per_rack() / gpus };
    if instances == 0 {
        return None;
    }
    let needed = sizing.replicas.min(instances);
    let replica = question.replica(found.plan, &found.compiled, found.cached);
    let share = (asked.population.size() / needed as f64).min(found.served.taken);
    let most = found.served.point.generating;
    let seen = plan::operating(&replica, &asked.targets, &asked.population, share, most);
    let sizing = Sizing {
        replicas: needed,
        gpus_active: needed.saturating_mul(gpus),
        servers: sizing.servers.min(racks * u64::from(site.servers_per_rack)),
        racks,
        gpus_provisioned: racks.saturating_mul(site.gpus_per_rack()),
        ..sizing
    };
    let servers_per_rack = site.servers_per_rack.into();
    Some(Choice { found: found.clone(), sizing, instances, servers_per_rack, seen, served })
}

pub(super) fn most_racks(racks: RackCount) -> u64 {
    match racks {
        RackCount::UpTo(most) | RackCount::Exactly(most) => most,
    }
}

/// A plan other than the chosen one, sized on the same machine.
pub(super) fn other_plan(
    shared: &Shared,
    request: &Request,
    asked: &Asked,
    outcome: &Outcome,
    found: &Found,
) -> Option<Choice> {
    let question = question_of(shared, request, asked, outcome);
    let site = outcome.site();
    let load = (asked.population.size(), found.served.taken);
    let sizing = site.size(load, asked.headroom, asked.spares, found.plan.gpus());
    choice(&question, asked, site, found, sizing)
}
