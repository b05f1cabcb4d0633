//! Racks of several kinds that serve several classes of requests: none is left out, each is within its own targets, and
//! dividing racks between classes is never worse than leaving them together.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use rackplan_scenario::answer::{MixAnswer, MixKind, SizeAnswer};
use rackplan_scenario::{Inputs, Layers, Origin, run};

const MODEL: &str = "model = 'Llama-3.1-70B'\nquant = 'fp8'\n[search]\ntp = '1,2,4,8'\npp = '1'\ndp = '1'\n";
const PEOPLE: &str = "[workload]\nusers = 4000\nthink_time = '30s'\n";
const REQUESTS: &str = "[workload]\nrate = 90\n";
const CLASSES: &str = "[classes.chat]\nshare = 3\nisl = 1200\nosl = 250\nttft = '1s'\ntpot = '40ms'\n\
                       [classes.documents]\nshare = 1\nisl = 12000\nosl = 400\nttft = '4s'\ntpot = '60ms'\n";

fn layers(text: &str, more: &[(&str, &str)]) -> Layers {
    let mut layers = Layers::default();
    layers.add_file("a.toml", &(MODEL.to_owned() + text)).unwrap();
    for (path, value) in more {
        layers.add(path, value, Origin::Set);
    }
    layers
}

fn mix(text: &str, stock: &str, more: &[(&str, &str)]) -> MixAnswer {
    let more: Vec<_> = [("limits.stock", stock)].iter().chain(more).copied().collect();
    run::mix(&Inputs::default(), &layers(text, &more)).unwrap().answer
}

fn plain(text: &str, (hardware, racks): (&str, &str), more: &[(&str, &str)]) -> SizeAnswer {
    let limits = [("hardware", hardware), ("limits.max_racks", racks)];
    let more: Vec<_> = limits.iter().chain(more).copied().collect();
    run::size(&Inputs::default(), &layers(text, &more)).unwrap().answer
}

fn both(load: &str) -> String {
    load.to_owned() + CLASSES
}

const OBJECTIVES: [&str; 3] = ["gpus", "cost", "power"];

fn bill(found: &MixAnswer) -> f64 {
    match found.objective.as_str() {
        "cost" => found.total.usd_per_hour.unwrap(),
        "power" => found.total.power_w.unwrap(),
        _ => found.total.gpus_provisioned as f64,
    }
}

#[test]
fn law_every_class_is_served_whole_and_within_its_targets() {
    for load in [PEOPLE, REQUESTS] {
        let found = mix(&both(load), "gb200_nvl72=1,h200_hgx=4", &[]);
        assert!(found.feasible && found.difficulty.is_none());
        assert_eq!(found.classes.len(), 2);
        for class in &found.classes {
            assert!((class.served - 1.0).abs() < 1e-9, "{class:?}");
            let parts: f64 = class.on.iter().map(|on| on.part).sum();
            assert!((parts - 1.0).abs() < 1e-9, "{class:?}");
        }
        let shares: f64 = found.kinds.iter().map(|kind| kind.share).sum();
        assert!((shares - 1.0).abs() < 1e-9);
        for seen in found.kinds.iter().filter_map(|kind| kind.deployment.as_ref()).flat_map(|d| &d.classes) {
            assert!(seen.ttft_s <= seen.ttft_target_s && seen.tpot_s <= seen.tpot_target_s, "{seen:?}");
        }
    }
}

#[test]
fn law_requests_of_each_class_come_as_they_are_sent() {
    let found = mix(&both(REQUESTS), "gb200_nvl72=1,h200_hgx=4", &[]);
    let of = |name: &str| -> f64 {
        let seen = found.kinds.iter().filter_map(|kind| kind.deployment.as_ref()).flat_map(|d| &d.classes);
        seen.filter(|class| class.name == name).map(|class| class.requests_per_s).sum()
    };
    let (chat, documents) = (of("chat"), of("documents"));
    assert!((chat / 67.5 - 1.0).abs() < 1e-3 && (documents / 22.5 - 1.0).abs() < 1e-3, "{chat} {documents}");
}

