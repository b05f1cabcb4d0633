//! `size` by operators, the method unless another is named: people -> requests in flight -> the plan with the fewest accelerators that answers them in
//! time -> racks. Step times come from operators with measured constants, latencies from queueing in closed form.

mod alternatives;
mod asked;
mod deployment;
mod difficulty;
mod near_misses;
mod outcome;
mod plans;

use super::size::Extent;
use super::{bill, envelope};
use crate::QuestionError;
use crate::answer::{Answer, Demand, FoundingSummary, Generating, SizeAnswer, Users};
use crate::inputs::{Machine, Notes, Request, Subject, catalog_error};
use crate::question::Objective;
use asked::Asked;
use outcome::{Choice, Outcome, outcome};
use rackplan_catalog::{Bands, Entry, Framework, Kind, Model};
use rackplan_perf::Engines;
use rackplan_plan::Population;

/// What the numbers are worth, in a sentence.
const BAND: &str = "bands hold eight of ten published measurements of other models and accelerators (VALIDATION.md); not \
                    modelled: spread of lengths, shared prompts, KV of users who think";

/// What every outcome shares.
#[derive(Debug)]
struct Shared {
    engines: Engines,
    framework: Framework,
    model: Box<Entry<Model>>,
    bands: Option<Bands>,
}

/// Which racks, how the model is laid out on them, what users see, and what would change that.
pub(super) fn size(mut request: Request, extent: Extent) -> Result<Answer<SizeAnswer>, QuestionError> {
    let asked = Asked::read(&mut request)?;
    not_modelled(&mut request);
    let shared = Shared::new(&mut request, &asked)?;
    let best = best(&shared, &mut request, &asked)?;
    best.machine.note_use(&mut request.notes);
    bill::note_use(&best.machine, &request.inputs.catalog, &mut request.notes);
    let served = best.choice.as_ref().is_some_and(|choice| choice.served);
    let deployment =
        best.choice.as_ref().map(|choice| deployment::deployment(&shared, &request, &asked, &best, choice));
    let counts = rackplan_plan::counts(&best.dropped);
    let rejected =
        counts.into_iter().map(|(rule, plans)| crate::answer::Rejected { rule: rule.to_owned(), plans });
    let whole = extent == Extent::Whole;
    let beside = deployment.as_ref().filter(|_| whole);
    let answer = SizeAnswer {
        feasible: served,
        demand: demand(&asked, best.choice.as_ref()),
        alternatives: alternatives::alternatives(&shared, &request, &asked, &best, beside)?,
        plans: beside.map_or(Vec::new(), |_| plans::ranked(&asked, &best)),
        frontier: beside.map_or(Vec::new(), |_| plans::frontier(&shared, &request, &asked, &best)),
        what_if: None,
        rejected: rejected.collect(),
        difficulty: (!served && whole)
            .then(|| difficulty::difficulty(&shared, &request, &asked, &best))
            .transpose()?,
        founding: None,
        summary: FoundingSummary::default(),
        curves: Vec::new(),
        deployment,
    };
    Ok(envelope::wrapped(request, answer, ("operators", BAND)))
}

/// Settings of the first-order method alone.
const NOT_MODELLED: [&str; 2] = ["kv_system", "search.prefer_utilization"];

/// Says which values were given that this method does not know yet.
fn not_modelled(request: &mut Request) {
    let given = NOT_MODELLED.iter().filter_map(|path| request.layers.origin(path));
    let names: Vec<String> = given.map(ToString::to_string).collect();
    if !names.is_empty() {
        request.notes.warn(format!("{} not used by this method: see --method first-order", names.join(", ")));
    }
}

impl Shared {
    fn new(request: &mut Request, asked: &Asked) -> Result<Self, QuestionError> {
        let catalog = &request.inputs.catalog;
        let name = asked.backend.name();
        let framework = catalog
            .get::<Framework>(name)
            .map_err(|error| catalog_error(&request.layers.place("backend"), error))?;
        request.notes.use_entry(Kind::Frameworks, &framework.id, &framework.overlays);
        let model = real_model(request)?;
        let machines = request.machines.iter().map(|machine| real_machine(request, machine));
        request.machines = machines.collect::<Result<_, _>>()?;
        Ok(Self {
            engines: Engines::new(catalog),
            framework: framework.record,
            model,
            bands: catalog.get::<Bands>(crate::predict_serving::BANDS).ok().map(|entry| entry.record),
        })
    }
}

