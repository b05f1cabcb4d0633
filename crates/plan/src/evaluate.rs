//! The most that one replica takes within the targets.

use crate::{Point, Population, Rejection, Replica, Targets};
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
    /// How much of the population that is.
    pub taken: f64,
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
    /// The KV cache.
    Memory,
    /// The sequences that the engine runs at most.
    Sequences,
    /// The batch sizes that were named.
    Batches,
}

/// Doublings tried: no engine runs more than a million requests.
const DOUBLINGS: u32 = 20;

/// The highest load within the targets: of the batch sizes named, else of every whole number, found by doubling until one
/// is missed and by bisection between; looser targets never give less.
pub fn highest(
    replica: &Replica,
    targets: &Targets,
    population: &Population,
    batches: &[u32],
) -> Result<Served, Rejection> {
    let at = |generating: f64| serve(replica, targets, population, generating);
    if !batches.is_empty() {
        return of_list(batches, replica, at);
    }
    let mut best = at(1.0).map_err(|miss| miss.rejection(replica))?;
    let (mut low, mut missed) = (1.0, None);
    for doubling in 1..=DOUBLINGS {
        let generating = f64::from(1_u32 << doubling);
        match at(generating) {
            Ok(served) => (low, best) = (generating, most(best, served)),
            Err(miss) => {
                missed = Some((generating, miss));
                break;
            }
        }
    }
    let Some((mut high, mut why)) = missed else { return Ok(best) };
    // Within two hundredths, which is below what the model is worth.
    while high - low > (low / 50.0_f64).max(1.0) {
        let middle = ((low + high) / 2.0_f64).floor();
        match at(middle) {
            Ok(served) => (low, best) = (middle, most(best, served)),
            Err(miss) => (high, why) = (middle, miss),
        }
    }
    Ok(Served { binds: why.binds, ..best })
}

/// A replica at the load at which it takes this much of the population, at most `most` requests generating.
pub fn operating(
    replica: &Replica,
    targets: &Targets,
    population: &Population,
    load: f64,
    most: f64,
) -> Served {
    let (mut low, mut high) = (0.0, most);
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        let point = replica.at(middle);
        let taken = population.taken(point.requests_per_second, point.e2e);
        if taken < load { low = middle } else { high = middle }
    }
    let point = replica.at(high);
    let percentile = |share| replica.at_percentile(&point, share, population);
    let (ttft, tpot) = targets.percentile.map_or((point.ttft, point.tpot), percentile);
    Served { point, ttft, tpot, taken: load, binds: Binds::Batches }
}

/// Halvings of the load: to a millionth.
const HALVINGS: u32 = 20;

/// The largest batch of a list that meets the targets; where none does, why not the first.
fn of_list(
    batches: &[u32],
    replica: &Replica,
    at: impl Fn(f64) -> Result<Served, Miss>,
) -> Result<Served, Rejection> {
    let mut sorted = batches.to_vec();
    sorted.sort_unstable();
    let tried: Vec<_> = sorted.iter().map(|batch| at(f64::from(*batch))).collect();
    let found = tried.iter().filter_map(|found| found.ok()).reduce(most);
    match (found, tried.first()) {
        (Some(found), _) => Ok(found),
        (None, Some(Err(miss))) => Err(miss.rejection(replica)),
        (None, _) => unreachable!("a list that was read has a batch"),
    }
}

fn most(best: Served, other: Served) -> Served {
    if other.taken >= best.taken { other } else { best }
}

/// A load, if it is within targets and places.
fn serve(
    replica: &Replica,
    targets: &Targets,
    population: &Population,
    generating: f64,
) -> Result<Served, Miss> {
    let point = replica.at(generating);
    // What misses on average needs no percentile; one request is told what it misses by.
    if generating > 1.0 && point.tpot > targets.tpot.get() {
        return Err(Miss { binds: Binds::Tpot, value: point.tpot, limit: targets.tpot.get() });
    }
    let (ttft, tpot) = match targets.percentile {
        Some(percentile) => replica.at_percentile(&point, percentile, population),
        None => (point.ttft, point.tpot),
    };
    let places = targets.percentile.unwrap_or(0.5);
    if !replica.has_places(&point, places, population) {
        return Err(Miss { binds: replica.fewest(), value: generating, limit: 0.0 });
    }
    if ttft > targets.ttft.get() {
        return Err(Miss { binds: Binds::Ttft, value: ttft, limit: targets.ttft.get() });
    }
    if tpot > targets.tpot.get() {
        return Err(Miss { binds: Binds::Tpot, value: tpot, limit: targets.tpot.get() });
    }
    let taken = population.taken(point.requests_per_second, point.e2e);
    Ok(Served { point, ttft, tpot, taken, binds: Binds::Batches })
}

/// What a load misses, and both sides of the comparison.
#[derive(Clone, Copy, Debug)]
struct Miss {
    binds: Binds,
    value: f64,
    limit: f64,
}

impl Miss {
    fn rejection(&self, replica: &Replica) -> Rejection {
        let (value, limit) = (Seconds::new(self.value), Seconds::new(self.limit));
        match self.binds {
            Binds::Ttft => Rejection::MissesTtft { ttft: value, limit },
            Binds::Tpot => Rejection::MissesTpot { tpot: value, limit },
            _ => Rejection::BatchTooLarge {
                batch: self.value.ceil() as u64,
                places: (replica.places * replica.ranks).floor() as u64,
            },
        }
    }
}
