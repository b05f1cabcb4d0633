//! How one replica of a model is spread over accelerators: what search, simulator and model share.

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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_experts_reuse_the_attention_ranks() {
        let plan = ParallelPlan { tp: 1, pp: 2, ep: 4, dp: 8 };
        assert_eq!((plan.gpus(), plan.stage_gpus(), plan.expert_tp()), (16, 8, 2));
    }
}
