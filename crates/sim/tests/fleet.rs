//! What holds for fleets: nothing is lost, blocks add up, prefixes are stored before they are hit, queues wait as
//! theory says.

use proptest::prelude::*;
use rackplan_sim::{
    BatchWait, Caching, Decoders, Engine, Eviction, Fleet, KvBlocks, Observer, Outage, RequestLimits, Router,
    Row, Sample, Scaling, Simulated, Simulation, Step, StepTimes, Tier, simulate,
};
use rackplan_traffic::{Answered, Sent, Source, Stream};
use rackplan_units::{BytesPerSecond, Seconds};

/// Step times linear in what is computed and read.
#[derive(Clone, Copy)]
struct Linear;

impl StepTimes for Linear {
    fn time(&self, step: &Step<'_>) -> f64 {
        let prompts =
            step.chunks.iter().map(|c| c.prompts * c.tokens * (2e-5 + 1e-10 * (c.prefix + c.tokens / 2.0)));
        let beside = if step.chunks.is_empty() { 5e-3 } else { 5.1e-3 };
        beside + 2e-5 * step.decodes + 2e-9 * step.decodes * step.context + prompts.sum::<f64>()
    }
}

/// A step takes as long as its prompt has tokens, in milliseconds; generation takes nothing.
struct Service;

impl StepTimes for Service {
    fn time(&self, step: &Step<'_>) -> f64 {
        step.chunks.iter().map(|chunk| chunk.prompts * chunk.tokens).sum::<f64>() * 1e-3
    }
}

/// Requests of a list.
struct List(std::vec::IntoIter<Sent>, Option<u32>);

impl List {
    fn new(sent: Vec<Sent>) -> Self {
        Self(sent.into_iter(), None)
    }
}

impl Source for List {
    fn next_sent(&mut self) -> Option<Sent> {
        self.0.next()
    }

    fn block_tokens(&self) -> Option<u32> {
        self.1
    }
}

fn bare() -> Engine {
    let none = Seconds::new(0.0);
    Engine { tokenise_per_token: none, first_token_overhead: none, schedules_ahead: false, ..Engine::VLLM }
}

fn run(fleet: &Fleet, mut source: impl Source) -> Simulated {
    simulate(fleet, &[Linear], &mut source, &Simulation::default(), None)
}

fn mean(simulated: &Simulated, of: fn(&Simulated) -> Option<rackplan_sim::Latency>) -> f64 {
    of(simulated).expect("served").summary.mean.get()
}

/// Waits of an M/G/c queue: service of so many tokens, at a load per server.
fn wait(servers: u32, load: f64, tokens: impl Fn(&mut Stream) -> u32, mean_tokens: f64) -> Simulated {
    let (mut gaps, mut lengths) = (Stream::new(1, "gaps"), Stream::new(1, "lengths"));
    let gap = mean_tokens * 1e-3 / load / f64::from(servers);
    let mut at = 0.0;
    let sent = (0..200_000).map(|_| {
        at += gap * gaps.gap();
        Sent { at, input: tokens(&mut lengths), output: 1, ..Sent::default() }
    });
    let engine = Engine { max_sequences: 1, token_budget: u32::MAX, ..bare() };
    let router = Router::LeastOutstanding;
    let fleet = Fleet { router, ..Fleet::of(engine, servers) };
    simulate(&fleet, &[Service], &mut List::new(sent.collect()), &Simulation::default(), None)
}

fn exponential(random: &mut Stream) -> u32 {
    (1000.0 * random.gap()).ceil() as u32
}

#[test]
fn law_one_server_waits_as_mm1_and_md1_say() {
    for load in [0.5, 0.8] {
        for (law, squared) in [(true, 2.0), (false, 1.0)] {
            let simulated = wait(1, load, |random| if law { exponential(random) } else { 1000 }, 1000.0);
            // W = λ E[S²] / 2 (1 - ρ) = ρ (1 + c²)/2 / (1 - ρ) · S.
            let exact = load * squared / 2.0 / (1.0 - load);
            let latency = simulated.all.queueing.expect("served");
            let half = latency.half_width.expect("many requests").mean.get();
            let waited = latency.summary.mean.get();
            assert!((waited - exact).abs() < 2.0 * half + 0.002, "{load} {law}: {waited} ± {half}, {exact}");
        }
    }
}

