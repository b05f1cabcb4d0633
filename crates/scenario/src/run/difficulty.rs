//! Why plans were dropped, and what would make an impossible question possible.

use super::size::{Asked, Outcome, other, outcome};
use crate::QuestionError;
use crate::answer::{Difficulty, Rejected, Relaxation};
use crate::inputs::{Quant, Request};
use rackplan_first_order as method;
use rackplan_first_order::{Inadmissible, MAX_RACKS, RackCount, Sizing, SizingInput};

/// Rules by name, in the order in which they are asked.
const RULES: [&str; 5] = ["uneven layers", "uneven heads", "uneven experts", "too few GPUs", "out of memory"];

/// Layouts times batches that each rule dropped, on the racks chosen or on the most allowed.
pub(crate) fn rejected(outcome: &Outcome) -> Vec<Rejected> {
    let mut counts = [0_u64; RULES.len()];
    for found in attempts(outcome) {
        if let Err(reason) = found {
            counts[rule(&reason)] += 1;
        }
    }
    let named = RULES.iter().zip(counts).filter(|(_, plans)| *plans > 0);
    named.map(|(rule, plans)| Rejected { rule: (*rule).to_owned(), plans }).collect()
}

fn rule(reason: &Inadmissible) -> usize {
    match reason {
        Inadmissible::UnevenLayers { .. } => 0,
        Inadmissible::UnevenHeads { .. } => 1,
        Inadmissible::UnevenExperts { .. } => 2,
        Inadmissible::TooFewGpus { .. } => 3,
        Inadmissible::OutOfMemory { .. } => 4,
    }
}

fn attempts(outcome: &Outcome) -> impl Iterator<Item = Result<method::Plan, Inadmissible>> {
    let input = &outcome.input;
    let gpus = outcome.sizing.map_or_else(|| most_racks(input.racks), |sizing| sizing.racks)
        * input.setting.rack.gpus();
    let layouts = input.grid.layouts(&input.setting.model);
    layouts.flat_map(move |layout| {
        input.batches.iter().map(move |batch| method::evaluate(&input.setting, layout, *batch, gpus))
    })
}

fn most_racks(racks: RackCount) -> u64 {
    match racks {
        RackCount::UpTo(most) | RackCount::Exactly(most) => most,
    }
}

/// The limit that binds, and the smallest single changes that help.
pub(crate) fn difficulty(
    request: &Request,
    asked: &Asked,
    found: &Outcome,
) -> Result<Difficulty, QuestionError> {
    let relaxations = [
        more_racks(request, asked, found),
        fewer_bits(request, asked, found)?,
        fewer_users(request, asked, found),
    ];
    let mut relaxations: Vec<Relaxation> = relaxations.into_iter().flatten().collect();
    if relaxations.is_empty() {
        relaxations.extend(shorter_context(request, asked, found)?);
    }
    Ok(Difficulty { binding: binding(request, asked, found), relaxations, near_misses: Vec::new() })
}

/// Both sides of the comparison that fails.
fn binding(request: &Request, asked: &Asked, found: &Outcome) -> String {
    let racks = most_racks(asked.racks);
    match at_racks(request, asked, found, RackCount::Exactly(racks)) {
        Some(most) => {
            let give = if racks == 1 { "1 rack gives".to_owned() } else { format!("{racks} racks give") };
            format!("{give} {}", lacking(&found.input, &most).join(", and "))
        }
        None => nearest_fit(found),
    }
}

/// Of users and speed, those that fall short.
fn lacking(input: &SizingInput, most: &Sizing) -> Vec<String> {
    let (users, demand) = (input.users_to_serve(), input.demand());
    let speed = most.plan.tokens_per_second_total;
    let slots = (most.slots() < users).then(|| format!("{} slots for {users} users", most.slots()));
    let tokens = (speed < demand).then(|| format!("{speed:.0} tok/s of the {demand:.0} asked"));
    slots.into_iter().chain(tokens).collect()
}

