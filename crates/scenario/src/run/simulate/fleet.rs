//! The fleet of a question: engines with their launch flags and room, replicas, router, what comes and goes and breaks.

use super::outages::outages;
use super::tiers::tiers;
use crate::QuestionError;
use crate::inputs::{check_range, read_links};
use crate::predict_serving::{decoders as decoders_of, launched};
use crate::run::explain::{Asked, Target};
use rackplan_catalog::{Entry, Model};
use rackplan_perf::{Chunk, Deployment, Memory, bytes_of_sequence};
use rackplan_sim::{Caching, Decoders, Engine, Eviction, Fleet, Policy, Router, Scaling, StepTimes};
use rackplan_units::Seconds;

/// Most replicas, tokens of a step, sequences, and blocks of a cache.
const MOST_REPLICAS: u64 = 100_000;
const MOST_TOKENS: u64 = 1 << 30;
const MOST_BLOCKS: u64 = 1 << 40;
/// The level of the link that caches move over, and a prefix long enough to show what it adds to a prompt.
const TRANSFER: &str = "kv_transfer";
const FAR: f64 = 65_536.0;
/// How autoscaling acts where nobody says: how often it looks, in seconds, and how long a replica takes to start.
const LOOKS_EVERY: f64 = 15.0;
const START_UP: (f64, &str) = (120.0, "120s");

/// Routers by name.
pub(super) const ROUTERS: [(&str, Router); 6] = [
    ("round-robin", Router::RoundRobin),
    ("least-outstanding", Router::LeastOutstanding),
    ("least-queued", Router::LeastQueued),
    ("power-of-two", Router::PowerOfTwo),
    ("prefix", Router::PrefixAware),
    ("sticky", Router::SessionSticky),
];

/// Reads the fleet; step times tell how long a token of a prompt takes. `bare` engines cost nothing beside their steps.
pub(super) fn fleet(
    asked: &mut Asked,
    target: &Target,
    times: &impl StepTimes,
    (bare, stages): (bool, u32),
) -> Result<Fleet, QuestionError> {
    let deployment = target.deployment(target.plan);
    let transfer = transfer_link(asked)?;
    let engine = engine(asked, target, &deployment, (bare, stages))?;
    let (replicas, decode_replicas) = replicas(asked)?;
    let machine = asked.machine()?;
    let gpus = target.plan.gpus();
    let whole = u64::from(replicas + decode_replicas) * u64::from(gpus);
    let bytes_per_token = bytes_per_token(target, &deployment);
    let chunk = f64::from(engine.token_budget.min(8192));
    let chunk_time =
        |before: f64| times.step(0.0, 0.0, &[Chunk { prompts: 1.0, tokens: chunk, prefix: before }]);
    let caching = Caching {
        keeps_prefixes: !asked.question.engine.no_prefix_cache.unwrap_or_default().0,
        bytes_per_token,
        tiers: tiers(asked, target, machine.as_ref(), (bytes_per_token, whole))?,
        always_reloads: false,
        seconds_per_token: chunk_time(0.0) / chunk,
        doubling_tokens: doubling_tokens(chunk_time),
        eviction: eviction(asked)?,
    };
    let scaling = scaling(asked, &engine)?;
    let most = scaling.map_or(replicas, |scaling| scaling.most.max(replicas));
    let replicas = scaling.map_or(replicas, |scaling| replicas.clamp(scaling.least, scaling.most));
    let decoders =
        (decode_replicas > 0).then(|| decoders(target, &engine, decode_replicas, (whole, transfer)));
    Ok(Fleet {
        caching,
        decoders,
        router: router(asked, most)?,
        signal_age: asked.question.fleet.signal_age.unwrap_or_default(),
        scaling,
        outages: outages(asked, machine.as_ref(), (most + decode_replicas, gpus))?,
        ..Fleet::of(engine, replicas)
    })
}

/// Bytes of a cached token on one accelerator, at the context of the requests.
fn bytes_per_token(target: &Target, deployment: &Deployment) -> f64 {
    let context = target.isl + target.osl;
    bytes_of_sequence(deployment, context).get() / context
}

