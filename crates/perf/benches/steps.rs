//! What a step of a compiled deployment costs, and how many whole evaluations a second there are:
//! `cargo bench -p rackplan-perf --bench steps`.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use rackplan_catalog::model::WeightDtype;
use rackplan_catalog::{Backend, Catalog, Gpu, Model};
use rackplan_perf::operators::moe_routing::Routing;
use rackplan_perf::{Batch, Compiled, Deployment, Device, Engines, Memory, ParallelPlan, Precision};

fn main() {
    println!("bars: a compiled step 2 us; 200,000 evaluations a second and core");
    divan::main();
}

struct Ground {
    engines: Engines,
    model: Model,
    device: Device,
}

impl Ground {
    fn new(model: &str) -> Self {
        let catalog = Catalog::builtin();
        let entry = catalog.get::<Gpu>("h200_sxm").expect("an entry");
        Self {
            engines: Engines::new(&catalog),
            model: catalog.get::<Model>(model).expect("an entry").record,
            device: Device::new(&entry.record).expect("a complete entry"),
        }
    }

    fn deployment(&self, plan: ParallelPlan) -> Deployment<'_> {
        Deployment {
            model: &self.model,
            gpu: "h200_sxm",
            device: self.device,
            backend: Backend::Vllm,
            plan,
            precision: Precision::uniform(WeightDtype::Fp8, 1.0),
            routing: Some(Routing::Uniform),
            redundant_experts: 0,
            draft_tokens: 0,
        }
    }
}

const MODELS: [&str; 3] = ["Llama-3.1-70B", "Qwen3-235B-A22B", "DeepSeek-R1"];

#[divan::bench(args = MODELS)]
fn decode_step(bencher: Bencher, model: &str) {
    let ground = Ground::new(model);
    let compiled = Compiled::new(&ground.deployment(ParallelPlan::tensor(8)), &ground.engines);
    let mut batch = 0.0;
    bencher.bench_local(|| {
        batch = (batch + 7.0) % 256.0;
        compiled.step(black_box(&Batch::decode(batch + 1.0, 2000.0)))
    });
}

#[divan::bench(args = MODELS)]
fn compile(bencher: Bencher, model: &str) {
    let ground = Ground::new(model);
    bencher.bench_local(|| {
        Compiled::new(black_box(&ground.deployment(ParallelPlan::tensor(8))), &ground.engines)
    });
}

/// A grid as a search has it: plans, and for each batches and prompts, with memory, a decode step and a prefill step.
#[divan::bench(args = MODELS)]
fn evaluations(bencher: Bencher, model: &str) {
    let ground = Ground::new(model);
    let batches = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 48.0, 64.0, 96.0, 128.0, 192.0, 256.0, 384.0, 512.0];
    let prompts = [256.0, 1024.0, 4096.0, 8192.0];
    let plans = [1, 2, 4, 8].map(ParallelPlan::tensor);
    let fits = |plan, prompt| {
        let deployment = ground.deployment(plan);
        let room = Memory::of(&deployment).sequences(&deployment, prompt);
        batches.iter().filter(|batch| **batch <= room).count()
    };
    let evaluated: usize =
        plans.iter().map(|plan| prompts.iter().map(|prompt| fits(*plan, *prompt)).sum::<usize>()).sum();
    bencher.counter(ItemsCount::new(evaluated)).bench_local(|| {
        let mut sum = 0.0;
        for plan in plans {
            let deployment = ground.deployment(plan);
            // A search looks at memory first.
            let memory = Memory::of(&deployment);
            if !memory.fits() {
                continue;
            }
            let compiled = Compiled::new(&deployment, &ground.engines);
            for prompt in prompts {
                let room = memory.sequences(&deployment, prompt);
                let prefill = compiled.step(&Batch::prefill(1.0, prompt)).get();
                for batch in batches.into_iter().filter(|batch| *batch <= room) {
                    sum += prefill + compiled.step(&Batch::decode(batch, prompt)).get();
                }
            }
        }
        sum
    });
}
