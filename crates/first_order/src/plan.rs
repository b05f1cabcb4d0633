//! One plan: whether it is admissible, what it holds, how fast it is and what binds.

use crate::ceilings::{Ceilings, Limit, efficiency};
use crate::communication::{Levels, Load, loads};
use crate::inputs::{Model, Setting};
use crate::memory::{Memory, memory};
use rackplan_units::Bytes;

/// How one instance is spread over GPUs. Every size is at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Tensor parallelism.
    pub tp: u32,
    /// Pipeline stages.
    pub pp: u32,
    /// Expert parallelism; unlike elsewhere in rackplan it multiplies the GPUs.
    pub ep: u32,
}

impl Layout {
    /// GPUs of an instance, `n = tp pp ep`.
    pub fn gpus(self) -> u64 {
        (u64::from(self.tp) * u64::from(self.pp)).saturating_mul(u64::from(self.ep))
    }

    /// GPUs that share the attention weights, `tp pp`.
    pub(crate) fn shards(self) -> f64 {
        f64::from(self.tp) * f64::from(self.pp)
    }

    /// GPUs over which a model's cache is divided: `min(tp, ways) pp`.
    pub(crate) fn cache_shards(self, model: &Model) -> f64 {
        f64::from(self.tp.min(model.kv_ways.unwrap_or(self.tp))) * f64::from(self.pp)
    }

    /// Layers of one stage, `L / pp`.
    pub(crate) fn layers_per_stage(self, model: &Model) -> f64 {
        f64::from(model.layers) / f64::from(self.pp)
    }
}

/// Why a plan is none, with both sides of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Inadmissible {
    /// Stages would differ.
    #[error("{pp} stages do not divide {layers} layers")]
    UnevenLayers {
        /// Pipeline stages.
        pp: u32,
        /// Layers of the model.
        layers: u32,
    },
    /// GPUs would hold different numbers of heads.
    #[error("tensor parallelism {tp} does not divide {heads} heads")]
    UnevenHeads {
        /// Tensor parallelism.
        tp: u32,
        /// Attention heads of the model.
        heads: u32,
    },
    /// GPUs would hold different numbers of experts.
    #[error("expert parallelism {ep} does not divide {experts} experts")]
    UnevenExperts {
        /// Expert parallelism.
        ep: u32,
        /// Experts per layer of the model.
        experts: u32,
    },
    /// Not one instance can be placed.
    #[error("an instance needs {needed} GPUs of {available}")]
    TooFewGpus {
        /// GPUs of an instance.
        needed: u64,
        /// GPUs there are.
        available: u64,
    },
    /// One GPU would hold too much.
    #[error("a GPU would hold {needed} of {available}")]
    OutOfMemory {
        /// Bytes wanted per GPU.
        needed: Bytes,
        /// Bytes that may be used.
        available: Bytes,
    },
}

/// A plan evaluated: one instance of it, and as many as fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// How an instance is spread.
    pub layout: Layout,
    /// GPUs of an instance.
    pub gpus_per_instance: u64,
    /// Instances that fit on all GPUs.
    pub instances: u64,
    /// Share of the ceilings that the batch reaches.
    pub efficiency: f64,
    /// What one GPU holds.
    pub memory: Memory,
    /// What an instance puts on the links.
    pub loads: Levels<Load>,
    /// Ceilings of an instance without efficiency, in tokens per second.
    pub ceilings: Ceilings,
    /// Which ceiling binds.
    pub limit: Limit,
    /// Tokens per second of an instance.
    pub tokens_per_second: f64,
    /// Tokens per second over all instances.
    pub tokens_per_second_total: f64,
}

impl Plan {
    /// Tokens per second of each GPU of an instance.
    pub fn tokens_per_second_per_gpu(&self) -> f64 {
        self.tokens_per_second / self.gpus_per_instance as f64
    }

    /// The same plan on another number of GPUs. In training the gradient traffic would change, so only for decode.
    pub(crate) fn on(mut self, gpus: u64) -> Self {
        self.instances = gpus / self.gpus_per_instance;
        self.tokens_per_second_total = self.tokens_per_second * self.instances as f64;
        self
    }
}

/// Whether the model can be split like this and one instance fits on `gpus` GPUs; memory aside.
///
/// L mod pp = 0, H mod tp = 0, E mod ep = 0, n <= GPUs. Source: the founding documents' three-ceiling method.
pub fn divides(model: &Model, layout: Layout, gpus: u64) -> Result<(), Inadmissible> {
    let Layout { tp, pp, ep } = layout;
    if !model.layers.is_multiple_of(pp) {
        return Err(Inadmissible::UnevenLayers { pp, layers: model.layers });
    }
    if !model.heads.is_multiple_of(tp) {
        return Err(Inadmissible::UnevenHeads { tp, heads: model.heads });
    }
    if !model.experts().is_multiple_of(ep) {
        return Err(Inadmissible::UnevenExperts { ep, experts: model.experts() });
    }
    if layout.gpus() > gpus {
        return Err(Inadmissible::TooFewGpus { needed: layout.gpus(), available: gpus });
    }
    Ok(())
}

