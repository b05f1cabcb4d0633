//! The plans of one replica that are worth a look, in a fixed order.

use rackplan_perf::ParallelPlan;

/// Sizes to try, where a user names them; an empty list means the usual ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Tensor parallelism.
    pub tp: Vec<u32>,
    /// Pipeline parallelism.
    pub pp: Vec<u32>,
    /// Expert parallelism.
    pub ep: Vec<u32>,
    /// Attention data parallelism.
    pub dp: Vec<u32>,
}

/// Where a replica may spread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// Sizes that were named.
    pub sizes: Sizes,
    /// Those of workers that compute prompts alone, where they were named; the others are as above.
    pub prefill: Sizes,
    /// Whether the model has routed experts; without them attention data parallelism only makes more replicas.
    pub experts: bool,
    /// Accelerators that the scale-up fabric joins.
    pub domain: u32,
}

/// Most accelerators of a pipeline stage by default: what published deployments of wide expert parallelism take.
const STAGE: u32 = 64;
/// Pipeline stages by default.
const STAGES: [u32; 4] = [1, 2, 4, 8];

impl Sizes {
    /// Whether stages are laid out as is usual.
    fn is_free(&self) -> bool {
        self.tp.is_empty() && self.dp.is_empty()
    }

    /// These, and others where none of a kind is named.
    fn or(&self, others: &Self) -> Self {
        let or =
            |named: &[u32], other: &[u32]| if named.is_empty() { other.to_vec() } else { named.to_vec() };
        Self {
            tp: or(&self.tp, &others.tp),
            pp: or(&self.pp, &others.pp),
            // Experts are spread over ranks that other sizes make.
            ep: if self.is_free() { or(&self.ep, &others.ep) } else { self.ep.clone() },
            dp: or(&self.dp, &others.dp),
        }
    }
}

impl Space {
    /// Where workers spread that compute prompts alone.
    pub fn of_prefill(&self) -> Self {
        Self { sizes: self.prefill.or(&self.sizes), ..self.clone() }
    }

    /// Every plan, those of few accelerators to a stage first. Powers of two by default, and with experts stages that fill a
    /// domain of another size: tensor parallelism inside the
    /// scale-up domain, attention data parallelism for models with experts, experts whole or on all ranks of a stage. Of
    /// attention data parallelism and pipelines one at a time, as they are deployed, unless both are named.
    pub fn plans(&self) -> impl Iterator<Item = ParallelPlan> + '_ {
        let stages = or(&self.sizes.pp, || STAGES.to_vec());
        let tps = or(&self.sizes.tp, || powers(self.domain.min(STAGE)));
        let dps = or(&self.sizes.dp, || if self.experts { powers(STAGE) } else { vec![1] });
        let free = self.sizes.tp.is_empty() || self.sizes.dp.is_empty();
        let whole = if self.sizes.dp.is_empty() { self.parts_of_domain() } else { Vec::new() };
        let pairs = tps.into_iter().flat_map(move |tp| {
            let fits = |dp: &u32| !free || *dp == 1 || tp.saturating_mul(*dp) <= STAGE;
            let fill = whole.iter().filter(|gpus| gpus.is_multiple_of(tp)).map(|gpus| gpus / tp);
            dps.iter().copied().filter(fits).chain(fill).map(|dp| (tp, dp)).collect::<Vec<_>>()
        });
        let apart = self.sizes.pp.is_empty();
        pairs.flat_map(move |(tp, dp)| {
            let stages = if apart && dp > 1 { vec![1] } else { stages.clone() };
            self.experts_of(tp.saturating_mul(dp))
                .into_iter()
                .flat_map(move |ep| stages.clone().into_iter().map(move |pp| ParallelPlan { tp, pp, ep, dp }))
        })
    }

    /// Stages that are a scale-up domain or half of it, where that is no power of two and as large as wide deployments are: powers
    /// of two would leave accelerators of a rack over.
    fn parts_of_domain(&self) -> Vec<u32> {
        let is_wide = (STAGE..2 * STAGE).contains(&self.domain) && !self.domain.is_power_of_two();
        if self.experts && is_wide { vec![self.domain / 2, self.domain] } else { Vec::new() }
    }

    /// Ways to spread experts over the ranks of a stage.
    fn experts_of(&self, ranks: u32) -> Vec<u32> {
        match (self.sizes.ep.is_empty(), self.experts) {
            (false, _) => self.sizes.ep.clone(),
            // Experts are not split in other numbers than powers of two.
            (true, true) if ranks > 1 && self.sizes.is_free() && !ranks.is_power_of_two() => vec![ranks],
            (true, true) if ranks > 1 => vec![1, ranks],
            _ => vec![1],
        }
    }
}

