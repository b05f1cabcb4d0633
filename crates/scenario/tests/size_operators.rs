//! `size` by operators, its method unless another is named: what the answer says hangs together, and follows the question as it should.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use rackplan_scenario::answer::{Answer, SizeAnswer};
use rackplan_scenario::{Catalog, Inputs, Layers, Origin, QuestionError, run};

const QUESTION: [(&str, &str); 5] = [
    ("model", "Llama-3.1-8B"),
    ("hardware", "h100_hgx"),
    ("workload.users", "1000"),
    ("workload.think_time", "30s"),
    ("search.pp", "1"),
];

fn asked(more: &[(&str, &str)]) -> Result<Answer<SizeAnswer>, QuestionError> {
    let mut layers = Layers::default();
    for (path, value) in QUESTION.iter().chain(more).filter(|(_, value)| !value.is_empty()) {
        layers.add(path, value, Origin::Set);
    }
    run::size(&Inputs::new(Catalog::builtin(), Default::default()), &layers)
}

fn size(more: &[(&str, &str)]) -> SizeAnswer {
    asked(more).unwrap().answer
}

fn gpus(more: &[(&str, &str)]) -> u64 {
    size(more).deployment.map_or(u64::MAX, |found| found.capacity.gpus_active)
}

#[test]
fn law_the_chain_from_people_to_gpus_adds_up() {
    let answer = size(&[("limits.spares", "1")]);
    let (found, chain) = (answer.deployment.unwrap(), answer.demand.generating.unwrap());
    let (capacity, latency) = (&found.capacity, found.latency.unwrap());
    assert!(answer.feasible);
    // Little: requests in flight are their rate times the time they take; users are those who think and those who wait.
    let in_flight = chain.requests_per_s * latency.e2e_mean_s;
    assert!((in_flight / chain.in_flight - 1.0).abs() < 1e-9);
    let thinking = chain.requests_per_s * chain.think_time_s;
    assert!(((thinking + in_flight) / 1000.0 - 1.0).abs() < 1e-3, "{thinking} + {in_flight}");
    assert!(capacity.instances_needed as f64 * chain.taken_per_instance >= 1000.0);
    assert_eq!(capacity.gpus_active, capacity.instances_needed * found.plan.gpus_per_instance);
    assert_eq!(capacity.gpus_spare, found.plan.gpus_per_instance);
    assert!(latency.ttft_s <= latency.ttft_target_s && latency.tpot_s <= latency.tpot_target_s);
    assert!(latency.tpot_mean_s <= latency.tpot_s && latency.ttft_mean_s <= latency.ttft_s);
    let memory = &found.memory;
    assert!(memory.used_bytes <= memory.capacity_bytes);
    let shares: f64 = found.step_shares.iter().map(|share| share.share).sum();
    assert!((shares - 1.0).abs() < 1e-9);
}

#[test]
fn law_answers_follow_the_question() {
    let held = gpus(&[]);
    assert!(gpus(&[("workload.users", "20000")]) > held);
    assert!(gpus(&[("workload.think_time", "0s")]) > held);
    assert!(gpus(&[("targets.tpot", "4ms")]) >= held);
    assert!(gpus(&[("targets.tpot", "80ms"), ("targets.ttft", "5s")]) <= held);
    assert!(gpus(&[("targets.percentile", "mean")]) <= gpus(&[("targets.percentile", "p99")]));
    assert!(
        gpus(&[("limits.headroom", "0.5"), ("workload.users", "20000")])
            > gpus(&[("workload.users", "20000")])
    );
    assert!(gpus(&[("hardware", "h100_hgx,b200_hgx,gb200_nvl72")]) <= held);
}

/// A conversation of 24,000 tokens, most of it kept while its user thinks.
const CONVERSATION: (&str, &str) = ("workload.context", "24k");

fn placement(more: &[(&str, &str)]) -> rackplan_scenario::answer::KvPlacement {
    let asked: Vec<_> = [CONVERSATION].iter().chain(more).copied().collect();
    size(&asked).deployment.unwrap().kv_placement.unwrap()
}

