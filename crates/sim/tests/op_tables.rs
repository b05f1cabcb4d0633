//! Step times from operator tables of both formats: added up by hand, broken, and beside what was measured.

mod layerwise_profiles;

use layerwise_profiles::{LLAMA_8B, files, llama_8b};
use proptest::prelude::*;
use rackplan_sim::{Chunk, Layout, OperatorTables, Step, StepTimes, TableError};

const TEN_LAYERS: Layout = Layout { layers: 10, tp: 1, pp: 1, is_grouped: true };

fn close(ours: f64, by_hand: f64) {
    assert!((ours - by_hand).abs() <= 1e-9 * by_hand.abs(), "{ours} is not {by_hand}");
}

fn file(name: &str, text: &str) -> (String, String) {
    (name.into(), text.into())
}

/// Dense operators take 1 µs and 1 µs a token each; the head 100 µs and 10 µs a sequence.
fn profile() -> Vec<(String, String)> {
    let names =
        ["embedding", "layernorm", "qkv_proj", "o_proj", "gate_up_proj", "down_proj", "final_layernorm"];
    let rows = |name: &str| format!("{name},1,2\n{name},100,101\n{name},200,201\n");
    let dense: String = names.into_iter().map(rows).collect();
    let attention = "0,0,1,100,10\n0,0,1,200,12\n0,0,4,100,20\n0,0,4,200,32\n\
        100,0,0,0,50\n100,400,0,0,90\n200,0,0,0,100\n200,400,0,0,180\n\
        100,0,1,100,55\n100,0,4,100,75\n200,400,4,200,210\n";
    vec![
        file("dense.csv", &format!("layer,tokens,time_us\n{dense}")),
        file("per_sequence.csv", "layer,sequences,time_us\nlm_head,1,110\nlm_head,16,260\n"),
        file("attention.csv", &format!("prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n{attention}")),
    ]
}

#[test]
fn hand_a_layerwise_step_adds_up() {
    let tables = OperatorTables::read(&profile(), TEN_LAYERS).expect("good tables");
    // Six operators a layer (two of them norms) and two once, each 1 + 4 µs; a head of 140 µs; attention of 4 at 150
    // between 20 and 32.
    close(tables.step(4.0, 150.0, &[]), (62.0 * 5.0 + 140.0 + 10.0 * 26.0) * 1e-6);
    // One at 100 to two at 100: a third of the way from 10 to 20.
    close(tables.step(2.0, 100.0, &[]), (62.0 * 3.0 + 120.0 + 10.0 * (10.0 + 10.0 / 3.0)) * 1e-6);
    assert_eq!(tables.straight_to(&Step::even(4.0, 150.0, &[])), 200.0);
    assert_eq!(tables.straight_to(&Step::even(4.0, 200.0, &[])), f64::INFINITY);
    assert!(!tables.wants_longest());
    // A prompt alone: 150 tokens behind 200 lie amid 50, 90, 100 and 180.
    let prompt = [Chunk { prompts: 1.0, tokens: 150.0, prefix: 200.0 }];
    close(tables.step(0.0, 0.0, &prompt), (62.0 * 151.0 + 110.0 + 10.0 * 105.0) * 1e-6);
    // Beside four decodes: 104 tokens, five get one.
    let prompt = [Chunk { prompts: 1.0, tokens: 100.0, prefix: 0.0 }];
    close(tables.step(4.0, 100.0, &prompt), (62.0 * 105.0 + 150.0 + 10.0 * 75.0) * 1e-6);
}

#[test]
fn hand_stages_reduces_and_experts() {
    let layout = Layout { tp: 2, pp: 2, ..TEN_LAYERS };
    let error = OperatorTables::read(&profile(), layout).expect_err("no all-reduce");
    let hint = "with tensor parallelism give a further file `layer,tokens,time_us` of it";
    assert_eq!(error, TableError::NoRows("all_reduce", hint));
    let mut files = profile();
    files.push(file("links.csv", "layer,tokens,time_us\nall_reduce,1,7\nsend_recv,1,3\n"));
    let tables = OperatorTables::read(&files, layout).expect("good tables");
    // Five layers of 6 · 5 + 2 · 7 + 20 µs and the last stage's norm and head.
    close(tables.step(4.0, 100.0, &[]), (5.0 * 64.0 + 5.0 + 140.0) * 1e-6);
    close(tables.sending(&Step::even(4.0, 100.0, &[])), 3e-6);
    // One of four experts a token: 2 tokens wake 4 (1 - (3/4)²) = 1.75, between 20 and 30 µs.
    files.push(file("moe.csv", "tokens,activated_experts,time_us\n1,1,10\n2,1,20\n2,2,30\n8,4,60\n"));
    let tables = OperatorTables::read(&files, TEN_LAYERS).expect("good tables");
    let dense = 62.0 * 3.0 + 120.0 + 10.0 * (10.0 + 10.0 / 3.0);
    close(tables.step(2.0, 100.0, &[]), (dense + 10.0 * 27.5) * 1e-6);
}

