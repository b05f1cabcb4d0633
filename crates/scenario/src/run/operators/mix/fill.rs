//! How many racks of each kind, and who is served on them: the cheapest that take the load within what all together may
//! draw and cost, found by trying all; where none do, those that take most of it.
//!
//! An integer program over (kind of rack, class of requests). The racks of a kind either serve all classes as they come,
//! or each rack serves one class alone:
//!
//!   least Σ bill · racks, so that for every class  Σ whole(racks) + Σ own(racks of the class) ≥ 1
//!
//! where whole and own are the parts of the load that a kind's racks take, whichever plans run on them. Racks serve whole
//! classes rather than share their servers, so that pools grow, fail and are replaced one by one.

/// A kind of rack as filling sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Supply {
    /// What no, one, two and more racks take of the load, all classes as they come; never falls.
    pub(super) whole: Vec<f64>,
    /// The same of the load of each class, which they serve alone; none where all requests are alike.
    pub(super) own: Vec<Vec<f64>>,
    /// Racks that are there.
    pub(super) stock: usize,
    /// What a rack adds to the bill, and its accelerators, which decide between equal bills.
    pub(super) bill: f64,
    pub(super) gpus: u64,
    /// What a rack takes of each limit; nothing where nobody knows.
    pub(super) draws: Draws,
}

/// Power and cost.
pub(super) type Draws = [f64; 2];

/// Racks of one kind in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// So many for all classes as they come.
    Whole(usize),
    /// So many for each class alone.
    Own(Vec<usize>),
}

impl Use {
    pub(super) fn racks(&self) -> usize {
        match self {
            Self::Whole(racks) => *racks,
            Self::Own(racks) => racks.iter().sum(),
        }
    }
}

/// Ways to fill that are tried at most: a second's work.
pub(super) const MOST_WAYS: u64 = 2_000_000;
/// Of the load, what the most that racks take may be off by.
const PRECISION: f64 = 1e-9;
/// A load that racks take exactly must not need one more because of rounding, nor must a limit that they meet exactly.
const ROUNDED: f64 = 1.0 - 1e-12;
const MET: f64 = 1.0 + 1e-9;

/// Ways that [`fill`] goes through at most: of all kinds but the one with most of them, whose racks follow.
pub(super) fn ways(supplies: &[Supply]) -> u64 {
    let of_all = supplies.iter().map(Supply::ways);
    of_all.clone().fold(1, u64::saturating_mul) / of_all.max().unwrap_or(1).max(1)
}

/// Racks of each kind that take this part of the load at the least bill, then with the fewest accelerators, then of the
/// kinds named first; nothing where no racks within the limits take it.
pub(super) fn fill(supplies: &[Supply], part: f64, limits: Draws) -> Option<Vec<Use>> {
    let classes = supplies.first()?.own.len();
    let nothing = Placed { left: vec![part * ROUNDED; classes.max(1)], bill: 0.0, gpus: 0, draws: [0.0; 2] };
    let last = (0..supplies.len()).max_by_key(|kind| supplies[*kind].ways()).unwrap_or(0);
    let mut search = Search { supplies, limits: limits.map(|limit| limit * MET), last, best: None };
    search.place(0, &mut vec![Use::Whole(0); supplies.len()], &nothing);
    search.best.map(|(_, used)| used)
}

/// Racks of each kind within the limits that take the most, of every class alike, then at the least bill.
pub(super) fn most(supplies: &[Supply], limits: Draws) -> Vec<Use> {
    let mut best = vec![Use::Whole(0); supplies.len()];
    let (mut low, mut high) = (0.0, 1.0);
    while high - low > PRECISION {
        let middle = (low + high) / 2.0;
        match fill(supplies, middle, limits) {
            Some(found) => {
                low = taken(supplies, &found).max(middle);
                best = found;
            }
            None => high = middle,
        }
    }
    best
}

/// The part of every class that racks take.
fn taken(supplies: &[Supply], used: &[Use]) -> f64 {
    let classes = supplies.first().map_or(0, |supply| supply.own.len()).max(1);
    let of = |class: usize| supplies.iter().zip(used).map(|(supply, used)| supply.takes(used, class)).sum();
    (0..classes).map(of).fold(f64::INFINITY, f64::min)
}

impl Supply {
    /// What racks take of the load of a class.
    fn takes(&self, used: &Use, class: usize) -> f64 {
        match used {
            Use::Whole(racks) => self.whole[*racks],
            Use::Own(racks) => self.own[class][racks[class]],
        }
    }

