//! What is in the way where the racks do not suffice, and the smallest single changes that would help: more power or money,
//! more racks of a kind, a later first token or slower tokens, narrower weights, fewer users.

mod slower;

use super::fill::{Draws, Supply, Use, fill, ways};
use super::fleet::Fleet;
use super::kind::Kind;
use crate::QuestionError;
use crate::answer::{Difficulty, MixAnswer, Relaxation};
use crate::inputs::{Quant, Request};
use rackplan_units::{DollarsPerSecond, Watts};
use slower::slower;

/// The limit that binds, and what would help.
pub(super) fn difficulty(
    fleet: Fleet,
    kinds: &[Kind],
    answer: &MixAnswer,
) -> Result<Difficulty, QuestionError> {
    let supplies = fleet.supplies(kinds);
    let fed = fed(fleet, kinds, &supplies);
    let mut relaxations: Vec<Relaxation> = fed.iter().map(|fed| fed.relaxation.clone()).collect();
    relaxations.extend(more_racks(fleet, kinds, &supplies));
    relaxations.extend(slower(fleet, kinds)?);
    relaxations.extend(narrower(fleet, kinds)?);
    relaxations.extend(fewer(fleet, answer));
    Ok(Difficulty { binding: binding(fleet, kinds, answer, &fed), relaxations, near_misses: Vec::new() })
}

/// Both sides of the comparison that fails.
fn binding(fleet: Fleet, kinds: &[Kind], answer: &MixAnswer, fed: &[Fed]) -> String {
    if let Some(nobody) = nobody(fleet, kinds) {
        return nobody;
    }
    if let Some(fed) = fed.first() {
        return fed.binding.clone();
    }
    let served = answer.shortfall.map_or(1.0, |short| 1.0 - short.share);
    let of = if kinds[0].own.is_empty() { "the load" } else { "each class" };
    let limited = answer.limits.is_some();
    let racks = if limited { "the racks within the limits" } else { "all racks that there are" };
    format!("{racks} take {:.1} % of {of}", served * 100.0)
}

/// A load that no kind of rack serves within the targets, and why the first one does not.
fn nobody(fleet: Fleet, kinds: &[Kind]) -> Option<String> {
    let there = || kinds.iter().enumerate().filter(|(_, kind)| kind.stock > 0);
    let (place, first) = there().next()?;
    let whole = there().all(|(_, kind)| kind.whole.serves_nobody());
    let class = (0..first.own.len()).find(|class| there().all(|(_, kind)| kind.own[*class].serves_nobody()));
    if !whole || class.is_none() && !first.own.is_empty() {
        return None;
    }
    let reason = first.load(class).reason(fleet.about(place))?;
    let name = class.map_or(String::new(), |class| format!("{}, ", fleet.classes[class]));
    Some(format!("{name}{}: {reason}", first.machine.id()))
}

/// Ways to fill that are gone through at most for one change: a few dozen are tried.
const MOST_WAYS: u64 = 200_000;

/// Racks that take the whole load, if any do and it does not take long to say.
fn filled(supplies: &[Supply], limits: Draws) -> Option<Vec<Use>> {
    if ways(supplies) <= MOST_WAYS { fill(supplies, 1.0, limits) } else { None }
}

/// The same of a question that is changed.
fn asked(fleet: Fleet) -> Result<Option<Vec<Use>>, QuestionError> {
    Ok(filled(&fleet.supplies(&fleet.kinds()?), fleet.limits()))
}

/// A limit that holds back, and how loose it must be.
struct Fed {
    binding: String,
    relaxation: Relaxation,
}

/// Each limit on power and cost that helps when it alone is loosened, as little as it must be.
fn fed(fleet: Fleet, kinds: &[Kind], supplies: &[Supply]) -> Vec<Fed> {
    let limits = fleet.limits();
    let finite = (0..limits.len()).filter(|of| limits[*of].is_finite());
    let eased = finite.filter_map(|of| {
        let draw = |supply: &Supply| Supply { bill: supply.draws[of], ..supply.clone() };
        let supplies: Vec<Supply> = supplies.iter().map(draw).collect();
        let mut open = limits;
        open[of] = f64::INFINITY;
        let used = filled(&supplies, open)?;
        let (needed, given) = (enough(of, bill(&supplies, &used)), shown(of, limits[of]));
        let flag = ["--max-power", "--max-cost"][of];
        let what = ["draws", "costs"][of];
        Some(Fed {
            binding: format!("what serves everybody {what} {needed}, of which there may be {given}"),
            relaxation: Relaxation { flag: format!("{flag} \"{needed}\""), result: said(kinds, &used) },
        })
    });
    eased.collect()
}

fn bill(supplies: &[Supply], used: &[Use]) -> f64 {
    supplies.iter().zip(used).map(|(supply, used)| supply.bill * used.racks() as f64).sum()
}

/// A limit that leaves so much, in few figures of the unit that it is shown in.
fn enough(of: usize, needed: f64) -> String {
    match of {
        0 => shown(of, rounded_up(needed, FIGURES)),
        _ => shown(of, rounded_up(needed * HOUR, FIGURES) / HOUR),
    }
}

fn shown(of: usize, value: f64) -> String {
    match of {
        0 => Watts::new(value).to_string(),
        _ => DollarsPerSecond::new(value).to_string(),
    }
}