fn engine(
    asked: &mut Asked,
    target: &Target,
    deployment: &Deployment,
    (bare, stages): (bool, u32),
) -> Result<Engine, QuestionError> {
    let launch = target.framework.default_launch(target.gpu.record.memory.capacity);
    let engine = launched(&target.framework, launch, (target.plan.dp, target.plan.front_ends()));
    let flags = asked.question.engine.clone();
    let mut one = |path: &str, given: Option<crate::Count>, usual: u64, most: u64| match given {
        Some(count) => check_range(asked.layers, path, count.0, 1, most).map(|()| count.0),
        None => {
            asked.notes.assume(path, usual, &format!("{} by default", target.framework.name));
            Ok(usual)
        }
    };
    let budget = one("engine.chunk_tokens", flags.chunk_tokens, engine.token_budget.into(), MOST_TOKENS)?;
    let batch = one("engine.max_batch", flags.max_batch, engine.max_sequences.into(), MOST_TOKENS)?;
    let held = Memory::of(deployment).tokens(deployment, target.isl + target.osl);
    let kv_capacity = match flags.kv_blocks {
        Some(blocks) => {
            check_range(asked.layers, "engine.kv_blocks", blocks.0, 1, MOST_BLOCKS)?;
            blocks.0 as f64 * f64::from(engine.kv_block)
        }
        None => held,
    };
    let engine = Engine {
        token_budget: budget as u32,
        max_sequences: batch as u32,
        tokens_per_step: target.tokens_per_step(),
        kv_capacity,
        stages,
        longest_context: longest_context(asked, &target.model)?,
        ..engine
    };
    let none = Seconds::new(0.0);
    Ok(match bare {
        true => Engine {
            policy: Policy::ChunkedWithDecodes,
            tokenise_per_token: none,
            first_token_overhead: none,
            schedules_ahead: false,
            ..engine
        },
        false => engine,
    })
}

/// Most tokens of a prompt and its answer together.
pub(super) fn longest_context(asked: &Asked, model: &Entry<Model>) -> Result<u32, QuestionError> {
    let given = asked.question.engine.max_model_len;
    if let Some(tokens) = given {
        check_range(asked.layers, "engine.max_model_len", tokens.0, 1, u32::MAX.into())?;
    }
    let longest = given.map(|tokens| tokens.0).or(model.record.max_context);
    Ok(longest.and_then(|tokens| u32::try_from(tokens).ok()).unwrap_or(u32::MAX))
}

fn replicas(asked: &mut Asked) -> Result<(u32, u32), QuestionError> {
    let fleet = asked.question.fleet.clone();
    let decoders = fleet.decode_replicas.map_or(0, |count| count.0);
    let replicas = fleet.replicas.map_or(1, |count| count.0);
    if fleet.replicas.is_none() && fleet.autoscale.is_none() {
        asked.notes.assume("fleet.replicas", 1, "the fewest");
    }
    check_range(asked.layers, "fleet.replicas", replicas, 1, MOST_REPLICAS)?;
    check_range(asked.layers, "fleet.decode_replicas", decoders, 0, MOST_REPLICAS)?;
    Ok((replicas as u32, decoders as u32))
}

fn router(asked: &mut Asked, replicas: u32) -> Result<Router, QuestionError> {
    let Some(name) = asked.question.fleet.router.clone() else {
        if replicas > 1 {
            asked.notes.assume("fleet.router", "least-outstanding", "a common one");
        }
        return Ok(Router::LeastOutstanding);
    };
    let found = ROUTERS.iter().find(|(known, _)| *known == name).map(|(_, router)| *router);
    found.ok_or_else(|| {
        let names = ROUTERS.map(|(name, _)| name).join(", ");
        QuestionError::value(
            asked.layers.place("fleet.router"),
            format!("`{name}` is no router that is known"),
        )
        .with_hint(format!("expected one of {names}"))
    })
}

