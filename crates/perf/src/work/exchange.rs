//! What ranks exchange in a step, and what they wait for.

use super::{Counts, Work};
use crate::collectives::all_reduce::{AllReduce, Fused, all_reduce};
use crate::collectives::all_to_all::{AllToAll, AllToAllConstants, all_to_all};
use crate::collectives::nccl::{Collective, Exchange, NcclConstants, nccl};
use crate::operators::moe_routing::normal_quantile;
use crate::{Bound, Cost, Device};
use rackplan_units::Seconds;

/// The time of a collective; `None` where the step has nothing for it.
pub(super) fn cost(work: &Work, counts: &Counts, device: &Device) -> Option<Cost> {
    match work {
        Work::AllReduce { shape, token_bytes, constants, fused } if counts.tokens > 0.0 => {
            let shape = AllReduce { bytes: counts.tokens * token_bytes, ..*shape };
            let (shape, constants) = Fused::or(fused.as_ref(), shape, constants);
            Some(all_reduce(&shape, device, &constants).later(waiting_us(shape.ranks, device)))
        }
        Work::Gather { shape, token_bytes, constants } if counts.sampled > 0.0 => {
            let shape = Exchange { bytes: counts.sampled * token_bytes, ..*shape };
            Some(nccl(&shape, device, constants))
        }
        Work::Dispatch(dispatch) if counts.average > 0.0 => {
            let cost = dispatch.cost(counts.average, counts.prompts > 0.0, device);
            Some(cost.later(waiting_us(dispatch.ranks, device)))
        }
        _ => None,
    }
}

/// Ways to bring tokens to experts on other ranks; the faster is taken, unless a framework has its own for prompts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Dispatch {
    /// All ranks of a stage.
    pub(crate) ranks: f64,
    /// Attention data-parallel groups.
    pub(crate) groups: f64,
    /// Bytes of a token on the way to experts.
    pub(crate) token_bytes: f64,
    /// The same where all tokens are gathered, which some kernels narrow only afterwards.
    pub(crate) gathered_bytes: f64,
    /// Bytes of a token on the way back.
    pub(crate) result_bytes: f64,
    /// Experts that a token goes to.
    pub(crate) topk: f64,
    /// Experts of a rank.
    pub(crate) local_experts: f64,
    /// Gather everything, and scatter the sums.
    pub(crate) gather: NcclConstants,
    pub(crate) scatter: NcclConstants,
    /// Sum the tokens of all groups, each in its place among zeros, and the results of all ranks, in steps with prompts.
    pub(crate) summed: Option<NcclConstants>,
    /// Send each token to its experts, where no expert is split: kernels of low latency, and those of high throughput for
    /// steps with prompts.
    pub(crate) sparse: Option<[(AllToAllConstants, AllToAllConstants); 2]>,
}

/// What a rank waits for the last of `ranks`, in microseconds: the expected largest of as many normal variables,
/// sigma · z((n - 0.375) / (n + 0.25)), sigma the device's drift. Source: Blom, Statistical estimates and transformed beta-variables (1958).
pub(crate) fn waiting_us(ranks: f64, device: &Device) -> f64 {
    if ranks <= 1.0 { 0.0 } else { device.drift_us * normal_quantile((ranks - 0.375) / (ranks + 0.25)) }
}

impl Dispatch {
    /// For so many tokens of each group, in a step with or without prompts.
    pub(crate) fn cost(&self, tokens: f64, prompts: bool, device: &Device) -> Cost {
        if let Some(constants) = self.summed.as_ref().filter(|_| prompts) {
            let bytes = tokens * self.groups * self.result_bytes;
            let shape = Exchange { collective: Collective::AllReduce, ranks: self.ranks, bytes };
            let once = nccl(&shape, device, constants);
            return once.then(once);
        }
        let gathered = self.gathered(tokens * self.groups, device);
        let Some((dispatch, combine)) = self.kernels(prompts) else { return gathered };
        let shape = |token_bytes| AllToAll {
            ranks: self.ranks,
            tokens: tokens * self.groups / self.ranks,
            token_bytes,
            topk: self.topk,
            local_experts: self.local_experts,
            per_expert: !prompts,
        };
        let there = all_to_all(&shape(self.token_bytes), device, dispatch);
        let back = all_to_all(&shape(self.result_bytes), device, combine);
        let sparse = Cost { time: there.time + back.time, bound: there.bound };
        if sparse.time.get() < gathered.time.get() { sparse } else { gathered }
    }

    /// Dispatch and combine of steps with or without prompts.
    pub(crate) fn kernels(&self, prompts: bool) -> Option<&(AllToAllConstants, AllToAllConstants)> {
        self.sparse.as_ref().map(|kinds| &kinds[usize::from(prompts)])
    }

    pub(crate) fn gathered(&self, all_tokens: f64, device: &Device) -> Cost {
        let of = |collective, token_bytes: f64, constants| {
            let shape = Exchange { collective, ranks: self.ranks, bytes: all_tokens * token_bytes };
            nccl(&shape, device, constants).time
        };
        let there = of(Collective::AllGather, self.gathered_bytes, &self.gather);
        let back = of(Collective::ReduceScatter, self.result_bytes, &self.scatter);
        Cost { time: Seconds::new(there.get() + back.get()), bound: Bound::Wire }
    }
}
