//! `explain` as users see it: the first screen, the other layouts, pictures, and what does not fit.

mod common;

use common::{folder, say, type_in};
use std::fs;

const LINES: usize = 30;
const COLUMNS: usize = 100;

/// Dense, experts, latents, recurrent and windowed models; wide, pipelined and drafted layouts; every phase; no room.
const QUESTIONS: [&str; 12] = [
    "explain --model deepseek-r1 --gpu h200_sxm --tp 8 --backend sglang --batch 64",
    "explain --model deepseek-r1 --gpu h200_sxm --dp 16 --ep 16 --batch 2048 --speculative mtp:2,accept=0.7",
    "explain --model deepseek-r1 --gpu gb200 --tp 8 --quant nvfp4 --backend trtllm --phase mixed --isl 100k",
    "explain --model deepseek-v3.2 --gpu b200_sxm --tp 8 --isl 64k --batch 8",
    "explain --model llama-3.1-70b --gpu h100_sxm --tp 4 --pp 2 --phase prefill --isl 8k",
    "explain --model llama-3.1-70b --gpu mi300x --tp 8 --quant fp8 --kv-dtype fp8 --batch 256",
    "explain --model gpt-oss-120b --gpu h100_sxm --tp 2 --backend vllm",
    "explain --model Qwen3-Next-80B-A3B-Instruct --gpu h200_sxm --phase mixed",
    "explain --model gemma-3-27b-it --gpu l40s --batch 16",
    "explain --model Qwen3-0.6B --gpu l40s --phase prefill --batch 500",
    "explain --model deepseek-r1 --gpu h200_sxm --tp 4",
    "explain --model llama-3.1-70b --gpu h100_sxm --tp 2 --isl 100k --quant fp8",
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
        assert!(lines[0].contains(" step of ") || lines[0].contains(" does not fit "), "{context}");
        assert!(lines[lines.len() - 1].starts_with("next: "), "{context}");
        assert!(!said.out.contains("NaN") && !said.out.contains(" inf") && said.err.is_empty(), "{context}");
    }
}

#[test]
fn hand_what_does_not_fit_exits_with_4_and_both_sides() {
    let said = type_in("explain --model deepseek-r1 --gpu h200_sxm --tp 4");
    assert_eq!(said.code, 4);
    // 671 GB over 4, of 0.97 x 151.4 GB - 4 GB.
    assert!(said.out.contains("take 169 GB; of its 151.4 GB they may take 142.9 GB"), "{}", said.out);
    assert!(said.out.contains("--tp 8"), "{}", said.out);
}

#[test]
fn law_every_layout_has_every_part() {
    let layout = |format: &str| type_in(&format!("{} --format {format}", QUESTIONS[0])).out;
    let json: serde_json::Value = serde_json::from_str(&layout("json")).unwrap();
    let parts = json["answer"]["parts"].as_array().unwrap();
    assert_eq!(layout("csv").lines().count(), parts.len() + 1);
    let sum: f64 = parts.iter().map(|part| part["exposed_s"].as_f64().unwrap()).sum();
    assert!((sum / json["answer"]["step"]["time_s"].as_f64().unwrap() - 1.0).abs() < 1e-9);
    let (markdown, html) = (layout("markdown"), layout("html"));
    for part in parts {
        let name = part["name"].as_str().unwrap();
        assert!(markdown.contains(name) && html.contains(name), "{name}");
    }
    assert!(html.matches("<svg").count() == 2 && html.contains("Roofline: memory 4.8 TB/s"));
    assert_eq!(layout("jsonl").lines().count(), 1);
}

#[test]
fn hand_figures_are_the_waterfall_and_the_roofline() {
    let folder = folder("explain-figures");
    let question: Vec<&str> = QUESTIONS[0].split_whitespace().collect();
    let said = say(question.iter().copied().chain(["--figures", folder.to_str().unwrap()]));
    assert_eq!(said.code, 0, "{}", said.err);
    for (name, told) in [("waterfall", "experts"), ("roofline", "989 TFLOP/s")] {
        let svg = fs::read_to_string(folder.join(format!("{name}.svg"))).unwrap();
        assert!(svg.contains(told), "{name}");
    }
}
