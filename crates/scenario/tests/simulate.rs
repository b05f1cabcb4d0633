//! Loads of a simulation through the library: traces lent from memory, and whoever ends it.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use rackplan_catalog::Catalog;
use rackplan_scenario::answer::SimulateAnswer;
use rackplan_scenario::simulation::{Lent, Nobody};
use rackplan_scenario::{Inputs, Layers, Origin, run};
use std::collections::BTreeMap;
use std::io::{BufRead, Cursor};

/// Plays a trace, or people without one, with these settings.
fn play(trace: Option<&'static str>, settings: &[(&str, &str)], interrupted: bool) -> SimulateAnswer {
    let mut layers = Layers::default();
    let usual = [("model", "llama-3.1-8b"), ("hardware", "h100_sxm"), ("search.tp", "1")];
    for (key, value) in usual.iter().chain(settings) {
        layers.add(key, value, Origin::Flag(format!("--{key}")));
    }
    if trace.is_some() {
        layers.add("workload.trace", "memory.jsonl", Origin::Flag("--trace".to_owned()));
    }
    let inputs = Inputs::new(Catalog::builtin(), BTreeMap::new());
    let open = || Ok(Box::new(Cursor::new(trace.unwrap_or_default())) as Box<dyn BufRead + Send>);
    let mut lent = Lent {
        trace: trace.is_some().then_some(&open),
        op_tables: Vec::new(),
        watch: &mut Nobody,
        interrupted: &|| interrupted,
    };
    run::simulate(&inputs, &layers, &mut lent).unwrap().answer
}

/// Four requests of one prefix, two blocks of 512 tokens, nine seconds apart.
const ALIKE: &str = r#"{"timestamp": 0, "input_length": 1030, "output_length": 10, "hash_ids": [7, 8, 9]}
{"timestamp": 9000, "input_length": 1030, "output_length": 10, "hash_ids": [7, 8, 10]}
{"timestamp": 18000, "input_length": 1030, "output_length": 10, "hash_ids": [7, 8, 11]}
{"timestamp": 27000, "input_length": 1030, "output_length": 10, "hash_ids": [7, 8, 12]}
"#;

#[test]
fn hand_copies_of_a_trace_do_not_find_each_others_prefixes() {
    for (repeat, hits) in [("1", 3.0), ("3", 9.0)] {
        let found = play(Some(ALIKE), &[("workload.repeat", repeat)], false);
        let result = found.result.unwrap();
        let sent: f64 = repeat.parse::<f64>().unwrap() * 4.0;
        assert_eq!(result.requests.finished as f64, sent);
        // Of each copy the first computes the prefix, and three find 1,024 of 1,030 tokens.
        assert!(
            (result.cache.hit_rate - hits * 1024.0 / (sent * 1030.0)).abs() < 1e-12,
            "{}",
            result.cache.hit_rate
        );
    }
}

#[test]
fn law_a_coarse_clock_is_another_for_each_seed() {
    let end = |seed| play(Some(ALIKE), &[("seed", seed)], false).result.unwrap().end_s;
    assert_eq!(end("1"), end("1"));
    assert!(end("1") != end("2") && (27.0..31.0).contains(&end("1")), "{}", end("1"));
}

#[test]
fn law_whoever_ends_it_gets_seeds_and_loads_that_were_played_whole() {
    let people = [("workload.rate", "2"), ("workload.requests", "600"), ("simulation.seeds", "3")];
    let whole = play(None, &people, false).result.unwrap();
    assert_eq!((whole.seeds, whole.stopped), (3, false));
    let sought = [people[0], people[1], ("simulation.capacity", "true")];
    let ended = play(None, &sought, true).capacity.unwrap();
    assert!(ended.stopped && ended.points.len() < play(None, &sought, false).capacity.unwrap().points.len());
}
