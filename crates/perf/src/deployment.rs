//! How one replica of a model is deployed: what search, simulator and model share.

use crate::Device;
use crate::operators::moe_routing::Routing;
use rackplan_catalog::model::{Ffn, WeightDtype};
use rackplan_catalog::{Backend, Model};

/// Sizes of the parallel groups of one replica. Each is at least 1.
///
/// A pipeline stage has `tp · dp` accelerators. Attention uses them as `dp` groups of `tp`; routed experts use the same
/// ones as `ep` groups of `tp · dp / ep` that split every expert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParallelPlan {
    /// Tensor parallelism: ranks that share every matrix of attention and dense layers.
    pub tp: u32,
    /// Pipeline parallelism: stages of consecutive layers.
    pub pp: u32,
    /// Expert parallelism: ranks that share the experts, drawn from the `tp · dp` of a stage, which it divides.
    pub ep: u32,
    /// Attention data parallelism: groups that hold their own attention weights and KV cache.
    pub dp: u32,
}

impl ParallelPlan {
    /// One accelerator.
    pub const SINGLE: Self = Self { tp: 1, pp: 1, ep: 1, dp: 1 };

    /// Tensor parallelism and nothing else.
    pub fn tensor(tp: u32) -> Self {
        Self { tp, ..Self::SINGLE }
    }

    /// Accelerators of one replica, `tp · pp · dp`; `ep` reuses them.
    pub fn gpus(self) -> u32 {
        self.stage_gpus() * self.pp
    }

    /// Accelerators of one pipeline stage, `tp · dp`.
    pub fn stage_gpus(self) -> u32 {
        self.tp * self.dp
    }

    /// Ranks that split each expert, `tp · dp / ep`.
    pub fn expert_tp(self) -> u32 {
        (self.stage_gpus() / self.ep).max(1)
    }

    /// Whether tokens are sent to their experts alone. Under attention data parallelism frameworks gather the positions of
    /// all groups, padded to the fullest, up to the accelerators of one server. Scores of both ways:
    /// docs/fidelity-serving.md.
    pub fn sends_tokens(self) -> bool {
        self.dp > 1 && self.stage_gpus() > SERVER
    }

    /// Experts of a layer with `experts` that a rank holds, copies among them: as many whole ones as come nearest to all with
    /// the copies asked for, where tokens are sent to them; without copies its share, at least one.
    pub fn local_experts(self, experts: f64, redundant: u32) -> f64 {
        let (ranks, redundant) = (f64::from(self.ep), f64::from(redundant));
        if redundant == 0.0 || !self.sends_to_experts() {
            return (experts / ranks).max(1.0);
        }
        ((experts + redundant) / ranks).round().max((experts / ranks).ceil())
    }

    /// Copies of experts of such a layer, over all ranks.
    pub fn copies(self, experts: f64, redundant: u32) -> f64 {
        let none = redundant == 0 || !self.sends_to_experts();
        if none { 0.0 } else { self.local_experts(experts, redundant) * f64::from(self.ep) - experts }
    }

    /// Front ends of a replica, which tokenise: one for each server that it spans, as wide deployments are launched (API servers
    /// of vLLM's data parallelism, several front ends of Dynamo). An estimate.
    pub fn front_ends(self) -> u32 {
        self.gpus().div_ceil(SERVER)
    }

    /// Whether they are sent to whole experts, each of them on a rank.
    pub fn sends_to_experts(self) -> bool {
        self.sends_tokens() && self.expert_tp() == 1
    }
}

/// Accelerators of one server: of a stage of so many positions of all attention groups are gathered.
const SERVER: u32 = 8;

/// Number formats of a deployment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Precision {
    /// Weights of attention and other mixers.
    pub attention: WeightDtype,
    /// Weights of dense networks and shared experts.
    pub dense: WeightDtype,
    /// Weights of routed experts.
    pub experts: WeightDtype,
    /// Bytes of a number in the KV cache: 2 or 1.
    pub kv_bytes: f64,
}

impl Precision {
    /// One format for all weights.
    pub fn uniform(weights: WeightDtype, kv_bytes: f64) -> Self {
        Self { attention: weights, dense: weights, experts: weights, kv_bytes }
    }
}

/// One replica of a model on accelerators of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Deployment<'a> {
    /// The model.
    pub model: &'a Model,
    /// Catalog id of the accelerator.
    pub gpu: &'a str,
    /// The accelerator.
    pub device: Device,
    /// Whose kernels run.
    pub backend: Backend,
    /// How it is spread.
    pub plan: ParallelPlan,
    /// Number formats.
    pub precision: Precision,
    /// How tokens choose experts; as serving results have it if nothing is said.
    pub routing: Option<Routing>,
    /// Copies of popular experts of a layer that balance the load of ranks to which tokens are sent; 0 for none.
    pub redundant_experts: u32,
    /// Tokens that speculation proposes for each sequence and step; 0 for none.
    pub draft_tokens: u32,
}

impl Deployment<'_> {
    /// Experts of a layer with `experts` that a rank holds: [`ParallelPlan::local_experts`].
    pub fn local_experts(&self, experts: f64) -> f64 {
        self.plan.local_experts(experts, self.redundant_experts)
    }

    /// Copies of experts of the layer that has most, over all ranks.
    pub fn most_copies(&self) -> f64 {
        let experts = self.model.layer_counts().filter_map(|(_, kind, _)| match kind.ffn.as_ref()? {
            Ffn::Moe(moe) => Some(moe.experts as f64),
            Ffn::Dense(_) => None,
        });
        experts.map(|experts| self.copies(experts)).fold(0.0, f64::max)
    }

    /// Copies of experts of a layer with so many, over all ranks.
    pub fn copies(&self, experts: f64) -> f64 {
        self.plan.copies(experts, self.redundant_experts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_copies_fill_ranks_up() {
        let wide = |ranks| ParallelPlan { tp: 1, pp: 1, ep: ranks, dp: ranks };
        let of = |ranks| (wide(ranks).local_experts(256.0, 32), wide(ranks).copies(256.0, 32));
        // 288 places on 32, 144 and 72 ranks; 2.25 a rank of 128 are 2, so that none is left for copies; on 40 ranks 7.2.
        assert_eq!([32, 144, 72].map(of), [(9.0, 32.0), (2.0, 32.0), (4.0, 32.0)]);
        assert_eq!([128, 40].map(of), [(2.0, 0.0), (7.0, 24.0)]);
        // Inside a server all ranks see all tokens; nobody asked for copies.
        assert_eq!([of(8), (32.0, 0.0)], [(32.0, 0.0); 2]);
        assert_eq!((wide(32).local_experts(256.0, 0), wide(32).copies(256.0, 0)), (8.0, 0.0));
        assert_eq!([8, 16, 17, 144].map(|ranks| wide(ranks).front_ends()), [1, 2, 3, 18]);
    }

    #[test]
    fn hand_experts_reuse_the_attention_ranks() {
        let plan = ParallelPlan { tp: 1, pp: 2, ep: 4, dp: 8 };
        assert_eq!((plan.gpus(), plan.stage_gpus(), plan.expert_tp()), (16, 8, 2));
        assert!(!plan.sends_tokens() && ParallelPlan { dp: 16, ..plan }.sends_tokens());
    }
}
