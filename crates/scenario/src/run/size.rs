//! `size`: every machine and number format asked for is sized, the best is kept.

use super::what_if::{as_alternatives, what_if};
use super::{alternatives, bill, curves, deployment, difficulty, envelope, founding, operators};
use crate::QuestionError;
use crate::answer::{Answer, Demand, FoundingSummary, SizeAnswer, Users};
use crate::inputs::{Combination, Defaults, Inputs, Load, Machine, Notes, Quant, Request, check_range};
use crate::layers::Layers;
use crate::question::{Method, Mode, Objective, no_classes};
use crate::settings::SETTINGS;
use rackplan_first_order as method;
use rackplan_first_order::{MAX_RACKS, RackCount, Sizing, SizingInput};

/// Most racks allowed, where nobody says. Source: the founding documents, default of `--max-racks`.
const RACKS: u64 = 16;

/// What is asked of the plans.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) load: Load,
    pub(crate) racks: RackCount,
    pub(crate) prefer_utilization: bool,
    pub(crate) objective: Objective,
}

/// One machine and number format, sized.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) combination: Combination,
    pub(crate) input: SizingInput,
    pub(crate) sizing: Option<Sizing>,
}

/// Which racks, how the model is laid out on them, and what would change that.
pub fn size(inputs: &Inputs, layers: &Layers) -> Result<Answer<SizeAnswer>, QuestionError> {
    if layers.origin("limits.stock").is_some() {
        let error =
            QuestionError::value(layers.place("limits.stock"), "several kinds of racks have no one plan");
        return Err(error.with_hint("leave it out, and name one kind with --hardware"));
    }
    let mut request = Request::new(inputs, layers, Defaults::SIZE)?;
    let mut found = match method_of(&mut request) {
        Method::Operators => operators::size(request)?,
        Method::FirstOrder => first_order(request)?,
    };
    found.answer.what_if = what_if(inputs, layers, &found.answer)?;
    if let Some(what_if) = &found.answer.what_if {
        found.answer.alternatives.splice(0..0, as_alternatives(what_if));
    }
    Ok(found)
}

/// What the same method answers without alternatives, ways out and what it rests on: all that a decision needs.
pub(crate) fn decided(inputs: &Inputs, layers: &Layers) -> Result<SizeAnswer, QuestionError> {
    let mut request = Request::new(inputs, layers, Defaults::SIZE)?;
    match method_of(&mut request) {
        Method::Operators => operators::decided(request),
        Method::FirstOrder => Ok(first_order(request)?.answer),
    }
}

/// The method named, else operators; a founding preset without a real counterpart has none, and takes the ceilings.
fn method_of(request: &mut Request) -> Method {
    if let Some(named) = request.question.search.method {
        return named;
    }
    let Some(preset) = request.only_founding().map(str::to_owned) else { return Method::default() };
    let why = format!("`{preset}` is a founding preset, whose operators nobody knows");
    request.notes.assume("search.method", "first-order", &why);
    Method::FirstOrder
}

/// The answer of the three ceilings.
fn first_order(request: Request) -> Result<Answer<SizeAnswer>, QuestionError> {
    let (mut request, asked, outcome) = best(request)?;
    not_modelled(&mut request);
    outcome.combination.machine.note_use(&mut request.notes);
    bill::note_use(&outcome.combination.machine, &request.inputs.catalog, &mut request.notes);
    let served =
        outcome.sizing.is_some_and(|s| s.users_lacking() == 0 && s.tokens_per_second_lacking() <= 0.0);
    let summary = summarize(&request, &asked, &outcome);
    request.notes.warnings.extend(summary.warnings.iter().cloned());
    let warnings = outcome.sizing.map(|sizing| {
        [packed_too_tight(&asked, &sizing), cache_without_a_place(&outcome.combination.machine, &sizing)]
    });
    request.notes.warnings.extend(warnings.into_iter().flatten().flatten());
    let answer = SizeAnswer {
        feasible: served,
        deployment: outcome.sizing.map(|sizing| deployment::deployment(&request, &outcome, &sizing)),
        demand: demand(&asked, &outcome),
        classes: Vec::new(),
        alternatives: alternatives::alternatives(&request, &asked, &outcome)?,
        plans: Vec::new(),
        frontier: Vec::new(),
        pareto: Vec::new(),
        what_if: None,
        rejected: difficulty::rejected(&outcome),
        search: None,
        difficulty: (!served).then(|| difficulty::difficulty(&request, &asked, &outcome)).transpose()?,
        founding: founding::compare(&request, &asked, &outcome)?,
        summary,
        curves: curves::curves(&request, &outcome)?,
    };
    Ok(envelope::envelope(request, answer))
}

