//! Kinds of requests that one deployment serves, as scenario files name them.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

mod common;

use common::{Said, folder, rackplan};
use serde_json::Value;
use std::fs;

const HEAD: &str = "model = 'llama-3.1-8b'\nhardware = ['h100_hgx']\nbackend = 'vllm'\n";

fn run(verb: &str, text: &str, words: &str) -> Said {
    let name = format!("classes_{:?}", std::thread::current().name()).replace([':', '"'], "_");
    let path = folder(&name).join("a.toml");
    fs::write(&path, format!("{HEAD}{text}")).unwrap();
    rackplan().arg(verb).arg(path).args(words.split_whitespace()).output().unwrap().into()
}

fn answer(verb: &str, text: &str, words: &str) -> Value {
    let said = run(verb, text, &format!("{words} --format json"));
    assert!([0, 4].contains(&said.code), "{verb} {words}: {}", said.err);
    said.json()["answer"].clone()
}

/// Two kinds, the second as urgent as said.
fn two(priority: u32) -> String {
    format!(
        "[workload]\nrate = 12\nosl = 100\n[classes.chat]\nshare = 3\nisl = 1000\n[classes.papers]\nshare = 1\nisl = 9000\n\
         ttft = '4s'\npriority = {priority}\n"
    )
}

fn of_class(found: &Value, name: &str) -> Value {
    let classes = found["result"]["classes"].as_array().unwrap();
    classes.iter().find(|class| class["name"] == name).unwrap().clone()
}

#[test]
fn law_each_class_is_played_with_its_share_lengths_and_limits() {
    let found = answer("simulate", &two(0), "--tp 1 --requests 4000");
    let (chat, papers) = (of_class(&found, "chat"), of_class(&found, "papers"));
    assert_eq!((&chat["ttft_limit_s"], &papers["ttft_limit_s"]), (&2.0.into(), &4.0.into()));
    let sent = |class: &Value| class["sent"].as_f64().unwrap();
    assert!((sent(&papers) / 4000.0 - 0.25).abs() < 0.03, "{papers}");
    assert_eq!(sent(&chat) + sent(&papers), 4000.0);
    // (3 x 1000 + 9000) / 4.
    let isl = found["load"]["isl_mean"].as_f64().unwrap();
    assert!((isl / 3000.0 - 1.0).abs() < 0.05, "{isl}");
    let ttft = |class: &Value| class["ttft"]["mean_s"].as_f64().unwrap();
    assert!(ttft(&papers) > 1.5 * ttft(&chat), "{chat} {papers}");
}

#[test]
fn law_what_is_less_urgent_waits() {
    let waits = |priority| {
        let found = answer("simulate", &two(priority), "--tp 1 --requests 4000 --max-batch 16");
        ["chat", "papers"].map(|name| of_class(&found, name)["queueing"]["mean_s"].as_f64().unwrap())
    };
    let ([chat, _], [first, last]) = (waits(0), waits(3));
    assert!(first < 0.8 * chat && first < 0.3 * last, "{chat}; {first} {last}");
}

#[test]
fn law_the_highest_load_is_within_the_limits_of_every_class() {
    let capacity = |more: &str| {
        let found = answer("simulate", &(two(0) + more), "--tp 1 --requests 4000 --capacity");
        (found["capacity"]["load"].as_f64().unwrap(), found["capacity"]["limit"].as_str().unwrap().to_owned())
    };
    let ((loose, _), (strict, limit)) = (capacity(""), capacity("tpot = '15ms'\n"));
    assert!(strict < 0.9 * loose, "{strict} {loose}");
    assert_eq!(limit, "tpot of papers");
}

#[test]
fn hand_classes_that_cannot_be() {
    let share = "[workload]\nrate = 1\n[classes.a]\nshare = 1\n";
    for (verb, text, words, place) in [
        ("simulate", "[workload]\nrate = 1\n[classes.a]\nisl = 5\n".to_owned(), "--tp 1", "classes.a.share"),
        ("simulate", share.to_owned() + "turnz = 3\n", "--tp 1", "classes.a.turnz"),
        ("simulate", share.to_owned() + "isl = 0\n", "--tp 1", "classes.a.isl"),
        ("simulate", share.to_owned() + "ttft = '0s'\n", "--tp 1", "classes.a.ttft"),
        ("simulate", share.to_owned() + "prefix_hit = 1.5\n", "--tp 1", "classes.a.prefix_hit"),
        ("explain", share.to_owned(), "--tp 1", "classes.a"),
        ("offload", share.to_owned(), "", "classes.a"),
        ("size", share.to_owned(), "--method first-order", "classes.a"),
        ("sweep", share.to_owned(), "", "classes.a"),
        ("size", share.to_owned(), "--stock h100_hgx=2", "classes.a"),
    ] {
        let said = run(verb, &text, words);
        assert!([2, 3].contains(&said.code), "{verb} {text}: {} {}", said.code, said.err);
        assert!(said.err.contains(place) && said.err.contains("hint:"), "{verb} {text}: {}", said.err);
    }
}
