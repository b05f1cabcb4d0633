//! Bad input: configurations and patterns that are wrong in some way get an error with place and hint, never a panic.

use proptest::prelude::*;
use rackplan_catalog::hf_config::{ImportError, ImportWarning, import};
use rackplan_catalog::model::{Gate, MAX_LAYERS, Mixer, Model, Pattern};
use rackplan_catalog::{Catalog, OverlayFile};

const LLAMA: &str = r#"{"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32,
  "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256,
  "max_position_embeddings": 131072}"#;

const MOE: &str = r#"{"model_type": "deepseek_v3", "hidden_size": 7168, "num_hidden_layers": 61,
  "num_attention_heads": 128, "intermediate_size": 18432, "moe_intermediate_size": 2048, "n_routed_experts": 256,
  "n_shared_experts": 1, "num_experts_per_tok": 8, "first_k_dense_replace": 3, "moe_layer_freq": 1, "n_group": 8,
  "topk_group": 4, "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
  "v_head_dim": 128, "vocab_size": 129280, "max_position_embeddings": 163840, "num_nextn_predict_layers": 1,
  "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}}"#;

fn error_of(from: &str, to: &str) -> ImportError {
    assert!(LLAMA.contains(from));
    import(&LLAMA.replace(from, to), None).unwrap_err()
}

#[track_caller]
fn assert_says(error: &ImportError, message: &str, hint: &str) {
    assert_eq!(error.to_string(), message);
    let found = error.hint().unwrap_or_default();
    assert!(found.contains(hint), "hint: {found}");
}

#[test]
fn hand_wrong_values_are_named() {
    let heads = "\"num_attention_heads\": 32";
    assert_says(&error_of(heads, "\"num_attention_heads\": 0"), "`num_attention_heads` is 0", "at least 1");
    assert_says(
        &error_of(heads, "\"num_attention_heads\": -32"),
        "`num_attention_heads` is -32",
        "at least 1",
    );
    assert_says(
        &error_of(heads, "\"num_attention_heads\": 3.5"),
        "`num_attention_heads` is 3.5",
        "whole number",
    );
    let text = error_of(heads, "\"num_attention_heads\": \"32\"");
    assert_says(&text, "`num_attention_heads` is the text `32`", "whole number");
    assert_says(
        &error_of(heads, "\"num_attention_heads\": [32]"),
        "`num_attention_heads` is a list",
        "whole",
    );
    assert_says(&error_of(heads, "\"num_attention_heads\": 33"), "`hidden_size` is 4096", "`head_dim`");
    assert_says(
        &error_of(heads, "\"num_attention_heads\": 1e300"),
        "`num_attention_heads` is 1e+300",
        "whole",
    );
    let many = error_of("\"num_hidden_layers\": 32", "\"num_hidden_layers\": 4000000000");
    assert_says(&many, "`num_hidden_layers` is 4000000000", "at most 1024");
}

#[test]
fn hand_missing_and_inconsistent_fields_are_named() {
    let missing = error_of("\"hidden_size\": 4096,", "");
    assert_says(&missing, "`hidden_size` is missing", "`n_embd` would do too");
    let missing = error_of("\"intermediate_size\": 14336,", "");
    assert_says(&missing, "`intermediate_size` is missing", "would do");
    let uneven = error_of("\"num_key_value_heads\": 8", "\"num_key_value_heads\": 5");
    assert!(uneven.to_string().contains("no multiple of 5"), "{uneven}");
    let wide = error_of("\"intermediate_size\": 14336", "\"intermediate_size\": 99999999");
    assert!(wide.to_string().contains("layer_kinds.dense.ffn.intermediate"), "{wide}");
    let experts = MOE.replace("\"num_experts_per_tok\": 8", "\"num_experts_per_tok\": 800");
    assert!(import(&experts, None).unwrap_err().to_string().contains("800 of 256 experts"));
}

