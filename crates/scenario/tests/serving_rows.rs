//! Rows of serving configurations: what their columns mean, what is assumed, what is refused.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use proptest::prelude::*;
use rackplan_catalog::model::WeightDtype::{self, Bf16, Fp8, Fp8Block, Int4, Mxfp4, Nvfp4};
use rackplan_catalog::{Backend, Catalog, Steps};
use rackplan_perf::ParallelPlan;
use rackplan_scenario::serving::{Layout, Load, ServingCase, ServingReader, Speculative};
use rackplan_traffic::Lengths;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

/// Reads a row that is given as an object.
fn read(row: &Value) -> Result<ServingCase, (String, String)> {
    ServingReader::new("{", &Catalog::builtin()).case(&row.to_string())
}

/// A plain row with some keys replaced.
fn row(changes: Value) -> Value {
    let mut row = json!({
        "id": "a", "model": "Llama-3.1-70B", "gpu": "h200_sxm", "gpus": 4, "framework": "vllm", "weight_dtype": "fp8",
        "tp": 4, "load": "closed", "concurrency": 16, "isl": 1024, "osl": 512, "length_ratio": 0.8,
        "client": "inferencex", "warm": 1
    });
    let changes = changes.as_object().unwrap().clone();
    row.as_object_mut().unwrap().extend(changes);
    row
}

fn case(changes: Value) -> ServingCase {
    read(&row(changes)).unwrap_or_else(|(id, problem)| panic!("{id}: {problem}"))
}

#[test]
fn hand_a_plain_row() {
    let case = case(json!({}));
    assert_eq!((case.id.as_str(), case.backend, case.gpus, case.replicas), ("a", Backend::Vllm, 4, 1));
    assert_eq!(case.layout, Layout::Aggregated(ParallelPlan::tensor(4)));
    assert_eq!(case.load, Load::Closed { concurrency: 16 });
    assert_eq!((case.input, case.output), (Lengths::up_to(1024, 0.8), Lengths::up_to(512, 0.8)));
    assert_eq!((case.inferencex_client, case.warm, case.speculative), (true, Some(true), None));
    assert_eq!(case.assumed, ["kv_dtype: fp8, as vLLM is launched"]);
}

#[test]
fn hand_csv_and_json_lines_say_the_same() {
    let heading =
        "id,model,gpu,gpus,framework,weight_dtype,tp,load,concurrency,isl,osl,notes,length_ratio,client,warm";
    let line = "a,Llama-3.1-70B,h200_sxm,4,vllm,fp8,4,closed,16,1024,512,\"one, two\",0.8,inferencex,1\n";
    let mut reader = ServingReader::new(heading, &Catalog::builtin());
    assert!(!reader.is_jsonl());
    let from_csv = reader.case(line).unwrap();
    assert_eq!(format!("{from_csv:?}"), format!("{:?}", case(json!({}))));
    assert_eq!(reader.column(line, "notes"), "one, two");
    let without_name = reader.case(&line.replacen('a', "", 1)).unwrap();
    assert_eq!(without_name.id, "1", "a row without a name is called by its number");
}