#[test]
fn law_as_many_places_as_come_never_wait() {
    // M/G/∞: the number under way is Poisson with mean rate · service; here 50 decode steps of 5 ms beside each other.
    let mut gaps = Stream::new(2, "gaps");
    let mut at = 0.0;
    let sent = (0..20_000).map(|_| {
        at += gaps.gap() / 40.0;
        Sent { at, input: 1, output: 51, ..Sent::default() }
    });
    struct Even;
    impl StepTimes for Even {
        fn time(&self, _: &Step<'_>) -> f64 {
            5e-3
        }
    }
    let fleet = Fleet::of(bare(), 1);
    let simulated = simulate(&fleet, &[Even], &mut List::new(sent.collect()), &Simulation::default(), None);
    // Little: the mean number that generates is rate · 50 steps · 5 ms = 10; those are counted where some generate.
    let idle = (-10.0_f64).exp();
    let batch = simulated.decode_batch_mean() * (1.0 - idle);
    assert!((batch - 10.0).abs() < 0.3, "{batch}");
    assert_eq!(simulated.all.finished, 20_000);
}

/// Clients who each think for a while, exponential, after every answer.
struct Thinking {
    random: Stream,
    clients: u32,
    left: u32,
    think: f64,
    tokens: u32,
}

impl Thinking {
    fn sent(&mut self, now: f64) -> Option<Sent> {
        self.left = self.left.checked_sub(1)?;
        Some(Sent {
            at: now + self.think * self.random.gap(),
            input: self.tokens,
            output: 1,
            ..Sent::default()
        })
    }
}

impl Source for Thinking {
    fn next_sent(&mut self) -> Option<Sent> {
        self.clients = self.clients.checked_sub(1)?;
        self.sent(0.0).map(|sent| Sent { at: 0.0, ..sent })
    }

    fn answered(&mut self, answered: &Answered) -> Option<Sent> {
        self.sent(answered.at)
    }
}

#[test]
fn law_a_closed_network_has_the_throughput_of_mean_value_analysis() {
    // Ten clients, exponential thinking of 5 s, one server of 1 s. With deterministic service the machine-repair model
    // is close to M/M/1//N: 0.85 of the server at most; the exact law of M/D/1//10 lies between that and all of it.
    let engine = Engine { max_sequences: 1, token_budget: u32::MAX, ..bare() };
    let mut clients =
        Thinking { random: Stream::new(3, "think"), clients: 10, left: 50_000, think: 5.0, tokens: 1000 };
    let simulated = simulate(&Fleet::of(engine, 1), &[Service], &mut clients, &Simulation::default(), None);
    let rate = simulated.per_second(simulated.all.finished as f64);
    // Clients = rate · (thinking + response): the response-time law holds exactly.
    let response = mean(&simulated, |s| s.all.e2e);
    assert!((rate * (5.0 + response) - 10.0).abs() < 0.1, "{rate} {response}");
    assert!((0.9..=1.0).contains(&rate), "{rate}");
}

/// Conversations whose prompts grow by whole blocks, on shared first blocks.
fn conversations(count: u32, turns: u32, seed: u64) -> List {
    let mut random = Stream::new(seed, "conversations");
    let mut sent = Vec::new();
    for session in 0..count {
        let mut at = 10.0 * random.unit() + f64::from(session) * 0.05;
        for turn in 0..turns {
            let own = (0..=turn).map(|part| 1 + session * turns + part);
            let blocks: Box<[u32]> = std::iter::once(0).chain(own).collect();
            let input = 64 * blocks.len() as u32 + 7;
            sent.push(Sent {
                at,
                input,
                output: 40,
                session: Some(session),
                turn,
                blocks,
                ..Sent::default()
            });
            at += 2.0 + random.unit();
        }
    }
    sent.sort_by(|a, b| a.at.total_cmp(&b.at));
    List(sent.into_iter(), Some(64))
}

