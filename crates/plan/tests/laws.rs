//! What must hold for any question: more users never take fewer accelerators, looser targets never more, more choices
//! never more, and threads change nothing.

use proptest::prelude::*;
use rackplan_catalog::model::WeightDtype;
use rackplan_catalog::{Backend, Catalog, Framework, Gpu, Model};
use rackplan_perf::collectives::send::Path;
use rackplan_perf::operators::moe_routing::Routing;
use rackplan_perf::{Deployment, Device, Engines, Kernels, ParallelPlan, Precision};
use rackplan_plan::{
    Found, KvPolicy, Modes, Pace, Pools, Population, Promise, Question, Rank, Rejection, Request, Scheduler,
    Site, Sizes, Space, Targets, Tier, TierKind, Workers, highest, operating, pareto, rules, search,
    search_best,
};
use rackplan_units::Seconds;
use std::sync::OnceLock;

const HGX: Site = Site { gpus_per_server: 8, servers_per_rack: 4 };

/// What questions draw on, read once.
struct Fixture {
    catalog: Catalog,
    kernels: [Kernels; 3],
    models: [Model; 2],
    gpu: Gpu,
}

fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let catalog = Catalog::builtin();
        let model = |name: &str| catalog.get::<Model>(name).expect("it is in the catalog").record;
        let gpu: Gpu = catalog.get("h100_sxm").expect("it is in the catalog").record;
        let engines = Engines::new(&catalog);
        Fixture {
            kernels: Backend::ALL.map(|backend| Kernels::on(("h100_sxm", device(&gpu)), backend, &engines)),
            models: [model("meta-llama/Llama-3.1-8B"), model("Qwen/Qwen3-30B-A3B")],
            gpu,
            catalog,
        }
    })
}

fn device(gpu: &Gpu) -> Device {
    Device::new(gpu).expect("a complete entry")
}

/// A question that varies.
#[derive(Clone, Copy, Debug)]
struct Asked {
    model: usize,
    backend: Backend,
    input: f64,
    output: f64,
    think: f64,
    users: f64,
    ttft: f64,
    tpot: f64,
}

fn asked() -> impl Strategy<Value = Asked> {
    let shape = (0_usize..2, 0_usize..3, 100.0..9000.0, 20.0..2000.0);
    let people = (0.0..100.0, 1.0..20_000.0, 0.2..5.0, 0.005..0.1);
    (shape, people).prop_map(|((model, backend, input, output), (think, users, ttft, tpot))| {
        let backend = Backend::ALL[backend];
        Asked { model, backend, input, output, think, users, ttft, tpot }
    })
}

impl Asked {
    fn question(&self) -> Question<'static> {
        let fixture = fixture();
        let framework: Framework = fixture.catalog.get(self.backend.name()).expect("an entry").record;
        let request = Request::new(self.input.round(), self.output.round());
        Question {
            deployment: Deployment {
                model: &fixture.models[self.model],
                gpu: "h100_sxm",
                device: device(&fixture.gpu),
                backend: self.backend,
                plan: ParallelPlan::SINGLE,
                precision: Precision::uniform(WeightDtype::Fp8, 1.0),
                routing: Some(Routing::Uniform),
                redundant_experts: 0,
                draft_tokens: 0,
            },
            kernels: &fixture.kernels[self.backend as usize],
            scheduler: Scheduler::new(&framework, fixture.gpu.memory.capacity, request.input),
            request,
            classes: &[],
            pace: Pace::default(),
            policies: &[KvPolicy::HBM],
            modes: Modes::Aggregated,
            transfer: None,
            population: Population::Users { users: self.users, think_time: Seconds::new(self.think) },
            targets: Targets {
                ttft: Seconds::new(self.ttft),
                tpot: Seconds::new(self.tpot),
                e2e: Seconds::new(f64::INFINITY),
                percentile: Some(0.95),
            },
            batches: &[],
        }
    }

    fn found(&self, sizes: Sizes) -> Vec<Found> {
        search(&self.question(), &space(self.model == 1, sizes)).found
    }

    /// The fewest accelerators.
    fn gpus(&self, sizes: Sizes) -> u64 {
        let sized = |found: &Found| {
            let load = (self.users, found.served.taken);
            HGX.size(load, 0.0, 0, found.gpus()).gpus_active
        };
        self.found(sizes).iter().map(sized).min().unwrap_or(u64::MAX)
    }
}

