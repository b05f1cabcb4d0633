//! `size` by operators, the method unless another is named: people -> requests in flight -> the plan with the fewest accelerators that answers them in
//! time -> racks. Step times come from operators with measured constants, latencies from queueing in closed form.

mod alternatives;
mod asked;
mod classes;
mod context;
mod deployment;
mod difficulty;
mod holdings;
mod lengths;
mod mix;
mod money;
mod near_misses;
mod network;
mod outcome;
mod pareto;
mod people;
mod plans;
mod replay;
mod setup;
mod sweep;
mod tiers;

pub(super) use asked::read_percentile;
pub use mix::mix;
pub use sweep::{SweptSetup, sweep_plans};
pub(super) use tiers::{Known, tiers};

use super::{bill, envelope};
use crate::QuestionError;
use crate::answer::{
    Answer, Demand, FoundingSummary, Generating, ParetoPlan, Rejected, SearchCounts, SizeAnswer, Users,
};
use crate::inputs::{KvFormat, Notes, Request};
use crate::question::Objective;
use asked::{Asked, Spares};
use context::{Context, SITE, Shared};
use outcome::{Choice, Outcome, outcome};
use rackplan_catalog::{Kind, Price};
use rackplan_plan::Population;
use rayon::prelude::*;
use setup::Variant;

/// What the numbers are worth, in a sentence.
const BAND: &str =
    "bands hold eight of ten published measurements of other models and accelerators (VALIDATION.md)";

/// How much of an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// All of it.
    Whole,
    /// What a decision takes: no alternatives, no way out, no loads of links.
    Decision,
}

/// Which racks, how the model is laid out on them, what users see, and what would change that.
pub(super) fn size(mut request: Request) -> Result<Answer<SizeAnswer>, QuestionError> {
    let asked = Asked::read(&mut request)?;
    not_modelled(&mut request);
    let shared = Shared::new(&mut request, &asked)?;
    let (asked, sized) = settled(&shared, &request, asked, Extent::Whole)?;
    let (best, pareto) = (sized.best, sized.pareto);
    request.notes = sized.notes;
    let inputs = request.inputs;
    note_uses(&best, inputs, &asked, &mut request.notes);
    let mut notes = std::mem::take(&mut request.notes);
    note_copies(Context { shared: &shared, request: &request, asked: &asked }, &best, &mut notes);
    request.notes = notes;
    let context = Context { shared: &shared, request: &request, asked: &asked };
    let mut answer = answer(context, &best, sized.search, Extent::Whole)?;
    answer.pareto = pareto;
    if asked.simulates {
        let warnings = played(context, &best, &mut answer);
        warnings.into_iter().for_each(|text| request.notes.warn(text));
    }
    Ok(envelope::wrapped(request, answer, ("operators", BAND)))
}

/// The same as far as a decision needs it.
pub(super) fn decided(mut request: Request) -> Result<SizeAnswer, QuestionError> {
    let asked = Asked::read(&mut request)?;
    let shared = Shared::new(&mut request, &asked)?;
    let (asked, sized) = settled(&shared, &request, asked, Extent::Decision)?;
    let context = Context { shared: &shared, request: &request, asked: &asked };
    answer(context, &sized.best, sized.search, Extent::Decision)
}

/// The best plan. Of several classes of users how often each asks follows from the plan's answers, and the plan from that.
fn settled(
    shared: &Shared,
    request: &Request,
    mut asked: Asked,
    extent: Extent,
) -> Result<(Asked, Sized), QuestionError> {
    for _ in 1..classes::ROUNDS {
        let context = Context { shared, request, asked: &asked };
        let found = sized(context, extent)?;
        match asked.once_more(context, &found.best) {
            Some(next) => asked = next,
            None => return Ok((asked, found)),
        }
    }
    let found = sized(Context { shared, request, asked: &asked }, extent)?;
    Ok((asked, found))
}

