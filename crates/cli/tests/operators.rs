//! Operators from the outside: the shipped constants against the tables they were fitted to, and odd rows.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

mod common;

use common::{folder, say, shared};
use flate2::read::MultiGzDecoder;
use rackplan_scenario::Catalog;
use rackplan_scenario::operators::{ScoreRow, fit, score};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// The text of a table beside the checkout.
fn table(operator: &str) -> Option<String> {
    let path = shared(&format!("measured/ops/{operator}_fit.csv.gz"))?;
    let mut text = String::new();
    MultiGzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    Some(text)
}

/// Mean over groups, weighted by rows.
fn mean(scores: &[ScoreRow], value: impl Fn(&ScoreRow) -> f64) -> f64 {
    let rows: u64 = scores.iter().map(|score| score.rows).sum();
    scores.iter().map(|score| value(score) * score.rows as f64).sum::<f64>() / rows as f64
}

/// What we claim over all rows of a table, fitted ones included, as a guard against regressions; docs/fidelity.md has the
/// errors on rows kept back.
#[test]
fn val_shipped_constants_stay_within_what_we_claim() {
    let claims = [
        ("gemm", 0.10),
        ("attn_decode", 0.11),
        ("attn_prefill", 0.08),
        ("mla_decode", 0.10),
        ("mla_prefill", 0.07),
        ("mla_decode_module", 0.08),
        ("mla_bmm", 0.10),
        ("moe", 0.12),
        ("custom_allreduce", 0.08),
        ("nccl", 0.07),
        ("moe_a2a", 0.10),
    ];
    for (operator, most) in claims {
        let Some(text) = table(operator) else { continue };
        let scores = score(operator, &text, &Catalog::builtin()).unwrap();
        let (median, inside) = (mean(&scores, |s| s.median), mean(&scores, |s| s.coverage));
        println!("{operator}: median error {:.1} %, {:.0} % in band", median * 100.0, inside * 100.0);
        assert!(median < most, "{operator}: {median}");
        assert!((0.70..0.92).contains(&inside), "{operator}: {inside} of the rows are in the band");
        assert!(
            scores.iter().all(|score| score.evidence == "own_gpu_fit"),
            "{operator}: a group has no constants"
        );
    }
}

#[test]
fn law_the_shipped_engines_are_what_the_fit_gives() {
    let Some(text) = table("nccl") else { return };
    let engines = fit(&[("nccl".to_owned(), text)], &Catalog::builtin()).unwrap();
    assert_eq!(engines.len(), 5);
    for (id, fitted) in engines {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../catalog/engines/{id}.toml"));
        assert_eq!(fs::read_to_string(path).unwrap(), fitted, "{id}: run `rackplan calibrate fit-ops` again");
    }
}

#[test]
fn hand_what_has_no_data_borrows_and_says_so() {
    let path = folder("operators").join("rows.csv");
    let rows = "gpu,backend,dtype,m,n,k\n\
                h100_sxm,trtllm,fp8,64,4096,4096\n\
                h20,trtllm,fp8,64,4096,4096\n\
                mi300x,vllm,bfloat16,64,4096,4096\n\
                h300,trtllm,fp8,64,4096,4096\n\
                h100_sxm,trtllm,fp8,-1,4096,4096\n\
                h100_sxm,trtllm,fp7,64,4096,4096\n";
    fs::write(&path, rows).unwrap();
    let said = say(["predict", "ops", path.to_str().unwrap(), "--op", "gemm"].iter());
    assert_eq!(said.code, 0, "{}", said.err);
    let lines: Vec<serde_json::Value> =
        said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let evidence: Vec<_> = lines.iter().filter_map(|line| line["evidence"].as_str()).collect();
    assert_eq!(evidence, ["own_gpu_fit", "same_architecture", "across_architectures"]);
    assert!(lines[..3].iter().all(|line| line["p10_us"].as_f64() < line["latency_us"].as_f64()));
    for (line, place) in lines[3..].iter().zip(["h300", "`m`", "`dtype`"]) {
        assert!(line["error"].as_str().unwrap().contains(place), "{line}");
    }
}