    /// Ways to use the kind at most.
    fn ways(&self) -> u64 {
        let own = self.own.iter().map(|takes| takes.len() as u64).fold(1, u64::saturating_mul);
        (self.whole.len() as u64).saturating_add(if self.own.is_empty() { 0 } else { own })
    }

    /// Every way to use at most so many racks of which none is idle; the most first, so that among equal bills the kinds
    /// named first are used.
    fn uses(&self, left: &[f64], most: usize) -> Vec<Use> {
        let enough = enough(&self.whole, left.iter().copied().fold(0.0, f64::max)).min(self.whole.len() - 1);
        let whole = (0..=enough.min(most)).rev().map(Use::Whole);
        let own = self.splits(left, most).into_iter().filter(|split| split.iter().any(|racks| *racks > 0));
        whole.chain(own.map(Use::Own)).collect()
    }

    /// At most so many racks divided between the classes; none where all requests are alike.
    fn splits(&self, left: &[f64], most: usize) -> Vec<Vec<usize>> {
        let mut splits = if self.own.is_empty() { Vec::new() } else { vec![Vec::new()] };
        for (takes, left) in self.own.iter().zip(left) {
            let enough = enough(takes, *left).min(takes.len() - 1);
            let longer = |split: Vec<usize>| {
                let free = enough.min(most - split.iter().sum::<usize>());
                (0..=free).rev().map(move |racks| [split.as_slice(), &[racks]].concat())
            };
            splits = splits.into_iter().flat_map(longer).collect();
        }
        splits
    }

    /// The fewest racks that take all that is left; more than there are where none do.
    fn rest(&self, left: &[f64]) -> Use {
        let whole = enough(&self.whole, left.iter().copied().fold(0.0, f64::max));
        let own: Vec<usize> = self.own.iter().zip(left).map(|(takes, left)| enough(takes, *left)).collect();
        let fewer = !own.is_empty() && own.iter().sum::<usize>() < whole;
        if fewer { Use::Own(own) } else { Use::Whole(whole) }
    }
}

/// The fewest racks that take so much.
fn enough(takes: &[f64], load: f64) -> usize {
    takes.partition_point(|takes| *takes < load)
}

/// What is wanted least: of the bill, of accelerators.
type Score = (f64, u64);

struct Search<'a> {
    supplies: &'a [Supply],
    limits: Draws,
    /// The kind whose racks follow from those of the others.
    last: usize,
    best: Option<(Score, Vec<Use>)>,
}

/// What the racks placed so far leave of the load of each class, and what they take.
#[derive(Clone)]
struct Placed {
    left: Vec<f64>,
    bill: f64,
    gpus: u64,
    draws: Draws,
}

impl Placed {
    fn with(&self, supply: &Supply, used: &Use) -> Self {
        let (count, left) = (used.racks(), self.left.iter().enumerate());
        let racks = count as f64;
        Self {
            left: left.map(|(class, left)| left - supply.takes(used, class)).collect(),
            bill: self.bill + supply.bill * racks,
            gpus: self.gpus + supply.gpus * count as u64,
            draws: std::array::from_fn(|of| self.draws[of] + supply.draws[of] * racks),
        }
    }
}

