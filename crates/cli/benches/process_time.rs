//! How long a user waits: the whole process, from its start to its last byte. The bar is in the name.

use divan::Bencher;
use std::process::{Command, Stdio};

fn main() {
    divan::main();
}

const FOUNDING: &str = "--active-users 1000 --model 3 --tokens-cached 128000 --max-racks 96 --batch-sizes 8 --method first-order";
const REAL: &str = "--method first-order --model Qwen/Qwen3-235B-A22B --users 1000 --context 32k --hardware gb200_nvl72 --quant fp8";
const EVERYTHING: &str =
    "--method first-order --model Qwen/Qwen3-235B-A22B --users 1000 --context 32k --hardware all --quant all";

const OPERATORS: &str = "--model Llama-3.1-70B --users 1000 --think-time 30s --hardware h200_hgx";
const OPERATORS_EXPERTS: &str =
    "--model Qwen/Qwen3-235B-A22B --users 1000 --think-time 30s --hardware gb200_nvl72";

/// The reference takes 900 ms.
#[divan::bench(sample_count = 50)]
fn size_first_order_process_bar_15_ms(bencher: Bencher) {
    bencher.bench(|| size(FOUNDING));
}

#[divan::bench(sample_count = 50)]
fn size_real_model_process(bencher: Bencher) {
    bencher.bench(|| size(REAL));
}

#[divan::bench(sample_count = 20)]
fn size_all_hardware_all_quant_process(bencher: Bencher) {
    bencher.bench(|| size(EVERYTHING));
}

#[divan::bench(sample_count = 50)]
fn size_operators_dense_process_bar_50_ms(bencher: Bencher) {
    bencher.bench(|| size(OPERATORS));
}

#[divan::bench(sample_count = 50)]
fn size_operators_experts_process_bar_50_ms(bencher: Bencher) {
    bencher.bench(|| size(OPERATORS_EXPERTS));
}

/// Runs `rackplan size` as a user would, without the user's own overlays.
fn size(arguments: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rackplan"));
    command.arg("size").args(arguments.split_whitespace());
    command.env("HOME", "/nonexistent").env("XDG_CONFIG_HOME", "/nonexistent");
    let status = command.stdout(Stdio::null()).status().expect("the program starts");
    assert!(status.success(), "size {arguments}: {status}");
}
