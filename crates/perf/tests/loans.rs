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
    let catalog = Catalog::builtin();
    let model = catalog.get::<Model>("Llama-3.1-70B").expect("it is in the catalog").record;
    let device = Device::new(&catalog.get::<Gpu>(gpu).expect("it is in the catalog").record);
    let deployment = Deployment {
        model: &model,
        gpu,
        device: device.expect("it is complete"),
        backend: Backend::Vllm,
        plan: ParallelPlan::tensor(8),
        precision: Precision::uniform(WeightDtype::Fp8, 1.0),
        routing: Some(Routing::Uniform),
        draft_tokens: 0,
    };
    Compiled::new(&deployment, engines).step(&Batch::decode(64.0, 2000.0)).get()
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
