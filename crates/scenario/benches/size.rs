//! What questions take that people ask: `cargo bench -p rackplan-scenario --bench size`.
//!
//! Every run reads its inputs anew, as a program that answers one question does. Times are of the wall; with
//! `RAYON_NUM_THREADS=1` they are of one processor.

use divan::{Bencher, black_box};
use rackplan_scenario::answer::{Answer, SizeAnswer};
use rackplan_scenario::{Inputs, Layers, Origin, run};

fn main() {
    println!("bars: one rack type 50 ms of processor time; everything 2 s; an answer with its reasons 1 s");
    divan::main();
}

const QUESTION: [(&str, &str); 3] =
    [("model", "deepseek-r1"), ("workload.users", "5000"), ("workload.think_time", "30s")];

fn layers(more: &[(&str, &str)]) -> Layers {
    let mut layers = Layers::default();
    for (path, value) in QUESTION.iter().chain(more) {
        layers.add(path, value, Origin::Set);
    }
    layers
}

fn size(layers: &Layers) -> Answer<SizeAnswer> {
    run::size(&Inputs::default(), layers).expect("a question that can be read")
}

#[divan::bench]
fn one_rack_type_bar_50_ms(bencher: Bencher) {
    let layers = layers(&[("hardware", "gb200_nvl72")]);
    bencher.bench_local(|| size(black_box(&layers)));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn everything_bar_2_s(bencher: Bencher) {
    let all = [("hardware", "all"), ("quant", "all"), ("backend", "all"), ("search.mode", "auto")];
    let layers = layers(&all);
    let plans = size(&layers).answer.search.map_or(0, |search| search.plans_considered);
    println!("{plans} plans");
    bencher.bench_local(|| size(black_box(&layers)));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn answer_with_reasons_bar_1_s(bencher: Bencher) {
    let layers = layers(&[("hardware", "gb200_nvl72")]);
    bencher.bench_local(|| {
        let inputs = Inputs::default();
        let found = run::size(&inputs, &layers).expect("a question that can be read");
        run::with_reasons(&inputs, &layers, found).expect("a question that can be read")
    });
}

#[divan::bench]
fn racks_of_three_kinds(bencher: Bencher) {
    let layers = layers(&[("limits.stock", "gb200_nvl72=4,h200_hgx=20,b200_hgx=10")]);
    bencher.bench_local(|| {
        run::mix(&Inputs::default(), black_box(&layers)).expect("a question that can be read")
    });
}
