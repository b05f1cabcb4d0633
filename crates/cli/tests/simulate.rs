//! `rackplan simulate` as a user runs it: traces good and broken, what it writes beside the answer, and its laws.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

mod common;

use common::{Said, folder, rackplan, shared, type_in};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

const USAGE: i32 = 2;
const INPUT: i32 = 3;
const DEPLOYMENT: &str = "simulate --model llama-3.1-8b --tp 1";

/// Runs the deployment with more words, and a file behind them.
fn play(words: &str, trace: Option<&Path>) -> Said {
    let mut command = rackplan();
    command.args(DEPLOYMENT.split(' ')).args(words.split_whitespace());
    if !words.contains("--gpu") {
        command.args(["--gpu", "h100_sxm"]);
    }
    if let Some(trace) = trace {
        command.arg("--trace").arg(trace);
    }
    command.output().unwrap().into()
}

fn answer(words: &str, trace: Option<&Path>) -> Value {
    let said = play(&format!("{words} --format json"), trace);
    assert_eq!(said.code, 0, "{words}: {}", said.err);
    said.json()["answer"].clone()
}

/// A table of requests in a folder of its own.
fn table(name: &str, rows: &str) -> PathBuf {
    let path = folder(&format!("simulate_{name}")).join("requests.csv");
    fs::write(&path, format!("arrival_s,input_tokens,output_tokens\n{rows}")).unwrap();
    path
}

#[test]
fn law_urgent_requests_of_a_trace_wait_less() {
    let rows: String = (0..800).map(|at| format!("{},4000,200,{}\n", f64::from(at) * 0.08, at % 2)).collect();
    let path = folder("simulate_classes").join("requests.csv");
    fs::write(&path, format!("arrival_s,input_tokens,output_tokens,class\n{rows}")).unwrap();
    let found = answer("", Some(&path));
    let waits = |class: usize| found["result"]["classes"][class]["queueing"]["mean_s"].as_f64().unwrap();
    assert!(waits(0) < 0.5 * waits(1), "{} {}", waits(0), waits(1));
}

/// So many requests, evenly spaced.
fn even(count: u32, gap: f64) -> String {
    (0..count).map(|at| format!("{},1000,100\n", f64::from(at) * gap)).collect()
}

#[test]
fn hand_a_trace_is_counted_as_it_is_written() {
    let path = table("counts", &even(50, 0.5));
    let found = answer("", Some(&path));
    // 49 gaps of half a second.
    assert_eq!(found["load"]["offered_requests_per_s"], 2.0);
    assert_eq!((&found["load"]["isl_mean"], &found["load"]["osl_mean"]), (&1000.0.into(), &100.0.into()));
    assert_eq!(found["result"]["requests"]["finished"], 50);
    assert_eq!(found["result"]["verdict"]["state"], "steady");
    let fast = answer("--repeat 3 --rate-scale 2", Some(&path));
    assert_eq!(fast["load"]["offered_requests_per_s"], 4.0);
    assert_eq!(fast["result"]["requests"]["sent"], 150);
    // Three times 50 requests at 4 a second, and the last answer.
    let end = fast["result"]["end_s"].as_f64().unwrap();
    assert!((37.25..40.0).contains(&end), "{end}");
    assert_eq!(answer("--requests 7", Some(&path))["result"]["requests"]["sent"], 7);
    assert_eq!(answer("--duration 10s", Some(&path))["result"]["requests"]["sent"], 21);
}

