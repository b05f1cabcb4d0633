//! Prompts on some workers, answers on others: what the client of such a row sees.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use rackplan_catalog::Catalog;
use rackplan_scenario::predict_serving::{ServingPrediction, ServingPredictor};
use rackplan_scenario::serving::ServingReader;
use serde_json::{Value, json};

fn predict(changes: Value) -> ServingPrediction {
    let mut row = json!({
        "id": "a", "model": "DeepSeek-R1", "gpu": "gb200", "framework": "trtllm", "weight_dtype": "fp8", "disagg": 1,
        "prefill_layout": "1w tp1 dp8 moe_ep8", "decode_layout": "2w tp8 dp1 moe_ep8", "load": "closed",
        "concurrency": 16, "isl": 1024, "osl": 512, "length_ratio": 0.8, "client": "inferencex", "warm": 1
    });
    row.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let catalog = Catalog::builtin();
    let case = ServingReader::new("{", &catalog).case(&row.to_string()).unwrap();
    ServingPredictor::new(&catalog).predict(&case).unwrap()
}

fn ttft(changes: Value) -> f64 {
    predict(changes).ttft_p50_s.unwrap()
}

#[test]
fn law_who_finds_no_place_waits_for_an_answer() {
    // Eight places on each of two workers: 24 clients wait half an answer on average, 16 none.
    let seen = predict(json!({"concurrency": 24}));
    let (first, token) = (seen.ttft_s.unwrap(), seen.tpot_s.unwrap());
    assert!((0.3..0.8).contains(&(first / (460.0 * token))), "{first} {token}");
    let free = predict(json!({}));
    assert!(free.ttft_p50_s.unwrap() < 0.1 * first, "{free:?}");
}

#[test]
fn law_long_prompts_and_few_prefill_workers_take_longer() {
    assert!(ttft(json!({"isl": 8192})) > 2.0 * ttft(json!({})));
    let queued = |workers: &str| {
        let layout = format!("{workers} tp1 dp8 moe_ep8");
        predict(json!({"isl": 8192, "concurrency": 256, "prefill_layout": layout})).ttft_s.unwrap()
    };
    assert!(queued("1w") > queued("4w"));
}

#[test]
fn law_rates_of_pools_are_of_their_accelerators() {
    let seen = predict(json!({}));
    let (input, output) =
        (seen.input_tok_s_per_prefill_gpu.unwrap(), seen.output_tok_s_per_decode_gpu.unwrap());
    assert!((input * 8.0 + output * 16.0 - seen.total_tok_s).abs() < 1e-6 * seen.total_tok_s);
    assert!((output * 16.0 - seen.total_output_tok_s).abs() < 1e-6 * seen.total_output_tok_s);
    assert!((seen.total_tok_s_per_gpu * 24.0 - seen.total_tok_s).abs() < 1e-6 * seen.total_tok_s);
}
