//! Families of accelerators without measured kernels: what they borrow, and at what rates it runs.

use rackplan_catalog::model::WeightDtype;
use rackplan_catalog::{Architecture, Backend, Catalog, Gpu, LoanFactors, Model};
use rackplan_perf::operators::moe::MoeConstants;
use rackplan_perf::operators::moe_routing::Routing;
use rackplan_perf::{Batch, Compiled, Deployment, Device, Engines, ParallelPlan, Place, Precision};

fn place(architecture: Architecture) -> Place<'static> {
    Place { backend: "vllm", architecture, gpu: "any" }
}

/// Seconds of a step of 64 sequences of Llama-3.1-70B on eight accelerators.
fn step(engines: &Engines, gpu: &str) -> f64 {
    step_of(
        engines,
        gpu,
        "Llama-3.1-70B",
        Precision::uniform(WeightDtype::Fp8, 1.0),
        Backend::Vllm,
        (8, 64.0),
    )
}

/// Seconds of a step of a model in so many sequences on so many accelerators.
fn step_of(
    engines: &Engines,
    gpu: &str,
    model: &str,
    precision: Precision,
    backend: Backend,
    (tp, batch): (u32, f64),
) -> f64 {
    let catalog = Catalog::builtin();
    let model = catalog.get::<Model>(model).expect("it is in the catalog").record;
    let device = Device::new(&catalog.get::<Gpu>(gpu).expect("it is in the catalog").record);
    let deployment = Deployment {
        model: &model,
        gpu,
        device: device.expect("it is complete"),
        backend,
        plan: ParallelPlan::tensor(tp),
        precision,
        routing: Some(Routing::Uniform),
        redundant_experts: 0,
        draft_tokens: 0,
    };
    Compiled::new(&deployment, engines).step(&Batch::decode(batch, 2000.0)).get()
}

#[test]
fn law_a_loan_is_for_families_without_kernels_of_their_own() {
    let engines = Engines::new(&Catalog::builtin());
    assert_eq!(engines.loan(Architecture::Hopper), LoanFactors::NONE);
    let found = engines.loan(Architecture::Cdna3);
    assert_ne!(found, LoanFactors::NONE);
    // The next family of the maker takes it over; other makers' do not.
    assert_eq!(engines.loan(Architecture::Cdna4), found);
    assert_eq!(engines.loan(Architecture::Gaudi3), LoanFactors::NONE);
    let removed = |architecture| engines.is_twice_removed(architecture);
    use Architecture as A;
    assert_eq!([A::Hopper, A::Ada, A::Cdna3, A::Cdna4].map(removed), [false, false, false, true]);
}

#[test]
fn law_a_newer_family_with_the_same_factors_is_no_slower() {
    let engines = Engines::new(&Catalog::builtin());
    assert_eq!(engines.lends_as(Architecture::Cdna4), Architecture::Cdna3);
    assert_eq!(engines.lends_as(Architecture::Blackwell), Architecture::Blackwell);
    assert_eq!(engines.lends_as(Architecture::Gaudi3), Architecture::Gaudi3);
    let blocks = Precision::uniform(WeightDtype::Fp8Block, 2.0);
    let sixteen = Precision::uniform(WeightDtype::Bf16, 2.0);
    for (model, precision) in [("DeepSeek-R1", blocks), ("Qwen3-Next", blocks), ("Llama-3.1-70B", sixteen)] {
        for backend in [Backend::Vllm, Backend::Sglang] {
            for batch in [4.0, 64.0] {
                let of = |gpu| step_of(&engines, gpu, model, precision, backend, (8, batch));
                let [mi300x, mi325x, mi355x] = ["mi300x", "mi325x", "mi355x"].map(of);
                assert!(mi355x < mi325x && mi325x < mi300x, "{model} {backend:?} {batch}");
            }
        }
    }
}

