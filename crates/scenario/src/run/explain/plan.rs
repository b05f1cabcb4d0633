//! The layout of the replica that is explained: sizes that divide what they split.

use super::read::Asked;
use crate::QuestionError;
use crate::serving::{Formats, experts_of, weights_fit};
use rackplan_catalog::model::Mixer;
use rackplan_catalog::{Entry, Framework, Gpu, Model};
use rackplan_perf::ParallelPlan;

/// Largest size of any kind, and most accelerators of a replica.
const MOST: u64 = 4096;
const MOST_GPUS: u64 = 1 << 16;
/// Tensor-parallel sizes that are tried where nobody says.
const USUAL: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];

/// Reads the sizes; where no `tp` is given takes the fewest accelerators that hold the weights.
pub(super) fn plan(
    asked: &mut Asked,
    model: &Entry<Model>,
    gpu: &Entry<Gpu>,
    (formats, framework): (Formats, &Framework),
) -> Result<ParallelPlan, QuestionError> {
    asked.question.check_copies(asked.layers)?;
    let search = asked.question.search.clone();
    let sizes = [
        ("search.tp", search.tp),
        ("search.pp", search.pp),
        ("search.ep", search.ep),
        ("search.dp", search.dp),
    ];
    let mut read = [None; 4];
    for (size, (path, given)) in read.iter_mut().zip(sizes) {
        *size = asked.one(path, given.map(|list| list.0), MOST)?;
    }
    let [tp, pp, ep, dp] = read;
    let alone = ParallelPlan { tp: 1, pp: pp.unwrap_or(1), ep: ep.unwrap_or(1), dp: dp.unwrap_or(1) };
    let tp = tp.unwrap_or_else(|| match dp {
        // Attention groups of one rank each, as wide expert parallelism runs.
        Some(_) => noted(asked, 1, "attention groups of one GPU each"),
        None => fewest(asked, model, gpu, formats, alone),
    });
    let plan = ParallelPlan { tp, ..alone };
    if ep.is_none() && plan.stage_gpus() > 1 && experts_of(&model.record).is_some() {
        asked.notes.assume("search.ep", 1, "every expert on all GPUs");
    }
    check(asked, &model.record, framework, plan)?;
    Ok(plan)
}

fn noted(asked: &mut Asked, tp: u32, why: &str) -> u32 {
    asked.notes.assume("search.tp", tp, why);
    tp
}

/// The least usual size that divides the heads and holds the weights; the largest that divides where none holds them.
fn fewest(
    asked: &mut Asked,
    model: &Entry<Model>,
    gpu: &Entry<Gpu>,
    formats: Formats,
    alone: ParallelPlan,
) -> u32 {
    let with = |tp: u32| ParallelPlan { tp, ..alone };
    let divides = |tp: &u32| odd_heads(&model.record, *tp).is_none() && tp.is_multiple_of(alone.ep);
    let usual = || USUAL.into_iter().filter(divides);
    match usual().find(|tp| weights_fit(model, gpu, formats, with(*tp))) {
        Some(tp) => noted(asked, tp, "the fewest GPUs that hold the weights"),
        None => noted(asked, usual().next_back().unwrap_or(alone.ep), "the most of the usual sizes"),
    }
}

fn check(
    asked: &Asked,
    model: &Model,
    framework: &Framework,
    plan: ParallelPlan,
) -> Result<(), QuestionError> {
    let wrong = |path: &str, problem: String, hint: String| {
        Err(QuestionError::value(asked.layers.place(path), problem).with_hint(hint))
    };
    let all = u64::from(plan.tp) * u64::from(plan.dp) * u64::from(plan.pp);
    if all > MOST_GPUS {
        let hint = format!("tp x dp x pp may be at most {MOST_GPUS}");
        return wrong("search.tp", format!("the replica would have {all} GPUs"), hint);
    }
    let layers: u64 = model.layer_counts().map(|(_, _, count)| count).sum();
    if u64::from(plan.pp) > layers {
        let problem = format!("{} stages are more than the {layers} layers of {}", plan.pp, model.name);
        return wrong("search.pp", problem, format!("expected 1 to {layers}"));
    }
    if let Some(heads) = odd_heads(model, plan.tp) {
        let problem = format!("`{}` does not divide the {heads} attention heads of {}", plan.tp, model.name);
        return wrong("search.tp", problem, divisors(heads, "expected one of "));
    }
    let stage = plan.stage_gpus();
    let redundant = asked.question.redundant_experts(framework);
    match experts_of(model) {
        None if plan.ep > 1 => {
            wrong("search.ep", format!("{} has no experts", model.name), "leave it out".to_owned())
        }
        Some(experts)
            if !experts.is_multiple_of(plan.ep.into()) && plan.copies(experts as f64, redundant) == 0.0 =>
        {
            let problem = format!("`{}` does not divide the {experts} experts of {}", plan.ep, model.name);
            wrong("search.ep", problem, divisors(experts, "expected one of "))
        }
        Some(_) if !stage.is_multiple_of(plan.ep) => {
            let problem =
                format!("`{}` does not divide the {stage} GPUs of tp {} x dp {}", plan.ep, plan.tp, plan.dp);
            wrong("search.ep", problem, divisors(stage.into(), "expected one of "))
        }
        _ => Ok(()),
    }
}

/// Attention heads of a layer that do not divide over so many ranks.
pub(super) fn odd_heads(model: &Model, tp: u32) -> Option<u64> {
    let heads = |mixer: &Mixer| match mixer {
        Mixer::Gqa(gqa) => Some(gqa.heads),
        Mixer::Mla(mla) => Some(mla.heads),
        Mixer::Compressed(compressed) => Some(compressed.heads),
        _ => None,
    };
    let all = model.layer_counts().filter_map(|(_, kind, _)| heads(kind.mixer.as_ref()?));
    all.into_iter().find(|heads| !heads.is_multiple_of(tp.into()))
}

/// The divisors that people use: the first of them.
fn divisors(count: u64, before: &str) -> String {
    let found = (1..=count.min(1024)).filter(|size| count.is_multiple_of(*size));
    before.to_owned() + &found.take(10).map(|size| size.to_string()).collect::<Vec<_>>().join(", ")
}
