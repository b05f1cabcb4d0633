//! What users see of an answer: the first screen, the other layouts, where values come from, and that the same question
//! gives the same bytes.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

mod common;

use common::{Said, folder, rackplan, say, shared, type_in};
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::process::Stdio;

const LINES: usize = 25;
const COLUMNS: usize = 100;

/// Real and founding models and racks, arrivals, several racks at once, shortfalls, and nothing that fits.
const QUESTIONS: [&str; 30] = [
    "size --model Qwen/Qwen3-235B-A22B --users 1000 --context 32k --hardware gb200_nvl72 --quant fp8",
    "size --method first-order --model Qwen/Qwen3-235B-A22B --users 1000 --context 32k --hardware gb200_nvl72 --quant fp8",
    "size --active-users 1000 --model 3 --tokens-cached 128000 --max-racks 96 --batch-sizes 8",
    "size --users 1",
    "size --users 9007199254740992",
    "size --users 100000000 --max-racks 1000000",
    "size --arrival-rate 60 --avg-session-min 5 --model Llama-3.1-70B --hardware all",
    "size --method first-order --arrival-rate 60 --avg-session-min 5 --model Llama-3.1-70B --hardware all",
    "size --users 1000 --model DeepSeek-R1 --hardware all --quant all --objective cost",
    "size --users 50 --model DeepSeek-R1 --hardware h200_hgx --quant bf16 --context 128k --max-racks 1",
    "size --method first-order --users 50 --model DeepSeek-R1 --hardware h200_hgx --quant bf16 --context 128k --max-racks 1",
    "size --users 5000 --model DeepSeek-R1 --hardware h200_hgx --context 1M --max-racks 2",
    "size --method first-order --users 5000 --model DeepSeek-R1 --hardware h200_hgx --context 1M --max-racks 2",
    "size --users 50000 --model 1 --fixed-racks 1 --prefer-utilization",
    "size --users 300 --model Kimi-K2.5 --hardware mi355x_8 --link all=400gbe",
    "size --users 10 --model Llama-3.1-70B --kv-system gb200_host --tokens-per-user-rate 1e6",
    "size --method first-order --users 10 --model Llama-3.1-70B --kv-system gb200_host --tokens-per-user-rate 1e6",
    "size --users 10 --model Llama-3.1-405B --tp 3 --pp 5",
    "size --method first-order --users 10 --model Llama-3.1-405B --tp 3 --pp 5",
    "size --users 10 --model gemma-3-27b-it --hardware l40s --context 128k",
    "size --method first-order --users 10 --model gemma-3-27b-it --hardware l40s --context 128k",
    "size --users 10 --model 1 --hardware h200_hgx",
    "size --users 10 --model Qwen/Qwen3-235B-A22B --fixed-racks 60 --kv-system none",
    "size --method first-order --users 10 --model Qwen/Qwen3-235B-A22B --fixed-racks 60 --kv-system none",
    "size --model Llama-3.1-70B --users 1000 --think-time 30s --hardware h200_hgx --quant fp8",
    "size --arrival-rate 60 --avg-session-min 5 --model Llama-3.1-8B --hardware all --spares 2",
    "size --model gpt-oss-120b --rate 5 --isl 4000 --osl 500 --backend sglang --hardware h200_hgx",
    "size --users 50000 --model 1 --fixed-racks 1 --tp 2,4 --pp 1",
    "size --users 9007199254740992 --model Llama-3.1-8B --hardware h100_hgx",
    "size --users 10 --model Llama-3.1-405B --tpot 2ms --hardware h200_hgx --quant bf16",
];

#[test]
fn law_the_first_screen_is_short_and_narrow_and_decides_first() {
    for question in QUESTIONS {
        let said = type_in(question);
        let lines: Vec<&str> = said.out.lines().collect();
        let context = format!("{question}\n{}{}", said.out, said.err);
        assert!([0, 4].contains(&said.code), "{context}");
        assert!(lines.len() <= LINES, "{} lines: {context}", lines.len());
        assert!(lines.iter().all(|line| line.chars().count() <= COLUMNS), "too wide: {context}");
        let decides = ["serve", "falls short of", "fall short of"].iter().any(|verb| lines[0].contains(verb));
        assert!(decides && !lines[0].starts_with(' '), "{context}");
        assert!(lines[lines.len() - 1].starts_with("next: "), "{context}");
        assert!(said.err.is_empty(), "{context}");
    }
}

