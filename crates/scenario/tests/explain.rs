//! `explain`: parts that sum to the step, figures worked out by hand, every model, and what cannot be read.

use rackplan_scenario::answer::{Answer, ExplainAnswer};
use rackplan_scenario::{Catalog, CatalogKind, Inputs, Layers, Origin, QuestionError, run};
use std::collections::BTreeMap;

fn asked(inputs: &Inputs, flags: &str) -> Result<Answer<ExplainAnswer>, QuestionError> {
    let mut layers = Layers::default();
    let words: Vec<&str> = flags.split_whitespace().collect();
    for pair in words.chunks(2) {
        layers.add(pair[0], pair[1], Origin::Flag(format!("--{}", pair[0])));
    }
    run::explain(inputs, &layers)
}

fn inputs() -> Inputs {
    Inputs::new(Catalog::builtin(), BTreeMap::new())
}

fn explained(flags: &str) -> ExplainAnswer {
    asked(&inputs(), flags).expect("it is a question").answer
}

const R1: &str = "model deepseek-r1 hardware h200_sxm search.tp 8 backend sglang search.batch_sizes 64";

#[test]
fn hand_the_waterfall_sums_to_the_step() {
    for phase in ["decode", "prefill", "mixed"] {
        let found = explained(&format!("{R1} search.phase {phase}"));
        let sum: f64 = found.parts.iter().map(|part| part.exposed_s).sum();
        assert!((sum / found.step.time_s - 1.0).abs() < 1e-9, "{phase}");
        for shares in [&found.bounds, &found.evidence] {
            let all: f64 = shares.iter().map(|share| share.share).sum();
            assert!((all - 1.0).abs() < 1e-9, "{phase}: {shares:?}");
        }
        let kinds: f64 = found.layer_kinds.iter().map(|kind| kind.share).sum();
        assert!((kinds - 1.0).abs() < 1e-9, "{phase}");
        let layers: Vec<u64> = found.layer_kinds.iter().map(|kind| kind.layers).collect();
        assert_eq!(layers, [3, 58, 0], "{phase}");
    }
}

#[test]
fn hand_totals_of_a_decode_step() {
    let found = explained(R1);
    assert_eq!((found.batch.decodes, found.batch.context_tokens), (64.0, 1536.0));
    let step = &found.step;
    assert!((step.tokens_per_s_per_gpu - 64.0 / step.time_s / 8.0).abs() < 1e-6);
    assert_eq!(found.tpot_s, Some(step.time_s));
    // Multiplications per token: 37.5 G active parameters, 64 of them, on 8 GPUs: about 0.6 TFLOP, and 0.2 of attention
    // over latents (61 layers x 2 x 64 x 16 heads x 1,536 x 1,088).
    let attention = 61.0 * 2.0 * 64.0 * 16.0 * 1536.0 * 1088.0;
    let weights = 2.0 * 64.0 * 37.5e9 / 8.0;
    let ratio = step.flops / (attention + weights);
    assert!((0.95..1.25).contains(&ratio), "{ratio}");
    assert!(step.mfu > 0.0 && step.mfu < 1.0 && step.mbu > 0.1 && step.mbu < 1.0, "{step:?}");
    // 61 layers hold 576 numbers of a token in one byte each.
    assert!((found.memory.kv_bytes_per_token - 61.0 * 576.0 * found_kv(&found)).abs() < 1e-6);
    assert!(found.fits && found.difficulty.is_none());
}

fn found_kv(found: &ExplainAnswer) -> f64 {
    if found.layout.kv_dtype == "fp8" { 1.0 } else { 2.0 }
}

#[test]
fn hand_drafted_tokens_make_a_step_longer_and_yield_more() {
    let plain = explained(R1);
    let drafted = explained(&format!("{R1} speculative mtp:2,accept=0.5"));
    // 1 + 0.5 + 0.25.
    assert_eq!(drafted.layout.tokens_per_step, 1.75);
    assert!(drafted.step.time_s > plain.step.time_s);
    let kinds: Vec<&str> = drafted.layer_kinds.iter().map(|kind| kind.name.as_str()).collect();
    assert_eq!(kinds, ["dense", "moe", "draft", "ends"]);
    let all: f64 = drafted.layer_kinds.iter().map(|kind| kind.share).sum();
    assert!((all - 1.0).abs() < 1e-9);
    assert_eq!(drafted.tpot_s, Some(drafted.step.time_s / 1.75));
}

