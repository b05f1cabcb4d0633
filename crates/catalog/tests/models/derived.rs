//! Derived numbers, worked out by hand in the comments, and laws that hold for every model.

use rackplan_catalog::model::{CacheBytes, Mixer, Model};
use rackplan_catalog::{Catalog, Kind};

fn model(name: &str) -> Model {
    Catalog::builtin().get::<Model>(name).unwrap().record
}

fn all() -> Vec<Model> {
    Catalog::builtin().ids(Kind::Models).iter().map(|id| model(id)).collect()
}

#[test]
fn hand_llama_3_1_70b_has_70_6_billion_parameters() {
    let model = model("Llama-3.1-70B");
    // Attention: 2 · 8192 · 64 · 128 for queries and output, 2 · 8192 · 8 · 128 for keys and values = 150,994,944.
    // Network: 3 · 8192 · 28672 = 704,643,072. Two norms: 16,384. A layer: 855,654,400.
    // 80 layers, two tables of 128,256 · 8192 and a norm: 70,553,706,496.
    assert_eq!(model.parameters_total(), 70_553_706_496);
    assert_eq!(model.parameters_active(), model.parameters_total());
    assert_eq!(model.parameters_embedding(), 2 * 128_256 * 8192);
    assert_eq!(model.parameters_routed(), 0);
    // The input table is only read from.
    assert_eq!(model.flops_per_token().get(), 2.0 * (70_553_706_496.0 - 128_256.0 * 8192.0));
}

#[test]
fn hand_kv_cache_of_gqa() {
    // 80 layers · 8 heads · 128 · (K and V) · 2 B = 327,680 B per token.
    assert_eq!(model("Llama-3.1-70B").kv_bytes_per_token(2.0).get(), 327_680.0);
    assert_eq!(model("Llama-3.1-70B").kv_bytes_per_token(1.0).get(), 163_840.0);
}

#[test]
fn hand_kv_cache_of_mla() {
    // 61 layers · (512 + 64) · 2 B = 70,272 B per token.
    assert_eq!(model("DeepSeek-V3").kv_bytes_per_token(2.0).get(), 70_272.0);
    // Index keys of 61 layers at 128 + 4 B: 8,052 B; GLM-5.2 has 21 indexers in 78 layers: 2,772 B.
    let index = |name: &str| model(name).index_bytes_per_token(CacheBytes::INDEX_FP8).get();
    assert_eq!(index("DeepSeek-V3.2"), 8052.0);
    assert_eq!(index("GLM-5.2"), 2772.0);
}

#[test]
fn hand_kv_cache_of_windows_stops_growing() {
    // gpt-oss-120b: 18 full and 18 windowed layers of 2 · 8 · 64 elements: 2,048 B each in bf16.
    let model = model("gpt-oss-120b");
    let of = |tokens| model.kv_bytes_of_sequence(tokens, CacheBytes::with_kv(2.0)).get();
    assert_eq!(of(100), 36.0 * 2048.0 * 100.0);
    assert_eq!(of(1128), 18.0 * 2048.0 * 1128.0 + 18.0 * 2048.0 * 128.0);
    assert_eq!(of(2128) - of(1128), 1000.0 * model.kv_bytes_per_token(2.0).get());
}

#[test]
fn hand_compressed_cache_counts_whole_entries() {
    // DeepSeek-V4-Flash at 1,024 tokens, bf16: 43 windows of 128, 21 layers with 256 entries, 20 with 8, each 512
    // wide; the 21 also keep 256 index keys of 132 B.
    let bytes = model("DeepSeek-V4-Flash").kv_bytes_of_sequence(1024, CacheBytes::with_kv(2.0)).get();
    let entries = 43 * 128 + 21 * 256 + 20 * 8;
    assert_eq!(bytes, f64::from(entries * 512 * 2 + 21 * 256 * 132));
}

#[test]
fn hand_recurrent_state_of_qwen3_next() {
    // 36 layers: 32 heads · 128 · 128 in fp32, and three inputs of 2 · 16 · 128 + 32 · 128 channels in bf16.
    let bytes = model("Qwen3-Next-80B").state_bytes_of_sequence(CacheBytes::with_kv(2.0)).get();
    assert_eq!(bytes, 36.0 * (32.0 * 128.0 * 128.0 * 4.0 + 3.0 * 8192.0 * 2.0));
}

