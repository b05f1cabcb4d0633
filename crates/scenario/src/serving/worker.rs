//! Parallel sizes as people write them down, and the plan that they mean.

use super::fields::wrong;
use super::layout::MOST_GPUS;
use rackplan_perf::ParallelPlan;

/// Sizes of one worker, as far as they are said; none of them is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Worker {
    pub(super) workers: u32,
    pub(super) tp: Option<u32>,
    pub(super) pp: Option<u32>,
    pub(super) dp: Option<u32>,
    pub(super) ep: Option<u32>,
    pub(super) moe_tp: Option<u32>,
    pub(super) moe_ep: Option<u32>,
    /// `tp` counts all ranks, and attention is data parallel over them.
    pub(super) attention_dp: bool,
    /// Sequences of an attention rank.
    pub(super) batch: Option<u32>,
}

impl Worker {
    /// From `1w tp1 pp1 dp8 moe_tp1 moe_ep8 bs1` or `4w tp8 ep8 dpattn=True`. A size of 0 is one that is not known; no
    /// workers are none that can be read.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut worker = Self::default();
        for word in text.split_whitespace() {
            match word.strip_prefix("dpattn=") {
                Some(on) => worker.attention_dp = on.eq_ignore_ascii_case("true"),
                None => worker.set(word)?,
            }
        }
        (worker.workers > 0).then_some(worker)
    }

    fn set(&mut self, word: &str) -> Option<()> {
        if let Some(workers) = word.strip_suffix('w') {
            self.workers = workers.parse().ok().filter(|workers| *workers <= MOST_GPUS)?;
            return Some(());
        }
        let (name, digits) = word.split_at(word.find(|c: char| c.is_ascii_digit())?);
        let size: u32 = digits.parse().ok().filter(|size| *size <= MOST_GPUS)?;
        let place = match name {
            "tp" => &mut self.tp,
            "pp" => &mut self.pp,
            "dp" => &mut self.dp,
            "ep" => &mut self.ep,
            "moe_tp" => &mut self.moe_tp,
            "moe_ep" => &mut self.moe_ep,
            "bs" => &mut self.batch,
            _ => return None,
        };
        *place = Some(size).filter(|size| *size > 0);
        Some(())
    }

    /// The plan, on `gpus` accelerators if their number is known, of a model whose routed experts, if it has any, are of
    /// such a width.
    pub(super) fn plan(
        self,
        gpus: Option<u32>,
        width: Option<u64>,
        assumed: &mut Vec<String>,
    ) -> Result<ParallelPlan, String> {
        let pp = self.pp.unwrap_or(1);
        let (tp, dp) = self.attention(gpus, width.is_some(), assumed);
        let stage =
            tp.checked_mul(dp).filter(|stage| stage.checked_mul(pp).is_some_and(|all| all <= MOST_GPUS));
        let Some(stage) = stage else {
            return Err(wrong(
                "tp",
                &tp.to_string(),
                &format!("at most {MOST_GPUS} accelerators of tp, pp and dp"),
            ));
        };
        let ep = match width {
            Some(width) => whole_tiles(self.expert_ranks(stage, assumed)?, stage, width, assumed),
            None => 1,
        };
        Ok(ParallelPlan { tp, pp, ep, dp })
    }

    /// Tensor and data parallelism of attention.
    fn attention(self, gpus: Option<u32>, experts: bool, assumed: &mut Vec<String>) -> (u32, u32) {
        let (tp, dp, pp) = (self.tp.unwrap_or(1), self.dp.unwrap_or(1), self.pp.unwrap_or(1));
        if self.attention_dp {
            return (1, tp.max(dp));
        }
        let written = u64::from(tp) * u64::from(dp) * u64::from(pp);
        let Some(gpus) = gpus else { return (tp, dp) };
        // Engines count attention data parallelism inside their tensor parallelism: `tp 8, dp 8` are eight ranks.
        if written > u64::from(gpus) && tp.is_multiple_of(dp) && tp.checked_mul(pp) == Some(gpus) {
            return (tp / dp, dp);
        }
        let ranks = self.moe_tp.unwrap_or(1).checked_mul(self.moe_ep.or(self.ep).unwrap_or(1));
        let all = ranks.and_then(|ranks| ranks.checked_mul(pp)) == Some(gpus);
        if experts && dp == 1 && all && written < u64::from(gpus) && gpus.is_multiple_of(tp * pp) {
            let dp = gpus / (tp * pp);
            assumed.push(format!("dp: {dp}, so that attention is on the ranks of the experts"));
            return (tp, dp);
        }
        (tp, dp)
    }

    /// Expert parallelism on the ranks of a stage.
    fn expert_ranks(self, stage: u32, assumed: &mut Vec<String>) -> Result<u32, String> {
        match (self.ep, self.moe_ep, self.moe_tp) {
            (Some(ep), _, _) if stage.is_multiple_of(ep) => Ok(ep),
            (Some(ep), None, _) => {
                Err(wrong("ep", &ep.to_string(), &format!("a divisor of the {stage} ranks of tp and dp")))
            }
            (_, Some(ep), _) if stage.is_multiple_of(ep) => Ok(ep),
            (_, Some(ep), _) => {
                Err(wrong("moe_ep", &ep.to_string(), &format!("a divisor of the {stage} ranks of tp and dp")))
            }
            (None, None, Some(tp)) if stage.is_multiple_of(tp) => Ok(stage / tp),
            (None, None, _) => {
                if stage > 1 {
                    assumed.push("ep: 1, every expert on all ranks".to_owned());
                }
                Ok(1)
            }
        }
    }
}

