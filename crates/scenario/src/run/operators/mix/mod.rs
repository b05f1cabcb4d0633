//! `size --stock`: racks of several kinds serve one load. How many of each, and which classes of requests on which, is an
//! integer program that is small enough to be gone through; what runs on each is what `size` would run there.

mod answer;
mod ease;
mod fill;
mod fleet;
mod kind;
mod pools;
mod stock;

use super::super::envelope;
use super::asked::Asked;
use super::context::Shared;
use super::{BAND, not_modelled};
use crate::QuestionError;
use crate::answer::{Answer, MixAnswer};
use crate::inputs::{Defaults, Inputs, Notes, Request};
use crate::layers::Layers;
use fill::{MOST_WAYS, Supply, Use, fill, most, ways};
use fleet::Fleet;
use kind::Kind;
use std::collections::BTreeSet;

/// Who serves how much on which of the racks that are there.
pub fn mix(inputs: &Inputs, layers: &Layers) -> Result<Answer<MixAnswer>, QuestionError> {
    let named = stock::read(layers)?;
    let narrowed = stock::layers(layers, &named);
    let mut request = Request::new(inputs, &narrowed, Defaults::SIZE)?;
    let mut asked = Asked::read(&mut request)?;
    let classes: Vec<String> = asked.classes.named.iter().map(|class| class.name.clone()).collect();
    if classes.len() == 1 {
        // One class is all that there is.
        asked = asked.of_class(0);
    }
    not_modelled(&mut request);
    let shared = Shared::new(&mut request, &asked)?;
    check_kinds(layers, &request)?;
    let alone: Vec<Request> = (0..named.len()).map(|place| about_one(&request, place)).collect();
    let fleet = Fleet { shared: &shared, alone: &alone, asked: &asked, named: &named, classes: &classes };
    let kinds = fleet.kinds()?;
    note_unknown(fleet, &kinds, &mut request.notes);
    let mut found = answer(fleet, layers, &kinds, &mut request)?;
    if !found.feasible {
        found.difficulty = Some(ease::difficulty(fleet, &kinds, &found)?);
    }
    let mut answer = envelope::wrapped(request, found, ("operators", BAND));
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

fn answer(
    fleet: Fleet,
    layers: &Layers,
    kinds: &[Kind],
    request: &mut Request,
) -> Result<MixAnswer, QuestionError> {
    let alone = kinds.iter().filter(|kind| kind.stock > 0).count() <= 1;
    if alone && kinds[0].own.is_empty() {
        // Of a kind that is alone all may be used that the limits feed, as in the plain question.
        let fed = |(place, kind): (usize, &Kind)| Use::Whole(kind.fed(fleet.about(place)) as usize);
        let used: Vec<Use> = kinds.iter().enumerate().map(fed).collect();
        return answer::answer(fleet, kinds, &pools::pools(fleet, kinds, &used), request);
    }
    let supplies = fleet.supplies(kinds);
    check_ways(layers, &supplies)?;
    let limits = fleet.limits();
    let used = fill(&supplies, 1.0, limits).unwrap_or_else(|| most(&supplies, limits));
    let mut found = answer::answer(fleet, kinds, &pools::pools(fleet, kinds, &used), request)?;
    if used.iter().any(|used| matches!(used, Use::Own(_))) {
        found.undivided = answer::undivided(fleet, kinds, supplies);
    }
    Ok(found)
}

fn check_ways(layers: &Layers, supplies: &[Supply]) -> Result<(), QuestionError> {
    let ways = ways(supplies);
    if ways <= MOST_WAYS {
        return Ok(());
    }
    let problem = format!("there are {ways} ways to fill so many racks of so many kinds");
    Err(QuestionError::value(layers.place("limits.stock"), problem)
        .with_hint(format!("at most {MOST_WAYS} are tried; name fewer kinds, racks or classes")))
}

/// Says of which kinds a limit does not know what they take.
fn note_unknown(fleet: Fleet, kinds: &[Kind], notes: &mut Notes) {
    let budget = fleet.asked.budget;
    for (place, kind) in kinds.iter().enumerate().filter(|(_, kind)| kind.stock > 0) {
        let [power, cost] = kind.draws(fleet.about(place));
        let limits = [("limits.max_power", budget.power, power), ("limits.max_cost", budget.cost, cost)];
        for (key, _, _) in limits.into_iter().filter(|(_, limit, draw)| limit.is_finite() && draw.is_none()) {
            let id = kind.machine.id();
            notes.warn(format!("{key}: the catalog has no figure for {id}, whose racks are not counted"));
        }
    }
}