fn caching() -> Caching {
    Caching { keeps_prefixes: true, bytes_per_token: 1e5, seconds_per_token: 2e-5, ..Caching::default() }
}

fn tier(name: &str, capacity_tokens: f64, gigabytes_per_second: f64, is_shared: bool) -> Tier {
    let rate = BytesPerSecond::new(gigabytes_per_second * 1e9);
    let latency = Seconds::new(1e-4);
    Tier { name: name.into(), capacity_tokens, read: rate, write: rate, latency, is_shared }
}

#[test]
fn hand_the_second_turn_hits_what_the_first_stored() {
    let fleet = Fleet { caching: caching(), ..Fleet::of(bare(), 1) };
    let simulated = run(&fleet, conversations(1, 3, 1));
    // 2, 3 and 4 blocks of 64: nothing, two blocks, three blocks are there.
    assert_eq!(simulated.totals.hit_tokens, 64 * 5);
    let none = run(&Fleet::of(bare(), 1), conversations(1, 3, 1));
    assert_eq!(none.totals.hit_tokens, 0);
}

#[test]
fn law_a_prefix_is_never_hit_before_it_was_stored() {
    struct Rows(Vec<Row>);
    impl Observer for Rows {
        fn request(&mut self, row: &Row) {
            self.0.push(*row);
        }
    }
    let mut rows = Rows(Vec::new());
    let fleet = Fleet { caching: caching(), ..Fleet::of(Engine { kv_capacity: 40_000.0, ..bare() }, 2) };
    simulate(&fleet, &[Linear], &mut conversations(60, 6, 4), &Simulation::default(), Some(&mut rows));
    let first_token = |row: &Row| (row.sent + row.ttft.expect("served")).get();
    for row in rows.0.iter().filter(|row| row.hit_tokens > 64) {
        // More than the block that all share: an earlier turn of the same session had its prompt computed there.
        let stored = rows.0.iter().any(|other| {
            other.session == row.session
                && other.replica == row.replica
                && other.turn < row.turn
                && first_token(other) <= (row.sent + row.queueing.expect("served")).get() + 1e-9
        });
        assert!(stored, "{row:?}");
    }
    assert!(rows.0.iter().any(|row| row.hit_tokens > 64));
}

#[test]
fn law_lower_tiers_bring_back_what_hbm_let_go() {
    let small = Engine { kv_capacity: 6_000.0, ..bare() };
    let hits = |tiers: Vec<Tier>| {
        let caching = Caching { tiers, ..caching() };
        run(&Fleet { caching, ..Fleet::of(small, 1) }, conversations(80, 6, 5)).totals.hit_tokens
    };
    let none = hits(vec![]);
    let host = hits(vec![tier("host", 1e4, 50.0, false)]);
    let both = hits(vec![tier("host", 1e4, 50.0, false), tier("remote", 1e6, 10.0, true)]);
    assert!(none < host && host < both, "{none} {host} {both}");
    // A link that is slower than computing again is left alone.
    let slow = hits(vec![tier("tape", 1e6, 0.001, false)]);
    assert_eq!(slow, none);
}

#[test]
fn law_eviction_by_value_keeps_what_all_share() {
    // A block that every conversation begins with, among many that are used a few times.
    let hits = |eviction| {
        let caching = Caching { eviction, doubling_tokens: Some(8192.0), ..caching() };
        let engine = Engine { kv_capacity: 3_000.0, ..bare() };
        run(&Fleet { caching, ..Fleet::of(engine, 1) }, conversations(80, 6, 5)).totals.hit_tokens
    };
    let (lru, value) = (hits(Eviction::LeastRecentlyUsed), hits(Eviction::Value));
    assert!(value >= lru, "{value} {lru}");
}

#[test]
fn law_all_replicas_read_what_one_wrote_to_a_shared_tier() {
    let small = Engine { kv_capacity: 6_000.0, ..bare() };
    let hits = |is_shared| {
        let caching = Caching { tiers: vec![tier("store", 1e6, 50.0, is_shared)], ..caching() };
        run(&Fleet { caching, ..Fleet::of(small, 4) }, conversations(80, 6, 5)).totals.hit_tokens
    };
    let (own, shared) = (hits(false), hits(true));
    assert!(shared > own, "{shared} {own}");
}

