//! Racks of several kinds: what they serve together follows from what each serves alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use rackplan_scenario::answer::{MixAnswer, SizeAnswer};
use rackplan_scenario::{Inputs, Layers, Origin, QuestionError, run};

const QUESTION: [(&str, &str); 7] = [
    ("model", "Llama-3.1-70B"),
    ("quant", "fp8"),
    ("workload.users", "3000"),
    ("workload.think_time", "30s"),
    ("workload.isl", "2k"),
    ("search.tp", "1,2,4,8"),
    ("search.pp", "1"),
];

fn layers(more: &[(&str, &str)]) -> Layers {
    let mut layers = Layers::default();
    for (path, value) in QUESTION.iter().chain(more) {
        layers.add(path, value, Origin::Flag(format!("--{path}")));
    }
    layers
}

fn asked(stock: &str, more: &[(&str, &str)]) -> Result<MixAnswer, QuestionError> {
    let more: Vec<_> = [("limits.stock", stock)].iter().chain(more).copied().collect();
    run::mix(&Inputs::default(), &layers(&more)).map(|found| found.answer)
}

fn mix(stock: &str, more: &[(&str, &str)]) -> MixAnswer {
    asked(stock, more).unwrap()
}

fn plain(hardware: &str, racks: &str, more: &[(&str, &str)]) -> SizeAnswer {
    let limits = [("hardware", hardware), ("limits.max_racks", racks)];
    let more: Vec<_> = limits.iter().chain(more).copied().collect();
    run::size(&Inputs::default(), &layers(&more)).unwrap().answer
}

/// A rack of h100_hgx has four servers of eight, as has one of h200_hgx.
const STOCKS: [(u64, u64); 5] = [(1, 1), (2, 0), (0, 2), (1, 3), (4, 1)];

fn stock((h100, h200): (u64, u64)) -> String {
    format!("h100_hgx={h100},h200_hgx={h200}")
}

#[test]
fn law_a_mix_serves_whoever_one_of_its_kinds_serves_alone() {
    for users in ["500", "3000", "9000"] {
        let load = [("workload.users", users)];
        for of in STOCKS {
            let found = mix(&stock(of), &load);
            let alone =
                |hardware, racks: u64| racks > 0 && plain(hardware, &racks.to_string(), &load).feasible;
            let either = alone("h100_hgx", of.0) || alone("h200_hgx", of.1);
            assert!(found.feasible || !either, "{users} users on {of:?}");
            let most: f64 = found.kinds.iter().map(|kind| kind.most).sum();
            assert_eq!(found.feasible, most >= users.parse().unwrap(), "{users} users on {of:?}");
        }
    }
}

#[test]
fn law_one_kind_alone_is_the_plain_question() {
    for objective in ["gpus", "cost", "power"] {
        let more = [("search.objective", objective)];
        for named in ["h200_hgx=5", "h200_hgx=5,h100_hgx=0", "b200_hgx=0,h200_hgx=5"] {
            let found = mix(named, &more);
            let plain = plain("h200_hgx", "5", &more).deployment.unwrap();
            let kind = found.kinds.iter().find(|kind| kind.hardware.id == "h200_hgx").unwrap();
            let own = kind.deployment.as_ref().unwrap();
            assert_eq!((kind.racks, own.gpus_active), (plain.capacity.racks, plain.capacity.gpus_active));
            assert_eq!((own.replicas, own.users), (plain.capacity.instances_needed, Some(3000)));
            let latency = plain.latency.unwrap();
            assert_eq!((own.ttft_s, own.tpot_s), (latency.ttft_s, latency.tpot_s));
            assert_eq!(own.usd_per_hour, plain.money.map(|money| money.usd_per_hour));
            assert_eq!((kind.share, found.total.racks), (1.0, kind.racks));
        }
    }
}

#[test]
fn law_more_stock_never_makes_the_bill_worse() {
    let bill = |found: &MixAnswer, objective: &str| match objective {
        "cost" => found.total.usd_per_hour.unwrap(),
        "power" => found.total.power_w.unwrap(),
        _ => found.total.gpus_provisioned as f64,
    };
    for objective in ["gpus", "cost", "power"] {
        let more = [("search.objective", objective), ("workload.users", "4000")];
        for (h100, h200) in [(2, 1), (3, 0), (1, 2), (4, 4)] {
            let held = mix(&stock((h100, h200)), &more);
            for larger in [(h100 + 1, h200), (h100, h200 + 1)] {
                let found = mix(&stock(larger), &more);
                assert!(found.feasible || !held.feasible);
                if held.feasible {
                    let (now, before) = (bill(&found, objective), bill(&held, objective));
                    assert!(now <= before * (1.0 + 1e-12), "{objective} {larger:?}: {now} {before}");
                }
            }
        }
    }
}

