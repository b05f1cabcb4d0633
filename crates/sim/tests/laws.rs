//! What holds for any load and any engine, and cases small enough to work out.

use proptest::prelude::*;
use rackplan_sim::{
    BatchWait, Chunk, Engine, Load, Options, Played, Policy, Refusal, Step, StepTimes, Workload, play,
    play_with,
};
use rackplan_traffic::Lengths;
use rackplan_units::Seconds;

/// Step times that are linear in decodes, cached tokens and prompt tokens, and quadratic in prompts.
struct Linear;

impl StepTimes for Linear {
    fn time(&self, step: &Step<'_>) -> f64 {
        let &Step { decodes, context, chunks, .. } = step;
        let prompts = |chunk: &Chunk| {
            chunk.prompts * chunk.tokens * (2e-5 + 1e-10 * (chunk.prefix + chunk.tokens / 2.0))
        };
        5e-3 + 2e-5 * decodes + 2e-9 * decodes * context + chunks.iter().map(prompts).sum::<f64>()
    }
}

fn prefill(tokens: f64) -> f64 {
    Linear.step(0.0, 0.0, &[Chunk { prompts: 1.0, tokens, prefix: 0.0 }])
}

/// An engine without a front end.
fn bare() -> Engine {
    Engine {
        tokenise_per_token: Seconds::new(0.0),
        first_token_overhead: Seconds::new(0.0),
        kv_block: 1,
        ..Engine::default()
    }
}

fn workload(load: Load, isl: u32, osl: u32, ratio: f64) -> Workload {
    Workload::new(load, Lengths::up_to(isl, ratio), Lengths::up_to(osl, ratio))
}

fn assert_close(left: f64, right: f64) {
    // Times are whole nanoseconds, one rounding a step.
    assert!((left - right).abs() <= 1e-9 * right.abs().max(2.0), "{left} {right}");
}

#[test]
fn hand_one_client_waits_for_front_end_and_prompt() {
    let engine = Engine::default();
    let played = play(&engine, &Linear, &workload(Load::closed_loop(1), 1000, 11, 1.0));
    // 3 µs · 1000 + 30 ms, then the prompt; then ten decode steps with 1000, 1001, ... 1009 cached.
    let ttft = played.ttft.expect("ten requests");
    assert_close(ttft.mean.get(), 0.033 + prefill(1000.0));
    assert_close(ttft.p99.get(), ttft.p50.get());
    assert_close(played.tpot.expect("more than one token").mean.get(), Linear.step(1.0, 1004.5, &[]));
    assert_eq!((played.finished, played.steps, played.decode_batch_mean), (10, 110, 1.0));
    // 1010 tokens in blocks of 16.
    assert_eq!(played.kv_peak, 1024.0);
}

#[test]
fn hand_the_second_of_two_clients_joins_the_step_after_the_next() {
    let engine = Engine { tokenise_per_token: Seconds::new(1e-6), ..bare() };
    let load = Load::ClosedLoop { concurrency: 2, requests: 2 };
    let options = Options { rows: true, ..Options::default() };
    let played = play_with(&engine, &Linear, &workload(load, 1000, 100, 1.0), options);
    // The first is seen at 1 ms and runs; the second at 2 ms, while it does. A decode step of the first was scheduled
    // already; then both share a step.
    let first = 1e-3 + prefill(1000.0);
    let chunk = [Chunk { prompts: 1.0, tokens: 1000.0, prefix: 0.0 }];
    let second = first + Linear.step(1.0, 1000.0, &[]) + Linear.step(1.0, 1001.0, &chunk);
    let ttft: Vec<f64> = played.rows.iter().map(|row| row.ttft.expect("served").get()).collect();
    assert_close(ttft[0], first);
    assert_close(ttft[1], second);
    let not_ahead = Engine { schedules_ahead: false, ..engine };
    let played = play_with(&not_ahead, &Linear, &workload(load, 1000, 100, 1.0), options);
    let second = first + Linear.step(1.0, 1000.0, &chunk);
    assert_close(played.rows[1].ttft.expect("served").get(), second);
}

