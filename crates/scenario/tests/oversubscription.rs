//! A network that carries less than what is below its switches sends: what passes it takes longer, whoever asks, and what
//! does not pass it does not.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use rackplan_scenario::answer::{SimulateResult, SizeAnswer};
use rackplan_scenario::simulation::{Lent, Nobody};
use rackplan_scenario::{Inputs, Layers, Origin, QuestionError, run};

type Settings<'a> = [(&'a str, &'a str)];

fn layers(settings: &Settings, more: &Settings) -> Layers {
    let mut layers = Layers::default();
    for (path, value) in settings.iter().chain(more) {
        layers.add(path, value, Origin::Flag(format!("--{path}")));
    }
    layers
}

const PLAYED: [(&str, &str); 6] = [
    ("model", "llama-3.1-70b"),
    ("quant", "fp8"),
    ("hardware", "h100_hgx"),
    ("workload.isl", "1500"),
    ("workload.osl", "40"),
    ("workload.requests", "200"),
];

/// Without a word of it where the ratio is empty.
fn asked(settings: &Settings, ratio: &str) -> Result<(SimulateResult, Vec<String>), QuestionError> {
    let said = [("oversubscription", ratio)];
    let more = [settings, if ratio.is_empty() { &[] } else { &said }].concat();
    let mut lent = Lent { trace: None, op_tables: Vec::new(), watch: &mut Nobody, interrupted: &|| false };
    let found = run::simulate(&Inputs::default(), &layers(&PLAYED, &more), &mut lent)?;
    Ok((found.answer.result.unwrap(), found.warnings))
}

fn play(settings: &Settings, ratio: &str) -> SimulateResult {
    asked(settings, ratio).unwrap().0
}

/// One to one is what stands without a word.
const EVEN: &str = "inter_server=1,inter_rack=1";

#[test]
fn law_steps_across_servers_wait_for_the_network() {
    // Two servers of eight.
    let across = [("search.tp", "16"), ("workload.rate", "2")];
    let tpot = |ratio| play(&across, ratio).tpot.unwrap().mean_s;
    assert!(tpot("inter_server=4") > 1.05 * tpot(EVEN), "{} {}", tpot("inter_server=4"), tpot(EVEN));
    assert_eq!(play(&across, ""), play(&across, EVEN));
    assert_eq!(play(&across, ""), play(&across, "inter_rack=8"));
}

#[test]
fn law_caches_on_their_way_wait_for_the_network() {
    let pools = [("search.tp", "8"), ("workload.rate", "2"), ("fleet.decode_replicas", "1")];
    let time =
        |more: &Settings, ratio| play(&[&pools[..], more].concat(), ratio).transfers.unwrap().time_mean_s;
    let (even, quarter) = (time(&[], EVEN), time(&[], "inter_server=4"));
    assert!(quarter > 3.0 * even && quarter < 4.0 * even, "{even} {quarter}");
    // A link of their own is not oversubscribed.
    let own = [("links", "kv_transfer=ib_ndr")];
    assert_eq!(time(&own, EVEN), time(&own, "inter_server=4"));
}

const TALKS: [(&str, &str); 8] = [
    ("search.tp", "4"),
    ("workload.users", "20"),
    ("workload.think_time", "20s"),
    ("workload.turns", "6"),
    ("workload.requests", "400"),
    ("workload.isl", "4000"),
    ("engine.kv_blocks", "2500"),
    ("fleet.replicas", "1"),
];

#[test]
fn law_caches_in_a_remote_store_come_over_the_network() {
    let reload = |tier: &str, ratio| {
        let found = play(&[&TALKS[..], &[("kv_tier", tier)]].concat(), ratio);
        let tier = &found.cache.tiers[0];
        assert!(tier.read_tokens > 0, "{tier:?}");
        tier.reload_mean_s.unwrap()
    };
    let (even, tenth) = (reload("remote", EVEN), reload("remote", "inter_rack=10"));
    assert!(tenth > 2.0 * even, "{even} {tenth}");
    assert_eq!(reload("host", EVEN), reload("host", "inter_rack=10"));
}

#[test]
fn hand_what_stays_in_a_server_is_told_so() {
    let inside = [("search.tp", "8"), ("workload.rate", "2")];
    let (found, warnings) = asked(&inside, "inter_server=4").unwrap();
    assert_eq!(found, play(&inside, ""));
    let said = "--oversubscription changes nothing: no step, cache or transfer leaves a server";
    assert_eq!(warnings, [said]);
    let problem = asked(&inside, "inter_hall=2").unwrap_err().to_string();
    assert!(problem.contains("`inter_hall` is no level"), "{problem}");
}

#[test]
fn law_plans_with_a_remote_store_pay_for_the_network() {
    let question = [
        ("model", "llama-3.1-70b"),
        ("quant", "fp8"),
        ("hardware", "h100_hgx"),
        ("workload.users", "400"),
        ("workload.think_time", "30s"),
        ("workload.context", "16000"),
        ("workload.isl", "1000"),
        ("search.tp", "8"),
        ("search.pp", "1"),
    ];
    let reload = |tier: &str, ratio: &str| {
        let more = [("kv_tier", tier), ("oversubscription", ratio)];
        let found: SizeAnswer = run::size(&Inputs::default(), &layers(&question, &more)).unwrap().answer;
        found.deployment.unwrap().kv_placement.unwrap().reload_s.unwrap()
    };
    let (even, tenth) = (reload("remote", EVEN), reload("remote", "inter_rack=10"));
    assert!(tenth > 2.0 * even, "{even} {tenth}");
    assert_eq!(reload("host", EVEN), reload("host", "inter_rack=10"));
}
