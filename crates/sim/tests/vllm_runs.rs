//! Measured runs of vLLM played again on operator profiles of the same cards.

mod layerwise_profiles;
mod page;

use layerwise_profiles::{llama_8b, text};
use page::{Pair, STATISTICS, of, shows, table};
use rackplan_catalog::{Catalog, Framework};
use rackplan_sim::{Caching, Engine, Fleet, Simulation, Summary, simulate};
use rackplan_traffic::{Sent, Source};
use rackplan_units::Seconds;

struct Run {
    card: &'static str,
    max_sequences: u32,
    kv_blocks: f64,
    /// Percent that we claim on the means of time to first token, per token and to the last.
    claims: [f64; 3],
}

/// As launched (the 4090 as it was short of cache, and took requests back). Its blocks as vLLM logged them; the other card has more than it needs.
const RUNS: [Run; 2] = [
    Run { card: "RTX4090", max_sequences: 256, kv_blocks: 2588.0, claims: [4.0, 2.0, 3.0] },
    Run { card: "RTXPRO6000", max_sequences: 128, kv_blocks: 1e6, claims: [2.0, 1.0, 1.0] },
];

struct List(std::vec::IntoIter<Sent>);

impl Source for List {
    fn next_sent(&mut self) -> Option<Sent> {
        self.0.next()
    }
}

/// What was sent, and measured: (time to first token, per token, to the last).
struct Measured {
    sent: Vec<Sent>,
    latencies: [Vec<f64>; 3],
}

fn measured(run: &Run) -> Option<Measured> {
    let text = text(&format!("traces/vllm-measured/{}--Llama-3.1-8B/requests.jsonl.gz", run.card))?;
    let rows: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let number = |row: &serde_json::Value, key: &str| row[key].as_f64().expect("a number");
    let start = number(&rows[0], "arrival_time");
    let sent = rows.iter().map(|row| Sent {
        at: number(row, "arrival_time") - start,
        input: number(row, "input_toks") as u32,
        output: number(row, "output_toks") as u32,
        ..Sent::default()
    });
    let span = |row: &serde_json::Value, from: &str, to: &str| number(row, to) - number(row, from);
    let of = |from: &str, to: &str| rows.iter().map(|row| span(row, from, to)).collect::<Vec<f64>>();
    let gaps = rows.iter().map(|row| (number(row, "output_toks") - 1.0).max(1.0));
    let tpot = of("first_token_ts", "last_token_ts").into_iter().zip(gaps).map(|(span, gaps)| span / gaps);
    let latencies = [of("queued_ts", "first_token_ts"), tpot.collect(), of("queued_ts", "last_token_ts")];
    let mut sent: Vec<Sent> = sent.collect();
    sent.sort_by(|a, b| a.at.total_cmp(&b.at));
    Some(Measured { sent, latencies })
}

fn pairs(name: &str, ours: Summary, theirs: &mut [f64]) -> Vec<Pair> {
    theirs.sort_by(f64::total_cmp);
    let percentile = |share: f64| theirs[((theirs.len() - 1) as f64 * share).round() as usize];
    let mean = theirs.iter().sum::<f64>() / theirs.len() as f64;
    let theirs = [mean, percentile(0.5), percentile(0.9), percentile(0.95), percentile(0.99)];
    let pair = |((statistic, ours), theirs)| Pair { name: format!("{name} {statistic}"), ours, theirs };
    STATISTICS.into_iter().zip(of(&ours)).zip(theirs).map(pair).collect()
}

fn played(run: &Run) -> Option<Vec<Pair>> {
    let (mut measured, tables) = (measured(run)?, llama_8b(run.card)?);
    let vllm = Catalog::builtin().get::<Framework>("vllm").expect("an entry").record;
    let tables = tables.replayed(vllm.execution.into());
    let none = Seconds::new(0.0);
    let engine = Engine {
        token_budget: 2048,
        max_sequences: run.max_sequences,
        kv_capacity: run.kv_blocks * 16.0,
        tokenise_per_token: none,
        first_token_overhead: none,
        ..Engine::VLLM
    };
    let mut list = List(measured.sent.clone().into_iter());
    let caching = Caching { keeps_prefixes: true, ..Caching::default() };
    let fleet = Fleet { caching, ..Fleet::of(engine, 1) };
    let ours = simulate(&fleet, &[tables], &mut list, &Simulation::default(), None);
    let latencies = [("TTFT", ours.all.ttft), ("TPOT", ours.all.tpot), ("e2e", ours.all.e2e)];
    let of = |(at, (name, latency)): (usize, (&str, Option<rackplan_sim::Latency>))| {
        Some(pairs(name, latency?.summary, &mut measured.latencies[at]))
    };
    Some(latencies.into_iter().enumerate().filter_map(of).flatten().collect())
}

#[test]
fn val_vllm_runs() {
    let mut tables = Vec::new();
    for run in &RUNS {
        let Some(pairs) = played(run) else { return };
        for (pair, claim) in pairs.iter().step_by(STATISTICS.len()).zip(run.claims) {
            assert!(pair.off().abs() <= claim, "{}: {} {:+.1} %", run.card, pair.name, pair.off());
        }
        tables.push(table(&format!("{}, Llama-3.1-8B, vLLM 0.19.0", run.card), &pairs));
    }
    assert!(
        shows("vllm", &tables),
        "docs/fidelity-simulation.md shows other figures; UPDATE=1 writes it anew"
    );
}