#[test]
fn hand_number_formats() {
    let formats = |model: &str, gpu: &str, backend: &str, dtype: &str| {
        let case = case(json!({"model": model, "gpu": gpu, "framework": backend, "weight_dtype": dtype}));
        let formats = case.formats;
        [formats.attention, formats.weights, formats.experts, formats.kv]
    };
    let of = |attention, rest, kv| -> [WeightDtype; 4] { [attention, rest, rest, kv] };
    assert_eq!(formats("DeepSeek-R1", "h200_sxm", "sglang", "fp8"), of(Fp8Block, Fp8Block, Bf16));
    assert_eq!(formats("DeepSeek-R1", "b200_sxm", "sglang", "fp4"), of(Bf16, Nvfp4, Fp8));
    assert_eq!(formats("DeepSeek-R1", "mi355x", "sglang", "fp4"), of(Bf16, Mxfp4, Bf16));
    assert_eq!(formats("Llama-3.1-70B", "b200_sxm", "TensorRT-LLM", "fp4"), of(Nvfp4, Nvfp4, Fp8));
    assert_eq!(formats("Llama-3.1-70B", "b200_sxm", "vllm", "bf16"), of(Bf16, Bf16, Bf16));
    assert_eq!(formats("gpt-oss-120b", "h200_sxm", "vllm", "fp4"), [Bf16, Bf16, Mxfp4, Bf16]);
    assert_eq!(formats("gpt-oss-120b", "h200_sxm", "vllm", "fp8"), [Bf16, Bf16, Mxfp4, Fp8]);
    assert_eq!(formats("gpt-oss-120b", "b200_sxm", "vllm", "fp4"), [Bf16, Bf16, Mxfp4, Fp8]);
    assert_eq!(formats("Kimi-K2.5", "h200_sxm", "vllm", "int4"), [Bf16, Bf16, Int4, Bf16]);
    assert_eq!(formats("Qwen3-32B", "h100_sxm", "trtllm", "fp8"), of(Fp8Block, Fp8Block, Fp8));
    assert_eq!(formats("Llama-3.1-70B", "h100_sxm", "trtllm", "fp8"), of(Fp8, Fp8, Fp8));
    // Other spellings; and a checkpoint's name, where the row says nothing else.
    assert_eq!(formats("GLM-5", "h200_sxm", "sglang", "FP8"), of(Fp8Block, Fp8Block, Bf16));
    assert_eq!(formats("Llama-3.1-70B", "h100_sxm", "trtllm", "fp8_e4m3"), of(Fp8, Fp8, Fp8));
    assert_eq!(formats("Llama-3.1-70B", "h100_sxm", "vllm", "AWQ"), of(Int4, Int4, Bf16));
    assert_eq!(formats("gpt-oss-120b", "h200_sxm", "vllm", "FP8"), [Bf16, Bf16, Mxfp4, Fp8]);
    assert_eq!(formats("nvidia/DeepSeek-R1-0528-NVFP4-v2", "b200_sxm", "sglang", ""), of(Bf16, Nvfp4, Fp8));
    assert_eq!(formats("Qwen/Qwen3-32B-FP8", "h100_sxm", "trtllm", "auto"), of(Fp8Block, Fp8Block, Fp8));
    let mlperf = json!({"weight_dtype": "fp16", "version": "MLPerf v4.1", "kv_dtype": "bf16"});
    let formats = case(mlperf).formats;
    assert_eq!((formats.attention, formats.weights, formats.kv), (Fp8, Fp8, Bf16));
}

#[test]
fn hand_layouts() {
    let plan = |changes: Value| {
        let case = case(changes);
        let Layout::Aggregated(plan) = case.layout else { panic!("{:?}", case.layout) };
        (plan, case.replicas)
    };
    let r1 = |changes: Value| {
        let mut all = json!({"model": "DeepSeek-R1", "gpus": 8, "tp": 8});
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        plan(all)
    };
    let dep8 = ParallelPlan { tp: 1, pp: 1, ep: 8, dp: 8 };
    assert_eq!(r1(json!({"tp": "", "dp": 8, "ep": 8})), (dep8, 1), "DEP8");
    assert_eq!(r1(json!({"dp": 8, "ep": 8})), (dep8, 1), "attention data parallelism inside tp");
    assert_eq!(r1(json!({"ep": 1, "dp": 1})), (ParallelPlan::tensor(8), 1));
    assert_eq!(
        r1(json!({"ep": 8, "moe_tp": 8, "moe_ep": 8})),
        (ParallelPlan { ep: 8, ..ParallelPlan::tensor(8) }, 1)
    );
    assert_eq!(plan(json!({"gpus": 8})), (ParallelPlan::tensor(4), 2));
    // 70 GB fit 0.8 · 141 - 4 = 108.8 GB, but not 0.8 · 80 - 4 = 60 GB.
    let mlperf =
        |gpu: &str| plan(json!({"model": "Llama-2-70B", "gpu": gpu, "gpus": 8, "tp": "", "load": "offline"}));
    assert_eq!(mlperf("h200_sxm"), (ParallelPlan::tensor(1), 8));
    assert_eq!(mlperf("h100_sxm"), (ParallelPlan::tensor(2), 4));
    assert_eq!(plan(json!({"tp": "", "gpus": 8})), (ParallelPlan::tensor(8), 1), "one server on all");
    let all = json!({"model": "DeepSeek-R1", "weight_dtype": "fp4", "gpu": "b200_sxm", "gpus": 8, "tp": "", "load": "offline"});
    assert_eq!(plan(all), (ParallelPlan { tp: 1, pp: 1, ep: 4, dp: 4 }, 2));
}

#[test]
fn hand_a_submission_without_a_layout_may_have_any_up_to_a_server() {
    let others = |changes: Value| -> Vec<u32> {
        let all =
            json!({"gpus": 8, "tp": "", "isl": "", "osl": "", "model": "Llama-2-70B", "load": "offline"});
        let mut all = all;
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        case(all).others.iter().map(|plan| plan.gpus()).collect()
    };
    assert_eq!(others(json!({})), [2, 4, 8], "one H200 holds it in fp8");
    assert_eq!(others(json!({"gpus": 1})), [0_u32; 0]);
    assert_eq!(others(json!({"gpus": 6})), [2]);
    assert_eq!(others(json!({"tp": 4})), [0_u32; 0], "it is said");
    assert_eq!(
        others(json!({"load": "closed", "isl": 1024, "osl": 1024})),
        [0_u32; 0],
        "one engine on all of them"
    );
}