#[test]
fn law_standard_input_and_packed_files_give_the_same_answer() {
    let path = table("stdin", &even(30, 0.1));
    let plain = answer("--repeat 2 --capacity", Some(&path));
    let mut child = rackplan()
        .args(DEPLOYMENT.split(' '))
        .args(["--gpu", "h100_sxm", "--repeat", "2", "--capacity", "--trace", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(&path).unwrap()).unwrap();
    let piped: Said = child.wait_with_output().unwrap().into();
    for part in ["result", "capacity", "fleet"] {
        assert!(piped.json()["answer"][part] == plain[part], "{part} differs {}", piped.err);
    }
}

/// Rows of a trace, and what message and hint must contain.
const BROKEN: &[(&str, &str, &str)] = &[
    ("0,0,10\n", "line 2: `input_tokens` is `0`, which is not positive", "at least 1 token"),
    ("0,10,-3\n", "line 2: `output_tokens` is `-3`, which is not positive", "at least 1 token"),
    ("5,10,10\n1,10,10\n", "line 3: `arrival_s` is `1`, which is earlier", "sort the trace by time"),
    ("0,10\n", "line 2: 2 fields, and the heading has 3", "one field for each column"),
    ("x,10,10\n", "line 2: `arrival_s` is `x`, which is not a number", "expected a number"),
    ("", "none of 0 lines is a request", "add rows below the heading"),
];

#[test]
fn hand_a_broken_line_ends_a_strict_run() {
    for (at, (rows, message, hint)) in BROKEN.iter().enumerate() {
        let path = table(&format!("strict_{at}"), rows);
        let said = play("--strict", Some(&path));
        assert_eq!(said.code, INPUT, "{rows}: {}", said.err);
        assert!(said.err.contains(&format!("requests.csv: {message}")), "{rows}: {}", said.err);
        assert!(said.err.split_once("hint: ").unwrap().1.contains(hint), "{rows}: {}", said.err);
    }
}

#[test]
fn hand_broken_lines_are_skipped_and_counted() {
    let path = table("skipped", "0,100,10\n1,0,10\n2,100,10\n1,100,10\n3,oops,10\n4,100,10\n");
    let said = play("--format json", Some(&path));
    let whole = said.json();
    assert_eq!(whole["answer"]["load"]["skipped_lines"], 3);
    assert_eq!(whole["answer"]["result"]["requests"]["finished"], 3);
    let warning = whole["warnings"][0].as_str().unwrap();
    assert!(
        warning.contains("3 lines are no requests and skipped; the first: line 3: `input_tokens` is `0`"),
        "{warning}"
    );
    assert!(play("", Some(&path)).out.contains("3 lines skipped"));
}

#[test]
fn hand_files_that_are_no_traces() {
    let folder = folder("simulate_no_traces");
    let (empty, other) = (folder.join("empty.csv"), folder.join("other.csv"));
    fs::write(&empty, "").unwrap();
    fs::write(&other, "a,b,c\n1,2,3\n").unwrap();
    let cases = [
        (folder.join("missing.csv"), "missing.csv: no such file", "check the path"),
        (empty, "empty.csv: the trace is empty", "a trace starts with one of"),
        (other, "other.csv: line 1: `a,b,c` is the heading of no known trace", "known are"),
        (folder, "is a directory", "name a file"),
    ];
    for (path, message, hint) in cases {
        let said = play("", Some(&path));
        assert_eq!(said.code, INPUT, "{}", said.err);
        assert!(said.err.contains(message) && said.err.contains(hint), "{}", said.err);
    }
}

#[test]
fn hand_flags_that_contradict_a_trace() {
    let path = table("contradict", &even(3, 1.0));
    for (words, message) in [
        ("--rate 5", "--rate: the trace says already when requests come"),
        ("--users 5", "--users: the trace says already"),
        ("--rate-scale 0", "--rate-scale: `0` is out of range"),
        ("--repeat 0", "--repeat: `0` is out of range"),
        ("--percentile p42 --capacity", "--percentile: `p42` is no percentile"),
    ] {
        let said = play(words, Some(&path));
        assert_eq!(said.code, USAGE, "{words}: {}", said.err);
        assert!(said.err.contains(message) && said.err.contains("hint: "), "{words}: {}", said.err);
    }
    let said = play("--repeat 2 --rate 1", None);
    assert_eq!(said.code, USAGE, "{}", said.err);
    assert!(said.err.contains("--repeat: there is no trace"), "{}", said.err);
    assert!(play("--isl 4k", Some(&path)).out.contains("--isl is not used"), "a warning");
}

#[test]
fn hand_requests_that_cannot_be_served_are_refused_and_said() {
    let path = table("long", "0,100,10\n1,100000000,10\n2,100,10\n");
    let said = play("--format json", Some(&path));
    let (found, warnings) =
        (&said.json()["answer"]["result"]["requests"], said.json()["warnings"].to_string());
    assert_eq!((&found["finished"], &found["refused"][0]["count"]), (&2.into(), &1.into()));
    assert!(warnings.contains("1 of 3 requests are refused"), "{warnings}");
}

#[test]
fn law_more_than_can_be_served_grows_without_bound() {
    let path = table("overload", &even(400, 0.001));
    let found = answer("--max-batch 16", Some(&path));
    let verdict = &found["result"]["verdict"];
    assert_eq!(verdict["state"], "grows without bound");
    let (offered, could) = (&verdict["offered_requests_per_s"], &verdict["saturated_requests_per_s"]);
    assert!(offered.as_f64() > could.as_f64() && could.as_f64() > Some(0.1), "{verdict}");
    let screen = play("--max-batch 16", Some(&path)).out;
    assert!(screen.starts_with("The queue grows without bound: 1000 req/s come"), "{screen}");
}

#[test]
fn law_capacity_is_within_the_targets_and_more_is_not() {
    let path = table("capacity", &even(300, 0.2));
    let loads = [
        ("--isl 1000 --osl 100 --rate 2 --requests 500", None, "requests_per_s"),
        ("--isl 1000 --osl 100 --users 4 --think-time 10s --requests 300", None, "users"),
        ("", Some(path.as_path()), "rate_scale"),
    ];
    for (words, trace, unit) in loads {
        let words = format!("{words} --capacity --percentile p90 --ttft 200ms --tpot 20ms");
        let found = answer(&words, trace);
        let capacity = &found["capacity"];
        assert_eq!((&capacity["unit"], &capacity["percentile"]), (&unit.into(), &"p90".into()));
        let load = capacity["load"].as_f64().unwrap();
        assert!(
            capacity["ttft_s"].as_f64() <= Some(0.2) && capacity["tpot_s"].as_f64() <= Some(0.02),
            "{capacity}"
        );
        let points = capacity["points"].as_array().unwrap();
        assert!(
            points.len() > 4 && points.iter().any(|point| point["load"] == capacity["load"]),
            "{capacity}"
        );
        let above =
            points.iter().find(|point| point["load"].as_f64().unwrap() > load && !point["breaks"].is_null());
        let above = above.unwrap()["load"].as_f64().unwrap();
        assert!(above - load <= (0.006 * above).max(1.0), "{load} {above}");
        let screen = play(&words, trace).out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            screen.contains("within the targets at p90") && screen.contains("more would break"),
            "{screen}"
        );
    }
}

