//! Vidur's runs played again with its own operator tables and rules, and the page that shows how far we are.
//!
//! `UPDATE=1 cargo test -p rackplan-sim --test references` writes the tables of docs/fidelity-simulation.md anew.

mod page;
mod vidur_runs;

use page::{Pair, STATISTICS, of, shows, table};
use rackplan_sim::{Latency, Simulated, Simulation, simulate};
use rackplan_traffic::{Sent, Source};
use vidur_runs::{RUNS, Run, fleet, folder, requests, tables, text};

struct List(std::vec::IntoIter<Sent>);

impl Source for List {
    fn next_sent(&mut self) -> Option<Sent> {
        self.0.next()
    }
}

fn played(run: &Run) -> Option<Simulated> {
    let mut list = List(requests(run)?.into_iter());
    Some(simulate(&fleet(run), &[tables(run)?], &mut list, &Simulation::default(), None))
}

/// Iterations first, then the statistics of three latencies.
fn pairs(run: &Run) -> Option<Vec<Pair>> {
    let simulated = played(run)?;
    let theirs: serde_json::Value = serde_json::from_str(&text(&format!("{}.json", run.name))?).ok()?;
    let iterations = theirs["iterations"].as_f64()?;
    let mut pairs =
        vec![Pair { name: "iterations".into(), ours: simulated.totals.steps as f64, theirs: iterations }];
    let all = &simulated.all;
    for (name, key, latency) in
        [("TTFT", "ttft_s", all.ttft), ("TPOT", "tpot_s", all.tpot), ("e2e", "e2e_s", all.e2e)]
    {
        pairs.extend(latency_pairs(name, latency, &theirs["results"][key])?);
    }
    Some(pairs)
}

fn latency_pairs(name: &str, latency: Option<Latency>, theirs: &serde_json::Value) -> Option<Vec<Pair>> {
    let ours = of(&latency?.summary);
    let pair = |(statistic, ours): (&str, f64)| {
        Some(Pair { name: format!("{name} {statistic}"), ours, theirs: theirs[statistic].as_f64()? })
    };
    STATISTICS.into_iter().zip(ours).map(pair).collect()
}

/// Iterations within 1 %, percentiles within 2 %.
fn check(run: &Run) {
    let Some(pairs) = pairs(run) else {
        println!("skipped: {} is not here", folder().display());
        return;
    };
    for (at, pair) in pairs.iter().enumerate() {
        let most = if at == 0 { 1.0 } else { 2.0 };
        assert!(pair.off().abs() <= most, "{}: {} {:+.2} %", run.name, pair.name, pair.off());
    }
}

#[test]
fn val_tensor_parallel() {
    check(&RUNS[0]);
}

#[test]
fn val_two_pipeline_stages() {
    check(&RUNS[1]);
}

#[test]
fn val_one_gpu() {
    check(&RUNS[2]);
}

#[test]
fn val_four_replicas() {
    check(&RUNS[3]);
}

#[test]
fn val_the_page_shows_these_figures() {
    let all: Option<Vec<String>> = RUNS.iter().map(|run| Some(table(run.name, &pairs(run)?))).collect();
    let Some(all) = all else {
        println!("skipped: {} is not here", folder().display());
        return;
    };
    assert!(shows("vidur", &all), "docs/fidelity-simulation.md shows other figures; UPDATE=1 writes it anew");
}