#[test]
fn hand_disaggregated_layouts() {
    let of = |changes: Value| {
        let mut all = json!({"model": "DeepSeek-R1", "gpu": "gb200", "weight_dtype": "fp4", "disagg": 1, "gpus": 40, "tp": ""});
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let case = case(all);
        let Layout::Disaggregated { prefill, decode } = case.layout else { panic!("{:?}", case.layout) };
        (prefill, decode, case.gpus, case.load)
    };
    let (prefill, decode, gpus, _) = of(json!({
        "prefill_layout": "2w tp1 pp1 dp4 moe_tp1 moe_ep4 bs1", "decode_layout": "1w tp1 pp1 dp32 moe_tp1 moe_ep32 bs64"
    }));
    assert_eq!((prefill.workers, prefill.plan.dp, prefill.batch), (2, 4, Some(1)));
    assert_eq!(
        (decode.plan, decode.batch, gpus),
        (ParallelPlan { tp: 1, pp: 1, ep: 32, dp: 32 }, Some(64), 40)
    );
    let notes = "prefill 1w tp8 ep8 dpattn=True; decode 4w tp8 ep8 dpattn=False; date=2026-03-23; ";
    let (prefill, decode, ..) = of(json!({"prefill_gpus": 8, "decode_gpus": 32, "notes": notes}));
    assert_eq!((prefill.plan.dp, decode.workers, decode.plan.tp, decode.plan.ep), (8, 4, 8, 8));
    let (prefill, decode, ..) = of(json!({"prefill_gpus": 8, "notes": "prefill 0w tp36 ep1 dpattn=False"}));
    assert_eq!((prefill.workers, prefill.plan.ep), (2, 4), "chosen: the fewest that hold the weights");
    assert_eq!((decode.workers, decode.plan.dp), (1, 32), "chosen: one wide worker");
    let (.., load) = of(json!({"prefill_gpus": 8, "concurrency": "", "batch_per_rank": 16}));
    assert_eq!(load, Load::Closed { concurrency: 512 });
}

#[test]
fn hand_loads_and_lengths() {
    let blank = |changes: Value| {
        let mut all = json!({"model": "Llama-2-70B", "isl": "", "osl": "", "length_ratio": ""});
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        case(all)
    };
    let server = blank(json!({"load": "server"}));
    let Load::Limits { ttft_p99, tpot_p99 } = server.load else { panic!("{:?}", server.load) };
    assert_eq!((ttft_p99.get(), tpot_p99.get()), (2.0, 0.2));
    assert!(matches!(server.output, Lengths::LogNormal { longest: 1024, .. }));
    assert!(server.assumed.iter().any(|said| said.contains("mlperf_llama2_70b")), "{:?}", server.assumed);
    let Load::Limits { ttft_p99, .. } = blank(json!({"load": "interactive"})).load else {
        panic!("it has limits")
    };
    assert_eq!(ttft_p99.get(), 0.45);
    let open = blank(json!({"load": "qps=16"}));
    assert_eq!(open.load, Load::Poisson { rate: 16.0 });
    assert!(open.assumed.iter().any(|said| said.contains("sharegpt")), "{:?}", open.assumed);
    assert_eq!(case(json!({"load": "max"})).load, Load::AllAtOnce);
    assert_eq!(case(json!({"load": "static_batch"})).load, Load::StaticBatch { batch: 16 });
    assert_eq!(case(json!({"length_ratio": ""})).input, Lengths::up_to(1024, 0.8));
    // Nobody says how lengths vary: by a fifth in a loop, not at all where a batch is built for its length.
    let unsaid = |load: &str| case(json!({"length_ratio": "", "client": "", "load": load})).input;
    assert_eq!(unsaid("closed"), Lengths::Uniform { low: 819, high: 1229 });
    assert_eq!(unsaid("max"), Lengths::Fixed(1024));
}