#[test]
fn law_no_dense_step_reads_weights_faster_than_memory() {
    let engines = Engines::new(&Catalog::builtin());
    let fp8 = Precision::uniform(WeightDtype::Fp8, 1.0);
    for backend in Backend::ALL {
        for (gpu, bandwidth) in
            [("l40s", 0.864e12), ("a100_sxm", 2.039e12), ("mi300x", 5.3e12), ("h20", 4.0e12)]
        {
            // All matrices of the layers once: 80 (8192 (8192 + 2 1024 + 8192) + 3 8192 28672) bytes over two ranks.
            let weights = 80.0 * (8192.0 * 18_432.0 + 3.0 * 8192.0 * 28_672.0) / 2.0;
            let step = step_of(&engines, gpu, "Llama-3.1-70B", fp8, backend, (2, 4.0));
            assert!(step > weights / bandwidth, "{gpu} {backend:?}: {step}");
        }
    }
}

#[test]
fn law_a_chip_with_cut_matrix_units_still_reads_at_its_bandwidth() {
    // An H20 reads faster than an H100 and multiplies at a seventh: few tokens are bound by reading on both.
    let engines = Engines::new(&Catalog::builtin());
    let blocks = Precision::uniform(WeightDtype::Fp8Block, 2.0);
    for backend in [Backend::Sglang, Backend::Trtllm] {
        let of = |gpu| step_of(&engines, gpu, "Qwen3-32B", blocks, backend, (1, 4.0));
        assert!(of("h20") < 2.5 * of("h100_sxm"), "{backend:?}: {} {}", of("h20"), of("h100_sxm"));
    }
}

#[test]
fn law_mxfp4_experts_on_hopper_run_the_same_kernels_everywhere() {
    let engines = Engines::new(&Catalog::builtin());
    let precision = Precision {
        attention: WeightDtype::Bf16,
        dense: WeightDtype::Bf16,
        experts: WeightDtype::Mxfp4,
        kv_bytes: 2.0,
    };
    let of = |backend| step_of(&engines, "h100_sxm", "gpt-oss-120b", precision, backend, (1, 32.0));
    let [vllm, sglang, trtllm] = Backend::ALL.map(of);
    assert!(sglang < 1.2 * vllm && trtllm < 1.2 * vllm, "{vllm} {sglang} {trtllm}");
}

#[test]
fn law_worse_factors_are_slower() {
    let engines = Engines::new(&Catalog::builtin());
    let at = |factors| step(&engines.with_loan(Architecture::Cdna3, factors), "mi300x");
    let plain = at(LoanFactors::NONE);
    assert!(at(LoanFactors { compute: 0.5, ..LoanFactors::NONE }) >= plain);
    assert!(at(LoanFactors { memory: 0.5, ..LoanFactors::NONE }) > plain);
    assert!(at(LoanFactors { launch: 2.0, ..LoanFactors::NONE }) > plain);
    let measured = step(&engines, "h200_sxm");
    let none = LoanFactors { compute: 0.1, memory: 0.1, launch: 9.0 };
    assert_eq!(step(&engines.with_loan(Architecture::Hopper, none), "h200_sxm"), measured);
}

#[test]
fn hand_another_maker_borrows_kernels_that_run_anywhere() {
    // vLLM's fp8 experts on Hopper are CUTLASS's only; block-wise ones were measured with Triton too.
    let engines = Engines::new(&Catalog::builtin());
    let found = |architecture| {
        let chosen = engines.chosen::<MoeConstants>("moe", &["fp8", "fp8_block"], place(architecture));
        chosen.expect("there are kernels").constants
    };
    assert_ne!(found(Architecture::Cdna3), found(Architecture::Hopper));
    let triton = engines.nearest::<MoeConstants>("moe", "fp8_block.triton", place(Architecture::Hopper));
    assert_eq!(
        found(Architecture::Cdna3).memory_share,
        triton.expect("it was measured").constants.memory_share
    );
}

#[test]
fn law_two_of_a_mesh_reduce_no_faster_than_its_one_link() {
    let catalog = Catalog::builtin();
    let entry = catalog.get::<Gpu>("mi300x").expect("it is in the catalog");
    let device = Device::new(&entry.record).expect("it is complete");
    assert!(device.link_among(2.0) < 0.2 * device.link_among(8.0));
}
