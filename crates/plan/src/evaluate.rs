//! The most that one replica takes within the targets.

use crate::queueing::normal_quantile;
use crate::root::root;
use crate::{Class, Point, Population, Rejection, Request, Station, Targets};
use rackplan_units::Seconds;

/// A replica at the highest load that it serves within the targets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Served {
    /// What users see there.
    pub point: Point,
    /// Time to first token at the percentile asked for, in seconds.
    pub ttft: f64,
    /// Time per output token at the percentile asked for, in seconds.
    pub tpot: f64,
    /// From the request to its last token at the percentile asked for, in seconds.
    pub e2e: f64,
    /// How much of the population that is.
    pub taken: f64,
    /// Most requests per second of any load tried that is within the targets. Steps of kernels are no smooth function of
    /// the batch, so that the highest load need not have it.
    pub most_per_second: f64,
    /// What keeps it from taking more.
    pub binds: Binds,
}

/// What keeps a replica from taking more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binds {
    /// The time to first token.
    Ttft,
    /// The time per output token.
    Tpot,
    /// The time to the last token.
    E2e,
    /// The KV cache.
    Memory,
    /// The tier that holds the caches of users who think: its size or its rates.
    Tier,
    /// The sequences that the engine runs at most.
    Sequences,
    /// The batch sizes that were named.
    Batches,
}

/// Doublings tried: no engine runs more than a million requests.
const DOUBLINGS: u32 = 20;
/// Replicas mostly take more than such a part of what has a place there.
const OFTEN_BELOW: f64 = 8.0;
/// Halvings below one request at a time, for caches of users who think that leave little room.
const FRACTIONS: u32 = 10;

/// The highest load within the targets: of the batch sizes named, else of every whole number, found between powers of two
/// and by bisection between these; looser targets never give less. Where users who think leave no room for one
/// request at a time, loads below that are tried.
pub fn highest(
    station: &Station,
    targets: &Targets,
    population: &Population,
    batches: &[u32],
) -> Result<Served, Rejection> {
    highest_near(station, targets, population, batches, station.places() / OFTEN_BELOW)
}

/// The same where that load is thought to be near: what is far below it is not tried.
pub(crate) fn highest_near(
    station: &Station,
    targets: &Targets,
    population: &Population,
    batches: &[u32],
    near: f64,
) -> Result<Served, Rejection> {
    let loads = Loads { station, targets, population };
    if !batches.is_empty() {
        return loads.of_list(batches);
    }
    match loads.serve(1.0) {
        Ok(first) => Ok(loads.highest_above_one(first, near)),
        Err(miss) if matches!(miss.binds, Binds::Memory | Binds::Tier) => {
            let fractions = (1..=FRACTIONS).map(|halving| loads.serve(0.5_f64.powi(halving as i32)));
            let found = fractions.flat_map(Result::ok).next();
            found.map(|found| Served { binds: miss.binds, ..found }).ok_or_else(|| miss.rejection(station))
        }
        Err(miss) => Err(miss.rejection(station)),
    }
}

/// Loads of a replica, asked one after another.
struct Loads<'a> {
    station: &'a Station<'a>,
    targets: &'a Targets,
    population: &'a Population,
}

impl Loads<'_> {
    /// A load of more than one request, if it is within targets and places. Most that are not are seen at a glance: no place is
    /// left, or a step takes too long without any prompts.
    fn within(&self, generating: f64) -> Option<Served> {
        let Self { station, targets, .. } = self;
        if generating > station.places() {
            return None;
        }
        let step = station.decode_step(generating);
        let is_fast = step / station.decode().pace.accepted <= targets.tpot.get();
        if is_fast { self.serve_with(generating, step).ok() } else { None }
    }

    /// First between which powers of two, two doublings at a time, then where between them.
    fn highest_above_one(&self, first: Served, near: f64) -> Served {
        let (mut low, mut best, mut missed) = (0, first, None);
        let mut ahead = (near.log2().floor().max(0.0) as u32).clamp(2, DOUBLINGS);
        while low < DOUBLINGS && missed.is_none_or(|missed| missed - low > 1) {
            let next = missed.map_or((low + ahead).min(DOUBLINGS), |missed| (low + missed) / 2);
            match self.within(f64::from(1_u32 << next)) {
                Some(served) => (low, best, ahead) = (next, most(best, served), 2),
                None => missed = Some(next),
            }
        }
        let Some(missed) = missed else { return best };
        let [mut low, mut high] = [low, missed].map(|doublings| f64::from(1_u32 << doublings));
        // Within two hundredths, which is below what the model is worth.
        while high - low > (low / 50.0_f64).max(1.0) {
            let middle = ((low + high) / 2.0_f64).floor();
            match self.within(middle) {
                Some(served) => (low, best) = (middle, most(best, served)),
                None => high = middle,
            }
        }
        self.serve(high).map_or_else(|why| Served { binds: why.binds, ..best }, |served| most(best, served))
    }

    /// The largest batch of a list that meets the targets; where none does, why not the first.
    fn of_list(&self, batches: &[u32]) -> Result<Served, Rejection> {
        let mut sorted = batches.to_vec();
        sorted.sort_unstable();
        let tried: Vec<_> = sorted.iter().map(|batch| self.serve(f64::from(*batch))).collect();
        let found = tried.iter().filter_map(|found| found.ok()).reduce(most);
        match (found, tried.first()) {
            (Some(found), _) => Ok(found),
            (None, Some(Err(miss))) => Err(miss.rejection(self.station)),
            (None, _) => unreachable!("a list that was read has a batch"),
        }
    }

    /// A load, if it is within targets and places.
    fn serve(&self, generating: f64) -> Result<Served, Miss> {
        self.serve_with(generating, self.station.decode_step(generating))
    }

    /// The same where a step of so many is known.
    fn serve_with(&self, generating: f64, step: f64) -> Result<Served, Miss> {
        let Self { station, targets, population } = *self;
        let point = station.at_step(generating, step);
        // What misses on average needs no percentile; one request is told what it misses by.
        if generating > 1.0 && point.tpot > targets.tpot.get() {
            return Err(Miss { binds: Binds::Tpot, value: point.tpot, limit: targets.tpot.get() });
        }
        let point = station.settled(point);
        let places = targets.percentile.unwrap_or(0.5);
        if let Some(binds) = station.lacks(&point, places, population) {
            return Err(Miss { binds, value: generating, limit: 0.0 });
        }
        let served = seen(station, targets, population, point);
        let classes = station.prefill().classes;
        within((served.ttft, served.tpot, served.e2e), targets)?;
        for class in classes {
            let seen = seen_by(station, class, population, &served);
            within((seen.ttft, seen.tpot, seen.e2e), &class.targets)?;
        }
        Ok(served)
    }
}

