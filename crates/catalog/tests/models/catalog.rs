//! The entries themselves: they read, they write back to the same bytes, and people find them.

use crate::shared::{imported, table};
use rackplan_catalog::model::{Model, to_toml};
use rackplan_catalog::{Basis, Catalog, Kind};
use std::collections::BTreeSet;
use std::path::PathBuf;

fn entries() -> Vec<(String, Model)> {
    let catalog = Catalog::builtin();
    let read = |id: String| (id.clone(), catalog.get::<Model>(&id).unwrap_or_else(|e| panic!("{e}")).record);
    catalog.ids(Kind::Models).into_iter().map(read).collect()
}

#[test]
fn law_entries_are_written_as_the_exporter_writes_them() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../catalog/models");
    for (id, model) in entries() {
        let written =
            std::fs::read_to_string(folder.join(format!("{}.toml", id.replacen('/', "--", 1)))).unwrap();
        assert_eq!(to_toml(&model), written, "{id}: run the example import_models");
        assert_eq!(toml::from_str::<Model>(&to_toml(&model)).unwrap(), model, "{id}");
        let json = serde_json::to_string(&model).unwrap();
        assert_eq!(serde_json::from_str::<Model>(&json).unwrap(), model, "{id}");
    }
}

#[test]
fn law_every_entry_names_its_source() {
    let entries = entries();
    assert!(entries.len() >= 200, "{}", entries.len());
    for (id, model) in entries {
        assert!(model.source.len() > 10 && model.basis != Basis::User, "{id}");
        assert_eq!(model.layer_count, Some(model.layers.count()), "{id}");
    }
}

#[test]
fn val_entries_have_the_architecture_of_their_configuration() {
    let Some(imported) = imported() else { return };
    for (id, model) in imported {
        let entry = Catalog::builtin().get::<Model>(&id).unwrap().record;
        assert_eq!(entry.layers, model.layers, "{id}");
        assert_eq!(entry.layer_kinds, model.layer_kinds, "{id}");
        assert_eq!(entry.parameters_total(), model.parameters_total(), "{id}");
    }
}

#[test]
fn law_published_totals_agree_with_the_computed_ones() {
    for (id, model) in entries() {
        let published = model.published.as_ref().and_then(|published| published.total);
        let Some(published) = published.filter(|total| total.0 >= 100_000_000_000) else { continue };
        // Below a hundred billion the figure is often no more than the name.
        let off = model.parameters_total() as f64 / published.0 as f64 - 1.0;
        assert!(off.abs() < 0.03, "{id}: {:+.2} %", 100.0 * off);
    }
}

#[test]
fn hand_names_that_people_use() {
    let resolve =
        |name: &str| Catalog::builtin().resolve(Kind::Models, name).unwrap_or_else(|e| panic!("{e}"));
    for (name, id) in [
        ("Llama-3.1-70B", "meta-llama/Meta-Llama-3.1-70B"),
        ("Kimi-K2.5", "moonshotai/Kimi-K2.5"),
        ("qwen3.5-397b", "Qwen/Qwen3.5-397B-A17B"),
        ("gpt-oss-120b", "openai/gpt-oss-120b"),
        ("DeepSeek-R1", "deepseek-ai/DeepSeek-R1"),
        ("deepseek-v3.2", "deepseek-ai/DeepSeek-V3.2"),
        ("Mixtral-8x7B", "mistralai/Mixtral-8x7B-v0.1"),
        ("Qwen3-32B", "Qwen/Qwen3-32B"),
        ("GPT-J-6B", "EleutherAI/gpt-j-6b"),
        ("GPT 18.4B", "nvidia/megatron-gpt-18.4b"),
        ("GPT 184B", "bigscience/gpt-184b"),
        ("meta-llama/Llama-3.3-70B-Instruct", "meta-llama/Llama-3.3-70B-Instruct"),
        ("Ring-1T", "inclusionAI/Ling-1T"),
        ("Nemotron-Nano-9B-v2", "nvidia/NVIDIA-Nemotron-Nano-9B-v2"),
        ("Qwen3-VL-8B-Instruct-FP8", "Qwen/Qwen3-VL-8B-Instruct"),
        ("Magistral-Small-2509", "mistralai/Mistral-Small-3.2-24B-Instruct-2506"),
        ("Hermes-4-405B", "meta-llama/Meta-Llama-3.1-405B"),
        ("granite-3.3-8b", "ibm-granite/granite-3.1-8b-instruct"),
        ("dots.llm1", "rednote-hilab/dots.llm1.inst"),
        ("Olmo-3-7B-Think", "allenai/Olmo-3-1025-7B"),
    ] {
        assert_eq!(resolve(name), id, "{name}");
    }
}

#[test]
fn law_no_two_entries_share_a_name() {
    let plain = |name: &str| -> String {
        name.chars().filter(|c| c.is_alphanumeric() || *c == '.').flat_map(char::to_lowercase).collect()
    };
    let mut seen = BTreeSet::new();
    for (id, model) in entries() {
        let last = id.rsplit('/').next().unwrap();
        let own: BTreeSet<String> = [id.as_str(), last]
            .into_iter()
            .chain(model.aliases.iter().map(String::as_str))
            .map(plain)
            .collect();
        for name in own {
            assert!(seen.insert(name.clone()), "{id}: `{name}` is taken");
        }
    }
}

#[test]
fn val_every_measured_model_resolves_or_is_known_to_be_missing() {
    /// Their architectures are not published.
    const UNKNOWN: [&str; 3] = ["GPT 462B", "MaxText dense 1160B", "Nemotron_3_5_Lightning"];
    for path in ["measured/serving.csv.gz", "measured/training.csv.gz"] {
        let Some(rows) = table(path) else { return };
        let names: BTreeSet<&String> = rows.iter().map(|row| &row["model"]).collect();
        for name in names {
            let found = Catalog::builtin().resolve(Kind::Models, name);
            assert_eq!(found.is_err(), UNKNOWN.contains(&name.as_str()), "{name}: {found:?}");
        }
    }
}

#[test]
fn hand_the_schema_names_every_kind_of_layer() {
    let schema = serde_json::to_string(&schemars::schema_for!(Model)).unwrap();
    for word in ["gated_delta_net", "compressed", "kv_rank", "experts_per_token", "expert_weight_dtype"] {
        assert!(schema.contains(word), "{word}");
    }
}
