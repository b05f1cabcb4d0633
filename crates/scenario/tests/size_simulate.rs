//! `size --simulate`: plans played request by request agree with the closed form that chose them, and say where they do not.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use rackplan_scenario::answer::{Answer, Replay, ReplayedLatency, SizeAnswer};
use rackplan_scenario::{Catalog, Inputs, Layers, Origin, run};

/// Prompt, answer, and how long users think.
const TALKS: [(&str, &str, &str); 3] = [("2k", "512", "30s"), ("8k", "1000", "60s"), ("500", "150", "10s")];
const MODELS: [&str; 3] = ["Llama-3.1-70B", "Llama-3.1-8B", "gpt-oss-120b"];

fn asked(more: &[(&str, &str)]) -> Answer<SizeAnswer> {
    let mut layers = Layers::default();
    let usual = [("model", "Llama-3.1-8B"), ("hardware", "h100_hgx"), ("search.simulate", "true")];
    for (path, value) in usual.iter().chain(more) {
        layers.add(path, value, Origin::Set);
    }
    run::size(&Inputs::new(Catalog::builtin(), Default::default()), &layers).unwrap()
}

fn replay(answer: &Answer<SizeAnswer>) -> &Replay {
    answer.answer.deployment.as_ref().unwrap().replay.as_ref().unwrap()
}