/// The founding documents' rows alone.
pub fn founding_summary(inputs: &Inputs, layers: &Layers) -> Result<FoundingSummary, QuestionError> {
    let (request, asked, outcome) = best(Request::new(inputs, layers, Defaults::SIZE)?)?;
    Ok(summarize(&request, &asked, &outcome))
}

fn best(mut request: Request) -> Result<(Request, Asked, Outcome), QuestionError> {
    no_classes(request.layers, &request.question, "the first-order method")?;
    let asked = Asked::read(&mut request)?;
    let mut outcomes = Vec::new();
    for machine in &request.machines {
        for quant in &request.quants {
            // Each has its own notes: what was assumed for a machine that is not chosen concerns nobody.
            let mut notes = request.notes.clone();
            let combination = request.combine(machine, *quant, Mode::Inference, &mut notes)?;
            outcomes.push((outcome(&request, &asked, combination), notes));
        }
    }
    let rank = |(outcome, _): &(Outcome, Notes)| rank(&request, &asked, outcome);
    let best = outcomes.into_iter().min_by(|a, b| rank(a).total_cmp(&rank(b)));
    let (outcome, notes) = best.expect("a request names at least one machine and one number format");
    request.notes = notes;
    Ok((request, asked, outcome))
}

/// The lower the better; what serves nobody comes last, in the order asked for.
fn rank(request: &Request, asked: &Asked, outcome: &Outcome) -> f64 {
    let Some(sizing) = &outcome.sizing else { return f64::INFINITY };
    let deployment = deployment::deployment(request, outcome, sizing);
    let short = if deployment.capacity.users_short > 0 { 1e15 } else { 0.0 };
    let gpus = deployment.capacity.gpus_provisioned as f64;
    short
        + match asked.objective {
            Objective::Gpus => gpus,
            Objective::Cost => deployment.money.map_or(1e14, |money| money.usd_per_hour),
            Objective::Power => deployment.power.map_or(1e14, |power| power.facility_w),
            Objective::Throughput | Objective::Ttft => -deployment.throughput.total_tokens_per_s,
        }
}

/// Sizes one combination.
pub(crate) fn outcome(request: &Request, asked: &Asked, combination: Combination) -> Outcome {
    let input = SizingInput {
        setting: combination.setting,
        kv_system: combination.kv_system.as_ref().map(|(_, system)| *system),
        users: asked.load.users,
        tokens_per_second_per_user: asked.load.rate,
        batches: request.batches.clone(),
        racks: asked.racks,
        prefer_utilization: asked.prefer_utilization,
        arrivals: asked.load.arrival.map(|arrival| arrival.exact),
        grid: request.grid.clone(),
    };
    Outcome { sizing: method::size(&input), input, combination }
}

/// The same request on another machine or in another number format, its notes dropped.
pub(crate) fn other(
    request: &Request,
    asked: &Asked,
    machine: &Machine,
    quant: Quant,
) -> Result<Outcome, QuestionError> {
    let combination = request.combine(machine, quant, Mode::Inference, &mut Notes::default())?;
    Ok(outcome(request, asked, combination))
}

impl Asked {
    fn read(request: &mut Request) -> Result<Self, QuestionError> {
        let layers = request.layers;
        let load = Load::read(&request.question, layers, request.seed, &mut request.notes)?;
        let racks = read_racks(request)?;
        if request.question.kv_system.as_ref().is_some_and(|systems| systems.0.len() > 1) {
            let error = QuestionError::value(layers.place("kv_system"), "`size` takes one KV system");
            return Err(error.with_hint("give one; `offload` compares several"));
        }
        let search = &request.question.search;
        let prefer_utilization = search.prefer_utilization.unwrap_or_default().0;
        Ok(Self { load, racks, prefer_utilization, objective: search.objective.unwrap_or_default() })
    }
}

