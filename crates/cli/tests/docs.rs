//! README and docs show what the program prints. After a wanted change: `TRYCMD=overwrite cargo test -p rackplan-cli`.

use rackplan_scenario::SETTINGS;

#[test]
fn golden_examples_of_readme_and_docs() {
    // Examples are typed in the root of a checkout, and write only where builds do.
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::env::set_current_dir(&root).expect("the checkout is there");
    std::fs::create_dir_all("target").expect("the checkout is writable");
    let cases = trycmd::TestCases::new();
    // A user's own overlays and variables must not leak into the examples; an empty variable counts as absent.
    for setting in SETTINGS {
        cases.env(setting.variable(), "");
    }
    cases
        .register_bin("rackplan", std::path::Path::new(env!("CARGO_BIN_EXE_rackplan")))
        .env("HOME", "/nonexistent")
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("NO_COLOR", "1")
        .case("README.md")
        .case("docs/*.md");
}
