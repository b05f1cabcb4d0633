//! The plans beside the chosen one: the fewest GPUs first, and the frontier of speed against throughput.

use super::super::decision::sizes;
use super::context::Context;
use super::outcome::{Outcome, limit, size};
use super::replay;
use crate::answer::{FrontierPoint, Plan, RankedPlan};
use rackplan_perf::ParallelPlan;
use rackplan_plan::{Found, Point};
use rayon::prelude::*;

/// Plans listed.
const LISTED: usize = 12;
/// Loads of a plan on the frontier: every doubling of the requests that generate.
const DOUBLINGS: u32 = 12;
/// Plans tried for the frontier, those that take the fewest GPUs first.
const TRIED: usize = 48;

/// The plans that serve, the fewest GPUs first.
pub(super) fn ranked(context: Context, outcome: &Outcome) -> Vec<RankedPlan> {
    by_size(context, outcome)
        .into_iter()
        .take(LISTED)
        .map(|(found, _)| one(context, outcome, found))
        .collect()
}

/// Plays those plans, in the same order.
pub(super) fn replay(context: Context, outcome: &Outcome, ranked: &mut [RankedPlan]) {
    let found: Vec<&Found> = by_size(context, outcome).into_iter().map(|(found, _)| found).collect();
    ranked.par_iter_mut().zip(found).for_each(|(plan, found)| {
        plan.replay = replay::at_most(context, &outcome.setup, found);
    });
}

/// The plans with the GPUs that they take, the fewest first.
fn by_size<'a>(context: Context, outcome: &'a Outcome) -> Vec<(&'a Found, (u64, u64))> {
    let sized = outcome.searched.found.iter().map(|found| {
        let sizing = size(context.asked, &outcome.setup, found, context);
        (found, (sizing.gpus_active, sizing.racks))
    });
    let mut all: Vec<_> = sized.collect();
    // A stable sort keeps the order of the space among equals.
    all.sort_by(|a, b| a.1.cmp(&b.1).then(b.0.served.most_per_second.total_cmp(&a.0.served.most_per_second)));
    all.dedup_by(|a, b| name(a.0) == name(b.0));
    all
}

fn one(context: Context, outcome: &Outcome, found: &Found) -> RankedPlan {
    let (served, gpus) = (&found.served, found.gpus());
    let sizing = size(context.asked, &outcome.setup, found, context);
    RankedPlan {
        layout: name(found),
        gpus_per_instance: gpus.into(),
        taken_per_instance: served.taken,
        gpus_active: sizing.gpus_active,
        racks: sizing.racks,
        limit: limit(served.binds).to_owned(),
        tokens_per_s_per_gpu: served.most_per_second * context.asked.request.output / f64::from(gpus),
        ttft_s: served.ttft,
        tpot_s: served.tpot,
        replay: None,
    }
}

/// What no other plan and load beats in both, the fastest for a user first.
pub(super) fn frontier(context: Context, outcome: &Outcome) -> Vec<FrontierPoint> {
    let mut all: Vec<FrontierPoint> = Vec::new();
    for (found, _) in by_size(context, outcome).into_iter().take(TRIED) {
        let more = loads(context, outcome, found, &all);
        all.extend(more);
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

/// A plan at every load that it has room for; those left out that some known point beats even if no prompt took any time.
fn loads(context: Context, outcome: &Outcome, found: &Found, known: &[FrontierPoint]) -> Vec<FrontierPoint> {
    let question = outcome.setup.question(context);
    let operators = question.operators(found);
    let station = question.station(found, &operators);
    let generating = (0..=DOUBLINGS).map(|doubling| f64::from(1_u32 << doubling));
    let steps = generating.map(|generating| (generating, station.decode_step(generating)));
    let may_be_best = |(generating, step): &(f64, f64)| {
        let per_user = station.decode().pace.accepted / step;
        let per_gpu = generating * per_user / f64::from(found.gpus());
        !known
            .iter()
            .any(|point| point.tokens_per_s_per_user >= per_user && point.tokens_per_s_per_gpu >= per_gpu)
    };
    let points = steps.filter(may_be_best).map(|(generating, step)| station.at_step(generating, step));
    let fitting =
        points.take_while(|point| station.lacks(point, 0.5, &context.asked.people.population).is_none());
    fitting.map(|point| at(context, found, &point)).collect()
}

fn at(context: Context, found: &Found, point: &Point) -> FrontierPoint {
    let targets = &context.asked.targets;
    FrontierPoint {
        layout: name(found),
        batch: point.generating as u64,
        tokens_per_s_per_user: 1.0 / point.tpot,
        tokens_per_s_per_gpu: point.requests_per_second * context.asked.request.output
            / f64::from(found.gpus()),
        ttft_s: point.ttft,
        within_targets: point.ttft <= targets.ttft.get() && point.tpot <= targets.tpot.get(),
    }
}

/// As alternatives are called: `TP4 x EP4`, sizes of 1 left out.
pub(super) fn name(found: &Found) -> String {
    match found.pools {
        None => of_plan(found.plan),
        Some((workers, prefill)) => format!(
            "{} x {} for prompts + {} x {}",
            workers.prefill,
            of_plan(prefill),
            workers.decode,
            of_plan(found.plan)
        ),
    }
}

/// `TP4 x EP4`, sizes of 1 left out.
pub(super) fn of_plan(plan: ParallelPlan) -> String {
    let ParallelPlan { tp, pp, ep, dp } = plan;
    sizes(&Plan { tp, pp, ep, dp: Some(dp), batch: 0, gpus_per_instance: plan.gpus().into() })
}