#[test]
fn hand_what_does_not_fit_is_an_answer_with_both_sides() {
    let found = explained("model deepseek-r1 hardware h200_sxm search.tp 2");
    let difficulty = found.difficulty.expect("671 GB do not fit two GPUs");
    assert!(!found.fits && difficulty.binding.contains("may take"), "{}", difficulty.binding);
    assert!(difficulty.relaxations.iter().any(|change| change.flag == "--tp 8"), "{difficulty:?}");
    let found = explained("model llama-3.1-70b hardware h100_sxm search.tp 2 workload.isl 100000 quant fp8");
    let difficulty = found.difficulty.expect("64 long prompts do not fit");
    assert!(difficulty.binding.contains("room for"), "{}", difficulty.binding);
    assert!(difficulty.relaxations[0].flag.starts_with("--batch "), "{difficulty:?}");
}

#[test]
fn law_every_model_is_explained_in_both_phases() {
    let inputs = inputs();
    let mut refused = 0;
    for id in inputs.catalog.ids(CatalogKind::Models) {
        for phase in ["decode", "prefill"] {
            let flags = format!("model {id} hardware h200_sxm search.tp 8 search.phase {phase}");
            match asked(&inputs, &flags) {
                Ok(found) => {
                    let step = &found.answer.step;
                    assert!(step.time_s.is_finite() && step.time_s > 0.0, "{id} {phase}: {step:?}");
                    assert!(step.mfu.is_finite() && step.mbu.is_finite(), "{id} {phase}: {step:?}");
                    assert!(found.answer.ttft_alone_s > 0.0, "{id} {phase}");
                }
                Err(error) => {
                    assert!(error.to_string().contains("attention heads"), "{id}: {error}");
                    refused += 1;
                }
            }
        }
    }
    let all = 2 * inputs.catalog.ids(CatalogKind::Models).len();
    assert!(refused * 4 < all, "{refused} of {all} are refused");
}

#[test]
fn hand_what_cannot_be_explained_is_said_with_a_way_out() {
    let inputs = inputs();
    let cases = [
        ("search.tp 8", "no model is named", "catalog list models"),
        ("model deepseek-r1 search.tp 7", "`7` does not divide the 128 attention heads", "1, 2, 4, 8"),
        ("model deepseek-r1 search.tp 8 search.ep 3", "`3` does not divide the 256 experts", "1, 2, 4"),
        ("model deepseek-r1 search.tp 8 search.ep 16", "`16` does not divide the 8 GPUs", "1, 2, 4, 8"),
        ("model llama-3.1-70b search.tp 8 search.ep 8", "has no experts", "leave it out"),
        ("model llama-3.1-70b search.pp 81", "81 stages are more than the 80 layers", "1 to 80"),
        ("model llama-3.1-70b speculative mtp:2", "has no modules that draft", "none"),
        ("model deepseek-r1 speculative eagle", "`eagle` is no way", "mtp:N"),
        ("model deepseek-r1 backend vlm", "`vlm` is no framework", "vllm, sglang or trtllm"),
        ("model deepseek-r2 search.tp 8", "deepseek-r2", "deepseek-ai/DeepSeek-R1"),
        ("model deepseek-r1 hardware h200_smx", "h200_smx", "h200_sxm"),
        ("model deepseek-r1 search.tp 1,2", "`explain` takes one, not 2", "sweep"),
        ("model deepseek-r1 quant fp9", "`fp9` is no number format", "fp8_block"),
        ("model deepseek-r1 search.phase training", "unknown word `training`", "decode, prefill, mixed"),
        ("model 1", "founding preset", "Qwen/Qwen3-235B-A22B"),
        ("model deepseek-r1 search.tp 4096 search.dp 4096", "16777216 GPUs", "at most"),
    ];
    for (flags, message, hint) in cases {
        let error = asked(&inputs, flags).expect_err(flags);
        assert!(error.to_string().contains(message), "{flags}: {error}");
        let advice = error.hint().unwrap_or_default();
        assert!(advice.contains(hint), "{flags}: {error}; hint: {advice}");
    }
}