#[test]
fn hand_drafted_tokens() {
    let of = |changes: Value| {
        let mut all =
            json!({"model": "DeepSeek-R1", "framework": "trtllm", "gpus": 8, "tp": 8, "client": ""});
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        case(all)
            .speculative
            .map(|Speculative { draft_tokens, accepted_per_step, .. }| (draft_tokens, accepted_per_step))
    };
    assert_eq!(of(json!({"spec_decode": "mtp1"})), Some((1, 1.92)));
    assert_eq!(of(json!({"spec_decode": "mtp3-relaxed"})), Some((3, 2.82)));
    assert_eq!(of(json!({"spec_decode": "mtp"})), Some((3, 2.82)), "launch scripts draft three");
    assert_eq!(
        of(json!({"spec_decode": "mtp", "dp": 8})),
        Some((1, 1.92)),
        "one with attention data parallelism"
    );
    assert_eq!(of(json!({"spec_decode": "mtp", "framework": "sglang"})), Some((2, 2.58)));
    assert_eq!(of(json!({"spec_decode": "mtp2", "model": "GLM-5"})), Some((2, 2.58)));
    assert_eq!(of(json!({"spec_decode": "MTP=3"})), Some((3, 2.82)));
    assert_eq!(of(json!({"spec_decode": "eagle3"})), Some((3, 2.82)), "as with no number");
    assert_eq!((of(json!({"spec_decode": "none"})), of(json!({}))), (None, None));
    // On random text as many are accepted as the catalog says: the verified token and that share of one.
    let steps = Catalog::builtin().get::<Steps>("serving").expect("it is in the catalog").record;
    let accepted = 1.0 + steps.constants.accepted_on_random;
    assert_eq!(of(json!({"spec_decode": "mtp1", "client": "inferencex"})), Some((1, accepted)));
}

#[test]
fn hand_bad_rows_name_column_value_and_way_out() {
    for (changes, problem, hint) in [
        (json!({"model": "Llama-3.1-70C"}), "`model`: no model is called `Llama-3.1-70C`", "did you mean"),
        (json!({"model": ""}), "`model` is blank", "catalog list"),
        (json!({"gpu": "h900"}), "`gpu`: no gpu is called `h900`", "h100"),
        (json!({"framework": "tgi"}), "`framework` is `tgi`", "vllm, sglang"),
        (json!({"weight_dtype": "fp9"}), "`weight_dtype` is `fp9`", "nvfp4"),
        (json!({"kv_dtype": "fp9"}), "`kv_dtype` is `fp9`", "bf16"),
        (json!({"tp": "many"}), "`tp` is `many`", "whole number"),
        (json!({"tp": 3}), "`gpus` is `4`", "a multiple of the 3"),
        (json!({"tp": -4}), "`tp` is `-4`", "whole number"),
        (json!({"tp": 1048576, "dp": 1048576}), "`tp` is `1048576`", "at most"),
        (json!({"gpus": 1.5}), "`gpus` is `1.5`", "whole number"),
        (json!({"isl": 0}), "`isl` is `0`", "from 1 to"),
        (json!({"isl": ""}), "`isl` is blank", "tokens of a prompt"),
        (json!({"length_ratio": 1.8}), "`length_ratio` is `1.8`", "from 0 to 1"),
        (json!({"load": "open"}), "`load` is `open`", "qps=16"),
        (json!({"load": "qps=-1"}), "`load` is `qps=-1`", "qps=16"),
        (json!({"load": "server"}), "`load` is `server`", "list workloads"),
        (json!({"concurrency": ""}), "`concurrency` is blank", "batch_per_rank"),
        (json!({"spec_decode": "medusa"}), "`spec_decode` is `medusa`", "mtp2"),
        (json!({"warm": "maybe"}), "`warm` is `maybe`", "1 or 0"),
        (json!({"disagg": 1, "gpus": ""}), "`prefill_layout` is blank", "prefill_gpus"),
        (json!({"disagg": 1, "prefill_layout": "8 GPUs"}), "`prefill_layout` is `8 GPUs`", "1w tp1"),
    ] {
        let (id, said) = read(&row(changes.clone())).expect_err(&changes.to_string());
        let (what, way) = said.split_once("hint: ").unwrap_or_else(|| panic!("no hint: {said}"));
        assert!(id == "a" && what.contains(problem) && way.contains(hint), "{changes}: {said}");
    }
    let mut reader = ServingReader::new("{\"id\": 1}", &Catalog::builtin());
    for line in ["{", "[1]", ""] {
        let (_, said) = reader.case(line).expect_err("it is no row");
        assert!(said.contains("hint: expected an object"), "{said}");
    }
}

