//! Kinds of requests that one deployment serves, as scenario files name them.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

mod common;

use common::{Said, folder, rackplan};
use serde_json::Value;
use std::fs;

const HEAD: &str = "model = 'llama-3.1-8b'\nbackend = 'vllm'\n";

fn run(verb: &str, text: &str, words: &str) -> Said {
    let name = format!("classes_{:?}", std::thread::current().name()).replace([':', '"'], "_");
    let path = folder(&name).join("a.toml");
    fs::write(&path, format!("{HEAD}{text}")).unwrap();
    let mut command = rackplan();
    command.arg(verb).arg(path).args(words.split_whitespace());
    if verb != "offload" && !words.contains("--stock") {
        command.args(["--hardware", "h100_hgx"]);
    }
    command.output().unwrap().into()
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
    let found = answer("simulate", &two(0), "--tp 1 --replicas 2 --requests 4000");
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

/// People of one kind, and of two that differ as said.
fn people(classes: &str) -> String {
    format!("[workload]\nusers = 900\nthink_time = '20s'\nisl = 2000\nosl = 300\n{classes}")
}

fn gpus(found: &Value) -> u64 {
    found["deployment"]["capacity"]["gpus_active"].as_u64().unwrap()
}

#[test]
fn law_classes_that_do_not_differ_are_one() {
    let words = "--tp 1,2 --dp 1 --pp 1";
    let one = answer("size", &people(""), words);
    let two = answer("size", &people("[classes.a]\nshare = 2\n[classes.b]\nshare = 5\n"), words);
    assert_eq!(gpus(&one), gpus(&two));
    let latency = |found: &Value, key: &str| found["deployment"]["latency"][key].as_f64().unwrap();
    for key in ["ttft_s", "tpot_s", "e2e_s", "ttft_mean_s"] {
        let (one, all) = (latency(&one, key), latency(&two, key));
        assert!((one / all - 1.0).abs() < 1e-4, "{key} {one} {all}");
        let class = two["classes"][1][key].as_f64();
        assert!(class.is_none_or(|class| (one / class - 1.0).abs() < 1e-4), "{key} {one} {class:?}");
    }
}

#[test]
fn law_a_stricter_class_takes_no_fewer_gpus() {
    let with = |more: &str| {
        let text = format!("[classes.chat]\nshare = 3\n[classes.papers]\nshare = 1\nisl = 12000\n{more}");
        answer("size", &people(&text), "")
    };
    let (loose, strict) = (with("ttft = '6s'\n"), with("ttft = '900ms'\ntpot = '20ms'\n"));
    assert!(gpus(&strict) > gpus(&loose), "{} {}", gpus(&strict), gpus(&loose));
    for found in [loose, strict] {
        for class in found["classes"].as_array().unwrap() {
            for name in ["ttft", "tpot"] {
                let [value, target] =
                    ["s", "target_s"].map(|end| class[format!("{name}_{end}")].as_f64().unwrap());
                assert!(value <= target, "{class}");
            }
        }
    }
}

#[test]
fn val_classes_of_a_plan_are_as_they_are_played() {
    let text = people("[classes.chat]\nshare = 3\n[classes.papers]\nshare = 1\nisl = 12000\nttft = '4s'\n");
    let found = answer("size", &text, "--simulate");
    let replay = &found["deployment"]["replay"];
    assert_eq!(replay["within_targets"], true, "{replay}");
    for class in replay["classes"].as_array().unwrap() {
        for (name, most) in [("ttft", 0.35), ("tpot", 0.2), ("e2e", 0.2)] {
            for (played, closed) in
                [("mean_s", "closed_form_mean_s"), ("at_percentile_s", "closed_form_at_percentile_s")]
            {
                let [played, closed] = [played, closed].map(|key| class[name][key].as_f64().unwrap());
                assert!((closed / played - 1.0).abs() < most, "{name} {played} {closed}: {class}");
            }
        }
    }
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
        ("sweep", "[classes.a]\nshare = 1\n".to_owned(), "", "classes.a"),
    ] {
        let said = run(verb, &text, words);
        assert!([2, 3].contains(&said.code), "{verb} {text}: {} {}", said.code, said.err);
        assert!(said.err.contains(place) && said.err.contains("hint:"), "{verb} {text}: {}", said.err);
    }
}
