//! The plans beside the chosen one: the fewest GPUs first, and the frontier of speed against throughput.

use super::super::decision::layout;
use super::Shared;
use super::asked::Asked;
use super::outcome::{Outcome, question_of};
use crate::answer::{FrontierPoint, Plan, RankedPlan};
use crate::inputs::Request;
use rackplan_perf::ParallelPlan;
use rackplan_plan::{Found, Point};

/// Plans listed.
const LISTED: usize = 12;
/// Loads of a plan on the frontier: every doubling of the requests that generate.
const DOUBLINGS: u32 = 12;

/// The plans that serve, the fewest GPUs first.
pub(super) fn ranked(asked: &Asked, outcome: &Outcome) -> Vec<RankedPlan> {
    let mut all: Vec<RankedPlan> = outcome.found.iter().map(|found| one(asked, outcome, found)).collect();
    all.sort_by(|a, b| {
        let more = b.tokens_per_s_per_gpu.total_cmp(&a.tokens_per_s_per_gpu);
        (a.gpus_active, a.racks).cmp(&(b.gpus_active, b.racks)).then(more)
    });
    all.truncate(LISTED);
    all
}

fn one(asked: &Asked, outcome: &Outcome, found: &Found) -> RankedPlan {
    let (served, gpus) = (&found.served, found.plan.gpus());
    let load = (asked.population.size(), served.taken);
    let sizing = outcome.site().size(load, asked.headroom, asked.spares, gpus);
    RankedPlan {
        layout: name(found.plan),
        gpus_per_instance: gpus.into(),
        taken_per_instance: served.taken,
        gpus_active: sizing.gpus_active,
        racks: sizing.racks,
        limit: super::deployment::limit(served.binds).to_owned(),
        tokens_per_s_per_gpu: served.point.requests_per_second * asked.request.output / f64::from(gpus),
        ttft_s: served.ttft,
        tpot_s: served.tpot,
    }
}

/// What no other plan and load beats in both, the fastest for a user first.
pub(super) fn frontier(
    shared: &Shared,
    request: &Request,
    asked: &Asked,
    outcome: &Outcome,
) -> Vec<FrontierPoint> {
    let question = question_of(shared, request, asked, outcome);
    let mut all = Vec::new();
    for found in &outcome.found {
        let replica = question.replica(found.plan, &found.compiled, found.cached);
        let most = replica.places * replica.ranks;
        let loads =
            (0..=DOUBLINGS).map(|doubling| f64::from(1_u32 << doubling)).take_while(|load| *load <= most);
        all.extend(loads.map(|load| at(asked, found, &replica.at(load))));
    }
    all.sort_by(|a, b| {
        let faster = b.tokens_per_s_per_user.total_cmp(&a.tokens_per_s_per_user);
        faster.then(b.tokens_per_s_per_gpu.total_cmp(&a.tokens_per_s_per_gpu))
    });
    let mut best = 0.0;
    all.retain(|point| {
        let kept = point.tokens_per_s_per_gpu.is_finite() && point.tokens_per_s_per_gpu > best;
        best = if kept { point.tokens_per_s_per_gpu } else { best };
        kept
    });
    all
}

fn at(asked: &Asked, found: &Found, point: &Point) -> FrontierPoint {
    let targets = &asked.targets;
    FrontierPoint {
        layout: name(found.plan),
        batch: point.generating as u64,
        tokens_per_s_per_user: 1.0 / point.tpot,
        tokens_per_s_per_gpu: point.requests_per_second * asked.request.output / f64::from(found.plan.gpus()),
        ttft_s: point.ttft,
        within_targets: point.ttft <= targets.ttft.get() && point.tpot <= targets.tpot.get(),
    }
}

/// `TP4 x EP4`, sizes of 1 left out.
pub(super) fn name(plan: ParallelPlan) -> String {
    let ParallelPlan { tp, pp, ep, dp } = plan;
    layout(&Plan { tp, pp, ep, dp: Some(dp), batch: 0, gpus_per_instance: plan.gpus().into() })
}