/// The model, or the one that a founding preset stands for.
fn real_model(request: &mut Request) -> Result<Box<Entry<Model>>, QuestionError> {
    let preset = match &request.subject {
        Subject::Real(entry) => return Ok(entry.clone()),
        Subject::Founding { preset } => preset,
    };
    let place = request.layers.place("model");
    let Some(id) = &preset.stands_for else {
        let error = QuestionError::value(
            place,
            format!("`{}` is a founding preset, which no real model has", preset.name),
        );
        return Err(error.with_hint("name a model of the catalog; or `--method first-order`"));
    };
    let entry = request.inputs.catalog.get::<Model>(id).map_err(|error| catalog_error(&place, error))?;
    request.notes.use_entry(Kind::Models, &entry.id, &entry.overlays);
    request.subject = Subject::Real(Box::new(entry.clone()));
    Ok(Box::new(entry))
}

/// The machine, or the one that a founding preset stands for.
fn real_machine(request: &Request, machine: &Machine) -> Result<Machine, QuestionError> {
    let Machine::Founding(founding) = machine else { return Ok(machine.clone()) };
    let (place, catalog) = (request.layers.place("hardware"), &request.inputs.catalog);
    let Some(id) = &founding.rack.stands_for else {
        let name = &founding.rack.name;
        let error =
            QuestionError::value(place, format!("`{name}` is a founding preset, which no real rack has"));
        return Err(error.with_hint("name a rack of the catalog; or `--method first-order`"));
    };
    let rack = catalog.get(id).map_err(|error| catalog_error(&place, error))?;
    Machine::of_rack(rack, catalog).map_err(|error| catalog_error(&place, error))
}

/// Sizes every machine in every number format, and keeps the best with its notes. A machine that cannot be modelled is
/// left out where others can.
fn best(shared: &Shared, request: &mut Request, asked: &Asked) -> Result<Outcome, QuestionError> {
    let (mut outcomes, mut failed) = (Vec::new(), None);
    for machine in &request.machines {
        for quant in &request.quants {
            let mut notes = request.notes.clone();
            match outcome(shared, request, asked, (machine, *quant), &mut notes) {
                Ok(found) => outcomes.push((found, notes)),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
    }
    let rank = |found: &(Outcome, Notes)| rank(request, asked, &found.0);
    let best = outcomes.into_iter().min_by(|a, b| {
        let ((first, then), (other, other_then)) = (rank(a), rank(b));
        first.total_cmp(&other).then(then.cmp(&other_then))
    });
    match (best, failed) {
        (Some((best, notes)), _) => {
            request.notes = notes;
            Ok(best)
        }
        (None, failed) => Err(failed.expect("a request names at least one machine and one number format")),
    }
}

/// The lower the better, then the fewer GPUs active; what serves nobody comes last, in the order asked for.
fn rank(request: &Request, asked: &Asked, outcome: &Outcome) -> (f64, u64) {
    let Some(choice) = &outcome.choice else { return (f64::INFINITY, 0) };
    let (capacity, catalog) = (deployment::capacity(asked, choice, 0), &request.inputs.catalog);
    let short = if choice.served { 0.0 } else { 1e15 };
    let size = match asked.objective {
        Objective::Gpus => capacity.gpus_provisioned as f64,
        Objective::Cost => {
            bill::money(&outcome.machine, &capacity, 1.0, catalog).map_or(1e14, |money| money.usd_per_hour)
        }
        Objective::Power => {
            bill::power(&outcome.machine, &capacity, catalog).map_or(1e14, |power| power.facility_w)
        }
    };
    (short + size, capacity.gpus_active)
}

/// From people to requests in flight.
fn demand(asked: &Asked, choice: Option<&Choice>) -> Demand {
    let arrival = asked.arrival.map(|arrival| Users {
        rate_per_min: arrival.given.users_per_minute,
        session_min: arrival.given.session_minutes,
        mean: arrival.exact.mean,
        p95: arrival.exact.p95 as u64,
        max: arrival.exact.max as u64,
        path_mean: arrival.path.mean,
        path_p95: arrival.path.p95,
        path_max: arrival.path.max as u64,
    });
    let generating = choice.map(|choice| generating(asked, choice));
    Demand {
        users_target: asked.users.unwrap_or(0),
        users_sized: asked.users_sized(),
        arrival,
        context_tokens: asked.request.longest() as u64,
        tokens_per_user_per_s: 1.0 / asked.targets.tpot.get(),
        tokens_per_s: generating.map_or(0.0, |found| found.requests_per_s * asked.request.output),
        generating,
    }
}

fn generating(asked: &Asked, choice: &Choice) -> Generating {
    let point = &choice.seen.point;
    let replicas = choice.sizing.replicas as f64;
    let (users_on, think_time_s) = match asked.population {
        Population::Users { think_time, .. } => (Some(asked.users_sized()), think_time.get()),
        Population::Rate(_) => (None, 0.0),
    };
    Generating {
        users_on,
        think_time_s,
        isl: asked.request.input as u64,
        osl: asked.request.output as u64,
        prefix_tokens: asked.request.prefix as u64,
        in_flight: replicas * point.requests_per_second * point.e2e,
        requests_per_s: replicas * point.requests_per_second,
        taken_per_instance: choice.found.served.taken,
    }
}
