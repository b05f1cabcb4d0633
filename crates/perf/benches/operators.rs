//! What one operator costs to evaluate: `cargo bench -p rackplan-perf`. A compiled step calls the prepared forms.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use rackplan_catalog::{Catalog, Format, Gpu};
use rackplan_perf::Device;
use rackplan_perf::operators::gemm::{Gemm, GemmConstants, GemmPlan, gemm};
use rackplan_perf::operators::moe::{Moe, MoeConstants, MoePlan, moe};
use rackplan_perf::operators::moe_routing::{Load, Routing, RoutingPlan};

/// Numbers of tokens of one round, so that no branch is learnt by heart.
const TOKENS: [f64; 16] = [
    1.0, 2.0, 4.0, 7.0, 16.0, 24.0, 48.0, 100.0, 128.0, 256.0, 300.0, 512.0, 1024.0, 3000.0, 8192.0, 16_384.0,
];

fn main() {
    divan::main();
}

fn device() -> Device {
    let entry = Catalog::builtin().get::<Gpu>("h200_sxm").expect("an entry");
    Device::new(&entry.record).expect("a complete entry")
}

fn matrix(m: f64) -> Gemm {
    Gemm {
        m,
        n: 7168.0,
        k: 2048.0,
        arithmetic: Format::Fp8,
        weight_bytes: 1.0,
        activation_bytes: 1.0,
        quantises: true,
        repeats: false,
    }
}

fn experts(tokens: f64) -> Moe {
    Moe {
        tokens,
        hidden: 7168.0,
        inter: 2048.0,
        local_experts: 32.0,
        expected_pairs: 8.0 * tokens,
        load: Load::of_heaviest_rank(tokens, 256.0, 8.0, 8.0, Routing::Balanced),
        gated: true,
        arithmetic: Format::Fp8,
        weight_bytes: 1.0,
        activation_bytes: 1.0,
    }
}

/// Time of one call, over all of [`TOKENS`].
fn each(bencher: Bencher, call: impl Fn(f64) -> f64) {
    bencher
        .counter(ItemsCount::new(TOKENS.len()))
        .bench_local(|| TOKENS.iter().map(|tokens| call(black_box(*tokens))).sum::<f64>());
}

#[divan::bench]
fn gemm_at_once(bencher: Bencher) {
    let device = device();
    each(bencher, |m| gemm(&matrix(m), &device, &GemmConstants::default()).time.get());
}

#[divan::bench]
fn gemm_plan(bencher: Bencher) {
    let plan = GemmPlan::new(&matrix(1.0), &device(), &GemmConstants::default());
    each(bencher, |m| plan.time(m).time.get());
}

#[divan::bench]
fn moe_at_once(bencher: Bencher) {
    let device = device();
    each(bencher, |tokens| moe(&experts(tokens), &device, &MoeConstants::default()).time.get());
}

#[divan::bench]
fn moe_plan(bencher: Bencher) {
    let plan = MoePlan::new(&experts(1.0), &device(), &MoeConstants::default());
    let routing = RoutingPlan::new(256.0, 8.0, 8.0, Routing::Balanced);
    each(bencher, |tokens| plan.time(tokens, 8.0 * tokens, &routing.load(tokens)).time.get());
}

#[divan::bench(args = ["balanced", "uniform", "power_law"])]
fn routing_plan(bencher: Bencher, name: &str) {
    let routing = match name {
        "balanced" => Routing::Balanced,
        "uniform" => Routing::Uniform,
        _ => Routing::PowerLaw { alpha: 1.2 },
    };
    let plan = RoutingPlan::new(256.0, 8.0, 8.0, routing);
    each(bencher, |tokens| plan.load(tokens).pairs);
}