#[test]
fn law_routers_that_know_prefixes_or_sessions_hit_more() {
    let engine = Engine { kv_capacity: 40_000.0, ..bare() };
    let hits = |router| {
        let fleet = Fleet { router, caching: caching(), ..Fleet::of(engine, 4) };
        run(&fleet, conversations(100, 6, 6)).totals.hit_tokens as f64
    };
    let blind = hits(Router::RoundRobin);
    for router in [Router::PrefixAware, Router::SessionSticky] {
        assert!(hits(router) > 1.3 * blind, "{router:?} {} {blind}", hits(router));
    }
}

#[test]
fn law_old_signals_never_balance_better() {
    let waits = |age: f64| {
        let mut gaps = Stream::new(7, "gaps");
        let mut at = 0.0;
        let sent = (0..4000).map(|_| {
            at += gaps.gap() / 60.0;
            Sent { at, input: 500, output: 100, ..Sent::default() }
        });
        let router = Router::LeastOutstanding;
        let fleet = Fleet { router, signal_age: Seconds::new(age), ..Fleet::of(bare(), 8) };
        mean(&run(&fleet, List::new(sent.collect())), |s| s.all.ttft)
    };
    let (fresh, old) = (waits(0.0), waits(5.0));
    assert!(old > 1.05 * fresh, "{old} {fresh}");
}

fn disaggregated(gigabytes_per_second: f64) -> Fleet {
    let decoders = Decoders {
        engine: bare(),
        replicas: 2,
        bytes_per_token: 1e5,
        bandwidth: BytesPerSecond::new(gigabytes_per_second * 1e9),
        latency: Seconds::new(1e-5),
        router: Router::LeastOutstanding,
        sends_first_token: false,
    };
    Fleet { decoders: Some(decoders), ..Fleet::of(bare(), 2) }
}

fn even(count: u32, gap: f64, input: u32, output: u32) -> List {
    let sent = (0..count).map(|at| Sent { at: f64::from(at) * gap, input, output, ..Sent::default() });
    List::new(sent.collect())
}

#[test]
fn hand_a_disaggregated_request_is_computed_sent_and_continued() {
    let simulated = run(&disaggregated(1.0), even(1, 1.0, 1000, 3));
    let prompt = Linear.step(0.0, 0.0, &[rackplan_sim::Chunk { prompts: 1.0, tokens: 1000.0, prefix: 0.0 }]);
    // 1000 tokens of 100 kB at 1 GB/s take 0.1 s and 10 µs; then decode steps with 1000 and 1001 cached.
    let arrives = prompt + 0.1 + 1e-5;
    let exact = arrives + Linear.step(1.0, 1000.0, &[]) + Linear.step(1.0, 1001.0, &[]);
    assert!((mean(&simulated, |s| s.all.ttft) - prompt).abs() < 2e-9);
    assert!((mean(&simulated, |s| s.all.e2e) - exact).abs() < 5e-9, "{exact}");
    assert_eq!((simulated.transfers.transfers, simulated.transfers.bytes), (1, 1e8));
    let fleet = disaggregated(1.0);
    let decoders = fleet.decoders.map(|decoders| Decoders { sends_first_token: true, ..decoders });
    let simulated = run(&Fleet { decoders, ..fleet }, even(1, 1.0, 1000, 3));
    assert!((mean(&simulated, |s| s.all.ttft) - arrives).abs() < 4e-9);
    assert!((mean(&simulated, |s| s.all.e2e) - exact).abs() < 5e-9, "{exact}");
}

#[test]
fn law_transfers_wait_for_each_other() {
    let waited = |gbs: f64| {
        let simulated = run(&disaggregated(gbs), even(400, 0.025, 1000, 100));
        (simulated.transfers.waited_s, mean(&simulated, |s| s.all.e2e))
    };
    let (slow, fast) = (waited(2.5), waited(50.0));
    assert!(slow.0 > 20.0 * fast.0 && slow.1 > fast.1, "{slow:?} {fast:?}");
}

