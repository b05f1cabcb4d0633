//! Every model of the catalog as a deployment: it compiles, its steps obey laws, its tables agree with its operators.

use proptest::prelude::*;
use rackplan_catalog::model::WeightDtype;
use rackplan_catalog::{Backend, Catalog, Gpu, Kind, Model};
use rackplan_perf::operators::moe_routing::Routing;
use rackplan_perf::{
    Average, Batch, Chunk, Compiled, Deployment, Device, Engines, Memory, ParallelPlan, Precision, StepTable,
    bytes_of_sequence,
};

struct Fixture {
    catalog: Catalog,
    engines: Engines,
}

impl Fixture {
    fn new() -> Self {
        let catalog = Catalog::builtin();
        let engines = Engines::new(&catalog);
        Self { catalog, engines }
    }

    fn model(&self, name: &str) -> Model {
        self.catalog.get::<Model>(name).expect("it is in the catalog").record
    }

    fn device(&self, gpu: &str) -> Device {
        Device::new(&self.catalog.get::<Gpu>(gpu).expect("it is in the catalog").record)
            .expect("it is complete")
    }

    fn deployment<'a>(&self, model: &'a Model, gpu: &'a str, plan: ParallelPlan) -> Deployment<'a> {
        Deployment {
            model,
            gpu,
            device: self.device(gpu),
            backend: Backend::Vllm,
            plan,
            precision: Precision::uniform(WeightDtype::Fp8, 2.0),
            routing: Some(Routing::Uniform),
            redundant_experts: 0,
            draft_tokens: 0,
        }
    }
}

#[test]
fn law_every_model_compiles_and_a_step_is_the_sum_of_its_parts() {
    let fixture = Fixture::new();
    for id in fixture.catalog.ids(Kind::Models) {
        let model = fixture.model(&id);
        let deployment = fixture.deployment(&model, "h200_sxm", ParallelPlan { tp: 2, pp: 1, ep: 2, dp: 1 });
        let compiled = Compiled::new(&deployment, &fixture.engines);
        for batch in [
            Batch::decode(16.0, 2000.0),
            Batch::prefill(2.0, 1000.0),
            Batch { prefix: 500.0, ..Batch { prompts: 1.0, chunk: 300.0, ..Batch::decode(8.0, 4000.0) } },
        ] {
            let (step, estimate) = (compiled.step(&batch), compiled.estimate(&batch));
            assert!(step.get().is_finite() && step.get() > 0.0, "{id}: {step:?}");
            assert_eq!(step, estimate.time, "{id}");
            let parts: f64 = estimate.parts.iter().map(|part| part.time.get()).sum();
            assert!(
                parts >= step.get() * (1.0 - 1e-9),
                "{id}: parts that run side by side can only sum to more"
            );
        }
    }
}

#[test]
fn law_tables_agree_with_operators() {
    let fixture = Fixture::new();
    let wide = ParallelPlan { tp: 1, pp: 1, ep: 8, dp: 8 };
    for (name, plan, backend) in [
        ("Llama-3.1-70B", ParallelPlan::tensor(4), Backend::Vllm),
        ("DeepSeek-R1", wide, Backend::Vllm),
        ("DeepSeek-R1", wide, Backend::Sglang),
        ("gpt-oss-120b", ParallelPlan { tp: 2, pp: 1, ep: 2, dp: 1 }, Backend::Vllm),
        ("Qwen3-Next-80B-A3B-Instruct", ParallelPlan::tensor(2), Backend::Vllm),
    ] {
        let model = fixture.model(name);
        let mut deployment = fixture.deployment(&model, "h200_sxm", plan);
        deployment.backend = backend;
        deployment.draft_tokens = u32::try_from(model.mtp_layers).expect("few");
        let compiled = Compiled::new(&deployment, &fixture.engines);
        let table = StepTable::new(compiled.clone());
        for (decodes, context, prompts, chunk) in [
            (1.0, 100.0, 0.0, 0.0),
            (37.0, 1500.0, 0.0, 0.0),
            (100.0, 9000.0, 1.0, 700.0),
            (300.0, 3000.0, 3.0, 2000.0),
            (0.0, 0.0, 4.0, 1024.0),
        ] {
            let batch = Batch { prompts, chunk, ..Batch::decode(decodes, context) };
            let (exact, quick) = (
                compiled.step(&batch).get(),
                table.step(decodes, context, &[Chunk { prompts, tokens: chunk, prefix: 0.0 }]),
            );
            assert!((quick / exact - 1.0).abs() < 0.06, "{name} {batch:?}: {exact} {quick}");
        }
    }
}

