//! `sweep` of plans: rows that are what `size` says, in both formats, and a file that is gone on with.

mod common;

use common::{Said, rackplan};
use std::fs;

const QUESTION: &str = "sweep --model Llama-3.1-8B --hardware h100_hgx,h200_hgx --quant fp8,bf16 \
                        --users 500 --think-time 20s --isl 1000 --osl 200 --tp 1,2,4 --pp 1 --ttft 2s --tpot 50ms";

fn run(more: &str) -> Said {
    let words = QUESTION.split_whitespace().chain(more.split_whitespace());
    rackplan().args(words).output().expect("it runs").into()
}

#[test]
fn law_the_best_row_is_what_size_says() {
    let rows = run("--format jsonl");
    assert_eq!(rows.code, 0, "{}", rows.err);
    let parsed: Vec<serde_json::Value> =
        rows.out.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect();
    let fewest = parsed.iter().filter_map(|row| row["gpus_active"].as_u64()).min().expect("some serve");
    let words = QUESTION.replacen("sweep", "size", 1);
    let said: Said = rackplan()
        .args(words.split_whitespace().chain(["--format", "json"]))
        .output()
        .expect("it runs")
        .into();
    let size = said.json();
    assert_eq!(size["answer"]["deployment"]["capacity"]["gpus_active"].as_u64(), Some(fewest));
    assert_eq!(size["answer"]["search"]["setups"].as_u64(), Some(4));
    assert_eq!(size["answer"]["search"]["plans_serving"].as_u64(), Some(parsed.len() as u64));
    assert!(parsed.iter().any(|row| row["pareto"] == true));
    let csv = run("--format csv");
    assert_eq!(csv.out.lines().count(), parsed.len() + 1);
    assert!(csv.out.starts_with("setup,hardware,quant,backend,"), "{}", csv.out);
}

#[test]
fn law_a_sweep_that_was_cut_off_goes_on() {
    let folder = std::env::temp_dir().join(format!("rackplan-sweep-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    for format in ["jsonl", "csv"] {
        let file = folder.join(format!("plans.{format}"));
        let name = file.display().to_string();
        assert_eq!(run(&format!("--format {format} -o {name}")).code, 0);
        let whole = fs::read_to_string(&file).expect("it was written");
        // In the middle of a row of the third set-up.
        fs::write(&file, &whole[..whole.len() * 3 / 5]).expect("it can be written");
        assert_eq!(run(&format!("--format {format} -o {name} --resume")).code, 0);
        assert!(fs::read_to_string(&file).expect("it was written") == whole, "{format}");
    }
    fs::remove_dir_all(&folder).expect("it is there");
}
