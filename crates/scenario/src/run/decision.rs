//! What an answer decides, in a row of numbers; two of them are compared by it.

use crate::answer::{Decision, Deployment, Plan, SizeAnswer};
use crate::question::Objective;

/// The decision of an answer, where anything serves.
pub(crate) fn decision(answer: &SizeAnswer) -> Option<Decision> {
    let d = answer.deployment.as_ref().filter(|_| answer.feasible)?;
    let latency = d.latency.as_ref();
    let waits = d.step_shares.iter().find(|share| share.bound == "comm");
    Some(Decision {
        hardware: d.hardware.id.clone(),
        quant: d.quant.clone(),
        layout: layout(&d.plan),
        racks: d.capacity.racks,
        gpus_active: d.capacity.gpus_active,
        gpus_provisioned: d.capacity.gpus_provisioned,
        gpus_unrounded: unrounded(answer, d),
        tokens_per_s_per_gpu: d.throughput.tokens_per_s_per_gpu,
        ttft_s: latency.map(|latency| latency.ttft_s),
        tpot_s: latency.map(|latency| latency.tpot_s),
        communication_share: latency.map(|_| waits.map_or(0.0, |share| share.share)),
        power_w: d.power.as_ref().map(|power| power.facility_w),
        usd_per_hour: d.money.as_ref().map(|money| money.usd_per_hour),
    })
}

/// GPUs = load / taken · GPUs of an instance, where `taken` is the most that an instance takes within the targets.
fn unrounded(answer: &SizeAnswer, d: &Deployment) -> Option<f64> {
    let chain = answer.demand.generating.as_ref()?;
    let load = chain.users_on.map_or(chain.requests_per_s, |users| users as f64);
    Some(load / chain.taken_per_instance * d.plan.gpus_per_instance as f64)
}

/// `TP8`, `TP2 x DP4 x EP8`: sizes of 1 are left out.
pub(crate) fn layout(plan: &Plan) -> String {
    let sizes = [("TP", plan.tp), ("PP", plan.pp), ("DP", plan.dp.unwrap_or(1)), ("EP", plan.ep)];
    let named: Vec<String> =
        sizes.iter().filter(|(_, size)| *size > 1).map(|(name, size)| format!("{name}{size}")).collect();
    if named.is_empty() { "TP1".to_owned() } else { named.join(" x ") }
}

impl Decision {
    /// What there should be least of.
    pub(crate) fn objective(&self, objective: Objective) -> Option<f64> {
        match objective {
            Objective::Cost => self.usd_per_hour,
            Objective::Power => self.power_w,
            _ => Some(self.gpus_active as f64),
        }
    }

    /// Whether the same machines are bought and the model is laid out alike.
    pub(crate) fn is_like(&self, other: &Decision) -> bool {
        (&self.hardware, &self.quant, &self.layout, self.racks)
            == (&other.hardware, &other.quant, &other.layout, other.racks)
    }

    /// What is decided, as far as it is not what `before` was: `2 racks`, `TP8 x EP8 on gb200_nvl72`.
    pub(crate) fn against(&self, before: &Decision) -> String {
        let mut said = vec![format!("{} {}", self.racks, if self.racks == 1 { "rack" } else { "racks" })];
        if self.hardware != before.hardware {
            said[0] += &format!(" of {}", self.hardware);
        }
        if self.layout != before.layout {
            said.push(self.layout.clone());
        }
        if self.quant != before.quant {
            said.push(self.quant.clone());
        }
        said.push(format!("{} GPUs active", self.gpus_active));
        said.join(", ")
    }
}
