//! The answer of `size --method first-order` as data: assumptions, alternatives, curves, what is in the way, the founding presets beside it.

use proptest::prelude::*;
use rackplan_scenario::answer::{Answer, SizeAnswer};
use rackplan_scenario::{Catalog, Inputs, Layers, Origin, OverlayFile, QuestionError, run};
use std::collections::BTreeMap;

/// The main job: a real model on a real rack.
const MAIN: &str =
    "model=Qwen/Qwen3-235B-A22B hardware=gb200_nvl72 quant=fp8 workload.context=32k workload.users=1000";

/// The layers of `key=value` words.
fn layers(words: &str) -> Layers {
    let mut layers = Layers::default();
    layers.add("search.method", "first-order", Origin::Flag("--method".to_owned()));
    for (key, value) in words.split_whitespace().filter_map(|word| word.split_once('=')) {
        layers.add(key, value, Origin::Flag(format!("--{key}")));
    }
    layers
}

fn size(words: &str) -> Answer<SizeAnswer> {
    run::size(&Inputs::default(), &layers(words)).expect("the question is well formed")
}

fn refused(words: &str) -> QuestionError {
    run::size(&Inputs::default(), &layers(words)).expect_err("the question is wrong")
}

#[test]
fn hand_what_was_given_is_read_and_what_was_not_is_assumed() {
    let answer = size(MAIN);
    let value = |key: &str| &answer.question[key].value;
    assert_eq!(value("workload.context"), 32_000);
    assert_eq!(value("quant"), &serde_json::json!(["fp8"]));
    assert_eq!(answer.question["workload.users"].origin, "--workload.users");
    let mut keys: Vec<&str> = answer.assumptions.iter().map(|assumed| assumed.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        ["limits.max_racks", "search.batch_sizes", "storage_servers", "targets.tokens_per_user_rate"]
    );
    assert!(answer.assumptions.iter().all(|assumed| !assumed.why.is_empty()));
    // Nothing is assumed about what was said.
    assert!(keys.iter().all(|key| layers(MAIN).origin(key).is_none()));
}

#[test]
fn hand_the_main_job_stands_beside_its_founding_presets() {
    let answer = size(MAIN).answer;
    let founding = answer.founding.expect("presets stand for this model and this rack");
    assert_eq!(founding.presets, "Qwen3-235B-A22B on NVIDIA GB200 NVL72");
    let kv = founding.differences.iter().find(|difference| difference.input == "KV/token");
    // 2 x 94 layers x 1,536 x 1 B in the preset; 2 x 94 layers x 4 KV heads x 128 x 1 B in the architecture.
    let both = kv.map(|difference| (difference.founding.as_str(), difference.catalog.as_str()));
    assert_eq!(both, Some(("288.8 kB", "96.26 kB")));
    assert_eq!(size("workload.users=10").answer.founding, None, "presets are not compared with themselves");
    let other = size("workload.users=10 model=meta-llama/Meta-Llama-3.1-8B hardware=gb200_nvl72");
    assert_eq!(other.answer.founding, None, "no preset stands for this model");
}

#[test]
fn hand_alternatives_come_once_each_and_the_smallest_of_its_kind_first() {
    let answer = size(&MAIN.replace("hardware=gb200_nvl72", "hardware=gb200_nvl72,h200_hgx")).answer;
    let held = answer.deployment.expect("it serves").hardware.id;
    let changes: Vec<&str> = answer.alternatives.iter().map(|a| a.change.as_str()).collect();
    let mut once = changes.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), changes.len(), "{changes:?}");
    assert!(!changes.contains(&held.as_str()), "{changes:?}");
    let formats = ["bf16", "fp8", "int4", "nvfp4", "mxfp4"];
    let gpus = |formats_wanted: bool| {
        let kind = answer.alternatives.iter().filter(move |a| {
            formats.contains(&a.change.as_str()) == formats_wanted && !a.change.starts_with("batch ")
        });
        kind.map(|a| a.gpus_provisioned).collect::<Vec<_>>()
    };
    assert!(gpus(true).is_sorted() && gpus(false).is_sorted(), "{changes:?}");
}