#[test]
fn hand_capacity_is_sought_over_the_whole_trace_and_says_so() {
    let path = table("whole", &even(300, 0.1));
    for (words, requests) in [("", 300), ("--requests 120", 120), ("--repeat 2", 600)] {
        let said = play(&format!("{words} --capacity"), Some(&path));
        assert!(
            said.out.replace("\n             ", " ").contains(&format!("over {requests} requests")),
            "{}",
            said.out
        );
        let found = answer(&format!("{words} --capacity"), Some(&path));
        assert_eq!(found["capacity"]["trace_requests"], requests);
        assert_eq!(found["capacity"]["trace_requests_left_out"], 0);
    }
}

#[test]
fn law_no_load_meets_what_nothing_is_fast_enough_for() {
    let found = answer("--isl 1000 --osl 100 --rate 2 --requests 100 --capacity --tpot 1us", None);
    assert_eq!((&found["capacity"]["load"], &found["capacity"]["limit"]), (&Value::Null, &"tpot".into()));
}

#[test]
fn law_the_same_seed_gives_the_same_bytes() {
    let words = "--users 20 --think-time 5s --turns 3 --isl 500 --osl 50 --requests 200 --replicas 2 --seeds 3 --capacity";
    let once = play(&format!("{words} --format json"), None);
    assert!(once.out == play(&format!("{words} --format json"), None).out);
    let other = play(&format!("{words} --seed 2 --format json"), None);
    assert_ne!(once.json()["answer"]["result"]["ttft"], other.json()["answer"]["result"]["ttft"]);
}

