//! Answers explained, compared and begun: `explain ANSWER.json`, `compare`, `diff`, `init`.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

mod common;

use common::{Said, folder, say};
use std::fs;
use std::path::{Path, PathBuf};

const QUESTION: &str = "size --model Llama-3.1-70B --users 1000 --think-time 30s --isl 4k --hardware h200_hgx --quant fp8 --pp 1";

/// Writes the answer of a question with more flags.
fn answer(folder: &Path, name: &str, more: &str) -> PathBuf {
    let path = folder.join(name);
    let words = QUESTION.split(' ').chain(more.split_whitespace()).chain(["--format", "json", "-o"]);
    let said = say(words.chain([path.to_str().unwrap()]));
    assert!([0, 4].contains(&said.code), "{}", said.err);
    path
}

fn on(verb: &str, files: &[&PathBuf], more: &[&str]) -> Said {
    say([verb].into_iter().chain(files.iter().map(|path| path.to_str().unwrap())).chain(more.iter().copied()))
}

#[test]
fn law_reasons_fit_a_screen_and_begin_with_the_decision() {
    let folder = folder("reasons");
    for (name, more, code) in [("plain", "", 0), ("links", "--link all=400gbe", 0), ("none", "--tpot 1ms", 4)]
    {
        let path = answer(&folder, name, more).with_extension("");
        let path = {
            let json = path.with_extension("json");
            fs::rename(&path, &json).unwrap();
            json
        };
        let said = on("explain", &[&path], &[]);
        let context = format!("{more}\n{}{}", said.out, said.err);
        assert_eq!(said.code, code, "{context}");
        let lines: Vec<&str> = said.out.lines().collect();
        assert!(lines.len() <= 25 && lines.iter().all(|line| line.chars().count() <= 100), "{context}");
        assert!(lines[0].contains("serve") && lines[lines.len() - 1].starts_with("next: "), "{context}");
        for part in if code == 0 {
            ["  why", "  +10 %", "  flips"]
        } else {
            ["  in the way", "  would help", "  nearly"]
        } {
            assert!(said.out.contains(part), "{part}: {context}");
        }
    }
}

#[test]
fn law_the_page_has_it_all_and_stands_alone() {
    let page = say(QUESTION.split(' ').chain(["--format", "html"])).out;
    for text in [
        "From people to GPUs",
        "Why this plan",
        "A tenth more of each resource",
        "Nearest flips",
        "Sensitivity to users",
        "Sensitivity to context",
        "Assumed",
        "Power and cost",
        "Speed of a user against throughput of a GPU",
        "Where the time of a step goes",
    ] {
        assert!(page.contains(text), "{text} is not on the page");
    }
    assert!(page.matches("<svg").count() >= 6, "{} pictures", page.matches("<svg").count());
    // What the pointer shows on the frontier is in the picture itself.
    assert!(page.contains("tok/s for a user, ") && !page.contains("<script"));
}

#[test]
fn hand_an_answer_takes_no_other_question() {
    let folder = folder("explained");
    let path = answer(&folder, "a.json", "");
    let said = on("explain", &[&path], &["--tp", "8"]);
    assert!(said.code == 2 && said.err.contains("--tp: ") && said.err.contains("hint: "), "{}", said.err);
    for (text, message) in
        [("{", "it is no JSON"), ("{}", "no `schema_version`"), ("[1]", "no `schema_version`")]
    {
        let wrong = folder.join("wrong.json");
        fs::write(&wrong, text).unwrap();
        for said in [on("explain", &[&wrong], &[]), on("compare", &[&path, &wrong], &[])] {
            assert!(
                said.code == 3 && said.err.contains(message) && said.err.contains("hint: "),
                "{}",
                said.err
            );
        }
    }
}

#[test]
fn hand_answers_and_scenarios_are_compared() {
    let folder = folder("compared");
    let (a, b) = (answer(&folder, "a.json", ""), answer(&folder, "b.json", "--tpot 25ms"));
    let said = on("compare", &[&a, &b], &[]);
    assert!(
        said.code == 0 && said.out.contains("targets.tpot") && said.out.contains("GPUs active"),
        "{}",
        said.out
    );
    let diff = on("diff", &[&a, &b], &[]).out;
    assert!(
        diff.starts_with("# ") && diff.contains("| targets.tpot | ") && diff.contains("| --- |"),
        "{diff}"
    );
    let figures = on("compare", &[&a, &b], &["--format", "json"]).json()["figures"].clone();
    assert!(figures.as_array().unwrap().iter().all(|figure| figure["name"].is_string()));
    let scenario = folder.join("site.toml");
    fs::write(&scenario, "model = \"Llama-3.1-8B\"\nhardware = \"h100_hgx\"\n[workload]\nusers = 50\n")
        .unwrap();
    let said = on("compare", &[&scenario, &a], &[]);
    assert!(said.code == 0 && said.out.contains("h100_hgx"), "{}{}", said.out, said.err);
}

#[test]
fn law_every_use_case_is_short_commented_and_can_be_sized() {
    let folder = folder("init");
    for case in ["chat", "rag", "code", "agent", "batch"] {
        let path = folder.join(format!("{case}.toml"));
        let said = say(["init", "--use-case", case, "-o", path.to_str().unwrap()]);
        assert_eq!((said.code, said.out.as_str()), (0, ""), "{}", said.err);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.lines().count() <= 20 && text.matches('#').count() >= 8, "{text}");
        let sized = on("size", &[&path], &[]);
        assert_eq!(sized.code, 0, "{case}: {}{}", sized.out, sized.err);
        let again = say(["init", "-o", path.to_str().unwrap()]);
        assert!(again.code == 3 && again.err.contains("it is there already"), "{}", again.err);
    }
}