/// Columns of an expert that a rank holds at least: a tile, and a block of block-wise scales.
const TILE: u64 = 128;

/// Expert parallelism as it can be: where ranks would split an expert into less than a tile each, as `ep 1` on 32 ranks
/// beside attention data parallelism says, experts are spread over all of them.
fn whole_tiles(ep: u32, stage: u32, width: u64, assumed: &mut Vec<String>) -> u32 {
    if width >= TILE * u64::from(stage / ep) || ep == stage {
        return ep;
    }
    assumed.push(format!("ep: {stage}, as {} ranks split no expert of {width}", stage / ep));
    stage
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plan(text: &str, gpus: Option<u32>) -> ParallelPlan {
        let worker = Worker::parse(text).expect("it is a layout");
        worker.plan(gpus, Some(2048), &mut Vec::new()).expect("it is a plan")
    }

    #[test]
    fn hand_layouts_as_people_write_them() {
        let wide = plan("2w tp1 pp1 dp32 moe_tp1 moe_ep32 bs64", None);
        assert_eq!(wide, ParallelPlan { tp: 1, pp: 1, ep: 32, dp: 32 });
        assert_eq!(plan("4w tp8 ep8 dpattn=True", None), ParallelPlan { tp: 1, pp: 1, ep: 8, dp: 8 });
        assert_eq!(plan("4w tp8 ep4 dpattn=False", None), ParallelPlan { tp: 8, pp: 1, ep: 4, dp: 1 });
        // `tp 8, dp 8` on 8 accelerators; and experts on twice the ranks that attention is said to have.
        assert_eq!(plan("1w tp8 dp8 ep8", Some(8)), ParallelPlan { tp: 1, pp: 1, ep: 8, dp: 8 });
        assert_eq!(plan("1w tp1 ep1 moe_tp2", Some(2)), ParallelPlan { tp: 1, pp: 1, ep: 1, dp: 2 });
        // A 32nd of 2,048 columns is less than a tile: experts are spread.
        assert_eq!(plan("1w tp1 dp32 moe_tp32 moe_ep1", None).ep, 32);
        // 0 is unknown: 8 ranks, experts split by none, so that each has its own.
        assert_eq!(plan("1w tp8 moe_tp1 moe_ep0", None).ep, 8);
        for wrong in ["", "tp8", "0w tp8", "1w tp8 xp3", "1w tp", "9999999999w"] {
            assert_eq!(Worker::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn hand_experts_that_do_not_divide_the_ranks_are_refused() {
        let worker = Worker::parse("1w tp4 ep3").expect("it is a layout");
        let problem = worker.plan(None, Some(2048), &mut Vec::new()).expect_err("3 does not divide 4");
        assert!(
            problem.contains("`ep` is `3`") && problem.contains("hint: expected a divisor of the 4"),
            "{problem}"
        );
        assert_eq!(worker.plan(None, None, &mut Vec::new()).map(|plan| plan.ep), Ok(1));
    }

    proptest! {
        #[test]
        fn law_any_sizes_give_a_plan_or_a_problem(
            sizes in proptest::collection::vec(proptest::option::of(1_u32..=MOST_GPUS), 6),
            gpus in proptest::option::of(1_u32..=MOST_GPUS),
            width in proptest::option::of(1_u64..10_000),
            attention_dp: bool,
        ) {
            let worker = Worker {
                workers: 1, tp: sizes[0], pp: sizes[1], dp: sizes[2], ep: sizes[3], moe_tp: sizes[4], moe_ep: sizes[5],
                attention_dp, batch: None,
            };
            if let Ok(plan) = worker.plan(gpus, width, &mut Vec::new()) {
                prop_assert!(plan.gpus() >= 1 && plan.stage_gpus().is_multiple_of(plan.ep));
            }
        }
    }
}
