//! `size --stock`: racks of several kinds serve one load. How many of each is an integer program that is small enough to
//! be gone through; what runs on each is what `size` would run there.

mod fill;
mod kind;
mod stock;

use super::super::decision::layout;
use super::super::envelope;
use super::asked::Asked;
use super::context::{Context, Shared};
use super::outcome::{Choice, Outcome};
use super::{BAND, Extent, Sized, deployment, note_uses, sized};
use crate::QuestionError;
use crate::answer::{Answer, MixAnswer, MixDeployment, MixKind, MixLimits, MixLoad, MixShortfall, MixTotal};
use crate::inputs::{Defaults, Inputs, Notes, Request};
use crate::layers::Layers;
use crate::question::{Objective, no_classes};
use fill::{MOST_WAYS, Supply, fill, most, ways};
use kind::Kind;
use rackplan_first_order::RackCount;
use rackplan_plan::Population;
use std::collections::BTreeSet;

/// Who serves how much on which of the racks that are there.
pub fn mix(inputs: &Inputs, layers: &Layers) -> Result<Answer<MixAnswer>, QuestionError> {
    let named = stock::read(layers)?;
    let narrowed = stock::layers(layers, &named);
    let mut request = Request::new(inputs, &narrowed, Defaults::SIZE)?;
    no_classes(layers, &request.question, "a stock of racks")?;
    let asked = Asked::read(&mut request)?;
    super::not_modelled(&mut request);
    let shared = Shared::new(&mut request, &asked)?;
    check_kinds(layers, &request)?;
    let alone: Vec<Request> = (0..named.len()).map(|place| about_one(&request, place)).collect();
    let about = |place: usize| Context { shared: &shared, request: &alone[place], asked: &asked };
    let kinds: Vec<Kind> = named
        .iter()
        .enumerate()
        .map(|(place, one)| Kind::new(about(place), one.racks))
        .collect::<Result<_, _>>()?;
    let racks = racks(layers, &kinds, about)?;
    note_unknown(&kinds, about, &mut request.notes);
    let shares = shares(&kinds, &racks, about);
    let mut used = Vec::new();
    for (place, load) in shares.iter().enumerate() {
        used.push(one(about(place), &kinds[place], (racks[place], *load), &mut request)?);
    }
    let answer = answer(&asked, &shares, used);
    let mut answer = envelope::wrapped(request, answer, ("operators", BAND));
    for added in ["hardware", "limits.max_racks"] {
        answer.question.remove(added);
    }
    Ok(answer)
}

/// Each kind once, and no founding preset without a real counterpart.
fn check_kinds(layers: &Layers, request: &Request) -> Result<(), QuestionError> {
    let mut seen = BTreeSet::new();
    let twice = request.machines.iter().find(|machine| !seen.insert(machine.id()));
    twice.map_or(Ok(()), |machine| {
        let problem = format!("it names `{}` twice", machine.id());
        Err(QuestionError::value(layers.place("limits.stock"), problem).with_hint("add its racks up"))
    })
}

/// The question about one of its kinds of rack.
fn about_one<'a>(request: &Request<'a>, place: usize) -> Request<'a> {
    Request { machines: vec![request.machines[place].clone()], ..request.clone() }
}

