//! Plans of every set-up that no other beats in throughput of a GPU, speed of a user, time to first token, cost and power
//! of the racks that the load takes.

use super::super::bill;
use super::context::Context;
use super::outcome::{Outcome, most_racks, size};
use super::plans::name;
use crate::answer::ParetoPlan;
use rackplan_plan::{Found, Sizing, unbeaten};

/// A plan with the racks that the load takes, and what these draw and cost where that is known.
pub(super) struct Priced<'a> {
    pub(super) found: &'a Found,
    pub(super) sizing: Sizing,
    pub(super) power_w: Option<f64>,
    pub(super) usd_per_hour: Option<f64>,
    /// Output tokens a second of a GPU at most.
    pub(super) tokens_per_s_per_gpu: f64,
}

/// Every plan of a set-up that serves.
pub(super) fn priced<'a>(context: Context, outcome: &'a Outcome) -> Vec<Priced<'a>> {
    let [power, cost] = bill::per_gpu(&outcome.setup.machine, &context.request.inputs.catalog);
    let one = |found: &'a Found| {
        let sizing = size(context.asked, &outcome.setup, found, context);
        let gpus = sizing.gpus_provisioned as f64;
        let tokens = found.served.most_per_second * context.asked.request.output;
        Priced {
            found,
            sizing,
            power_w: power.map(|each| each * gpus),
            usd_per_hour: cost.map(|each| each * 3600.0 * gpus),
            tokens_per_s_per_gpu: tokens / f64::from(found.gpus()),
        }
    };
    outcome.searched.found.iter().map(one).collect()
}

impl Priced<'_> {
    /// The higher the better.
    pub(super) fn scores(&self) -> [Option<f64>; 5] {
        let served = &self.found.served;
        [
            Some(self.tokens_per_s_per_gpu),
            Some(-served.point.tpot),
            Some(-served.ttft),
            self.usd_per_hour.map(|cost| -cost),
            self.power_w.map(|power| -power),
        ]
    }
}

/// Those within the racks, of all set-ups together, the fastest for a user first; of plans with the same figures the first.
pub(super) fn pareto(context: Context, outcomes: &[Outcome]) -> Vec<ParetoPlan> {
    let mut all: Vec<(&Outcome, Priced)> =
        outcomes.iter().flat_map(|outcome| within(context, outcome)).collect();
    let scores: Vec<_> = all.iter().map(|(_, plan)| plan.scores()).collect();
    let mut kept = unbeaten(&scores).into_iter();
    all.retain(|_| kept.next().unwrap_or(false));
    all.sort_by(|(_, a), (_, b)| {
        let (first, other) = (&a.found.served, &b.found.served);
        let by_speed = first.point.tpot.total_cmp(&other.point.tpot).then(first.ttft.total_cmp(&other.ttft));
        by_speed.then(a.found.gpus().cmp(&b.found.gpus()))
    });
    all.dedup_by(|(_, a), (_, b)| a.scores() == b.scores());
    all.iter().map(|(outcome, plan)| answer(outcome, plan)).collect()
}

/// Those of a set-up: what others of its own beat, others of all beat too.
fn within<'a>(context: Context, outcome: &'a Outcome) -> Vec<(&'a Outcome, Priced<'a>)> {
    let most = most_racks(context, &outcome.setup);
    let plans: Vec<Priced> =
        priced(context, outcome).into_iter().filter(|plan| plan.sizing.racks <= most).collect();
    let scores: Vec<_> = plans.iter().map(Priced::scores).collect();
    let plans = plans.into_iter().zip(unbeaten(&scores)).filter(|(_, kept)| *kept);
    plans.map(|(plan, _)| (outcome, plan)).collect()
}

fn answer(outcome: &Outcome, plan: &Priced) -> ParetoPlan {
    let (setup, served) = (&outcome.setup, &plan.found.served);
    ParetoPlan {
        hardware: setup.machine.id().to_owned(),
        quant: setup.quant_name.clone(),
        kv_dtype: setup.kv_name().to_owned(),
        backend: setup.backend.name().to_owned(),
        draft_tokens: setup.drafts,
        layout: name(plan.found),
        kv_policy: plan.found.policy.name().to_owned(),
        tokens_per_s_per_gpu: plan.tokens_per_s_per_gpu,
        tokens_per_s_per_user: 1.0 / served.point.tpot,
        ttft_s: served.ttft,
        gpus_active: plan.sizing.gpus_active,
        racks: plan.sizing.racks,
        power_w: plan.power_w,
        usd_per_hour: plan.usd_per_hour,
    }
}
