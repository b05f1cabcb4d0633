//! Whether a deployment fits its memory, and what would help where it does not.

use super::plan::odd_heads;
use super::read::Target;
use crate::answer::{Difficulty, ExplainMemory, Relaxation};
use rackplan_perf::{Deployment, Memory, ParallelPlan, bytes_of_sequence, state_of_sequence};
use rackplan_units::Bytes;

/// Memory of one accelerator at the context of the step.
pub(in crate::run) fn memory(target: &Target, deployment: &Deployment) -> ExplainMemory {
    let memory = Memory::of(deployment);
    let context = target.context();
    let state = state_of_sequence(deployment).get();
    let sequence = bytes_of_sequence(deployment, context).get();
    let (capacity, weights, cache) = (memory.capacity.get(), memory.weights.get(), memory.cache.get());
    let dp = f64::from(target.plan.dp);
    ExplainMemory {
        capacity_bytes: capacity,
        weights_bytes: weights,
        weights_room_bytes: memory.room().get(),
        cache_bytes: cache,
        reserve_bytes: (capacity - weights - cache).max(0.0),
        kv_bytes_per_token: (sequence - state) / context,
        state_bytes_per_sequence: state,
        batch_bytes: target.sequences / dp * sequence,
        sequences_fit: memory.sequences(deployment, context).floor() * dp,
    }
}

/// Why it does not fit, with both sides of the comparison; none where it does.
pub(in crate::run) fn difficulty(target: &Target, memory: &ExplainMemory) -> Option<Difficulty> {
    let shown = |bytes: f64| Bytes::new(bytes).to_string();
    let (capacity, weights, cache) = (memory.capacity_bytes, memory.weights_bytes, memory.cache_bytes);
    let binding = if cache <= 0.0 {
        format!(
            "the weights on a GPU take {}; of its {} they may take {}",
            shown(weights),
            shown(capacity),
            shown(memory.weights_room_bytes)
        )
    } else if memory.batch_bytes > cache {
        format!(
            "the caches of {} sequences at {} tokens take {} on a GPU, beside the weights there is room for {}",
            target.sequences,
            target.context(),
            shown(memory.batch_bytes),
            shown(cache)
        )
    } else {
        return None;
    };
    let relaxations = fewer(memory).into_iter().chain(wider(target)).collect();
    Some(Difficulty { binding, relaxations, near_misses: Vec::new() })
}

/// The largest batch that fits.
fn fewer(memory: &ExplainMemory) -> Option<Relaxation> {
    let most = memory.sequences_fit;
    (most >= 1.0).then(|| Relaxation {
        flag: format!("--batch {most}"),
        result: "the most sequences of this length that fit".to_owned(),
    })
}

/// The least multiple of the tensor parallelism on which weights and batch fit.
fn wider(target: &Target) -> Option<Relaxation> {
    let fits = |plan: &ParallelPlan| {
        let deployment = target.deployment(*plan);
        let memory = Memory::of(&deployment);
        let held = memory.sequences(&deployment, target.context()) * f64::from(plan.dp);
        memory.fits() && held >= target.sequences
    };
    let plans = [2, 4, 8, 16].map(|times| ParallelPlan { tp: target.plan.tp * times, ..target.plan });
    let plan =
        plans.into_iter().filter(|plan| odd_heads(&target.model.record, plan.tp).is_none()).find(fits)?;
    let weights = Memory::of(&target.deployment(plan)).weights;
    Some(Relaxation {
        flag: format!("--tp {}", plan.tp),
        result: format!("{} GPUs, with {weights} of weights each", plan.gpus()),
    })
}