#[test]
fn law_caches_of_users_who_think_are_somewhere() {
    let best = gpus(&[CONVERSATION]);
    for tier in ["host", "nvme", "remote"] {
        let placed = placement(&[("kv_tier", tier)]);
        assert_eq!((placed.policy.as_str(), placed.hbm_residency), (tier, 0.0), "{placed:?}");
        // Forced out of HBM, and brought back sooner than it is computed.
        assert!(placed.offloaded_bytes > 1e11 && placed.resident_bytes == 0.0, "{placed:?}");
        assert!(
            placed.reload_s.unwrap() > 0.0 && placed.reload_s.unwrap() < placed.recompute_s,
            "{placed:?}"
        );
        assert!(placed.dma_read_utilization > 0.0 && placed.dma_read_utilization < 1.0, "{placed:?}");
        assert!(best <= gpus(&[CONVERSATION, ("kv_tier", tier)]), "{tier}");
    }
    assert!(best <= gpus(&[CONVERSATION, ("kv_tier", "none")]));
    // 21,440 tokens of 131,072 B for each of those who think: 2 (keys, values) x 32 layers x 8 heads x 128 x 2 B.
    let held = placement(&[("kv_tier", "host"), ("kv_dtype", "bf16")]);
    let bytes = held.users_thinking * 21_440.0 * 131_072.0;
    assert!((held.offloaded_bytes / bytes - 1.0).abs() < 1e-6, "{held:?} {bytes}");
    let half = placement(&[("kv_tier", "host"), ("hbm_residency", "0.5"), ("limits.max_racks", "100")]);
    assert!((half.resident_bytes / half.offloaded_bytes - 1.0).abs() < 1e-6, "{half:?}");
    assert!(size(&[]).deployment.unwrap().kv_placement.is_none());
}

#[test]
fn law_what_users_get_is_within_what_the_deployment_can() {
    for more in [[("workload.users", "300")], [("workload.users", "7000")], [("workload.osl", "100")]] {
        let answer = size(&more);
        let (found, demand) = (answer.deployment.unwrap(), answer.demand);
        let chain = demand.generating.unwrap();
        assert!(demand.tokens_per_s <= found.throughput.total_tokens_per_s * (1.0 + 1e-9), "{more:?}");
        assert!(chain.in_flight <= chain.in_flight_p95 && chain.in_flight_p95 <= chain.in_flight_max);
        let economics = found.economics.unwrap();
        let (input, output) = (
            economics.usd_per_million_input_tokens.unwrap(),
            economics.usd_per_million_output_tokens.unwrap(),
        );
        // Both sides together pay for everything.
        let paid = chain.requests_per_s * (input * chain.isl as f64 + output * chain.osl as f64) / 1e6;
        assert!((paid * 3600.0 / found.money.unwrap().usd_per_hour - 1.0).abs() < 1e-6);
    }
}

#[test]
fn law_wishes_cost() {
    let many = ("workload.users", "20000");
    let held = gpus(&[many]);
    assert!(gpus(&[many, ("targets.confidence", "0.9")]) > held);
    assert!(gpus(&[many, ("targets.confidence", "0.5")]) >= held);
    assert!(gpus(&[many, ("targets.e2e", "8s")]) > held);
    assert!(gpus(&[many, ("workload.peak_factor", "2")]) > held);
    assert!(gpus(&[many, ("workload.prefix_hit", "0.8")]) < held);
    assert!(gpus(&[many, ("workload.isl", "lognormal:mean=2048,p95=6000")]) >= held);
    assert!(gpus(&[many, ("search.mode", "auto")]) <= held);
    assert!(gpus(&[many, ("backend", "all")]) <= held);
    let spares = |more: &[(&str, &str)]| size(more).deployment.unwrap().capacity.gpus_spare;
    let auto = ("limits.spares", "auto");
    assert!(spares(&[many, auto]) > 0);
    assert!(spares(&[many, auto, ("targets.availability", "0.99999")]) >= spares(&[many, auto]));
}

#[test]
fn law_more_to_choose_from_is_never_worse() {
    let provisioned = |more: &[(&str, &str)]| {
        let found = size(more).deployment;
        found.map_or(u64::MAX, |found| found.capacity.gpus_provisioned)
    };
    for users in ["50", "3000", "40000"] {
        let load = ("workload.users", users);
        let mut held = u64::MAX;
        for hardware in ["h100_hgx", "h100_hgx,h200_hgx", "h100_hgx,h200_hgx,b200_hgx", "all"] {
            let taken = provisioned(&[load, ("hardware", hardware)]);
            assert!(taken <= held, "{users} {hardware}: {taken} {held}");
            held = taken;
        }
        let mut held = u64::MAX;
        for racks in ["1", "4", "16", "400"] {
            let taken = gpus(&[load, ("limits.max_racks", racks)]);
            assert!(taken <= held, "{users} {racks}: {taken} {held}");
            held = taken;
        }
        assert!(gpus(&[load, ("quant", "fp8,bf16,int4")]) <= gpus(&[load, ("quant", "bf16")]));
    }
}

