//! One machine, one set of number formats, one framework, one depth of speculation: everything that plans share.

use super::asked::{Asked, KvTier};
use super::context::Context;
use super::tiers::{Known, policies, tiers};
use crate::QuestionError;
use crate::inputs::{KvFormat, Machine, Notes, Quant, RealMachine, Request};
use crate::predict_serving::class;
use crate::serving::{Formats, accepted_per_step, formats_named, situation};
use rackplan_catalog::{Backend, Quantiles};
use rackplan_perf::{Batch, Compiled, Deployment, Device, Kernels, ParallelPlan, Precision};
use rackplan_plan::{self as plan, KvPolicy, Pace, Site, Space};
use std::sync::Arc;

/// What a plan is laid out with.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) machine: Machine,
    pub(super) quant: Quant,
    pub(super) quant_name: String,
    pub(super) backend: Backend,
    /// Tokens drafted for each sequence and step.
    pub(super) drafts: u32,
    redundant_experts: u32,
    /// The format of the KV cache that was asked for.
    pub(super) kv: Option<KvFormat>,
    pub(super) pace: Pace,
    pub(super) policies: Vec<KvPolicy>,
    pub(super) tiers: Vec<Known>,
    formats: Formats,
    device: Device,
    scheduler: plan::Scheduler,
    kernels: Arc<Kernels>,
}

/// Which of several.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variant<'a> {
    pub(super) machine: &'a Machine,
    pub(super) quant: Quant,
    pub(super) backend: Backend,
    pub(super) drafts: u32,
    pub(super) kv: Option<KvFormat>,
}

impl Setup {
    pub(super) fn new(context: Context, variant: Variant, notes: &mut Notes) -> Result<Self, QuestionError> {
        let Variant { machine, quant, backend, drafts, kv: asked_kv } = variant;
        let real = real(machine);
        let place = context.request.layers.place("hardware");
        let device =
            device(context.request, machine).map_err(|problem| QuestionError::value(place, problem))?;
        let gpu = &real.gpu.record;
        let (model, format) = (&context.shared.model, quant.format(Some(gpu)));
        let mut assumed = Vec::new();
        let formats = formats_named(format.name(), &model.record, gpu, &mut assumed)
            .expect("every weight format has a meaning");
        assumed.into_iter().for_each(|text| notes.warn(text));
        let kernels = context.request.inputs.kernels((&real.gpu.id, device), backend);
        let framework = context.framework(backend);
        let kv = framework.kv_format(&situation(model, &real.gpu, formats, ParallelPlan::SINGLE));
        let prompt = longest_prompt(context.asked);
        let wants_flash = context.asked.kv.tier == KvTier::Named(rackplan_plan::TierKind::Nvme);
        let beyond = device.oversubscription.outside();
        let tiers = tiers((real, beyond), wants_flash, &context.request.inputs.catalog, notes);
        let mut setup = Self {
            machine: machine.clone(),
            quant,
            quant_name: format.name().to_owned(),
            backend,
            drafts,
            redundant_experts: context.request.question.redundant_experts(framework),
            kv: asked_kv,
            pace: Pace { accepted: accepted(context, drafts, notes)?, ..Pace::default() },
            policies: policies(context.asked, &tiers),
            tiers,
            formats: Formats { kv, ..formats },
            device,
            scheduler: plan::Scheduler::new(framework, gpu.memory.capacity, prompt),
            kernels,
        };
        if let Some(confidence) = context.asked.confidence {
            setup.pace = setup.paced(context, confidence);
        }
        Ok(setup)
    }

    /// The machine as the catalog has it.
    pub(super) fn real(&self) -> &RealMachine {
        real(&self.machine)
    }

    pub(super) fn site(&self) -> Site {
        let layout = &self.real().rack.record.layout;
        Site { gpus_per_server: layout.gpus_per_server, servers_per_rack: layout.servers_per_rack }
    }

    pub(super) fn space(&self, context: Context) -> Space {
        Space {
            sizes: context.asked.sizes.clone(),
            prefill: context.asked.prefill_sizes.clone(),
            experts: context.shared.model.record.parameters_routed() > 0,
            domain: self.real().rack.record.layout.scale_up_domain_gpus,
        }
    }

