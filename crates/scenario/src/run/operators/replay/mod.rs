//! A plan played request by request: one instance, on the same steps, at the load that its closed form was asked for.

mod clients;
mod fleet;

use super::asked::Asked;
use super::classes::Named;
use super::context::Context;
use super::outcome::{Choice, Outcome};
use super::setup::Setup;
use crate::answer::{Replay, ReplayedClass, ReplayedLatency};
use clients::{Computed, Talk};
use fleet::{fleet, step_times};
use rackplan_catalog::Quantiles;
use rackplan_plan::{
    Class, ClassSeen, Found, KvPolicy, Population, Request as Asking, Served, Station, seen_by,
};
use rackplan_sim::{ClassResult, Latency, Observer, Simulated, Simulation, Summary, simulate};
use rackplan_units::Seconds;

/// Requests that are counted.
const COUNTED: f64 = 20_000.0;
/// Answers and thoughts that pass before anything is counted.
const WARM_UP: f64 = 4.0;
/// Prompts that users begin with keep the instance busy for such a share of the time.
const BUSY_AT_START: f64 = 0.5;
/// Answers that the last requests may take, as long as they should be; then what is left is given up.
const LATEST: f64 = 20.0;
/// Most requests of a play, the warm-up included.
const MOST_REQUESTS: f64 = 4e6;

/// The chosen plan at the load asked for.
pub(super) fn chosen(context: Context, best: &Outcome, choice: &Choice) -> Option<Replay> {
    playable(context, &choice.seen).then(|| replay(context, &best.setup, &choice.found, &choice.seen))
}

/// A plan at the most that it takes.
pub(super) fn at_most(context: Context, setup: &Setup, found: &Found) -> Option<Replay> {
    playable(context, &found.served).then(|| replay(context, setup, found, &found.served))
}

/// Nobody is known behind requests that merely arrive, whose conversations would have to be somewhere.
fn playable(context: Context, served: &Served) -> bool {
    match context.asked.people.population {
        Population::Rate(_) => context.asked.request.kept <= 0.0,
        Population::Users { .. } => WARM_UP * served.taken + COUNTED <= MOST_REQUESTS,
    }
}

/// What the user should know of a play, in words.
pub(super) fn warnings(context: Context, replay: Option<&Replay>) -> Vec<String> {
    let Some(replay) = replay else {
        return vec![
            "not simulated: requests that merely arrive belong to nobody whose conversation --context could hold, and \
             an instance is played with at most a million users"
                .to_owned(),
        ];
    };
    let targets = &context.asked.targets;
    let figures = [
        ("ttft", &replay.ttft, targets.ttft),
        ("tpot", &replay.tpot, targets.tpot),
        ("e2e", &replay.e2e, targets.e2e),
    ];
    // Of several classes each has targets of its own.
    let alike = context.asked.classes.is_empty();
    let missed = figures.iter().filter(|(_, latency, target)| alike && !within(latency, *target));
    let missed = missed.map(|(name, latency, target)| {
        format!(
            "simulated requests miss the target: {} {name} {} of {target}",
            context.asked.percentile,
            Seconds::new(latency.at_percentile_s)
        )
    });
    let outside = figures.iter().filter(|(name, ..)| replay.outside_band.iter().any(|other| other == name));
    let outside = outside.map(|(name, latency, _)| {
        format!(
            "the simulated mean {name}, {}, lies outside the band around the closed form's {}",
            Seconds::new(latency.mean_s),
            Seconds::new(latency.closed_form_mean_s)
        )
    });
    let unanswered = (replay.unanswered > 0).then(|| {
        let all = replay.requests + replay.unanswered;
        format!("{} of {all} simulated requests are refused, or not answered in time", replay.unanswered)
    });
    let classes = replay.classes.iter().filter(|class| !class.within_targets);
    let classes = classes.map(|class| {
        format!(
            "simulated requests of {} miss a target: {} ttft {}, tpot {}, e2e {}",
            class.name,
            context.asked.percentile,
            Seconds::new(class.ttft.at_percentile_s),
            Seconds::new(class.tpot.at_percentile_s),
            Seconds::new(class.e2e.at_percentile_s)
        )
    });
    unanswered.into_iter().chain(missed).chain(classes).chain(outside).collect()
}