#[test]
fn hand_uneven_contexts_cost_a_share_of_the_longest() {
    let mut files = profile();
    let rows = "4,0,100,150,110\n".repeat(5);
    files.push(file("skew.csv", &format!("n,pc,t_mean_us,t_max_us,t_skew_us\n{rows}")));
    let tables = OperatorTables::read(&files, TEN_LAYERS).expect("good tables");
    assert!(tables.wants_longest());
    // At a mean of 100 it is 20, with all at 200 it would be 32: a fifth of the way.
    let uneven = Step { longest: 200.0, ..Step::even(4.0, 100.0, &[]) };
    close(tables.time(&uneven), (62.0 * 5.0 + 140.0 + 10.0 * (20.0 + 0.2 * 12.0)) * 1e-6);
    close(tables.step(4.0, 100.0, &[]), (62.0 * 5.0 + 140.0 + 10.0 * 20.0) * 1e-6);
}

#[test]
fn hand_broken_layerwise_tables_say_where() {
    let broken = |at: usize, from: &str, to: &str| {
        let mut files = profile();
        files[at].1 = files[at].1.replace(from, to);
        OperatorTables::read(&files, TEN_LAYERS).expect_err("broken").to_string()
    };
    assert_eq!(
        broken(0, "o_proj,100,", "o_proj,100,-"),
        "dense.csv: line 12: `time_us` is `-101`; a number of at least 0 belongs there"
    );
    assert_eq!(
        broken(0, "o_proj,200", "out,200"),
        "dense.csv: line 13: `layer` is `out`, which is none we know; known are layernorm, qkv_proj, qk_norm, \
         rotary_emb, o_proj, gate_up_proj, act_fn, down_proj, embedding, final_layernorm, all_reduce, send_recv"
    );
    assert_eq!(
        broken(0, "down_proj,200", "down_proj,1e12"),
        "dense.csv: line 19: `tokens` is 1000000000000, which is more than a table can be made for"
    );
    assert_eq!(
        broken(1, "lm_head", "sampler"),
        "no rows of lm_head in the tables: it belongs into `layer,sequences,time_us`"
    );
    let mut files = profile();
    files.push(file("x", "kv_cache_size,chunk,ms\n0,1,1\n"));
    let mixed = OperatorTables::read(&files, TEN_LAYERS).expect_err("two formats");
    assert_eq!(mixed, TableError::Mixed("x".into()));
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..5000_u32).prop_map(|n| n.to_string()),
        (0.0..1e3_f64).prop_map(|n| n.to_string()),
        Just("1e300".into()),
        Just("-1".into()),
        Just("nan".into()),
        Just(String::new()),
    ]
}

/// Tables with good headers and rows of anything.
fn anything(layers: bool) -> impl Strategy<Value = Vec<(String, String)>> {
    let (headers, width): (&[&str], usize) = if layers {
        (
            &[
                "tokens,time_us,layer",
                "sequences,time_us,layer",
                "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us",
                "n,pc,t_mean_us,t_max_us,t_skew_us",
                "tokens,activated_experts,time_us",
            ],
            5,
        )
    } else {
        (&["num_tokens,mlp_up_proj,all_reduce", "batch_size,kv_cache_size,ms", "kv_cache_size,chunk,ms"], 3)
    };
    let names = "layernorm qkv_proj o_proj gate_up_proj down_proj all_reduce lm_head".split(' ');
    let name = prop::sample::select(names.map(str::to_owned).collect::<Vec<_>>());
    let good = (0..3000_u32, 0.0..1e3_f64).prop_map(|(at, time)| (at.to_string(), time.to_string()));
    let row = prop_oneof![
        20 => (good, name.clone(), prop::collection::vec(0..3_u32, width)).prop_map(move |((at, time), name, more)| {
            let more: Vec<String> = more.iter().map(|more| (more * 100).to_string()).collect();
            vec![at, time, name, more[0].clone(), more[1].clone()]
        }),
        1 => prop::collection::vec(number(), width),
    ];
    let rows = prop::collection::vec(prop::collection::vec(row, 0..20), headers.len());
    rows.prop_map(move |tables| {
        let of = |(at, rows): (usize, Vec<Vec<String>>)| {
            let is_named = headers[at].contains("layer");
            let line = |mut row: Vec<String>| {
                if !is_named && row.len() > 2 {
                    row.remove(2);
                    row.insert(2, "7".into());
                }
                row.join(",") + "\n"
            };
            (at.to_string(), format!("{}\n{}", headers[at], rows.into_iter().map(line).collect::<String>()))
        };
        tables.into_iter().enumerate().map(of).collect()
    })
}

