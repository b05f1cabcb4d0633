//! Whole simulations with full metrics, in CPU seconds of one core beside their bars.

#[path = "../tests/vidur_runs/mod.rs"]
mod vidur_runs;

use flate2::read::GzDecoder;
use rackplan_sim::{
    Caching, Decoders, Engine, Fleet, Observer, Router, Simulated, Simulation, Step, StepRecord, StepTimes,
    Tier, simulate,
};
use rackplan_traffic::{Sent, Source, Stream};
use rackplan_units::{BytesPerSecond, Seconds};
use std::io::Read as _;
use std::time::Instant;
use vidur_runs::{RUNS, fleet, folder, requests, tables};

/// CPU seconds of this thread where the system tells, else seconds.
fn cpu_seconds(since: Instant) -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = stat.and_then(|stat| stat.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| since.elapsed().as_secs_f64(), |nanoseconds| nanoseconds * 1e-9)
}

/// The most memory that this process has had, in MiB.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn measure(name: &str, bar: f64, run: impl FnOnce() -> Option<Simulated>) {
    let start = Instant::now();
    let before = cpu_seconds(start);
    let Some(simulated) = run() else {
        println!("{name}: skipped, its data is not beside the checkout");
        return;
    };
    let took = cpu_seconds(start) - before;
    let all = &simulated.all;
    println!(
        "{name}: {took:.3} s CPU, bar {bar} s; {} requests, {} steps, {:.1} M output tokens; peak {:.0} MiB",
        all.finished,
        simulated.totals.steps,
        simulated.totals.output_tokens as f64 / 1e6,
        peak_mib()
    );
}

/// A list played so many times end to end.
struct Repeated {
    list: Vec<Sent>,
    span: f64,
    played: usize,
    times: usize,
    block_tokens: Option<u32>,
}

impl Repeated {
    fn new(list: Vec<Sent>, times: usize) -> Self {
        let last = list.last().map_or(0.0, |sent| sent.at);
        let span = last * (1.0 + 1.0 / list.len() as f64);
        Self { list, span, played: 0, times, block_tokens: None }
    }
}

impl Source for Repeated {
    fn next_sent(&mut self) -> Option<Sent> {
        let (round, at) = (self.played / self.list.len(), self.played % self.list.len());
        self.played += 1;
        let sent = self.list[at].clone();
        (round < self.times).then_some(Sent { at: sent.at + self.span * round as f64, ..sent })
    }

    fn block_tokens(&self) -> Option<u32> {
        self.block_tokens
    }
}

/// Sums what it is shown, as a writer of records would read it.
#[derive(Default)]
struct Steps(u64);

impl Observer for Steps {
    fn step(&mut self, step: &StepRecord) {
        self.0 = self.0.wrapping_add(step.end.nanoseconds() ^ step.steps);
    }
}

fn vidur(skip_ahead: bool) -> Option<Simulated> {
    let run = &RUNS[0];
    let (mut list, tables) = (Repeated::new(requests(run)?, 100), tables(run)?);
    let simulation = Simulation { skip_ahead, ..Simulation::default() };
    let mut steps = Steps::default();
    let observer = (!skip_ahead).then_some(&mut steps as &mut dyn Observer);
    Some(simulate(&fleet(run), &[tables], &mut list, &simulation, observer))
}

/// Step times of about what a lookup in tables costs.
struct Linear;

impl StepTimes for Linear {
    fn time(&self, step: &Step<'_>) -> f64 {
        let prompts =
            step.chunks.iter().map(|c| c.prompts * c.tokens * (2e-5 + 1e-10 * (c.prefix + c.tokens / 2.0)));
        5e-3 + 2e-5 * step.decodes + 2e-9 * step.decodes * step.context + prompts.sum::<f64>()
    }
}

