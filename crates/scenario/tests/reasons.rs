//! An answer with its reasons, what-ifs and comparisons: what they say follows when the question is asked again.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use rackplan_scenario::answer::{Answer, ReasonsAnswer, SizeAnswer};
use rackplan_scenario::{AnswerFile, Inputs, Layers, Origin, run};

/// A small search, so that a hundred of them are quick.
const QUESTION: [(&str, &str); 8] = [
    ("model", "Llama-3.1-70B"),
    ("hardware", "h200_hgx"),
    ("quant", "fp8"),
    ("workload.users", "1000"),
    ("workload.think_time", "30s"),
    ("workload.isl", "4k"),
    ("search.tp", "1,2,4,8"),
    ("search.pp", "1"),
];

fn layers(more: &[(&str, &str)]) -> Layers {
    let mut layers = Layers::default();
    for (path, value) in QUESTION.iter().chain(more) {
        layers.add(path, value, Origin::Flag(format!("--{path}")));
    }
    layers
}

fn asked(layers: &Layers) -> Answer<SizeAnswer> {
    run::size(&Inputs::default().with_changes(layers).unwrap(), layers).unwrap()
}

fn size(more: &[(&str, &str)]) -> SizeAnswer {
    asked(&layers(more)).answer
}

fn reasons(more: &[(&str, &str)]) -> ReasonsAnswer {
    let layers = layers(more);
    run::with_reasons(&Inputs::default(), &layers, asked(&layers)).unwrap().answer
}

/// Racks, GPUs and layout.
fn decided(answer: &SizeAnswer) -> Option<(u64, u64, u32, u32)> {
    let d = answer.deployment.as_ref()?;
    Some((d.capacity.racks, d.capacity.gpus_active, d.plan.tp, d.plan.ep))
}

