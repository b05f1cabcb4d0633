//! What accelerators did for it: model FLOPs and bytes over what they can do, power and energy.

use crate::answer::GpuUse;
use crate::inputs::{Machine, RealMachine};
use crate::run::bill;
use crate::run::explain::{Target, widest_peak};
use rackplan_catalog::{Catalog, Price};
use rackplan_perf::{Batch, Compiled, Engines};
use rackplan_sim::Simulated;

const HOUR: f64 = 3600.0;
/// Id of the entry with what holds for a whole site.
const SITE: &str = "site";

/// Of a fleet that was played.
pub(super) fn gpu_use(
    target: &Target,
    machine: Option<&RealMachine>,
    catalog: &Catalog,
    simulated: &Simulated,
) -> GpuUse {
    let gpus = f64::from(target.plan.gpus());
    let on = simulated.replica_seconds * gpus;
    let (mfu, mbu) = shares(target, catalog, simulated, on);
    let power = machine.and_then(|machine| power_of_gpu(machine, catalog, busy(simulated)));
    let energy = power.map(|power| power * on);
    let tokens = simulated.totals.output_tokens as f64;
    GpuUse {
        replica_hours: simulated.replica_seconds / HOUR,
        gpu_hours: on / HOUR,
        mfu,
        mbu,
        power_w: energy.filter(|_| simulated.end.get() > 0.0).map(|energy| energy / simulated.end.get()),
        energy_j: energy,
        energy_j_per_output_token: energy.filter(|_| tokens > 0.0).map(|energy| energy / tokens),
    }
}

/// Share of the time of replicas that were on in which they computed.
pub(super) fn busy(simulated: &Simulated) -> f64 {
    if simulated.replica_seconds > 0.0 {
        (simulated.totals.busy_s / simulated.replica_seconds).min(1.0)
    } else {
        0.0
    }
}

/// FLOPs of the model, each token once in all matrices and with the tokens before it, over the dense peak in the format
/// that most of them run in; and bytes that the mean step has to read and write, times the steps, over what memory moves.
fn shares(target: &Target, catalog: &Catalog, simulated: &Simulated, on: f64) -> (Option<f64>, Option<f64>) {
    let totals = &simulated.totals;
    if totals.steps == 0 || on <= 0.0 {
        return (None, None);
    }
    let groups = f64::from(target.plan.dp);
    let steps = totals.steps as f64;
    let context = totals.context_tokens / totals.decodes.max(1.0);
    let prompts = totals.prompt_tokens_computed / steps / groups;
    let batch = Batch {
        prompts: if prompts >= 1.0 { 1.0 } else { 0.0 },
        chunk: prompts,
        ..Batch::decode(totals.decodes / steps / groups, context.max(1.0))
    };
    let deployment = target.deployment(target.plan);
    let explained = Compiled::new(&deployment, &Engines::new(catalog)).explain(&batch);
    let bytes: f64 = explained.iter().map(|part| part.part.count * part.amounts.bytes).sum();
    let model = &target.model.record;
    let attended = |tokens: f64| model.attention_flops_per_token(tokens.max(0.0) as u64).get();
    let each = model.flops_per_token().get();
    let isl = totals.prompt_tokens as f64 / simulated.all.finished.max(1) as f64;
    let flops = totals.prompt_tokens_computed * (each + attended(isl / 2.0))
        + totals.decodes * target.tokens_per_step() * (each + attended(context));
    let mfu = flops / (widest_peak(target, &explained) * on);
    // With pipeline stages each has a batch of its own, so that one pass through all is what each does in that time.
    let mbu = bytes * steps * f64::from(target.plan.gpus()) / (target.device.bandwidth * on);
    (Some(mfu), Some(mbu))
}

/// Power at the meter of an accelerator, between what it draws with little to do and what it draws serving, by the share of
/// time in which it computes.
fn power_of_gpu(machine: &RealMachine, catalog: &Catalog, busy: f64) -> Option<f64> {
    let all_in = bill::price(&Machine::Real(Box::new(machine.clone())), catalog)?.all_in_power?.per_gpu.get();
    let draw = catalog.get::<Price>(SITE).ok().and_then(|site| site.record.draw);
    let (serving, idle) =
        draw.map_or((1.0, 1.0), |draw| (draw.inference, draw.inference_low.unwrap_or(draw.inference)));
    Some(all_in * (idle + (serving - idle) * busy))
}
