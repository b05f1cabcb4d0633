//! How a question on real hardware and architectures differs from the founding documents' presets for the same things.

use super::size::{Asked, Outcome, outcome};
use crate::QuestionError;
use crate::answer::{Difference, Founding};
use crate::inputs::{Machine, Notes, Quant, Request, Subject, founding_model_of, founding_rack_of};
use crate::question::Mode;
use rackplan_first_order::Setting;
use rackplan_first_order::ceilings::active_parameters;
use rackplan_first_order::memory::kv_per_token;

/// The same question on the presets, and the inputs that differ; nothing where no preset stands for the same things.
pub(crate) fn compare(
    request: &Request,
    asked: &Asked,
    found: &Outcome,
) -> Result<Option<Founding>, QuestionError> {
    let Some((subject, machine)) = twins(request, &found.combination.machine) else { return Ok(None) };
    let presets = format!("{} on {}", subject.name(), machine.id());
    let twin = Request { subject, machines: vec![machine.clone()], ..request.clone() };
    let quant = Quant::Bits(found.combination.quant.bits());
    let combination = twin.combine(&machine, quant, Mode::Inference, &mut Notes::default())?;
    let told = outcome(&twin, asked, combination);
    let answer = told.sizing.map_or("no plan".to_owned(), |sizing| {
        let racks = if sizing.racks == 1 { "rack" } else { "racks" };
        let layout = sizing.plan.layout;
        format!(
            "{} {racks}, {} GPUs as TP{} x PP{} x EP{} batch {}",
            sizing.racks, sizing.active_gpus, layout.tp, layout.pp, layout.ep, sizing.batch
        )
    });
    let differences = differences(&told.input.setting, &found.input.setting);
    Ok(Some(Founding { presets, answer, differences }))
}

/// The presets for the model and the rack; those that are presets already stay. Nothing where both are.
fn twins(request: &Request, machine: &Machine) -> Option<(Subject, Machine)> {
    let presets = &request.presets;
    let subject = match &request.subject {
        held @ Subject::Founding { .. } => held.clone(),
        Subject::Real(entry) => founding_model_of(&entry.id, presets)?,
    };
    let twin = match machine {
        held @ Machine::Founding(_) => held.clone(),
        Machine::Real(real) => founding_rack_of(&real.rack.id, presets)?,
    };
    let same = matches!(request.subject, Subject::Founding { .. }) && matches!(machine, Machine::Founding(_));
    (!same).then_some((subject, twin))
}

/// Inputs of both, side by side, where they differ.
fn differences(founding: &Setting, catalog: &Setting) -> Vec<Difference> {
    let pair = |input: &str, value: &dyn Fn(&Setting) -> String| Difference {
        input: input.to_owned(),
        founding: value(founding),
        catalog: value(catalog),
    };
    let all = [
        pair("KV/token", &|s| kv_per_token(&s.model, &s.quantisation).to_string()),
        pair("active parameters", &|s| format!("{:.1}B", active_parameters(&s.model) / 1e9)),
        pair("FLOP/s", &|s| (s.gpu.flops_sustained * s.quantisation.compute_scale).to_string()),
        pair("HBM", &|s| s.gpu.hbm_bandwidth.to_string()),
        pair("HBM size", &|s| s.gpu.hbm_capacity.to_string()),
        pair("hidden", &|s| s.model.hidden.to_string()),
        pair("layers", &|s| s.model.layers.to_string()),
        pair("GPUs per server", &|s| s.rack.gpus_per_server.to_string()),
        pair("servers per rack", &|s| s.rack.servers_per_rack.to_string()),
        pair("intra-server link", &|s| s.rack.intra_server.bandwidth.to_string()),
        pair("inter-server link", &|s| s.rack.inter_server.bandwidth.to_string()),
        pair("inter-rack link", &|s| s.rack.inter_rack.bandwidth.to_string()),
    ];
    all.into_iter().filter(|difference| difference.founding != difference.catalog).collect()
}