#[test]
fn hand_attention_flops() {
    // Llama-3.1-70B at 1,000 tokens: 80 · 4 · 64 · 128 · 1000 = 2.62144 GFLOP per token.
    assert_eq!(model("Llama-3.1-70B").attention_flops_per_token(1000).get(), 2.62144e9);
    // DeepSeek-V3: 61 · 2 · 128 · (192 + 128) · 1000 expanded; a layer on the latent 2 · 128 · 1088 · 1000.
    let model = model("DeepSeek-V3");
    assert_eq!(model.attention_flops_per_token(1000).get(), 61.0 * 2.0 * 128.0 * 320.0 * 1000.0);
    let Some(Mixer::Mla(mla)) = &model.layer_sequence()[0].mixer else { panic!("it is MLA") };
    assert_eq!(mla.absorbed_attention_flops(1000.0), 2.0 * 128.0 * 1088.0 * 1000.0);
}

#[test]
fn hand_step_3_5_has_more_heads_in_its_windows() {
    // A layer of the window: queries and output of 96 heads of 128, keys and values of 8, a gate for each head and two
    // norms of 128: 2 · 4096 · 12,288 + 2 · 4096 · 1024 + 4096 · 96 + 256.
    let model = model("Step-3.5-Flash");
    let mixer = |layer: usize| model.layer_sequence()[layer].mixer.as_ref().unwrap().parameters(4096);
    assert_eq!(mixer(1), 100_663_296 + 8_388_608 + 393_216 + 256);
    assert_eq!(mixer(0), 67_108_864 + 8_388_608 + 262_144 + 256);
    assert!((model.parameters_total() as f64 / 196.96e9 - 1.0).abs() < 0.0005);
}

#[test]
fn hand_grok_2_has_a_network_beside_its_experts() {
    // Of 64 layers: 8 experts of 16,384, of which a token uses 2, and a network of 32,768 for all.
    let model = model("grok-2");
    assert_eq!(model.parameters_routed(), 64 * 8 * 3 * 8192 * 16_384);
    assert!((model.parameters_active() as f64 / 114.9e9 - 1.0).abs() < 0.001);
}

#[test]
fn hand_experts_of_deepseek_v3() {
    let model = model("DeepSeek-V3");
    // 58 layers · 256 experts · 3 · 7168 · 2048 = 653.9 billion.
    assert_eq!(model.parameters_routed(), 58 * 256 * 3 * 7168 * 2048);
    assert_eq!(model.parameters_shared(), model.parameters_total() - model.parameters_routed());
    // With the MTP module the published checkpoint has 685 billion less the shared tables.
    let with_mtp = (model.parameters_total() + model.parameters_mtp()) as f64;
    assert!((with_mtp / 682.6e9 - 1.0).abs() < 0.002, "{with_mtp}");
}

#[test]
fn law_parts_add_up_and_a_token_uses_no_more_than_there_is() {
    for model in all() {
        let layers: u64 =
            model.layer_sequence().into_iter().map(|kind| model.layer_parameters(kind).total()).sum();
        let rest = model.parameters_total() - layers - model.parameters_embedding();
        assert!(rest == model.hidden || rest == 2 * model.hidden, "{}: the last norm", model.name);
        assert!(model.parameters_active() <= model.parameters_total(), "{}", model.name);
        assert!(model.parameters_multiplied() <= model.parameters_active(), "{}", model.name);
    }
}

#[test]
fn law_a_longer_sequence_never_needs_less() {
    for model in all() {
        let bytes = CacheBytes::with_kv(2.0);
        let of = |tokens| model.kv_bytes_of_sequence(tokens, bytes).get();
        let lengths = [0, 1, 127, 128, 129, 4096, 100_000, 1_000_000];
        assert!(lengths.windows(2).all(|pair| of(pair[0]) <= of(pair[1])), "{}", model.name);
        assert_eq!(of(0), 0.0, "{}", model.name);
        // Far beyond every window a token adds what the growth says, over whole compressed entries.
        let step = (of(2_000_128) - of(2_000_000)) / 128.0;
        let growth = model.kv_bytes_per_token(2.0) + model.index_bytes_per_token(bytes.index);
        assert!((step - growth.get()).abs() < 1e-6 * growth.get().max(1.0), "{}", model.name);
    }
}

#[test]
fn law_projections_are_most_of_the_mixer() {
    for model in all() {
        for mixer in model.layer_sequence().into_iter().filter_map(|kind| kind.mixer.as_ref()) {
            let matrices: u64 = mixer.projections(model.hidden).iter().map(|p| p.weights()).sum();
            let all = mixer.parameters(model.hidden);
            assert!(matrices <= all && matrices as f64 > 0.97 * all as f64, "{}: {mixer:?}", model.name);
        }
    }
}
