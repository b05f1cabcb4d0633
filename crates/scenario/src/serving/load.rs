//! How a row is driven: lengths of its requests, and when they are sent.

use super::case::Load;
use super::fields::{Fields, wrong};
use rackplan_catalog::{Catalog, Entry, Kind, Lengths as Law, Workload, WorkloadScenario};
use rackplan_traffic::Lengths;

/// Longest prompt or answer, and most clients; far above any.
const MOST: u32 = 1 << 30;
/// Share of the nominal length at which InferenceX's client begins to draw lengths.
/// Source: the launch scripts' RANDOM_RANGE_RATIO.
const INFERENCEX_RATIO: f64 = 0.8;
/// What a serving benchmark sends where it names no lengths. Source: vLLM's benchmark_serving, recalled.
const OPEN_LOOP_WORKLOAD: &str = "sharegpt";

/// Lengths of a row's requests.
#[derive(Debug)]
pub(super) struct RequestLengths {
    pub(super) isl: u32,
    pub(super) osl: u32,
    pub(super) input: Lengths,
    pub(super) output: Lengths,
}

/// Reads the lengths; where the row has none, those of the benchmark that it must mean.
pub(super) fn lengths(
    row: &Fields,
    workload: Option<&Entry<Workload>>,
    inferencex: bool,
    assumed: &mut Vec<String>,
) -> Result<RequestLengths, String> {
    let sizes = (row.count("isl", 1..=MOST)?, row.count("osl", 1..=MOST)?);
    match (sizes, workload) {
        ((Some(isl), Some(osl)), _) => {
            let spread = spread(row, inferencex, assumed)?;
            Ok(RequestLengths { isl, osl, input: spread.around(isl), output: spread.around(osl) })
        }
        ((None, None), Some(workload)) => {
            assumed.push(format!("isl, osl: as in `{}`", workload.id));
            let held = &workload.record.lengths;
            let nominal = |law: Law| law.mean().round().max(1.0) as u32;
            Ok(RequestLengths {
                isl: nominal(held.input),
                osl: nominal(held.output),
                input: drawn(held.input),
                output: drawn(held.output),
            })
        }
        ((None, _), _) => Err(wrong("isl", "", "tokens of a prompt; no benchmark of this model is known")),
        ((_, None), _) => Err(wrong("osl", "", "tokens of an answer; no benchmark of this model is known")),
    }
}

/// How lengths lie about the nominal one.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Spread {
    /// Uniform from this share of it up to it.
    UpTo(f64),
    /// Uniform from this share less to this share more.
    About(f64),
}

impl Spread {
    fn around(self, length: u32) -> Lengths {
        match self {
            Spread::UpTo(ratio) if ratio >= 1.0 => Lengths::Fixed(length),
            Spread::UpTo(ratio) => Lengths::up_to(length, ratio),
            Spread::About(share) => {
                let end = |factor: f64| ((f64::from(length) * factor).round() as u32).max(1);
                Lengths::Uniform { low: end(1.0 - share), high: end(1.0 + share) }
            }
        }
    }
}

/// Where clients run in a loop and nobody says how lengths vary, they do by a fifth: requests of one length would keep
/// all clients in step for ever, and a tenth keeps those in step whose answers are short, which no measured run shows.
const UNSAID: f64 = 0.2;

fn spread(row: &Fields, inferencex: bool, assumed: &mut Vec<String>) -> Result<Spread, String> {
    let text = row.text("length_ratio");
    let in_a_loop = !matches!(row.text("load").to_lowercase().as_str(), "max" | "offline" | "static_batch");
    match (text, text.parse::<f64>()) {
        ("", _) if inferencex => {
            assumed.push(format!("length_ratio: {INFERENCEX_RATIO}, as InferenceX's client draws lengths"));
            Ok(Spread::UpTo(INFERENCEX_RATIO))
        }
        ("", _) if in_a_loop => {
            assumed.push("lengths: within a fifth of the nominal ones".to_owned());
            Ok(Spread::About(UNSAID))
        }
        ("", _) => {
            assumed.push("length_ratio: 1, all requests alike".to_owned());
            Ok(Spread::UpTo(1.0))
        }
        (_, Ok(ratio)) if (0.0..=1.0).contains(&ratio) => Ok(Spread::UpTo(ratio)),
        _ => Err(wrong("length_ratio", text, "a number from 0 to 1, e.g. `0.8`")),
    }
}