fn replay(context: Context, setup: &Setup, found: &Found, served: &Served) -> Replay {
    let question = setup.question(context);
    let operators = question.operators(found);
    let station = question.station(found, &operators);
    let times = step_times(operators.clone(), setup.pace.slower);
    let mut talk = talk(context, &station, found, served);
    let point = &served.point;
    let thinking =
        if let Population::Users { think_time, .. } = talk.population { think_time.get() } else { 0.0 };
    let warm_up = talk.spread + WARM_UP * (thinking + point.e2e);
    let counted = COUNTED / point.requests_per_second;
    talk.until = warm_up + counted;
    let simulation = Simulation {
        warm_up: Seconds::new(warm_up),
        until: Some(Seconds::new(talk.until + LATEST * point.e2e)),
        ..Simulation::default()
    };
    let none: Option<&mut dyn Observer> = None;
    let closed = closed_forms(context, &station, served);
    let fleet = fleet(context, setup, found, &station);
    let simulated = simulate(&fleet, &times, &mut talk.clients(SEED), &simulation, none);
    let ttft_band = if found.pools.is_some() { "ttft_disaggregated" } else { "ttft" };
    read(context, (setup, served, &closed), (&simulated, counted), ttft_band)
}

/// What users of each class see by the closed form.
fn closed_forms(context: Context, station: &Station, served: &Served) -> Vec<ClassSeen> {
    let population = &context.asked.people.population;
    context.asked.classes.kinds.iter().map(|class| seen_by(station, class, population, served)).collect()
}

/// Seed of every play.
const SEED: u64 = 1;

/// Users who begin one after the other, slowly enough for their first prompts, which find nothing in a cache.
fn talk(context: Context, station: &Station, found: &Found, served: &Served) -> Talk {
    let (asked, population) = (context.asked, context.asked.people.population);
    let replica = station.prefill();
    let kinds = computed(asked, replica.policy);
    let mut talk = Talk::new(&kinds, (population, served.taken));
    let Population::Users { think_time, .. } = population else { return talk };
    let kept = asked.request.kept - (asked.request.prefix - replica.request.prefix);
    let cold = replica.prompt_alone() * (1.0 + kept / replica.request.input);
    let workers = found.pools.map_or(1.0, |(workers, _)| f64::from(workers.prefill));
    let first_prompts = served.taken * cold / (BUSY_AT_START * workers * replica.room.ranks);
    talk.spread = think_time.get().max(served.point.e2e).max(first_prompts);
    talk
}

/// Each kind of requests as an engine computes it that keeps caches in this way.
fn computed(asked: &Asked, policy: KvPolicy) -> Vec<Computed> {
    let of = |request: &Asking, share, think| {
        let computed = policy.request(request);
        let kept = request.kept - (request.prefix - computed.prefix);
        Computed { request: computed, kept, share, think, priority: 0 }
    };
    let think = match asked.people.population {
        Population::Users { think_time, .. } => think_time.get(),
        Population::Rate(_) => 0.0,
    };
    if asked.classes.is_empty() {
        return vec![of(&asked.request, 1.0, think)];
    }
    let classes = asked.classes.kinds.iter().zip(&asked.classes.named);
    let of_class = |(class, named): (&Class, &Named)| {
        let alike = of(&class.request, named.share, named.think);
        Computed { priority: named.priority, ..alike }
    };
    classes.map(of_class).collect()
}