#[test]
fn hand_a_day_that_sleeps_costs_less() {
    // Half of the load in twelve hours of the day: of n instances n/2 run then, 0.75 n on average.
    let day = format!("{},{}", ["1"; 12].join(","), ["0.5"; 12].join(","));
    let answer =
        size(&[("workload.users", "40000"), ("limits.max_racks", "400"), ("workload.day_profile", &day)]);
    let found = answer.deployment.unwrap();
    let (n, cost) = (found.capacity.instances_needed as f64, found.money.unwrap().usd_per_hour);
    let scaled = found.economics.unwrap().usd_per_hour_scaled.unwrap();
    let expected = cost * (1.0 + (n / 2.0).ceil() / n) / 2.0;
    assert!((scaled / expected - 1.0).abs() < 1e-9, "{scaled} {expected}");
}

#[test]
fn law_limits_bind_and_objectives_choose() {
    let many = ("workload.users", "20000");
    let free = size(&[many]).deployment.unwrap();
    let (watts, usd) = (free.power.unwrap().facility_w, free.money.unwrap().usd_per_hour);
    assert!(size(&[many, ("limits.max_power", &format!("{} W", watts * 1.001))]).feasible);
    let poor = size(&[many, ("limits.max_power", &format!("{} W", watts * 0.5))]);
    assert!(!poor.feasible && poor.difficulty.unwrap().relaxations[0].flag.starts_with("--max-power"));
    assert!(size(&[many, ("limits.max_cost", &format!("{} USD/h", usd * 1.001))]).feasible);
    assert!(!size(&[many, ("limits.max_cost", &format!("{} USD/h", usd * 0.5))]).feasible);
    let racks = ("limits.fixed_racks", "2");
    let rate = |more: &[(&str, &str)]| {
        let found = size(more).deployment.unwrap();
        found.throughput.instance_tokens_per_s * found.capacity.instances as f64
    };
    assert!(rate(&[racks, ("search.objective", "throughput")]) >= rate(&[racks]));
    let first = |more: &[(&str, &str)]| size(more).deployment.unwrap().latency.unwrap().ttft_mean_s;
    assert!(first(&[("search.objective", "ttft")]) <= first(&[]));
}

#[test]
fn law_prompts_on_workers_of_their_own_add_up() {
    let answer =
        size(&[("search.mode", "disaggregated"), ("workload.users", "5000"), ("workload.isl", "4000")]);
    let (found, chain) = (answer.deployment.unwrap(), answer.demand.generating.unwrap());
    let pools = found.pools.unwrap();
    let layouts = u64::from(pools.prefill_workers) * pools.prefill.gpus_per_instance
        + u64::from(pools.decode_workers) * u64::from(found.plan.tp * found.plan.pp * found.plan.dp.unwrap());
    assert_eq!(found.plan.gpus_per_instance, layouts);
    assert_eq!(found.capacity.gpus_active, layouts * found.capacity.instances_needed);
    assert!(pools.transfer_s > 0.0 && pools.transfer_utilization < 1.0 && pools.prefill_utilization < 1.0);
    assert!(chain.in_flight > 0.0 && found.links.iter().any(|link| link.level == "kv_transfer"));
    let named = |link| {
        let asked = [("search.mode", "disaggregated"), ("workload.isl", "4000"), ("links", link)];
        size(&asked).deployment.unwrap().pools.unwrap().transfer_s
    };
    assert!(named("kv_transfer=100gbe") > named("kv_transfer=800gbe"));
}

#[test]
fn law_prompts_on_workers_of_their_own_follow_the_question() {
    let kinds = [("Llama-3.1-8B", "h100_hgx", "bf16"), ("deepseek-r1", "h200_hgx", "bf16,fp8")];
    for ((model, hardware, quant), isl) in kinds.into_iter().flat_map(|kind| [(kind, "1000"), (kind, "8000")])
    {
        let gpus = |users, tpot, racks| {
            let load = [("workload.users", users), ("workload.isl", isl), ("targets.tpot", tpot)];
            let more = [("model", model), ("hardware", hardware), ("quant", quant), ("search.pp", "")];
            let rest =
                [("search.mode", "disaggregated"), ("targets.ttft", "3s"), ("limits.max_racks", racks)];
            gpus(&[&load[..], &more[..], &rest[..]].concat())
        };
        let mut held = u64::MAX;
        for tpot in ["20ms", "26ms", "34ms", "44ms", "57ms"] {
            let taken = gpus("700", tpot, "64");
            assert!(taken <= held, "{model} {isl} {tpot}: {taken} {held}");
            held = taken;
        }
        let mut held = 0;
        for users in ["350", "700", "1050", "2100"] {
            let taken = gpus(users, "34ms", "64");
            assert!(taken >= held, "{model} {isl} {users}: {taken} {held}");
            held = taken;
        }
        assert!(gpus("700", "34ms", "64") <= gpus("700", "34ms", "8"));
    }
}