fn drawn(law: Law) -> Lengths {
    match law {
        Law::Fixed { tokens } => Lengths::Fixed(tokens),
        Law::Uniform { low, high } => Lengths::Uniform { low, high },
        Law::Lognormal { mean, sigma, longest } => Lengths::LogNormal { mean, sigma, longest },
    }
}

/// Reads the load. `ranks` are the attention ranks that decode, over all replicas.
pub(super) fn load(
    row: &Fields,
    workload: Option<&Entry<Workload>>,
    ranks: u32,
    assumed: &mut Vec<String>,
) -> Result<Load, String> {
    let word = row.text("load").to_lowercase();
    match word.as_str() {
        "closed" => Ok(Load::Closed { concurrency: clients(row, ranks, assumed)? }),
        "" if !row.text("concurrency").is_empty() || !row.text("batch_per_rank").is_empty() => {
            assumed.push("load: closed, as there are clients".to_owned());
            Ok(Load::Closed { concurrency: clients(row, ranks, assumed)? })
        }
        "max" | "offline" => Ok(Load::AllAtOnce),
        "static_batch" => Ok(Load::StaticBatch { batch: clients(row, ranks, assumed)? }),
        "server" => limits(workload, WorkloadScenario::Server, &word),
        "interactive" => limits(workload, WorkloadScenario::Interactive, &word),
        _ => rate(&word).map(|rate| Load::Poisson { rate }).ok_or_else(|| {
            let expected = "closed, max, offline, server, interactive, static_batch or e.g. `qps=16`";
            wrong("load", row.text("load"), expected)
        }),
    }
}

/// Whether a load is a Poisson rate that is given.
pub(super) fn has_rate(row: &Fields) -> bool {
    rate(&row.text("load").to_lowercase()).is_some()
}

fn rate(word: &str) -> Option<f64> {
    let text = word.strip_prefix("qps=").or_else(|| word.strip_prefix("rate="))?;
    text.parse::<f64>().ok().filter(|rate| *rate > 0.0 && *rate <= 1e9)
}

fn clients(row: &Fields, ranks: u32, assumed: &mut Vec<String>) -> Result<u32, String> {
    if let Some(clients) = row.count("concurrency", 1..=MOST)? {
        return Ok(clients);
    }
    let Some(batch) = row.count("batch_per_rank", 1..=MOST)? else {
        return Err(wrong("concurrency", "", "clients over all replicas, or `batch_per_rank`"));
    };
    assumed.push(format!("concurrency: batch_per_rank on {ranks} attention ranks"));
    Ok(batch.saturating_mul(ranks))
}

fn limits(
    workload: Option<&Entry<Workload>>,
    scenario: WorkloadScenario,
    word: &str,
) -> Result<Load, String> {
    let found = workload.and_then(|workload| workload.record.limits.get(&scenario));
    let limits = found.ok_or_else(|| {
        wrong("load", word, "a model with such a benchmark; `rackplan catalog list workloads` shows them")
    })?;
    Ok(Load::Limits { ttft_p99: limits.ttft_p99, tpot_p99: limits.tpot_p99 })
}

/// The benchmark that each model's results mean, and the one of open loops.
#[derive(Debug)]
pub(super) struct Workloads {
    all: Vec<Entry<Workload>>,
}

impl Workloads {
    pub(super) fn new(catalog: &Catalog) -> Self {
        let ids = catalog.ids(Kind::Workloads);
        Self { all: ids.iter().filter_map(|id| catalog.get(id).ok()).collect() }
    }

    /// The one that a row means which names no lengths.
    pub(super) fn of(&self, model: &str, open_loop: bool) -> Option<&Entry<Workload>> {
        self.all.iter().find(|entry| match open_loop {
            true => entry.id == OPEN_LOOP_WORKLOAD,
            false => entry.record.models.iter().any(|id| id == model),
        })
    }
}
