//! The smallest replica that holds a model's weights.

use super::layout::Subject;
use rackplan_catalog::Backend;
use rackplan_perf::operators::moe_routing::Routing;
use rackplan_perf::{Deployment, Device, Memory, ParallelPlan};

/// Share of the memory that weights may take, so that a cache of use remains; and what libraries take.
const WEIGHTS_SHARE: f64 = 0.8;
const LIBRARIES: f64 = 4e9;

/// The fewest accelerators, a power of two that divides `gpus`, whose weights take at most 0.8 of the memory without
/// 4 GB each; as many as may be where none do. `wide` spreads attention by data and experts over all, as DeepSeek is.
pub(super) fn smallest(subject: Subject<'_>, wide: bool, gpus: u32) -> ParallelPlan {
    let plan = |ranks: u32| match wide {
        true => ParallelPlan { tp: 1, pp: 1, ep: ranks, dp: ranks },
        false => ParallelPlan::tensor(ranks),
    };
    let most = 1 << gpus.max(1).trailing_zeros();
    let sizes = (0..).map(|power| 1_u32 << power).take_while(|ranks| *ranks < most);
    plan(sizes.into_iter().find(|ranks| fits(subject, plan(*ranks))).unwrap_or(most))
}

pub(super) fn fits(subject: Subject<'_>, plan: ParallelPlan) -> bool {
    let Ok(device) = Device::new(&subject.gpu.record) else { return true };
    let deployment = Deployment {
        model: &subject.model.record,
        gpu: &subject.gpu.id,
        device,
        backend: Backend::Vllm,
        plan,
        precision: subject.formats.precision(),
        routing: Some(Routing::Balanced),
        redundant_experts: 0,
        draft_tokens: 0,
    };
    Memory::of(&deployment).weights.get() <= WEIGHTS_SHARE * device.memory - LIBRARIES
}