fn scaling(asked: &mut Asked, engine: &Engine) -> Result<Option<Scaling>, QuestionError> {
    let fleet = asked.question.fleet.clone();
    let Some(text) = fleet.autoscale else { return Ok(None) };
    let ends = text.split_once("..").and_then(|(low, high)| {
        let one = |text: &str| text.trim().parse::<u32>().ok();
        Some((one(low)?, one(high)?))
            .filter(|(low, high)| *low >= 1 && low <= high && u64::from(*high) <= MOST_REPLICAS)
    });
    let (least, most) = ends.ok_or_else(|| {
        QuestionError::value(
            asked.layers.place("fleet.autoscale"),
            format!("`{text}` is no range of replicas"),
        )
        .with_hint("expected MIN..MAX with a MIN of at least 1, e.g. `1..8`")
    })?;
    let half = f64::from(engine.max_sequences * engine.ranks) / 2.0;
    let requests_per_replica = fleet.target_requests.map_or(half, |target| target.0);
    if fleet.target_requests.is_none() {
        asked.notes.assume("fleet.target_requests", half, "half of the sequences that a replica runs");
    }
    if requests_per_replica <= 0.0 {
        let place = asked.layers.place("fleet.target_requests");
        return Err(QuestionError::value(place, "a replica has to have some").with_hint("expected e.g. `32`"));
    }
    let start_up = fleet.start_up.unwrap_or_else(|| {
        asked.notes.assume("fleet.start_up", START_UP.1, "weights are loaded and graphs captured");
        Seconds::new(START_UP.0)
    });
    let interval = Seconds::new(LOOKS_EVERY);
    Ok(Some(Scaling { least, most, requests_per_replica, interval, start_up }))
}

/// The rate of the link that caches move over, one way in bytes per second, where the question names one.
fn transfer_link(asked: &Asked) -> Result<Option<f64>, QuestionError> {
    let changes = read_links(&asked.question, asked.layers, &asked.inputs.catalog)?;
    let place = || asked.layers.place("links");
    if let Some(other) = changes.iter().find(|change| change.level != TRANSFER) {
        return Err(QuestionError::value(place(), format!("`simulate` replaces no link at {}", other.level))
            .with_hint(
                "expected kv_transfer=LINK; other links are the accelerator's: --set gpus.<id>.<figure>",
            ));
    }
    if !changes.is_empty() && asked.question.fleet.decode_replicas.is_none_or(|count| count.0 == 0) {
        return Err(QuestionError::value(place(), "no caches move: no replicas generate for others")
            .with_hint("add --decode-replicas N"));
    }
    Ok(changes.last().map(|change| change.link.bandwidth.get()))
}

/// What goes first when room is needed.
fn eviction(asked: &Asked) -> Result<Eviction, QuestionError> {
    match asked.question.engine.eviction.as_deref() {
        None | Some("lru") => Ok(Eviction::LeastRecentlyUsed),
        Some("value") => Ok(Eviction::Value),
        Some(other) => {
            let problem = format!("`{other}` is no order of eviction");
            Err(QuestionError::value(asked.layers.place("engine.eviction"), problem)
                .with_hint("expected lru or value"))
        }
    }
}

/// Cached tokens before a chunk of a prompt that double its time: t(n) = t(0) (1 + n/N), from the time after FAR tokens.
fn doubling_tokens(chunk_time: impl Fn(f64) -> f64) -> Option<f64> {
    let (none, far) = (chunk_time(0.0), chunk_time(FAR));
    (far > none).then(|| FAR * none / (far - none))
}

/// Those that generate.
fn decoders(target: &Target, engine: &Engine, replicas: u32, path: (u64, Option<f64>)) -> Decoders {
    let deployment = target.deployment(target.plan);
    decoders_of(*engine, replicas, (&deployment, target.isl + target.osl), path)
}

/// Says so where a network that is oversubscribed carries nothing.
pub(super) fn note_network(asked: &mut Asked, target: &Target, fleet: &Fleet) {
    let server = target.device.oversubscription.server;
    let leaves = f64::from(target.plan.gpus()) > server
        || fleet.decoders.is_some()
        || fleet.caching.tiers.iter().any(|tier| tier.is_shared);
    if asked.question.oversubscription.is_some() && !leaves {
        let place = asked.layers.place("oversubscription");
        asked.notes.warn(format!("{place} changes nothing: no step, cache or transfer leaves a server"));
    }
}
