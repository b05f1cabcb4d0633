//! Whether a fleet keeps up: the rate at which it answers when requests always wait, beside the rate that comes.

use super::outages::up;
use super::tap::Passed;
use super::times::Times;
use crate::answer::Verdict;
use rackplan_sim::{Decoders, Fleet, Observer, Row, Simulation, simulate};
use rackplan_traffic::{Answered, Sent, Source};

/// Requests that are played, between two ends, and how many there are at a time over those that can run at once.
const PLAYED: (f64, f64) = (512.0, 65_536.0);
const ROUNDS: f64 = 4.0;
const WAITING: f64 = 2.0;

/// Replicas that are played of a large fleet, and of those that generate for others.
const MOST_REPLICAS: u32 = 64;
const MOST_DECODERS: u32 = 1024;
/// Numbers of blocks or sessions that there can be; they come round again only after very many.
const MOST_IDS: u32 = 1 << 30;

/// The words of a verdict.
pub(crate) const STEADY: &str = "steady";
pub(crate) const GROWS: &str = "grows without bound";
pub(crate) const SERVES_NOTHING: &str = "serves nothing";

/// The verdict on a load that passed; closed loads never grow.
pub(super) fn verdict(fleet: &Fleet, times: &[Times], passed: &Passed, offered: Option<f64>) -> Verdict {
    let saturated = saturated_rate(fleet, times, passed);
    let state = match (offered, saturated) {
        (_, None) if passed.count > 0 => SERVES_NOTHING,
        (Some(offered), Some(saturated)) if offered >= saturated => GROWS,
        _ => STEADY,
    };
    Verdict {
        state: state.to_owned(),
        offered_requests_per_s: offered.filter(|rate| rate.is_finite()),
        saturated_requests_per_s: saturated,
    }
}

/// Requests a second that the fleet answers when some always wait: the first requests that passed are sent anew, over and
/// over, each when another is answered; the middle half of the answers counts.
pub(super) fn saturated_rate(fleet: &Fleet, times: &[Times], passed: &Passed) -> Option<f64> {
    let most = fleet.scaling.map_or(fleet.replicas, |scaling| scaling.most);
    let (steady, parts) = part_of(fleet, most);
    let at_once = running_at_once(&steady, passed);
    let count = (ROUNDS * WAITING * at_once).clamp(PLAYED.0, PLAYED.1);
    let window = (WAITING * at_once).min(count / ROUNDS).ceil();
    let mut source = Again::new(passed, window as u64, count as u64);
    let mut ends = Ends(Vec::new());
    simulate(&steady, times, &mut source, &Simulation::default(), Some(&mut ends));
    let mut ends = ends.0;
    ends.sort_unstable_by(f64::total_cmp);
    let (low, high) = (ends.len() / 4, ends.len() * 3 / 4);
    let (start, end) = (ends.get(low)?, ends.get(high)?);
    (end > start).then(|| (high - low) as f64 / (end - start) * f64::from(parts) * up(&fleet.outages, most))
}

/// A part of a large fleet, with nothing that breaks, comes or goes, and how many such parts there are. Decoders that no
/// number of prompts could fill are left out.
fn part_of(fleet: &Fleet, replicas: u32) -> (Fleet, u32) {
    let parts = (replicas / MOST_REPLICAS).max(1);
    let decoders = fleet.decoders.clone().map(|decoders| Decoders {
        replicas: decoders.replicas.div_ceil(parts).min(MOST_DECODERS),
        ..decoders
    });
    let replicas = replicas.div_ceil(parts);
    (Fleet { outages: Vec::new(), scaling: None, replicas, decoders, ..fleet.clone() }, parts)
}

/// Sequences that run at once: as many as have a place, or as the caches hold half way through their answers.
fn running_at_once(fleet: &Fleet, passed: &Passed) -> f64 {
    let cached = passed.isl_mean() + passed.osl_mean() / 2.0;
    let of = |engine: &rackplan_sim::Engine, replicas: u32| {
        let each = (engine.kv_capacity / cached.max(1.0)).min(f64::from(engine.max_sequences)).max(1.0);
        each * f64::from(engine.ranks) * f64::from(replicas)
    };
    of(&fleet.engine, fleet.replicas) + fleet.decoders.as_ref().map_or(0.0, |d| of(&d.engine, d.replicas))
}

/// The same requests again and again, each when another was answered.
struct Again<'a> {
    passed: &'a Passed,
    waiting: u64,
    left: u64,
    sent: u64,
    sessions: u32,
    blocks: u32,
}

impl<'a> Again<'a> {
    fn new(passed: &'a Passed, window: u64, count: u64) -> Self {
        let sessions = passed.kept.iter().filter_map(|sent| sent.session).max().map_or(0, |most| most + 1);
        let blocks = passed.kept.iter().flat_map(|sent| &*sent.blocks).max().map_or(0, |most| most + 1);
        Self { passed, waiting: window.max(1), left: count, sent: 0, sessions, blocks }
    }

    fn next(&mut self, at: f64) -> Option<Sent> {
        let all = self.passed.kept.len() as u64;
        if all == 0 {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        // Each time round has conversations and prefixes of its own.
        let (round, place) = ((self.sent / all) as u32, (self.sent % all) as usize);
        self.sent += 1;
        let sent = self.passed.kept[place].clone();
        let moved = |id: u32, ids: u32| id.wrapping_add(round.wrapping_mul(ids)) % MOST_IDS;
        let session = sent.session.map(|session| moved(session, self.sessions));
        let blocks = sent.blocks.iter().map(|block| moved(*block, self.blocks)).collect();
        Some(Sent { at, session, blocks, ..sent })
    }
}

impl Source for Again<'_> {
    fn next_sent(&mut self) -> Option<Sent> {
        self.waiting = self.waiting.checked_sub(1)?;
        self.next(0.0)
    }

    fn answered(&mut self, answered: &Answered) -> Option<Sent> {
        self.next(answered.at)
    }

    fn block_tokens(&self) -> Option<u32> {
        self.passed.block_tokens
    }
}

/// When requests were answered.
struct Ends(Vec<f64>);

impl Observer for Ends {
    fn request(&mut self, row: &Row) {
        self.0.extend(row.e2e.map(|e2e| (row.sent + e2e).get()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rackplan_sim::Engine;

    #[test]
    fn hand_a_large_fleet_is_played_in_part() {
        let (part, parts) = part_of(&Fleet::of(Engine::default(), 3), 3);
        assert_eq!((part.replicas, parts), (3, 1));
        let (part, parts) = part_of(&Fleet::of(Engine::default(), 1000), 1000);
        // 1,000 / 64 is 15 parts of 67 replicas, rounded up.
        assert_eq!((part.replicas, parts), (67, 15));
    }

    #[test]
    fn law_requests_come_round_with_numbers_of_their_own() {
        let sent =
            |blocks: [u32; 2]| Sent { output: 1, session: Some(0), blocks: blocks.into(), ..Sent::default() };
        let kept = vec![sent([0, 1]), sent([0, 2])];
        let passed = Passed { kept, block_tokens: Some(16), ..Passed::default() };
        let mut again = Again::new(&passed, 6, 6);
        let all: Vec<Sent> = std::iter::from_fn(|| again.next_sent()).collect();
        assert_eq!(all.iter().map(|sent| sent.session).collect::<Vec<_>>(), [0, 0, 1, 1, 2, 2].map(Some));
        assert_eq!(&*all[5].blocks, [6, 8]);
    }
}