#[test]
fn hand_texts_that_are_no_configuration() {
    let error = |text: &str| import(text, None).unwrap_err();
    assert_says(&error("[]"), "it is a list, not an object", "config.json");
    assert_says(&error("\"config\""), "it is a text, not an object", "config.json");
    assert!(matches!(error(""), ImportError::Json { line: 1, .. }));
    let short = error(&LLAMA[..120]);
    assert!(short.hint().unwrap().contains("cut short"), "{short}");
    let deep = error(&"{\"a\":".repeat(5000));
    assert!(deep.hint().unwrap().contains("nests"), "{deep}");
    assert!(matches!(error("{}"), ImportError::Missing { .. }));
}

#[test]
fn hand_infinity_as_python_writes_it_is_read() {
    let text = LLAMA.replace(
        '{',
        "{\"time_step_limit\": [0.0, Infinity, -Infinity, NaN], \"note\": \"NaN \\\" Infinity\", ",
    );
    assert_eq!(import(&text, None).unwrap().model.layers.count(), 32);
}

#[test]
fn hand_an_unknown_type_is_read_as_a_plain_decoder() {
    let imported = import(&LLAMA.replace("llama", "brand_new"), Some("lab/New-8B")).unwrap();
    let model_type = "brand_new".to_owned();
    assert_eq!(imported.warnings, [ImportWarning::UnknownModelType { model_type }]);
    assert_eq!(imported.model.name, "New-8B");
    assert_eq!(imported.model.parameters_total(), 8_030_261_248);
    let experts = import(&MOE.replace("deepseek_v3", "brand_new"), None).unwrap().model;
    assert_eq!(experts.layers.to_string(), "3 dense; 58 moe");
    assert!(matches!(experts.layer_sequence()[0].mixer, Some(Mixer::Mla(_))));
}

#[test]
fn hand_the_architecture_stands_in_for_a_missing_type() {
    let text = LLAMA.replace("\"model_type\": \"llama\"", "\"architectures\": [\"Qwen3ForCausalLM\"]");
    let imported = import(&text, None).unwrap();
    assert_eq!(imported.warnings, []);
    // Qwen3 normalises queries and keys: 32 layers · 2 · 128 weights more than Llama.
    assert_eq!(imported.model.parameters_total(), 8_030_261_248 + 32 * 2 * 128);
}

#[test]
fn hand_step_3_5_names_its_windows_heads_and_layers_of_experts_apart() {
    let text = r#"{"model_type": "step3p5", "hidden_size": 4096, "num_hidden_layers": 4, "intermediate_size": 11264,
      "num_attention_heads": 64, "num_attention_groups": 8, "head_dim": 128, "vocab_size": 128896, "sliding_window": 512,
      "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "sliding_attention"],
      "attention_other_setting": {"num_attention_heads": 96, "num_attention_groups": 8}, "moe_layers_enum": "2,3",
      "use_head_wise_attn_gate": true, "moe_num_experts": 288, "moe_top_k": 8, "moe_intermediate_size": 1280}"#;
    let model = import(text, None).unwrap().model;
    assert_eq!(model.layers.to_string(), "1 full_dense; 1 sliding_dense; 2 sliding_moe");
    let heads = model.layer_sequence().into_iter().map(|kind| match &kind.mixer {
        Some(Mixer::Gqa(gqa)) => (gqa.heads, gqa.kv_heads, gqa.output_gate == Gate::Head),
        other => panic!("{other:?}"),
    });
    assert_eq!(heads.collect::<Vec<_>>(), [(64, 8, true), (96, 8, true), (96, 8, true), (96, 8, true)]);
}

