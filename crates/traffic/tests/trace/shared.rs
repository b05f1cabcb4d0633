//! The public traces beside the checkout, against the figures that their readme measured.

use crate::lru::Lru;
use flate2::read::GzDecoder;
use rackplan_traffic::Sent;
use rackplan_traffic::trace::{Options, Reader};
use std::collections::BTreeSet;
use std::io::BufReader;
use std::path::Path;

/// All requests of a file in `../shared`, if it is there.
fn requests(file: &str) -> Option<Vec<Sent>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(file);
    let Ok(bytes) = std::fs::File::open(&path) else {
        println!("skipped: ../shared/{file} is absent");
        return None;
    };
    let options = Options { strict: true, ..Options::default() };
    let mut reader = Reader::new(file, BufReader::new(GzDecoder::new(bytes)), options).expect("a trace");
    Some(reader.by_ref().collect::<Result<_, _>>().expect("requests"))
}

/// Mean, p50, p95, p99 and max of lengths.
fn lengths(sent: &[Sent], of: impl Fn(&Sent) -> u32) -> [f64; 5] {
    let mut lengths: Vec<u32> = sent.iter().map(of).collect();
    lengths.sort_unstable();
    let mean = lengths.iter().map(|length| f64::from(*length)).sum::<f64>() / lengths.len() as f64;
    let at = |share: f64| {
        let rank = share * (lengths.len() - 1) as f64;
        let [low, high] = [rank.floor(), rank.ceil()].map(|rank| f64::from(lengths[rank as usize]));
        low + (high - low) * rank.fract()
    };
    [mean, at(0.5), at(0.95), at(0.99), at(1.0)]
}

/// Coefficient of variation of the gaps between arrivals.
fn variation(sent: &[Sent]) -> f64 {
    let gaps: Vec<f64> = sent.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt() / mean
}

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found}, expected {expected}");
}

struct Expected {
    file: &'static str,
    requests: usize,
    /// Duration in seconds, requests a second, variation of gaps.
    arrivals: [f64; 3],
    input: [f64; 5],
    output: [f64; 5],
}

const TRACES: [Expected; 4] = [
    Expected {
        file: "traces/azure-2023-code.csv.gz",
        requests: 8819,
        arrivals: [3435.9, 2.567, 13.15],
        input: [2048.0, 1469.0, 7303.0, 7436.0, 7437.0],
        output: [28.0, 13.0, 90.0, 252.0, 1899.0],
    },
    Expected {
        file: "traces/azure-2023-conv.csv.gz",
        requests: 19366,
        arrivals: [3501.7, 5.53, 1.09],
        input: [1155.0, 1020.0, 4083.0, 4142.0, 14050.0],
        output: [211.0, 129.0, 451.0, 601.0, 1000.0],
    },
    Expected {
        file: "traces/mooncake-conversation.jsonl.gz",
        requests: 12031,
        arrivals: [3537.0, 3.401, 3.03],
        input: [12035.0, 6909.0, 39550.0, 85400.0, 126195.0],
        output: [343.0, 350.0, 698.0, 1118.0, 2000.0],
    },
    Expected {
        file: "traces/mooncake-synthetic.jsonl.gz",
        requests: 3993,
        arrivals: [1022.0, 3.907, 1.01],
        input: [15326.0, 11587.0, 48905.0, 66456.0, 191378.0],
        output: [149.0, 69.0, 519.0, 768.0, 893.0],
    },
];

#[test]
fn val_traces_have_the_figures_of_their_readme() {
    for expected in TRACES {
        let Some(sent) = requests(expected.file) else { continue };
        let file = expected.file;
        assert_eq!(sent.len(), expected.requests, "{file}");
        let span = sent[sent.len() - 1].at;
        let found = [span, sent.len() as f64 / span, variation(&sent)];
        for ((found, expected), step) in found.into_iter().zip(expected.arrivals).zip([0.06, 0.006, 0.006]) {
            close(found, expected, step, file);
        }
        let found = [lengths(&sent, |sent| sent.input), lengths(&sent, |sent| sent.output)];
        for (found, expected) in found.concat().into_iter().zip([expected.input, expected.output].concat()) {
            close(found, expected, 0.5 + 0.0005 * expected, file);
        }
    }
}