/// Racks of each kind: the cheapest that take the load within the limits on power and cost, else those that take most.
/// Of a kind that is alone all may be used that the limits feed, as in the plain question.
fn racks<'a>(
    layers: &Layers,
    kinds: &[Kind],
    about: impl Fn(usize) -> Context<'a>,
) -> Result<Vec<u64>, QuestionError> {
    if kinds.iter().filter(|kind| kind.stock > 0).count() <= 1 {
        return Ok(kinds.iter().enumerate().map(|(place, kind)| kind.fed(about(place))).collect());
    }
    let supplies: Vec<Supply> =
        kinds.iter().enumerate().map(|(place, kind)| kind.supply(about(place))).collect();
    let ways = ways(&supplies);
    if ways > MOST_WAYS {
        let problem = format!("there are {ways} ways to fill so many racks of so many kinds");
        return Err(QuestionError::value(layers.place("limits.stock"), problem)
            .with_hint(format!("at most {MOST_WAYS} are tried; name fewer kinds or racks")));
    }
    let asked = about(0).asked;
    let limits = [asked.budget.power, asked.budget.cost];
    if let Some(racks) = fill(&supplies, asked.people.population.size(), limits) {
        return Ok(racks.into_iter().map(|racks| racks as u64).collect());
    }
    if limits == [f64::INFINITY; 2] {
        return Ok(kinds.iter().map(|kind| kind.stock).collect());
    }
    Ok(most(&supplies, limits).into_iter().map(|racks| racks as u64).collect())
}

/// Says of which kinds a limit does not know what they take.
fn note_unknown<'a>(kinds: &[Kind], about: impl Fn(usize) -> Context<'a>, notes: &mut Notes) {
    for (place, kind) in kinds.iter().enumerate().filter(|(_, kind)| kind.stock > 0) {
        let (context, [power, cost]) = (about(place), kind.draws(about(place)));
        let budget = context.asked.budget;
        let limits = [("limits.max_power", budget.power, power), ("limits.max_cost", budget.cost, cost)];
        for (key, _, _) in limits.into_iter().filter(|(_, limit, draw)| limit.is_finite() && draw.is_none()) {
            let id = kind.machine.id();
            notes.warn(format!("{key}: the catalog has no figure for {id}, whose racks are not counted"));
        }
    }
}

/// The load of each kind, in proportion to what its racks take; no more than that where they do not suffice.
fn shares<'a>(kinds: &[Kind], racks: &[u64], about: impl Fn(usize) -> Context<'a>) -> Vec<f64> {
    let takes =
        kinds.iter().zip(racks).enumerate().map(|(place, (kind, racks))| kind.takes(about(place), *racks));
    let takes: Vec<f64> = takes.collect();
    let (load, all) = (about(0).asked.people.population.size(), takes.iter().sum::<f64>());
    let of_alone = takes.iter().filter(|takes| **takes > 0.0).count() == 1;
    let share = |takes: f64| match takes {
        takes if takes <= 0.0 => 0.0,
        _ if of_alone => load.min(takes),
        takes => (load / all * takes).min(takes),
    };
    takes.into_iter().map(share).collect()
}

/// A kind at its part of the load, as the plain question would run it on so many racks.
fn one(
    context: Context,
    kind: &Kind,
    (racks, load): (u64, f64),
    whole: &mut Request,
) -> Result<MixKind, QuestionError> {
    let mut found = MixKind {
        hardware: kind.machine.hardware(),
        stock: kind.stock,
        racks: 0,
        share: 0.0,
        most: kind.takes(context, kind.stock),
        deployment: None,
        reason: kind.reason(context),
    };
    if racks == 0 || load <= 0.0 {
        return Ok(found);
    }
    let mut asked = context.asked.clone();
    asked.people.population = of_load(&asked.people.population, load);
    asked.racks = RackCount::UpTo(racks);
    let context = context.asking(&asked);
    let Sized { best: outcome, mut notes, .. } = sized(context, Extent::Decision)?;
    note_uses(&outcome, context.request.inputs, &asked, &mut notes);
    whole.notes.join(notes);
    if let Some(choice) = &outcome.choice {
        found.racks = choice.sizing.racks;
        found.deployment = Some(running(context, &outcome, choice));
    }
    Ok(found)
}

fn of_load(population: &Population, load: f64) -> Population {
    match population {
        Population::Users { think_time, .. } => Population::Users { users: load, think_time: *think_time },
        Population::Rate(_) => Population::Rate(load),
    }
}