fn space(experts: bool, sizes: Sizes) -> Space {
    Space { sizes, prefill: Sizes::default(), experts, domain: 8 }
}

fn few() -> Sizes {
    Sizes { tp: vec![1, 4], pp: vec![1], ep: vec![], dp: vec![1, 2] }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn law_more_users_never_take_fewer(asked in asked(), more in 1.0..10.0) {
        let many = Asked { users: asked.users * more, ..asked };
        prop_assert!(many.gpus(few()) >= asked.gpus(few()));
    }

    #[test]
    fn law_the_best_is_found_without_evaluating_all(asked in asked(), apart in any::<bool>()) {
        let modes = if apart { Modes::Disaggregated } else { Modes::Aggregated };
        let (question, space) = (Question { modes, ..asked.question() }, space(asked.model == 1, Sizes::default()));
        let rank_of = |promise: Promise| {
            let sizing = HGX.size((asked.users, promise.most), 0.0, 0, promise.gpus);
            Rank([sizing.gpus_active, sizing.racks, 0, 0])
        };
        let best = |found: &[Found]| {
            let taken = |found: &Found| Promise { gpus: found.gpus(), most: found.served.taken };
            found.iter().map(|found| rank_of(taken(found))).min()
        };
        let (all, few) = (search(&question, &space), search_best(&question, &space, &rank_of));
        // Units that are left out when all are asked for are replaced by others as far as their pools say, not by rank.
        prop_assert!(best(&few.found).is_none_or(|found| Some(found) <= best(&all.found)));
        prop_assert!(best(&few.found).is_some() || all.found.is_empty());
        if !apart {
            prop_assert_eq!(best(&all.found), best(&few.found));
        }
    }

    #[test]
    fn law_looser_targets_never_take_more(asked in asked(), ttft in 1.0..3.0, tpot in 1.0..3.0) {
        let loose = Asked { ttft: asked.ttft * ttft, tpot: asked.tpot * tpot, ..asked };
        prop_assert!(loose.gpus(few()) <= asked.gpus(few()), "{} {}", loose.gpus(few()), asked.gpus(few()));
    }

    #[test]
    fn law_more_choices_never_take_more(asked in asked()) {
        let all = Sizes { tp: vec![1, 2, 4], dp: vec![1, 2, 4], ..few() };
        prop_assert!(asked.gpus(all) <= asked.gpus(few()));
    }

    #[test]
    fn law_what_serves_is_within_targets_and_places(asked in asked()) {
        for found in asked.found(few()) {
            let (served, point) = (&found.served, &found.served.point);
            prop_assert!(served.ttft <= asked.ttft && served.tpot <= asked.tpot, "{served:?}");
            prop_assert!(point.ttft <= served.ttft + 1e-12 && point.tpot <= served.tpot + 1e-12, "{served:?}");
            prop_assert!(point.generating <= (found.cached * f64::from(found.plan.dp)).max(1.0), "{served:?}");
            prop_assert!(point.prefill_load < 1.0 && point.queue_load < 1.0, "{point:?}");
            // Little: those who generate are the rate times the time that they do.
            let generating = point.requests_per_second * asked.output.round() * point.tpot;
            prop_assert!((generating / point.generating - 1.0).abs() < 1e-9, "{point:?}");
        }
    }

    #[test]
    fn law_what_users_get_is_within_what_a_replica_can(asked in asked(), part in 0.01..1.0) {
        let question = asked.question();
        for found in asked.found(few()) {
            let operators = question.operators(&found);
            let station = question.station(&found, &operators);
            let (most, load) = (found.served.point.generating, part * found.served.taken);
            let seen = operating(&station, &question.targets, &question.population, load, most);
            // Users think or wait: N = X (Z + R).
            let users = question.population.taken(seen.point.requests_per_second, seen.point.e2e);
            // Fewer than one request on a rank meet nobody, and where there is one that ends with a jump.
            let alone = seen.point.generating < 1.001 * f64::from(found.plan.dp);
            prop_assert!((users / load - 1.0).abs() < 0.01 || alone, "{users} {load}");
            prop_assert!(seen.point.generating <= most * (1.0 + 1e-9));
        }
    }

    #[test]
    fn law_workers_of_their_own_are_a_choice(asked in asked()) {
        let question = Question { modes: Modes::Auto, ..asked.question() };
        let both = search(&question, &space(asked.model == 1, few()));
        let together = asked.found(few());
        prop_assert_eq!(both.found.iter().filter(|found| found.pools.is_none()).count(), together.len());
        for found in both.found.iter().filter(|found| found.pools.is_some()) {
            let served = &found.served;
            prop_assert!(served.ttft <= asked.ttft && served.tpot <= asked.tpot, "{served:?}");
            prop_assert!(served.point.queue_load < 1.0, "{served:?}");
        }
    }

    #[test]
    fn law_drafted_tokens_that_are_accepted_help(asked in asked(), accepted in 1.0..3.0) {
        let question = asked.question();
        let plan = ParallelPlan::SINGLE;
        let compiled = question.compiled(plan);
        let replica = question.replica(plan, &compiled);
        let fast = replica.paced(Pace { accepted, ..Pace::default() });
        let (one, more) = (replica.at(16.0), fast.at(16.0));
        prop_assert!(more.requests_per_second >= one.requests_per_second * (1.0 - 1e-9));
        prop_assert!(more.tpot <= one.tpot * (1.0 + 1e-9));
        let slow = replica.paced(Pace { slower: accepted, ..Pace::default() }).at(16.0);
        prop_assert!(slow.tpot >= one.tpot && slow.ttft >= one.ttft);
    }
}

