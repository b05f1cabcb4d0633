//! Explanations of steps: they sum to the step, name every operator, and hold for every model of the catalog.

use rackplan_catalog::model::WeightDtype;
use rackplan_catalog::{Backend, Catalog, Format, Gpu, Kind, Model};
use rackplan_perf::operators::moe_routing::Routing;
use rackplan_perf::{
    Batch, Compiled, Deployment, Device, Engines, Family, Lane, ParallelPlan, Precision, bytes_of_sequence,
    state_of_sequence,
};

fn deployment<'a>(model: &'a Model, device: Device, plan: ParallelPlan, drafts: u32) -> Deployment<'a> {
    Deployment {
        model,
        gpu: "h200_sxm",
        device,
        backend: Backend::Sglang,
        plan,
        precision: Precision::uniform(WeightDtype::Fp8Block, 1.0),
        routing: Some(Routing::Uniform),
        redundant_experts: 0,
        draft_tokens: drafts,
    }
}

fn device(catalog: &Catalog) -> Device {
    Device::new(&catalog.get::<Gpu>("h200_sxm").expect("it is in the catalog").record)
        .expect("it is complete")
}

#[test]
fn law_what_parts_add_sums_to_the_step_and_every_formula_has_numbers() {
    let catalog = Catalog::builtin();
    let (engines, device) = (Engines::new(&catalog), device(&catalog));
    let wide = ParallelPlan { tp: 1, pp: 1, ep: 8, dp: 8 };
    for id in catalog.ids(Kind::Models) {
        let model = catalog.get::<Model>(&id).expect("a test reads every entry").record;
        for (plan, drafts) in
            [(ParallelPlan::tensor(8), 0), (wide, 2), (ParallelPlan { pp: 2, ..ParallelPlan::tensor(4) }, 0)]
        {
            let compiled = Compiled::new(&deployment(&model, device, plan, drafts), &engines);
            for batch in [
                Batch::decode(64.0, 1536.0),
                Batch::prefill(1.0, 1024.0),
                Batch { prompts: 1.0, chunk: 300.0, prefix: 500.0, ..Batch::decode(8.0, 4000.0) },
            ] {
                let (step, parts) = (compiled.step(&batch).get(), compiled.explain(&batch));
                let sum: f64 = parts.iter().map(|part| part.exposed.get()).sum();
                assert!((sum / step - 1.0).abs() < 1e-9, "{id}: {sum} is not {step}");
                for part in &parts {
                    let amounts = [part.amounts.flops, part.amounts.bytes, part.amounts.wire];
                    let sound = amounts.iter().all(|amount| amount.is_finite() && *amount >= 0.0);
                    // An indexer launches even where all keys are kept and none is scored; a host computes elsewhere.
                    let idle = ["index_scores", "host"].contains(&part.part.name);
                    let works = amounts.iter().sum::<f64>() > 0.0 || idle;
                    assert!(sound && works, "{id}: {part:?}");
                    let text = &part.formula;
                    assert!(text.ends_with(" us") && text.contains(" = "), "{id}: {text}");
                    assert!(!text.contains("NaN") && !text.contains("inf"), "{id}: {text}");
                }
            }
        }
    }
}

#[test]
fn law_no_operator_is_faster_than_the_arithmetic_of_its_formula() {
    let catalog = Catalog::builtin();
    let (engines, device) = (Engines::new(&catalog), device(&catalog));
    for name in ["DeepSeek-R1", "Llama-3.1-70B", "gpt-oss-120b", "Qwen3-Next-80B-A3B-Instruct"] {
        let model = catalog.get::<Model>(name).expect("it is in the catalog").record;
        let compiled = Compiled::new(&deployment(&model, device, ParallelPlan::tensor(8), 0), &engines);
        for batch in [Batch::decode(64.0, 1536.0), Batch::prefill(4.0, 2048.0)] {
            for part in compiled.explain(&batch) {
                let one = part.part.time.get() / part.part.count;
                let peak = part.arithmetic.map_or(f64::INFINITY, |format| device.peak(format));
                assert!(part.amounts.flops / one <= 1.2 * peak, "{name}: {part:?}");
                assert!(!part.formula.contains("overlap"), "{name}: {}", part.formula);
            }
        }
    }
}

#[test]
fn hand_shared_experts_hide_beside_routed_ones() {
    let catalog = Catalog::builtin();
    let model = catalog.get::<Model>("DeepSeek-R1").expect("it is in the catalog").record;
    let deployment = deployment(&model, device(&catalog), ParallelPlan::tensor(8), 0);
    let parts = Compiled::new(&deployment, &Engines::new(&catalog)).explain(&Batch::decode(64.0, 1536.0));
    let experts = parts.iter().find(|part| part.part.family == Family::Experts).expect("it has experts");
    // 61 layers of which the first three are dense: the second kind has the experts.
    assert_eq!((experts.layer_kind, experts.part.count), (Some(1), 58.0));
    assert_eq!(experts.exposed, experts.part.time);
    // 64 tokens choose 8 experts each, and three matrices of 7,168 x 256 take 2 x 64 x 8 x 3 x 7168 x 256 FLOP; with one
    // rank of experts nothing is heavier than the mean.
    let flops = 2.0 * 64.0 * 8.0 * 3.0 * 7168.0 * 256.0;
    assert!((experts.amounts.flops / flops - 1.0).abs() < 1e-9, "{experts:?}");
    let shared: Vec<_> = parts.iter().filter(|part| part.part.lane == Lane::Shared).collect();
    assert!(!shared.is_empty() && shared.iter().all(|part| part.exposed.get() == 0.0));
}

#[test]
fn hand_a_state_is_as_large_at_any_length() {
    let catalog = Catalog::builtin();
    let model = catalog.get::<Model>("Qwen3-Next-80B-A3B-Instruct").expect("it is in the catalog").record;
    let deployment = deployment(&model, device(&catalog), ParallelPlan::tensor(2), 0);
    let (state, short, long) = (
        state_of_sequence(&deployment).get(),
        bytes_of_sequence(&deployment, 1000.0).get(),
        bytes_of_sequence(&deployment, 2000.0).get(),
    );
    assert!(state > 0.0 && ((long - state) / (short - state) - 2.0).abs() < 1e-9);
}

#[test]
fn hand_4_bit_experts_are_widened_where_the_hardware_has_no_4_bit_units() {
    let catalog = Catalog::builtin();
    let model = catalog.get::<Model>("gpt-oss-120b").expect("it is in the catalog").record;
    let engines = Engines::new(&catalog);
    let arithmetic = |gpu: &str| {
        let entry = catalog.get::<Gpu>(gpu).expect("it is in the catalog");
        let device = Device::new(&entry.record).expect("it is complete");
        let plain = deployment(&model, device, ParallelPlan::tensor(2), 0);
        let precision =
            Precision { experts: WeightDtype::Mxfp4, ..Precision::uniform(WeightDtype::Bf16, 2.0) };
        let parts = Compiled::new(&Deployment { precision, gpu, ..plain }, &engines)
            .explain(&Batch::decode(8.0, 1000.0));
        let experts =
            parts.into_iter().find(|part| part.part.family == Family::Experts).expect("it has experts");
        experts.arithmetic
    };
    assert_eq!(arithmetic("h200_sxm"), Some(Format::Bf16));
    assert_eq!(arithmetic("mi300x"), Some(Format::Bf16));
    assert_eq!(arithmetic("b200_sxm"), Some(Format::Fp8));
}