#[test]
fn hand_methods_stand_below_each_other() {
    let question = "size --model Llama-3.1-8B --users 100 --think-time 10s --hardware h100_hgx";
    let said = type_in(&format!("{question} --compare-methods"));
    let starts = ["first-order\n1 rack of", "\n\noperators\n1 rack of"];
    assert!(said.code == 0 && starts.iter().all(|start| said.out.contains(start)), "{}", said.out);
    let both = type_in(&format!("{question} --compare-methods --method operators"));
    assert!(both.code == 2 && both.err.contains("hint: leave out --method"), "{}", both.err);
}

const QUESTION: &str = "size --model Llama-3.1-70B --users 500 --isl 4k --hardware h200_hgx --quant fp8";
/// The same by the three ceilings.
const CEILINGS: &str = "size --method first-order --model Llama-3.1-70B --users 500 --context 16k --hardware h200_hgx --quant fp8";

/// The question with more arguments.
fn asked(more: &str) -> Said {
    type_in(&format!("{QUESTION} {more}"))
}

#[test]
fn hand_color_is_asked_for_or_left_out() {
    let colored = |arguments: &str, variable: Option<&str>| {
        let mut command = rackplan();
        command.args(format!("{QUESTION} {arguments}").split_whitespace());
        variable.into_iter().for_each(|value| _ = command.env("NO_COLOR", value));
        Said::from(command.output().unwrap()).out.contains('\u{1b}')
    };
    assert!(colored("--color always", None));
    assert!(colored("--color always", Some("1")), "a flag wins over a variable");
    assert!(!colored("--color never", None));
    assert!(!colored("", None), "a pipe is no terminal");
    assert!(!colored("--color auto", Some("1")));
}