#[test]
fn hand_policies_share_a_budget_of_1500_in_their_own_ways() {
    let load = Load::AllAtOnce { requests: 2 };
    let ttft = |policy| {
        let engine = Engine { policy, token_budget: 1500, schedules_ahead: false, ..bare() };
        let options = Options { rows: true, ..Options::default() };
        let played = play_with(&engine, &Linear, &workload(load, 1000, 10, 1.0), options);
        [0, 1].map(|at| played.rows[at].ttft.expect("served").get())
    };
    let chunk = |tokens, prefix| Chunk { prompts: 1.0, tokens, prefix };
    let both = Linear.step(0.0, 0.0, &[chunk(1000.0, 0.0), chunk(500.0, 0.0)]);
    // Cut: the rest of the second rides with a decode of the first, or runs before it.
    let cut = ttft(Policy::ChunkedWithDecodes);
    assert_close(cut[0], both);
    assert_close(cut[1], both + Linear.step(1.0, 1000.0, &[chunk(500.0, 500.0)]));
    let first = ttft(Policy::PromptsFirst);
    assert_close(first[1], both + Linear.step(0.0, 0.0, &[chunk(500.0, 500.0)]));
    // Whole: the second waits for a step of its own.
    let whole = ttft(Policy::WholeWithDecodes);
    assert_close(whole[0], prefill(1000.0));
    assert_close(whole[1], prefill(1000.0) + Linear.step(1.0, 1000.0, &[chunk(1000.0, 0.0)]));
}

#[test]
fn hand_a_static_batch_is_one_prefill_and_its_decodes() {
    let played = play(&Engine::default(), &Linear, &workload(Load::StaticBatch { batch: 8 }, 512, 5, 1.0));
    let all = [Chunk { prompts: 8.0, tokens: 512.0, prefix: 0.0 }];
    assert_close(played.ttft.expect("served").p99.get(), Linear.step(0.0, 0.0, &all));
    assert_eq!((played.steps, played.decode_batch_mean), (5, 8.0));
}

#[test]
fn hand_speculation_divides_decode_steps() {
    let engine = Engine { tokens_per_step: 2.5, ..bare() };
    let played = play(&engine, &Linear, &workload(Load::closed_loop(1), 100, 101, 1.0));
    // One step for the prompt and 100 / 2.5 more, for each of ten requests.
    assert_eq!(played.steps, 410);
}

#[test]
fn hand_what_never_fits_is_refused() {
    let engine = Engine { kv_capacity: 1000.0, ..bare() };
    let played = play(&engine, &Linear, &workload(Load::closed_loop(4), 900, 200, 1.0));
    assert_eq!((played.finished, played.refused.get(&Refusal::LongerThanCache)), (0, Some(&40)));
    assert_eq!((played.ttft, played.output_tokens_per_second), (None, 0.0));
}

#[test]
fn hand_two_ranks_halve_the_batch_and_step_together() {
    let one = play(&bare(), &Linear, &workload(Load::StaticBatch { batch: 8 }, 512, 50, 1.0));
    let two = Engine { ranks: 2, ..bare() };
    let two = play(&two, &Linear, &workload(Load::StaticBatch { batch: 16 }, 512, 50, 1.0));
    let median = |played: &Played| played.tpot.expect("served").p50.get();
    assert_close(median(&one), median(&two));
    assert_eq!((one.steps, two.steps, two.decode_batch_mean), (50, 50, 16.0));
}

#[test]
fn hand_waits_hold_prompts_back() {
    let base = play(&bare(), &Linear, &workload(Load::closed_loop(16), 1000, 1000, 0.8));
    let ttft = |engine: Engine| {
        let played = play(&engine, &Linear, &workload(Load::closed_loop(16), 1000, 1000, 0.8));
        played.ttft.expect("served").mean.get() - base.ttft.expect("served").mean.get()
    };
    let step = base.tpot.expect("served").mean.get();
    // 20 steps at most, fewer where a neighbour started the wait; 30 steps between looks are 15 on average.
    let held = ttft(Engine { batch_wait: Some(BatchWait { steps: 20, filled: 0.9 }), ..bare() });
    assert!((10.0..20.0).contains(&(held / step)), "{}", held / step);
    let polled = ttft(Engine { receive_interval: 30, ..bare() });
    assert!((8.0..20.0).contains(&(polled / step)), "{}", polled / step);
}

#[test]
fn hand_a_rank_waits_for_the_others() {
    let engine = Engine { ranks: 4, ..bare() };
    let wait = Engine { balance_wait: 60, ..engine };
    let load = workload(Load::closed_loop(64), 1000, 1000, 0.8);
    let (base, held) = (play(&engine, &Linear, &load), play(&wait, &Linear, &load));
    let mean = |played: &Played| played.ttft.expect("served").mean.get();
    let steps = (mean(&held) - mean(&base)) / base.tpot.expect("served").mean.get();
    assert!((10.0..60.0).contains(&steps), "{steps}");
}