#[test]
fn law_the_pareto_set_holds_the_best_of_every_figure() {
    let asked =
        [("hardware", "h100_hgx,b200_hgx,gb200_nvl72"), ("quant", "fp8,bf16"), ("search.tp", "1,2,4,8")];
    let mut layers = Layers::default();
    for (path, value) in QUESTION.iter().chain(&asked) {
        layers.add(path, value, Origin::Set);
    }
    let (mut rows, mut own) = (Vec::new(), 0);
    let each = |setup: run::SweptSetup| {
        own += setup.rows.iter().filter(|row| row.pareto).count();
        rows.extend(setup.rows);
        true
    };
    run::sweep_plans(&Inputs::default(), &layers, 0, each).unwrap();
    let pareto = size(&asked).pareto;
    let all: Vec<[f64; 5]> = pareto
        .iter()
        .map(|plan| {
            let bill = [-plan.usd_per_hour.unwrap(), -plan.power_w.unwrap()];
            [plan.tokens_per_s_per_gpu, plan.tokens_per_s_per_user, -plan.ttft_s, bill[0], bill[1]]
        })
        .collect();
    let best = |of: usize| all.iter().map(|plan| plan[of]).fold(f64::NEG_INFINITY, f64::max);
    for (of, swept) in [
        rows.iter().map(|row| row.tokens_per_s_per_gpu).fold(0.0, f64::max),
        rows.iter().map(|row| row.tokens_per_s_per_user).fold(0.0, f64::max),
        -rows.iter().map(|row| row.ttft_s).fold(f64::INFINITY, f64::min),
        -rows.iter().filter_map(|row| row.usd_per_hour).fold(f64::INFINITY, f64::min),
        -rows.iter().filter_map(|row| row.power_w).fold(f64::INFINITY, f64::min),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(best(of), swept, "figure {of}");
    }
    let beats = |a: &[f64; 5], b: &[f64; 5]| a != b && a.iter().zip(b).all(|(a, b)| a >= b);
    assert!(all.iter().all(|one| !all.iter().any(|other| beats(other, one))));
    // What the plans of another rack beat is kept by its own set-up and not by all together.
    assert!(!pareto.is_empty() && pareto.len() < own, "{} of {own}", pareto.len());
}

/// Experts on two servers of eight, so that tokens pass between servers.
const ACROSS: [(&str, &str); 5] = [
    ("model", "Qwen3-30B-A3B"),
    ("search.mode", "aggregated"),
    ("search.tp", "1"),
    ("search.dp", "16"),
    ("search.ep", "16"),
];

#[test]
fn law_an_oversubscribed_level_carries_its_part() {
    let at = |ratio: &str| size(&[&ACROSS[..], &[("oversubscription", ratio)]].concat()).deployment.unwrap();
    let used = |ratio: &str| {
        let found = at(ratio);
        let link = found.links.iter().find(|link| link.level == "inter_server").unwrap();
        let line = link.load_bytes_per_s / found.plan.gpus_per_instance as f64 / link.bandwidth_bytes_per_s;
        (link.utilization / line, found.latency.unwrap().tpot_mean_s)
    };
    let (even, quarter) = (used("inter_server=1"), used("inter_server=4"));
    assert!((even.0 - 1.0).abs() < 1e-9 && (quarter.0 - 4.0).abs() < 1e-9, "{even:?} {quarter:?}");
    assert!(quarter.1 > even.1, "{even:?} {quarter:?}");
    // One to one is what stands without a word; a level that nothing passes changes nothing.
    assert_eq!(at(""), at("inter_server=1"));
    assert_eq!(at(""), at("inter_rack=8"));
}