#[test]
fn law_a_fleet_scales_with_its_load_and_pays_for_less() {
    // Two minutes of 20 requests a second between quiet ones.
    let mut sent: Vec<Sent> = Vec::new();
    let mut at = 0.0;
    while at < 360.0 {
        at += if (120.0..240.0).contains(&at) { 0.05 } else { 2.0 };
        sent.push(Sent { at, input: 1000, output: 200, ..Sent::default() });
    }
    let scaling = Scaling {
        least: 1,
        most: 8,
        requests_per_replica: 8.0,
        interval: Seconds::new(5.0),
        start_up: Seconds::new(20.0),
    };
    let router = Router::LeastOutstanding;
    let scaled = Fleet { scaling: Some(scaling), router, ..Fleet::of(bare(), 1) };
    let scaled = run(&scaled, List::new(sent.clone()));
    let fixed = run(&Fleet { router, ..Fleet::of(bare(), 8) }, List::new(sent));
    assert_eq!(scaled.all.finished, fixed.all.finished);
    assert!(scaled.replica_seconds < 0.7 * fixed.replica_seconds);
    assert!(mean(&scaled, |s| s.all.e2e) >= mean(&fixed, |s| s.all.e2e));
}

#[test]
fn law_failures_are_retried_and_nothing_is_lost() {
    let outage = |replica: u32| Outage {
        part: "gpu".into(),
        replicas: vec![replica],
        mtbf: Seconds::new(60.0),
        mttr: Seconds::new(10.0),
    };
    let router = Router::LeastOutstanding;
    let fleet = Fleet { outages: (0..3).map(outage).collect(), retries: 50, router, ..Fleet::of(bare(), 3) };
    let broken = run(&fleet, even(3000, 0.1, 1000, 300));
    let whole = run(&Fleet { router, ..Fleet::of(bare(), 3) }, even(3000, 0.1, 1000, 300));
    assert!(broken.failures > 5 && broken.retries > 0, "{broken:?}");
    assert_eq!((broken.all.finished, broken.lost, broken.unfinished), (3000, 0, 0));
    assert!(mean(&broken, |s| s.all.e2e) > mean(&whole, |s| s.all.e2e));
}

/// Requests of two classes in turn, the second as urgent as said.
fn of_two_classes(priority: u16) -> List {
    let sent = (0..2000).map(|at| Sent {
        at: f64::from(at) * 0.04,
        input: 1000,
        output: 100,
        class: (at % 2) as u16,
        priority: (at % 2) as u16 * priority,
        ..Sent::default()
    });
    List::new(sent.collect())
}

#[test]
fn law_urgent_requests_wait_less() {
    let fleet = Fleet::of(Engine { max_sequences: 16, ..bare() }, 1);
    let waits = |priority| {
        let simulated = run(&fleet, of_two_classes(priority));
        let finished: u64 = simulated.classes.iter().map(|class| class.finished).sum();
        assert_eq!(finished, simulated.all.finished);
        [0, 1].map(|class| simulated.classes[class].queueing.expect("served").summary.mean.get())
    };
    let [first, second] = waits(1);
    assert!(first < 0.5 * second, "{first} {second}");
    // Classes that are as urgent are served as they come.
    let [first, second] = waits(0);
    assert!((first / second - 1.0).abs() < 0.02, "{first} {second}");
}

#[test]
fn law_each_class_has_limits_of_its_own() {
    let (loose, strict) = (Seconds::new(1e9), Seconds::new(1e-9));
    let limits = |ttft| RequestLimits { ttft, tpot: loose, e2e: loose };
    let how = Simulation { limits: vec![limits(loose), limits(strict)], ..Simulation::default() };
    let none: Option<&mut dyn Observer> = None;
    let played = simulate(&Fleet::of(bare(), 1), &[Linear], &mut of_two_classes(0), &how, none);
    assert_eq!(played.classes.iter().map(|class| class.good).collect::<Vec<_>>(), [1000, 0]);
    assert_eq!(played.all.good, 1000);
}

