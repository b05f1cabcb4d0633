//! The answers of `sweep` and `offload` as data.

use rackplan_scenario::{Inputs, Layers, Origin, run};

fn layers(words: &str) -> Layers {
    let mut layers = Layers::default();
    for (key, value) in words.split_whitespace().filter_map(|word| word.split_once('=')) {
        layers.add(key, value, Origin::Flag(format!("--{key}")));
    }
    layers
}

#[test]
fn hand_a_sweep_without_a_question_is_the_founding_tables() {
    let answer = run::sweep(&Inputs::default(), &Layers::default()).expect("nothing is wrong").answer;
    // 5 racks x 3 widths x 7 batches, each with a plan that fits.
    assert_eq!((answer.rows.len(), answer.racks, answer.mode.as_str()), (105, 8, "inference"));
    // 8 x 6 x 4 layouts for each.
    assert_eq!(answer.plans_considered, 105 * 8 * 6 * 4);
    assert!(answer.rows.iter().all(|row| row.total_samples_per_s.is_none()));
}

#[test]
fn law_a_row_holds_together_in_training() {
    let asked = layers("model=llama-3.1-8b hardware=h100_hgx search.mode=training search.batch_sizes=1,4,16");
    let answer = run::sweep(&Inputs::default(), &asked).expect("nothing is wrong").answer;
    assert_eq!(answer.rows.len(), 9, "3 widths x 3 batches");
    for row in &answer.rows {
        let close = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-12;
        assert!(close(row.total_tokens_per_s, row.instance_tokens_per_s * row.instances as f64));
        let steps = row.total_steps_per_s.expect("training has steps");
        assert!(close(row.total_samples_per_s.expect("training has samples"), steps * row.batch as f64));
        assert_eq!(row.gpus_per_instance, u64::from(row.tp * row.pp * row.ep));
        let m = &row.memory;
        let parts = m.weights_bytes + m.optimizer_bytes + m.activations_bytes + m.overhead_bytes;
        assert!(close(m.used_bytes, parts) && m.kv_bytes == 0.0 && m.used_bytes <= m.limit_bytes);
    }
}

#[test]
fn hand_offload_puts_kv_systems_side_by_side() {
    let asked = layers(
        "kv_system=gb200_host,gb300_host workload.contexts=32k,1M search.tp=2 search.ep=4 search.batch_sizes=16",
    );
    let answer = run::offload(&Inputs::default(), &asked).expect("nothing is wrong");
    let rows: Vec<_> =
        answer.answer.rows.iter().map(|row| (row.context_tokens, row.system.as_str())).collect();
    let expected = [
        (32_000, "gb200_host"),
        (32_000, "gb300_host"),
        (1_000_000, "gb200_host"),
        (1_000_000, "gb300_host"),
    ];
    assert_eq!(rows, expected);
    assert_eq!(answer.warnings, Vec::<String>::new());
    for row in &answer.answer.rows {
        assert!((row.tokens_on_gpu + row.tokens_offloaded - row.tokens_cached as f64).abs() < 1e-3);
        assert!(row.worst_total_bytes_per_s >= row.amortized_total_bytes_per_s);
        assert_eq!(row.delays.len(), 3);
    }
    // The second system has about twice the bandwidth between GPU and host memory: 1 TB/s over 512 GB/s.
    let delay = |row: usize| answer.answer.rows[row].delays[0].amortized_s;
    assert!((delay(0) / delay(1) - 1000.0 / 512.0).abs() < 1e-9);
}

#[test]
fn hand_offload_doubts_what_cannot_run() {
    let warnings =
        |words: &str| run::offload(&Inputs::default(), &layers(words)).expect("well formed").warnings;
    // 470 GB of weights on a GPU of 192 GB.
    assert_eq!(warnings("").len(), 1);
    // 64 heads over 3, 94 layers over 4, and 128 experts over 3.
    let uneven = warnings("search.tp=3 search.pp=4 search.ep=3");
    assert_eq!(uneven.iter().filter(|text| text.contains("do not divide")).count(), 3, "{uneven:?}");
}

#[test]
fn hand_random_swaps_come_from_a_seed_and_meet_their_exact_law() {
    let words = "kv_system=gb200_host swaps.random_swap=true swaps.steps=200000";
    let answer = |words: &str| run::offload(&Inputs::default(), &layers(words)).expect("well formed").answer;
    let swaps = answer(words).swaps;
    assert_eq!(swaps, answer(words).swaps, "the same seed gives the same run");
    assert_ne!(swaps, answer(&format!("{words} seed=1")).swaps);
    for path in &swaps[0].paths {
        assert!((path.run_mean_s / path.mean_s - 1.0).abs() < 0.02, "{path:?}");
    }
}