#[test]
fn law_more_of_a_resource_never_hurts_the_plan_as_it_stands() {
    let found = reasons(&[]);
    let names: Vec<&str> = found.elasticities.iter().map(|e| e.resource.as_str()).collect();
    for name in ["HBM bandwidth", "HBM capacity", "FLOP/s", "scale-up link", "network", "power of a GPU"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    for e in &found.elasticities {
        // Within two hundredths, to which the search finds the most that an instance takes.
        assert!(e.gpus_change.unwrap() <= 0.02, "{e:?}");
        // Users who are answered sooner ask again sooner, so that prompts wait for a few more others; and constants of
        // collectives are fitted, not monotone.
        let link = if e.resource == "scale-up link" { 0.03 } else { 1e-6 };
        // Where an instance fewer serves everybody, each of the others has more users: of 13 a twelfth.
        let fewer = e.objective_change.is_some_and(|change| change < -1e-9);
        let most = if fewer { 0.08 } else { link };
        assert!(e.tpot_change.unwrap() <= most && e.ttft_change.unwrap() <= most.max(0.005), "{e:?}");
    }
    let of = |name: &str| found.elasticities.iter().find(|e| e.resource == name).unwrap();
    // Decoding 70B waits for memory: a tenth more bandwidth saves accelerators, but no more than a tenth.
    let saved = -of("HBM bandwidth").gpus_change.unwrap();
    assert!((0.02..=0.1).contains(&saved), "{saved}");
    assert_eq!(of("power of a GPU").tpot_change, Some(0.0));
}

#[test]
fn law_a_flip_flips_when_it_is_asked() {
    let held = decided(&size(&[])).unwrap();
    let found = reasons(&[]);
    assert!((2..=5).contains(&found.flips.len()), "{:?}", found.flips);
    let distance = |change: f64| (1.0 + change).ln().abs();
    assert!(found.flips.is_sorted_by(|a, b| distance(a.change) <= distance(b.change)), "{:?}", found.flips);
    let whole = found.flips.iter().filter(|flip| flip.to.parse::<u64>().is_ok());
    for flip in whole {
        let key = match flip.input.as_str() {
            "--users" => "workload.users",
            "--isl" => "workload.isl",
            "--osl" => "workload.osl",
            other => panic!("{other} is not a whole number"),
        };
        let then = decided(&size(&[(key, &flip.to)]));
        let same = then.is_some_and(|then| (then.0, then.2, then.3) == (held.0, held.2, held.3));
        assert!(!same, "{flip:?}: {then:?}");
        assert!(then.is_some() || flip.then.starts_with("nothing serves"), "{flip:?}");
    }
}

#[test]
fn law_sensitivities_pass_through_the_answer_and_rise_with_the_load() {
    let found = reasons(&[]);
    let held = found.size.deployment.as_ref().unwrap().capacity.gpus_active;
    let inputs: Vec<&str> = found.sensitivities.iter().map(|one| one.input.as_str()).collect();
    assert_eq!(inputs, ["users", "batch", "context"]);
    for one in &found.sensitivities {
        assert_eq!((one.points[0].scale, one.points[8].scale), (0.8, 1.2));
        let gpus: Vec<u64> =
            one.points.iter().filter_map(|point| point.same_plan.as_ref()).map(|d| d.gpus_active).collect();
        let middle = one.points[4].same_plan.as_ref().map(|d| d.gpus_active);
        match one.input.as_str() {
            // A larger batch needs fewer instances; the load needs more.
            "batch" => assert!(gpus.is_sorted_by(|a, b| a >= b), "{gpus:?}"),
            _ => assert!(gpus.is_sorted() && middle == Some(held), "{}: {gpus:?}", one.input),
        }
    }
    assert_eq!(found.sensitivities[0].points[0].value, 800.0);
}

#[test]
fn law_a_what_if_keeps_what_stood_beside_what_would_be() {
    let base = size(&[]);
    assert_eq!(base.what_if, None);
    let changed = size(&[("links", "all=400gbe")]);
    let what_if = changed.what_if.clone().unwrap();
    let cases: Vec<&str> = what_if.cases.iter().map(|case| case.case.as_str()).collect();
    assert_eq!(cases, ["as built", "same plan", "best plan"]);
    let gpus: Vec<u64> = what_if.cases.iter().map(|c| c.decision.as_ref().unwrap().gpus_active).collect();
    assert_eq!(Some(gpus[0]), decided(&base).map(|d| d.1));
    assert_eq!(Some(gpus[2]), decided(&changed).map(|d| d.1));
    assert!(gpus[0] <= gpus[2] && gpus[2] <= gpus[1], "slower links cost, and less once replanned: {gpus:?}");
    let same = (&what_if.cases[0].decision, &what_if.cases[1].decision);
    assert_eq!(same.0.as_ref().unwrap().layout, same.1.as_ref().unwrap().layout);
    assert!(changed.alternatives[0].change.starts_with("without"), "{:?}", changed.alternatives[0]);
}

#[test]
fn hand_an_oversubscription_may_flip_the_decision() {
    // Experts on two servers, whose network carries too little for one rack.
    let found = reasons(&[
        ("model", "Qwen3-30B-A3B"),
        ("workload.users", "5300"),
        ("search.mode", "aggregated"),
        ("search.tp", "1"),
        ("search.dp", "16"),
        ("search.ep", "16"),
        ("oversubscription", "inter_server=6"),
    ]);
    let flip = found.flips.iter().find(|flip| flip.input == "--oversubscription").unwrap();
    assert_eq!(flip.from, "inter_server=6.00");
    let ratio = flip.to.strip_prefix("inter_server=").and_then(|ratio| ratio.parse::<f64>().ok()).unwrap();
    // A worse network takes more accelerators, a better one fewer.
    assert!((1.0..20.0).contains(&ratio) && (ratio > 6.0) == (flip.change > 0.0), "{flip:?}");
}

#[test]
fn hand_a_catalog_figure_is_set_for_one_question() {
    let mut changed = layers(&[]);
    changed.add_assignment("gpus.h200_sxm.memory=\"282 GB\"").unwrap();
    let answer = asked(&changed);
    let capacity = answer.answer.deployment.as_ref().unwrap().memory.capacity_bytes;
    // As a data sheet has it, whose GB are 2^30 bytes.
    assert_eq!(capacity, 282.0 * 1_073_741_824.0);
    assert_eq!(answer.question["catalog"].value, serde_json::json!(["gpus.h200_sxm.memory=282 GB"]));
    assert_eq!(answer.answer.what_if.unwrap().changes, ["--set gpus.h200_sxm.memory=282 GB"]);
    assert!(answer.evidence.estimates.iter().any(|figure| figure.source == "--set"), "it is no data sheet's");
}

#[test]
fn law_an_answer_read_back_is_found_again() {
    let answer = asked(&layers(&[("links", "inter_server=400gbe")]));
    let text = serde_json::to_string(&answer).unwrap();
    let file = AnswerFile::read("answer.json", &text).unwrap();
    let again = run::reasons_of_file(&Inputs::default(), &file).unwrap();
    assert_eq!(again.answer.moved, Vec::<String>::new());
    assert_eq!(
        serde_json::to_value(&again.answer.size).unwrap(),
        serde_json::to_value(&answer.answer).unwrap()
    );
    // Another world: what was found then is not what is found now, and it is said.
    let other = text.replace("\"gpus_active\":", "\"gpus_active\":1");
    let file = AnswerFile::read("answer.json", &other).unwrap();
    let moved = run::reasons_of_file(&Inputs::default(), &file).unwrap().answer.moved;
    assert!(moved.iter().any(|text| text.starts_with("capacity.gpus_active was 1")), "{moved:?}");
}

#[test]
fn hand_two_answers_side_by_side() {
    let file = |name: &str, more: &[(&str, &str)]| {
        let text = serde_json::to_string(&asked(&layers(more))).unwrap();
        AnswerFile::read(name, &text).unwrap()
    };
    let (a, b) = (file("a.json", &[]), file("b.json", &[("workload.users", "2000")]));
    let found = run::compare(&a, &b);
    assert_eq!(found.question.len(), 1);
    let users = &found.question[0];
    assert_eq!(
        (users.name.as_str(), users.a.as_deref(), users.b.as_deref()),
        ("workload.users", Some("1000"), Some("2000"))
    );
    let of = |name: &str| found.figures.iter().find(|figure| figure.name == name).unwrap();
    let gpus = of("gpus_active");
    assert!(
        (gpus.change.unwrap() - (gpus.b.unwrap() / gpus.a.unwrap() - 1.0)).abs() < 1e-12
            && gpus.change > Some(0.5)
    );
    let tpot = of("tpot_s");
    assert!((of("tpot_margin").a.unwrap() - (1.0 - tpot.a.unwrap() / 0.05)).abs() < 1e-9);
    assert!(run::compare(&a, &a).question.is_empty() && run::compare(&a, &a).plan.is_empty());
}

#[test]
fn hand_wrong_answer_files_name_their_fault() {
    let wrong = |text: &str| AnswerFile::read("x.json", text).unwrap_err();
    assert!(wrong("{").to_string().starts_with("x.json: line 1, column 1: it is no JSON"));
    assert!(wrong("{}").to_string().contains("no `schema_version`"));
    assert!(wrong(r#"{"schema_version": 99}"#).to_string().contains("`schema_version` is 99"));
    assert!(wrong(r#"{"schema_version": 1, "answer": {}}"#).to_string().contains("no answer of `size`"));
    assert!(wrong("[]").hint().is_some_and(|hint| hint.contains("--format json")));
}

#[test]
fn law_near_misses_are_over_and_the_nearest_first() {
    let crowded = size(&[("workload.users", "100000"), ("limits.max_racks", "2")]).difficulty.unwrap();
    let slow = size(&[("targets.tpot", "1ms")]).difficulty.unwrap();
    for difficulty in [crowded, slow] {
        let misses = &difficulty.near_misses;
        assert!(!misses.is_empty() && misses.len() <= 3, "{difficulty:?}");
        assert!(misses.iter().all(|miss| miss.by > 0.0), "{misses:?}");
        assert!(misses.is_sorted_by(|a, b| a.by <= b.by), "{misses:?}");
    }
}

#[test]
fn law_the_frontier_trades_speed_for_throughput() {
    let answer = size(&[]);
    assert!(answer.frontier.len() >= 3, "{:?}", answer.frontier);
    for pair in answer.frontier.windows(2) {
        assert!(pair[0].tokens_per_s_per_user >= pair[1].tokens_per_s_per_user, "{pair:?}");
        assert!(pair[0].tokens_per_s_per_gpu < pair[1].tokens_per_s_per_gpu, "{pair:?}");
    }
    let first = answer.plans.first().unwrap();
    assert_eq!(Some(first.gpus_active), decided(&answer).map(|d| d.1), "the chosen plan has the fewest GPUs");
    assert!(answer.plans.is_sorted_by(|a, b| a.gpus_active <= b.gpus_active));
}

#[test]
fn hand_sizes_of_prefill_do_not_keep_a_plan_from_being_asked_again() {
    // What would be with another figure: the plan of before, which is aggregated, is asked with it.
    let more = [("search.mode", "auto"), ("search.prefill_tp", "8"), ("workload.users", "20")];
    let found = reasons(&more);
    assert!(found.size.deployment.unwrap().pools.is_none(), "the test needs an aggregated plan");
    assert!(found.elasticities.iter().any(|e| e.gpus_change.is_some()), "{:?}", found.elasticities);
}

#[test]
fn hand_the_step_that_is_shown_is_of_one_worker_that_generates() {
    // Nearly all of a unit's workers generate, since prompts are short; a token takes a step of one of them.
    let apart = [("search.mode", "disaggregated"), ("workload.isl", "256"), ("workload.osl", "2k")];
    let found = reasons(&apart);
    let (d, step) = (found.size.deployment.unwrap(), found.step.unwrap().step);
    let workers = d.pools.unwrap().decode_workers;
    let tpot = d.latency.unwrap().tpot_mean_s;
    assert!(workers > 1, "the test needs several: {workers}");
    assert!((step.time_s / tpot - 1.0).abs() < 0.05, "{} {tpot}", step.time_s);
}