/// The whole answer to the last bit, sums and samples included.
#[test]
fn law_skipping_ahead_changes_nothing() {
    let path = table("skips", &even(120, 0.05)).display().to_string();
    let llama = "--model llama-3.1-8b --gpu h100_sxm --tp 1";
    let deepseek = "--model deepseek-v3 --gpu h200_sxm --speculative mtp:2,accept=0.7";
    let people = "--users 60 --think-time 2s --turns 4 --isl 2000 --osl 200 --requests 600";
    for words in [
        format!("{llama} --trace {path} --capacity"),
        format!("{llama} --rate 20 --isl 800 --osl 120 --requests 150 --capacity"),
        format!("{llama} {people} --replicas 3 --router prefix --kv-tier host,nvme,remote --kv-blocks 3000"),
        format!("{llama} {people} --pp 2 --duration 20s --autoscale 1..3"),
        format!("{deepseek} {people} --tp 1 --dp 8 --ep 8 --warmup 5s --seeds 2"),
        format!(
            "{deepseek} --tp 8 --rate 10 --isl 3000 --osl 200 --requests 300 --kv-blocks 4000 --decode-replicas 1"
        ),
    ] {
        let whole = |more: &str| type_in(&format!("simulate {words} {more} --format json")).json();
        let (skipped, mut played) = (whole(""), whole("--no-skip-ahead"));
        let switch =
            played["question"].as_object_mut().and_then(|asked| asked.remove("simulation.no_skip_ahead"));
        assert!(switch.is_some() && skipped["answer"]["result"].is_object(), "{words}");
        assert!(skipped == played, "{words}");
    }
}

#[test]
fn law_seeds_narrow_an_interval_and_an_exact_trace_says_that_it_has_none() {
    let found = answer("--rate 20 --isl 500 --osl 50 --requests 600 --seeds 4", None);
    assert_eq!(found["result"]["seeds"], 4);
    for latency in ["ttft", "tpot", "itl", "e2e", "queueing"] {
        assert!(found["result"][latency]["p99_half_width_s"].as_f64() >= Some(0.0), "{latency}");
    }
    let path = table("seeds", &even(30, 0.1));
    let said = play("--seeds 5 --format json", Some(&path));
    assert_eq!(said.json()["answer"]["result"]["seeds"], 1);
    assert!(said.json()["warnings"][0].as_str().unwrap().contains("every seed would play the same"));
    let random = answer("--seeds 5 --replicas 2 --router power-of-two", Some(&path));
    assert_eq!(random["result"]["seeds"], 5);
}

#[test]
fn hand_files_beside_the_answer() {
    let folder = folder("simulate_files");
    let file = |name: &str| folder.join(name).display().to_string();
    let words = format!(
        "--rate 5 --isl 500 --osl 20 --requests 40 --requests-out {} --steps-out {} --chrome-trace {} --figures {}",
        file("requests.csv"),
        file("steps.csv"),
        file("trace.json"),
        file("figures")
    );
    let said = play(&words, None);
    assert_eq!(said.code, 0, "{}", said.err);
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let requests = text("requests.csv");
    assert!(requests.starts_with("request,sent_s,isl,osl,"), "{requests}");
    assert_eq!(requests.lines().count(), 41);
    let steps = text("steps.csv");
    assert!(steps.starts_with("replica,began_s,end_s,steps,") && steps.lines().count() > 10, "{steps}");
    let trace: Value = serde_json::from_str(&text("trace.json")).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    assert!(events.len() > 100 && events.iter().all(|event| event["ph"].is_string()), "{}", events.len());
    for name in ["latencies.svg", "timeline.svg", "kv_cache.svg"] {
        assert!(text(&format!("figures/{name}")).starts_with("<svg"), "{name}");
    }
}

