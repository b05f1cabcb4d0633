//! `sweep --method operators`: every plan that serves, set-up by set-up, for whoever writes the rows down. Set-ups are
//! numbered in a fixed order, so that a sweep that was cut off goes on with the first one that is missing.

use super::asked::Asked;
use super::context::{Context, Shared};
use super::outcome::{Outcome, limit, outcome};
use super::pareto::{Priced, priced};
use super::variants;
use crate::QuestionError;
use crate::answer::PlanRow;
use crate::inputs::{Defaults, Inputs, Request};
use crate::layers::Layers;
use rackplan_plan::unbeaten;

/// One set-up of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct SweptSetup {
    /// Its number, from 0.
    pub setup: usize,
    /// How many there are.
    pub setups: usize,
    /// Plans laid out.
    pub plans_considered: u64,
    /// Those that serve, in the order in which they were laid out.
    pub rows: Vec<PlanRow>,
}

/// Calls `each` with every set-up from a number on, until it says that it has enough.
pub fn sweep_plans(
    inputs: &Inputs,
    layers: &Layers,
    from: usize,
    mut each: impl FnMut(SweptSetup) -> bool,
) -> Result<(), QuestionError> {
    let mut request = Request::new(inputs, layers, Defaults::SIZE)?;
    let asked = Asked::read(&mut request)?;
    let shared = Shared::new(&mut request, &asked)?;
    let context = Context { shared: &shared, request: &request, asked: &asked };
    let variants = variants(context);
    let (setups, mut failed, mut written) = (variants.len(), None, from > 0);
    for (setup, variant) in variants.into_iter().enumerate().skip(from) {
        let (plans_considered, rows) = match outcome(context, variant, &mut request.notes.clone()) {
            Ok(found) => (found.searched.considered(), rows(context, setup, &found)),
            Err(error) => {
                failed = failed.or(Some(error));
                continue;
            }
        };
        written = true;
        if !each(SweptSetup { setup, setups, plans_considered, rows }) {
            return Ok(());
        }
    }
    // A machine that cannot be modelled is left out where others can.
    failed.filter(|_| !written).map_or(Ok(()), Err)
}

fn rows(context: Context, setup: usize, outcome: &Outcome) -> Vec<PlanRow> {
    let plans = priced(context, outcome);
    let kept = unbeaten(&plans.iter().map(Priced::scores).collect::<Vec<_>>());
    plans.iter().zip(kept).map(|(plan, pareto)| row(setup, outcome, plan, pareto)).collect()
}

fn row(number: usize, outcome: &Outcome, plan: &Priced, pareto: bool) -> PlanRow {
    let (setup, found, sizing) = (&outcome.setup, plan.found, &plan.sizing);
    let served = &found.served;
    PlanRow {
        setup: number as u64,
        hardware: setup.machine.id().to_owned(),
        quant: setup.quant_name.clone(),
        backend: setup.backend.name().to_owned(),
        draft_tokens: setup.drafts,
        mode: if found.pools.is_some() { "disaggregated" } else { "aggregated" }.to_owned(),
        tp: found.plan.tp,
        pp: found.plan.pp,
        ep: found.plan.ep,
        dp: found.plan.dp,
        prefill_workers: found.pools.map_or(0, |(workers, _)| workers.prefill),
        decode_workers: found.pools.map_or(0, |(workers, _)| workers.decode),
        prefill_tp: found.pools.map_or(0, |(_, plan)| plan.tp),
        prefill_pp: found.pools.map_or(0, |(_, plan)| plan.pp),
        prefill_ep: found.pools.map_or(0, |(_, plan)| plan.ep),
        prefill_dp: found.pools.map_or(0, |(_, plan)| plan.dp),
        kv_policy: found.policy.name().to_owned(),
        gpus_per_instance: found.gpus(),
        batch: served.point.generating,
        limit: limit(served.binds).to_owned(),
        taken_per_instance: served.taken,
        tokens_per_s_per_gpu: plan.tokens_per_s_per_gpu,
        tokens_per_s_per_user: 1.0 / served.point.tpot,
        ttft_s: served.ttft,
        tpot_s: served.tpot,
        e2e_s: served.e2e,
        instances: sizing.replicas,
        gpus_active: sizing.gpus_active,
        gpus_provisioned: sizing.gpus_provisioned,
        racks: sizing.racks,
        power_w: plan.power_w,
        usd_per_hour: plan.usd_per_hour,
        pareto,
    }
}