impl Search<'_> {
    /// Tries every use of this kind and those after it, for what is left of the load and the limits.
    fn place(&mut self, kind: usize, used: &mut [Use], placed: &Placed) {
        if self.best.as_ref().is_some_and(|(held, _)| held.0 < placed.bill) {
            return;
        }
        if kind == self.supplies.len() {
            return self.end(used, placed);
        }
        if kind == self.last {
            return self.place(kind + 1, used, placed);
        }
        let supply = &self.supplies[kind];
        for one in supply.uses(&placed.left, self.within(kind, placed)) {
            let then = placed.with(supply, &one);
            used[kind] = one;
            self.place(kind + 1, used, &then);
        }
        used[kind] = Use::Whole(0);
    }

    /// Racks of a kind that are there and that the limits leave.
    fn within(&self, kind: usize, placed: &Placed) -> usize {
        let supply = &self.supplies[kind];
        let fed = |of: usize| match supply.draws[of] {
            draw if draw <= 0.0 => f64::INFINITY,
            draw => ((self.limits[of] - placed.draws[of]) / draw).floor().max(0.0),
        };
        supply.stock.min(fed(0).min(fed(1)) as usize)
    }

    fn end(&mut self, used: &mut [Use], placed: &Placed) {
        let supply = &self.supplies[self.last];
        let rest = supply.rest(&placed.left);
        if rest.racks() > self.within(self.last, placed) {
            return;
        }
        let placed = placed.with(supply, &rest);
        let score = (placed.bill, placed.gpus);
        let better = |held: &Score| score.0.total_cmp(&held.0).then(score.1.cmp(&held.1)).is_lt();
        if self.best.as_ref().is_none_or(|(held, _)| better(held)) {
            used[self.last] = rest;
            self.best = Some((score, used.to_vec()));
            used[self.last] = Use::Whole(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn linear(each: f64, racks: usize) -> Vec<f64> {
        (0..=racks).map(|racks| each * racks as f64).collect()
    }

    /// Racks that each take so much of the load, all of it alike.
    fn alike(each: f64, stock: usize, bill: f64) -> Supply {
        Supply { whole: linear(each, stock), own: Vec::new(), stock, bill, gpus: 8, draws: [bill, 0.0] }
    }

    const FREE: Draws = [f64::INFINITY; 2];

    #[test]
    fn hand_a_cheap_small_rack_tops_up_a_large_one() {
        // Of a load of 1000 a large rack takes 200 for 10, a small one 30 for 1: for 250 five small ones leave 100 for a
        // large one, one large one leaves 50 for two small ones.
        let kinds = [alike(0.2, 4, 10.0), alike(0.03, 5, 1.0)];
        let racks =
            |part| fill(&kinds, part, FREE).map(|used| used.iter().map(Use::racks).collect::<Vec<_>>());
        assert_eq!(racks(0.25), Some(vec![1, 2]));
        assert_eq!(racks(0.15), Some(vec![0, 5]));
        assert_eq!(racks(0.951), None);
        assert_eq!(racks(0.95), Some(vec![4, 5]));
    }

    #[test]
    fn hand_limits_leave_fewer_racks() {
        // Of 24 two large racks take 20 and four small ones 4: 52 % of the load. Of 9 no large one can be had.
        let kinds = [alike(0.2, 4, 10.0), alike(0.03, 5, 1.0)];
        let at = |limit| [limit, f64::INFINITY];
        assert_eq!(fill(&kinds, 0.52, at(24.0)), Some(vec![Use::Whole(2), Use::Whole(4)]));
        assert_eq!(fill(&kinds, 0.521, at(24.0)), None);
        let most = |limits| most(&kinds, limits).iter().map(Use::racks).collect::<Vec<_>>();
        assert_eq!(most(at(24.0)), [2, 4]);
        assert_eq!(most(at(9.0)), [0, 5]);
        assert_eq!(most(at(0.5)), [0, 0]);
        assert_eq!(most(FREE), [4, 5]);
    }

    #[test]
    fn hand_each_class_goes_where_it_takes_least() {
        // Both kinds take a quarter of the load as it comes. The first takes half of the chat and a tenth of the documents,
        // the second the other way round: two racks of each serve all, where four as they come would too, at more cost.
        let kind = |chat, documents| Supply {
            whole: linear(0.25, 6),
            own: vec![linear(chat, 6), linear(documents, 6)],
            stock: 6,
            bill: 1.0,
            gpus: 8,
            draws: [1.0, 0.0],
        };
        let kinds = [kind(0.6, 0.1), kind(0.1, 0.6)];
        // Two of each are four racks: no fewer than four of either as they come, which are tried first.
        assert_eq!(fill(&kinds, 1.0, FREE).map(|used| used.iter().map(Use::racks).sum()), Some(4));
        // For six tenths one of each will do, where as they come three are needed.
        assert_eq!(fill(&kinds, 0.6, FREE), Some(vec![Use::Own(vec![1, 0]), Use::Own(vec![0, 1])]));
        // With two racks to feed, no more than six tenths of either class are served.
        let best = most(&kinds, [2.0, f64::INFINITY]);
        assert_eq!(best, [Use::Own(vec![1, 0]), Use::Own(vec![0, 1])]);
        assert!((taken(&kinds, &best) - 0.6).abs() < 1e-12);
    }

    fn steps() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(0.0..0.4_f64, 4).prop_map(|steps| {
            let sums = steps.iter().scan(0.0, |sum, step| {
                *sum += step;
                Some(*sum)
            });
            std::iter::once(0.0).chain(sums).collect()
        })
    }

    /// One to three kinds of at most four racks, for requests that are alike or of two classes.
    fn kinds() -> impl Strategy<Value = Vec<Supply>> {
        let supply = |classes: usize| {
            let takes = (steps(), prop::collection::vec(steps(), classes));
            let rack = (0..5_usize, 0.1..9.0_f64, 1..100_u64, 0.0..9.0_f64);
            (takes, rack).prop_map(|((whole, own), (stock, bill, gpus, power))| Supply {
                whole,
                own,
                stock,
                bill,
                gpus,
                draws: [power, bill],
            })
        };
        prop_oneof![Just(0_usize), Just(2)]
            .prop_flat_map(move |classes| prop::collection::vec(supply(classes), 1..4))
    }

    fn drawn(kinds: &[Supply], used: &[Use], of: fn(&Supply) -> f64) -> f64 {
        kinds.iter().zip(used).map(|(kind, used)| of(kind) * used.racks() as f64).sum()
    }

    fn bill(kinds: &[Supply], used: &[Use]) -> f64 {
        drawn(kinds, used, |kind| kind.bill)
    }

    /// Every use of every kind, tried one by one.
    fn all(kinds: &[Supply]) -> Vec<Vec<Use>> {
        let mut ways = vec![Vec::new()];
        for kind in kinds {
            let whole = (0..=kind.stock).map(Use::Whole);
            let pairs = (0..=kind.stock).flat_map(|a| (0..=kind.stock - a).map(move |b| vec![a, b]));
            let own = pairs.filter(|_| !kind.own.is_empty()).map(Use::Own);
            let uses: Vec<Use> = whole.chain(own).collect();
            let longer = |way: Vec<Use>| {
                let with = |one: &Use| way.iter().chain([one]).cloned().collect();
                uses.iter().map(with).collect::<Vec<Vec<Use>>>()
            };
            ways = ways.into_iter().flat_map(longer).collect();
        }
        ways
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn law_no_way_to_fill_is_cheaper_and_none_takes_more(
            kinds in kinds(), part in 0.1..1.0_f64, power in 1.0..60.0_f64, cost in 1.0..60.0_f64,
        ) {
            let limits = [power, cost];
            let within = |used: &Vec<Use>| {
                drawn(&kinds, used, |kind| kind.draws[0]) <= power && drawn(&kinds, used, |kind| kind.draws[1]) <= cost
            };
            let ways: Vec<Vec<Use>> = all(&kinds).into_iter().filter(within).collect();
            let serving = ways.iter().filter(|used| taken(&kinds, used) >= part);
            let cheapest = serving.map(|used| bill(&kinds, used)).min_by(f64::total_cmp);
            let found = fill(&kinds, part, limits);
            prop_assert_eq!(found.is_some(), cheapest.is_some());
            if let (Some(found), Some(cheapest)) = (found, cheapest) {
                prop_assert!(taken(&kinds, &found) >= part - 1e-9 && within(&found));
                prop_assert!((bill(&kinds, &found) - cheapest).abs() < 1e-9);
            }
            let most_taken = ways.iter().map(|used| taken(&kinds, used).min(1.0)).fold(0.0, f64::max);
            let found = most(&kinds, limits);
            prop_assert!(within(&found) && (taken(&kinds, &found).min(1.0) - most_taken).abs() < 1e-6);
        }

        #[test]
        fn law_more_racks_and_looser_limits_never_cost_more(
            kinds in kinds(), part in 0.1..1.0_f64, limit in 1.0..60.0_f64, looser in 1.0..3.0_f64,
        ) {
            let Some(held) = fill(&kinds, part, [limit; 2]) else { return Ok(()) };
            let bill_held = bill(&kinds, &held);
            let loose = fill(&kinds, part, [limit * looser; 2]).expect("what is within tight limits is within loose ones");
            prop_assert!(bill(&kinds, &loose) <= bill_held + 1e-9);
            for grown in 0..kinds.len() {
                let mut larger = kinds.clone();
                larger[grown].stock = (larger[grown].stock + 1).min(4);
                let then = fill(&larger, part, [limit; 2]).expect("what was enough is enough with more");
                prop_assert!(bill(&larger, &then) <= bill_held + 1e-9);
            }
        }
    }
}
