//! What else was possible: another number format, another rack, a smaller batch.

use super::deployment::deployment;
use super::size::{Asked, Outcome, other, outcome};
use crate::QuestionError;
use crate::answer::{Alternative, Deployment};
use crate::inputs::{Machine, Quant, Request};
use std::collections::BTreeSet;

/// One of each kind first, the one with the fewest GPUs; then the rest.
pub(crate) fn alternatives(
    request: &Request,
    asked: &Asked,
    chosen: &Outcome,
) -> Result<Vec<Alternative>, QuestionError> {
    let Some(sizing) = &chosen.sizing else { return Ok(Vec::new()) };
    let (held, promised) = (deployment(request, chosen, sizing), asked.load.rate);
    let mut kinds = [
        formats(request, asked, chosen)?,
        machines(request, asked, chosen)?,
        batches(request, asked, chosen, sizing.batch),
    ];
    for kind in &mut kinds {
        kind.sort_by_key(|(_, d)| (d.capacity.users_short, d.capacity.gpus_provisioned));
    }
    let [formats, machines, batches] =
        kinds.map(|kind| kind.into_iter().map(|(change, d)| alternative(change, &held, &d, promised)));
    Ok(interleave([formats.collect(), machines.collect(), batches.collect()]))
}

type Candidate = (String, Deployment);

fn formats(request: &Request, asked: &Asked, chosen: &Outcome) -> Result<Vec<Candidate>, QuestionError> {
    let machine = &chosen.combination.machine;
    let others = [16, 8, 4].into_iter().filter(|bits| *bits != chosen.combination.quant.bits());
    let sized = others.map(|bits| other(request, asked, machine, Quant::Bits(bits)));
    sized
        .filter_map(|found| {
            found.map(|o| candidate(request, &o, o.combination.quant_name.clone())).transpose()
        })
        .collect()
}

fn machines(request: &Request, asked: &Asked, chosen: &Outcome) -> Result<Vec<Candidate>, QuestionError> {
    let held = chosen.combination.machine.id();
    let others = neighbours(request, &chosen.combination.machine);
    let others = others.iter().filter(|machine| machine.id() != held);
    let sized = others.map(|machine| other(request, asked, machine, chosen.combination.quant));
    sized
        .filter_map(|found| {
            found.map(|o| candidate(request, &o, o.combination.machine.id().to_owned())).transpose()
        })
        .collect()
}

/// The racks that the question names, and those that anyone would compare with, each once.
fn neighbours(request: &Request, machine: &Machine) -> Vec<Machine> {
    let mut found = request.machines.clone();
    let presets = &request.presets;
    match machine {
        Machine::Founding(_) => {
            found.extend(presets.racks().map(|preset| Machine::of_preset(preset.record, presets)))
        }
        Machine::Real(_) => found.extend(COMMON.iter().filter_map(|id| {
            let rack = request.inputs.catalog.get(id).ok()?;
            Machine::of_rack(rack, &request.inputs.catalog).ok()
        })),
    }
    let mut seen = BTreeSet::new();
    found.retain(|machine| seen.insert(machine.id().to_owned()));
    found
}

/// Racks that anyone would compare with; the whole catalog is a question of its own (`--hardware all`).
const COMMON: [&str; 4] = ["gb200_nvl72", "b200_hgx", "h200_hgx", "mi355x_8"];

/// Half the batch or less: fewer users share an instance, each sees more tokens a second.
fn batches(request: &Request, asked: &Asked, chosen: &Outcome, batch: u32) -> Vec<Candidate> {
    let smaller = request.batches.iter().copied().filter(|size| *size * 2 <= batch).max();
    let sized = smaller.map(|size| {
        let request = Request { batches: vec![size], ..request.clone() };
        let found = outcome(&request, asked, chosen.combination.clone());
        candidate(&request, &found, format!("batch {size}"))
    });
    sized.flatten().into_iter().collect()
}

fn candidate(request: &Request, outcome: &Outcome, change: String) -> Option<Candidate> {
    let sizing = outcome.sizing.as_ref()?;
    Some((change, deployment(request, outcome, sizing)))
}

fn alternative(change: String, held: &Deployment, d: &Deployment, promised: f64) -> Alternative {
    let plan = &d.plan;
    Alternative {
        change,
        plan: format!(
            "{} {} TP{} x PP{} x EP{} batch {}",
            d.hardware.id, d.quant, plan.tp, plan.pp, plan.ep, plan.batch
        ),
        racks: d.capacity.racks,
        gpus_active: d.capacity.gpus_active,
        gpus_provisioned: d.capacity.gpus_provisioned,
        total_tokens_per_s: d.throughput.total_tokens_per_s,
        tokens_per_s_per_user: d.throughput.tokens_per_s_per_user,
        trade: trade(held, d, promised),
    }
}

/// What is gained and lost, in words.
fn trade(held: &Deployment, d: &Deployment, promised: f64) -> String {
    let c = &d.capacity;
    let racks = if c.racks == 1 { "rack" } else { "racks" };
    let gpus = match c.gpus_active.cmp(&held.capacity.gpus_active) {
        std::cmp::Ordering::Less => format!("{} fewer", held.capacity.gpus_active - c.gpus_active),
        std::cmp::Ordering::Equal => "as many".to_owned(),
        std::cmp::Ordering::Greater => format!("{} more", c.gpus_active - held.capacity.gpus_active),
    };
    let speed = d.throughput.tokens_per_s_per_user / held.throughput.tokens_per_s_per_user;
    let short =
        if c.users_short > 0 { format!(", {} users without a slot", c.users_short) } else { String::new() };
    let each = d.throughput.tokens_per_s_per_user;
    let slow =
        if each < promised { format!(" ({each:.1} tok/s, less than promised)") } else { String::new() };
    let cost = match (&held.money, &d.money) {
        (Some(a), Some(b)) => format!(", {:+.0} % cost", (b.usd_per_hour / a.usd_per_hour - 1.0) * 100.0),
        _ => String::new(),
    };
    format!(
        "{} {racks}, {} GPUs active ({gpus}), {}x the speed per user{slow}{cost}{short}",
        c.racks,
        c.gpus_active,
        significant(speed)
    )
}

/// Two or three digits: 0.53, 1.8, 277.
fn significant(ratio: f64) -> String {
    let decimals = if ratio >= 100.0 {
        0
    } else if ratio >= 10.0 {
        1
    } else {
        2
    };
    format!("{ratio:.decimals$}")
}

fn interleave(kinds: [Vec<Alternative>; 3]) -> Vec<Alternative> {
    let longest = kinds.iter().map(Vec::len).max().unwrap_or(0);
    let rank = |i: usize| kinds.iter().filter_map(move |kind| kind.get(i).cloned());
    (0..longest).flat_map(rank).collect()
}