#[test]
fn hand_each_worker_tokenises_what_comes_to_it() {
    let asked = Asked {
        model: 1,
        backend: Backend::Sglang,
        input: 1000.0,
        output: 100.0,
        think: 0.0,
        users: 1.0,
        ttft: 10.0,
        tpot: 0.1,
    };
    let base = asked.question();
    let first = |tokenise: f64| {
        let question = Question { scheduler: Scheduler { tokenise, ..base.scheduler }, ..base };
        let plan = ParallelPlan { tp: 1, pp: 1, ep: 8, dp: 8 };
        let compiled = question.compiled(plan);
        let replica = question.replica(plan, &compiled);
        let workers = Workers { prefill: 1, decode: 1 };
        let pools = Pools::new(replica, replica, workers, Path::ScaleUp);
        let point = pools.at(64.0);
        (point.ttft, point.requests_per_second)
    };
    // Half of the time of either worker's tokeniser, whatever its ranks: σ = 0.5/λ, and W = ρσ / (2 (1 - ρ)) = σ/2.
    let (without, rate) = first(0.0);
    let each = 0.5 / rate;
    let (with, _) = first(each / 1000.0);
    assert!(((with - without) / (2.0 * 1.5 * each) - 1.0).abs() < 1e-9, "{with} {without} {each}");
}

/// A conversation of 20,000 tokens to which 500 are added.
fn conversation(policy: KvPolicy, think: f64) -> Option<(f64, f64)> {
    let asked = Asked {
        model: 0,
        backend: Backend::Vllm,
        input: 500.0,
        output: 200.0,
        think,
        users: 500.0,
        ttft: 4.0,
        tpot: 0.05,
    };
    let base = asked.question();
    let question = Question { request: Request { prefix: 20_000.0, kept: 20_000.0, ..base.request }, ..base };
    let plan = ParallelPlan::SINGLE;
    let compiled = question.compiled(plan);
    let replica = question.replica(plan, &compiled).keeping(policy, &question.request);
    let station = rackplan_plan::Station::Together(replica);
    let served = highest(&station, &question.targets, &question.population, &[]).ok()?;
    Some((served.taken, served.point.ttft))
}