#[test]
fn hand_patterns() {
    let kinds =
        |items: &[&str]| Pattern::parse(items).unwrap().counts().iter().map(|c| c.1).collect::<Vec<_>>();
    assert_eq!(kinds(&["3 dense", "58 moe"]), [3, 58]);
    assert_eq!(kinds(&["10 x 5 sliding, 1 full", "2 sliding"]), [52, 10]);
    assert_eq!(kinds(&["4 x mamba, mlp"]), [4, 4]);
    let says = |item: &str| Pattern::parse(&[item]).unwrap_err().to_string();
    assert!(says("0 dense").contains("`0` in `0 dense` is no count"));
    assert!(says("-1 dense").contains("`-1` in"));
    assert!(says("3").contains("lacks a layer kind"));
    assert!(says("2 a,, 3 b").contains("lacks a layer kind"));
    assert!(says("3 Dense!").contains("`Dense!` in `3 Dense!` is no name"));
    assert!(says("1000 x 1000 dense").contains("more than 1024 layers"));
    assert!(says("99999999999999999999 dense").contains("is no count"));
}

#[test]
fn hand_entries_with_a_wrong_field_say_where() {
    let says = |change: &str| {
        let text = format!("[models.\"Qwen/Qwen3-32B\"]\n{change}");
        let file = OverlayFile { shown: "my.toml".to_owned(), relative: "my.toml".to_owned(), text };
        let error = Catalog::builtin().with_overlay(&[file]).unwrap_err();
        format!("{error}; {}", error.hint().unwrap_or_default())
    };
    assert!(
        says("layers = [\"64 dens\"]")
            .contains("layers: the layer kind `dens` is not defined; expected `dense`")
    );
    assert!(says("layers = [\"63 dense\"]").contains("the pattern has 63 layers; expected 64"));
    assert!(says("hidden = 0").contains("hidden: it is 0; expected a whole number of at least 1"));
    let said = says("layer_kinds.dense.mixer.heads = \"64\"");
    assert!(said.contains("layer_kinds.dense.mixer: `heads`") && said.contains("expected"), "{said}");
    let said = says("layer_kinds.dense.mixer.head = 64");
    assert!(said.contains("unknown key `head`; did you mean `heads`?"), "{said}");
    let said = says("layer_kinds.dense.mixer.kind = \"magic\"");
    assert!(said.contains("\"magic\" is unknown; expected one of `gqa`"), "{said}");
}

/// Replaces a piece of a text by another.
fn mutated(text: &str, at: usize, length: usize, by: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let at = at % characters.len();
    let end = (at + length).min(characters.len());
    characters[..at].iter().copied().chain(by.chars()).chain(characters[end..].iter().copied()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn law_no_mutation_of_a_configuration_panics(
        which in any::<bool>(), at in any::<usize>(), length in 0usize..12, by in "[-0-9eE.,:\"{}\\[\\]a-z_\\\\]{0,8}",
    ) {
        let text = mutated(if which { LLAMA } else { MOE }, at, length, &by);
        if let Ok(imported) = import(&text, Some("some/id")) {
            let model = imported.model;
            prop_assert!(model.parameters_active() <= model.parameters_total());
            prop_assert!(model.layers.count() <= MAX_LAYERS);
            let written = rackplan_catalog::model::to_toml(&model);
            prop_assert_eq!(toml::from_str::<Model>(&written).unwrap(), model);
        }
    }

    #[test]
    fn law_no_text_panics(text in "\\PC{0,60}") {
        let _ = import(&text, None);
        let _ = Pattern::parse(&[text]);
    }

    #[test]
    fn law_a_compressed_sequence_expands_to_itself(sequence in prop::collection::vec(0usize..3, 1..60), times in 1usize..6) {
        let kinds: Vec<&str> = sequence.iter().map(|kind| ["full", "sliding", "moe_2"][*kind]).collect();
        let long = kinds.repeat(times);
        let pattern = Pattern::compress(&long);
        prop_assert_eq!(pattern.sequence(), long);
        let written = toml::Value::try_from(&pattern).unwrap();
        prop_assert_eq!(written.try_into::<Pattern>().unwrap(), pattern);
    }
}
