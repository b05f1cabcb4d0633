//! The inputs nearest to flipping the decision: for each the smallest change, up or down, after which other machines are
//! bought or the model is laid out otherwise.

use super::resources::resources;
use super::trial::{Change, Trial};
use crate::answer::{Decision, Flip, SizeAnswer};
use crate::inputs::MOST_OVERSUBSCRIBED;
use crate::layers::Layers;
use crate::question::Question;
use rackplan_units::Seconds;
use rayon::prelude::*;

/// Factors tried in each direction before the gap between two of them is halved.
const UP: [f64; 5] = [1.05, 1.15, 1.4, 2.0, 4.0];
const DOWN: [f64; 5] = [0.95, 0.87, 0.7, 0.5, 0.25];
/// Halvings: to about a hundredth of the input.
const HALVINGS: u32 = 4;
/// Flips shown.
const SHOWN: usize = 5;

/// An input that can be scaled.
struct Input<'a> {
    name: String,
    value: Box<dyn Fn(f64) -> String + Send + Sync + 'a>,
    change: Box<dyn Fn(f64) -> Change + Send + Sync + 'a>,
}

/// The nearest flips, the nearest first.
pub(crate) fn flips(trial: &Trial, answer: &SizeAnswer, held: &Decision) -> Vec<Flip> {
    let inputs = inputs(trial, answer, held);
    let ways: Vec<(&Input, [f64; 5])> =
        inputs.iter().flat_map(|input| [UP, DOWN].map(|factors| (input, factors))).collect();
    let nearest = ways.par_iter().map(|(input, factors)| nearest(trial, input, held, *factors));
    let mut found: Vec<Flip> = nearest.collect::<Vec<_>>().into_iter().flatten().collect();
    found.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
    // Up and down of one input say little more than the nearer of the two.
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|flip| seen.insert(flip.input.clone()));
    found.truncate(SHOWN);
    found
}

fn distance(flip: &Flip) -> f64 {
    (1.0 + flip.change).ln().abs()
}

/// The smallest of the changes in a direction that flips the decision, made smaller by halving.
fn nearest(trial: &Trial, input: &Input, held: &Decision, factors: [f64; 5]) -> Option<Flip> {
    let flips = |factor: f64| {
        let found = trial.decide(&(input.change)(factor));
        match found {
            Some(found) if found.is_like(held) => None,
            Some(found) => Some(found.against(held)),
            None => Some("nothing serves within the limits".to_owned()),
        }
    };
    let (mut low, mut high, mut then) = (1.0, None, String::new());
    for factor in factors {
        match flips(factor) {
            Some(what) => {
                (high, then) = (Some(factor), what);
                break;
            }
            None => low = factor,
        }
    }
    let mut high = high?;
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        match flips(middle) {
            Some(what) => (high, then) = (middle, what),
            None => low = middle,
        }
    }
    let (from, to) = ((input.value)(1.0), (input.value)(high));
    // Rounding to whole numbers may leave nothing of a small change.
    (from != to).then(|| Flip { input: input.name.clone(), from, to, change: high - 1.0, then })
}

fn inputs<'a>(trial: &'a Trial, answer: &'a SizeAnswer, held: &Decision) -> Vec<Input<'a>> {
    let mut all = asked(&trial.layers, answer);
    all.extend(limits(&trial.layers));
    all.extend(oversubscriptions(&trial.layers));
    for resource in resources(trial.inputs, &trial.layers, &held.hardware) {
        let (shown, scaled) = (resource.clone(), resource.clone());
        all.push(Input {
            name: resource.name,
            value: Box::new(move |factor| shown.value_at(factor)),
            change: Box::new(move |factor| Change::figures(scaled.scaled(factor))),
        });
    }
    all
}

