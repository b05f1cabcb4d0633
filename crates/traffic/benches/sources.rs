//! What a request of each source costs: `cargo bench -p rackplan-traffic --bench sources`.

use divan::Bencher;
use divan::counter::ItemsCount;
use rackplan_traffic::{
    After, Answered, Class, Gaps, Lengths, Pause, Sent, SessionLoad, Sessions, Source, Synthetic,
    SyntheticLoad, Turns, Users,
};

fn main() {
    println!("bar: 200 ns a request, a tenth of what a simulated one may take");
    divan::main();
}

const REQUESTS: usize = 100_000;

fn lengths(mean: f64) -> Lengths {
    Lengths::LogNormal { mean, sigma: 0.8, longest: 32_000 }
}

#[divan::bench]
fn synthetic_bar_200_ns(bencher: Bencher) {
    let class = Class { share: 1.0, class: 0, shared: 0, input: lengths(900.0), output: lengths(200.0) };
    let load = SyntheticLoad {
        gaps: Gaps::Gamma { rate: 9.0, cv: 2.0 },
        classes: vec![class],
        requests: None,
        duration: None,
        block_tokens: None,
        seed: 1,
    };
    bencher.counter(ItemsCount::new(REQUESTS)).bench(|| {
        let mut source = Synthetic::new(load.clone());
        (0..REQUESTS).filter_map(|_| source.next_sent()).map(|sent| u64::from(sent.input)).sum::<u64>()
    });
}

/// A thousand users, answered in the order in which they ask.
#[divan::bench]
fn sessions_bar_200_ns(bencher: Bencher) {
    let load = SessionLoad {
        users: Users::Fixed { users: 1000, over: 10.0 },
        turns: Turns::Geometric { mean: 6.0 },
        shared: 0,
        first_input: lengths(900.0),
        new_input: lengths(100.0),
        output: lengths(200.0),
        think: Pause::Exponential { mean: 30.0 },
        tools: None,
        longest_context: 32_000,
        block_tokens: None,
        class: 0,
        after: After::Leaves,
        sessions: None,
        duration: None,
        seed: 1,
    };
    bencher.counter(ItemsCount::new(REQUESTS)).bench(|| {
        let mut source = Sessions::new(load.clone());
        let mut asked: Vec<Option<Sent>> = (0..1000).map(|_| source.next_sent()).collect();
        for at in 0..REQUESTS {
            let slot = &mut asked[at % 1000];
            let Some(Sent { at, input, output, session, turn, class, .. }) = slot.take() else { continue };
            *slot = source.answered(&Answered { at: at + 1.0, input, output, session, turn, class });
        }
        asked
    });
}