#[test]
fn law_limits_on_power_and_cost_are_kept_together() {
    let of = stock((3, 3));
    let served = |found: &MixAnswer| 1.0 - found.shortfall.map_or(0.0, |short| short.share);
    for objective in ["gpus", "cost", "power"] {
        let at = |limit: &str, value: &str| {
            mix(&of, &[("search.objective", objective), ("workload.users", "6000"), (limit, value)])
        };
        let free = at("limits.headroom", "0");
        for (limit, unit, all) in [
            ("limits.max_power", "W", free.total.power_w.unwrap()),
            ("limits.max_cost", "USD/h", free.total.usd_per_hour.unwrap()),
        ] {
            let mut before = 0.0;
            for share in [0.05, 0.4, 0.7, 1.0, 2.0] {
                let most = all * share;
                let found = at(limit, &format!("{most} {unit}"));
                let limits = found.limits.unwrap();
                let (drawn, allowed) = match limits.power_w {
                    Some(power) => (found.total.power_w.unwrap(), power),
                    None => (found.total.usd_per_hour.unwrap(), limits.usd_per_hour.unwrap()),
                };
                assert!(drawn <= allowed * (1.0 + 1e-6), "{drawn} of {allowed}");
                assert!(served(&found) >= before - 1e-9, "{objective} {limit} {share}");
                before = served(&found);
            }
            // What the racks take without a limit is a limit that changes nothing.
            assert_eq!(served(&at(limit, &format!("{all} {unit}"))), served(&free));
        }
    }
}

#[test]
fn law_one_kind_alone_within_limits_is_the_plain_question_within_them() {
    for limit in [("limits.max_power", "120 kW"), ("limits.max_cost", "100 USD/h")] {
        let more = [("workload.users", "2500"), limit];
        let found = mix("h200_hgx=5", &more);
        let plain = plain("h200_hgx", "5", &more).deployment.unwrap();
        let own = found.kinds[0].deployment.as_ref().unwrap();
        assert_eq!((found.feasible, own.gpus_active), (true, plain.capacity.gpus_active));
        let short = mix("h200_hgx=5", &[("workload.users", "90000"), limit]);
        assert!(!short.feasible && short.total.racks == 2, "{:?}", short.total);
    }
}

#[test]
fn law_parts_add_up() {
    for users in ["500", "3000", "30000"] {
        let found = mix("h100_hgx=2,b200_hgx=1,h200_hgx=1", &[("workload.users", users)]);
        let used: Vec<_> = found.kinds.iter().filter_map(|kind| kind.deployment.as_ref()).collect();
        let served: u64 = used.iter().filter_map(|d| d.users).sum();
        let lacking = found.shortfall.map_or(0, |short| short.users.unwrap());
        assert_eq!(served + lacking, users.parse::<u64>().unwrap());
        let shares: f64 = found.kinds.iter().map(|kind| kind.share).sum();
        assert!((shares + found.shortfall.map_or(0.0, |short| short.share) - 1.0).abs() < 1e-9);
        assert_eq!(used.iter().map(|d| d.gpus_active).sum::<u64>(), found.total.gpus_active);
        for kind in &found.kinds {
            assert!(kind.racks <= kind.stock);
            assert!(kind.deployment.as_ref().is_none_or(|d| d.ttft_s <= 2.0 && d.tpot_s <= 0.05));
        }
    }
}

#[test]
fn law_spares_and_headroom_take_their_part() {
    let most = |more: &[(&str, &str)]| mix("h100_hgx=1,h200_hgx=1", more).kinds[1].most;
    let free = most(&[]);
    assert!(most(&[("limits.spares", "1")]) < free);
    assert!((most(&[("limits.headroom", "0.25")]) / free - 0.8).abs() < 1e-9);
    assert!(most(&[("limits.spares", "auto")]) < free);
}

#[test]
fn hand_a_kind_that_cannot_hold_the_model_says_so_and_takes_nothing() {
    let found =
        mix("l40s_8=3,h200_hgx=40", &[("model", "deepseek-r1"), ("search.tp", "8"), ("search.dp", "1")]);
    let l40s = &found.kinds[0];
    assert_eq!((l40s.racks, l40s.most, l40s.share), (0, 0.0, 0.0));
    assert!(l40s.reason.as_ref().is_some_and(|reason| reason.contains("memory")), "{:?}", l40s.reason);
    assert!(found.feasible && found.kinds[1].reason.is_none());
}

#[test]
fn law_a_rate_is_shared_as_users_are() {
    let mut layers = Layers::default();
    let rate = [("workload.rate", "60"), ("limits.stock", "h100_hgx=2,h200_hgx=2")];
    let people = ["workload.users", "workload.think_time"];
    for (path, value) in QUESTION.iter().chain(&rate).filter(|(path, _)| !people.contains(path)) {
        layers.add(path, value, Origin::Set);
    }
    let found = run::mix(&Inputs::default(), &layers).unwrap().answer;
    assert!(found.load.users.is_none());
    let served: f64 =
        found.kinds.iter().filter_map(|k| k.deployment.as_ref()).map(|d| d.requests_per_s).sum();
    let lacking = found.shortfall.map_or(0.0, |short| short.share);
    assert!((served / (60.0 * (1.0 - lacking)) - 1.0).abs() < 1e-3, "{served} {lacking}");
}

#[test]
fn hand_the_plain_question_refuses_a_stock() {
    let error = run::size(&Inputs::default(), &layers(&[("limits.stock", "h200_hgx=2")])).unwrap_err();
    assert!(error.to_string().starts_with("--limits.stock: "), "{error}");
}
