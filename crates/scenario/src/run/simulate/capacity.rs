//! The highest load within the targets. Loads are played, three at a time, until the highest is known to half a percent.

use super::OfClass;
use super::crowd::Crowd;
use super::list::List;
use super::load::{Load, Requests};
use super::people::{Habits, Who};
use super::play::{Ender, Stage};
use crate::QuestionError;
use crate::answer::{CapacityPoint, SimulatedCapacity};
use crate::run::explain::Asked;
use crate::run::operators::read_percentile;
use rackplan_sim::{ClassResult, Latency, RequestLimits, Simulated, Simulation, Summary, simulate};
use rackplan_units::Seconds;
use rayon::prelude::*;

/// Requests of a trace that are played at each load, if nobody says how many: some seconds' worth of playing.
const KEPT: u64 = 100_000;
/// Requests of people at each load: between two ends as many for each user, and some for each whatever the end.
const OF_USERS: (u64, u64, u64) = (10_000, 200_000, 20);
const FEWEST_OF_USER: u64 = 4;
/// The least load that is tried, as a share of the highest that can be; the search ends at this share of the load.
const LEAST: f64 = 0.01;
const PRECISION: f64 = 0.005;
/// Loads that are played side by side between two others, and how often the highest is doubled at most.
const BETWEEN: u32 = 3;
const DOUBLINGS: u32 = 8;

/// What a search is after: the name of a percentile.
pub(super) fn percentile(asked: &mut Asked) -> Result<String, QuestionError> {
    let name = asked.question.targets.percentile.clone().unwrap_or_else(|| {
        asked.notes.assume("targets.percentile", "p95", "usual in agreements on service");
        "p95".to_owned()
    });
    read_percentile(asked.layers, &name)?;
    Ok(name)
}

/// Seeks the highest load within the limits at a percentile. `saturated` is the rate that is answered when requests always
/// wait, in requests per second.
pub(super) fn capacity(
    stage: &Stage<'_>,
    limits: &[OfClass],
    percentile: String,
    saturated: Option<f64>,
) -> SimulatedCapacity {
    let varied = Varied::of(stage);
    let search = Search { stage, varied: &varied, limits, percentile: &percentile };
    let found = saturated.map_or_else(Found::default, |saturated| search.run(saturated));
    let best = found.best.as_ref();
    SimulatedCapacity {
        unit: varied.unit().to_owned(),
        load: best.map(|point| point.load),
        requests_per_s: best.map(|point| point.requests_per_s),
        over_asked: best.map(|point| point.load / varied.asked()),
        limit: found.limit(),
        ttft_s: best.and_then(|point| point.ttft_s),
        tpot_s: best.and_then(|point| point.tpot_s),
        e2e_s: best.and_then(|point| point.e2e_s),
        trace_requests: varied.listed().map(|(played, _)| played),
        trace_requests_left_out: varied.listed().map(|(_, left_out)| left_out),
        stopped: (stage.interrupted)(),
        points: found.points,
        percentile,
    }
}

/// What is varied.
enum Varied {
    /// How many people ask, or how often.
    Crowd(Crowd),
    /// How fast requests of a trace come, beside the rate of the trace as it is written, and how many are left out.
    List(List, f64, u64),
}

impl Varied {
    fn of(stage: &Stage<'_>) -> Self {
        match stage.load {
            Load::People(crowd) => Self::Crowd(crowd.clone()),
            Load::Trace(trace) => {
                let (list, left_out) = trace.first(KEPT, stage.simulation.seed);
                Self::List(list, trace.rate(), left_out)
            }
        }
    }

