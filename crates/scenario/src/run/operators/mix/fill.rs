//! How many racks of each kind: the cheapest that take the load within what all together may draw and cost, found by
//! trying all; where none do, those that take most of it.

/// A kind of rack as filling sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Supply {
    /// What no, one, two and more racks take of the load; never falls.
    pub(super) takes: Vec<f64>,
    /// What a rack adds to the bill, and its accelerators, which decide between equal bills.
    pub(super) bill: f64,
    pub(super) gpus: u64,
    /// What a rack takes of each limit; nothing where nobody knows.
    pub(super) draws: Draws,
}

/// Power and cost.
pub(super) type Draws = [f64; 2];

/// Ways to fill that are tried at most: a second's work.
pub(super) const MOST_WAYS: u64 = 2_000_000;

/// Ways that [`fill`] goes through: of all kinds but the one with most racks, whose number follows.
pub(super) fn ways(supplies: &[Supply]) -> u64 {
    let sizes = || supplies.iter().map(|supply| supply.takes.len() as u64);
    sizes().product::<u64>() / sizes().max().unwrap_or(1).max(1)
}

/// What is wanted of the racks within the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    /// All of the load.
    Load,
    /// As much as they take.
    Most,
}

/// Racks of each kind that take the load at the least bill, then with the fewest accelerators, then of the kinds named
/// first; nothing where no racks within the limits take it.
pub(super) fn fill(supplies: &[Supply], load: f64, limits: Draws) -> Option<Vec<usize>> {
    Search::new(supplies, limits, Aim::Load).found(load * ROUNDED)
}

/// Racks of each kind within the limits that take the most, then at the least bill.
pub(super) fn most(supplies: &[Supply], limits: Draws) -> Vec<usize> {
    Search::new(supplies, limits, Aim::Most).found(0.0).unwrap_or_default()
}

/// A load that racks take exactly must not need one more because of rounding, nor must a limit that they meet exactly.
const ROUNDED: f64 = 1.0 - 1e-12;
const MET: f64 = 1.0 + 1e-9;

/// What is wanted least: of the load that is not taken, of the bill, of accelerators.
type Score = (f64, f64, u64);

struct Search<'a> {
    supplies: &'a [Supply],
    limits: Draws,
    aim: Aim,
    /// The kind whose number follows from those of the others.
    last: usize,
    best: Option<(Score, Vec<usize>)>,
}

/// What the racks placed so far leave of the load, and what they take.
#[derive(Clone, Copy)]
struct Placed {
    left: f64,
    bill: f64,
    gpus: u64,
    draws: Draws,
}

impl Placed {
    fn with(self, supply: &Supply, count: usize) -> Self {
        let racks = count as f64;
        Self {
            left: self.left - supply.takes[count],
            bill: self.bill + supply.bill * racks,
            gpus: self.gpus + supply.gpus * count as u64,
            draws: std::array::from_fn(|of| self.draws[of] + supply.draws[of] * racks),
        }
    }
}

impl<'a> Search<'a> {
    fn new(supplies: &'a [Supply], limits: Draws, aim: Aim) -> Self {
        let last = (0..supplies.len()).max_by_key(|kind| supplies[*kind].takes.len()).unwrap_or(0);
        Self { supplies, limits: limits.map(|limit| limit * MET), aim, last, best: None }
    }

    fn found(mut self, load: f64) -> Option<Vec<usize>> {
        if self.supplies.is_empty() {
            return None;
        }
        let nothing = Placed { left: load, bill: 0.0, gpus: 0, draws: [0.0; 2] };
        self.place(0, &mut vec![0; self.supplies.len()], nothing);
        self.best.map(|(_, racks)| racks)
    }

    /// Tries every number of racks of this kind and those after it, for what is left of the load and the limits.
    fn place(&mut self, kind: usize, racks: &mut [usize], placed: Placed) {
        let dearer = |(held, _): &(Score, Vec<usize>)| held.1 < placed.bill;
        if self.aim == Aim::Load && self.best.as_ref().is_some_and(dearer) {
            return;
        }
        if kind == self.supplies.len() {
            return self.end(racks, placed);
        }
        if kind == self.last {
            return self.place(kind + 1, racks, placed);
        }
        // The most first, so that among equal bills the kinds named first are used.
        for count in (0..=self.within(kind, placed)).rev() {
            racks[kind] = count;
            self.place(kind + 1, racks, placed.with(&self.supplies[kind], count));
        }
        racks[kind] = 0;
    }

    /// Racks of a kind that are there and that the limits leave.
    fn within(&self, kind: usize, placed: Placed) -> usize {
        let supply = &self.supplies[kind];
        let fed = |of: usize| match supply.draws[of] {
            draw if draw <= 0.0 => f64::INFINITY,
            draw => ((self.limits[of] - placed.draws[of]) / draw).floor().max(0.0),
        };
        (supply.takes.len() - 1).min(fed(0).min(fed(1)) as usize)
    }

