//! Anchors: measurements that calibrate predictions, and scores beside them.

use rackplan_scenario::Catalog;
use rackplan_scenario::predict_serving::{
    AnchorRows, By, ServingPrediction, ServingPredictor, score_serving,
};
use rackplan_scenario::serving::ServingReader;
use serde_json::{Value, json};

/// A plain row with some keys replaced.
fn row(changes: &Value) -> String {
    let mut row = json!({
        "id": "a", "model": "Llama-3.1-70B", "gpu": "h200_sxm", "gpus": 4, "framework": "vllm", "weight_dtype": "fp8",
        "tp": 4, "load": "closed", "concurrency": 16, "isl": 1024, "osl": 512, "length_ratio": 0.8,
        "client": "inferencex", "warm": 1
    });
    let changes = changes.as_object().expect("it is an object").clone();
    row.as_object_mut().expect("it is an object").extend(changes);
    row.to_string()
}

fn predict(predictor: &mut ServingPredictor, changes: &Value) -> ServingPrediction {
    let line = row(changes);
    let case = ServingReader::new(&line, &Catalog::builtin()).case(&line).expect("it is a row");
    predictor.predict(&case).expect("it has an answer")
}

/// A row as if it had been measured at so many times the predicted TPOT and TTFT.
fn measured(changes: &Value, tpot: f64, ttft: f64) -> String {
    let found = predict(&mut ServingPredictor::new(&Catalog::builtin()), changes);
    let mut all = changes.clone();
    let times = json!({
        "tpot_ms_mean": found.tpot_s.expect("it generates") * 1e3 * tpot,
        "ttft_ms_mean": found.ttft_s.expect("it has prompts") * 1e3 * ttft,
    });
    let times = times.as_object().expect("it is an object").clone();
    all.as_object_mut().expect("it is an object").extend(times);
    row(&all)
}

/// Predicted with anchors over predicted without: TPOT, TTFT, and the width of the band of TPOT in logarithms.
fn effect(anchors: &str, changes: &Value) -> [f64; 3] {
    let catalog = Catalog::builtin();
    let mut predictor = ServingPredictor::new(&catalog);
    let before = predict(&mut predictor, changes);
    let summary = predictor.anchor(anchors, &catalog);
    assert!(summary.skipped.is_empty(), "{:?}", summary.skipped);
    let after = predict(&mut predictor, changes);
    let width = |found: &ServingPrediction| {
        let [low, high] = found.band.tpot_s.expect("it has a band");
        (high / low).ln()
    };
    let ratio = |of: fn(&ServingPrediction) -> Option<f64>| {
        of(&after).expect("it is closed") / of(&before).expect("it is closed")
    };
    [ratio(|p| p.tpot_s), ratio(|p| p.ttft_s), width(&after) / width(&before)]
}

#[test]
fn hand_one_anchor_at_the_asked_place_closes_most_of_the_gap() {
    let [tpot, ttft, width] = effect(&measured(&json!({}), 1.2, 1.4), &json!({}));
    // 1 / 1.15 of ln 1.2 is 1.17; prompts are shrunk by 1 / 1.5, beside what follows from generation.
    assert!((tpot - 1.2_f64.powf(1.0 / 1.15)).abs() < 0.02, "{tpot}");
    assert!((1.2..1.4).contains(&ttft), "{ttft}");
    // sqrt((0.15 / 1.15 + 0.15) / 1.15) = 0.494.
    assert!((width - 0.494).abs() < 0.01, "{width}");
}

#[test]
fn law_anchors_count_less_the_less_they_are_alike() {
    let anchor = measured(&json!({}), 1.3, 1.3);
    let near = effect(&anchor, &json!({"concurrency": 32}));
    let far = effect(&anchor, &json!({"concurrency": 256, "isl": 8192, "tp": 8, "gpus": 8}));
    let other = effect(&anchor, &json!({"weight_dtype": "bf16"}));
    assert!(near[0] > far[0] && far[0] > other[0] && other[0] > 1.0, "{near:?} {far:?} {other:?}");
    assert!(near[2] < far[2] && far[2] < other[2] && other[2] <= 1.0, "{near:?} {far:?} {other:?}");
    for elsewhere in
        [json!({"gpu": "h100_sxm"}), json!({"framework": "sglang"}), json!({"model": "Qwen3-32B"})]
    {
        assert_eq!(effect(&anchor, &elsewhere), [1.0; 3], "{elsewhere}");
    }
}

#[test]
fn law_a_measurement_as_predicted_changes_only_the_band() {
    let [tpot, ttft, width] = effect(&measured(&json!({}), 1.0, 1.0), &json!({"concurrency": 8}));
    assert!((tpot - 1.0).abs() < 1e-6 && (ttft - 1.0).abs() < 1e-6 && width < 0.7, "{tpot} {ttft} {width}");
}

#[test]
fn hand_rows_without_measurements_are_named() {
    let catalog = Catalog::builtin();
    let summary = ServingPredictor::new(&catalog).anchor(&row(&json!({"id": "blank"})), &catalog);
    assert_eq!((summary.used, summary.skipped.len()), (0, 1));
    assert!(summary.skipped[0].0 == "blank" && summary.skipped[0].1.contains("measured column"));
}

#[test]
fn hand_scores_of_four_rows() {
    let rows: Vec<String> = [(4, 1.0), (8, 1.1), (16, 0.8), (32, 1.0)]
        .iter()
        .map(|(clients, times)| measured(&json!({"concurrency": clients}), *times, 1.0))
        .collect();
    let by = [By::Model, By::Backend];
    let scores = score_serving(&rows.join("\n"), &Catalog::builtin(), &by, AnchorRows::None);
    let tpot = scores.groups.iter().find(|group| group.metric == "tpot_ms_mean").expect("it was measured");
    assert_eq!(
        (tpot.names.as_slice(), tpot.rows),
        (["Llama-3.1-70B".to_owned(), "vllm".to_owned()].as_slice(), 4)
    );
    // Errors 0, -1/11, 1/4, 0: the median of 0, 0, 0.0909, 0.25 is 0.0455.
    assert!((tpot.median - 0.5 / 11.0).abs() < 1e-6 && tpot.bias.abs() < 1e-6, "{tpot:?}");
    let drawn = score_serving(&rows.join("\n"), &Catalog::builtin(), &by, AnchorRows::Drawn(3));
    assert_eq!((drawn.anchors.used, drawn.groups[0].rows), (3, 1));
}