#[test]
fn hand_a_reader_who_leaves_is_no_failure() {
    for arguments in
        ["size --users 5 --format html", "catalog list", "schema size", "completions bash", "man"]
    {
        let mut command = rackplan();
        command.args(arguments.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let mut complaint = String::new();
        child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
        assert_eq!((child.wait().unwrap().code(), complaint.as_str()), (Some(0), ""), "{arguments}");
    }
}

#[test]
fn hand_a_file_gets_what_the_screen_would() {
    let path = folder("output").join("plan.txt");
    let printed = asked("--wide").out;
    let said = say(QUESTION.split(' ').chain(["--wide", "-o", path.to_str().unwrap()]));
    assert_eq!((said.code, said.out.as_str()), (0, ""));
    assert_eq!(fs::read_to_string(path).unwrap(), printed);
    assert_eq!(asked("--wide -o -").out, printed);
}

#[test]
fn law_json_carries_question_origins_assumptions_and_evidence() {
    for verb in [QUESTION, CEILINGS, "sweep --model 1 --racks 2", "offload --random-swap"] {
        let answer = type_in(&format!("{verb} --format json")).json();
        let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
        let known =
            ["answer", "assumptions", "evidence", "question", "schema_version", "tool_version", "warnings"];
        assert_eq!(keys, known, "{verb}");
        assert_eq!(answer["tool_version"], env!("CARGO_PKG_VERSION"));
        for (key, resolved) in answer["question"].as_object().unwrap() {
            assert!(!resolved["origin"].as_str().unwrap().is_empty(), "{key} has no origin");
            assert!(!resolved["value"].is_null(), "{key} has no value");
        }
        for assumed in answer["assumptions"].as_array().unwrap() {
            let key = assumed["key"].as_str().unwrap();
            let origin = answer["question"][key]["origin"].as_str().unwrap();
            assert!(origin.starts_with("built-in"), "{key}: {origin}");
        }
        let line = type_in(&format!("{verb} --format jsonl"));
        assert_eq!(line.out.lines().count(), 1);
        assert_eq!(line.json(), answer);
    }
}

#[test]
fn hand_arrivals_of_60_a_minute_for_5_minutes() {
    // Poisson with mean 60 x 5 = 300; P(N <= 328) < 0.95 <= P(N <= 329).
    let answer = type_in("size --arrival-rate 60 --avg-session-min 5 --format json").json();
    let demand = &answer["answer"]["demand"];
    assert_eq!(demand["arrival"]["mean"].as_f64(), Some(300.0));
    assert_eq!(demand["arrival"]["p95"].as_u64(), Some(329));
    assert!(demand["arrival"]["max"].as_u64() > Some(329));
    assert_eq!(demand["users_sized"].as_u64(), Some(329));
    let more = type_in("size --arrival-rate 60 --avg-session-min 5 --users 400 --format json").json();
    assert_eq!(more["answer"]["demand"]["users_sized"].as_u64(), Some(400), "the larger of the two");
}

#[test]
fn law_the_same_question_gives_the_same_bytes() {
    let questions = [
        format!("{QUESTION} --wide"),
        format!("{QUESTION} --format json"),
        format!("{QUESTION} --format html"),
        format!("{CEILINGS} --format json"),
        "size --arrival-rate 60 --avg-session-min 5 --hardware all --format json".to_owned(),
        "sweep --model 1 --format csv".to_owned(),
        "offload --random-swap --format json".to_owned(),
    ];
    let elsewhere = [
        ("RAYON_NUM_THREADS", "1"),
        ("RAYON_NUM_THREADS", "7"),
        ("LC_ALL", "de_DE.UTF-8"),
        ("TZ", "Asia/Tokyo"),
    ];
    for question in questions {
        let first = type_in(&question).out;
        assert!(!first.is_empty());
        for (name, value) in elsewhere {
            let mut command = rackplan();
            command.args(question.split_whitespace()).env(name, value).env("COLUMNS", "40");
            assert_eq!(Said::from(command.output().unwrap()).out, first, "{question} with {name}={value}");
        }
    }
}

#[test]
fn hand_a_seed_moves_the_seeded_path_alone() {
    let demand = |seed: &str| {
        let line = format!("size --arrival-rate 60 --avg-session-min 5 --seed {seed} --format json");
        type_in(&line).json()["answer"]["demand"]["arrival"].clone()
    };
    let (one, two) = (demand("1"), demand("2"));
    assert_ne!(one["path_mean"], two["path_mean"]);
    assert_eq!((&one["mean"], &one["p95"], &one["max"]), (&two["mean"], &two["p95"], &two["max"]));
}

#[test]
fn hand_a_flag_wins_over_set_over_a_variable_over_a_file() {
    let path = folder("layers").join("site.toml");
    fs::write(&path, "[workload]\nusers = 10\n").unwrap();
    let file = path.to_str().unwrap();
    let places = [
        (40, "--users", vec!["--users", "40", "--set", "workload.users=30"], Some("20")),
        (40, "--active-users", vec!["--active-users", "40"], Some("20")),
        (30, "--set", vec!["--set", "workload.users=30"], Some("20")),
        (20, "RACKPLAN_USERS", vec![], Some("20")),
        (10, file, vec![], None),
    ];
    for (users, origin, arguments, variable) in places {
        let mut command = rackplan();
        command.args(["size", file, "--format", "json"]).args(arguments);
        variable.into_iter().for_each(|value| _ = command.env("RACKPLAN_USERS", value));
        let answer = Said::from(command.output().unwrap()).json();
        assert_eq!(answer["answer"]["demand"]["users_target"], users);
        // An alias is the same flag under another name, and goes by the first one.
        let origin = if origin == "--active-users" { "--users" } else { origin };
        assert_eq!(answer["question"]["workload.users"]["origin"], origin);
    }
}

#[test]
fn law_csv_has_as_many_cells_in_each_row_as_in_the_heading() {
    for question in [QUESTION, CEILINGS, QUESTIONS[8], "sweep --model 1", "sweep --mode training", "offload"]
    {
        let said = type_in(&format!("{question} --format csv"));
        let widths: Vec<usize> = said.out.lines().map(cells).collect();
        assert!(widths[0] > 3 && widths.iter().all(|width| *width == widths[0]), "{question}\n{}", said.out);
        assert!(!said.out.lines().next().unwrap().contains(' '), "headings are keys: {}", said.out);
    }
}

/// Cells of a CSV line; commas inside quotes separate nothing.
fn cells(line: &str) -> usize {
    let outside = line.split('"').step_by(2);
    1 + outside.map(|part| part.matches(',').count()).sum::<usize>()
}

#[test]
fn law_html_stands_alone() {
    for question in [QUESTION, CEILINGS, QUESTIONS[3], "sweep --model 1", "offload --random-swap"] {
        let page = type_in(&format!("{question} --format html")).out;
        assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"), "{question}");
        for reference in ["src=", "href=", "url(", "@import"] {
            let outside =
                page.split(reference).skip(1).find(|rest| !rest.trim_start_matches('"').starts_with('#'));
            assert_eq!(outside.map(|rest| &rest[..rest.len().min(80)]), None, "{question}: {reference}");
        }
        assert!(!page.contains("<script"), "{question}");
    }
    let page = asked("--format html").out;
    // Throughput against batch, utilisation against users, batch and context, and the racks.
    assert!(page.matches("<svg").count() >= 3, "{} pictures", page.matches("<svg").count());
}

#[test]
fn law_pictures_are_files_too() {
    let folder = folder("figures");
    let said = say(QUESTION.split(' ').chain(["--figures", folder.to_str().unwrap()]));
    assert_eq!(said.code, 0, "{}", said.err);
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(names.len() >= 3);
    for path in names.iter().filter(|path| path.extension().is_some_and(|extension| extension == "svg")) {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"), "{}", path.display());
    }
}

#[test]
fn golden_the_founding_command_lines_run_as_written() {
    let Some(path) = shared("founding-document.txt") else { return };
    let document = fs::read_to_string(path).unwrap();
    let lines: Vec<Vec<&str>> =
        document.split("python3 dc_cluster_optimizer.py").skip(1).map(arguments).collect();
    assert_eq!(lines.len(), 2);
    for line in lines {
        let said = say(["size"].iter().chain(&line).chain(&["--method", "first-order"]));
        assert_eq!(said.code, 0, "{line:?}: {}", said.err);
        if line.contains(&"--arrival-rate") {
            assert!(said.out.contains("300.0 / 329.0 / "), "{}", said.out);
        }
        // Without the method's name, the same plan on the screen of every method: the preset has no operators.
        let screen = say(["size"].iter().chain(&line)).out;
        assert!(
            screen.starts_with("42 racks of NVIDIA GB200 NVL72 (founding preset) serve 1,000 users"),
            "{screen}"
        );
    }
}

/// The flags and values at the beginning of a text, in shell or in prose.
fn arguments(text: &str) -> Vec<&str> {
    let words: Vec<&str> = text.split_whitespace().filter(|word| *word != "\\").collect();
    let pairs = words.chunks(2).take_while(|pair| pair[0].starts_with("--") && pair[0] != "-->");
    pairs.flatten().copied().collect()
}

const CONFIG: &str = r#"{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096,
    "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
    "vocab_size": 128256, "max_position_embeddings": 131072, "torch_dtype": "bfloat16",
    "tie_word_embeddings": false}"#;

