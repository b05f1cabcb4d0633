//! Points (a plan at a batch: mean, percentile and places) per second on one core, and whole searches; bars in the names.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use rackplan_catalog::model::WeightDtype;
use rackplan_catalog::{Backend, Catalog, Framework, Gpu, Model};
use rackplan_perf::operators::moe_routing::Routing;
use rackplan_perf::{Deployment, Device, Engines, Kernels, ParallelPlan, Precision};
use rackplan_plan::{
    KvPolicy, Modes, Pace, Population, Question, Request, Scheduler, Sizes, Space, Targets, search,
};
use rackplan_units::Seconds;

fn main() {
    divan::main();
}

const DENSE: &str = "meta-llama/Llama-3.1-70B";
const EXPERTS: &str = "Qwen/Qwen3-235B-A22B";
/// Batches of a round.
const BATCHES: [f64; 8] = [1.0, 4.0, 9.0, 16.0, 30.0, 64.0, 100.0, 256.0];

struct Fixture {
    model: Model,
    gpu: Gpu,
    framework: Framework,
    engines: Engines,
    kernels: Kernels,
}

impl Fixture {
    fn new(model: &str) -> Self {
        let catalog = Catalog::builtin();
        let gpu: Gpu = catalog.get("h200_sxm").expect("an accelerator").record;
        let (engines, device) = (Engines::new(&catalog), Device::new(&gpu).expect("a complete entry"));
        Self {
            model: catalog.get(model).expect("a model").record,
            framework: catalog.get("vllm").expect("a framework").record,
            kernels: Kernels::on(("h200_sxm", device), Backend::Vllm, &engines),
            gpu,
            engines,
        }
    }

    fn question(&self) -> Question<'_> {
        let request = Request::new(4096.0, 512.0);
        Question {
            deployment: Deployment {
                model: &self.model,
                gpu: "h200_sxm",
                device: Device::new(&self.gpu).expect("a complete entry"),
                backend: Backend::Vllm,
                plan: ParallelPlan::tensor(8),
                precision: Precision::uniform(WeightDtype::Fp8, 1.0),
                routing: Some(Routing::Uniform),
                redundant_experts: 0,
                draft_tokens: 0,
            },
            kernels: &self.kernels,
            scheduler: Scheduler::new(&self.framework, self.gpu.memory.capacity, request.input),
            request,
            classes: &[],
            pace: Pace::default(),
            policies: &[KvPolicy::HBM],
            modes: Modes::Aggregated,
            transfer: None,
            population: Population::Users { users: 1000.0, think_time: Seconds::new(30.0) },
            targets: Targets {
                ttft: Seconds::new(2.0),
                tpot: Seconds::new(0.05),
                e2e: Seconds::new(20.0),
                percentile: Some(0.95),
            },
            batches: &[],
        }
    }
}

#[divan::bench(args = [DENSE, EXPERTS])]
fn points_bar_2e5_per_second(bencher: Bencher, model: &str) {
    let fixture = Fixture::new(model);
    let question = fixture.question();
    let plan = ParallelPlan { tp: 8, pp: 1, ep: 1, dp: 1 };
    let compiled = question.compiled(plan);
    let replica = question.replica(plan, &compiled);
    bencher.counter(ItemsCount::new(BATCHES.len())).bench_local(|| {
        for batch in BATCHES {
            let point = replica.at(black_box(batch));
            black_box(replica.at_percentile(&point, 0.95, &question.population));
        }
    });
}

#[divan::bench(args = [DENSE, EXPERTS])]
fn compile(bencher: Bencher, model: &str) {
    let fixture = Fixture::new(model);
    let question = fixture.question();
    bencher.bench_local(|| rackplan_perf::Compiled::new(&question.deployment, &fixture.engines));
}

#[divan::bench(args = [DENSE, EXPERTS])]
fn searches(bencher: Bencher, model: &str) {
    let fixture = Fixture::new(model);
    let question = fixture.question();
    let space =
        Space { sizes: Sizes::default(), prefill: Sizes::default(), experts: model == EXPERTS, domain: 8 };
    bencher.bench_local(|| search(black_box(&question), &space));
}

#[divan::bench(args = [DENSE, EXPERTS])]
fn searches_of_both_modes(bencher: Bencher, model: &str) {
    let fixture = Fixture::new(model);
    let question = Question { modes: Modes::Auto, ..fixture.question() };
    let space =
        Space { sizes: Sizes::default(), prefill: Sizes::default(), experts: model == EXPERTS, domain: 8 };
    bencher.bench_local(|| search(black_box(&question), &space));
}

#[divan::bench]
fn reading_engines(bencher: Bencher) {
    let catalog = Catalog::builtin();
    bencher.bench_local(|| Engines::new(&catalog));
}
