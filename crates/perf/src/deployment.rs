//! How one replica of a model is deployed: what search, simulator and model share.

use crate::Device;
use crate::operators::moe_routing::Routing;
use rackplan_catalog::Backend;
use rackplan_catalog::Model;
use rackplan_catalog::model::WeightDtype;

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
        self.dp > 1 && self.stage_gpus() > GATHERED
    }
}

/// Accelerators of a stage up to which positions of all attention groups are gathered.
const GATHERED: u32 = 8;

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
    /// Tokens that speculation proposes for each sequence and step; 0 for none.
    pub draft_tokens: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_experts_reuse_the_attention_ranks() {
        let plan = ParallelPlan { tp: 1, pp: 2, ep: 4, dp: 8 };
        assert_eq!((plan.gpus(), plan.stage_gpus(), plan.expert_tp()), (16, 8, 2));
        assert!(!plan.sends_tokens() && ParallelPlan { dp: 16, ..plan }.sends_tokens());
    }
}
