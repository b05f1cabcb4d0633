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
    // A context without a prompt length is all prompt but the answer.
    let chain = size(&[("workload.context", "6000")]).demand.generating.unwrap();
    assert_eq!((chain.isl, chain.osl, chain.prefix_tokens), (5488, 512, 0));
    let cached = size(&[("workload.context", "6000"), ("workload.isl", "1000"), ("workload.osl", "100")]);
    assert_eq!(cached.demand.generating.unwrap().prefix_tokens, 4900);
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
    let crowded = size(&[("workload.users", "1000000"), ("limits.max_racks", "1")]).difficulty.unwrap();
    assert!(crowded.binding.contains("there may be 1"), "{crowded:?}");
    assert!(crowded.relaxations.iter().any(|change| change.flag.starts_with("--max-racks")), "{crowded:?}");
}

#[test]
fn hand_wrong_values_name_their_place() {
    let wrong = |more: &[(&str, &str)]| asked(more).unwrap_err().to_string();
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