fn or(named: &[u32], usual: impl Fn() -> Vec<u32>) -> Vec<u32> {
    if named.is_empty() { usual() } else { named.to_vec() }
}

/// 1, 2, 4 and on, up to a number.
fn powers(most: u32) -> Vec<u32> {
    (0..32).map(|power| 1 << power).take_while(|size| *size <= most.max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(experts: bool, sizes: Sizes) -> Vec<ParallelPlan> {
        Space { sizes, prefill: Sizes::default(), experts, domain: 8 }.plans().collect()
    }

    #[test]
    fn hand_a_dense_model_spreads_over_tensor_and_pipeline() {
        // tp 1, 2, 4, 8 times pp 1, 2, 4, 8.
        let plans = space(false, Sizes::default());
        assert_eq!(plans.len(), 16);
        assert!(plans.iter().all(|plan| (plan.ep, plan.dp) == (1, 1)));
        assert_eq!(plans[1], ParallelPlan { tp: 1, pp: 2, ep: 1, dp: 1 });
    }

    #[test]
    fn hand_experts_are_whole_or_on_all_ranks() {
        let plans = space(true, Sizes { pp: vec![1], ..Sizes::default() });
        // tp 1: dp 1..64, 1 + 6 · 2; tp 2: dp 1..32, 6 · 2; tp 4: 5 · 2; tp 8: 4 · 2.
        assert_eq!(plans.len(), 13 + 12 + 10 + 8);
        assert!(plans.iter().all(|plan| plan.ep == 1 || plan.ep == plan.stage_gpus()));
        let all = space(true, Sizes::default());
        assert!(all.iter().all(|plan| plan.pp == 1 || plan.dp == 1));
        // dp 1 with tp 1, 2, 4, 8: 7 spreads of experts on 4 numbers of stages; the other 43 - 7 on one.
        assert_eq!(all.len(), 7 * 4 + 36);
    }

    #[test]
    fn hand_sizes_of_prefill_replace_those_that_they_name() {
        let (tp, dp) = (|sizes: &[u32]| Sizes { tp: sizes.to_vec(), ..Sizes::default() }, vec![8]);
        let space = Space { sizes: Sizes { dp, ..tp(&[4]) }, prefill: tp(&[1, 2]), experts: true, domain: 8 };
        assert_eq!(space.of_prefill().sizes, Sizes { dp: vec![8], ..tp(&[1, 2]) });
        let spread = Sizes { ep: vec![32], ..space.sizes.clone() };
        assert!(Space { sizes: spread, ..space }.of_prefill().sizes.ep.is_empty());
    }

    #[test]
    fn hand_stages_fill_a_rack_of_72() {
        let of = |experts| Space { sizes: Sizes::default(), prefill: Sizes::default(), experts, domain: 72 };
        let whole = |plan: &ParallelPlan| plan.stage_gpus() == 72 && plan.ep == 72;
        let found: Vec<_> = of(true).plans().filter(whole).map(|plan| (plan.tp, plan.dp)).collect();
        assert_eq!(found, [(1, 72), (2, 36), (4, 18), (8, 9)]);
        assert!(of(true).plans().filter(|plan| plan.stage_gpus() == 36).all(|plan| plan.ep == 36));
        assert!(!of(false).plans().any(|plan| plan.stage_gpus() > 64));
    }

    #[test]
    fn hand_named_sizes_are_taken_as_they_are() {
        let one = Sizes { tp: vec![16], pp: vec![1], ep: vec![3], dp: vec![128] };
        assert_eq!(space(true, one), [ParallelPlan { tp: 16, pp: 1, ep: 3, dp: 128 }]);
    }
}