/// The plan that comes nearest to fitting in memory, or that there is none to put there.
fn nearest_fit(found: &Outcome) -> String {
    let memory = attempts(found).filter_map(|attempt| match attempt {
        Err(Inadmissible::OutOfMemory { needed, available }) => Some((needed, available)),
        _ => None,
    });
    let nearest = memory.min_by(|a, b| a.0.get().total_cmp(&b.0.get()));
    if let Some((needed, available)) = nearest {
        return format!("no layout fits in memory: at best a GPU would hold {needed} of {available} usable");
    }
    let model = &found.input.setting.model;
    let experts = model.moe.map_or(String::new(), |moe| format!(", {} experts", moe.experts));
    let gpus = most_racks(found.input.racks) * found.input.setting.rack.gpus();
    format!(
        "no layout tried divides {} layers and {} heads{experts} over at most {gpus} GPUs",
        model.layers, model.heads
    )
}

fn at_racks(request: &Request, asked: &Asked, found: &Outcome, racks: RackCount) -> Option<Sizing> {
    outcome(request, &Asked { racks, ..asked.clone() }, found.combination.clone()).sizing
}

fn more_racks(request: &Request, asked: &Asked, found: &Outcome) -> Option<Relaxation> {
    let enough = at_racks(request, asked, found, RackCount::UpTo(MAX_RACKS))?;
    let flag = match asked.racks {
        RackCount::UpTo(_) => "--max-racks",
        RackCount::Exactly(_) => "--fixed-racks",
    };
    let result = format!("{} GPUs active, batch {}", enough.active_gpus, enough.batch);
    Some(Relaxation { flag: format!("{flag} {}", enough.racks), result })
}

fn fewer_bits(
    request: &Request,
    asked: &Asked,
    found: &Outcome,
) -> Result<Option<Relaxation>, QuestionError> {
    let machine = &found.combination.machine;
    for bits in [8, 4].into_iter().filter(|bits| *bits < found.combination.quant.bits()) {
        let tried = other(request, asked, machine, Quant::Bits(bits))?;
        if let Some(sizing) = tried.sizing.filter(|sizing| sizing.users_lacking() == 0) {
            let name = tried.combination.quant_name.trim_end_matches("-bit").to_owned();
            return Ok(Some(Relaxation { flag: format!("--quant {name}"), result: racks_and_gpus(&sizing) }));
        }
    }
    Ok(None)
}

/// As many users as the most racks allowed can take.
fn fewer_users(request: &Request, asked: &Asked, found: &Outcome) -> Option<Relaxation> {
    let most = at_racks(request, asked, found, RackCount::Exactly(most_racks(asked.racks)))?;
    let by_rate = (most.plan.tokens_per_second_total / asked.load.rate).floor() as u64;
    let users = most.slots().min(by_rate);
    let result = if most.racks == 1 {
        "what 1 rack can take".to_owned()
    } else {
        format!("what {} racks can take", most.racks)
    };
    (users > 0).then(|| Relaxation { flag: format!("--users {users}"), result })
}

/// The longest context, to within a hundredth, with which anything serves.
fn shorter_context(
    request: &Request,
    asked: &Asked,
    found: &Outcome,
) -> Result<Option<Relaxation>, QuestionError> {
    let at = |context: u64| {
        let shorter = Request { context, ..request.clone() };
        let tried = other(&shorter, asked, &found.combination.machine, found.combination.quant)?;
        Ok::<_, QuestionError>(tried.sizing)
    };
    let (mut serves, mut too_long) = (None, found.input.setting.model.tokens_cached() as u64);
    while serves.is_none() && too_long > 1 {
        let half = too_long / 2;
        match at(half)? {
            Some(sizing) => serves = Some((half, sizing)),
            None => too_long = half,
        }
    }
    let Some((mut context, mut sizing)) = serves else { return Ok(None) };
    while too_long - context > (context / 100).max(1) {
        let middle = context + (too_long - context) / 2;
        match at(middle)? {
            Some(found) => (context, sizing) = (middle, found),
            None => too_long = middle,
        }
    }
    Ok(Some(Relaxation { flag: format!("--context {context}"), result: racks_and_gpus(&sizing) }))
}

/// `1 rack, 60 GPUs active`.
fn racks_and_gpus(sizing: &Sizing) -> String {
    let racks = if sizing.racks == 1 { "rack" } else { "racks" };
    format!("{} {racks}, {} GPUs active", sizing.racks, sizing.active_gpus)
}
