//! README and docs show what the program prints. After a wanted change: `TRYCMD=overwrite cargo test -p rackplan-cli`.

use rackplan_scenario::SETTINGS;

#[test]
fn golden_examples_of_readme_and_docs() {
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
        .case("../../README.md")
        .case("../../docs/*.md");
}