#[test]
fn hand_a_configuration_file_is_a_model() {
    let path = folder("model").join("config.json");
    fs::write(&path, CONFIG).unwrap();
    let answer = |model: &str| {
        let rest = [
            "--users",
            "100",
            "--context",
            "8k",
            "--hardware",
            "h200_hgx",
            "--quant",
            "bf16",
            "--format",
            "json",
        ];
        say(["size", "--model", model].into_iter().chain(rest)).json()["answer"]["deployment"].clone()
    };
    let (own, known) = (answer(path.to_str().unwrap()), answer("Llama-3.1-8B"));
    // The figures of Llama-3.1-8B, so its plan: 8.03e9 parameters of 2 bytes.
    assert!(own["plan"].is_object());
    assert_eq!(own["plan"], known["plan"]);
    assert_eq!(own["memory"], known["memory"]);
    assert!((own["memory"]["weights_bytes"].as_f64().unwrap() - 16.06e9).abs() < 0.02e9, "{}", own["memory"]);
}

#[test]
fn hand_an_overlay_changes_the_answer_and_is_recorded() {
    let home = folder("overlay");
    fs::create_dir(home.join("rackplan.d")).unwrap();
    fs::write(home.join("rackplan.d/site.toml"), "[gpus.h200_sxm.memory]\ncapacity = \"282 GB\"\n").unwrap();
    let line = format!("{QUESTION} --format json");
    let mut command = rackplan();
    let changed = command.current_dir(&home).args(line.split(' ')).output().unwrap();
    let (changed, plain) = (Said::from(changed).json(), type_in(&line).json());
    let usable = |answer: &Value| answer["answer"]["deployment"]["memory"]["limit_bytes"].as_f64().unwrap();
    assert!((usable(&changed) / usable(&plain) - 2.0).abs() < 1e-9, "twice the memory");
    assert_eq!(plain["evidence"]["overlays"].as_array().map(Vec::len), Some(0));
    let used = &changed["evidence"]["overlays"][0];
    assert_eq!(
        (&used["file"], &used["fields"][0]),
        (&"rackplan.d/site.toml".into(), &"memory.capacity".into())
    );
    let figures = changed["evidence"]["estimates"].as_array().unwrap();
    let own = figures.iter().find(|figure| figure["figure"] == "memory.capacity").unwrap();
    assert_eq!(own["basis"], "user");
}

