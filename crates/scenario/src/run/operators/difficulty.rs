//! What is in the way where nothing serves, and the smallest single changes that would help.

use super::Shared;
use super::asked::Asked;
use super::near_misses::near_misses;
use super::outcome::{Outcome, most_racks, outcome};
use crate::QuestionError;
use crate::answer::{Difficulty, Relaxation};
use crate::inputs::{Notes, Quant, Request};
use rackplan_first_order::{MAX_RACKS, RackCount};
use rackplan_plan::{Dropped, Population, Rejection, Targets};
use rackplan_units::Seconds;

/// The limit that binds, and what would help.
pub(super) fn difficulty(
    shared: &Shared,
    request: &Request,
    asked: &Asked,
    found: &Outcome,
) -> Result<Difficulty, QuestionError> {
    let with = |asked: &Asked, quant| {
        let mut notes = Notes::default();
        outcome(shared, request, asked, (&found.machine, quant), &mut notes)
    };
    let racks_needed = with(&Asked { racks: RackCount::UpTo(MAX_RACKS), ..asked.clone() }, found.quant)?;
    let mut relaxations = Vec::new();
    if let Some(enough) = &racks_needed.choice {
        let flag = match asked.racks {
            RackCount::UpTo(_) => "--max-racks",
            RackCount::Exactly(_) => "--fixed-racks",
        };
        relaxations.push(Relaxation {
            flag: format!("{flag} {}", enough.sizing.racks),
            result: said(&racks_needed),
        });
    } else {
        for (flag, eased) in looser(asked, found) {
            let tried = with(&eased, found.quant)?;
            relaxations.extend(serves(&tried).then(|| Relaxation { flag, result: said(&tried) }));
        }
    }
    for bits in [8, 4].into_iter().filter(|bits| *bits < found.quant.bits()) {
        let tried = with(asked, Quant::Bits(bits))?;
        if serves(&tried) {
            let flag = format!("--quant {}", tried.quant_name);
            relaxations.push(Relaxation { flag, result: said(&tried) });
            break;
        }
    }
    relaxations.extend(fewer(asked, found));
    let near_misses = near_misses(asked, found);
    Ok(Difficulty { binding: binding(asked, found, &racks_needed), relaxations, near_misses })
}

fn serves(outcome: &Outcome) -> bool {
    outcome.choice.as_ref().is_some_and(|choice| choice.served)
}

/// `2 racks, 48 GPUs active`.
fn said(outcome: &Outcome) -> String {
    outcome.choice.as_ref().map_or(String::new(), |choice| {
        let racks = if choice.sizing.racks == 1 { "rack" } else { "racks" };
        format!("{} {racks}, {} GPUs active", choice.sizing.racks, choice.sizing.gpus_active)
    })
}

/// Both sides of the comparison that fails.
fn binding(asked: &Asked, found: &Outcome, enough: &Outcome) -> String {
    let sized = found.found.iter().map(|one| {
        let load = (asked.population.size(), one.served.taken);
        found.site().size(load, asked.headroom, asked.spares, one.plan.gpus()).racks
    });
    let fewest = enough.choice.as_ref().map(|choice| choice.sizing.racks).or_else(|| sized.min());
    if let Some(racks) = fewest {
        return format!("the load takes {racks} racks, of which there may be {}", most_racks(asked.racks));
    }
    match nearest(&found.dropped) {
        Some(Rejection::MissesTtft { ttft, limit }) => {
            format!("the first token takes {ttft} at best, even for one request at a time; asked is {limit}")
        }
        Some(Rejection::MissesTpot { tpot, limit }) => {
            format!("a token takes {tpot} at best, even for one request at a time; asked is {limit}")
        }
        Some(Rejection::BatchTooLarge { batch, places }) => {
            format!("{batch} requests do not generate at once on any plan: at best {places} have a place")
        }
        Some(Rejection::OutOfMemory { needed, available }) => {
            format!("no plan fits in memory: at best a GPU would hold {needed} of {available} usable")
        }
        Some(Rejection::ContextTooLong { tokens, longest }) => {
            format!("a request of {tokens} tokens is longer than the {longest} of the model")
        }
        _ => "no plan tried divides the model's heads, experts and layers within the scale-up domain"
            .to_owned(),
    }
}

/// The plan that came farthest along the rules, of those the one that misses by least.
fn nearest(dropped: &[Dropped]) -> Option<Rejection> {
    let misses = |reason: &Rejection| match reason {
        Rejection::MissesTtft { ttft, limit } => ttft.get() / limit.get(),
        Rejection::MissesTpot { tpot, limit } => tpot.get() / limit.get(),
        Rejection::OutOfMemory { needed, available } => needed.get() / available.get(),
        _ => 1.0,
    };
    let reasons = dropped.iter().map(|one| one.reason);
    reasons.max_by(|a, b| a.rule().cmp(&b.rule()).then(misses(b).total_cmp(&misses(a))))
}

/// The targets eased, one at a time, to what the best plan reaches with a tenth to spare.
fn looser(asked: &Asked, found: &Outcome) -> Vec<(String, Asked)> {
    let targets = asked.targets;
    let eased = |targets: Targets| Asked { targets, ..asked.clone() };
    let mut ttft: Vec<f64> = Vec::new();
    let mut tpot: Vec<f64> = Vec::new();
    for one in &found.dropped {
        match one.reason {
            Rejection::MissesTtft { ttft: value, .. } => ttft.push(value.get()),
            Rejection::MissesTpot { tpot: value, .. } => tpot.push(value.get()),
            _ => {}
        }
    }
    let least =
        |values: Vec<f64>| values.into_iter().min_by(f64::total_cmp).map(|value| milliseconds(1.1 * value));
    let first = least(ttft)
        .map(|ms| (format!("--ttft {ms}ms"), eased(Targets { ttft: Seconds::new(ms * 1e-3), ..targets })));
    let then = least(tpot)
        .map(|ms| (format!("--tpot {ms}ms"), eased(Targets { tpot: Seconds::new(ms * 1e-3), ..targets })));
    first.into_iter().chain(then).collect()
}

/// Whole milliseconds, or tenths where there are few.
fn milliseconds(seconds: f64) -> f64 {
    let ms = seconds * 1e3;
    if ms >= 10.0 { ms.ceil() } else { (ms * 10.0).ceil() / 10.0 }
}

/// As many users as the racks take.
fn fewer(asked: &Asked, found: &Outcome) -> Option<Relaxation> {
    let Population::Users { .. } = asked.population else { return None };
    let racks = most_racks(asked.racks);
    let takes = |one: &rackplan_plan::Found| {
        let site = found.site();
        let replicas = racks.saturating_mul(site.replicas_of_rack(one.plan.gpus().into()));
        (replicas as f64 * one.served.taken / (1.0 + asked.headroom)).floor() as u64
    };
    let users = found.found.iter().map(takes).max().filter(|users| *users > 0)?;
    let noun = if racks == 1 { "rack" } else { "racks" };
    Some(Relaxation { flag: format!("--users {users}"), result: format!("what {racks} {noun} can take") })
}
