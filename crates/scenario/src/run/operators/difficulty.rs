//! What is in the way where nothing serves, and the smallest changes that would help: one at a time, else two together.

use super::asked::{Asked, Budget};
use super::context::Context;
use super::near_misses::near_misses;
use super::outcome::{Outcome, most_racks, outcome, size};
use super::setup::{Setup, Variant};
use crate::QuestionError;
use crate::answer::{Difficulty, Relaxation};
use crate::inputs::{Notes, Quant};
use rackplan_first_order::{MAX_RACKS, RackCount};
use rackplan_plan::{Dropped, Population, Rejection, Targets};
use rackplan_units::Seconds;

/// The limit that binds, and what would help.
pub(super) fn difficulty(context: Context, found: &Outcome) -> Result<Difficulty, QuestionError> {
    let boundless = Asked {
        racks: RackCount::UpTo(MAX_RACKS),
        budget: Budget { power: f64::INFINITY, cost: f64::INFINITY },
        ..context.asked.clone()
    };
    let racks_needed = tried(context.asking(&boundless), found, found.setup.quant)?;
    let mut relaxations = Vec::new();
    if let Some(enough) = &racks_needed.choice {
        relaxations.push(Relaxation {
            flag: more_racks(context, found, enough.sizing.racks),
            result: said(&racks_needed),
        });
    } else {
        relaxations.extend(slower(context, found)?);
    }
    relaxations.extend(narrower(context, found)?);
    relaxations.extend(fewer(context, found));
    let near_misses = near_misses(context, found);
    Ok(Difficulty { binding: binding(context, found, &racks_needed), relaxations, near_misses })
}