/// Questions without a plan.
const INFEASIBLE: [&str; 8] = [
    "size --method first-order --users 5000 --model DeepSeek-R1 --hardware h200_hgx --context 1M --max-racks 2",
    "size --users 3000 --model 3 --max-racks 1",
    "size --users 9007199254740992 --model 3",
    "size --users 3000 --model Llama-3.1-70B --hardware h200_hgx --max-racks 1",
    "size --users 100 --model Llama-3.1-405B --hardware h100_hgx --quant bf16 --max-racks 1",
    "size --users 10 --model Llama-3.1-8B --hardware h100_hgx --tpot 2ms",
    "size --method first-order --users 10 --model DeepSeek-R1 --hardware h100_hgx --quant bf16 --max-racks 1 --tp 1,2,4,8 --pp 1 --ep 1",
    "size --method first-order --users 10 --model Llama-3.1-70B --hardware l40s --context 100M",
];

#[test]
fn law_each_relaxation_alone_makes_it_feasible() {
    for question in INFEASIBLE {
        let said = type_in(&format!("{question} --format json"));
        assert_eq!(said.code, 4, "{question}");
        let difficulty = said.json()["answer"]["difficulty"].clone();
        assert!(!difficulty["binding"].as_str().unwrap().is_empty(), "{question}");
        let relaxations = difficulty["relaxations"].as_array().unwrap();
        assert!(!relaxations.is_empty(), "{question}: nothing helps?");
        assert!(type_in(question).out.starts_with("No plan serves"), "{question}");
        for relaxation in relaxations {
            let change = relaxation["flag"].as_str().unwrap();
            let relaxed = type_in(&format!("{} --format json", with(question, change)));
            assert_eq!(relaxed.code, 0, "{question} with {change}: {}", relaxed.err);
            assert_eq!(relaxed.json()["answer"]["feasible"], true, "{question} with {change}");
        }
    }
}

/// A question with one flag set anew.
fn with(question: &str, change: &str) -> String {
    let (flag, _) = change.split_once(' ').unwrap();
    let (verb, rest) = question.split_once(' ').unwrap();
    let words: Vec<&str> = rest.split(' ').collect();
    let kept: Vec<&str> = words.chunks(2).filter(|pair| pair[0] != flag).flatten().copied().collect();
    format!("{verb} {} {change}", kept.join(" "))
}