#[test]
fn law_sums_of_prompts_take_longer_than_gathering() {
    let fixture = Fixture::new();
    let model = fixture.model("DeepSeek-R1");
    let exchange = |backend, batch: &Batch, dp| {
        let plan = ParallelPlan { tp: 1, pp: 1, ep: dp, dp };
        let deployment = Deployment { backend, ..fixture.deployment(&model, "h200_sxm", plan) };
        let parts = Compiled::new(&deployment, &fixture.engines).estimate(batch).parts;
        let part = parts.iter().find(|part| part.name == "dispatch_and_combine").expect("groups exchange");
        part.time.get()
    };
    let (prompts, answers) = (Batch::prefill(4.0, 1000.0), Batch::decode(4000.0, 1000.0));
    let ratio = |batch, dp| exchange(Backend::Sglang, batch, dp) / exchange(Backend::Vllm, batch, dp);
    assert!((1.5..2.5).contains(&ratio(&prompts, 8)), "{}", ratio(&prompts, 8));
    // Answers alone are of equal length, and beyond one server tokens are sent.
    assert_eq!(ratio(&answers, 8), 1.0);
    assert!((ratio(&prompts, 16) - 1.0).abs() < 0.1, "{}", ratio(&prompts, 16));
}

#[test]
fn law_stages_do_not_make_one_sequence_faster() {
    let fixture = Fixture::new();
    let model = fixture.model("gpt-oss-120b");
    let step = |pp| {
        let plan = ParallelPlan { pp, ..ParallelPlan::SINGLE };
        let compiled = Compiled::new(&fixture.deployment(&model, "b200_sxm", plan), &fixture.engines);
        let quick = StepTable::new(compiled.clone()).step(1.0, 4000.0, &[]);
        let one = compiled.step(&Batch::decode(1.0, 4000.0)).get();
        assert!((quick / one - 1.0).abs() < 0.06, "pp {pp}: {one} {quick}");
        one
    };
    let [one, two, eight] = [1, 2, 8].map(step);
    assert!(one <= two && two <= eight, "{one} {two} {eight}");
}

#[test]
fn law_experts_of_a_wide_stage_meet_the_average_group() {
    let fixture = Fixture::new();
    let model = fixture.model("DeepSeek-R1");
    let times = |dp: u32| {
        let plan = ParallelPlan { tp: 1, pp: 1, ep: dp, dp };
        let compiled = Compiled::new(&fixture.deployment(&model, "gb200", plan), &fixture.engines);
        let table = StepTable::new(compiled.clone());
        // One of all groups has a prompt of 4,000 tokens beside its 32 sequences.
        let prompt = Batch { prompts: 1.0, chunk: 4000.0, ..Batch::decode(32.0, 4000.0) };
        let average = Some(Average { decodes: 32.0, prompt_tokens: 4000.0 / f64::from(dp) });
        let one = compiled.step(&Batch { average, ..prompt }).get();
        let chunk = Chunk { prompts: 1.0, tokens: 4000.0, prefix: 0.0 };
        let quick = table.step_among(32.0, 4000.0, &[chunk], average);
        assert!((quick / one - 1.0).abs() < 0.06, "dp {dp}: {one} {quick}");
        let decode = compiled.step(&Batch::decode(32.0, 4000.0)).get();
        (decode, one, compiled.step(&prompt).get())
    };
    let (decode, one, all) = times(32);
    assert!(decode < one && one < 0.8 * all, "{decode} {one} {all}");
    // On one server the positions of all groups are padded to the fullest.
    let (_, one, all) = times(8);
    assert_eq!(one, all);
}

#[test]
fn hand_memory_of_llama_70b_on_eight() {
    // 70.55e9 parameters, of them 2 x 128,256 x 8,192 = 2.10e9 in the tables at 2 B, the rest at 1 B:
    // (68.45 + 4.20) / 8 = 9.08 GB. Cache: 0.92 (0.97 x 141 x 1.0737 - 9.08 - 4) = 123.1 GB.
    // A token: 80 layers x 2 x 1 head x 128 x 2 B = 40,960 B.
    let fixture = Fixture::new();
    let model = fixture.model("Llama-3.1-70B");
    let deployment = fixture.deployment(&model, "h200_sxm", ParallelPlan::tensor(8));
    let memory = Memory::of(&deployment);
    assert!((memory.weights.get() / 1e9 - 9.08).abs() < 0.01, "{memory:?}");
    assert!((memory.cache.get() / 1e9 - 123.1).abs() < 0.1, "{memory:?}");
    assert_eq!(bytes_of_sequence(&deployment, 1000.0).get(), 40_960_000.0);
    assert!(memory.fits() && memory.sequences(&deployment, 1000.0) > 2000.0);
}