#[test]
fn law_every_layout_shows_the_answer() {
    for format in ["text", "json", "jsonl", "csv", "markdown", "html"] {
        let said =
            play(&format!("--rate 5 --isl 500 --osl 20 --requests 60 --capacity --format {format}"), None);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{format}");
        assert!(said.out.to_lowercase().contains("ttft"), "{format}: {}", said.out);
    }
}

#[test]
fn hand_a_deployment_that_does_not_fit_plays_nothing() {
    let said = type_in("simulate --model llama-3.1-405b --gpu h100_sxm --tp 1 --rate 1 --isl 100 --osl 10");
    assert_eq!(said.code, 4, "{}", said.err);
    assert!(said.out.contains("does not fit"), "{}", said.out);
}

/// Requests of traces beside the checkout: each kind of file is read, and nothing of it is lost.
#[test]
fn val_traces_beside_the_checkout_are_played_whole() {
    for (file, requests) in [("azure-2023-code.csv.gz", 8819), ("mooncake-synthetic.jsonl.gz", 3993)] {
        let Some(path) = shared(&format!("traces/{file}")) else { continue };
        let found = answer("--replicas 8 --router prefix", Some(&path));
        let counts = &found["result"]["requests"];
        let refused: u64 =
            counts["refused"].as_array().unwrap().iter().filter_map(|one| one["count"].as_u64()).sum();
        assert_eq!(counts["finished"].as_u64().unwrap() + refused, requests, "{counts}");
        assert_eq!(found["load"]["skipped_lines"], 0);
    }
}

#[test]
fn hand_settings_of_engines_and_links_that_cannot_be() {
    for (words, message) in [
        ("--rate 1 --eviction fifo", "--eviction: `fifo` is no order of eviction"),
        ("--rate 1 --link kv_transfer=400gbe", "--link: no caches move"),
        (
            "--rate 1 --decode-replicas 1 --link inter_rack=400gbe",
            "--link: `simulate` replaces no link at inter_rack",
        ),
        ("--rate 1 --max-model-len 0", "--max-model-len: `0` is out of range"),
        ("--rate 1 --tools share=2", "--tools: `share=2` is nothing that tools have"),
        ("--rate 1 --tools calls", "--tools: `calls` is nothing that tools have"),
        ("--rate 1 --tools tokens=0", "--tools: `0` is out of range"),
        ("--rate 1e-9", "--rate: `1e-9` is out of range"),
    ] {
        let said = play(&format!("{words} --requests 5"), None);
        assert_eq!(said.code, USAGE, "{words}: {}", said.err);
        assert!(said.err.contains(message) && said.err.contains("hint: "), "{words}: {}", said.err);
    }
}

#[test]
fn law_a_shorter_context_refuses_what_is_longer() {
    let path = table("context", "0,100,10\n1,500,10\n2,100,10\n");
    let found = answer("--max-model-len 300", Some(&path));
    assert_eq!(found["result"]["requests"]["refused"][0]["count"], 1);
    // What is refused is no part of the means that the cache is laid out for, and none of what was answered.
    assert_eq!(found["result"]["requests"]["finished"], 2);
    let none = play("--max-model-len 50", Some(&path)).out;
    assert!(none.contains("can serve none of these requests"), "{none}");
}

