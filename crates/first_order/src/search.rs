//! The best plan of a number of GPUs, over a grid of layouts.

use crate::inputs::{Mode, Model, Setting};
use crate::plan::{Layout, Plan, evaluate};

/// Relative difference above which rounding cannot turn the order of two products around.
const ROUNDING: f64 = 1e-12;

/// Parallel sizes that are tried with one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Tensor parallelism.
    pub tp: Vec<u32>,
    /// Pipeline stages.
    pub pp: Vec<u32>,
    /// Expert parallelism; a dense model has only 1.
    pub ep: Vec<u32>,
}

impl Default for Grid {
    /// The founding documents' sizes, in their order.
    fn default() -> Self {
        Self { tp: vec![1, 2, 4, 8, 12, 16, 24, 32], pp: vec![1, 2, 3, 4, 6, 8], ep: vec![1, 2, 4, 8] }
    }
}

impl Grid {
    /// Every layout, in the order in which ties are settled.
    pub fn layouts(&self, model: &Model) -> impl Iterator<Item = Layout> {
        let ep = if model.moe.is_some() { self.ep.as_slice() } else { &[1] };
        let of = move |tp: u32, pp: u32| ep.iter().map(move |&ep| Layout { tp, pp, ep });
        self.tp.iter().flat_map(move |&tp| self.pp.iter().flat_map(move |&pp| of(tp, pp)))
    }

    /// The plan with the highest total tokens/s; a tie keeps the first of the grid.
    ///
    /// Source: the founding documents' three-ceiling method.
    pub fn best_plan(&self, setting: &Setting, batch: u32, gpus: u64) -> Option<Plan> {
        fastest(self.layouts(&setting.model).filter_map(|layout| evaluate(setting, layout, batch, gpus).ok()))
    }
}

fn fastest(plans: impl Iterator<Item = Plan>) -> Option<Plan> {
    plans.fold(None, |best: Option<Plan>, plan| match best {
        Some(held) if held.tokens_per_second_total >= plan.tokens_per_second_total => best,
        _ => Some(plan),
    })
}

/// The plans of a batch that can be the best on some number of GPUs, for decode.
///
/// In decode an instance does not depend on how many there are, so a search over rack counts evaluates each layout
/// once and then only multiplies. Of layouts with the same number of GPUs the slower ones never win.
#[derive(Clone, Debug)]
pub struct Candidates {
    /// Sequences per instance.
    pub batch: u32,
    plans: Vec<Plan>,
}

impl Candidates {
    /// Evaluates the grid once.
    pub fn new(grid: &Grid, setting: &Setting, batch: u32) -> Self {
        assert!(setting.mode == Mode::Inference, "in training an instance depends on how many there are");
        let mut plans: Vec<Plan> = Vec::new();
        let alone = |layout: Layout| evaluate(setting, layout, batch, layout.gpus()).ok();
        for plan in grid.layouts(&setting.model).filter_map(alone) {
            let same = |held: &Plan| held.gpus_per_instance == plan.gpus_per_instance;
            if plans.iter().any(|held| same(held) && held.tokens_per_second >= plan.tokens_per_second) {
                continue;
            }
            let clearly_less =
                |held: &Plan| held.tokens_per_second * (1.0 + ROUNDING) < plan.tokens_per_second;
            plans.retain(|held| !(same(held) && clearly_less(held)));
            plans.push(plan);
        }
        Self { batch, plans }
    }

    /// As [`Grid::best_plan`] on the same number of GPUs.
    pub fn best(&self, gpus: u64) -> Option<Plan> {
        let fitting = self.plans.iter().filter(|plan| plan.gpus_per_instance <= gpus);
        fastest(fitting.map(|plan| plan.on(gpus)))
    }

    /// Fewest GPUs on which some plan could hold `users` at once and reach `tokens_per_second`.
    ///
    /// A lower bound: it takes instances as divisible.
    pub fn fewest_gpus(&self, users: f64, tokens_per_second: f64) -> f64 {
        let needed = |plan: &Plan| {
            let instances = (users / f64::from(self.batch)).max(tokens_per_second / plan.tokens_per_second);
            instances * plan.gpus_per_instance as f64
        };
        self.plans.iter().map(needed).fold(f64::INFINITY, f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{every_setting, qwen_on_gb200};

    #[test]
    fn law_candidates_find_what_the_grid_finds() {
        let grid = Grid::default();
        for setting in every_setting(Mode::Inference) {
            for batch in [1, 8, 12] {
                let candidates = Candidates::new(&grid, &setting, batch);
                for racks in [1, 2, 3, 7, 21, 1000] {
                    let gpus = racks * setting.rack.gpus();
                    assert_eq!(candidates.best(gpus), grid.best_plan(&setting, batch, gpus));
                }
            }
        }
    }

    #[test]
    fn hand_grid_of_a_dense_model_has_48_layouts() {
        // 8 tensor x 6 pipeline sizes, and 4 expert sizes only with experts.
        let mut model = qwen_on_gb200().model;
        assert_eq!(Grid::default().layouts(&model).count(), 192);
        model.moe = None;
        assert_eq!(Grid::default().layouts(&model).count(), 48);
    }
}