/// Blocks, unique ones, and the shares of blocks, of tokens and of requests that a cache without end would hit.
fn ideal(sent: &[Sent]) -> (usize, usize, [f64; 3]) {
    let mut seen = BTreeSet::new();
    let [mut hit_blocks, mut hit_tokens, mut hit_requests] = [0_u64; 3];
    for request in sent {
        let hit = request.blocks.iter().take_while(|block| seen.contains(*block)).count() as u64;
        hit_blocks += hit;
        hit_tokens += (512 * hit).min(u64::from(request.input));
        hit_requests += u64::from(hit > 0);
        seen.extend(request.blocks.iter().copied());
    }
    let blocks: usize = sent.iter().map(|request| request.blocks.len()).sum();
    let tokens: f64 = sent.iter().map(|request| f64::from(request.input)).sum();
    let shares = [
        hit_blocks as f64 / blocks as f64,
        hit_tokens as f64 / tokens,
        hit_requests as f64 / sent.len() as f64,
    ];
    (blocks, seen.len(), shares)
}

#[test]
fn val_mooncake_reuses_prefixes_as_its_readme_says() {
    for (name, blocks, unique, shares) in [
        ("conversation", 288_500, 182_790, [0.3664, 0.3736, 0.9999]),
        ("synthetic", 121_877, 43_924, [0.6396, 0.6512, 0.4463]),
    ] {
        let Some(sent) = requests(&format!("traces/mooncake-{name}.jsonl.gz")) else { continue };
        let found = ideal(&sent);
        assert_eq!((found.0, found.1), (blocks, unique), "{name}");
        for (found, expected) in found.2.into_iter().zip(shares) {
            close(found, expected, 0.000_051, name);
        }
    }
}

#[test]
fn val_mooncake_in_small_caches_hits_as_its_readme_says() {
    let conversation =
        [(1_000, 0.0445), (3_000, 0.0653), (10_000, 0.2116), (30_000, 0.3257), (100_000, 0.3637)];
    let synthetic = [(1_000, 0.0841), (3_000, 0.1906), (10_000, 0.4239), (30_000, 0.6242), (100_000, 0.6396)];
    for (name, shares) in [("conversation", conversation), ("synthetic", synthetic)] {
        let Some(sent) = requests(&format!("traces/mooncake-{name}.jsonl.gz")) else { continue };
        let blocks: usize = sent.iter().map(|request| request.blocks.len()).sum();
        for (capacity, expected) in shares {
            let mut cache = Lru::new(capacity);
            let hits: usize = sent.iter().map(|request| cache.prompt(&request.blocks)).sum();
            close(hits as f64 / blocks as f64, expected, 0.000_051, &format!("{name} at {capacity}"));
        }
    }
}

#[test]
fn val_request_lists_and_measured_runs_are_read_to_their_end() {
    // Poisson arrivals whose gaps are cut at three means m: the mean gap is (1 - e^-3) m = 0.950 m, the mean square
    // 2 (1 - 4 e^-3) m² = 1.602 m², so that the coefficient of variation is 0.880.
    for (name, rate) in [
        ("l2-70b-a100-tp2pp2-poisson2-10k", 2.0),
        ("l2-70b-h100-tp4-poisson4-10k", 4.0),
        ("l3-8b-a100-tp1-poisson5-10k", 5.0),
    ] {
        let Some(sent) = requests(&format!("peers/vidur-runs/{name}.requests.csv.gz")) else { continue };
        assert_eq!((sent.len(), sent[0].input, sent[0].output), (10_000, 395, 112));
        close(9_999.0 / sent[9_999].at * 0.9502, rate, 0.02 * rate, name);
        close(variation(&sent), 0.880, 0.02, name);
    }
    for name in ["RTX4090--Llama-3.1-8B", "RTXPRO6000--Llama-3.1-8B"] {
        let file = format!("traces/vllm-measured/{name}/requests.jsonl.gz");
        let Some(sent) = requests(&file) else { continue };
        assert_eq!((sent.len(), sent[0].input, sent[0].output), (300, 2358, 531));
        close(sent[1].at, 0.275, 0.015, name);
    }
}
