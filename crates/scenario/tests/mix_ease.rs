//! What would help where racks of several kinds do not suffice: every change named serves everybody when it is made, and
//! a smaller one of the same sort does not.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use rackplan_scenario::answer::MixAnswer;
use rackplan_scenario::{Inputs, Layers, Origin, run};

const QUESTION: &str = "model = 'Llama-3.1-70B'\nquant = 'fp8'\n[search]\ntp = '2,4,8'\npp = '1'\ndp = '1'\n\
                        [workload]\nusers = 6000\nthink_time = '30s'\n";
const ALIKE: &str = "isl = '6k'\n";
const CLASSES: &str = "[classes.chat]\nshare = 3\nisl = 1200\nosl = 250\nttft = '1s'\ntpot = '40ms'\n\
                       [classes.documents]\nshare = 1\nisl = 12000\nosl = 400\nttft = '4s'\ntpot = '60ms'\n";
const STOCK: u64 = 2;

type Changes = Vec<(String, String)>;

fn asked(text: &str, changes: &Changes) -> MixAnswer {
    let mut layers = Layers::default();
    layers.add_file("a.toml", &(QUESTION.to_owned() + text)).unwrap();
    layers.add("limits.stock", &stock(STOCK, STOCK), Origin::Set);
    for (path, value) in changes {
        layers.add(path, value, Origin::Set);
    }
    run::mix(&Inputs::default(), &layers).unwrap().answer
}

fn stock(h100: u64, h200: u64) -> String {
    format!("h100_hgx={h100},h200_hgx={h200}")
}

fn changes(all: &[(&str, &str)]) -> Changes {
    all.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect()
}

/// `--set classes.chat.tpot="44 ms"` as key and value.
fn change(flag: &str) -> (String, String) {
    let value = |text: &str| text.trim_matches('"').to_owned();
    let (name, text) = flag.split_once(' ').unwrap();
    let path = match name {
        "--set" => return text.split_once('=').map(|(path, text)| (path.to_owned(), value(text))).unwrap(),
        "--stock" => "limits.stock",
        "--max-power" => "limits.max_power",
        "--max-cost" => "limits.max_cost",
        "--users" => "workload.users",
        "--ttft" => "targets.ttft",
        "--tpot" => "targets.tpot",
        "--quant" => "quant",
        other => panic!("{other} is not expected here"),
    };
    (path.to_owned(), value(text))
}

fn flags(found: &MixAnswer) -> Vec<String> {
    found.difficulty.as_ref().unwrap().relaxations.iter().map(|way| way.flag.clone()).collect()
}

#[test]
fn law_every_way_out_leads_out() {
    for limits in [&[][..], &[("limits.max_power", "150 kW")], &[("limits.max_cost", "120 USD/h")]] {
        for text in [ALIKE, CLASSES] {
            let given = changes(limits);
            let found = asked(text, &given);
            assert!(!found.feasible);
            let ways = flags(&found);
            assert!(ways.iter().any(|way| way.starts_with("--users ")), "{ways:?}");
            for way in &ways {
                let then = [given.clone(), vec![change(way)]].concat();
                assert!(asked(text, &then).feasible, "{way} of {ways:?}");
            }
        }
    }
}

#[test]
fn law_one_rack_or_user_fewer_does_not_suffice() {
    for text in [ALIKE, CLASSES] {
        let ways = flags(&asked(text, &Changes::new()));
        let stocks: Vec<&String> = ways.iter().filter(|way| way.starts_with("--stock ")).collect();
        assert_eq!(stocks.len(), 2, "{ways:?}");
        for way in stocks {
            let (path, value) = change(way);
            let [h100, h200]: [u64; 2] = value
                .split(',')
                .map(|kind| kind.split_once('=').unwrap().1.parse().unwrap())
                .collect::<Vec<_>>()
                .try_into()
                .unwrap();
            let fewer = if h100 > STOCK { stock(h100 - 1, h200) } else { stock(h100, h200 - 1) };
            assert!(!asked(text, &changes(&[(&path, &fewer)])).feasible, "{way} {fewer}");
        }
        let (path, users) = change(ways.iter().find(|way| way.starts_with("--users ")).unwrap());
        let more = users.parse::<u64>().unwrap() + 1;
        assert!(!asked(text, &vec![(path, more.to_string())]).feasible, "{users}");
    }
}

#[test]
fn law_a_limit_that_is_a_little_tighter_does_not_suffice() {
    let many = stock(9, 9);
    let at = |power: &str| asked(CLASSES, &changes(&[("limits.max_power", power), ("limits.stock", &many)]));
    let found = at("150 kW");
    let (_, power) = change(&flags(&found)[0]);
    let tighter = power.trim_end_matches(" kW").parse::<f64>().unwrap() - 1.0;
    assert!(at(&power).feasible && !at(&format!("{tighter} kW")).feasible, "{power}");
    assert!(found.difficulty.unwrap().binding.contains(&power));
}

#[test]
fn hand_a_class_that_nobody_serves_is_named() {
    let found = asked(CLASSES, &changes(&[("classes.documents.ttft", "50 ms")]));
    let difficulty = found.difficulty.unwrap();
    let binding = difficulty.binding;
    assert!(binding.starts_with("documents, h100_hgx: the first token takes "), "{binding}");
    assert!(found.kinds.iter().all(|kind| kind.racks == 0));
    // Racks do not make it faster.
    assert!(difficulty.relaxations.iter().all(|way| !way.flag.starts_with("--stock")));
}
