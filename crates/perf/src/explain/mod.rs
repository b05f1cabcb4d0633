//! Why a step takes what it takes: of each part what it computes, reads and sends, its formula with numbers in, and what
//! of it is not hidden behind others. Times are those of [`Compiled::estimate`]; nothing is priced a second time.

mod attention;
mod communication;
mod terms;
mod text;

use crate::inference::{Batch, Compiled, PartTime};
use crate::layers::{Lane, Part};
use crate::work::{Counts, Work};
use crate::{BLIND, Bound, Cost, Device, Evidence};
use rackplan_catalog::Format;
use rackplan_units::Seconds;
use terms::Terms;

/// What one call of an operator does on one rank, as little as its job needs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Amounts {
    /// Multiplications and additions.
    pub flops: f64,
    /// Bytes read from and written to the accelerator's memory.
    pub bytes: f64,
    /// Bytes sent over links.
    pub wire: f64,
}

/// Kinds of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Attention over the cache, with the choice of what to attend to.
    Attention,
    /// Recurrent states.
    Recurrence,
    /// Multiplications with weights that every token meets.
    Dense,
    /// Experts that tokens choose.
    Experts,
    /// Norms, activations, embedding, sampling.
    Passes,
    /// Collectives and sends.
    Communication,
    /// What the host does between steps.
    Host,
}

/// One part of a step, explained.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainedPart {
    /// Name, times, bound, evidence, band.
    pub part: PartTime,
    /// Place of its layer kind among the model's, in the order of first use, and one further for a speculative module;
    /// none before and after the layers.
    pub layer_kind: Option<u16>,
    /// What it adds to the step: all of its time, or none where something longer runs beside it.
    pub exposed: Seconds,
    /// Of one call.
    pub amounts: Amounts,
    /// The arithmetic of its multiplications.
    pub arithmetic: Option<Format>,
    /// Its formula with the numbers of one call.
    pub formula: String,
}

impl Family {
    /// As answers spell it.
    pub fn name(self) -> &'static str {
        match self {
            Family::Attention => "attention",
            Family::Recurrence => "recurrence",
            Family::Dense => "dense matrices",
            Family::Experts => "routed experts",
            Family::Passes => "norms and passes",
            Family::Communication => "communication",
            Family::Host => "host",
        }
    }
}

impl Work {
    /// What one call computes, reads and sends.
    pub(crate) fn amounts(&self, counts: &Counts, device: &Device) -> Amounts {
        Terms::of(self, counts, device).amounts
    }

    /// The formula of one call with its numbers, up to the time that it takes.
    pub(crate) fn formula(&self, counts: &Counts, device: &Device, time: Seconds) -> String {
        text::formula(&Terms::of(self, counts, device), time.get() * 1e6)
    }

    /// What kind of work it is.
    pub(crate) fn family(&self) -> Family {
        match self {
            Work::Gemm { .. } => Family::Dense,
            Work::Pass { .. } | Work::Embed(_) | Work::Sample(_) => Family::Passes,
            Work::Linear(_) => Family::Recurrence,
            Work::Host { .. } => Family::Host,
            Work::Moe { .. } => Family::Experts,
            Work::AllReduce { .. } | Work::Gather { .. } | Work::Dispatch(_) => Family::Communication,
            _ => Family::Attention,
        }
    }
}

impl Compiled {
    /// A step, part by part, with the reasons. What the parts add to the step sums up to its time.
    pub fn explain(&self, batch: &Batch) -> Vec<ExplainedPart> {
        let mut parts = Vec::new();
        self.visit(batch, |part, count, cost, counts| {
            parts.push(explained(part, count, cost, counts, self.device()));
        });
        hide(&mut parts);
        parts.extend(self.explained_sends(batch));
        parts
    }

    /// The messages between pipeline stages; none where there is one stage.
    fn explained_sends(&self, batch: &Batch) -> Option<ExplainedPart> {
        let count = self.stages() - 1.0;
        let tokens = self.sent_tokens(batch);
        let wire = self.sent_bytes(tokens);
        let time = Seconds::new(self.sends(tokens));
        let (name, family) = ("send_between_stages", Family::Communication);
        let (bound, evidence) = (Bound::Wire, Evidence::Unvalidated);
        let formula = text::send(wire, time.get() * 1e6 / count);
        (count > 0.0).then(|| ExplainedPart {
            part: PartTime { name, count, family, lane: Lane::Alone, time, bound, evidence, band: BLIND },
            layer_kind: None,
            exposed: time,
            amounts: Amounts { wire, ..Amounts::default() },
            arithmetic: None,
            formula,
        })
    }
}

fn explained(part: &Part, count: f64, cost: Cost, counts: &Counts, device: &Device) -> ExplainedPart {
    let Part { name, lane, evidence, band, .. } = *part;
    let (time, family) = (Seconds::new(count * cost.time.get()), part.work.family());
    ExplainedPart {
        part: PartTime { name, count, family, lane, time, bound: cost.bound, evidence, band },
        layer_kind: part.layer_kind,
        exposed: time,
        amounts: part.work.amounts(counts, device),
        arithmetic: terms::arithmetic(&part.work),
        formula: part.work.formula(counts, device, cost.time),
    }
}

/// Where two lanes run side by side, the shorter one adds nothing to the step.
fn hide(parts: &mut [ExplainedPart]) {
    let side_by_side =
        |a: &ExplainedPart, b: &ExplainedPart| (a.part.lane == Lane::Alone) == (b.part.lane == Lane::Alone);
    for run in parts.chunk_by_mut(side_by_side) {
        let sum = |lane: Lane| -> f64 {
            run.iter().filter(|part| part.part.lane == lane).map(|part| part.part.time.get()).sum()
        };
        let hidden = if sum(Lane::Routed) >= sum(Lane::Shared) { Lane::Shared } else { Lane::Routed };
        for part in run.iter_mut().filter(|part| part.part.lane == hidden) {
            part.exposed = Seconds::new(0.0);
        }
    }
}