fn answer(
    context: Context,
    best: &Outcome,
    search: SearchCounts,
    extent: Extent,
) -> Result<SizeAnswer, QuestionError> {
    let served = best.choice.as_ref().is_some_and(|choice| choice.served);
    let deployment = best.choice.as_ref().map(|choice| deployment::deployment(context, best, choice, extent));
    let whole = extent == Extent::Whole;
    let beside = deployment.as_ref().filter(|_| whole);
    let counts = best.searched.counts().into_iter();
    Ok(SizeAnswer {
        feasible: served,
        demand: demand(context.asked, best.choice.as_ref()),
        classes: best.choice.as_ref().map_or(Vec::new(), |choice| classes::classes(context, best, choice)),
        alternatives: alternatives::alternatives(context, best, beside)?,
        plans: beside.map_or(Vec::new(), |_| plans::ranked(context, best)),
        frontier: beside.map_or(Vec::new(), |_| plans::frontier(context, best)),
        pareto: Vec::new(),
        what_if: None,
        rejected: counts.map(|(rule, plans)| Rejected { rule: rule.to_owned(), plans }).collect(),
        search: Some(search),
        difficulty: (!served && whole).then(|| difficulty::difficulty(context, best)).transpose()?,
        founding: None,
        summary: FoundingSummary::default(),
        curves: Vec::new(),
        deployment,
    })
}

/// Plays the chosen plan and the ranked ones, side by side; returns what to warn of.
fn played(context: Context, best: &Outcome, answer: &mut SizeAnswer) -> Vec<String> {
    let (Some(choice), Some(deployment)) = (&best.choice, &mut answer.deployment) else { return Vec::new() };
    let ranked = &mut answer.plans;
    let chosen = || replay::chosen(context, best, choice);
    let others = || plans::replay(context, best, ranked);
    (deployment.replay, ()) = rayon::join(chosen, others);
    replay::warnings(context, deployment.replay.as_ref())
}

/// Entries that the answer rests on.
fn note_uses(best: &Outcome, inputs: &crate::Inputs, asked: &Asked, notes: &mut Notes) {
    best.setup.machine.note_use(notes);
    bill::note_use(&best.setup.machine, &inputs.catalog, notes);
    if matches!(asked.spares, Spares::Auto { .. })
        && let Ok(site) = inputs.catalog.get::<Price>(SITE)
    {
        notes.use_entry(Kind::Prices, &site.id, &site.overlays);
    }
}

/// How many copies of experts the plan has.
fn note_copies(context: Context, best: &Outcome, notes: &mut Notes) {
    if let Some(choice) = &best.choice {
        let deployment =
            rackplan_perf::Deployment { plan: choice.found.plan, ..best.setup.deployment(context) };
        context.request.question.note_copies(&deployment, notes);
    }
}

/// Settings of the first-order method alone.
const NOT_MODELLED: [&str; 2] = ["kv_system", "search.prefer_utilization"];

/// Says which values were given that this method does not know.
fn not_modelled(request: &mut Request) {
    let given = NOT_MODELLED.iter().filter_map(|path| request.layers.origin(path));
    let names: Vec<String> = given.map(ToString::to_string).collect();
    if !names.is_empty() {
        request.notes.warn(format!("{} not used by this method: see --method first-order", names.join(", ")));
    }
}

/// The best of every set-up.
struct Sized {
    best: Outcome,
    notes: Notes,
    search: SearchCounts,
    /// What none of all beats, as far as that is wanted.
    pareto: Vec<ParetoPlan>,
}