#[test]
fn law_more_work_is_never_faster_and_more_ranks_hold_less() {
    let fixture = Fixture::new();
    for name in ["Llama-3.1-8B", "Mixtral-8x7B", "DeepSeek-R1"] {
        let model = fixture.model(name);
        let compiled = |tp| {
            let deployment = fixture.deployment(&model, "b200_sxm", ParallelPlan::tensor(tp));
            (Compiled::new(&deployment, &fixture.engines), Memory::of(&deployment).weights)
        };
        let ((one, weights), (_, fewer)) = (compiled(1), compiled(4));
        assert!(fewer.get() < weights.get(), "{name}");
        let time = |decodes, context| one.step(&Batch::decode(decodes, context)).get();
        assert!(time(64.0, 1000.0) <= time(256.0, 1000.0), "{name}");
        assert!(time(64.0, 1000.0) <= time(64.0, 16_000.0), "{name}");
    }
}

#[test]
fn law_prompts_past_the_choice_of_an_indexer_cost_the_same_for_each_token() {
    // DeepSeek-V3.2 attends 2,048 chosen latents: below as DeepSeek-V3 does, above with no more for each further token.
    let fixture = Fixture::new();
    let (sparse, dense) =
        (fixture.model("deepseek-ai/DeepSeek-V3.2"), fixture.model("deepseek-ai/DeepSeek-V3"));
    let plan = ParallelPlan { tp: 1, pp: 1, ep: 8, dp: 8 };
    let attention = |model: &Model, tokens: f64| {
        let deployment = fixture.deployment(model, "h200_sxm", plan);
        let step = Compiled::new(&deployment, &fixture.engines).estimate(&Batch::prefill(1.0, tokens));
        let parts = step.parts.iter().filter(|part| part.name == "attention_prefill");
        parts.map(|part| part.time.get()).sum::<f64>()
    };
    assert_eq!(attention(&sparse, 1024.0), attention(&dense, 1024.0));
    let (half, whole) = (attention(&sparse, 32_768.0), attention(&sparse, 65_536.0));
    assert!((1.9..2.2).contains(&(whole / half)), "{half} {whole}");
    assert!(attention(&dense, 65_536.0) > 2.0 * whole, "{whole}");
}

/// Plans that exchange within a stage, between attention groups and between stages.
const EXCHANGING: [ParallelPlan; 4] = [
    ParallelPlan { tp: 8, pp: 1, ep: 8, dp: 1 },
    ParallelPlan { tp: 2, pp: 1, ep: 8, dp: 4 },
    ParallelPlan { tp: 1, pp: 1, ep: 16, dp: 16 },
    ParallelPlan { tp: 4, pp: 4, ep: 1, dp: 1 },
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn law_a_faster_link_never_makes_a_step_slower(
        plan in prop::sample::select(EXCHANGING.to_vec()),
        gpu in prop::sample::select(vec!["h200_sxm", "gb200", "mi300x", "l40s"]),
        backend in prop::sample::select(Backend::ALL.to_vec()),
        (decodes, prompts, faster) in (1.0..600.0_f64, 0..3_u32, 1.0..3.0_f64),
    ) {
        let fixture = fixture();
        let model = fixture.model("DeepSeek-R1");
        let deployment = Deployment { backend, ..fixture.deployment(&model, gpu, plan) };
        let of = |device| Compiled::new(&Deployment { device, ..deployment }, &fixture.engines);
        let (own, batch) = (deployment.device, Batch::decode(decodes.floor(), 2000.0));
        let batch = Batch { prompts: f64::from(prompts), chunk: 900.0, ..batch };
        let step = of(own).step(&batch).get();
        let (mut link, mut network) = (own, own);
        (link.link, link.pair_link) = (faster * own.link, faster * own.pair_link);
        network.scale_out = faster * own.scale_out;
        for device in [link, network] {
            let then = of(device).step(&batch).get();
            prop_assert!(then <= step * (1.0 + 1e-12), "{plan:?} {gpu} {backend:?}: {step} to {then}");
        }
    }
}

fn fixture() -> &'static Fixture {
    static FIXTURE: std::sync::OnceLock<Fixture> = std::sync::OnceLock::new();
    FIXTURE.get_or_init(Fixture::new)
}