#[test]
fn law_a_mix_is_never_worse_than_one_kind_that_serves_all_classes_together() {
    let text = both(PEOPLE);
    for objective in OBJECTIVES {
        let more = [("search.objective", objective)];
        for stock in [("gb200_nvl72", "2"), ("h200_hgx", "6")] {
            let alone = plain(&text, stock, &more);
            let found = mix(&text, &format!("{}={}", stock.0, stock.1), &more);
            let wide = mix(&text, "gb200_nvl72=2,h200_hgx=6", &more);
            let d = alone.deployment.unwrap();
            let before = match objective {
                "cost" => d.money.unwrap().usd_per_hour,
                "power" => d.power.unwrap().facility_w,
                _ => d.capacity.gpus_provisioned as f64,
            };
            assert!(found.feasible && wide.feasible, "{objective} {stock:?}");
            for bill in [bill(&found), bill(&wide)] {
                assert!(bill <= before * (1.0 + 1e-12), "{objective} {stock:?}: {bill} {before}");
            }
            let together = found.undivided.and_then(|all| all.usd_per_hour);
            assert!(
                together.is_none_or(|usd| found.total.usd_per_hour.unwrap() <= usd * (1.0 + 1e-12))
                    || objective != "cost"
            );
        }
    }
}

#[test]
fn law_more_stock_is_never_worse() {
    let text = both(PEOPLE);
    for (objective, (gb200, h200)) in OBJECTIVES.into_iter().zip([(0, 3), (1, 1), (1, 2)]) {
        let more = [("search.objective", objective)];
        let at = |gb200, h200| mix(&text, &format!("gb200_nvl72={gb200},h200_hgx={h200}"), &more);
        let held = at(gb200, h200);
        let served = |found: &MixAnswer| 1.0 - found.shortfall.map_or(0.0, |short| short.share);
        for found in [at(gb200 + 1, h200), at(gb200, h200 + 1)] {
            assert!(served(&found) >= served(&held) - 1e-9);
            assert!(!held.feasible || bill(&found) <= bill(&held) * (1.0 + 1e-12));
        }
    }
}

#[test]
fn law_one_class_that_is_all_is_asked_as_if_there_were_none() {
    let without = "[workload]\nusers = 4000\nthink_time = '30s'\nisl = 1200\nosl = 250\n[targets]\nttft = '1s'\ntpot = '40ms'\n";
    let class = "[classes.chat]\nshare = 2\nisl = 1200\nosl = 250\nttft = '1s'\ntpot = '40ms'\n";
    let stock = "gb200_nvl72=1,h200_hgx=4";
    let (one, none) = (mix(&(PEOPLE.to_owned() + class), stock, &[]), mix(without, stock, &[]));
    let plain = |kind: &MixKind| {
        let d = kind.deployment.as_ref();
        (
            kind.racks,
            kind.share,
            kind.most,
            d.map(|d| (d.gpus_active, d.users, d.ttft_s, d.tpot_s, d.layout.clone())),
        )
    };
    assert_eq!(
        one.kinds.iter().map(plain).collect::<Vec<_>>(),
        none.kinds.iter().map(plain).collect::<Vec<_>>()
    );
    assert_eq!((one.total, one.undivided), (none.total, None));
    assert_eq!((one.classes.len(), one.classes[0].served), (1, 1.0));
}

#[test]
fn law_racks_within_stock_and_limits() {
    let text = both(PEOPLE);
    let found = mix(&text, "gb200_nvl72=1,h200_hgx=6", &[("limits.max_power", "180 kW")]);
    assert!(found.total.power_w.unwrap() <= 180e3);
    for id in ["gb200_nvl72", "h200_hgx"] {
        let of = || found.kinds.iter().filter(|kind| kind.hardware.id == id);
        assert!(of().map(|kind| kind.racks).sum::<u64>() <= of().next().unwrap().stock);
    }
}