fn running(context: Context, outcome: &Outcome, choice: &Choice) -> MixDeployment {
    let d = deployment::deployment(context, outcome, choice, Extent::Decision);
    let users = matches!(context.asked.people.population, Population::Users { .. });
    MixDeployment {
        users: users.then(|| context.asked.people.users_sized()),
        requests_per_s: choice.asked_per_second(),
        layout: layout(&d),
        quant: d.quant,
        backend: outcome.setup.backend.name().to_owned(),
        replicas: d.capacity.instances_needed,
        gpus_per_replica: d.plan.gpus_per_instance,
        spares: choice.sizing.spares,
        gpus_active: d.capacity.gpus_active,
        gpus_provisioned: d.capacity.gpus_provisioned,
        ttft_s: choice.seen.ttft,
        tpot_s: choice.seen.tpot,
        power_w: d.power.map(|power| power.facility_w),
        usd_per_hour: d.money.map(|money| money.usd_per_hour),
    }
}

fn answer(asked: &Asked, shares: &[f64], mut kinds: Vec<MixKind>) -> MixAnswer {
    let load = asked.people.population.size();
    let served: f64 = shares.iter().sum();
    let feasible = served >= load * (1.0 - 1e-9);
    for (kind, share) in kinds.iter_mut().zip(shares) {
        kind.share = share / load;
    }
    let users = matches!(asked.people.population, Population::Users { .. });
    if users {
        whole_users(&mut kinds, shares, served);
    }
    let used = || kinds.iter().filter_map(|kind| kind.deployment.as_ref());
    let lacking = (asked.people.users_sized() as f64 - served.floor()).max(0.0) as u64;
    MixAnswer {
        feasible,
        load: MixLoad {
            users: users.then(|| asked.people.users_sized()),
            requests_per_s: used().map(|d| d.requests_per_s).sum(),
        },
        objective: name(asked.objective).to_owned(),
        limits: limits(asked),
        total: MixTotal {
            racks: kinds.iter().map(|kind| kind.racks).sum(),
            gpus_active: used().map(|d| d.gpus_active).sum(),
            gpus_provisioned: used().map(|d| d.gpus_provisioned).sum(),
            power_w: sum(used().map(|d| d.power_w)),
            usd_per_hour: sum(used().map(|d| d.usd_per_hour)),
        },
        shortfall: (!feasible)
            .then(|| MixShortfall { users: users.then_some(lacking), share: 1.0 - served / load }),
        kinds,
    }
}

/// The sum where all are known; of nothing it is zero, and not minus zero.
fn sum(all: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    all.sum::<Option<f64>>().map(|sum| sum + 0.0)
}

fn limits(asked: &Asked) -> Option<MixLimits> {
    let [power, cost] =
        [asked.budget.power, asked.budget.cost].map(|limit| limit.is_finite().then_some(limit));
    let limits = MixLimits { power_w: power, usd_per_hour: cost.map(|cost| cost * 3600.0) };
    (power.is_some() || cost.is_some()).then_some(limits)
}

/// Whole users of each kind that add up: all but those left over are rounded down, and these go to the largest parts.
fn whole_users(kinds: &mut [MixKind], shares: &[f64], served: f64) {
    let mut left = (served * (1.0 + 1e-12)).floor() as u64;
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by(|a, b| shares[*b].fract().total_cmp(&shares[*a].fract()));
    left = left.saturating_sub(shares.iter().map(|share| share.floor() as u64).sum());
    for place in order {
        if let Some(d) = &mut kinds[place].deployment {
            let extra = left.min(1);
            left -= extra;
            d.users = Some(shares[place].floor() as u64 + extra);
        }
    }
}

fn name(objective: Objective) -> &'static str {
    match objective {
        Objective::Gpus => "gpus",
        Objective::Cost => "cost",
        Objective::Power => "power",
        Objective::Throughput => "throughput",
        Objective::Ttft => "ttft",
    }
}
