//! What a framework's host adds to a step.

use rackplan_catalog::model::WeightDtype;
use rackplan_catalog::{Backend, Catalog, Gpu, HostPerSequence, Model};
use rackplan_perf::{Batch, Compiled, Deployment, Device, Engines, ParallelPlan, Precision, StepTable};

/// Seconds that a host of so many microseconds adds to a step of 64 sequences of DeepSeek-R1, tabulated.
fn added(host: HostPerSequence, draft_tokens: u32) -> f64 {
    let catalog = Catalog::builtin();
    let engines = Engines::new(&catalog);
    let model = catalog.get::<Model>("DeepSeek-R1").expect("it is in the catalog").record;
    let gpu = catalog.get::<Gpu>("h200_sxm").expect("it is in the catalog").record;
    let deployment = Deployment {
        model: &model,
        gpu: "h200_sxm",
        device: Device::new(&gpu).expect("it is complete"),
        backend: Backend::Sglang,
        plan: ParallelPlan::tensor(8),
        precision: Precision::uniform(WeightDtype::Fp8Block, 1.0),
        routing: None,
        redundant_experts: 0,
        draft_tokens,
    };
    let step = |host| {
        let compiled = Compiled::new(&deployment, &engines.with_host(host));
        let (exact, table) = (compiled.step(&Batch::decode(64.0, 2000.0)).get(), StepTable::new(compiled));
        assert!((table.step(64.0, 2000.0, &[]) - exact).abs() < 1e-3 * exact);
        exact
    };
    step(host) - step(HostPerSequence::default())
}

#[test]
fn hand_a_host_takes_its_time_for_each_sequence_drafts_or_not() {
    // 64 x 10 us; each sequence once, however many of its tokens are verified; other frameworks' hosts do not count.
    let host = HostPerSequence { sglang: 10.0, trtllm: 99.0, vllm: 99.0 };
    for drafts in [0, 2] {
        assert!((added(host, drafts) - 640e-6).abs() < 1e-9, "{} with {drafts}", added(host, drafts));
    }
}