#[test]
fn hand_the_smallest_of_several_racks_is_chosen_unless_cost_or_power_matters() {
    let words = "model=llama-3.1-70b hardware=gb200_nvl72,b200_hgx,h200_hgx workload.users=100 quant=fp8";
    let gpus = size(words).answer.deployment.expect("it serves");
    assert_eq!((gpus.hardware.id.as_str(), gpus.capacity.gpus_provisioned), ("b200_hgx", 16));
    let by = |objective: &str| size(&format!("{words} search.objective={objective}")).answer.deployment;
    let least = by("cost").and_then(|d| d.money).expect("it has a price").usd_per_hour;
    assert!(gpus.money.is_some_and(|money| least <= money.usd_per_hour));
    let least = by("power").and_then(|d| d.power).expect("its power is known").facility_w;
    assert!(gpus.power.is_some_and(|power| least <= power.facility_w));
}

#[test]
fn hand_curves_lie_in_range() {
    let answer = size(MAIN).answer;
    let charts =
        ["throughput_by_batch", "utilization_by_users", "utilization_by_batch", "utilization_by_context"];
    for chart in charts {
        let curves: Vec<_> = answer.curves.iter().filter(|curve| curve.chart == chart).collect();
        assert_eq!(curves.len(), 3, "{chart}");
        for point in curves.iter().flat_map(|curve| &curve.points) {
            let most = if chart == "throughput_by_batch" { f64::INFINITY } else { 1.0 };
            assert!(point.x > 0.0 && (0.0..=most).contains(&point.y), "{chart}: {point:?}");
        }
        assert!(curves.iter().all(|curve| curve.points.is_sorted_by(|a, b| a.x <= b.x)), "{chart}");
    }
    let users = answer.curves.iter().find(|curve| curve.chart == "utilization_by_users");
    let ends = users.map(|curve| (curve.points[0].x, curve.points[8].x));
    assert_eq!(ends, Some((800.0, 1_200.0)), "20 % below and above 1,000 users");
}

#[test]
fn hand_too_many_users_say_what_is_short_and_each_way_out_works() {
    let words = "model=llama-3.1-70b hardware=h200_hgx quant=bf16 workload.users=3000 limits.max_racks=2";
    let answer = size(words).answer;
    assert!(!answer.feasible && answer.deployment.is_none() && answer.alternatives.is_empty());
    let difficulty = answer.difficulty.expect("something is in the way");
    // The speed is enough, so only the slots are named.
    assert!(difficulty.binding.contains("slots for 3000 users"), "{}", difficulty.binding);
    assert!(!difficulty.binding.contains("tok/s"), "{}", difficulty.binding);
    assert!(!difficulty.relaxations.is_empty());
    for relaxation in &difficulty.relaxations {
        let (flag, value) = relaxation.flag.split_once(' ').expect("a flag and its value");
        let key = match flag {
            "--max-racks" => "limits.max_racks",
            "--users" => "workload.users",
            "--quant" => "quant",
            other => panic!("{other} is not expected here"),
        };
        // A later word wins over the one that it relaxes.
        assert!(size(&format!("{words} {key}={value}")).answer.feasible, "{}", relaxation.flag);
    }
}

#[test]
fn hand_the_context_offered_is_nearly_the_longest() {
    let words = "model=llama-3.1-8b hardware=gb200_nvl72 quant=fp8 workload.users=1";
    let longest = |context: u64| size(&format!("{words} workload.context={context}")).answer;
    let difficulty = longest(1_000_000_000).difficulty.expect("it does not fit");
    assert!(
        difficulty.binding.starts_with("no layout fits in memory: at best a GPU"),
        "{}",
        difficulty.binding
    );
    let [offer] = difficulty.relaxations.as_slice() else { panic!("{:?}", difficulty.relaxations) };
    let context =
        offer.flag.strip_prefix("--context ").and_then(|text| text.parse().ok()).expect("a context");
    assert!(longest(context).feasible && !longest(context + context / 50).feasible, "{context}");
}

