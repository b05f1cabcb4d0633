//! Frameworks and workloads: what their entries make of a situation.

use rackplan_catalog::model::WeightDtype;
use rackplan_catalog::{
    Architecture, Backend, Catalog, Framework, Kind, Launch, Model, Situation, Workload, WorkloadScenario,
};
use rackplan_units::Bytes;

fn framework(backend: Backend) -> Framework {
    Catalog::builtin().get(backend.name()).unwrap_or_else(|error| panic!("{error}")).record
}

const LLAMA_ON_H200: Situation = Situation {
    memory: Bytes::new(141e9),
    architecture: Architecture::Hopper,
    weights: WeightDtype::Fp8,
    experts: false,
    latents: false,
    isl: 1024,
    osl: 1024,
    tp: 4,
    attention_dp: false,
    concurrency: 64,
};

const DEEPSEEK_ON_B200: Situation = Situation {
    memory: Bytes::new(180e9),
    architecture: Architecture::Blackwell,
    weights: WeightDtype::Fp8Block,
    experts: true,
    latents: true,
    tp: 8,
    ..LLAMA_ON_H200
};

#[test]
fn law_each_backend_has_an_entry_of_its_name() {
    assert_eq!(Catalog::builtin().ids(Kind::Frameworks).len(), Backend::ALL.len());
    for backend in Backend::ALL {
        assert_eq!(framework(backend).backend, backend);
    }
}

#[test]
fn hand_smaller_memory_has_smaller_budgets() {
    let budget = |backend, gb: f64| framework(backend).default_launch(Bytes::new(gb * 1e9)).token_budget;
    assert_eq!([48.0, 80.0, 180.0].map(|gb| budget(Backend::Vllm, gb)), [2048, 8192, 8192]);
    assert_eq!([32.0, 48.0, 141.0, 192.0].map(|gb| budget(Backend::Sglang, gb)), [2048, 4096, 8192, 16384]);
}

#[test]
fn hand_launch_scripts() {
    let trtllm = framework(Backend::Trtllm).benchmark_launch(&LLAMA_ON_H200);
    assert_eq!((trtllm.batch_wait_steps, trtllm.batch_wait_ratio, trtllm.draft_tokens), (20, 0.9, 3));
    let wide = Situation { tp: 8, attention_dp: true, ..LLAMA_ON_H200 };
    let trtllm = framework(Backend::Trtllm).benchmark_launch(&wide);
    assert_eq!((trtllm.batch_wait_steps, trtllm.draft_tokens), (0, 1));
    let sglang = |concurrency, at: Situation| {
        framework(Backend::Sglang).benchmark_launch(&Situation { concurrency, ..at })
    };
    let Launch { token_budget, max_sequences, receive_interval, .. } = sglang(4, DEEPSEEK_ON_B200);
    assert_eq!((token_budget, max_sequences, receive_interval), (32768, 128, 10));
    assert_eq!(sglang(16, DEEPSEEK_ON_B200).receive_interval, 30);
    assert_eq!(sglang(16, LLAMA_ON_H200).receive_interval, 1);
    // How many requests may run is what the scripts of DeepSeek-R1 say; other models run as many as there are.
    let other = Situation { latents: false, ..DEEPSEEK_ON_B200 };
    assert_eq!(sglang(512, other).max_sequences, 2048);
}

#[test]
fn hand_whole_prompts_fit_into_a_step_beside_decodes() {
    let budget = |at: Situation| framework(Backend::Trtllm).benchmark_launch(&at).token_budget;
    // Llama: input + output + 200; DeepSeek: at least input + clients + 64; gpt-oss: 20,000.
    assert_eq!(budget(LLAMA_ON_H200), 1024 + 1024 + 200);
    assert_eq!(budget(DEEPSEEK_ON_B200), 8192);
    assert_eq!(budget(Situation { isl: 8192, ..DEEPSEEK_ON_B200 }), 8192 + 64 + 64);
    assert_eq!(budget(Situation { weights: WeightDtype::Mxfp4, isl: 8192, ..DEEPSEEK_ON_B200 }), 20_000);
    for isl in [128, 1024, 8192, 32_784] {
        for at in [LLAMA_ON_H200, DEEPSEEK_ON_B200] {
            assert!(budget(Situation { isl, osl: 1, concurrency: 512, ..at }) >= isl + 512, "{isl}");
        }
    }
}

#[test]
fn hand_formats_of_the_cache() {
    let kv = |backend, at: &Situation| framework(backend).kv_format(at);
    assert_eq!(kv(Backend::Vllm, &LLAMA_ON_H200), WeightDtype::Fp8);
    assert_eq!(kv(Backend::Trtllm, &DEEPSEEK_ON_B200), WeightDtype::Fp8);
    assert_eq!(kv(Backend::Sglang, &DEEPSEEK_ON_B200), WeightDtype::Fp8);
    let hopper = Situation { architecture: Architecture::Hopper, ..DEEPSEEK_ON_B200 };
    assert_eq!(kv(Backend::Sglang, &hopper), WeightDtype::Bf16);
    let gpt_oss = Situation { weights: WeightDtype::Mxfp4, ..hopper };
    assert_eq!(kv(Backend::Vllm, &gpt_oss), WeightDtype::Bf16);
    let gpt_oss = Situation { architecture: Architecture::Blackwell, ..gpt_oss };
    assert_eq!(kv(Backend::Vllm, &gpt_oss), WeightDtype::Fp8);
}

#[test]
fn hand_room_for_the_cache() {
    // 0.92 · (0.97 · 80 - 35 - 4) GB = 35.512 GB.
    let room =
        |weights: f64| framework(Backend::Vllm).cache_room(Bytes::new(80e9), Bytes::new(weights)).get();
    assert!((room(35e9) - 35.512e9).abs() < 1e6);
    assert_eq!(room(75e9), 0.0);
}

#[test]
fn law_workloads_name_models_and_have_sane_limits() {
    let catalog = Catalog::builtin();
    let mut models = Vec::new();
    for id in catalog.ids(Kind::Workloads) {
        let workload: Workload = catalog.get(&id).unwrap().record;
        models.extend(workload.models);
        let limit = |scenario| workload.limits.get(&scenario);
        if let (Some(server), Some(interactive)) =
            (limit(WorkloadScenario::Server), limit(WorkloadScenario::Interactive))
        {
            assert!(interactive.ttft_p99 < server.ttft_p99 && interactive.tpot_p99 < server.tpot_p99, "{id}");
        }
    }
    let named = models.len();
    models.sort();
    models.dedup();
    assert_eq!(models.len(), named, "a model has one workload");
}

#[test]
fn hand_accepted_tokens_of_mtp() {
    let model: Model = Catalog::builtin().get("DeepSeek-R1").unwrap().record;
    assert_eq!(
        [1, 3, 9].map(|drafted| model.accepted_per_step(drafted)),
        [Some(1.92), Some(2.82), Some(3.01)]
    );
    assert_eq!(model.accepted_per_step(0), None);
}