fn tier(name: &str, capacity_tokens: f64, gigabytes_per_second: f64, is_shared: bool) -> Tier {
    let rate = BytesPerSecond::new(gigabytes_per_second * 1e9);
    Tier {
        name: name.into(),
        capacity_tokens,
        read: rate,
        write: rate,
        latency: Seconds::new(1e-4),
        is_shared,
    }
}

fn tiers() -> Caching {
    Caching {
        keeps_prefixes: true,
        bytes_per_token: 1.3e5,
        tiers: vec![
            tier("host", 2e6, 50.0, false),
            tier("nvme", 1e7, 10.0, false),
            tier("remote", 1e8, 5.0, true),
        ],
        always_reloads: false,
        seconds_per_token: 2e-5,
        ..Caching::default()
    }
}

/// The conversation trace of Mooncake.
fn conversations() -> Option<Vec<Sent>> {
    let file = std::fs::File::open(folder().join("../../traces/mooncake-conversation.jsonl.gz")).ok()?;
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).ok()?;
    let number = |value: &serde_json::Value| value.as_f64().unwrap_or(0.0);
    let sent =
        text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).map(|row| {
            let blocks =
                row["hash_ids"].as_array().map(|ids| ids.iter().map(|id| number(id) as u32).collect());
            Sent {
                at: number(&row["timestamp"]) / 1e3,
                input: number(&row["input_length"]) as u32,
                output: number(&row["output_length"]) as u32,
                blocks: blocks.unwrap_or_default(),
                ..Sent::default()
            }
        });
    Some(sent.collect())
}

/// Four replicas, routing by prefix, three tiers below HBM.
fn mooncake(list: Vec<Sent>) -> Simulated {
    let engine = Engine { kv_capacity: 5e5, max_sequences: 256, ..Engine::VLLM };
    let fleet = Fleet { router: Router::PrefixAware, caching: tiers(), ..Fleet::of(engine, 4) };
    let mut list = Repeated { block_tokens: Some(512), ..Repeated::new(list, 1) };
    simulate(&fleet, &[Linear], &mut list, &Simulation::default(), None)
}

/// Random conversations of eight turns.
struct Conversations {
    random: Stream,
    at: f64,
    left: u32,
    rate: f64,
}

impl Source for Conversations {
    fn next_sent(&mut self) -> Option<Sent> {
        self.left = self.left.checked_sub(1)?;
        self.at += self.random.gap() / self.rate;
        let session = self.random.whole(0, 49_999);
        let turn = self.random.whole(0, 7);
        let input = 500 + 400 * turn;
        Some(Sent {
            at: self.at,
            input,
            output: 50 + self.random.whole(0, 300),
            session: Some(session),
            turn,
            ..Sent::default()
        })
    }
}

/// 32 replicas that compute prompts and 32 that generate, with tiers and links that are contended.
fn disaggregated() -> Simulated {
    let engine = Engine { kv_capacity: 3e5, max_sequences: 256, ..Engine::VLLM };
    let decoders = Decoders {
        engine,
        replicas: 32,
        bytes_per_token: 1.3e5,
        bandwidth: BytesPerSecond::new(20e9),
        latency: Seconds::new(1e-5),
        router: Router::LeastOutstanding,
        sends_first_token: false,
    };
    let fleet = Fleet {
        decoders: Some(decoders),
        caching: tiers(),
        router: Router::SessionSticky,
        ..Fleet::of(engine, 32)
    };
    let mut clients =
        Conversations { random: Stream::new(1, "clients"), at: 0.0, left: 1_000_000, rate: 400.0 };
    simulate(&fleet, &[Linear], &mut clients, &Simulation::default(), None)
}

fn main() {
    measure("vidur list x100, one replica", 2.0, || vidur(true));
    measure("the same step by step, every step shown", 6.0, || vidur(false));
    let list = conversations();
    measure("mooncake conversation, 4 replicas, 3 tiers", 0.1, || list.map(mooncake));
    measure("1e6 requests, 32 + 32 replicas, tiers and links", 8.0, || Some(disaggregated()));
}