#[test]
fn hand_the_rack_itself_may_be_oversubscribed() {
    let of_rack = |ratio: &str, more: &[(&str, &str)]| {
        let mut layers = Layers::default();
        for (path, value) in QUESTION.iter().chain(&ACROSS).chain(more) {
            layers.add(path, value, Origin::Set);
        }
        layers
            .add_assignment(&format!("racks.h100_hgx.links.inter_server.oversubscription={ratio}"))
            .unwrap();
        let inputs = Inputs::default().with_changes(&layers).unwrap();
        run::size(&inputs, &layers).unwrap().answer.deployment
    };
    let by_flag = |ratio| size(&[&ACROSS[..], &[("oversubscription", ratio)]].concat()).deployment;
    assert_eq!(by_flag("inter_server=4"), of_rack("4", &[]));
    // What the question says goes before what the rack says.
    assert_eq!(by_flag("inter_server=1"), of_rack("4", &[("oversubscription", "inter_server=1")]));
}

#[test]
fn law_the_same_question_gives_the_same_answer() {
    assert_eq!(asked(&[]).unwrap(), asked(&[]).unwrap());
}

#[test]
fn hand_what_is_not_said_is_assumed_and_what_the_method_lacks_is_not() {
    let answer = asked(&[("workload.think_time", "")]).unwrap();
    let keys: Vec<&str> = answer.assumptions.iter().map(|assumed| assumed.key.as_str()).collect();
    for key in
        ["workload.isl", "workload.osl", "targets.ttft", "targets.tpot", "targets.percentile", "backend"]
    {
        assert!(keys.contains(&key), "{key}: {keys:?}");
    }
    for key in ["workload.context", "search.batch_sizes", "targets.tokens_per_user_rate"] {
        assert!(!keys.contains(&key), "{key}: {keys:?}");
    }
    // A context is a chat's turn and the conversation before it.
    let chain = size(&[("workload.context", "6000")]).demand.generating.unwrap();
    assert_eq!((chain.isl, chain.osl, chain.prefix_tokens), (2048, 512, 3440));
    let cached = size(&[("workload.context", "6000"), ("workload.isl", "1000"), ("workload.osl", "100")]);
    assert_eq!(cached.demand.generating.unwrap().prefix_tokens, 4900);
}

#[test]
fn hand_formats_are_those_in_which_a_model_is_released_or_narrower() {
    let found = |model| size(&[("model", model), ("quant", ""), ("hardware", "b200_hgx")]);
    let others = |answer: &SizeAnswer| -> Vec<String> {
        answer.alternatives.iter().map(|other| other.change.clone()).collect()
    };
    let (latent, gpt) = (found("deepseek-r1"), found("gpt-oss-120b"));
    assert!(others(&latent).iter().any(|change| change == "nvfp4"), "{:?}", others(&latent));
    assert_eq!(gpt.deployment.as_ref().unwrap().quant, "mxfp4");
    for answer in [latent, gpt] {
        assert!(!others(&answer).iter().any(|change| change == "bf16"), "{:?}", others(&answer));
    }
}

#[test]
fn hand_nothing_that_fits_is_an_answer_with_a_way_out() {
    let answer = size(&[("targets.tpot", "100us")]);
    assert!(!answer.feasible && answer.deployment.is_none());
    let difficulty = answer.difficulty.unwrap();
    assert!(
        difficulty.binding.contains("asked is 100 \u{b5}s") || difficulty.binding.contains("100 us"),
        "{difficulty:?}"
    );
    assert!(difficulty.relaxations[0].flag.starts_with("--tpot "), "{difficulty:?}");
    // So with workers for prompts, where none takes anything.
    let apart = size(&[("targets.tpot", "100us"), ("search.mode", "disaggregated")]).difficulty.unwrap();
    assert!(apart.binding.starts_with("a token takes"), "{apart:?}");
    // And where the workers of either pool do not fit.
    for path in ["search.tp", "search.prefill_tp"] {
        let one = [("model", "deepseek-r1"), ("search.mode", "disaggregated"), (path, "1")];
        let tight = size(&[&one[..], &[("search.dp", "1"), ("search.pp", "1")]].concat());
        let binding = tight.difficulty.unwrap().binding;
        assert!(binding.contains("fits in memory"), "{path}: {binding}");
    }
    // Where one eased target does not do, several do together.
    let both = size(&[("targets.tpot", "100us"), ("targets.ttft", "100us")]).difficulty.unwrap();
    assert!(
        both.relaxations[0].flag.contains("--ttft ") && both.relaxations[0].flag.contains("--tpot "),
        "{both:?}"
    );
    let crowded = size(&[("workload.users", "1000000"), ("limits.max_racks", "1")]).difficulty.unwrap();
    assert!(crowded.binding.contains("there may be 1"), "{crowded:?}");
    assert!(crowded.relaxations.iter().any(|change| change.flag.starts_with("--max-racks")), "{crowded:?}");
}

