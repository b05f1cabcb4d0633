//! Vidur's reference runs: its requests, its operator tables, its rules.
#![allow(dead_code, reason = "a test and a benchmark share this")]

use flate2::read::GzDecoder;
use rackplan_sim::{Engine, Fleet, Layout, OperatorTables, Router};
use rackplan_traffic::Sent;
use rackplan_units::Seconds;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

/// A run of Vidur, and what it was of.
pub(crate) struct Run {
    pub(crate) name: &'static str,
    tables: &'static str,
    layout: Layout,
    replicas: u32,
    kv_blocks: f64,
}

const LLAMA_2_70B: Layout = Layout { layers: 80, tp: 4, pp: 1, is_grouped: true };

pub(crate) const RUNS: [Run; 4] = [
    Run {
        name: "l2-70b-h100-tp4-poisson4-10k",
        tables: "h100-70b-tp4",
        layout: LLAMA_2_70B,
        replicas: 1,
        kv_blocks: 32_768.0,
    },
    Run {
        name: "l2-70b-a100-tp2pp2-poisson2-10k",
        tables: "a100-70b-tp2pp2",
        layout: Layout { tp: 2, pp: 2, ..LLAMA_2_70B },
        replicas: 1,
        kv_blocks: 32_768.0,
    },
    Run {
        name: "l3-8b-a100-tp1-poisson5-10k",
        tables: "a100-8b-tp1-DERIVEDattn",
        layout: Layout { layers: 32, tp: 1, pp: 1, is_grouped: true },
        replicas: 1,
        kv_blocks: 30_208.0,
    },
    Run {
        name: "l2-70b-h100-tp4x4-convtrace-10k",
        tables: "h100-70b-tp4",
        layout: LLAMA_2_70B,
        replicas: 4,
        kv_blocks: 32_768.0,
    },
];

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/peers/vidur-runs")
}

pub(crate) fn text(name: &str) -> Option<String> {
    let mut text = String::new();
    let file = File::open(folder().join(name)).ok()?;
    if name.ends_with(".gz") {
        GzDecoder::new(file).read_to_string(&mut text).ok()?;
    } else {
        { file }.read_to_string(&mut text).ok()?;
    }
    Some(text)
}

pub(crate) fn tables(run: &Run) -> Option<OperatorTables> {
    let names =
        ["tokens", "attn_decode", "attn_prefill"].map(|part| format!("oplat-{}-{part}.csv.gz", run.tables));
    let files: Option<Vec<_>> = names.into_iter().map(|name| Some((name.clone(), text(&name)?))).collect();
    Some(OperatorTables::read(&files?, run.layout).expect("good tables"))
}

pub(crate) fn requests(run: &Run) -> Option<Vec<Sent>> {
    let text = text(&format!("{}.requests.csv.gz", run.name))?;
    let sent = text.lines().skip(1).map(|line| {
        let mut fields = line.split(',').skip(1);
        let mut number = || fields.next().expect("four fields").parse::<f64>().expect("a number");
        let (at, input, output) = (number(), number(), number());
        Sent { at, input: input as u32, output: output as u32, ..Sent::default() }
    });
    Some(sent.collect())
}

/// The fleet of a run: Sarathi's rules with chunks of 512 tokens and 128 sequences.
pub(crate) fn fleet(run: &Run) -> Fleet {
    let none = Seconds::new(0.0);
    let engine = Engine {
        token_budget: 512,
        max_sequences: 128,
        stages: run.layout.pp,
        tokenise_per_token: none,
        first_token_overhead: none,
        schedules_ahead: false,
        kv_capacity: run.kv_blocks * 16.0,
        ..Engine::VLLM
    };
    Fleet { router: Router::LeastQueued, ..Fleet::of(engine, run.replicas) }
}