fn tried(context: Context, found: &Outcome, quant: Quant) -> Result<Outcome, QuestionError> {
    let setup = &found.setup;
    let Setup { machine, backend, drafts, kv, .. } = setup;
    let variant = Variant { machine, quant, backend: *backend, drafts: *drafts, kv: *kv };
    outcome(context, variant, &mut Notes::default())
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

/// The flag that allows so many racks: that of the limit which binds.
fn more_racks(context: Context, found: &Outcome, racks: u64) -> String {
    let allowed = match context.asked.racks {
        RackCount::UpTo(most) | RackCount::Exactly(most) => most,
    };
    let fed = most_racks(context, &found.setup) < allowed;
    match context.asked.racks {
        _ if fed && context.asked.budget.power.is_finite() => format!("--max-power for {racks} racks"),
        _ if fed => format!("--max-cost for {racks} racks"),
        RackCount::UpTo(_) => format!("--max-racks {racks}"),
        RackCount::Exactly(_) => format!("--fixed-racks {racks}"),
    }
}

/// Both sides of the comparison that fails.
pub(super) fn binding(context: Context, found: &Outcome, enough: &Outcome) -> String {
    let racks = |one: &rackplan_plan::Found| size(context.asked, &found.setup, one, context).racks;
    let sized = found.searched.found.iter().map(racks);
    let fewest = enough.choice.as_ref().map(|choice| choice.sizing.racks).or_else(|| sized.min());
    if let Some(racks) = fewest {
        let most = most_racks(context, &found.setup);
        return format!("the load takes {racks} racks, of which there may be {most}");
    }
    if found.setup.policies.is_empty() {
        return "the rack has no such tier for caches".to_owned();
    }
    match nearest(&found.searched.dropped) {
        Some(Rejection::MissesTtft { ttft, limit }) => {
            format!("the first token takes {ttft} at best, even for one request at a time; asked is {limit}")
        }
        Some(Rejection::MissesTpot { tpot, limit }) => {
            format!("a token takes {tpot} at best, even for one request at a time; asked is {limit}")
        }
        Some(Rejection::MissesE2e { e2e, limit }) => {
            format!("the last token takes {e2e} at best, even for one request at a time; asked is {limit}")
        }
        Some(Rejection::TierTooSmall) => {
            "the tier neither holds nor moves the caches of the users of one replica".to_owned()
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
        Rejection::MissesE2e { e2e, limit } => e2e.get() / limit.get(),
        Rejection::OutOfMemory { needed, available } => needed.get() / available.get(),
        _ => 1.0,
    };
    let reasons = dropped.iter().map(|one| one.reason);
    reasons.max_by(|a, b| a.rule().cmp(&b.rule()).then(misses(b).total_cmp(&misses(a))))
}

/// Targets that would be met: one of them eased, else two or all together, the fewest first; by what serves when nothing
/// is asked of those that are eased.
fn slower(context: Context, found: &Outcome) -> Result<Vec<Relaxation>, QuestionError> {
    let targets = context.asked.targets;
    let free = Seconds::new(f64::INFINITY);
    let mut relaxations = Vec::new();
    for count in 1..=3_u32 {
        for eased in (1..8_u32).filter(|eased| eased.count_ones() == count) {
            let of = |bit: u32, target: Seconds| if eased & bit > 0 { free } else { target };
            if (eased & 4 > 0) && !targets.e2e.get().is_finite() {
                continue;
            }
            let open = Targets {
                ttft: of(1, targets.ttft),
                tpot: of(2, targets.tpot),
                e2e: of(4, targets.e2e),
                ..targets
            };
            relaxations.extend(eased_to(context, found, open)?);
        }
        if !relaxations.is_empty() {
            break;
        }
    }
    Ok(relaxations)
}

/// Which targets the best plan reaches when those that are infinite do not matter, with a tenth to spare.
fn eased_to(context: Context, found: &Outcome, open: Targets) -> Result<Option<Relaxation>, QuestionError> {
    // A load of one replica's first request shows what plans reach at best.
    let one =
        Asked { batches: vec![1], targets: open, racks: RackCount::UpTo(MAX_RACKS), ..context.asked.clone() };
    let reached = tried(context.asking(&one), found, found.setup.quant)?;
    let given = context.asked.targets;
    let least = |value: fn(&rackplan_plan::Found) -> f64, open: Seconds, given: Seconds| {
        if open.get().is_finite() || !given.get().is_finite() {
            return None;
        }
        let all = reached.searched.found.iter().map(value);
        all.filter(|value| value.is_finite()).min_by(f64::total_cmp).map(|value| milliseconds(1.1 * value))
    };
    let eased = [
        ("ttft", least(|found| found.served.ttft, open.ttft, given.ttft)),
        ("tpot", least(|found| found.served.tpot, open.tpot, given.tpot)),
        ("e2e", least(|found| found.served.e2e, open.e2e, given.e2e)),
    ];
    let flags: Vec<String> =
        eased.iter().filter_map(|(name, ms)| ms.map(|ms| format!("--{name} {ms}ms"))).collect();
    let or = |place: usize, target: Seconds| eased[place].1.map_or(target, |ms| Seconds::new(ms * 1e-3));
    let targets =
        Targets { ttft: or(0, given.ttft), tpot: or(1, given.tpot), e2e: or(2, given.e2e), ..given };
    if flags.is_empty() {
        return Ok(None);
    }
    let asked = Asked { targets, ..context.asked.clone() };
    let within = tried(context.asking(&asked), found, found.setup.quant)?;
    if serves(&within) {
        return Ok(Some(Relaxation { flag: flags.join(" "), result: said(&within) }));
    }
    // Eased targets alone may still take more racks than there may be.
    let asked = Asked { racks: RackCount::UpTo(MAX_RACKS), ..asked };
    let enough = tried(context.asking(&asked), found, found.setup.quant)?;
    let racks = enough.choice.as_ref().map(|choice| choice.sizing.racks);
    Ok(racks.map(|racks| Relaxation {
        flag: format!("{} {}", flags.join(" "), more_racks(context, found, racks)),
        result: said(&enough),
    }))
}

/// Whole milliseconds, or tenths where there are few.
fn milliseconds(seconds: f64) -> f64 {
    let ms = seconds * 1e3;
    if ms >= 10.0 { ms.ceil() } else { (ms * 10.0).ceil() / 10.0 }
}

/// The widest of narrower number formats that serves.
fn narrower(context: Context, found: &Outcome) -> Result<Option<Relaxation>, QuestionError> {
    for bits in [8, 4].into_iter().filter(|bits| *bits < found.setup.quant.bits()) {
        let tried = tried(context, found, Quant::Bits(bits))?;
        if serves(&tried) {
            let flag = format!("--quant {}", tried.setup.quant_name);
            return Ok(Some(Relaxation { flag, result: said(&tried) }));
        }
    }
    Ok(None)
}

/// As many users as the racks take.
fn fewer(context: Context, found: &Outcome) -> Option<Relaxation> {
    let Population::Users { .. } = context.asked.people.population else { return None };
    let racks = most_racks(context, &found.setup);
    let takes = |one: &rackplan_plan::Found| {
        let replicas = found.setup.site().replicas_in(racks, one.gpus().into());
        (replicas as f64 * one.served.taken / (1.0 + context.asked.headroom)).floor() as u64
    };
    let users = found.searched.found.iter().map(takes).max().filter(|users| *users > 0)?;
    let noun = if racks == 1 { "rack" } else { "racks" };
    Some(Relaxation { flag: format!("--users {users}"), result: format!("what {racks} {noun} can take") })
}