#[test]
fn hand_wrong_values_name_their_place() {
    let wrong = |more: &[(&str, &str)]| asked(more).unwrap_err().to_string();
    assert!(wrong(&[("kv_tier", "tape")]).contains("`tape` is no tier"));
    assert!(wrong(&[("limits.spares", "some")]).contains("no number of spares"));
    assert!(wrong(&[("workload.day_profile", "1,2")]).contains("it has 2 values"));
    assert!(wrong(&[("workload.peak_factor", "0.5")]).contains("out of range"));
    assert!(wrong(&[("workload.prefix_hit", "2")]).contains("no share"));
    assert!(wrong(&[("targets.confidence", "0.1")]).contains("out of range"));
    assert!(wrong(&[("search.mode", "training")]).contains("serves users only"));
    assert!(wrong(&[("speculative", "mtp:2")]).contains("no modules that draft tokens"));
    assert!(wrong(&[("backend", "tgi")]).contains("`tgi` is no backend"));
    assert!(wrong(&[("targets.percentile", "p42")]).contains("`p42` is no percentile"));
    assert!(wrong(&[("targets.ttft", "0s")]).contains("nothing is that fast"));
    assert!(wrong(&[("workload.rate", "5")]).contains("it says already who asks"));
    let preset = [("model", "3"), ("search.method", "operators")];
    assert!(wrong(&preset).contains("is a founding preset, which no real model has"));
}

#[test]
fn hand_operators_unless_another_is_named_or_a_preset_has_none() {
    let method = |more: &[(&str, &str)]| {
        let answer = asked(more).unwrap();
        let said = answer.assumptions.iter().find(|assumed| assumed.key == "search.method").cloned();
        (answer.evidence.method, said.map(|assumed| assumed.why))
    };
    assert_eq!(method(&[]), ("operators".to_owned(), None));
    assert_eq!(method(&[("search.method", "first-order")]), ("first-order".to_owned(), None));
    // A preset that stands for a real model is that model; one that stands for none has no operators.
    assert_eq!(method(&[("model", "1"), ("hardware", "NVIDIA GB200 NVL72")]).0, "operators");
    let (name, why) = method(&[("model", "3"), ("hardware", "NVIDIA GB200 NVL72")]);
    assert_eq!(name, "first-order");
    assert!(why.unwrap().contains("ChatGPT5-1P5T"));
}

#[test]
fn law_formats_of_the_cache_are_tried_side_by_side() {
    let caches = |formats: &'static str| size(&[CONVERSATION, ("kv_dtype", formats)]).deployment.unwrap();
    let (wide, narrow, both) = (caches("bf16"), caches("fp8"), caches("bf16,fp8"));
    assert!(both.capacity.gpus_active <= wide.capacity.gpus_active.min(narrow.capacity.gpus_active));
    assert_eq!((wide.kv_dtype.as_deref(), narrow.kv_dtype.as_deref()), (Some("bf16"), Some("fp8")));
    assert!((wide.kv.bytes_per_token / narrow.kv.bytes_per_token - 2.0).abs() < 1e-9);
    assert!(asked(&[("kv_dtype", "bf16,fp3")]).unwrap_err().to_string().contains("fp3"));
}

#[test]
fn law_alternatives_are_what_asking_for_them_gives() {
    // Alternatives leave out plans that could not be best; whoever asks for one has all of them evaluated.
    let questions: [&[(&str, &str)]; 3] = [
        &[("workload.users", "40000")],
        &[("model", "gpt-oss-120b"), ("hardware", "b200_hgx"), ("targets.tpot", "15ms")],
        &[("workload.think_time", "1s"), ("limits.spares", "auto"), ("search.objective", "cost")],
    ];
    for question in questions {
        let mut compared = 0;
        for alternative in size(question).alternatives {
            let key = match alternative.change.as_str() {
                "disaggregated" => "search.mode",
                change if change.contains("TP") || change.contains("DP") => continue,
                change if change.contains('_') => "hardware",
                _ => "quant",
            };
            let asked = [question, &[(key, alternative.change.as_str())]].concat();
            assert_eq!(gpus(&asked), alternative.gpus_active, "{key} {}", alternative.change);
            compared += 1;
        }
        assert!(compared >= 3, "{question:?}: {compared}");
    }
}