    fn end(&mut self, racks: &mut [usize], placed: Placed) {
        let (supply, most) = (&self.supplies[self.last], self.within(self.last, placed));
        let wanted = match self.aim {
            Aim::Load => placed.left,
            Aim::Most => supply.takes[most],
        };
        let count = supply.takes.partition_point(|takes| *takes < wanted);
        if count > most {
            return;
        }
        let placed = placed.with(supply, count);
        let lacking = if self.aim == Aim::Most { placed.left } else { 0.0 };
        let score = (lacking, placed.bill, placed.gpus);
        let better = |held: &Score| {
            let first = score.0.total_cmp(&held.0).then(score.1.total_cmp(&held.1));
            first.then(score.2.cmp(&held.2)).is_lt()
        };
        if self.best.as_ref().is_none_or(|(held, _)| better(held)) {
            racks[self.last] = count;
            self.best = Some((score, racks.to_vec()));
            racks[self.last] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn supply(each: f64, racks: usize, bill: f64) -> Supply {
        let takes = (0..=racks).map(|racks| each * racks as f64).collect();
        Supply { takes, bill, gpus: 8, draws: [bill, 0.0] }
    }

    const FREE: Draws = [f64::INFINITY; 2];

    #[test]
    fn hand_a_cheap_small_rack_tops_up_a_large_one() {
        // 250 users; a large rack takes 200 for 10, a small one 30 for 1: five small ones leave 100 for a large one, one
        // large one leaves 50 for two small ones.
        let kinds = [supply(200.0, 4, 10.0), supply(30.0, 5, 1.0)];
        assert_eq!(fill(&kinds, 250.0, FREE), Some(vec![1, 2]));
        assert_eq!(fill(&kinds, 150.0, FREE), Some(vec![0, 5]));
        assert_eq!(fill(&kinds, 951.0, FREE), None);
        assert_eq!(fill(&kinds, 950.0, FREE), Some(vec![4, 5]));
    }

    #[test]
    fn hand_limits_leave_fewer_racks() {
        // Of 24 two large racks take 20 and four small ones 4: 520 of the load. Of 9 no large one can be had.
        let kinds = [supply(200.0, 4, 10.0), supply(30.0, 5, 1.0)];
        let at = |limit| [limit, f64::INFINITY];
        assert_eq!(fill(&kinds, 520.0, at(24.0)), Some(vec![2, 4]));
        assert_eq!(fill(&kinds, 521.0, at(24.0)), None);
        assert_eq!(most(&kinds, at(24.0)), [2, 4]);
        assert_eq!(most(&kinds, at(9.0)), [0, 5]);
        assert_eq!(most(&kinds, at(0.5)), [0, 0]);
        assert_eq!(most(&kinds, FREE), [4, 5]);
    }

    fn kinds() -> impl Strategy<Value = Vec<Supply>> {
        let one = (prop::collection::vec(0.0..50.0_f64, 0..6), 0.1..9.0_f64, 1..100_u64, 0.0..9.0_f64);
        let supply = one.prop_map(|(steps, bill, gpus, power)| {
            let takes = std::iter::once(0.0).chain(steps.iter().scan(0.0, |sum, step| {
                *sum += step;
                Some(*sum)
            }));
            Supply { takes: takes.collect(), bill, gpus, draws: [power, bill] }
        });
        prop::collection::vec(supply, 1..4)
    }

    fn bill(kinds: &[Supply], racks: &[usize]) -> f64 {
        kinds.iter().zip(racks).map(|(kind, racks)| kind.bill * *racks as f64).sum()
    }

    proptest! {
        #[test]
        fn law_what_is_filled_takes_the_load_and_more_stock_never_costs_more(
            kinds in kinds(), load in 1.0..200.0_f64, more in 0.0..60.0_f64,
        ) {
            let found = fill(&kinds, load, FREE);
            let most: f64 = kinds.iter().filter_map(|kind| kind.takes.last()).sum();
            prop_assert_eq!(found.is_some(), most >= load || found.is_some());
            if let Some(racks) = &found {
                let taken: f64 = kinds.iter().zip(racks).map(|(kind, racks)| kind.takes[*racks]).sum();
                prop_assert!(taken >= load - 1e-9);
            }
            for grown in 0..kinds.len() {
                let mut larger = kinds.clone();
                let top = larger[grown].takes.last().copied().unwrap_or(0.0);
                larger[grown].takes.push(top + more);
                let then = fill(&larger, load, FREE);
                if let Some(racks) = &found {
                    let then = then.expect("what was enough is enough with more");
                    prop_assert!(bill(&larger, &then) <= bill(&kinds, racks) + 1e-9);
                }
            }
        }

        #[test]
        fn law_limits_are_kept_and_looser_ones_never_serve_fewer(
            kinds in kinds(), load in 1.0..200.0_f64, power in 0.0..60.0_f64, cost in 0.0..60.0_f64, looser in 1.0..3.0_f64,
        ) {
            let within = |racks: &[usize], limits: Draws| {
                let drawn = |of: usize| -> f64 {
                    kinds.iter().zip(racks).map(|(kind, racks)| kind.draws[of] * *racks as f64).sum()
                };
                (0..2).all(|of| drawn(of) <= limits[of] * (1.0 + 1e-6))
            };
            let taken = |racks: &[usize]| -> f64 {
                kinds.iter().zip(racks).map(|(kind, racks)| kind.takes[*racks]).sum()
            };
            let (tight, loose) = ([power, cost], [power * looser, cost * looser]);
            let best = most(&kinds, tight);
            prop_assert!(within(&best, tight) && taken(&best) <= taken(&most(&kinds, loose)) + 1e-9);
            match fill(&kinds, load, tight) {
                Some(racks) => {
                    prop_assert!(within(&racks, tight) && taken(&racks) >= load - 1e-9);
                    let loosely = fill(&kinds, load, loose).expect("what is within tight limits is within loose ones");
                    prop_assert!(bill(&kinds, &loosely) <= bill(&kinds, &racks) + 1e-9);
                }
                None => prop_assert!(taken(&best) < load + 1e-9),
            }
        }
    }
}