#[test]
fn law_more_of_anything_never_slows() {
    let e2e = |kv: f64, replicas: u32, gbs: f64| {
        let caching = Caching { tiers: vec![tier("host", 1e5, gbs, false)], ..caching() };
        let engine = Engine { kv_capacity: kv, ..bare() };
        let router = Router::SessionSticky;
        mean(&run(&Fleet { caching, router, ..Fleet::of(engine, replicas) }, conversations(150, 6, 8)), |s| {
            s.all.e2e
        })
    };
    let base = e2e(4e3, 2, 20.0);
    for more in [e2e(16e3, 2, 20.0), e2e(4e3, 4, 20.0), e2e(4e3, 2, 200.0)] {
        assert!(more <= 1.02 * base, "{more} {base}");
    }
}

#[test]
fn law_batches_of_a_pipeline_wait_for_their_caches_and_go_on() {
    for seed in 0..20 {
        let engine = Engine { stages: 3, kv_capacity: 800.0, ..bare() };
        let tiers = vec![tier("host", 1e5, 0.5, false)];
        let caching = Caching { tiers, always_reloads: true, ..caching() };
        let fleet = Fleet { caching, ..Fleet::of(engine, 1) };
        let until = Some(Seconds::new(1000.0));
        let how = Simulation { until, ..Simulation::default() };
        let simulated = simulate(&fleet, &[Linear], &mut conversations(8, 4, seed), &how, None);
        assert_eq!((simulated.all.finished, simulated.unfinished), (32, 0), "{seed}");
        assert!(simulated.tiers[0].reads > 0, "{seed}");
    }
}

/// Keeps every sample.
#[derive(Default)]
struct Samples(Vec<Sample>);

impl Observer for Samples {
    fn sample(&mut self, sample: &Sample) {
        self.0.push(sample.clone());
    }
}

#[test]
fn law_samples_see_every_request() {
    let mut samples = Samples::default();
    let fleet = Fleet { caching: caching(), ..Fleet::of(bare(), 2) };
    let every = Simulation { sample_every: Some(Seconds::new(0.5)), ..Simulation::default() };
    let simulated = simulate(&fleet, &[Linear], &mut conversations(40, 4, 9), &every, Some(&mut samples));
    assert!(samples.0.windows(2).all(|pair| pair[0].time < pair[1].time));
    let seen: u64 = samples.0.iter().map(|sample| sample.output_tokens).sum();
    assert!(seen <= simulated.totals.output_tokens && seen > simulated.totals.output_tokens / 2);
    assert!(
        samples.0.iter().any(|sample| sample.running > 0 && sample.kv_used > 0.0 || sample.kv_used >= 0.0)
    );
}

fn routers() -> impl Strategy<Value = Router> {
    prop_oneof![
        Just(Router::RoundRobin),
        Just(Router::LeastOutstanding),
        Just(Router::LeastQueued),
        Just(Router::PowerOfTwo),
        Just(Router::PrefixAware),
        Just(Router::SessionSticky),
    ]
}

prop_compose! {
    fn fleets()(
        router in routers(),
        replicas in 1u32..5,
        capacity in 500.0f64..20_000.0,
        (ranks, budget, age) in (1u32..3, 64u32..4000, prop_oneof![Just(0.0), 0.1f64..3.0]),
        (host, remote) in (any::<bool>(), any::<bool>()),
        (splits, breaks) in (any::<bool>(), any::<bool>()),
    ) -> Fleet {
        let engine = Engine { kv_capacity: capacity, ranks, token_budget: budget, ..bare() };
        let mut tiers = Vec::new();
        if host { tiers.push(tier("host", 3000.0, 5.0, false)) }
        if remote { tiers.push(tier("remote", 9000.0, 2.0, true)) }
        let outage = Outage {
            part: "server".into(),
            replicas: vec![0, replicas],
            mtbf: Seconds::new(4.0),
            mttr: Seconds::new(1.0),
        };
        let decoders = Decoders { engine, ..disaggregated(1.0).decoders.expect("some") };
        Fleet {
            router,
            signal_age: Seconds::new(age),
            caching: Caching { tiers, ..caching() },
            decoders: splits.then_some(decoders),
            outages: if breaks { vec![outage] } else { vec![] },
            ..Fleet::of(engine, replicas)
        }
    }
}

