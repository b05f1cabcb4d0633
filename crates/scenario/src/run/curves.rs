//! Curves for charts: throughput against batch, and utilisation around the demand.

use super::size::Outcome;
use crate::QuestionError;
use crate::answer::{Curve, Point};
use crate::inputs::{Notes, Quant, Request};
use crate::question::Mode;
use rackplan_first_order as method;
use rackplan_first_order::{Setting, Sizing};

/// Scales at which inputs are varied.
const SCALES: [f64; 9] = [0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2];

/// Every curve of the answer.
pub(crate) fn curves(request: &Request, outcome: &Outcome) -> Result<Vec<Curve>, QuestionError> {
    let Some(sizing) = &outcome.sizing else { return Ok(Vec::new()) };
    let mut all = throughput_by_batch(request, outcome, sizing)?;
    all.extend(utilization("utilization_by_users", |scale| by_users(sizing, scale)));
    all.extend(utilization("utilization_by_batch", |scale| by_batch(outcome, sizing, scale)));
    all.extend(utilization("utilization_by_context", |scale| by_context(outcome, sizing, scale)));
    Ok(all)
}

/// Tokens a second of the best plan at each batch on the chosen racks, a curve for each number format.
fn throughput_by_batch(
    request: &Request,
    outcome: &Outcome,
    sizing: &Sizing,
) -> Result<Vec<Curve>, QuestionError> {
    let gpus = sizing.racks * outcome.input.setting.rack.gpus();
    let curve = |bits: u32| {
        let held = &outcome.combination;
        let quant = if held.quant.bits() == bits { held.quant } else { Quant::Bits(bits) };
        let combination = request.combine(&held.machine, quant, Mode::Inference, &mut Notes::default())?;
        let best = |batch: &u32| {
            let plan = outcome.input.grid.best_plan(&combination.setting, *batch, gpus)?;
            Some(Point { x: f64::from(*batch), y: plan.tokens_per_second_total })
        };
        let points = request.batches.iter().filter_map(best).collect();
        Ok(Curve { chart: "throughput_by_batch".to_owned(), name: combination.quant_name, points })
    };
    [16, 8, 4].into_iter().map(curve).collect()
}

/// Shares of the capacity at one scale.
struct Shares {
    x: f64,
    compute: f64,
    network: f64,
    storage: f64,
}

/// Three curves of a chart.
fn utilization(chart: &str, at: impl Fn(f64) -> Option<Shares>) -> Vec<Curve> {
    let shares: Vec<Shares> = SCALES.into_iter().filter_map(at).collect();
    let curve = |name: &str, y: &dyn Fn(&Shares) -> f64| Curve {
        chart: chart.to_owned(),
        name: name.to_owned(),
        points: shares.iter().map(|s| Point { x: s.x, y: y(s) }).collect(),
    };
    vec![
        curve("compute", &|s| s.compute),
        curve("network", &|s| s.network),
        curve("HBM for KV", &|s| s.storage),
    ]
}

/// More or fewer users on the same machines.
fn by_users(sizing: &Sizing, scale: f64) -> Option<Shares> {
    let users = sizing.users as f64 * scale;
    let demand = sizing.demand * scale;
    let filled = (users / sizing.slots() as f64).min(1.0);
    Some(shares(users, demand, &sizing.plan, filled * kv_share(&sizing.plan)))
}

/// A larger or smaller batch of the same layout.
fn by_batch(outcome: &Outcome, sizing: &Sizing, scale: f64) -> Option<Shares> {
    let batch = f64::from(sizing.batch) * scale;
    let rounded = batch.round().max(1.0) as u32;
    at_setting(&outcome.input.setting, sizing, rounded, f64::from(rounded))
}

/// A longer or shorter context on the same layout.
fn by_context(outcome: &Outcome, sizing: &Sizing, scale: f64) -> Option<Shares> {
    let mut setting = outcome.input.setting;
    let tokens = (setting.model.tokens_cached() * scale).round();
    setting.model.context = tokens as u64;
    setting.model.generation = 0;
    at_setting(&setting, sizing, sizing.batch, tokens)
}

fn at_setting(setting: &Setting, sizing: &Sizing, batch: u32, x: f64) -> Option<Shares> {
    let gpus = sizing.plan.instances * sizing.plan.gpus_per_instance;
    let plan = method::evaluate(setting, sizing.plan.layout, batch, gpus).ok()?;
    Some(shares(x, sizing.demand, &plan, kv_share(&plan)))
}

fn shares(x: f64, demand: f64, plan: &method::Plan, storage: f64) -> Shares {
    let of = |ceiling: f64| (demand / (ceiling * plan.efficiency * plan.instances as f64)).min(1.0);
    Shares {
        x,
        compute: of(plan.ceilings.compute),
        network: of(plan.ceilings.communication),
        storage: storage.min(1.0),
    }
}

/// KV cache over the room for it.
fn kv_share(plan: &method::Plan) -> f64 {
    let room = plan.memory.kv_room().get();
    if room > 0.0 { plan.memory.kv_cache.get() / room } else { 1.0 }
}
