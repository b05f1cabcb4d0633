//! One look-up of a step's time in operator tables of each format; the bar is 40 ns for a step that only decodes.

#[path = "../tests/layerwise_profiles/mod.rs"]
mod layerwise_profiles;
#[path = "../tests/vidur_runs/mod.rs"]
mod vidur_runs;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use rackplan_sim::{Chunk, OperatorTables, Step, StepTimes};

fn main() {
    divan::main();
}

const STEPS: usize = 1024;

/// Times of many steps of other sizes and contexts, as a simulation asks for them.
fn look_up(bencher: Bencher, tables: Option<OperatorTables>, prompt: f64, longest: f64) {
    let Some(tables) = tables else { return };
    let steps: Vec<(f64, f64, [Chunk; 1])> = (0..STEPS)
        .map(|at| {
            let tokens = (prompt - (at * 7 % 100) as f64).max(0.0);
            let chunk = Chunk { prompts: 1.0, tokens, prefix: (at * 31 % 2000) as f64 };
            (1.0 + (at * 13 % 120) as f64, 200.0 + (at * 37 % 3000) as f64, [chunk])
        })
        .collect();
    let time = |(decodes, context, chunks): &(f64, f64, [Chunk; 1])| {
        let chunks = if prompt > 0.0 { &chunks[..] } else { &[] };
        tables.time(&Step { longest: context * longest, ..Step::even(*decodes, *context, chunks) })
    };
    let all = || black_box(&steps).iter().map(time).sum::<f64>();
    bencher.counter(ItemsCount::new(STEPS)).bench_local(all);
}

fn vidur() -> Option<OperatorTables> {
    vidur_runs::tables(&vidur_runs::RUNS[0])
}

fn layerwise() -> Option<OperatorTables> {
    layerwise_profiles::llama_8b("RTXPRO6000")
}

#[divan::bench]
fn vidur_decode(bencher: Bencher) {
    look_up(bencher, vidur(), 0.0, 1.0);
}

#[divan::bench]
fn vidur_mixed(bencher: Bencher) {
    look_up(bencher, vidur(), 500.0, 1.0);
}

#[divan::bench]
fn layerwise_decode(bencher: Bencher) {
    look_up(bencher, layerwise(), 0.0, 1.0);
}

#[divan::bench]
fn layerwise_uneven_decode(bencher: Bencher) {
    look_up(bencher, layerwise(), 0.0, 2.0);
}

#[divan::bench]
fn layerwise_mixed(bencher: Bencher) {
    look_up(bencher, layerwise(), 500.0, 1.0);
}