#[test]
fn law_a_full_cache_takes_back_and_loses_nothing() {
    let engine = Engine { kv_capacity: 6_000.0, ..bare() };
    let played = play(&engine, &Linear, &workload(Load::closed_loop(16), 200, 1000, 0.5));
    assert_eq!(played.finished, 160);
    assert!(played.preemptions > 0 && played.kv_peak <= 6_000.0, "{played:?}");
    let reserving = Engine { reserved_output: 1.0, ..engine };
    let played = play(&reserving, &Linear, &workload(Load::closed_loop(16), 200, 1000, 0.5));
    assert_eq!((played.finished, played.preemptions), (160, 0));
}

#[test]
fn law_a_queue_of_fixed_services_waits_as_md1_says() {
    // One at a time: a prompt and no decode, so that service is fixed. W = ρ/(2(1 - ρ)) · service at load ρ.
    let engine = Engine { max_sequences: 1, schedules_ahead: false, ..bare() };
    let service = prefill(1000.0);
    for load in [0.3, 0.6, 0.8] {
        let open = Load::Poisson { rate: load / service, requests: 60_000 };
        let played = play(&engine, &Linear, &workload(open, 1000, 1, 1.0));
        let waited = played.ttft.expect("served").mean.get() / service - 1.0;
        let exact = load / (2.0 * (1.0 - load));
        assert!((waited / exact - 1.0).abs() < 0.06, "{load}: {waited} {exact}");
    }
}

#[test]
fn law_more_cache_never_slows_a_closed_loop() {
    let mean = |capacity: f64| {
        let engine = Engine { kv_capacity: capacity, ..bare() };
        play(&engine, &Linear, &workload(Load::closed_loop(32), 1000, 500, 0.8))
            .e2e
            .expect("served")
            .mean
            .get()
    };
    let latencies = [2e3, 4e3, 8e3, 16e3, 32e3, 64e3].map(mean);
    assert!(latencies.windows(2).all(|pair| pair[1] <= 1.02 * pair[0]), "{latencies:?}");
}

fn engines() -> impl Strategy<Value = Engine> {
    let policy = prop_oneof![
        Just(Policy::ChunkedWithDecodes),
        Just(Policy::WholeWithDecodes),
        Just(Policy::PromptsFirst)
    ];
    let wait = prop_oneof![Just(None), Just(Some(BatchWait { steps: 10, filled: 0.5 }))];
    let limits = (256u32..20_000, 1u32..100, 1u32..5, 2_000.0..80_000.0);
    (policy, limits, (wait, 0u32..30, 1u32..20), (any::<bool>(), 1.0f64..3.0, 0.0f64..1.0)).prop_map(
        |(policy, (token_budget, max_sequences, ranks, kv_capacity), waits, rest)| Engine {
            policy,
            token_budget,
            max_sequences,
            ranks,
            kv_capacity,
            batch_wait: waits.0,
            balance_wait: waits.1,
            receive_interval: waits.2,
            schedules_ahead: rest.0,
            tokens_per_step: rest.1,
            reserved_output: rest.2,
            ..Engine::default()
        },
    )
}

fn workloads() -> impl Strategy<Value = Workload> {
    let load = prop_oneof![
        (1u32..60).prop_map(Load::closed_loop),
        (1u32..200).prop_map(|requests| Load::AllAtOnce { requests }),
        (0.1f64..100.0, 1u32..200).prop_map(|(rate, requests)| Load::Poisson { rate, requests }),
        (1u32..60).prop_map(|batch| Load::StaticBatch { batch }),
    ];
    (load, 1u32..3000, 1u32..600, 0.0f64..=1.0, any::<u64>())
        .prop_map(|(load, isl, osl, ratio, seed)| Workload { seed, ..workload(load, isl, osl, ratio) })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn law_every_request_is_answered_or_refused(engine in engines(), workload in workloads()) {
        let options = Options { rows: true, ..Options::default() };
        let played = play_with(&engine, &Linear, &workload, options);
        prop_assert_eq!(played.requests, played.finished + played.refused.values().sum::<u32>());
        prop_assert!(played.kv_peak <= engine.kv_capacity + 1e-6);
        for row in &played.rows {
            if let (Some(ttft), Some(e2e)) = (row.ttft, row.e2e) {
                prop_assert!(ttft.get() > 0.0 && e2e >= ttft);
            }
        }
        prop_assert_eq!(&played, &play_with(&engine, &Linear, &workload, options));
    }

    #[test]
    fn law_skipping_ahead_changes_nothing(engine in engines(), workload in workloads()) {
        let options = Options { rows: true, ..Options::default() };
        let skipping = play_with(&engine, &Linear, &workload, options);
        let stepping = play_with(&engine, &Linear, &workload, Options { skip_ahead: false, ..options });
        let differs = skipping.rows.iter().zip(&stepping.rows).find(|(left, right)| left != right);
        prop_assert_eq!(differs, None);
        prop_assert!(skipping == stepping);
    }
}