/// Errors of the closed form: of the means of both latencies, then of their percentiles.
fn errors(replay: &Replay) -> [f64; 4] {
    let mean = |of: &ReplayedLatency| (of.closed_form_mean_s / of.mean_s - 1.0).abs();
    let high = |of: &ReplayedLatency| (of.closed_form_at_percentile_s / of.at_percentile_s - 1.0).abs();
    [mean(&replay.ttft), mean(&replay.tpot), high(&replay.ttft), high(&replay.tpot)]
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Medians claimed, in the order of [`errors`].
const CLAIMED: [f64; 4] = [0.07, 0.03, 0.1, 0.06];

#[test]
fn val_chosen_plans_are_played_as_the_closed_form_has_them() {
    for backend in ["vllm", "sglang", "trtllm"] {
        let mut all = Vec::new();
        for model in MODELS {
            for (isl, osl, think) in TALKS {
                let users = [("workload.users", "600"), ("workload.think_time", think)];
                let question =
                    [("model", model), ("backend", backend), ("workload.isl", isl), ("workload.osl", osl)];
                let answer = asked(&[&question[..], &users[..]].concat());
                let replay = replay(&answer);
                let rate = replay.requests_per_s / replay.closed_form_requests_per_s;
                assert!(
                    (rate - 1.0).abs() < 0.05 && replay.requests > 10_000,
                    "{backend} {model} {isl}: {replay:?}"
                );
                all.push(errors(replay));
            }
        }
        for (which, claimed) in CLAIMED.into_iter().enumerate() {
            let error = median(all.iter().map(|errors| errors[which]).collect());
            assert!(error <= claimed, "{backend} {which}: {error}");
        }
    }
}

#[test]
fn law_conversations_are_found_in_caches() {
    let context = [("workload.context", "16k"), ("workload.users", "300"), ("workload.think_time", "20s")];
    let kept = asked(&context);
    // 16,384 tokens of which the turn's 2,048 and the answer's 512 are new: of each prompt 0.87 are kept.
    assert!((replay(&kept).hit_rate - 0.87).abs() < 0.01, "{}", replay(&kept).hit_rate);
    let dropped = asked(&[&context[..], &[("kv_tier", "none"), ("hbm_residency", "0")]].concat());
    assert_eq!(replay(&dropped).hit_rate, 0.0);
}

#[test]
fn law_workers_of_their_own_are_played_too() {
    let answer = asked(&[
        ("search.mode", "disaggregated"),
        ("workload.users", "800"),
        ("workload.think_time", "20s"),
        ("workload.isl", "4k"),
    ]);
    let replay = replay(&answer);
    // Prompts that wait are computed together in the play, one after the other in the closed form.
    let later = replay.ttft.closed_form_mean_s / replay.ttft.mean_s;
    let [_, tpot, ..] = errors(replay);
    assert!((0.8..1.6).contains(&later) && tpot < 0.1, "{replay:?}");
}

#[test]
fn val_prompts_wait_for_ranks_that_step_together() {
    let machines = [("h200_hgx", "vllm"), ("h200_hgx", "trtllm"), ("gb200_nvl72", "sglang")];
    let talks = [("2k", "300", "2s"), ("4k", "1k", "2s"), ("lognormal:mean=4000,p95=10000", "1k", "4s")];
    let (mut all, mut several) = (Vec::new(), 0);
    for ((hardware, backend), (isl, osl, ttft)) in
        machines.into_iter().flat_map(|machine| talks.map(|talk| (machine, talk)))
    {
        let machine = [("hardware", hardware), ("backend", backend), ("quant", "fp8")];
        let load = [("workload.users", "800"), ("workload.think_time", "20s"), ("workload.isl", isl)];
        let rest = [("model", "deepseek-r1"), ("search.mode", "disaggregated"), ("targets.ttft", ttft)];
        let answer = asked(&[&machine[..], &load[..], &rest[..], &[("workload.osl", osl)][..]].concat());
        let pools = answer.answer.deployment.as_ref().unwrap().pools.as_ref().unwrap();
        several += u32::from(pools.prefill.dp > Some(1));
        all.push(errors(replay(&answer)));
    }
    assert!(several >= 6, "{several}");
    // In the order of [`errors`], half of the plans and all of them.
    for (which, (half, most)) in [(0.2, 0.5), (0.05, 0.1), (0.15, 0.5), (0.06, 0.12)].into_iter().enumerate()
    {
        let of: Vec<f64> = all.iter().map(|errors| errors[which]).collect();
        let worst = of.iter().copied().fold(0.0, f64::max);
        assert!(median(of) <= half && worst <= most, "{which}: {all:?}");
    }
}

#[test]
fn law_a_percentile_beyond_its_target_is_said() {
    let said = |answer: &Answer<SizeAnswer>| {
        answer.warnings.iter().any(|text| text.starts_with("simulated requests miss the target: p95 ttft"))
    };
    // Prompts that differ by so much: the tail of their queue is worse than the closed form has it.
    let missing = asked(&[
        ("backend", "vllm"),
        ("workload.isl", "lognormal:mean=1500,p95=5000"),
        ("workload.osl", "lognormal:mean=300,p95=900"),
        ("workload.rate", "6"),
        ("targets.ttft", "160ms"),
    ]);
    let ttft = replay(&missing).ttft;
    let surely = ttft.at_percentile_s - ttft.at_percentile_half_width_s.unwrap();
    assert!(surely > 0.16 && !replay(&missing).within_targets && said(&missing), "{ttft:?}");
    let met = asked(&[("workload.users", "100"), ("workload.think_time", "30s")]);
    assert!(replay(&met).within_targets && replay(&met).unanswered == 0 && !said(&met));
}

#[test]
fn law_nothing_is_played_unasked_or_without_users() {
    let unasked = asked(&[("search.simulate", "false"), ("workload.users", "100")]);
    assert!(unasked.answer.deployment.unwrap().replay.is_none());
    assert!(unasked.answer.plans.iter().all(|plan| plan.replay.is_none()));
    let nobodys = asked(&[("workload.rate", "3"), ("workload.context", "16k")]);
    assert!(nobodys.answer.deployment.unwrap().replay.is_none());
    assert!(nobodys.warnings.iter().any(|text| text.starts_with("not simulated")), "{:?}", nobodys.warnings);
}

#[test]
fn law_the_same_question_is_played_the_same() {
    let once = || asked(&[("workload.users", "200"), ("workload.think_time", "15s")]).answer;
    assert_eq!(once(), once());
}