#[test]
fn law_ways_to_keep_caches_trade_as_they_should() {
    let tier = |read| Tier {
        kind: TierKind::Host,
        read,
        read_shared: read,
        write_shared: read,
        capacity: f64::INFINITY,
    };
    let host = |read| KvPolicy { hbm_share: 0.0, tier: Some(tier(read)) };
    // With much thinking the accelerator's memory holds few users: a tier holds more, and more the faster it is.
    let (hbm, _) = conversation(KvPolicy::HBM, 300.0).expect("some users fit");
    let (slow, later) = conversation(host(10e9), 300.0).expect("it serves");
    let (fast, sooner) = conversation(host(100e9), 300.0).expect("it serves");
    assert!(hbm < slow && slow <= fast * 1.01, "{hbm} {slow} {fast}");
    assert!(sooner < later * 1.2, "{sooner} {later}");
    let (again, _) = conversation(KvPolicy::DROP, 300.0).expect("it serves");
    assert!(again < fast, "{again} {fast}");
    // Where nobody thinks nothing is kept, and memory is best.
    let (hbm, _) = conversation(KvPolicy::HBM, 0.0).expect("it serves");
    let (again, _) = conversation(KvPolicy::DROP, 0.0).expect("it serves");
    assert!(hbm > again, "{hbm} {again}");
    // A tier that holds half of the users is worth half.
    let small = Tier { capacity: 3e11, ..tier(100e9) };
    let (little, _) =
        conversation(KvPolicy { hbm_share: 0.0, tier: Some(small) }, 3000.0).expect("it serves");
    let less = Tier { capacity: 1.5e11, ..small };
    let (half, _) = conversation(KvPolicy { hbm_share: 0.0, tier: Some(less) }, 3000.0).expect("it serves");
    assert!(half < 0.62 * little && half > 0.38 * little, "{half} {little}");
}

#[test]
fn law_threads_change_nothing() {
    let asked = Asked {
        model: 1,
        backend: Backend::Vllm,
        input: 1000.0,
        output: 300.0,
        think: 10.0,
        users: 500.0,
        ttft: 1.0,
        tpot: 0.03,
    };
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
        let question = Question { modes: Modes::Auto, ..asked.question() };
        pool.install(|| search(&question, &space(true, Sizes::default())))
    };
    assert_eq!(with(1), with(5));
    let searched = search(&asked.question(), &space(true, Sizes::default()));
    let plans = space(true, Sizes::default()).plans().count();
    assert_eq!(searched.found.len() + searched.dropped.len(), plans);
    assert_eq!(searched.considered(), plans as u64);
    let counted: u64 = searched.counts().iter().map(|(_, plans)| plans).sum();
    assert_eq!(counted, searched.dropped.len() as u64);
    let best = pareto(&searched.found);
    assert!(!best.is_empty() && best.len() < searched.found.len());
}

#[test]
fn hand_rules_name_what_fails() {
    let fixture = fixture();
    let asked = Asked {
        model: 1,
        backend: Backend::Vllm,
        input: 1000.0,
        output: 300.0,
        think: 10.0,
        users: 500.0,
        ttft: 1.0,
        tpot: 0.03,
    };
    let question = asked.question();
    let check = |plan: ParallelPlan, request: Request| {
        rules::check(&Deployment { plan, ..question.deployment }, &request, 8)
    };
    let request = question.request;
    assert_eq!(check(ParallelPlan::tensor(2), request), Ok(()));
    let heads = check(ParallelPlan::tensor(3), request);
    assert_eq!(heads, Err(Rejection::HeadsNotDivisible { heads: 32, tp: 3 }));
    let wide = check(ParallelPlan::tensor(16), request);
    assert_eq!(wide, Err(Rejection::BeyondScaleUp { tp: 16, domain: 8 }));
    let experts = check(ParallelPlan { tp: 1, pp: 1, ep: 3, dp: 3 }, request);
    assert_eq!(experts, Err(Rejection::ExpertsNotDivisible { experts: 128, ep: 3, ranks: 3 }));
    let stages = check(ParallelPlan { pp: 64, ..ParallelPlan::SINGLE }, request);
    assert_eq!(stages, Err(Rejection::TooFewLayers { layers: 48, pp: 64 }));
    let longest = fixture.models[1].max_context.expect("it is known");
    let long = check(ParallelPlan::SINGLE, Request { input: longest as f64, ..request });
    assert!(matches!(long, Err(Rejection::ContextTooLong { .. })), "{long:?}");
    // 30.5 billion weights of 4 bytes do not fit into 80 GB.
    let precision = Precision::uniform(WeightDtype::Fp32, 2.0);
    let full = rules::check(&Deployment { precision, ..question.deployment }, &request, 8);
    assert!(
        matches!(full, Err(Rejection::OutOfMemory { needed, available }) if needed > available),
        "{full:?}"
    );
}