    fn unit(&self) -> &'static str {
        match self {
            Self::Crowd(Crowd { who: Who::Rate(_), .. }) => "requests_per_s",
            Self::Crowd(Crowd { who: Who::Users(_), .. }) => "users",
            Self::Crowd(Crowd { who: Who::Visitors(..), .. }) => "users_per_min",
            Self::List(..) => "rate_scale",
        }
    }

    /// The load that was asked about.
    fn asked(&self) -> f64 {
        match self {
            Self::Crowd(crowd) => crowd.load(),
            Self::List(_, rate, _) => *rate,
        }
    }

    /// Requests of a trace that are played, and those that are left out.
    fn listed(&self) -> Option<(u64, u64)> {
        match self {
            Self::Crowd(_) => None,
            Self::List(list, _, left_out) => Some((list.sent.len() as u64, *left_out)),
        }
    }

    fn is_whole(&self) -> bool {
        self.unit() == "users"
    }

    /// The load that saturates the fleet, and whether it is exact. People who wait for answers send N/(Z + W) requests a
    /// second, so that N = X (Z + W) of them keep it busy: X the saturated rate, Z the time of a thought, W the longest
    /// answer within the limits.
    fn saturating(&self, saturated: f64, limits: &[OfClass]) -> (f64, bool) {
        match self {
            Self::List(list, rate, _) => (saturated / list.rate().unwrap_or(saturated) * rate, true),
            Self::Crowd(crowd) => {
                let cycle = |place: usize, habits: &Habits| {
                    let RequestLimits { ttft, tpot, e2e } = limits[place].limits;
                    let answer = ttft.get() + habits.osl.mean() * tpot.get();
                    habits.think + answer.min(e2e.get())
                };
                let people = saturated * crowd.mean(cycle);
                match crowd.who {
                    Who::Rate(_) => (saturated, true),
                    Who::Users(_) => (people.ceil().max(1.0), false),
                    Who::Visitors(_, stay) => (people / stay * 60.0, false),
                }
            }
        }
    }

    /// Requests a second that come of themselves at a load.
    fn offered(&self, load: f64) -> Option<f64> {
        match self {
            Self::Crowd(crowd) => crowd.offered().map(|_| load),
            Self::List(list, rate, _) => list.rate().map(|kept| kept * load / rate),
        }
    }

    /// Plays a load.
    fn play(&self, stage: &Stage<'_>, load: f64) -> Simulated {
        let mut simulation = Simulation { sample_every: None, ..stage.simulation.clone() };
        let mut requests = match self {
            Self::Crowd(crowd) => {
                Requests::People(Box::new(scaled(crowd, load, &simulation).people(simulation.seed)))
            }
            Self::List(list, rate, _) => {
                simulation.warm_up = simulation.warm_up * (rate / load);
                Requests::List(list.faster(load / rate))
            }
        };
        let mut ender = Ender(stage.interrupted);
        simulate(stage.fleet, stage.times, &mut requests, &simulation, Some(&mut ender))
    }
}

/// People at another load, with enough requests of each for a steady state, the warm-up's beside them.
fn scaled(crowd: &Crowd, load: f64, simulation: &Simulation) -> Crowd {
    let at = crowd.at(load);
    let requests = match at.who {
        Who::Rate(rate) => crowd.requests.min(OF_USERS.1) + (rate * simulation.warm_up.get()) as u64,
        Who::Users(users) => {
            let users = u64::from(users);
            let usual = (OF_USERS.2 * users).clamp(OF_USERS.0, OF_USERS.1);
            let wanted = usual.max(FEWEST_OF_USER * users).max(u64::from(at.turns()) * users);
            if at.think() > 0.0 {
                // Those who think end at a time: the last of a number would be sent by fewer and fewer of them.
                let lasts = simulation.warm_up.get() + wanted as f64 / users as f64 * at.think();
                return Crowd { requests: u64::MAX, until: at.until.min(lasts), ..at };
            }
            wanted
        }
        Who::Visitors(..) => crowd.requests.min(OF_USERS.1),
    };
    Crowd { requests, ..at }
}

/// A search on its way.
struct Search<'a> {
    stage: &'a Stage<'a>,
    varied: &'a Varied,
    limits: &'a [OfClass],
    percentile: &'a str,
}

/// What a search knows.
#[derive(Debug, Default)]
struct Found {
    best: Option<CapacityPoint>,
    /// All that was played, by load.
    points: Vec<CapacityPoint>,
}

impl Found {
    /// What the least load that is too much would break.
    fn limit(&self) -> String {
        let least = self.best.as_ref().map_or(0.0, |best| best.load);
        let above = self.points.iter().filter(|point| point.load > least);
        above.filter_map(|point| point.breaks.clone()).next().unwrap_or_else(|| SATURATED.to_owned())
    }
}

/// What binds where every load below saturation is within the targets.
const SATURATED: &str = "throughput";