fn check_never_panics(files: &[(String, String)], (decodes, context, longest): (f64, f64, f64), tp: u32) {
    let Ok(tables) = OperatorTables::read(files, Layout { tp, pp: tp, ..TEN_LAYERS }) else { return };
    let chunks = [Chunk { prompts: 1.5, tokens: context, prefix: longest }];
    for chunks in [&chunks[..], &[]] {
        let step = Step { longest: longest.max(context), ..Step::even(decodes, context, chunks) };
        let time = tables.time(&step);
        assert!(time.is_finite() && time >= 0.0, "{time}");
        assert!(tables.sending(&step) >= 0.0 && tables.straight_to(&step) >= context - 1.0);
    }
}

proptest! {
    #[test]
    fn law_broken_tables_never_panic(
        vidur in anything(false), layerwise in anything(true), text in "[a-z0-9_,.\n-]{0,80}",
        step in (0.0..300.0_f64, 0.0..1e5_f64, 0.0..1e5_f64), tp in 1..3_u32,
    ) {
        for mut files in [vidur, layerwise] {
            check_never_panics(&files, step, tp);
            files.push(("text".into(), text.clone()));
            check_never_panics(&files, step, tp);
        }
    }
}

/// Rows of a table as numbers, without its first column where that is a word.
fn rows(text: &str) -> Vec<Vec<f64>> {
    let numbers = |line: &str| line.split(',').map(|value| value.parse().unwrap_or(f64::NAN)).collect();
    text.lines().skip(1).map(numbers).collect()
}

fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share) as usize]
}

const CARDS: [&str; 2] = ["RTX4090", "RTXPRO6000"];

/// One layer of a profile of Llama-3.1-8B of which all but attention takes no time.
fn attention_of(card: &str, tables: &[&str]) -> Option<(OperatorTables, String)> {
    let tables = [&["dense", "per_sequence"], tables].concat();
    let mut files = files(card, "meta-llama--Llama-3.1-8B", 1, &tables)?;
    for (_, text) in &mut files[..2] {
        let free =
            |line: &str| line.rsplit_once(',').map(|(head, _)| format!("{head},0\n")).unwrap_or_default();
        let header = text.lines().next().unwrap_or_default().to_owned();
        *text = header + "\n" + &text.lines().skip(1).map(free).collect::<String>();
    }
    let read = OperatorTables::read(&files, Layout { layers: 1, ..LLAMA_8B }).expect("a good profile");
    Some((read, files.pop()?.1))
}

#[test]
fn val_measured_attention_is_met_at_its_points() {
    for card in CARDS {
        let Some((tables, text)) = attention_of(card, &["attention"]) else { return };
        let rows = rows(&text);
        for row in &rows {
            let [chunk, prefix, decodes, context, time] = row[..] else { panic!("five columns") };
            let ours =
                tables.step(decodes, context, chunks(&[Chunk { prompts: 1.0, tokens: chunk, prefix }])) * 1e6;
            assert!((ours - time).abs() < 1e-9 * time, "{row:?}: {ours}");
        }
        println!("{card}: {} measured points of attention met", rows.len());
    }
}

/// None where they have no tokens.
fn chunks(chunks: &[Chunk; 1]) -> &[Chunk] {
    if chunks[0].tokens > 0.0 { chunks } else { &[] }
}