fn read(
    context: Context,
    (setup, served, closed): (&Setup, &Served, &[ClassSeen]),
    (simulated, span): (&Simulated, f64),
    ttft_band: &str,
) -> Replay {
    let (point, targets, pace) = (&served.point, &context.asked.targets, setup.pace);
    let latency = |of: Option<Latency>, later: f64, closed: (f64, f64)| {
        of.map_or(ReplayedLatency::default(), |of| replayed(targets.percentile, &of, later, closed))
    };
    let all = &simulated.all;
    let ttft = latency(all.ttft, pace.later, (point.ttft, served.ttft));
    let tpot = latency(all.tpot, 1.0, (point.tpot, served.tpot));
    let e2e = latency(all.e2e, 1.0, (point.e2e, served.e2e));
    let class = setup.class(context);
    let is_outside = |(_, band, latency): &(&str, &str, &ReplayedLatency)| {
        context.shared.band(band, class).is_some_and(|band| is_outside(band, latency))
    };
    let compared = [("ttft", ttft_band, &ttft), ("tpot", "tpot", &tpot)].into_iter();
    let outside_band = compared.filter(is_outside).map(|(name, ..)| name.to_owned()).collect();
    let totals = &simulated.totals;
    let classes = of_classes(context, setup, served, closed, simulated);
    Replay {
        requests: all.finished,
        unanswered: all.sent - all.finished,
        load_per_instance: served.taken,
        requests_per_s: all.finished as f64 / span,
        closed_form_requests_per_s: point.requests_per_second,
        hit_rate: totals.hit_tokens as f64 / (totals.prompt_tokens as f64).max(1.0),
        preemptions: simulated.preemptions,
        within_targets: all.finished == all.sent
            && classes.iter().all(|class| class.within_targets)
            && (!context.asked.classes.is_empty()
                || within(&ttft, targets.ttft) && within(&tpot, targets.tpot) && within(&e2e, targets.e2e)),
        outside_band,
        ttft,
        tpot,
        e2e,
        classes,
    }
}

/// What was played of each class, beside its closed form.
fn of_classes(
    context: Context,
    setup: &Setup,
    served: &Served,
    closed: &[ClassSeen],
    simulated: &Simulated,
) -> Vec<ReplayedClass> {
    let (classes, pace) = (&context.asked.classes, setup.pace);
    let of = |(place, (result, seen)): (usize, (&ClassResult, &ClassSeen))| {
        let targets = &classes.kinds[place].targets;
        let latency = |of: Option<Latency>, later: f64, closed: (f64, f64)| {
            of.map_or(ReplayedLatency::default(), |of| replayed(targets.percentile, &of, later, closed))
        };
        let ttft = latency(result.ttft, pace.later, (seen.ttft_mean, seen.ttft));
        let tpot = latency(result.tpot, 1.0, (served.point.tpot, seen.tpot));
        let output = classes.kinds[place].request.output;
        let e2e_mean = seen.ttft_mean + (output - 1.0).max(0.0) * served.point.tpot;
        let e2e = latency(result.e2e, 1.0, (e2e_mean, seen.e2e));
        ReplayedClass {
            name: classes.named[place].name.clone(),
            requests: result.finished,
            within_targets: within(&ttft, targets.ttft)
                && within(&tpot, targets.tpot)
                && within(&e2e, targets.e2e),
            ttft,
            tpot,
            e2e,
        }
    };
    simulated.classes.iter().zip(closed).enumerate().map(of).collect()
}

/// Whether the percentile asked for is within a target, or not surely beyond it.
fn within(latency: &ReplayedLatency, target: Seconds) -> bool {
    latency.at_percentile_s - latency.at_percentile_half_width_s.unwrap_or(0.0) <= target.get()
}

/// Whether the mean lies surely outside the band around the closed form's.
fn is_outside(band: &Quantiles, latency: &ReplayedLatency) -> bool {
    if latency.mean_s <= 0.0 {
        return false;
    }
    let of_closed = |time: f64| time / latency.closed_form_mean_s;
    let (ratio, half) = (of_closed(latency.mean_s), of_closed(latency.mean_half_width_s.unwrap_or(0.0)));
    ratio + half < band.p10.min(1.0) || ratio - half > band.p90.max(1.0)
}

fn replayed(percentile: Option<f64>, of: &Latency, later: f64, closed: (f64, f64)) -> ReplayedLatency {
    let at = |summary: &Summary| later * at_share(summary, percentile);
    ReplayedLatency {
        mean_s: later * of.summary.mean.get(),
        mean_half_width_s: of.half_width.map(|half| later * half.mean.get()),
        at_percentile_s: at(&of.summary),
        at_percentile_half_width_s: of.half_width.as_ref().map(at),
        closed_form_mean_s: closed.0,
        closed_form_at_percentile_s: closed.1,
    }
}

/// The percentile that questions may ask for.
fn at_share(summary: &Summary, percentile: Option<f64>) -> f64 {
    let time = match percentile {
        None => summary.mean,
        Some(share) if share <= 0.5 => summary.p50,
        Some(share) if share <= 0.9 => summary.p90,
        Some(share) if share <= 0.95 => summary.p95,
        Some(_) => summary.p99,
    };
    time.get()
}