/// What the question says, or what is assumed for it.
fn asked<'a>(layers: &Layers, answer: &'a SizeAnswer) -> Vec<Input<'a>> {
    let mut all = Vec::new();
    let demand = &answer.demand;
    if demand.users_target > 0 {
        all.push(whole("--users", "workload.users", demand.users_target as f64));
    }
    if let Some(arrival) = &demand.arrival {
        all.push(number("--arrival-rate", "workload.arrival_rate", arrival.rate_per_min));
    }
    let Some(chain) = &demand.generating else { return all };
    if layers.origin("workload.rate").is_some() {
        all.push(number("--rate", "workload.rate", chain.requests_per_s));
    }
    if chain.think_time_s > 0.0 {
        all.push(time("--think-time", "workload.think_time", chain.think_time_s));
    }
    all.push(whole("--isl", "workload.isl", chain.isl as f64));
    all.push(whole("--osl", "workload.osl", chain.osl as f64));
    let latency = answer.deployment.as_ref().and_then(|d| d.latency.as_ref());
    if let Some(latency) = latency {
        all.push(time("--ttft", "targets.ttft", latency.ttft_target_s));
        all.push(time("--tpot", "targets.tpot", latency.tpot_target_s));
    }
    all
}

/// Limits that were given.
fn limits(layers: &Layers) -> Vec<Input<'static>> {
    let given = layers.read::<Question>().unwrap_or_default().limits;
    let racks = given.max_racks.map(|racks| whole("--max-racks", "limits.max_racks", racks.0 as f64));
    let power = given.max_power.map(|power| {
        let shown = move |factor: f64| (power * factor).to_string();
        input("--max-power", "limits.max_power", shown, move |factor| format!("{} W", power.get() * factor))
    });
    let cost = given.max_cost.map(|cost| {
        let hourly = (cost * Seconds::new(3600.0)).get();
        let shown = move |factor: f64| (cost * factor).to_string();
        input("--max-cost", "limits.max_cost", shown, move |factor| format!("{} USD/h", hourly * factor))
    });
    let headroom = given.headroom.filter(|headroom| headroom.0 > 0.0);
    let headroom = headroom.map(|headroom| number("--headroom", "limits.headroom", headroom.0));
    [racks, power, cost, headroom].into_iter().flatten().collect()
}

/// Oversubscriptions that were given, each by itself.
fn oversubscriptions(layers: &Layers) -> Vec<Input<'static>> {
    let given = layers.read::<Question>().unwrap_or_default().oversubscription.unwrap_or_default().0;
    let one = |place: usize| {
        let (level, ratio) = given[place].split_once('=')?;
        let (level, ratio, all) = (level.to_owned(), ratio.parse::<f64>().ok()?, given.clone());
        let scaled =
            move |factor: f64| format!("{level}={:.2}", (ratio * factor).clamp(1.0, MOST_OVERSUBSCRIBED));
        let written = scaled.clone();
        let list = move |factor: f64| {
            let mut list = all.clone();
            list[place] = written(factor);
            list.join(",")
        };
        Some(input("--oversubscription", "oversubscription", scaled, list))
    };
    (0..given.len()).filter_map(one).collect()
}

fn whole(flag: &str, path: &'static str, value: f64) -> Input<'static> {
    let at = move |factor: f64| ((value * factor).round().max(1.0) as u64).to_string();
    input(flag, path, at, at)
}

fn number(flag: &str, path: &'static str, value: f64) -> Input<'static> {
    input(
        flag,
        path,
        move |factor| format!("{:.3}", value * factor),
        move |factor| (value * factor).to_string(),
    )
}

fn time(flag: &str, path: &'static str, value: f64) -> Input<'static> {
    let written = move |factor: f64| format!("{} s", value * factor);
    input(flag, path, move |factor| Seconds::new(value * factor).to_string(), written)
}

fn input(
    flag: &str,
    path: &'static str,
    shown: impl Fn(f64) -> String + Send + Sync + 'static,
    written: impl Fn(f64) -> String + Send + Sync + 'static,
) -> Input<'static> {
    Input {
        name: flag.to_owned(),
        value: Box::new(shown),
        change: Box::new(move |factor| Change::key(path, written(factor))),
    }
}
