//! Flags, variables and files that are wrong: an error with place, value and a way out, the right exit code, no panic.
//! Entries of overlays are in `crates/catalog/tests/`; here is what the shell adds to them.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

mod common;

use common::{Said, folder, rackplan, type_in};
use rackplan_scenario::{Setting, Verb, settings_of};
use std::fs;
use std::path::Path;
use std::process::Command;

const USAGE: i32 = 2;
const INPUT: i32 = 3;

/// Words of libraries that no user should read.
const JARGON: [&str; 9] =
    ["panicked", "EOF", "serde", "unit variant", "u64", "struct ", "os error", "visitor", "TOML parse error"];

/// What is typed (`''` is an empty word), the exit code, and what message and hint must contain.
type Case = (&'static str, i32, &'static str, &'static str);

const FLAGS: &[Case] = &[
    // Numbers.
    ("size --users -5", USAGE, "--users: `-5` is negative", "`1000` or `32k`"),
    ("size --users 0", USAGE, "--users: `0` is out of range", "1 to"),
    ("size --users NaN", USAGE, "--users: `NaN` is not a whole number", "`32k`"),
    ("size --users inf", USAGE, "--users: `inf` is too large", "`32k`"),
    ("size --users 1.5", USAGE, "--users: `1.5` is not a whole number", "`32k`"),
    ("size --users 1e300", USAGE, "--users: `1e300` is too large", "`32k`"),
    ("size --users 99999999999999999999", USAGE, "`99999999999999999999` is too large", "`32k`"),
    ("size --users ''", USAGE, "--users: it is empty", "leave it out"),
    ("size --users 10apples", USAGE, "--users: `10apples` is not a whole number", "`32k`"),
    ("size --users 9 --context 2000000000", USAGE, "--context: `2000000000` is out of", "0 to 1000000000"),
    ("size --users 9 --context 32kk", USAGE, "--context: `32kk` is not a whole number", "`32k`"),
    ("size --users 9 --max-racks 0", USAGE, "--max-racks: `0` is out of range", "1 to 1000000"),
    ("size --users 9 --fixed-racks 1000001", USAGE, "--fixed-racks: `1000001` is out of", "1 to 1000000"),
    ("size --users 9 --control-servers-per-rack 1001", USAGE, "`1001` is out of range", "0 to 1000"),
    ("size --users 9 --seed -1", USAGE, "--seed: `-1` is negative", "`32k`"),
    (
        "size --users 9 --tokens-per-user-rate 0",
        USAGE,
        "--tokens-per-user-rate: `0` is no rate",
        "more than 0",
    ),
    ("size --users 9 --tokens-per-user-rate NaN", USAGE, "`NaN` is not a finite number", "`12.5`"),
    ("size --users 9 --tokens-per-user-rate -3", USAGE, "`-3` is not a finite number", "`12.5`"),
    ("size --users 9 --tokens-per-user-rate 1e10", USAGE, "`1e10` is no rate", "at most 1e9"),
    ("size --arrival-rate 5", USAGE, "--arrival-rate: it is half of an arrival law", "--avg-session-min"),
    ("size --avg-session-min 5", USAGE, "--avg-session-min: it is half", "--arrival-rate"),
    ("size --arrival-rate 0 --avg-session-min 5", USAGE, "--arrival-rate: `0` is out of", "more than 0"),
    ("size --arrival-rate 1e300 --avg-session-min 5", USAGE, "`1e300` is out of range", "at most 1e12"),
    ("size --arrival-rate 1 --avg-session-min 5 --arrival-window-min 0", USAGE, "`0` is out of", "1 to"),
    ("sweep --racks 0", USAGE, "--racks: `0` is out of range", "1 to 1000000"),
    ("offload --random-swap --swap-steps 0", USAGE, "--swap-steps: `0` is out of", "1 to 50000000"),
    ("offload --random-swap --swap-steps 1e9", USAGE, "--swap-steps: `1000000000` is out", "50000000"),
    ("offload --contexts 0", USAGE, "--contexts: `0` is out of range", "1 to 1000000000"),
    // Stocks of racks.
    ("size --users 9 --stock ''", USAGE, "--stock: it is empty", "leave it out"),
    ("size --users 9 --stock h200_hgx", USAGE, "--stock: `h200_hgx` is not RACK=N", "`gb200_nvl72=2,"),
    ("size --users 9 --stock h200_hgx=many", USAGE, "--stock: `many` is no number of racks", "RACK=N"),
    ("size --users 9 --stock h200_hgx=-1", USAGE, "--stock: `-1` is no number of racks", "RACK=N"),
    ("size --users 9 --stock h200_hgx=0", USAGE, "--stock: there is not one rack", "h200_hgx=8"),
    ("size --users 9 --stock h200_hgx=1000001", USAGE, "1000001 racks are more than the 1000000", "RACK=N"),
    ("size --users 9 --stock all=2", USAGE, "--stock: `all=2` names no rack", "RACK=N"),
    ("size --model llama-3.1-8b --users 9 --stock h2oo_hgx=2", INPUT, "--stock: ", "h200_hgx"),
    (
        "size --model llama-3.1-8b --users 9 --stock h200_hgx=2,h200_sxm=1",
        USAGE,
        "--stock: it names `h200_hgx` twice",
        "add its racks up",
    ),
    ("size --users 9 --stock h200_hgx=2 --hardware h100_hgx", USAGE, "--hardware: the stock says", "--stock"),
    ("size --users 9 --stock h200_hgx=2 --max-racks 3", USAGE, "--max-racks: the stock says", "--stock"),
    ("size --users 9 --stock h200_hgx=2 --objective ttft", USAGE, "--objective: racks of several", "power"),
    (
        "size --users 9 --stock h200_hgx=2 --method first-order",
        USAGE,
        "--method: it knows one kind",
        "--stock",
    ),
    // Lists.
    ("size --users 9 --batch-sizes ''", USAGE, "--batch-sizes: it is empty", "leave it out"),
    ("size --users 9 --batch-sizes ,", USAGE, "--batch-sizes: an item of `,` is empty", "`1,2,4`"),
    ("size --users 9 --batch-sizes 1,,2", USAGE, "an item of `1,,2` is empty", "`1,2,4`"),
    ("size --users 9 --batch-sizes 1,x", USAGE, "--batch-sizes: `x` is not a whole number", "`32k`"),
    ("size --users 9 --batch-sizes 0", USAGE, "--batch-sizes: `0` is out of range", "1 to 1000000"),
    ("size --users 9 --tp 1,65537", USAGE, "--tp: `65537` is out of range", "1 to 65536"),
    ("offload --tp 1,2", USAGE, "--tp: `offload` takes one, not 2", "give one"),
    ("offload --batch-sizes 1,2", USAGE, "--batch-sizes: `offload` takes one, not 2", "give one"),
    ("offload --quant all", USAGE, "--quant: `offload` takes one, not 3", "give one"),
    // Words.
    ("size --users 9 --quant fp7", USAGE, "--quant: `fp7` is no number format", "nvfp4"),
    ("size --users 9 --quant fp8,", USAGE, "--quant: an item of `fp8,` is empty", "`1,2,4`"),
    ("size --users 9 --kv-dtype fp3", USAGE, "--kv-dtype: `fp3` is no number format", "nvfp4"),
    ("size --users 9 --method first_order", USAGE, "--method: unknown word `first_order`", "`first-order`"),
    ("size --users 9 --objective money", USAGE, "--objective: unknown word `money`", "gpus, cost, power"),
    ("sweep --mode serving", USAGE, "--mode: unknown word `serving`", "inference, training, aggregated"),
    ("size --users 9 --link all", USAGE, "--link: `all` is not LEVEL=LINK", "`inter_rack=400gbe`"),
    ("size --users 9 --link here=400gbe", USAGE, "--link: `here` is no link level", "inter_rack"),
    // Names.
    ("size --users 9 --model Qwen/Qwen3-235B-A22C", INPUT, "--model: no model is", "`Qwen/Qwen3-235B-A22B`"),
    ("size --users 9 --model 4", INPUT, "--model: no model is called `4`", "catalog list models"),
    ("size --users 9 --model qwen3", INPUT, "--model: `qwen3` could be any of", "whole id"),
    ("size --users 9 --model ''", USAGE, "--model: it is empty", "leave it out"),
    ("size --users 9 --hardware gb200_nvl27", INPUT, "no rack is called `gb200_nvl27`", "`gb200_nvl72`"),
    ("size --users 9 --hardware all,h200", INPUT, "no rack is called `all`", "catalog list racks"),
    ("size --users 9 --link all=400gbx", INPUT, "--link: no link is called `400gbx`", "`400gbe`"),
    ("size --users 9 --method first-order --kv-system gb200_hots", INPUT, "--kv-system: no", "`gb200_host`"),
    (
        "size --users 9 --method first-order --kv-system none,gb200_host",
        USAGE,
        "`size` takes one KV system",
        "give one",
    ),
    ("catalog show h200_smx", INPUT, "no gpu is called `h200_smx`", "`h200_sxm`"),
    ("catalog sources prices/h100_smx", INPUT, "`h100_smx`", "`h100_sxm`"),
    // One deployment.
    ("explain", USAGE, "--model: no model is named", "catalog list models"),
    ("explain --model deepseek-r1 --tp 7", USAGE, "--tp: `7` does not divide the 128 attention", "1, 2, 4"),
    ("explain --model deepseek-r1 --tp 8 --ep 3", USAGE, "--ep: `3` does not divide the 256", "1, 2, 4"),
    ("explain --model deepseek-r1 --tp 8 --ep 16", USAGE, "--ep: `16` does not divide the 8 GPUs", "1, 2"),
    (
        "explain --model deepseek-r1 --redundant-experts 5000",
        USAGE,
        "--redundant-experts: `5000` is out of",
        "0 to 4096",
    ),
    (
        "size --model deepseek-r1 --users 9 --redundant-experts 5000",
        USAGE,
        "`5000` is out of range",
        "0 to 4096",
    ),
    (
        "size --model deepseek-r1 --users 9 --prefill-tp 4",
        USAGE,
        "--prefill-tp: workers compute",
        "--mode auto",
    ),
    ("explain --model deepseek-r1 --tp 1,2", USAGE, "--tp: `explain` takes one, not 2", "give one"),
    ("explain --model deepseek-r1 --phase train", USAGE, "--phase: unknown word `train`", "decode"),
    ("explain --model deepseek-r1 --backend tgi", USAGE, "--backend: `tgi` is no framework", "sglang"),
    ("explain --model deepseek-r1 --speculative mtp:0", USAGE, "--speculative: `mtp:0` is no", "mtp:2"),
    ("explain --model deepseek-r1 --isl 0", USAGE, "--isl: `0` is out of range", "1 to"),
    ("explain --model deepseek-r2", INPUT, "--model: no model is called `deepseek-r2`", "DeepSeek-R1"),
    ("explain --model deepseek-r1 --gpu h200_smx", INPUT, "no gpu is called `h200_smx`", "`h200_sxm`"),
    // Answers read back.
    ("explain missing.json", INPUT, "missing.json: no such file", "check the path"),
    ("compare missing.json other.json", INPUT, "missing.json: no such file", "check the path"),
    ("compare one.json", USAGE, "<B> is missing", "--help"),
    ("diff a.json b.json --format html", USAGE, "--format: `html` is none of the choices", "markdown"),
    ("init --use-case game", USAGE, "--use-case: `game` is none of the choices", "chat"),
    ("init -o /dev/null", INPUT, "/dev/null: it is there already", "another name"),
    ("validate x.csv --picks --op gemm", USAGE, "--picks", "--help"),
    // The catalog, changed.
    ("size --users 9 --set gpus.h200_smx.memory=1TB", INPUT, "gpu `h200_smx`", "`h200_sxm`"),
    ("size --users 9 --set gpus.h200_sxm.memory=1TB/s", INPUT, "`1TB/s` is a rate", "192 GB"),
    ("size --users 9 --set gpus.h200_sxm.memry=1TB", INPUT, "unknown key `memry`", "`memory`"),
    // The command line itself.
    ("size", USAGE, "--users: nobody is said to use it", "--arrival-rate"),
    ("size --users", USAGE, "--users: its value is missing", "--help"),
    ("size --users 1 --users 2", USAGE, "--users: it is given twice", "give it once"),
    ("size --users 1 --active-users 2", USAGE, "--users: it is given twice", "give it once"),
    ("size --user 1", USAGE, "unknown argument `--user`", "did you mean `--users`?"),
    ("sweep --users 1", USAGE, "--users: a table of every plan is too long", "--format jsonl"),
    (
        "sweep --users 1 --method first-order",
        USAGE,
        "--users: the founding documents' table knows no users",
        "leave it out",
    ),
    ("size a.toml b.toml", USAGE, "unknown argument `b.toml`", "`rackplan size --help`"),
    ("siz", USAGE, "unknown command `siz`", "did you mean `size`?"),
    ("predict secnd-order", USAGE, "unknown command `secnd-order`", "--help"),
    ("size --users 1 --format yaml", USAGE, "--format: `yaml` is none of the choices", "json, jsonl, csv"),
    ("size --users 1 --color blue", USAGE, "--color: `blue` is none of the choices", "auto, always, never"),
    ("size --users 1 --wide=3", USAGE, "--wide", "--help"),
    ("catalog list gpu", USAGE, "`gpu` is none of the choices", "did you mean `gpus`?"),
    ("catalog schema", USAGE, "<KIND> is missing", "`rackplan catalog schema --help`"),
    ("schema plan", USAGE, "`plan` is none of the choices", "question, size"),
    ("completions fsh", USAGE, "`fsh` is none of the choices", "`fish`"),
    ("predict first-order", USAGE, "<FILE> is missing", "--help"),
    ("predict first-order x --kind plan", USAGE, "--kind: `plan` is none", "did you mean `plans`?"),
    // --set.
    ("size --set", USAGE, "--set: its value is missing", "--help"),
    ("size --set workload.users", USAGE, "--set: `workload.users` is not KEY=VALUE", "workload.users=2000"),
    ("size --set =5", USAGE, "--set: `=5` is not KEY=VALUE", "workload.users=2000"),
    ("size --set workload.user=5", USAGE, "--set workload.user: unknown key `user`", "`users`"),
    ("size --set workload.users=", USAGE, "--set workload.users: it is empty", "leave it out"),
    ("size --set workload.users=[1", USAGE, "--set workload.users: `[1` is not a whole number", "`32k`"),
    ("size --set workload.users=true", USAGE, "--set workload.users: `true` is not", "`32k`"),
    ("size --set search.tp=[]", USAGE, "--set search.tp: the list is empty", "`1,2,4`"),
    ("size --set model=[1,[2]]", USAGE, "--set model: it is a list", "a name"),
    ("size --set a.b.c=5", USAGE, "--set a.b.c: unknown key `a`", "workload"),
    ("size --users 1 --set workload=5", USAGE, "both a value and a group", "--set workload"),
    ("size --users 1 --set workload.users.x=5", USAGE, "both a value and a group", "--users"),
    // Files and folders that are not there, or not what they should be.
    ("size missing.toml", INPUT, "missing.toml: no such file", "check the path"),
    ("size /", INPUT, "/: is a directory", "not a folder"),
    ("size --users 1 --model missing.json", INPUT, "missing.json: no such file", "check the path"),
    ("size --users 1 --catalog missing", INPUT, "--catalog: missing is not a folder", "*.toml"),
    ("size --users 1 -o missing/plan.txt", INPUT, "missing/plan.txt: no such file", "writable"),
    ("size --users 1 -o /", INPUT, "/: is a directory", "writable"),
    ("size --users 1 --figures /dev/null/x", INPUT, "/dev/null/x: not a directory", "writable"),
    ("catalog import missing.json", INPUT, "missing.json: no such file", "check the path"),
    ("predict first-order missing.jsonl", INPUT, "missing.jsonl: no such file", "check the path"),
    ("predict first-order /", INPUT, "/: is a directory", "not a folder"),
];

#[test]
fn hand_flags_and_names() {
    check_all(FLAGS.iter().map(|(line, code, message, hint)| {
        let words = line.split_whitespace().map(|word| if word == "''" { "" } else { word });
        (line.to_string(), run(rackplan().args(words)), *code, *message, *hint)
    }));
}

/// A scenario file, and what message and hint must contain. Where the message names the file, `@` stands for it.
const SCENARIOS: &[(&str, &str, &str)] = &[
    ("[workload", "@: line 1, column 10: unclosed table", "TOML"),
    ("[workload]\nusers = 5\nusers = 6", "@: line 3, column 1: duplicate key", "TOML"),
    ("[workload]\nusers = \"five", "@: line 2, column 14:", "TOML"),
    ("[workload]\nusers = \"ten\"", "@: `workload.users`: `ten` is not a whole number", "`32k`"),
    ("[workload]\nusers = -5", "@: `workload.users`: `-5` is negative", "`32k`"),
    ("[workload]\nusers = nan", "@: `workload.users`: `NaN` is not", "`32k`"),
    ("[workload]\nusers = [1]", "@: `workload.users`: it is a list", "a whole number"),
    ("[workload]\nusers = 1979-05-27", "@: `workload.users`: `1979-05-27` is not", "`32k`"),
    ("[workload.users]\nx = 1", "@: `workload.users`: it is a table", "a whole number"),
    ("[workload]\nuser = 5", "@: `workload.user`: unknown key `user`", "did you mean `users`?"),
    ("workload = 5", "@: `workload`: it is the number `5`", "a table"),
    ("[[workload]]\nusers = 1", "@: `workload`: it is a list of tables", "`[workload]`"),
    ("colour = 1", "@: `colour`: unknown key `colour`", "workload"),
    ("hardware = 5", "@: `hardware`: no rack is called `5`", "catalog list racks"),
    ("hardware = []", "@: `hardware`: the list is empty", "gb200_nvl72"),
    ("hardware = [[]]", "@: `hardware[0]`: it is a list", "a text in quotes"),
    ("quant = { a = 1 }", "@: `quant`: it is a table", "a list"),
    ("model = { a = 1 }", "@: `model`: it is a table", "a name"),
    ("[search]\nbatch_sizes = [1, \"x\"]", "@: `search.batch_sizes[1]`: `x` is not", "`32k`"),
    ("[search]\nprefer_utilization = 3", "@: `search.prefer_utilization`: `3` is neither", "`true` or"),
    ("[search]\nmethod = 3", "@: `search.method`: it is no text", "a text in quotes"),
];

#[test]
fn hand_scenario_files() {
    let path = folder("bad_scenarios").join("site.toml");
    check_all(SCENARIOS.iter().map(|(text, message, hint)| {
        fs::write(&path, text).unwrap();
        let said = run(rackplan().arg("size").arg(&path));
        (text.to_string(), said, INPUT, message.trim_start_matches('@'), *hint)
    }));
}

/// A name and what is in it, the arguments before its name, and what message and hint must contain.
type File = (&'static str, Vec<u8>, &'static str, &'static str, &'static str);

fn files() -> Vec<File> {
    let text = |text: &str| text.as_bytes().to_vec();
    let long = |open: &str, close: &str| format!("{open}{}{close}", "x".repeat(10_000_000)).into_bytes();
    let nested = "[".repeat(100_000);
    let (model, import, rows) = ("size --users 1 --model", "catalog import", "predict first-order");
    vec![
        ("bytes.toml", vec![0xff, 0xfe], "size", ": byte 0 is not UTF-8", "as UTF-8"),
        ("long.toml", long("", ""), "size", ": line 1, column 10000001:", "TOML"),
        ("value.toml", long("a = \"", "\""), "size", ": `a`: unknown key `a`", "workload"),
        ("nested.toml", text(&format!("a = {nested}")), "size", ": line 1, column", "TOML"),
        ("keys.toml", text(&format!("[{}]", ["a"; 50_000].join("."))), "size", ": recursion limit", "TOML"),
        ("large.toml", b"x = 1\n".repeat(4_000_000), "size", ": over 16 MiB is too long", "right file"),
        ("empty.json", Vec::new(), model, ": line 1, column 0: it ends too early", "cut short"),
        ("cut.json", text("{\"hidden_size\": 40"), model, ": line 1, column 18: it ends too", "cut short"),
        ("list.json", text("[]"), model, ": it is a list, not an object", "config.json"),
        ("none.json", text("{}"), model, ": `num_hidden_layers` is missing", "n_layer"),
        ("words.json", text("layers: 5"), model, ": line 1, column 1: expected value", "config.json"),
        ("bytes.json", vec![0xff], model, ": byte 0 is not UTF-8", "as UTF-8"),
        ("nested.json", text(&nested), model, ": line 1, column 128: recursion limit", "another file"),
        ("long.json", long("{\"a\": \"", "\"}"), import, ": `num_hidden_layers` is missing", "n_layer"),
        (
            "deep.json",
            text("{\"num_hidden_layers\": 4000000000}"),
            import,
            ": `num_hidden_layers` is 4000000000",
            "at most",
        ),
        ("garbage.jsonl.gz", vec![7; 100], rows, ": invalid gzip header", "readable file"),
        ("cut.jsonl.gz", vec![0x1f, 0x8b, 8, 0, 0, 0], rows, ": unexpected end of file", "readable file"),
        ("endless.jsonl", vec![b' '; 65 << 20], rows, ": a line of over 64 MiB", "JSON lines"),
    ]
}

#[test]
fn hand_files_of_other_kinds_and_sizes() {
    let folder = folder("bad_files");
    check_all(files().into_iter().map(|(name, bytes, arguments, message, hint)| {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        let said = run(rackplan().args(arguments.split(' ')).arg(&path));
        fs::remove_file(path).unwrap();
        (name.to_owned(), said, INPUT, message, hint)
    }));
}

#[test]
fn hand_an_empty_scenario_says_nothing_wrong() {
    let path = folder("empty_scenario").join("site.toml");
    fs::write(&path, "").unwrap();
    assert_eq!(run(rackplan().arg("size").arg(&path).args(["--users", "5"])).code, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn hand_a_device_without_an_end_is_given_up() {
    let said = type_in("size /dev/zero");
    assert_eq!(said.code, INPUT);
    assert!(said.err.contains("/dev/zero: over 16 MiB is too long"), "{}", said.err);
}

#[test]
fn hand_variables() {
    const VARIABLES: &[(&str, &str, &str, &str)] = &[
        ("RACKPLAN_USERS", "-5", "RACKPLAN_USERS: `-5` is negative", "`32k`"),
        ("RACKPLAN_HARDWARE", "h200_smx", "RACKPLAN_HARDWARE: no rack is called `h200_smx`", "`h200_hgx`"),
        ("RACKPLAN_SEED", "1.5", "RACKPLAN_SEED: `1.5` is not a whole number", "`32k`"),
        ("RACKPLAN_PREFER_UTILIZATION", "maybe", "`maybe` is neither yes nor no", "`true` or `false`"),
        ("RACKPLAN_BATCH_SIZES", "1,x", "RACKPLAN_BATCH_SIZES: `x` is not", "`32k`"),
        ("RACKPLAN_MODEL", "missing.json", "missing.json: no such file", "check the path"),
        ("RACKPLAN_METHOD", "magic", "RACKPLAN_METHOD: unknown word `magic`", "first-order"),
    ];
    check_all(VARIABLES.iter().map(|(name, value, message, hint)| {
        let said = run(rackplan().args(["size", "--context", "8k"]).env(name, value));
        (format!("{name}={value}"), said, INPUT, *message, *hint)
    }));
    let said = run(rackplan().args(["size", "--users", "5"]).env("RACKPLAN_USERS", ""));
    assert_eq!(said.code, 0, "an empty variable counts as absent: {}", said.err);
}

/// Name and text of a file in an overlay, and what message and hint must contain.
const OVERLAYS: &[(&str, &str, &str, &str)] = &[
    ("site.toml", "[gpus.h200_sxm", "site.toml: line 1, column 15: unclosed", "overlay files are TOML"),
    (
        "site.toml",
        "[gpus.h200_sxm.memory]\ncapacity = \"144\"",
        "memory.capacity: `144` has no unit",
        "192 GB",
    ),
    ("site.toml", "[gpus.h200_sxm.memory]\ncapacity = \"1 TB/s\"", "`1 TB/s` is a rate", "192 GB"),
    ("site.toml", "[gpus.h200_sxm.memory]\ncapacty = \"1 TB\"", "unknown key `capacty`", "`capacity`"),
    ("site.toml", "[gpu.h200_sxm.memory]\ncapacity = \"1 TB\"", "`gpu` is no kind", "`gpus`"),
    ("gpus/h200_sxm.toml", "[memory]\ncapacity = \"1 apple\"", "the unknown unit `apple`", "192 GB"),
    ("gpus/h200_smx.toml", "[memory]\ncapacity = \"1 TB\"", "gpu `h200_smx`:", "`h200_sxm`"),
    ("racks/h200_hgx.toml", "gpu = \"nosuch\"", "rack `h200_hgx`: gpu: no gpu has the id `nosuch`", "gpus"),
    ("plans/x.toml", "", "`plans` is no kind of catalog entry", "`gpus`"),
];

#[test]
fn hand_overlays() {
    for usual in [false, true] {
        check_all(OVERLAYS.iter().map(|(name, text, message, hint)| {
            let folder = folder(if usual { "bad_usual_overlay" } else { "bad_overlay" });
            let catalog = folder.join("rackplan.d");
            write(&catalog.join(name), text);
            let mut command = rackplan();
            command.args(["size", "--users", "5"]);
            match usual {
                true => command.current_dir(&folder),
                false => command.arg("--catalog").arg(&catalog),
            };
            (format!("{name}: {text}"), run(&mut command), INPUT, *message, *hint)
        }));
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A row and what the error in its place must contain; empty for a row that is answered.
const ROWS: &[(&str, &str)] = &[
    (GOOD, ""),
    (r#"{"id": 1, "in": {"rack": "x"}}"#, "rack: no first-order preset is called `x`"),
    ("garbage", "the line is not JSON at column 1"),
    (r#"{"id": 2"#, "the line is cut short at column 8"),
    ("[]", "row: `[]` is no object"),
    ("null", "row: `null` is no object"),
    ("{}", "rack: it is missing"),
    (r#"{"id": {"a": 1}, "in": {"rack": 5}}"#, "rack: it is `5`"),
    (
        r#"{"id": "b", "in": {"rack": "NVIDIA GB200 NVL72", "batchsize": 1}}"#,
        "batchsize: it is an unknown key",
    ),
    (GOOD, ""),
];
const GOOD: &str = r#"{"id": "good", "in": {"rack": "NVIDIA GB200 NVL72", "model": "1", "quant_bits": 8, "mode": "inference", "batch": 8, "tp": 1, "pp": 1, "ep": 2, "racks": 8}}"#;

#[test]
fn hand_a_bad_row_gets_an_error_and_never_stops_the_run() {
    let path = folder("bad_rows").join("rows.jsonl");
    fs::write(&path, ROWS.iter().map(|(row, _)| format!("{row}\n\n")).collect::<String>()).unwrap();
    let said = run(rackplan().args(["predict", "first-order"]).arg(&path));
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let answers: Vec<serde_json::Value> =
        said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), ROWS.len(), "one line for each row that is not blank");
    for ((row, message), answer) in ROWS.iter().zip(&answers) {
        let error = answer["error"].as_str().unwrap_or_default();
        assert_eq!(error.is_empty(), message.is_empty(), "{row}: {answer}");
        assert!(error.starts_with(message), "{row}: {error}");
        assert!(message.is_empty() || error.contains("; hint: "), "{row}: {error}");
        let id = serde_json::from_str::<serde_json::Value>(row).map(|row| row["id"].clone());
        assert_eq!(answer["id"], id.unwrap_or_default(), "{row}");
    }
}

#[test]
fn hand_bad_command_lines_in_rows() {
    const LINES: &[(&str, &str)] = &[
        (r#"["--users", "50"]"#, ""),
        (r#"["--users"]"#, "--users: its value is missing; hint: "),
        (r#"["--user", "5"]"#, "unknown argument `--user`; hint: did you mean `--users`?"),
        (r#"["--users", "-5"]"#, "--users: `-5` is negative; hint: "),
        (r#"["--users", 5]"#, "`in` is not a list of texts; hint: "),
        (r#"["--help"]"#, "it asks for help, not for an answer; hint: "),
        (r#"["--users", "5", "--set", "x=1"]"#, "--set x: unknown key `x`; hint: "),
        (r#"["site.toml"]"#, "`site.toml` is a file; hint: "),
        (r#""--users 5""#, "`in` is not a list of texts; hint: "),
    ];
    let path = folder("bad_command_lines").join("rows.jsonl");
    fs::write(&path, LINES.iter().map(|(line, _)| format!("{{\"in\": {line}}}\n")).collect::<String>())
        .unwrap();
    let said = run(rackplan().args(["predict", "first-order", "--kind", "optimizer"]).arg(&path));
    assert_eq!((said.code, said.out.lines().count()), (0, LINES.len()), "{}", said.err);
    for ((line, message), answer) in LINES.iter().zip(said.out.lines()) {
        let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
        assert!(answer["error"].as_str().unwrap_or_default().starts_with(message), "{line}: {answer}");
    }
}

#[test]
fn hand_lists_that_would_take_hours_together_are_refused() {
    let many = (1..=2000).map(|size| size.to_string()).collect::<Vec<_>>().join(",");
    let said = run(rackplan().args(["size", "--users", "5", "--tp", &many, "--pp", &many]));
    let fault = fault(&said, USAGE, "its 2000 values make", "at most 1000000 are tried");
    assert_eq!(fault, None, "{}", said.err);
}

#[test]
fn hand_the_file_that_is_read_is_not_written_over() {
    let path = folder("same_file").join("rows.jsonl");
    fs::write(&path, GOOD).unwrap();
    let said = run(rackplan().args(["predict", "first-order"]).arg(&path).arg("-o").arg(&path));
    assert_eq!(said.code, USAGE);
    assert!(said.err.contains("is the file that is read") && said.err.contains("hint:"), "{}", said.err);
    assert_eq!(fs::read_to_string(&path).unwrap(), GOOD);
}

/// Whatever is written after a flag is read or refused, at once.
#[test]
fn law_any_value_of_any_setting_is_read_or_refused() {
    const NASTY: [&str; 31] = [
        "",
        " ",
        "0",
        "-0",
        "1",
        "-1",
        "1e9",
        "1e300",
        "1e-300",
        "NaN",
        "-inf",
        "0x10",
        "0.5",
        "1k",
        "32Ki",
        "65536",
        "4294967297",
        "9007199254740992",
        "99999999999999999999",
        "1,2,4",
        "1,,2",
        ",",
        "=",
        "all=400gbe",
        "all",
        "none",
        "true",
        "\n",
        "../x",
        "\u{661}\u{662}",
        "\u{1f4a5}",
    ];
    let verbs = [
        (Verb::Size, "size"),
        (Verb::Sweep, "sweep"),
        (Verb::Offload, "offload"),
        (Verb::Explain, "explain"),
        (Verb::Simulate, "simulate"),
    ];
    for (verb, name) in verbs {
        // What only a simulation asks, with a quarter of the values: each is a play.
        let own = |setting: &&Setting| verb != Verb::Simulate || setting.verbs == [Verb::Simulate];
        let step = if verb == Verb::Simulate { 4 } else { 1 };
        for setting in settings_of(verb).filter(|setting| !setting.is_switch()).filter(own) {
            for value in NASTY.iter().step_by(step) {
                let beside = beside(setting.flag, verb);
                let flag = format!("--{}", setting.flag);
                let said = run(rackplan().arg(name).args(beside).args([flag.as_str(), *value]));
                let context = format!("{name} {flag} {value:?}: {} {}", said.code, said.err);
                assert!([0, USAGE, INPUT, 4].contains(&said.code), "{context}");
                assert!(!said.err.contains("panicked"), "{context}");
                let refused = [USAGE, INPUT].contains(&said.code);
                assert!(!refused || said.err.contains("\nhint: "), "{context}");
            }
        }
    }
}

/// What a flag needs beside it to matter.
fn beside(flag: &str, verb: Verb) -> &'static [&'static str] {
    match (flag, verb) {
        // Few requests, however many are asked for.
        ("requests", Verb::Simulate) => {
            &["--model", "Llama-3.1-8B", "--rate", "1", "--set", "workload.duration=1s"]
        }
        ("users" | "rate" | "concurrency" | "trace", Verb::Simulate) => {
            &["--model", "Llama-3.1-8B", "--set", "workload.requests=5"]
        }
        ("arrival-rate", Verb::Simulate) => {
            &["--model", "Llama-3.1-8B", "--avg-session-min", "5", "--set", "workload.requests=5"]
        }
        ("avg-session-min", Verb::Simulate) => {
            &["--model", "Llama-3.1-8B", "--arrival-rate", "5", "--set", "workload.requests=5"]
        }
        ("model", Verb::Simulate) => &["--rate", "1", "--requests", "5"],
        (_, Verb::Simulate) => {
            &["--model", "Llama-3.1-8B", "--set", "workload.rate=1", "--set", "workload.requests=5"]
        }
        ("users", _) => &[],
        ("arrival-rate", _) => &["--avg-session-min", "5"],
        ("avg-session-min", _) => &["--arrival-rate", "60"],
        ("arrival-window-min", _) => &["--arrival-rate", "60", "--avg-session-min", "5"],
        ("swap-steps" | "swap-token", _) => &["--random-swap"],
        ("model", Verb::Explain) => &[],
        (_, Verb::Explain) => &["--model", "Llama-3.1-8B"],
        // A small search; a flag wins over what is set.
        (_, Verb::Size) => {
            &["--users", "50", "--set", "model=Llama-3.1-8B", "--set", "search.pp=1", "--set", "search.dp=1"]
        }
        _ => &[],
    }
}

fn run(command: &mut Command) -> Said {
    command.output().unwrap().into()
}

/// Collects everything that is wrong, so that one look shows it all.
fn check_all<'a>(cases: impl Iterator<Item = (String, Said, i32, &'a str, &'a str)>) {
    let wrong: Vec<String> = cases
        .filter_map(|(what, said, code, message, hint)| {
            println!("{what}\n{}", said.err);
            let fault = fault(&said, code, message, hint)?;
            Some(format!("{what}\n  {fault}\n  exit code {}\n{}", said.code, said.err))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn fault(said: &Said, code: i32, message: &str, hint: &str) -> Option<String> {
    let Some((error, advice)) = said.err.split_once("\nhint: ") else {
        return Some("there is no hint".to_owned());
    };
    let jargon = JARGON.iter().find(|word| said.err.contains(**word));
    let faults = [
        (said.code != code, format!("the exit code is not {code}")),
        (!error.starts_with("error: "), "it does not begin with `error: `".to_owned()),
        (!error.contains(message), format!("the message lacks `{message}`")),
        (!advice.contains(hint), format!("the hint lacks `{hint}`")),
        (said.err.len() > 1000, "it is too long to read".to_owned()),
        (jargon.is_some(), format!("{jargon:?} means nothing to a user")),
    ];
    faults.into_iter().find(|(is_so, _)| *is_so).map(|(_, what)| what)
}