/// Sizes every machine in every number format, framework and depth of speculation, and keeps the best with its notes. A
/// machine that cannot be modelled is left out where others can.
fn sized(context: Context, extent: Extent) -> Result<Sized, QuestionError> {
    let tried: Vec<Result<(Outcome, Notes), QuestionError>> = variants(context)
        .into_par_iter()
        .map(|variant| {
            let mut notes = context.request.notes.clone();
            outcome(context, variant, &mut notes).map(|found| (found, notes))
        })
        .collect();
    let (mut outcomes, mut notes, mut failed) = (Vec::new(), Vec::new(), None);
    for one in tried {
        match one {
            Ok((outcome, noted)) => {
                outcomes.push(outcome);
                notes.push(noted);
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    let first = |held: usize, place: usize| {
        if ranks_before(context, &outcomes[place], &outcomes[held]) { place } else { held }
    };
    let Some(place) = (0..outcomes.len()).reduce(first) else {
        return Err(failed.expect("a request names at least one machine and one number format"));
    };
    let sum = |count: fn(&Outcome) -> u64| outcomes.iter().map(count).sum();
    let search = SearchCounts {
        setups: outcomes.len() as u64,
        plans_considered: sum(|outcome| outcome.searched.considered()),
        plans_serving: sum(|outcome| outcome.searched.found.len() as u64),
        ..SearchCounts::default()
    };
    let whole = extent == Extent::Whole;
    let pareto = if whole { pareto::pareto(context, &outcomes) } else { Vec::new() };
    Ok(Sized { best: outcomes.swap_remove(place), notes: notes.swap_remove(place), search, pareto })
}

/// Everything that is asked for, in the order in which it was named.
fn variants(context: Context) -> Vec<Variant> {
    let (request, asked) = (context.request, context.asked);
    let machines = request.machines.iter();
    let formats = machines.flat_map(|machine| request.quants.iter().map(move |quant| (machine, *quant)));
    let backends = formats
        .flat_map(|(machine, quant)| asked.backends.iter().map(move |backend| (machine, quant, *backend)));
    let caches: Vec<Option<KvFormat>> = match request.kv_formats.as_slice() {
        [] => vec![None],
        formats => formats.iter().copied().map(Some).collect(),
    };
    let drafted = backends.flat_map(|(machine, quant, backend)| {
        asked.drafts.depths.iter().map(move |drafts| (machine, quant, backend, *drafts))
    });
    let all = drafted.flat_map(|(machine, quant, backend, drafts)| {
        caches.iter().map(move |kv| Variant { machine, quant, backend, drafts, kv: *kv })
    });
    all.collect()
}

fn ranks_before(context: Context, outcome: &Outcome, held: &Outcome) -> bool {
    let ((first, then), (other, other_then)) = (rank(context, outcome), rank(context, held));
    first.total_cmp(&other).then(then.cmp(&other_then)).is_lt()
}

/// The lower the better, then the fewer GPUs active; what serves nobody comes last.
fn rank(context: Context, outcome: &Outcome) -> (f64, u64) {
    let Some(choice) = &outcome.choice else { return (f64::INFINITY, 0) };
    let (capacity, setup) = (deployment::capacity(context, choice), &outcome.setup);
    let short = if choice.served { 0.0 } else { 1e15 };
    let size = match context.asked.objective {
        Objective::Gpus => capacity.gpus_provisioned as f64,
        Objective::Cost => {
            money::money(context, setup, &capacity, choice).map_or(1e14, |money| money.usd_per_hour)
        }
        Objective::Power => money::power(context, setup, &capacity).map_or(1e14, |power| power.facility_w),
        Objective::Throughput => -(choice.instances as f64 * choice.found.served.most_per_second),
        Objective::Ttft => choice.seen.ttft,
    };
    (short + size, capacity.gpus_active)
}

/// From people to requests in flight.
fn demand(asked: &Asked, choice: Option<&Choice>) -> Demand {
    let arrival = asked.people.arrival.map(Users::from);
    let generating = choice.map(|choice| generating(asked, choice));
    Demand {
        users_target: asked.people.users.unwrap_or(0),
        users_sized: asked.people.users_sized(),
        arrival,
        context_tokens: asked.request.longest() as u64,
        tokens_per_user_per_s: 1.0 / asked.targets.tpot.get(),
        tokens_per_s: generating.map_or(0.0, |found| found.requests_per_s * asked.request.output),
        generating,
    }
}

/// Shares of time that a number in flight is not passed.
const P95: f64 = 0.95;
const SELDOM: f64 = 0.999;

fn generating(asked: &Asked, choice: &Choice) -> Generating {
    let point = &choice.seen.point;
    let (replicas, population) = (choice.sizing.replicas as f64, &asked.people.population);
    let (users_on, think_time_s) = match population {
        Population::Users { think_time, .. } => (Some(asked.people.users_sized()), think_time.get()),
        Population::Rate(_) => (None, 0.0),
    };
    let mean = replicas * point.in_flight();
    // Instances vary by themselves, so that their variances add up.
    let at = |share| mean + replicas.sqrt() * (point.in_flight_at(share, population) - point.in_flight());
    let most = users_on.map_or(f64::INFINITY, |users| users as f64);
    Generating {
        users_on,
        think_time_s,
        isl: (asked.request.input + asked.request.prefix - asked.request.kept) as u64,
        osl: asked.request.output as u64,
        prefix_tokens: asked.request.prefix as u64,
        in_flight: mean,
        in_flight_p95: at(P95).min(most),
        in_flight_max: at(SELDOM).min(most),
        requests_per_s: choice.asked_per_second(),
        taken_per_instance: choice.found.served.taken,
    }
}