#[test]
fn hand_names_of_models_and_accelerators_that_tables_use() {
    let models = [
        "Kimi-K2.5",
        "GLM-5",
        "MiniMax-M2.5",
        "Qwen3.5-397B-A17B",
        "DeepSeek-V3",
        "DeepSeek-V3.1",
        "DeepSeek-V3.2",
        "DeepSeek-V4-Pro",
        "DeepSeek-V4-Flash",
        "DeepSeek-V4",
        "Llama-4-Maverick",
        "Llama-4-Scout",
        "Mixtral-8x22B",
        "Mixtral-8x7B",
        "Llama-3.3-70B",
        "Llama-3.1-8B",
        "Llama-3-70B",
        "Llama-2-70B",
        "Qwen3-30B-A3B",
        "Qwen3-32B",
        "Qwen3-235B-A22B",
        "Qwen2.5-72B",
        "gpt-oss-20b",
        "Kimi-K2",
        "Kimi-K2-Instruct",
        "GLM-4.5",
        "GLM-4.6",
        "GLM-5.2",
        "MiniMax-M2",
        "MiniMax-M3",
        "GPT-J-6B",
        "Mistral-7B",
        "Llama-7B",
        "Gemma-3-27b",
        "Qwen3-8B",
        "Kimi-K3",
        "deepseek-ai/DeepSeek-R1-0528",
        "nvidia/DeepSeek-R1-0528-FP4-v2",
        "amd/DeepSeek-R1-0528-MXFP4-Preview",
        "DeepSeek-V3-0324",
        "moonshotai/Kimi-K2-Instruct-0905",
        "amd/Kimi-K2.5-MXFP4",
        "zai-org/GLM-4.7-FP8",
        "GLM-4.7-Flash",
        "GLM-5.1",
        "MiniMaxAI/MiniMax-M2.7",
        "Qwen/Qwen3-Next-80B-A3B-Instruct-FP8",
        "Qwen/Qwen3-VL-235B-A22B-Instruct",
        "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8",
        "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-FP8",
        "nvidia/Llama-3.3-70B-Instruct-FP4",
        "amd/Llama-3.1-405B-Instruct-FP8-KV",
        "Mistral-Large-3",
        "qwen3.5",
        "gptoss",
    ];
    for model in models {
        case(json!({"model": model, "kv_dtype": "bf16"}));
    }
    let gpus = [
        "gb200",
        "l40s",
        "b300",
        "gb300",
        "mi325x",
        "mi355x",
        "mi350x",
        "mi300x",
        "h20",
        "rtx_pro_6000",
        "rtx_pro_6000_server",
        "h100",
        "h200",
        "b200",
        "b200_sxm",
        "b300_sxm",
        "h100_sxm",
        "h100_pcie",
        "a100_sxm",
        "a100_pcie",
        "gh200",
        "h200_nvl",
        "h800",
        "h100_nvl",
    ];
    for gpu in gpus {
        case(json!({"gpu": gpu}));
    }
}

#[test]
fn val_published_rows_are_read() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/measured/serving.csv.gz");
    let Ok(bytes) = std::fs::read(path) else {
        println!("skipped: ../shared/measured/serving.csv.gz is absent");
        return;
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    let mut lines = text.lines();
    let mut reader = ServingReader::new(lines.next().unwrap(), &Catalog::builtin());
    let mut problems: BTreeMap<String, u32> = BTreeMap::new();
    let mut assumed: BTreeMap<String, u32> = BTreeMap::new();
    let (mut rows, mut read) = (0_u32, 0_u32);
    for line in lines {
        rows += 1;
        match reader.case(line) {
            Ok(case) => {
                read += 1;
                assert_eq!(case.gpus, case.layout.gpus() * case.replicas, "{}", case.id);
                for said in case.assumed {
                    *assumed.entry(said).or_default() += 1;
                }
            }
            Err((_, problem)) => *problems.entry(problem).or_default() += 1,
        }
    }
    println!("{read} of {rows} rows are read; problems: {problems:#?}; assumed: {assumed:#?}");
    assert!(f64::from(read) >= 0.99 * f64::from(rows), "{read} of {rows}: {problems:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn law_no_row_panics(key in "tp|pp|dp|ep|moe_tp|moe_ep|gpus|isl|osl|load|disagg|prefill_gpus|decode_layout|weight_dtype|spec_decode|concurrency|batch_per_rank|length_ratio|notes|model", value in "[0-9]{0,12}|[0-9]w tp[0-9]{1,7} dp[0-9]{1,7}|.{0,12}", other in "tp|dp|disagg|gpus|ep", number in 0_u32..=u32::MAX) {
        let mut changed = row(json!({"model": "DeepSeek-R1"}));
        changed[other.as_str()] = number.into();
        changed[key.as_str()] = value.into();
        if let Ok(case) = read(&changed) {
            prop_assert!(case.replicas >= 1 && case.gpus >= 1);
        }
    }
}
