//! Configurations played per second on one core; the bar is 2,000.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use rackplan_sim::{
    Engine, Limits, Load, Requests, Step, StepTimes, Workload, closed_form, highest_rate, play,
};
use rackplan_traffic::Lengths;
use rackplan_units::Seconds;

fn main() {
    divan::main();
}

/// Step times that cost about as much as looking up a few tables, 100 ns.
struct Tables;

impl StepTimes for Tables {
    fn time(&self, step: &Step<'_>) -> f64 {
        let &Step { decodes, context, chunks, .. } = step;
        let prompts =
            chunks.iter().map(|c| c.prompts * c.tokens * (2e-5 + 1e-10 * (c.prefix + c.tokens / 2.0)));
        let time = 5e-3 + 2e-5 * decodes + 2e-9 * decodes * context + prompts.sum::<f64>();
        // Square roots one after the other stand for the look-ups.
        (0..14).fold(time, |time, _| (black_box(time) * time).sqrt())
    }
}

fn workload(concurrency: u32) -> Workload {
    let load = Load::closed_loop(concurrency);
    Workload::new(load, Lengths::up_to(1024, 0.8), Lengths::up_to(1024, 0.8))
}

/// 64 clients, 640 requests, 1k in, 1k out.
#[divan::bench]
fn configurations_bar_2000_per_second(bencher: Bencher) {
    let (engine, workload) = (Engine::default(), workload(64));
    let play = || play(black_box(&engine), &Tables, black_box(&workload));
    bencher.counter(ItemsCount::new(1_usize)).bench_local(play);
}

/// The same on eight attention ranks.
#[divan::bench]
fn configurations_of_8_ranks(bencher: Bencher) {
    let (engine, workload) = (Engine { ranks: 8, ..Engine::default() }, workload(64));
    let play = || play(black_box(&engine), &Tables, black_box(&workload));
    bencher.counter(ItemsCount::new(1_usize)).bench_local(play);
}

/// The closed form of the same, in estimates per second.
#[divan::bench]
fn closed_form_estimates(bencher: Bencher) {
    let (engine, workload) = (Engine::default(), workload(64));
    let estimate = || closed_form(black_box(&engine), &Tables, black_box(&workload));
    bencher.counter(ItemsCount::new(1_usize)).bench_local(estimate);
}

/// The highest rate within limits: ten plays of 1,000 requests or so.
#[divan::bench]
fn highest_rates(bencher: Bencher) {
    let lengths = || Lengths::up_to(1024, 0.8);
    let requests = Requests { input: lengths(), output: lengths(), count: 1000, seed: 1 };
    let engine = Engine { max_sequences: 256, ..Engine::default() };
    let limits = Limits { ttft_p99: Seconds::new(0.5), tpot_p99: Seconds::new(0.02) };
    bencher.bench_local(|| highest_rate(black_box(&engine), &Tables, &requests, &limits));
}

/// One step time.
#[divan::bench]
fn step_times(bencher: Bencher) {
    bencher.bench_local(|| Tables.step(black_box(64.0), black_box(1500.0), &[]));
}
