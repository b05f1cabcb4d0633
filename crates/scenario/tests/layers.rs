//! One question from several places: which one wins, and how its place is named.

use rackplan_scenario::{Layers, Origin, Question, QuestionError};

const SITE: &str =
    "model = \"1\"\n[workload]\nusers = 10\ncontext = \"32k\"\n[search]\nbatch_sizes = [8, 16]\n";

fn site() -> Layers {
    let mut layers = Layers::default();
    assert_eq!(layers.add_file("site.toml", SITE), Ok(()));
    layers
}

/// The question of a file, which must be readable.
fn read(layers: &Layers) -> Question {
    layers.read().expect("the question is well formed")
}

/// What is said about a file that is wrong somewhere: message and hint.
fn refused(text: &str) -> (String, String) {
    let mut layers = Layers::default();
    let error = match layers.add_file("site.toml", text) {
        Ok(()) => layers.read::<Question>().expect_err("the file is wrong"),
        Err(error) => error,
    };
    (error.to_string(), error.hint().unwrap_or_default())
}

fn users(layers: &Layers) -> u64 {
    read(layers).workload.users.expect("users were given").0
}

#[test]
fn hand_flag_over_set_over_variable_over_file() {
    let mut layers = site();
    assert_eq!(users(&layers), 10);
    layers.add("workload.users", "20", Origin::Variable("RACKPLAN_USERS".to_owned()));
    assert_eq!((users(&layers), layers.place("workload.users").as_str()), (20, "RACKPLAN_USERS"));
    assert_eq!(layers.add_assignment("workload.users=30"), Ok(()));
    assert_eq!((users(&layers), layers.place("workload.users").as_str()), (30, "--set workload.users"));
    layers.add("workload.users", "4k", Origin::Flag("--users".to_owned()));
    assert_eq!((users(&layers), layers.place("workload.users").as_str()), (4000, "--users"));
    // What the stronger places do not say stays as the file has it.
    assert_eq!(read(&layers).workload.context.map(|count| count.0), Some(32_000));
    assert_eq!(layers.place("workload.context"), "site.toml: `workload.context`");
}

#[test]
fn hand_the_origin_of_every_value_is_told() {
    let mut layers = site();
    layers.add("workload.users", "4k", Origin::Flag("--users".to_owned()));
    let resolved = layers.resolved();
    let origin = |key: &str| resolved[key].origin.as_str();
    assert_eq!((origin("workload.users"), origin("workload.context")), ("--users", "site.toml"));
    assert_eq!(layers.origin("search.batch_sizes"), Some(&Origin::File("site.toml".to_owned())));
    assert_eq!((layers.origin("seed"), layers.text("model")), (None, Some("1")));
}

#[test]
fn hand_an_assignment_is_toml_or_else_text() {
    let mut layers = Layers::default();
    let given = [
        "workload.users = 7",
        "model=meta-llama/Llama-3.1-8B",
        "search.batch_sizes=[1, 2]",
        "search.prefer_utilization=true",
    ];
    given.iter().for_each(|text| assert_eq!(layers.add_assignment(text), Ok(())));
    let question = read(&layers);
    assert_eq!(users(&layers), 7);
    assert_eq!(question.model.map(|model| model.0).as_deref(), Some("meta-llama/Llama-3.1-8B"));
    assert_eq!(question.search.batch_sizes.map(|list| list.0.len()), Some(2));
    assert_eq!(question.search.prefer_utilization.map(|switch| switch.0), Some(true));
    for wrong in ["workload.users", "=5", " = 5", ""] {
        let error = Layers::default().add_assignment(wrong).expect_err("it is no assignment");
        assert!(error.to_string().starts_with("--set: "), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("--set workload.users=2000")));
    }
}

#[test]
fn hand_a_wrong_file_names_place_value_and_way_out() {
    let wrong = [
        ("[workload]\nuser = 5\n", "site.toml: `workload.user`: unknown key `user`", "did you mean `users`?"),
        ("users = 5\n", "site.toml: `users`: unknown key `users`", "known keys are model,"),
        ("[workload]\nusers = 5.5\n", "site.toml: `workload.users`: `5.5` is not a whole number", "`32k`"),
        ("[workload]\nusers = -5\n", "site.toml: `workload.users`: `-5` is", "`32k`"),
        ("[search]\nbatch_sizes = [8, -1]\n", "site.toml: `search.batch_sizes[1]`: `-1` is", "`32k`"),
        ("[workload]\nusers = [5]\n", "site.toml: `workload.users`: it is a list", "a whole number"),
        ("[workload.users]\na = 5\n", "site.toml: `workload.users`: it is a table", "a whole number"),
        ("workload = 5\n", "site.toml: `workload`: it is the number `5`", "expected a table"),
        ("[search]\nmode = \"both\"\n", "site.toml: `search.mode`: unknown word `both`", "training"),
        ("[workload\n", "site.toml: ", "scenario files are TOML"),
        ("[workload]\nusers = 5\nusers = 6\n", "site.toml: ", "scenario files are TOML"),
    ];
    for (text, message, hint) in wrong {
        let (found, way_out) = refused(text);
        assert!(found.starts_with(message), "{text}: {found}");
        assert!(way_out.contains(hint), "{text}: {way_out}");
    }
}

#[test]
fn hand_a_key_that_is_a_value_here_and_a_group_there_is_refused() {
    let mut layers = site();
    layers.add("workload.users.most", "5", Origin::Set);
    let error: QuestionError = layers.read::<Question>().expect_err("users cannot be both");
    assert!(error.to_string().contains("both a value and a group of values"), "{error}");
}

#[test]
fn hand_a_very_long_line_makes_a_short_message() {
    let (message, _) = refused(&"a".repeat(1_000_000));
    assert!(message.len() < 1000, "{} bytes", message.len());
}