    /// The number format of the KV cache.
    pub(super) fn kv_name(&self) -> &'static str {
        self.kv.map_or(self.formats.kv.name(), |format| format.name)
    }

    /// A deployment, with the plan of one accelerator.
    pub(super) fn deployment<'a>(&'a self, context: Context<'a>) -> Deployment<'a> {
        let kv_bytes = self.kv.map_or(self.formats.precision().kv_bytes, |format| format.bytes);
        Deployment {
            model: &context.shared.model.record,
            gpu: &self.real().gpu.id,
            device: self.device,
            backend: self.backend,
            plan: ParallelPlan::SINGLE,
            precision: Precision { kv_bytes, ..self.formats.precision() },
            routing: None,
            redundant_experts: self.redundant_experts,
            draft_tokens: self.drafts,
        }
    }

    /// The question as the planner takes it.
    pub(super) fn question<'a>(&'a self, context: Context<'a>) -> plan::Question<'a> {
        let asked = context.asked;
        let transfer = context.request.link_change("kv_transfer");
        plan::Question {
            deployment: self.deployment(context),
            kernels: &self.kernels,
            scheduler: self.scheduler,
            request: asked.request,
            classes: &asked.classes.kinds,
            pace: self.pace,
            policies: &self.policies,
            modes: asked.modes,
            transfer: transfer.map(|change| change.link.bandwidth.get()),
            population: asked.people.population,
            targets: asked.targets,
            batches: &asked.batches,
        }
    }

    /// What becomes of every plan. The same whoever asks, how much racks cost and how many there may be, so that it is
    /// kept for those who change only that.
    pub(super) fn searched(&self, context: Context) -> Arc<plan::Searched> {
        let (question, space) = (self.question(context), self.space(context));
        context.request.inputs.searched(&question, &self.kernels, &space)
    }

    /// The class whose bands hold here: kind of model, and what a step of one accelerator rests on.
    pub(super) fn class(&self, context: Context) -> &'static str {
        let experts = context.shared.model.record.parameters_routed() > 0;
        let compiled = Compiled::with(&self.deployment(context), &self.kernels);
        let step = compiled.estimate(&Batch::decode(TYPICAL, context.asked.request.context()));
        class(experts, step.evidence().name())
    }

    /// Slower and later than predicted, by what measurements left at this confidence.
    fn paced(&self, context: Context, confidence: f64) -> Pace {
        let class = self.class(context);
        let factor =
            |figure: &str| context.shared.band(figure, class).map(|band| quantile(band, confidence).max(1.0));
        let slower = factor("tpot").unwrap_or(1.0);
        Pace { slower, later: (factor("ttft").unwrap_or(1.0) / slower).max(1.0), ..self.pace }
    }
}

/// Sequences of a step that evidence is asked of.
const TYPICAL: f64 = 16.0;
/// The 90th percentile of the standard normal law.
const Z90: f64 = 1.281_551_565_545;

/// Quantile of a band from the middle up: the logarithm is normal, through its p50 and p90.
fn quantile(band: &Quantiles, share: f64) -> f64 {
    let z = plan::normal_quantile(share);
    band.p50 * (band.p90 / band.p50).powf(z / Z90)
}

/// Prompt with what is computed already before it, of the class where that is longest.
fn longest_prompt(asked: &Asked) -> f64 {
    let requests = asked.classes.kinds.iter().map(|class| &class.request).chain([&asked.request]);
    requests.map(|request| request.prefix + request.longest_input()).fold(0.0, f64::max)
}

/// The machine as the catalog has it.
fn real(machine: &Machine) -> &RealMachine {
    match machine {
        Machine::Real(real) => real,
        Machine::Founding(_) => unreachable!("founding presets were replaced by what they stand for"),
    }
}

/// Tokens that a step yields.
fn accepted(context: Context, drafts: u32, notes: &mut Notes) -> Result<f64, QuestionError> {
    if drafts == 0 {
        return Ok(1.0);
    }
    let model = &context.shared.model.record;
    if model.mtp_layers == 0 {
        let place = context.request.layers.place("speculative");
        let problem = format!("{} has no modules that draft tokens", model.name);
        return Err(QuestionError::value(place, problem).with_hint("leave it out, or give `none`"));
    }
    let chance = context.asked.drafts.chance;
    let (accepted, why) = accepted_per_step(model, drafts, chance, &context.request.inputs.catalog);
    if let Some(why) = why {
        let shown = (accepted * 100.0).round() / 100.0;
        notes.assume("speculative", format!("{shown} tokens a step"), &why);
    }
    Ok(accepted)
}

/// The accelerator in its rack, links replaced as asked.
fn device(request: &Request, machine: &Machine) -> Result<Device, String> {
    let real = real(machine);
    let gpu = &real.gpu;
    let mut device = Device::new(&gpu.record)
        .map_err(|missing| format!("gpu `{}`: its catalog entry has no `{}`", gpu.id, missing.group))?;
    let rate = |level: &str| request.link_change(level).map(|change| change.link.bandwidth.get());
    let rack = &real.rack.record;
    let outside = if rack.is_one_scale_up_domain() { "inter_rack" } else { "inter_server" };
    device.link = rate("intra_server").unwrap_or(device.link);
    device.scale_out = rate(outside).or_else(|| rate("inter_rack")).unwrap_or(device.scale_out);
    device.domain = f64::from(rack.layout.scale_up_domain_gpus);
    device.oversubscription = real.oversubscription(&request.oversubscription);
    Ok(device)
}
