//! Serving tables from the outside: rows that are wanted, scores, gates, anchors, fitted entries.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

mod common;

use common::{Said, folder, rackplan, say, shared};
use flate2::read::MultiGzDecoder;
use rackplan_scenario::Catalog;
use rackplan_scenario::predict_serving::{fit_bands, fit_loans, fit_steps};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

const HEADING: &str = "id,source,model,gpu,gpus,framework,weight_dtype,tp,load,concurrency,isl,osl,length_ratio,client,warm,\
                       ttft_ms_mean,tpot_ms_mean";

/// Four made-up results.
fn results(name: &str) -> PathBuf {
    let rows = [
        "a,mine,Llama-3.1-8B,h100_sxm,1,vllm,fp8,1,closed,8,512,128,0.8,inferencex,1,60,6",
        "b,mine,Llama-3.1-8B,h100_sxm,1,trtllm,fp8,1,closed,16,512,128,0.8,inferencex,1,60,6",
        "c,mine,Llama-3.1-8B,mi300x,1,vllm,fp8,1,closed,8,512,128,0.8,inferencex,1,90,9",
        "d,mine,Llama-3.1-8B,mi300x,1,vllm,fp8,1,closed,32,512,128,0.8,inferencex,1,120,12",
    ];
    let path = folder(name).join("results.csv");
    fs::write(&path, format!("{HEADING}\n{}\n", rows.join("\n"))).unwrap();
    path
}

fn run(line: &str, file: &Path) -> Said {
    let words: Vec<String> =
        line.split_whitespace().map(|word| word.replace("FILE", &file.display().to_string())).collect();
    say(words)
}

#[test]
fn hand_rows_are_kept_by_accelerator_and_framework() {
    let file = results("serving_filter");
    let ids = |line: &str| -> Vec<String> {
        let said = run(line, &file);
        assert_eq!(said.code, 0, "{}", said.err);
        let id = |line: &str| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().unwrap().to_owned()
        };
        said.out.lines().map(id).collect()
    };
    assert_eq!(ids("predict serving FILE"), ["a", "b", "c", "d"]);
    assert_eq!(ids("predict serving FILE --gpu h100"), ["a", "b"]);
    assert_eq!(ids("predict serving FILE --gpu mi300x,h100 --backend vllm"), ["a", "c", "d"]);
    assert_eq!(ids("predict serving FILE --backend TensorRT-LLM"), ["b"]);
    let said = run("predict serving FILE --gpu h1000", &file);
    assert!(said.code == 3 && said.err.contains("--gpu: ") && said.err.contains("hint:"), "{}", said.err);
    let said = run("predict serving FILE --backend llama", &file);
    assert!(said.code == 2 && said.err.contains("--backend: `llama` is no framework"), "{}", said.err);
}

#[test]
fn hand_scores_by_columns_in_four_formats() {
    let file = results("serving_validate");
    let said = run("validate FILE --by gpu,backend --format csv", &file);
    assert_eq!(said.code, 0, "{}", said.err);
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[0].starts_with("gpu,backend,metric,n,median,"), "{}", said.out);
    assert!(lines.iter().any(|line| line.starts_with("mi300x,vllm,tpot_ms_mean,2,")), "{}", said.out);
    let said = run("validate FILE --by source --format json", &file);
    assert!(said.code == 0 && said.json().is_array(), "{}", said.out);
    let said = run("validate FILE --by source --format markdown", &file);
    assert!(said.out.starts_with("# Predicted beside measured"), "{}", said.out);
    assert!(run("validate FILE", &file).out.contains("ttft_ms_mean"));
    let said = run("validate FILE --by colour", &file);
    assert!(said.code == 2 && said.err.contains("colour"), "{}", said.err);
}

#[test]
fn hand_a_gate_that_is_missed_exits_with_5() {
    let file = results("serving_gate");
    assert_eq!(run("validate FILE --max-error 0.001", &file).code, 5);
    assert_eq!(run("validate FILE --max-error 10000", &file).code, 0);
}