/// Evaluates a plan with `batch` sequences per instance on `gpus` GPUs in all.
///
/// Instance tokens/s = efficiency · min(compute, HBM, communication); instances = GPUs // n.
/// Source: the founding documents' three-ceiling method.
pub fn evaluate(setting: &Setting, layout: Layout, batch: u32, gpus: u64) -> Result<Plan, Inadmissible> {
    divides(&setting.model, layout, gpus)?;
    let memory = memory(setting, layout, batch);
    if memory.used > memory.limit {
        return Err(Inadmissible::OutOfMemory { needed: memory.used, available: memory.limit });
    }
    let instances = gpus / layout.gpus();
    let loads = loads(setting, layout, batch, memory.weights, instances);
    let ceilings = Ceilings::new(setting, layout, &loads);
    let efficiency = efficiency(setting.mode, batch);
    let (tokens_per_second, limit) = ceilings.lowest(efficiency);
    Ok(Plan {
        layout,
        gpus_per_instance: layout.gpus(),
        instances,
        efficiency,
        memory,
        loads,
        ceilings,
        limit,
        tokens_per_second,
        tokens_per_second_total: tokens_per_second * instances as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{qwen_on_gb200, setting};
    use crate::inputs::Mode;

    fn close(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-4, "{found} is not {expected}");
    }

    #[test]
    fn hand_qwen_at_4_bits_on_one_gb200() {
        let setting = qwen_on_gb200();
        let plan = evaluate(&setting, Layout { tp: 1, pp: 1, ep: 1 }, 8, 144).unwrap();
        // 235e9 · 0.5 B = 117.5 GB; 2 · 94 · 1536 · 0.75 = 216,576 B a token, times 5120 · 8 = 8.871 GB; 5 % is 9.6 GB.
        close(plan.memory.weights.get(), 117.5e9);
        close(plan.memory.kv_cache.get(), 8.871e9);
        close(plan.memory.used.get(), 135.97e9);
        // A = 235e9 (0.12 + 0.88 / 16) = 41.125e9, 82.25 GFLOP a token: 24e12 · 1.18 / 82.25e9 = 344.3 tok/s, and
        // 0.65 + 0.08 · 3 = 0.89 of it on each of 144 GPUs.
        close(plan.ceilings.compute, 344.32);
        close(plan.tokens_per_second_total, 344.32 * 0.89 * 144.0);
        // 3.4e12 / (1.1 · 216,576) = 14.2717e6 tok/s.
        close(plan.ceilings.hbm, 14.2717e6);
        assert_eq!(plan.limit, Limit::Compute);
    }

    #[test]
    fn hand_an_instance_larger_than_a_rack_loads_the_inter_rack_links() {
        let setting = setting("NVIDIA GB300 NVL72", "3", 4, Mode::Inference);
        let plan = evaluate(&setting, Layout { tp: 32, pp: 4, ep: 2 }, 4, 21 * 72).unwrap();
        // 256 GPUs of 72. Tensor: 4 · 3072 · 40 · 31/32 = 476,160 B in 80 messages over 4 servers. Dispatch: 2 · 3072 ·
        // 24 · 2.4 = 353,894 B in 2.4. Pipeline: 16 servers, so inter-rack, 2 · 3072 · 3 = 18,432 B in 3.
        close(plan.loads.inter_server.bytes_per_token, 476_160.0);
        close(plan.loads.intra_server.bytes_per_token, 353_894.4);
        // The pipeline counts twice there: once placed, once because the instance leaves the rack.
        close(plan.loads.inter_rack.bytes_per_token, 476_160.0 + 353_894.4 + 2.0 * 18_432.0);
        close(plan.loads.inter_rack.messages_per_token, 80.0 + 2.4 + 6.0);
        assert_eq!(plan.limit, Limit::Communication);
    }

    #[test]
    fn hand_what_does_not_divide_or_fit_says_so() {
        let setting = qwen_on_gb200();
        let reason = |tp, pp, ep, gpus| evaluate(&setting, Layout { tp, pp, ep }, 8, gpus).unwrap_err();
        assert_eq!(reason(1, 3, 1, 144), Inadmissible::UnevenLayers { pp: 3, layers: 94 });
        assert_eq!(reason(12, 1, 1, 144), Inadmissible::UnevenHeads { tp: 12, heads: 64 });
        assert_eq!(reason(1, 1, 3, 144), Inadmissible::UnevenExperts { ep: 3, experts: 128 });
        assert_eq!(reason(32, 2, 8, 144), Inadmissible::TooFewGpus { needed: 512, available: 144 });
        assert!(matches!(
            evaluate(&setting, Layout { tp: 1, pp: 1, ep: 1 }, 400, 144),
            Err(Inadmissible::OutOfMemory { .. })
        ));
    }
}