prop_compose! {
    /// Engines with all that makes steps differ from one another.
    fn engines()(
        (ranks, stages) in prop_oneof![(1u32..4, Just(1)), (Just(1), 2u32..4)],
        tokens_per_step in prop_oneof![Just(1.0), 1.0f64..4.0],
        balance_wait in 0u32..6,
        batch_wait in proptest::option::of((1u32..20).prop_map(|steps| BatchWait { steps, filled: 0.5 })),
        (schedules_ahead, receive_interval) in (any::<bool>(), 1u32..4),
        reserved_output in prop_oneof![Just(0.0), 0.0f64..1.0],
    ) -> Engine {
        Engine {
            ranks,
            stages,
            tokens_per_step,
            balance_wait,
            batch_wait,
            schedules_ahead,
            receive_interval,
            reserved_output,
            ..bare()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn law_nothing_is_lost_and_blocks_add_up(fleet in fleets(), seed in 0u64..1000, count in 1u32..40) {
        let simulated = run(&fleet, conversations(count, 4, seed));
        let sent = u64::from(count) * 4;
        let refused: u64 = simulated.refused.values().sum();
        prop_assert_eq!(simulated.all.sent, sent);
        prop_assert_eq!(sent, simulated.all.finished + refused + simulated.lost + simulated.unfinished);
        prop_assert_eq!(simulated.unfinished, 0);
        let KvBlocks { used, shared, idle, free } = simulated.kv_blocks;
        let replicas = fleet.replicas + fleet.decoders.as_ref().map_or(0, |decoders| decoders.replicas);
        let all = f64::from(replicas * fleet.engine.ranks) * (fleet.engine.kv_capacity / 16.0).floor();
        prop_assert_eq!((used, shared), (0.0, 0.0));
        prop_assert!(idle >= 0.0 && free >= 0.0 && idle + free == all, "{:?} {all}", simulated.kv_blocks);
        for (totals, tier) in simulated.tiers.iter().zip(&fleet.caching.tiers) {
            let stores = if tier.is_shared { 1.0 } else { f64::from(replicas * fleet.engine.ranks) };
            prop_assert!(totals.tokens_peak as f64 <= stores * tier.capacity_tokens);
        }
        // The same again, byte for byte.
        prop_assert_eq!(format!("{simulated:?}"), format!("{:?}", run(&fleet, conversations(count, 4, seed))));
    }

    #[test]
    fn law_a_fleet_skips_ahead_exactly(
        fleet in fleets(), engine in engines(), seed in 0u64..1000, count in 1u32..30, until in 1.0f64..30.0,
    ) {
        let Engine { kv_capacity, token_budget, .. } = fleet.engine;
        let engine = Engine { kv_capacity, token_budget, ..engine };
        let decoders = fleet.decoders.clone().map(|decoders| Decoders { engine, ..decoders });
        let fleet = Fleet { engine, decoders, ..fleet };
        let seen = |skip_ahead| {
            let mut samples = Samples::default();
            let every = Some(Seconds::new(0.7));
            let until = (until < 20.0).then(|| Seconds::new(until));
            let how = Simulation { skip_ahead, sample_every: every, until, ..Simulation::default() };
            let mut clients = conversations(count, 4, seed);
            let simulated = simulate(&fleet, &[Linear], &mut clients, &how, Some(&mut samples));
            (simulated, samples.0)
        };
        let (skipping, stepping) = (seen(true), seen(false));
        let differs = skipping.1.iter().zip(&stepping.1).find(|(left, right)| left != right);
        prop_assert!(differs.is_none(), "{differs:?}");
        // To the last bit of every sum.
        prop_assert_eq!(format!("{skipping:?}"), format!("{stepping:?}"));
    }
}