#[test]
fn hand_no_layout_that_divides_is_no_matter_of_memory() {
    let answer = size("model=llama-3.1-70b hardware=h200_hgx workload.users=10 search.tp=3").answer;
    let binding = answer.difficulty.expect("80 layers and 64 heads do not divide over TP3").binding;
    assert_eq!(binding, "no layout tried divides 80 layers and 64 heads over at most 512 GPUs");
}

#[test]
fn hand_a_short_name_of_several_models_is_refused() {
    let error = refused("model=Qwen3 workload.users=10");
    assert!(error.to_string().contains("`Qwen3` could be any of"), "{error}");
    // The founding documents' own names still find their presets.
    assert!(size("model=chatgpt5-1p5t workload.users=10 limits.max_racks=96").answer.feasible);
}

#[test]
fn hand_contradictions_and_ranges_are_refused_with_place_and_way_out() {
    let wrong = [
        ("workload.users=0", "--workload.users: `0` is out of range"),
        ("workload.context=8k", "--users: nobody is said to use it"),
        ("workload.arrival_rate=60", "--workload.arrival_rate: it is half of an arrival law"),
        ("workload.users=5 limits.max_racks=0", "--limits.max_racks: `0` is out of range"),
        ("workload.users=5 quant=fp9", "--quant: `fp9` is no number format"),
        ("workload.users=5 kv_dtype=fp9", "--kv_dtype: `fp9` is no number format"),
        ("workload.users=5 links=400gbe", "--links: `400gbe` is not LEVEL=LINK"),
        ("workload.users=5 links=rack=400gbe", "--links: `rack` is no link level"),
        ("workload.users=5 oversubscription=3", "--oversubscription: `3` is not LEVEL=RATIO"),
        ("workload.users=5 oversubscription=all=3", "--oversubscription: `all` is no level"),
        ("workload.users=5 oversubscription=inter_rack=0.5", "--oversubscription: `0.5` is no ratio"),
        ("workload.users=5 hardware=h300_hgx", "--hardware: no rack is called `h300_hgx`"),
        ("workload.users=5 targets.tokens_per_user_rate=0", "--targets.tokens_per_user_rate: `0` is no rate"),
        ("workload.users=5 search.batch_sizes=8,0", "--search.batch_sizes: `0` is out of range"),
    ];
    for (words, message) in wrong {
        let error = refused(words);
        assert!(error.to_string().starts_with(message), "{words}: {error}");
        assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{words}");
    }
}

#[test]
fn hand_another_link_is_used_and_named() {
    let words = "model=Qwen/Qwen3-235B-A22B hardware=gb200_nvl72 workload.users=100 search.tp=2 search.pp=1";
    let speed = |more: &str| {
        let d = size(&format!("{words} {more}")).answer.deployment.expect("it serves");
        (d.links[0].bandwidth_bytes_per_s, d.network)
    };
    let (nvlink, _) = speed("");
    let (ethernet, name) = speed("links=all=400gbe");
    assert!(ethernet < nvlink && name.starts_with("400gbe"), "{name}");
}

#[test]
fn hand_a_latent_cache_is_held_whole_by_every_tensor_parallel_gpu() {
    // DeepSeek-V3.2 keeps one latent vector a layer: TP4 holds four copies, so a GPU's cache is batch · context · KV/token.
    let words = "model=deepseek-v3.2 hardware=gb300_nvl72 quant=fp8 workload.users=100 workload.context=8k";
    let d = size(&format!("{words} search.tp=4 search.pp=1 search.ep=1 search.batch_sizes=16"));
    let d = d.answer.deployment.expect("it serves");
    let whole = 16.0 * 8_000.0 * d.kv.bytes_per_token;
    assert!((d.memory.kv_bytes / whole - 1.0).abs() < 1e-9, "{} of {whole}", d.memory.kv_bytes);
    // Copies hold nothing new: the users' cache is counted once, and all of it is in HBM.
    assert!((d.kv.hbm_bytes / (100.0 * 8_000.0 * d.kv.bytes_per_token) - 1.0).abs() < 1e-9);
}