/// Every second context left out and interpolated: how far off what lies between points is.
#[test]
fn val_what_lies_between_points() {
    let parts = ["dense", "per_sequence", "attention"];
    let Some(mut files) = files("RTX4090", "meta-llama--Llama-3.1-8B", 1, &parts) else { return };
    let all = OperatorTables::read(&files, LLAMA_8B).expect("a good profile");
    let is_kept =
        |line: &&str| !["64", "256", "1024", "4096"].contains(&line.split(',').nth(3).unwrap_or(""));
    let kept: Vec<&str> = files[2].1.lines().filter(is_kept).collect();
    files[2].1 = kept.join("\n");
    let fewer = OperatorTables::read(&files, LLAMA_8B).expect("a good profile");
    let mut off = vec![];
    for decodes in [1.0, 8.0, 32.0, 128.0] {
        for context in [64.0, 256.0, 1024.0, 4096.0] {
            off.push((fewer.step(decodes, context, &[]) / all.step(decodes, context, &[]) - 1.0).abs());
        }
    }
    let (middle, worst) = (percentile(&mut off, 0.5), percentile(&mut off, 1.0));
    println!(
        "steps between points, off by {:.2} % in the middle, {:.2} % at worst",
        middle * 100.0,
        worst * 100.0
    );
    assert!(middle < 0.01 && worst < 0.1);
}

/// The batches of two lengths that were measured: what they take more than batches of their mean, with and without the
/// longest sequence. Times of that table are sums of three runs, so only ratios are compared.
#[test]
fn val_uneven_batches() {
    for card in CARDS {
        let Some((tables, text)) = attention_of(card, &["attention", "skew"]) else { return };
        let mut off = [vec![], vec![]];
        for row in rows(&text) {
            let [_, decodes, .., chunk, prefix, _, longest, context, mean, _, time, _] = row[..] else {
                panic!("14 columns")
            };
            let chunk = [Chunk { prompts: 1.0, tokens: chunk, prefix }];
            let even = Step::even(decodes, context, chunks(&chunk));
            let more = tables.time(&Step { longest, ..even }) / tables.time(&even);
            off[0].push((mean / time - 1.0).abs());
            off[1].push((more * mean / time - 1.0).abs());
        }
        let of = |off: &mut Vec<f64>| [0.5, 0.9, 0.99].map(|share| percentile(off, share) * 100.0);
        let [mean, longest] = off.each_mut().map(of);
        println!("{card}: p50, p90, p99 off by {mean:.1?} % at the mean, {longest:.1?} % with the longest");
        assert!(longest[0] < mean[0] && longest[1] < 0.7 * mean[1]);
    }
}

/// Decode steps of the profiled cards are of the size that bandwidth sets.
#[test]
fn val_decode_steps_read_their_weights() {
    // 16.06 GB of weights at 1.008 and 1.792 TB/s: 15.9 and 9.0 ms, at 85 to 95 % of that.
    for (card, least) in CARDS.into_iter().zip([15.9e-3, 9.0e-3]) {
        let Some(tables) = llama_8b(card) else { return };
        let step = tables.step(1.0, 128.0, &[]);
        println!("{card}: {:.2} ms a step of one sequence", step * 1e3);
        assert!(step > least && step < 1.3 * least, "{step}");
    }
}

/// The same of a model with experts: one token reads 8 of 128, many read all.
#[test]
fn val_experts_wake_up() {
    let parts = ["dense", "per_sequence", "attention", "skew", "moe"];
    let Some(files) = files("RTXPRO6000", "Qwen--Qwen3-30B-A3B-Instruct-2507", 1, &parts) else { return };
    let layout = Layout { layers: 48, tp: 1, pp: 1, is_grouped: true };
    let tables = OperatorTables::read(&files, layout).expect("a good profile");
    // 30.5 billion weights, of which 0.3 are the embedding: 60 GB at 1.6 TB/s; of one token 3.0 billion, 6 GB.
    let [one, many] = [1.0, 256.0].map(|decodes| tables.step(decodes, 128.0, &[]));
    println!("{:.2} ms a step of one sequence, {:.2} ms of 256", one * 1e3, many * 1e3);
    assert!((3.5e-3..7e-3).contains(&one) && (36e-3..55e-3).contains(&many));
    assert!(matches!(OperatorTables::read(&files[..4], layout), Err(TableError::NoRows("gate_up_proj", _))));
}
