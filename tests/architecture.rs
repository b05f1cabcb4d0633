//! The invariants of ARCHITECTURE.md that a machine can check: who may import whom, and who may touch the world.

use rackplan_tests::{root, rust_files};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Which of our crates a crate may name. A new edge is a change of this list and of ARCHITECTURE.md.
const ALLOWED: &[(&str, &[&str])] = &[
    ("units", &[]),
    ("catalog", &["units"]),
    ("traffic", &["units"]),
    ("perf", &["units", "catalog"]),
    ("calibrate", &["units", "catalog", "perf"]),
    ("first-order", &["units", "catalog", "traffic"]),
    ("sim", &["units", "traffic", "perf"]),
    ("plan", &["units", "catalog", "perf"]),
    ("scenario", &["units", "catalog", "traffic", "perf", "calibrate", "first-order", "sim", "plan"]),
    ("report", &["units", "scenario"]),
    ("cli", &["scenario", "report"]),
    ("tests", &[]),
];

/// Crates that may read files, know the time and print.
const SHELLS: &[&str] = &["cli"];

/// What only shells may do.
const WORLD: &[&str] =
    &["std::fs", "std::net", "std::env", "SystemTime", "Instant::now", "println!", "eprintln!", "print!"];

#[test]
fn law_crates_import_only_what_lies_below() {
    let allowed: BTreeMap<_, BTreeSet<_>> =
        ALLOWED.iter().map(|(name, below)| (*name, below.iter().copied().collect())).collect();
    for (name, below) in edges() {
        let may =
            allowed.get(name.as_str()).unwrap_or_else(|| panic!("`{name}` is not in the list of crates"));
        for other in &below {
            assert!(may.contains(other.as_str()), "`{name}` imports `{other}`, which is not below it");
        }
    }
}

#[test]
fn law_only_shells_touch_the_world() {
    let crates = root().join("crates");
    for entry in std::fs::read_dir(&crates).expect("the crates are here").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if SHELLS.contains(&name.as_str()) {
            continue;
        }
        for file in rust_files(&entry.path().join("src")) {
            let text = std::fs::read_to_string(&file).expect("readable source");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for (number, line) in code.enumerate() {
                let found = WORLD.iter().find(|word| line.contains(**word));
                assert!(found.is_none(), "{}: line {}: `{}`", file.display(), number + 1, line.trim());
            }
        }
    }
}

#[test]
fn law_no_hash_order_in_the_core() {
    for file in rust_files(&root().join("crates")) {
        let text = std::fs::read_to_string(&file).expect("readable source");
        for word in ["HashMap", "HashSet"] {
            assert!(
                !text.contains(word),
                "{}: {word} has no stable order; use a BTree or a Vec",
                file.display()
            );
        }
    }
}

/// Our crates and which of ours each depends on, tests and benches aside.
fn edges() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let ours =
        |name: &serde_json::Value| name.as_str().and_then(|n| n.strip_prefix("rackplan-")).map(str::to_owned);
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let below = |package: &serde_json::Value| {
        let dependencies = package["dependencies"].as_array().expect("a list of dependencies");
        dependencies.iter().filter(|d| d["kind"].is_null()).filter_map(|d| ours(&d["name"])).collect()
    };
    packages.iter().filter_map(|package| Some((ours(&package["name"])?, below(package)))).collect()
}
