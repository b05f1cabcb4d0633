//! How many racks of each kind: the cheapest that take the load, found by trying all.

/// A kind of rack as filling sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Supply {
    /// What no, one, two and more racks take of the load; never falls.
    pub(super) takes: Vec<f64>,
    /// What a rack adds to the bill, and its accelerators, which decide between equal bills.
    pub(super) bill: f64,
    pub(super) gpus: u64,
}

/// Ways to fill that are tried at most: a second's work.
pub(super) const MOST_WAYS: u64 = 2_000_000;

/// Ways that [`fill`] goes through: of all kinds but the one with most racks, whose number follows.
pub(super) fn ways(supplies: &[Supply]) -> u64 {
    let sizes = || supplies.iter().map(|supply| supply.takes.len() as u64);
    sizes().product::<u64>() / sizes().max().unwrap_or(1).max(1)
}

/// Racks of each kind that take the load at the least bill, then with the fewest accelerators, then of the kinds named
/// first; nothing where all racks together do not take it.
pub(super) fn fill(supplies: &[Supply], load: f64) -> Option<Vec<usize>> {
    let last = (0..supplies.len()).max_by_key(|kind| supplies[*kind].takes.len())?;
    let mut search = Search { supplies, last, best: None };
    search.place(0, &mut vec![0; supplies.len()], load * ROUNDED, (0.0, 0));
    search.best.map(|(_, racks)| racks)
}

/// A load that racks take exactly must not need one more because of rounding.
const ROUNDED: f64 = 1.0 - 1e-12;

/// A bill and its accelerators.
type Bill = (f64, u64);

struct Search<'a> {
    supplies: &'a [Supply],
    /// The kind whose number follows from those of the others.
    last: usize,
    best: Option<(Bill, Vec<usize>)>,
}

impl Search<'_> {
    /// Tries every number of racks of this kind and those after it, for what is left of the load.
    fn place(&mut self, kind: usize, racks: &mut [usize], left: f64, bill: Bill) {
        if self.best.as_ref().is_some_and(|(held, _)| held.0 < bill.0) {
            return;
        }
        if kind == self.supplies.len() {
            return self.finish(racks, left, bill);
        }
        if kind == self.last {
            return self.place(kind + 1, racks, left, bill);
        }
        let supply = &self.supplies[kind];
        // The most first, so that among equal bills the kinds named first are used.
        for (count, takes) in supply.takes.iter().enumerate().rev() {
            racks[kind] = count;
            self.place(kind + 1, racks, left - takes, added(bill, supply, count));
        }
        racks[kind] = 0;
    }

    fn finish(&mut self, racks: &mut [usize], left: f64, bill: Bill) {
        let supply = &self.supplies[self.last];
        let count = supply.takes.partition_point(|takes| *takes < left);
        if count == supply.takes.len() {
            return;
        }
        let bill = added(bill, supply, count);
        let better =
            |(held, _): &(Bill, Vec<usize>)| (bill.0 < held.0) || (bill.0 == held.0 && bill.1 < held.1);
        if self.best.as_ref().is_none_or(better) {
            racks[self.last] = count;
            self.best = Some((bill, racks.to_vec()));
        }
    }
}

fn added((bill, gpus): Bill, supply: &Supply, count: usize) -> Bill {
    (bill + supply.bill * count as f64, gpus + supply.gpus * count as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn supply(each: f64, racks: usize, bill: f64) -> Supply {
        Supply { takes: (0..=racks).map(|racks| each * racks as f64).collect(), bill, gpus: 8 }
    }

    #[test]
    fn hand_a_cheap_small_rack_tops_up_a_large_one() {
        // 250 users; a large rack takes 200 for 10, a small one 30 for 1: five small ones leave 100 for a large one, one
        // large one leaves 50 for two small ones.
        let kinds = [supply(200.0, 4, 10.0), supply(30.0, 5, 1.0)];
        assert_eq!(fill(&kinds, 250.0), Some(vec![1, 2]));
        assert_eq!(fill(&kinds, 150.0), Some(vec![0, 5]));
        assert_eq!(fill(&kinds, 951.0), None);
        assert_eq!(fill(&kinds, 950.0), Some(vec![4, 5]));
    }

    fn kinds() -> impl Strategy<Value = Vec<Supply>> {
        let one = (prop::collection::vec(0.0..50.0_f64, 0..6), 0.1..9.0_f64, 1..100_u64);
        let supply = one.prop_map(|(steps, bill, gpus)| {
            let takes = std::iter::once(0.0).chain(steps.iter().scan(0.0, |sum, step| {
                *sum += step;
                Some(*sum)
            }));
            Supply { takes: takes.collect(), bill, gpus }
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
            let found = fill(&kinds, load);
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
                let then = fill(&larger, load);
                if let Some(racks) = &found {
                    let then = then.expect("what was enough is enough with more");
                    prop_assert!(bill(&larger, &then) <= bill(&kinds, racks) + 1e-9);
                }
            }
        }
    }
}