impl Search<'_> {
    fn run(&self, saturated: f64) -> Found {
        let (mut high, is_exact) = self.varied.saturating(saturated, self.limits);
        let mut found = Found::default();
        let mut low = self.whole(LEAST * high);
        if self.first_too_much(&[low], &mut found).is_some() {
            return found;
        }
        for _ in 0..if is_exact { 0 } else { DOUBLINGS } {
            match self.first_too_much(&[high], &mut found) {
                Some(_) => break,
                None => (low, high) = (high, 2.0 * high),
            }
        }
        while high - low > (PRECISION * high).max(if self.varied.is_whole() { 1.0 } else { 0.0 })
            && !(self.stage.interrupted)()
        {
            let part = (high - low) / f64::from(BETWEEN + 1);
            let mut loads: Vec<f64> = (1..=BETWEEN).map(|k| self.whole(low + f64::from(k) * part)).collect();
            loads.dedup();
            loads.retain(|load| *load > low && *load < high);
            match self.first_too_much(&loads, &mut found) {
                Some(0) => high = loads[0],
                Some(at) => (low, high) = (loads[at - 1], loads[at]),
                None => low = loads.last().copied().unwrap_or(high),
            }
        }
        found.best = found.points.iter().rfind(|point| point.load <= low && point.breaks.is_none()).cloned();
        found
    }

    fn whole(&self, load: f64) -> f64 {
        if self.varied.is_whole() { load.round().max(1.0) } else { load }
    }

    /// Plays rising loads side by side; the place of the first that is too much.
    fn first_too_much(&self, loads: &[f64], found: &mut Found) -> Option<usize> {
        let played: Vec<(CapacityPoint, bool)> = loads.par_iter().map(|load| self.point(*load)).collect();
        let first = played.iter().position(|(point, _)| point.breaks.is_some());
        found.points.extend(played.into_iter().filter(|(_, is_whole)| *is_whole).map(|(point, _)| point));
        found.points.sort_by(|a, b| a.load.total_cmp(&b.load));
        first
    }

    /// One load, and whether it was played to its end.
    fn point(&self, load: f64) -> (CapacityPoint, bool) {
        let played = self.varied.play(self.stage, load);
        let of = |latency: Option<Latency>| Some(self.at_percentile(&latency?.summary));
        let (ttft, tpot, e2e) = (of(played.all.ttft), of(played.all.tpot), of(played.all.e2e));
        let over = self.over(&played);
        let worst = over.into_iter().filter(|(_, over)| *over > 1.0).max_by(|a, b| a.1.total_cmp(&b.1));
        let nothing = (played.all.finished == 0).then_some("throughput");
        let answered = played.per_second(played.all.finished as f64);
        let point = CapacityPoint {
            load,
            requests_per_s: self.varied.offered(load).unwrap_or(answered),
            ttft_s: ttft.map(Seconds::get),
            tpot_s: tpot.map(Seconds::get),
            e2e_s: e2e.map(Seconds::get),
            breaks: worst.map(|(name, _)| name).or(nothing.map(str::to_owned)),
        };
        (point, !played.stopped)
    }

    /// Each latency over its target, by name; of every class, where there are several.
    fn over(&self, played: &Simulated) -> Vec<(String, f64)> {
        let alike = self.limits.len() == 1;
        let results = if alike || played.classes.is_empty() {
            std::slice::from_ref(&played.all)
        } else {
            &played.classes
        };
        let of_class = |(class, result): (&OfClass, &ClassResult)| {
            let RequestLimits { ttft, tpot, e2e } = class.limits;
            let all = [("ttft", result.ttft, ttft), ("tpot", result.tpot, tpot), ("e2e", result.e2e, e2e)];
            let named =
                |name: &str| if alike { name.to_owned() } else { format!("{name} of {}", class.name) };
            let over = all.into_iter().filter_map(|(name, latency, limit)| {
                Some((named(name), self.at_percentile(&latency?.summary) / limit))
            });
            over.collect::<Vec<_>>()
        };
        self.limits.iter().zip(results).flat_map(of_class).collect()
    }

    fn at_percentile(&self, summary: &Summary) -> Seconds {
        match self.percentile {
            "mean" => summary.mean,
            "p50" => summary.p50,
            "p90" => summary.p90,
            "p99" => summary.p99,
            _ => summary.p95,
        }
    }
}