/// A replica at the load at which it takes this much of the population, at most `most` requests generating.
pub fn operating(
    station: &Station,
    targets: &Targets,
    population: &Population,
    load: f64,
    most: f64,
) -> Served {
    let lacking = |generating: f64| {
        let point = station.mean_at(generating);
        load - population.taken(point.requests_per_second, point.e2e)
    };
    let point = station.at(root(lacking, (0.0, load), (most, lacking(most)), CLOSE * load));
    Served { taken: load, ..seen(station, targets, population, point) }
}

/// What users see at a point, whether it is within the targets or not.
fn seen(station: &Station, targets: &Targets, population: &Population, point: Point) -> Served {
    let percentile = |share| station.at_percentile(&point, share, population);
    let (ttft, tpot) = targets.percentile.map_or((point.ttft, point.tpot), percentile);
    let mean = (point.ttft, point.tpot);
    let e2e = to_the_end(&station.decode().request, targets, mean, (ttft, tpot));
    let rate = point.requests_per_second;
    let taken = population.taken(rate, point.e2e);
    Served { point, ttft, tpot, e2e, taken, most_per_second: rate, binds: Binds::Batches }
}

/// Time to the last token at the percentile, from first and further tokens on average and at it: a longer answer, slower
/// tokens and a later first one add up as deviations do.
fn to_the_end(request: &Request, targets: &Targets, mean: (f64, f64), (ttft, tpot): (f64, f64)) -> f64 {
    let longer = targets.percentile.map_or(1.0, |share| request.longer_output(normal_quantile(share)));
    let tokens = (request.output - 1.0).max(0.0);
    let deviations = [ttft - mean.0, tokens * (tpot - mean.1), request.output * (longer - 1.0) * mean.1];
    mean.0 + tokens * mean.1 + deviations.into_iter().fold(0.0, f64::hypot)
}

/// What users of one kind see.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassSeen {
    /// Time to first token, mean, in seconds.
    pub ttft_mean: f64,
    /// Time to first token at the percentile asked for, in seconds.
    pub ttft: f64,
    /// Time per output token at the percentile asked for, in seconds.
    pub tpot: f64,
    /// From the request to its last token at the percentile asked for, in seconds.
    pub e2e: f64,
}

/// What users of one of several kinds see where all see this.
pub fn seen_by(station: &Station, class: &Class, population: &Population, all: &Served) -> ClassSeen {
    let share = class.targets.percentile;
    let of = (&class.request, class.urgency, population);
    let (ttft_mean, ttft, tpot) = station.of_class(&all.point, share.unwrap_or(0.5), of);
    let mean = (ttft_mean, all.point.tpot);
    let (ttft, tpot) = if share.is_some() { (ttft, tpot) } else { mean };
    let e2e = to_the_end(&class.request, &class.targets, mean, (ttft, tpot));
    ClassSeen { ttft_mean, ttft, tpot, e2e }
}

/// How far beside the load asked for the one that is found may be, as a part of it.
const CLOSE: f64 = 1e-6;

fn most(best: Served, other: Served) -> Served {
    let most_per_second = best.most_per_second.max(other.most_per_second);
    let better = if other.taken >= best.taken { other } else { best };
    Served { most_per_second, ..better }
}

fn within((ttft, tpot, e2e): (f64, f64, f64), targets: &Targets) -> Result<(), Miss> {
    let compared = [
        (Binds::Ttft, ttft, targets.ttft),
        (Binds::Tpot, tpot, targets.tpot),
        (Binds::E2e, e2e, targets.e2e),
    ];
    let missed = compared.into_iter().find(|(_, value, limit)| *value > limit.get());
    missed.map_or(Ok(()), |(binds, value, limit)| Err(Miss { binds, value, limit: limit.get() }))
}

/// What a load misses, and both sides of the comparison.
#[derive(Clone, Copy, Debug)]
struct Miss {
    binds: Binds,
    value: f64,
    limit: f64,
}

impl Miss {
    fn rejection(&self, station: &Station) -> Rejection {
        let (value, limit) = (Seconds::new(self.value), Seconds::new(self.limit));
        match self.binds {
            Binds::Ttft => Rejection::MissesTtft { ttft: value, limit },
            Binds::Tpot => Rejection::MissesTpot { tpot: value, limit },
            Binds::E2e => Rejection::MissesE2e { e2e: value, limit },
            Binds::Tier => Rejection::TierTooSmall,
            _ => Rejection::BatchTooLarge {
                batch: self.value.ceil() as u64,
                places: station.places().floor() as u64,
            },
        }
    }
}