#[test]
fn hand_a_price_of_ones_own_is_used_and_recorded() {
    let text = "[owned]\nhyperscaler = \"99 USD/h\"\n".to_owned();
    let (shown, relative) = ("rackplan.d/prices/h200_sxm.toml".to_owned(), "prices/h200_sxm.toml".to_owned());
    let overlay = Catalog::builtin().with_overlay(&[OverlayFile { shown: shown.clone(), relative, text }]);
    let inputs = Inputs::new(overlay.expect("it is a price"), BTreeMap::new());
    let asked = layers("model=llama-3.1-70b hardware=h200_hgx workload.users=10");
    let answer = run::size(&inputs, &asked).expect("the question is well formed");
    let d = answer.answer.deployment.expect("it serves");
    let hourly = 99.0 * d.capacity.gpus_provisioned as f64;
    assert!(d.money.is_some_and(|money| (money.usd_per_hour / hourly - 1.0).abs() < 1e-12));
    assert_eq!(answer.evidence.overlays.first().map(|used| used.file.as_str()), Some(shown.as_str()));
    assert!(answer.evidence.estimates.iter().any(|f| f.figure == "owned.hyperscaler" && f.source == shown));
}

#[test]
fn hand_a_model_from_a_file_is_called_as_the_file_is() {
    let config = r#"{"model_type": "llama", "hidden_size": 1024, "num_hidden_layers": 4, "num_attention_heads": 8,
        "num_key_value_heads": 2, "intermediate_size": 4096, "vocab_size": 32000}"#;
    let texts = [("mine/config.json".to_owned(), config.to_owned())].into();
    let inputs = Inputs::new(Catalog::builtin(), texts);
    let asked =
        layers("model=mine/config.json hardware=h200_hgx workload.users=10 quant=bf16 workload.context=1000");
    let answer = run::size(&inputs, &asked).expect("the question is well formed");
    let d = answer.answer.deployment.expect("it serves");
    assert_eq!(d.model, "mine/config.json");
    // 2 vectors x 4 layers x 2 KV heads x 128 x 2 B.
    assert_eq!(d.kv.bytes_per_token, 4_096.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn law_what_serves_has_a_slot_and_the_speed_for_everyone(users in 1_u64..5_000, context in 1_u64..200_000) {
        let answer = size(&format!("model=llama-3.1-70b hardware=h200_hgx workload.users={users} workload.context={context}"));
        let (demand, feasible) = (answer.answer.demand, answer.answer.feasible);
        prop_assert_eq!(feasible, answer.answer.difficulty.is_none());
        if let Some(d) = answer.answer.deployment {
            prop_assert!(d.capacity.slots >= demand.users_sized && d.capacity.instances_needed <= d.capacity.instances);
            prop_assert!(d.throughput.total_tokens_per_s >= demand.tokens_per_s);
            prop_assert!(d.memory.used_bytes <= d.memory.limit_bytes && d.memory.limit_bytes <= d.memory.capacity_bytes);
            prop_assert!(d.links.iter().all(|link| link.utilization >= 0.0));
            prop_assert!((d.kv.hbm_bytes + d.kv.cache_bytes + d.kv.nvme_bytes - d.kv.total_bytes).abs() <= 1e-6 * d.kv.total_bytes);
        }
    }

    #[test]
    fn law_more_users_never_need_fewer_racks(users in 1_u64..2_000, more in 1_u64..2_000) {
        let racks = |users: u64| {
            let answer = size(&format!("model=llama-3.1-70b hardware=h200_hgx workload.users={users}")).answer;
            answer.deployment.map_or(u64::MAX, |d| d.capacity.racks)
        };
        prop_assert!(racks(users) <= racks(users + more));
    }
}
