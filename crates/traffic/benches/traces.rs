//! How fast traces are read from memory: `cargo bench -p rackplan-traffic --bench traces`.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use rackplan_traffic::Stream;
use rackplan_traffic::trace::{Options, Reader};
use std::fmt::Write as _;

fn main() {
    println!("bar: 1 M rows/s of a plain CSV");
    divan::main();
}

const ROWS: usize = 100_000;

fn text(heading: &str, row: impl Fn(&mut String, f64, u32, u32)) -> String {
    let mut random = Stream::new(1, "rows");
    let (mut text, mut at) = (format!("{heading}\n"), 0.0);
    for _ in 0..ROWS {
        at += random.gap() / 7.0;
        row(&mut text, at, random.whole(1, 32_000), random.whole(1, 2_000));
        text.push('\n');
    }
    text
}

fn rows(bencher: Bencher, text: &str) {
    bencher.counter(ItemsCount::new(ROWS)).bench(|| {
        let reader = Reader::new("memory", black_box(text.as_bytes()), Options::default()).expect("a trace");
        let read = reader.fold(0, |count, sent| count + sent.expect("a request").turn as usize + 1);
        assert!(read >= ROWS);
    });
}

#[divan::bench]
fn plain_csv_bar_1m_rows(bencher: Bencher) {
    let row =
        |text: &mut String, at, input, output| write!(text, "{at:.6},{input},{output}").expect("memory");
    rows(bencher, &text("arrival_s,input_tokens,output_tokens", row));
}

#[divan::bench]
fn plain_csv_with_10k_sessions(bencher: Bencher) {
    let row = |text: &mut String, at: f64, input: u32, output| {
        write!(text, "{at:.6},{input},{output},{}", input % 10_000).expect("memory");
    };
    rows(bencher, &text("arrival_s,input_tokens,output_tokens,session", row));
}

#[divan::bench]
fn azure_csv(bencher: Bencher) {
    let row = |text: &mut String, at: f64, input, output| {
        let (hour, minute, second) = (at as u64 / 3600, at as u64 / 60 % 60, at % 60.0);
        write!(text, "2023-11-16 {hour:02}:{minute:02}:{second:010.7},{input},{output}").expect("memory");
    };
    rows(bencher, &text("TIMESTAMP,ContextTokens,GeneratedTokens", row));
}

#[divan::bench]
fn mooncake_jsonl_of_25_blocks(bencher: Bencher) {
    let row = |text: &mut String, at: f64, input: u32, output| {
        let ids: Vec<u32> = (input..input + 25).collect();
        let time = (at * 1000.0) as u64;
        write!(text, "{{\"timestamp\":{time},\"input_length\":{input},\"output_length\":{output},")
            .expect("memory");
        write!(text, "\"hash_ids\":{ids:?}}}").expect("memory");
    };
    let text = text("", row);
    rows(bencher, &text);
}