#[test]
fn hand_anchors_of_the_same_rows_bring_predictions_nearer() {
    let file = results("serving_anchored");
    let median = |line: &str| -> f64 {
        let said = run(line, &file);
        assert_eq!(said.code, 0, "{}", said.err);
        let line = said.out.lines().find(|line| line.starts_with("mine,tpot_ms_mean")).unwrap().to_owned();
        line.split(',').nth(3).unwrap().parse().unwrap()
    };
    let plain = median("validate FILE --by source --format csv");
    let anchored = median("validate FILE --by source --format csv --anchors FILE");
    assert!(anchored < 0.5 * plain, "{plain} {anchored}");
    let said = run("validate FILE --anchors FILE --draw-anchors 1", &file);
    assert!(said.code == 2 && said.err.contains("--draw-anchors"), "{}", said.err);
}

#[test]
fn hand_a_loan_is_fitted_to_results_of_accelerators_without_kernels() {
    let file = results("serving_loans");
    let target = folder("serving_loans_fitted");
    let said = run(&format!("calibrate fit-loans FILE -o {}", target.display()), &file);
    assert!(said.code == 0 && said.out.starts_with("cdna3: arithmetic x"), "{}{}", said.out, said.err);
    assert!(said.out.contains("without source mine: "), "{}", said.out);
    let text = fs::read_to_string(target.join("cdna3.toml")).unwrap();
    assert!(text.contains("rows = 2") && text.contains("[factors]"), "{text}");
    // What was written is an entry that the program reads.
    fs::create_dir_all(target.join("loans")).unwrap();
    fs::rename(target.join("cdna3.toml"), target.join("loans/cdna3.toml")).unwrap();
    let said = run(&format!("predict serving FILE --gpu mi300x --catalog {}", target.display()), &file);
    assert!(said.code == 0 && said.out.lines().count() == 2, "{}{}", said.out, said.err);
}

#[test]
fn hand_an_engine_without_a_constant_is_refused_with_its_place() {
    let file = results("serving_engines");
    let target = folder("serving_engines_overlay");
    fs::create_dir_all(target.join("engines")).unwrap();
    let text = "name = \"mine\"\nbackend = \"vllm\"\narchitecture = \"ada\"\nsource = \"me\"\nbasis = \"measured\"\n\
                [operators.gemm.fp8]\ngpus = [\"l40s\"]\nrows = 1\n\
                held_out = { rows = 0, median = 0.0, p90 = 0.0, bias = 0.0 }\n\
                residuals = { p10 = 1.0, p50 = 1.0, p90 = 1.0 }\n\
                [operators.gemm.fp8.constants]\ncompute_share = 0.7\n";
    fs::write(target.join("engines/mine.toml"), text).unwrap();
    let said = run(&format!("predict serving FILE --catalog {}", target.display()), &file);
    assert_eq!(said.code, 3, "{}", said.err);
    assert!(
        said.err.contains("engines/mine: `operators.gemm.fp8.constants.memory_share`: it is absent"),
        "{}",
        said.err
    );
    assert!(said.err.contains("hint: "), "{}", said.err);
}

/// A shipped entry that a fit wrote.
fn shipped(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog").join(file)).unwrap()
}

#[test]
fn val_shipped_bands_loans_and_steps_are_what_their_fits_give() {
    let Some(path) = shared("measured/serving.csv.gz") else { return };
    let mut text = String::new();
    MultiGzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let catalog = Catalog::builtin();
    assert_eq!(fit_bands(&text, &catalog).0, shipped("bands/serving.toml"));
    assert_eq!(fit_loans(&text, &catalog)[0].text, shipped("loans/cdna3.toml"));
    assert_eq!(fit_steps(&text, &catalog).unwrap().text, shipped("steps/serving.toml"));
}

#[test]
fn val_validation_page_is_what_validate_writes() {
    if shared("measured/serving.csv.gz").is_none() {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let line = "validate ../shared/measured/serving.csv.gz --format markdown";
    let said: Said = rackplan().args(line.split(' ')).current_dir(&root).output().unwrap().into();
    let page = fs::read_to_string(root.join("VALIDATION.md")).unwrap();
    let differs = said.out.lines().zip(page.lines()).find(|(now, then)| now != then);
    assert!(said.out == page, "VALIDATION.md is not what `rackplan {line}` writes: {differs:?}");
}
