//! The answer: what each pool of racks runs and what its users see, what that comes to, and what is left unserved.

use super::super::super::decision::layout;
use super::super::asked::Asked;
use super::super::classes;
use super::super::context::Context;
use super::super::outcome::{Choice, Outcome};
use super::super::{Extent, Sized, deployment, note_uses, sized};
use super::fill::{Supply, fill};
use super::fleet::Fleet;
use super::kind::Kind;
use super::pools::Pool;
use crate::QuestionError;
use crate::answer::{
    MixAnswer, MixClass, MixDeployment, MixKind, MixLimits, MixLoad, MixPart, MixShortfall, MixTotal,
    MixUndivided,
};
use crate::inputs::Request;
use crate::question::Objective;
use rackplan_first_order::RackCount;
use rackplan_plan::Population;

/// Each pool as the plain question would run it, and what they take together.
pub(super) fn answer(
    fleet: Fleet,
    kinds: &[Kind],
    pools: &[Pool],
    request: &mut Request,
) -> Result<MixAnswer, QuestionError> {
    let mut found = Vec::new();
    for pool in pools {
        found.push(one(fleet, &kinds[pool.kind], pool, request)?);
    }
    Ok(together(fleet, pools, found))
}

/// A pool at its part of the load, as the plain question would run it on so many racks.
fn one(fleet: Fleet, kind: &Kind, pool: &Pool, whole: &mut Request) -> Result<MixKind, QuestionError> {
    let (context, load) = (fleet.about(pool.kind), kind.load(pool.class));
    let part = |class: usize| MixPart { name: fleet.classes[class].clone(), part: pool.load / load.size() };
    let mut found = MixKind {
        hardware: kind.machine.hardware(),
        stock: kind.stock,
        racks: 0,
        share: pool.load / context.asked.people.population.size(),
        class: pool.class.map(part),
        most: load.takes(context, kind.stock),
        deployment: None,
        reason: kind.reason(context),
    };
    if pool.racks == 0 || pool.load <= 0.0 {
        return Ok(found);
    }
    let mut asked = load.asked.clone();
    asked.people.population = of_load(&asked.people.population, pool.load);
    asked.racks = RackCount::UpTo(pool.racks);
    let context = context.asking(&asked);
    let Sized { best: outcome, mut notes, .. } = sized(context, Extent::Decision)?;
    note_uses(&outcome, context.request.inputs, &asked, &mut notes);
    whole.notes.join(notes);
    if let Some(choice) = &outcome.choice {
        let only = (fleet.classes.len() == 1).then_some(0);
        let alone = pool.class.or(only).map(|class| fleet.classes[class].as_str());
        found.racks = choice.sizing.racks;
        found.deployment = Some(running(context, &outcome, choice, alone));
    }
    Ok(found)
}

fn of_load(population: &Population, load: f64) -> Population {
    match population {
        Population::Users { think_time, .. } => Population::Users { users: load, think_time: *think_time },
        Population::Rate(_) => Population::Rate(load),
    }
}

/// `alone` is the class that nobody shares the racks with.
fn running(context: Context, outcome: &Outcome, choice: &Choice, alone: Option<&str>) -> MixDeployment {
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
        classes: match alone {
            Some(class) => vec![classes::alone(context, class, choice)],
            None => classes::classes(context, outcome, choice),
        },
        power_w: d.power.map(|power| power.facility_w),
        usd_per_hour: d.money.map(|money| money.usd_per_hour),
    }
}