/// How many racks there may be.
pub(super) fn read_racks(request: &mut Request) -> Result<RackCount, QuestionError> {
    let (layers, limits) = (request.layers, &request.question.limits);
    match (limits.fixed_racks, limits.max_racks) {
        (Some(fixed), _) => {
            check_range(layers, "limits.fixed_racks", fixed.0, 1, MAX_RACKS)?;
            Ok(RackCount::Exactly(fixed.0))
        }
        (None, Some(most)) => {
            check_range(layers, "limits.max_racks", most.0, 1, MAX_RACKS)?;
            Ok(RackCount::UpTo(most.0))
        }
        (None, None) => {
            request.notes.assume("limits.max_racks", RACKS, "the founding documents' default");
            Ok(RackCount::UpTo(RACKS))
        }
    }
}

/// Says which values were given that the three ceilings do not know.
fn not_modelled(request: &mut Request) {
    let given = SETTINGS.iter().filter(|setting| setting.help.ends_with("(operators method)"));
    let given: Vec<_> = given.filter_map(|setting| request.layers.origin(setting.path)).collect();
    let names: Vec<String> = given.into_iter().map(ToString::to_string).collect();
    if !names.is_empty() {
        let text = format!("{} not used by this method: see --method operators", names.join(", "));
        request.notes.warn(text);
    }
    if let [first, _, ..] = request.kv_formats.as_slice() {
        let text = format!("of the formats of the KV cache only {} is used by this method", first.name);
        request.notes.warn(text);
    }
}

/// The method adds up the speed of all instances but counts as active only those that have a user on every slot; at a
/// full batch a user may then get less than promised.
fn packed_too_tight(asked: &Asked, sizing: &Sizing) -> Option<String> {
    let (batch, plan) = (sizing.batch, &sizing.plan);
    let each = plan.tokens_per_second / f64::from(batch);
    (each < asked.load.rate && sizing.users_lacking() == 0).then(|| {
        format!(
            "with {batch} users on each of {} instances a user gets {each:.1} tok/s, not {}: spread them over all {}",
            sizing.active_instances, asked.load.rate, plan.instances
        )
    })
}

/// The method puts on NVMe what neither HBM nor host memory holds, whether there is any or not.
fn cache_without_a_place(machine: &Machine, sizing: &Sizing) -> Option<String> {
    let Machine::Real(real) = machine else { return None };
    let host = real.rack.record.host.as_ref();
    let local =
        host.and_then(|host| host.nvme_per_gpu).map_or(0.0, |nvme| nvme.get() * sizing.active_gpus as f64);
    (sizing.kv.nvme.get() > local).then(|| {
        let known = rackplan_units::Bytes::new(local);
        format!("{} of KV cache goes to NVMe, but the catalog knows of {known} there", sizing.kv.nvme)
    })
}

fn demand(asked: &Asked, outcome: &Outcome) -> Demand {
    let arrival = asked.load.arrival.map(Users::from);
    Demand {
        users_target: asked.load.users,
        users_sized: outcome.input.users_to_serve(),
        arrival,
        context_tokens: outcome.input.setting.model.tokens_cached() as u64,
        tokens_per_user_per_s: asked.load.rate,
        tokens_per_s: outcome.input.demand(),
        generating: None,
    }
}

fn summarize(request: &Request, asked: &Asked, outcome: &Outcome) -> FoundingSummary {
    let Some(sizing) = &outcome.sizing else {
        let error = Some(method::NOT_SERVED.to_owned());
        return FoundingSummary { error, presets: request.is_founding(), ..FoundingSummary::default() };
    };
    let hardware = outcome.combination.machine.hardware();
    let names = method::Names {
        model: request.subject.name(),
        rack: &hardware.name,
        quant_bits: outcome.combination.quant.bits(),
        kv_system: outcome.combination.kv_system.as_ref().map(|(name, _)| name.as_str()),
    };
    let said =
        method::summary(&outcome.input, sizing, &names, asked.load.arrival.map(|arrival| arrival.given));
    let presets = request.is_founding();
    FoundingSummary { presets, rows: said.rows, details: said.details, warnings: said.warnings, error: None }
}
