//! Power, cost and carbon of a deployment: what racks draw, what they cost to buy and to own, and what a token takes of it.

use super::super::bill;
use super::context::Context;
use super::outcome::Choice;
use super::setup::Setup;
use crate::answer::{Capacity, Economics, Money, Power};
use rackplan_catalog::Price;

/// Hours of a day, seconds of an hour, joules of a kilowatt-hour.
const HOURS: f64 = 24.0;
const HOUR: f64 = 3600.0;
const KILOWATT_HOUR: f64 = 3.6e6;

/// Racks that the limits on power and cost feed; any number where there are none, or where nobody knows what one takes.
pub(super) fn most_racks(context: Context, setup: &Setup) -> u64 {
    let budget = context.asked.budget;
    if budget.power.is_infinite() && budget.cost.is_infinite() {
        return u64::MAX;
    }
    let per_rack = setup.site().gpus_per_rack() as f64;
    let [power, cost] = bill::per_gpu(&setup.machine, &context.request.inputs.catalog);
    let fed = |limit: f64, each: Option<f64>| each.map_or(f64::INFINITY, |each| limit / (each * per_rack));
    // As far as a limit that is met exactly reaches, rounding aside.
    (fed(budget.power, power).min(fed(budget.cost, cost)) + 1e-9).floor() as u64
}

/// Power of everything provisioned, with what it draws when idle and when serving.
pub(super) fn power(context: Context, setup: &Setup, capacity: &Capacity) -> Option<Power> {
    let power = bill::power(&setup.machine, capacity, &context.request.inputs.catalog)?;
    let site = context.shared.site.as_ref();
    let draw = site.and_then(|site| site.draw.as_ref());
    let of_peak = |share: Option<f64>| share.map(|share| share * power.facility_w);
    Some(Power {
        typical_w: of_peak(draw.map(|draw| draw.inference)),
        idle_w: of_peak(draw.and_then(|draw| draw.inference_low)),
        pue: site.and_then(|site| site.pue.as_ref()).map(|pue| pue.planned),
        ..power
    })
}

/// Cost of everything provisioned.
pub(super) fn money(context: Context, setup: &Setup, capacity: &Capacity, choice: &Choice) -> Option<Money> {
    let read = choice.asked_per_second() * context.asked.request.output;
    bill::money(&setup.machine, capacity, read, &context.request.inputs.catalog)
}

/// What a token takes of power and money, what the racks cost to buy, and what scaling down at night saves.
pub(super) fn economics(
    context: Context,
    setup: &Setup,
    choice: &Choice,
    (power, money): (Option<&Power>, Option<&Money>),
) -> Economics {
    let asked = context.asked;
    let rate = choice.asked_per_second();
    let (written, answered) = (rate * asked.request.input, rate * asked.request.output);
    let of_prompts = prompts(choice);
    let per_second = money.map(|money| money.usd_per_hour / HOUR);
    let million = |share: f64, tokens: f64| per_second.map(|cost| cost * share / tokens * 1e6);
    let drawn = power.and_then(|power| power.typical_w.or(Some(power.facility_w)));
    let carbon = asked_carbon(context);
    Economics {
        usd_per_million_input_tokens: million(of_prompts, written),
        usd_per_million_output_tokens: million(1.0 - of_prompts, answered),
        capex_usd: capex(context, setup, choice),
        tokens_per_s_per_mw: drawn.map(|watts| answered / (watts / 1e6)),
        joules_per_token: drawn.map(|watts| watts / answered),
        carbon_kg_per_hour: drawn.and_then(|watts| Some(watts * HOUR / KILOWATT_HOUR * carbon? / 1e3)),
        carbon_g_per_million_tokens: drawn
            .and_then(|watts| Some(watts / answered * 1e6 / KILOWATT_HOUR * carbon?)),
        usd_per_hour_scaled: per_second.and_then(|cost| Some(cost * HOUR * scaled(context, choice)?)),
    }
}

/// Grams of CO2 a kilowatt-hour.
fn asked_carbon(context: Context) -> Option<f64> {
    context.request.question.limits.grid_intensity.map(|grams| grams.0)
}

/// Share of the accelerators' time that prompts take: of a step what prompts add to it; of a unit whose prompts have
/// workers of their own, these workers' share of the accelerators.
fn prompts(choice: &Choice) -> f64 {
    let (found, point) = (&choice.found, &choice.seen.point);
    match found.pools {
        Some((workers, plan)) => f64::from(workers.prefill * plan.gpus()) / f64::from(found.gpus()),
        None => point.prefill_load.clamp(0.0, 1.0),
    }
}

/// What the racks cost to buy.
fn capex(context: Context, setup: &Setup, choice: &Choice) -> Option<f64> {
    let rack = setup.real().rack.record.price_of_rack();
    if let Some(price) = rack {
        return Some(price.get() * choice.sizing.racks as f64);
    }
    let price: Price = bill::price(&setup.machine, &context.request.inputs.catalog)?;
    let purchase = price.purchase?;
    let each = purchase.cluster.or(purchase.street)?;
    Some(each.get() * choice.sizing.gpus_provisioned as f64)
}

/// Instances that run on average over the day, over those of the busiest hour: each hour takes those that its load needs.
fn scaled(context: Context, choice: &Choice) -> Option<f64> {
    let day = context.asked.people.day.as_ref()?;
    let needed = choice.sizing.replicas as f64;
    let hourly = day.iter().map(|load| (needed * load - 1e-9).ceil().max(1.0));
    Some(hourly.sum::<f64>() / (HOURS * needed))
}
