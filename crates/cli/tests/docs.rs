//! README and docs show what the program prints. After a wanted change: `TRYCMD=overwrite cargo test -p rackplan-cli`.

#[test]
fn golden_examples_of_readme_and_docs() {
    trycmd::TestCases::new()
        .register_bin("rackplan", std::path::Path::new(env!("CARGO_BIN_EXE_rackplan")))
        // A user's own overlays must not leak into the examples.
        .env("HOME", "/nonexistent")
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("NO_COLOR", "1")
        .case("../../README.md")
        .case("../../docs/*.md");
}