#[test]
fn law_prompts_that_share_their_beginning_find_it() {
    let words = "--users 8 --think-time 1s --isl 1280 --osl 10 --requests 200";
    for turns in [1, 3] {
        let with = answer(&format!("{words} --turns {turns} --prefix-hit 0.5"), None);
        let hit = with["result"]["cache"]["hit_rate"].as_f64().unwrap();
        assert!(hit > 0.45, "{turns}: {hit}");
    }
    let without = answer(&format!("{words} --prefix-hit 0.5 --no-prefix-cache"), None);
    assert_eq!(without["result"]["cache"]["hit_rate"], 0.0);
}

#[test]
fn law_tools_send_requests_between_turns() {
    let words = "--users 5 --think-time 20s --isl 500 --osl 20 --turns 4 --duration 10min";
    let sent =
        |more: &str| answer(&format!("{words} {more}"), None)["result"]["requests"]["sent"].as_u64().unwrap();
    let (none, some) = (sent(""), sent("--tools share=0.5,calls=4,time=1s,tokens=100"));
    // Two calls more in each turn, on average, of a second beside 20 s of thinking.
    assert!((2.2..3.4).contains(&(some as f64 / none as f64)), "{none} {some}");
}

#[test]
fn law_the_link_between_replicas_sets_the_time_of_transfers() {
    let words = "--rate 2 --isl 4000 --osl 20 --requests 60 --decode-replicas 1";
    let time = |link: &str| {
        let found = answer(&format!("{words} --link kv_transfer={link}"), None);
        found["result"]["transfers"]["time_mean_s"].as_f64().unwrap()
    };
    let (slow, fast) = (time("100gbe"), time("400gbe"));
    assert!((2.0..4.5).contains(&(slow / fast)), "{slow} {fast}");
}

#[cfg(unix)]
#[test]
fn hand_ctrl_c_ends_with_what_is_known() {
    let rows = folder("simulate_ctrl_c").join("rows.csv");
    let child = rackplan()
        .args(DEPLOYMENT.split(' '))
        .args(
            "--rate 50 --isl 100 --osl 10 --requests 9000000000 --capacity --format json --requests-out"
                .split(' '),
        )
        .arg(&rows)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The file is opened when Ctrl-C is looked for, and has rows when something is known.
    while fs::metadata(&rows).map_or(0, |file| file.len()) < 10_000 {
        std::thread::yield_now();
    }
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let said: Said = child.wait_with_output().unwrap().into();
    assert_eq!(said.code, 130, "{}", said.err);
    let found = said.json();
    assert_eq!(found["answer"]["result"]["stopped"], true);
    assert!(found["answer"]["result"]["requests"]["finished"].as_u64() > Some(10));
    assert_eq!(found["answer"]["capacity"], Value::Null);
}

#[test]
fn law_the_first_screen_is_short_and_narrow_and_decides_first() {
    let path = table("screen", &even(600, 0.2));
    for (words, trace, lines) in [
        ("--rate 5 --isl 500 --osl 20 --requests 600", None, 25),
        ("--capacity --seeds 2 --router power-of-two --replicas 3", Some(path.as_path()), 28),
        ("--rate 2 --requests 50 --autoscale 1..4 --mtbf gpu=100h --tools share=1", None, 28),
        (
            "--gpu h100_hgx --users 50 --think-time 9s --turns 4 --isl 2k --kv-tier host,nvme,remote --decode-replicas 2 --requests 300",
            None,
            34,
        ),
    ] {
        let said = play(words, trace);
        let screen = said.out;
        assert_eq!(said.code, 0, "{words}: {}", said.err);
        assert!(screen.starts_with("Steady: ") || screen.starts_with("The queue grows"), "{screen}");
        assert!(screen.lines().count() <= lines, "{} lines: {screen}", screen.lines().count());
        assert!(screen.lines().all(|line| line.chars().count() <= 100), "{screen}");
    }
}
