//! Imported models against `models.csv`, whose figures were computed apart from this code.

use crate::shared::{imported, table};
use rackplan_catalog::model::Model;
use std::collections::BTreeMap;

type Row = BTreeMap<String, String>;

fn rows() -> Option<Vec<(Row, Model)>> {
    let models = imported()?;
    let rows = table("catalog/models.csv")?;
    let joined =
        rows.into_iter().filter_map(|row| models.get(&row["hf_id"]).cloned().map(|model| (row, model)));
    Some(joined.collect())
}

fn deviation(value: f64, reference: f64) -> f64 {
    value / reference - 1.0
}

#[test]
fn val_all_58_configurations_import_without_an_unknown_type() {
    let Some(configs) = crate::shared::configs() else { return };
    assert_eq!(configs.len(), 58);
    for (id, text) in configs {
        let imported = rackplan_catalog::hf_config::import(&text, Some(&id)).unwrap();
        let warnings: Vec<String> = imported.warnings.iter().map(ToString::to_string).collect();
        assert!(!warnings.iter().any(|warning| warning.contains("not known")), "{id}: {warnings:?}");
    }
}

#[test]
fn val_parameters_match_the_computed_ones_within_half_a_percent() {
    let Some(rows) = rows() else { return };
    assert_eq!(rows.len(), 58);
    for (row, model) in rows {
        let id = &row["hf_id"];
        for (column, value) in [
            ("total_params_B_computed", model.parameters_total()),
            ("active_params_B_computed", model.parameters_active()),
        ] {
            let off = deviation(value as f64 / 1e9, row[column].parse().unwrap());
            assert!(off.abs() < 0.005, "{id} {column}: {:+.2} %", 100.0 * off);
        }
    }
}

/// Rows whose only stored figure is the rounded name, or counts what a text model lacks (NOTES.md, section Models).
const ROUNDED: [&str; 13] = [
    "Qwen/Qwen3-8B",
    "Qwen/Qwen3-14B",
    "Qwen/Qwen3-32B",
    "Qwen/Qwen2.5-7B-Instruct",
    "Qwen/Qwen2.5-14B-Instruct",
    "Qwen/Qwen2.5-32B-Instruct",
    "tiiuae/Falcon3-10B-Instruct",
    "openai/gpt-oss-20b",
    "openai/gpt-oss-120b",
    "moonshotai/Kimi-K2-Instruct",
    "moonshotai/Kimi-K2.5",
    "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16",
    "google/gemma-4-26B-A4B",
];

#[test]
fn val_parameters_match_the_published_ones_within_two_percent() {
    let Some(rows) = rows() else { return };
    let mut compared = 0;
    for (row, model) in rows.iter().filter(|(row, _)| !ROUNDED.contains(&row["hf_id"].as_str())) {
        let Ok(published) = row["total_params_B_published"].parse::<f64>() else { continue };
        let off = deviation(model.parameters_total() as f64 / 1e9, published);
        assert!(off.abs() < 0.02, "{}: {:+.2} %", row["hf_id"], 100.0 * off);
        compared += 1;
    }
    assert_eq!(compared, 35);
}

#[test]
fn val_kv_cache_per_token_is_exact() {
    let Some(rows) = rows() else { return };
    for (row, model) in rows {
        let kv = model.kv_bytes_per_token(2.0).get();
        // For DeepSeek-V4 the table adds the index keys, taken as bf16 too.
        let counted = match row["hf_id"].contains("DeepSeek-V4") {
            true => kv + model.index_bytes_per_token(2.0).get(),
            false => kv,
        };
        assert_eq!(counted, row["kv_bytes_per_token_bf16"].parse::<f64>().unwrap(), "{}", row["hf_id"]);
    }
}

#[test]
fn val_shapes_match_the_table() {
    let Some(rows) = rows() else { return };
    for (row, model) in rows {
        let id = &row["hf_id"];
        assert_eq!(model.layers.count().to_string(), row["layers"], "{id}");
        assert_eq!(model.hidden.to_string(), row["hidden"], "{id}");
        assert_eq!(model.vocab.to_string(), row["vocab"], "{id}");
        let blank_is_none = |cell: &str| cell.parse::<u64>().unwrap_or(0);
        assert_eq!(model.mtp_layers, blank_is_none(&row["mtp_layers"]), "{id}");
    }
}