fn together(fleet: Fleet, pools: &[Pool], mut kinds: Vec<MixKind>) -> MixAnswer {
    let asked = fleet.asked;
    let load = asked.people.population.size();
    let served: f64 = pools.iter().map(|pool| pool.load).sum();
    let feasible = served >= load * (1.0 - 1e-9);
    let users = matches!(asked.people.population, Population::Users { .. });
    if users {
        whole_users(&mut kinds, pools, served);
    }
    let used = || kinds.iter().filter_map(|kind| kind.deployment.as_ref());
    let lacking = (asked.people.users_sized() as f64 - served.floor()).max(0.0) as u64;
    MixAnswer {
        feasible,
        load: MixLoad {
            users: users.then(|| asked.people.users_sized()),
            requests_per_s: used().map(|d| d.requests_per_s).sum(),
        },
        classes: of_classes(fleet, load, &kinds),
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
        undivided: None,
        difficulty: None,
        kinds,
    }
}

/// What becomes of each class.
fn of_classes(fleet: Fleet, load: f64, kinds: &[MixKind]) -> Vec<MixClass> {
    let of = |(place, name): (usize, &String)| {
        let part = |kind: &MixKind| match &kind.class {
            Some(own) if own.name == *name => own.part,
            Some(_) => 0.0,
            None => kind.share,
        };
        let serving = || kinds.iter().filter(|kind| kind.deployment.is_some() && part(kind) > 0.0);
        // One class alone is asked as if there were none.
        let share = fleet.asked.classes.named.get(place).map_or(1.0, |class| class.share);
        MixClass {
            name: name.clone(),
            share,
            load: share * load,
            served: serving().map(part).sum(),
            on: serving().map(|kind| MixPart { name: kind.hardware.id.clone(), part: part(kind) }).collect(),
        }
    };
    fleet.classes.iter().enumerate().map(of).collect()
}

/// What it would take if the racks of every kind served all classes as they come; nothing where they would not suffice.
pub(super) fn undivided(fleet: Fleet, kinds: &[Kind], mut supplies: Vec<Supply>) -> Option<MixUndivided> {
    supplies.iter_mut().for_each(|supply| supply.own.clear());
    let used = fill(&supplies, 1.0, fleet.limits())?;
    let racks = || used.iter().map(|used| used.racks() as u64);
    let draws = || kinds.iter().enumerate().map(|(place, kind)| kind.draws(fleet.about(place)));
    let all = |of: usize| {
        let used = draws().zip(racks()).filter(|(_, racks)| *racks > 0);
        sum(used.map(|(draws, racks)| draws[of].map(|draw| draw * racks as f64)))
    };
    Some(MixUndivided {
        racks: racks().sum(),
        gpus_provisioned: supplies.iter().zip(racks()).map(|(supply, racks)| supply.gpus * racks).sum(),
        power_w: all(0),
        usd_per_hour: all(1).map(|cost| cost * HOUR),
    })
}

/// Seconds of an hour.
const HOUR: f64 = 3600.0;

/// The sum where all are known; of nothing it is zero, and not minus zero.
fn sum(all: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    all.sum::<Option<f64>>().map(|sum| sum + 0.0)
}

fn limits(asked: &Asked) -> Option<MixLimits> {
    let [power, cost] =
        [asked.budget.power, asked.budget.cost].map(|limit| limit.is_finite().then_some(limit));
    let limits = MixLimits { power_w: power, usd_per_hour: cost.map(|cost| cost * HOUR) };
    (power.is_some() || cost.is_some()).then_some(limits)
}

/// Whole users of each pool that add up: all but those left over are rounded down, and these go to the largest parts.
fn whole_users(kinds: &mut [MixKind], pools: &[Pool], served: f64) {
    let mut left = (served * (1.0 + 1e-12)).floor() as u64;
    let mut order: Vec<usize> = (0..pools.len()).collect();
    order.sort_by(|a, b| pools[*b].load.fract().total_cmp(&pools[*a].load.fract()));
    left = left.saturating_sub(pools.iter().map(|pool| pool.load.floor() as u64).sum());
    for place in order {
        if let Some(d) = &mut kinds[place].deployment {
            let extra = left.min(1);
            left -= extra;
            d.users = Some(pools[place].load.floor() as u64 + extra);
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