/// Seconds of an hour.
const HOUR: f64 = 3600.0;
/// Figures of a limit or a rate that would do.
const FIGURES: i32 = 3;
/// What rounding may have added to a value that needs no more figures.
const ROUNDING: f64 = 1e-9;

/// So many figures, and no less.
fn rounded_up(value: f64, figures: i32) -> f64 {
    let unit = unit(value, figures);
    (value / unit - ROUNDING).ceil() * unit
}

/// What the last of so many figures counts.
fn unit(value: f64, figures: i32) -> f64 {
    10.0_f64.powi(value.log10().floor() as i32 + 1 - figures)
}

/// Most racks of a kind that are thought of beyond those that are there.
const MOST_MORE: u64 = 1000;

/// The fewest more racks of each kind, those first that take the smallest bill.
fn more_racks(fleet: Fleet, kinds: &[Kind], supplies: &[Supply]) -> Vec<Relaxation> {
    let grown = |place: usize| {
        let kind = &kinds[place];
        let mut larger = supplies.to_vec();
        larger[place] = kind.supply(fleet.about(place), kind.stock + MOST_MORE);
        let (racks, used) = fewest(&mut larger, place, fleet.limits())?;
        let more = racks as u64 - kind.stock;
        let noun = if more == 1 { "rack" } else { "racks" };
        let result = format!("{more} more {noun} of {}; {}", kind.machine.id(), said(kinds, &used));
        let flag = format!("--stock {}", stock(kinds, place, racks as u64));
        Some((bill(&larger, &used), Relaxation { flag, result }))
    };
    let mut all: Vec<(f64, Relaxation)> = (0..kinds.len()).filter_map(grown).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.into_iter().map(|(_, relaxation)| relaxation).collect()
}

/// The fewest racks of a kind with which the load is taken, and how; more than there are, which do not suffice.
fn fewest(supplies: &mut [Supply], place: usize, limits: Draws) -> Option<(usize, Vec<Use>)> {
    let mut best = filled(supplies, limits)?;
    let (mut low, mut high) = (0, best[place].racks());
    while low < high {
        let middle = (low + high) / 2;
        supplies[place].stock = middle;
        match filled(supplies, limits) {
            Some(found) => (high, best) = (middle, found),
            None => low = middle + 1,
        }
    }
    Some((high, best))
}

/// `gb200_nvl72=2,h200_hgx=11`.
fn stock(kinds: &[Kind], place: usize, racks: u64) -> String {
    let one = |(other, kind): (usize, &Kind)| {
        let racks = if other == place { racks } else { kind.stock };
        format!("{}={racks}", kind.machine.id())
    };
    kinds.iter().enumerate().map(one).collect::<Vec<_>>().join(",")
}

/// `2 of gb200_nvl72 and 4 of h200_hgx in use`.
fn said(kinds: &[Kind], used: &[Use]) -> String {
    let used = kinds.iter().zip(used).filter(|(_, used)| used.racks() > 0);
    let each: Vec<String> =
        used.map(|(kind, used)| format!("{} of {}", used.racks(), kind.machine.id())).collect();
    format!("{} in use", each.join(" and "))
}

/// The widest of narrower number formats that serves.
fn narrower(fleet: Fleet, kinds: &[Kind]) -> Result<Option<Relaxation>, QuestionError> {
    let given = fleet.alone[0].quants.iter().map(|quant| quant.bits()).min().unwrap_or(0);
    for bits in [8, 4].into_iter().filter(|bits| *bits < given) {
        let quants = vec![Quant::Bits(bits)];
        let alone: Vec<Request> =
            fleet.alone.iter().map(|one| Request { quants: quants.clone(), ..one.clone() }).collect();
        if let Some(used) = asked(Fleet { alone: &alone, ..fleet })? {
            let flag = format!("--quant {bits}");
            return Ok(Some(Relaxation { flag, result: said(kinds, &used) }));
        }
    }
    Ok(None)
}

/// As many users, clients or requests a second as the racks take.
fn fewer(fleet: Fleet, answer: &MixAnswer) -> Option<Relaxation> {
    let served = 1.0 - answer.shortfall?.share;
    let workload = &fleet.alone[0].question.workload;
    let users = fleet.asked.people.users.map(|users| (users as f64 * served).floor());
    let flag = match (users, workload.rate) {
        (Some(users), _) if users >= 1.0 => {
            let name = if workload.concurrency.is_some() { "concurrency" } else { "users" };
            format!("--{name} {users}")
        }
        (None, Some(rate)) if served > 0.0 => format!("--rate {}", rounded_down(rate.0 * served)),
        _ => return None,
    };
    let racks = answer.total.racks;
    let noun = if racks == 1 { "rack" } else { "racks" };
    Some(Relaxation { flag, result: format!("what {racks} {noun} can take") })
}

/// Three figures, and no more.
fn rounded_down(value: f64) -> String {
    let unit = unit(value, FIGURES);
    let decimals = (-unit.log10().round()).max(0.0) as usize;
    format!("{:.decimals$}", (value / unit).floor() * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_limits_are_rounded_up_and_rates_down() {
        assert_eq!(enough(0, 523_840.0), "524 kW");
        assert_eq!(enough(0, 524_000.0), "524 kW");
        // 128.52 dollars an hour in dollars a second.
        assert_eq!(enough(1, 0.0357), "129 USD/h");
        assert_eq!((rounded_down(195.99), rounded_down(0.012_39)), ("195".to_owned(), "0.0123".to_owned()));
    }
}
