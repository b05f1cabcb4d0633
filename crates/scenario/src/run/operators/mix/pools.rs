//! Racks of one kind that serve the same, and how much of the load each such pool gets.

use super::fill::Use;
use super::fleet::Fleet;
use super::kind::Kind;

/// Racks of one kind for all classes as they come, or for one of them.
pub(super) struct Pool {
    /// Places of the kind and of the class.
    pub(super) kind: usize,
    pub(super) class: Option<usize>,
    pub(super) racks: u64,
    /// Users, or requests a second, that it gets.
    pub(super) load: f64,
}

/// The pools of racks in use, in the order of their kinds; of a kind that is not used one without racks.
pub(super) fn pools(fleet: Fleet, kinds: &[Kind], used: &[Use]) -> Vec<Pool> {
    let of_kind = |(kind, used): (usize, &Use)| -> Vec<(usize, Option<usize>, usize)> {
        match used {
            Use::Whole(racks) => vec![(kind, None, *racks)],
            Use::Own(racks) => {
                let classes = racks.iter().enumerate().filter(|(_, racks)| **racks > 0);
                classes.map(|(class, racks)| (kind, Some(class), *racks)).collect()
            }
        }
    };
    let all = used.iter().enumerate().flat_map(of_kind);
    let mut pools: Vec<Pool> =
        all.map(|(kind, class, racks)| Pool { kind, class, racks: racks as u64, load: 0.0 }).collect();
    let takes: Vec<f64> = pools
        .iter()
        .map(|pool| kinds[pool.kind].load(pool.class).takes(fleet.about(pool.kind), pool.racks))
        .collect();
    let sizes = |class: Option<usize>| kinds[0].load(class).size();
    let loads = loads(&pools, &takes, kinds[0].own.len(), sizes);
    pools.iter_mut().zip(loads).for_each(|(pool, load)| pool.load = load);
    pools
}

/// The load of each pool, in proportion to what its racks take, so that all are used alike; no more than that where they
/// do not suffice.
///
/// Racks for all take a part W of the load, racks of their own at least a part C of each class. Used alike, they get
/// W / (W + C) and C / (W + C) of what is served, which is all or W + C.
fn loads(pools: &[Pool], takes: &[f64], classes: usize, sizes: impl Fn(Option<usize>) -> f64) -> Vec<f64> {
    let of = |class: Option<usize>| -> f64 {
        pools.iter().zip(takes).filter(|(pool, _)| pool.class == class).map(|(_, takes)| takes).sum()
    };
    let whole = of(None) / sizes(None);
    let least =
        (0..classes).map(|class| of(Some(class)) / sizes(Some(class))).reduce(f64::min).unwrap_or(0.0);
    let (all, served) = (whole + least, (whole + least).min(1.0));
    let load = |(pool, takes): (&Pool, &f64)| {
        let part = if pool.class.is_none() { whole } else { least };
        if *takes <= 0.0 || part <= 0.0 {
            return 0.0;
        }
        let alone = *takes == of(pool.class);
        let of_class = served * (part / all) * sizes(pool.class);
        if alone { of_class.min(*takes) } else { (of_class / of(pool.class) * takes).min(*takes) }
    };
    pools.iter().zip(takes).map(load).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(class: Option<usize>) -> Pool {
        Pool { kind: 0, class, racks: 1, load: 0.0 }
    }

    /// 100 users, 60 of one class and 40 of the other.
    fn sizes(class: Option<usize>) -> f64 {
        class.map_or(100.0, |class| [60.0, 40.0][class])
    }

    #[test]
    fn hand_pools_are_used_alike() {
        let pools = [pool(None), pool(Some(0)), pool(Some(1))];
        // Half of all, the whole first class and half of the second: each class has half of it on racks of its own.
        let found = loads(&pools, &[50.0, 60.0, 20.0], 2, sizes);
        assert_eq!(found, [50.0, 30.0, 20.0]);
        // Twice as much of everything: all are half idle.
        assert_eq!(loads(&pools, &[100.0, 120.0, 40.0], 2, sizes), [50.0, 30.0, 20.0]);
        // A quarter of everything: a half is not served.
        assert_eq!(loads(&pools, &[25.0, 15.0, 10.0], 2, sizes), [25.0, 15.0, 10.0]);
    }

    #[test]
    fn hand_racks_for_all_share_in_proportion() {
        let pools = [pool(None), pool(None)];
        assert_eq!(loads(&pools, &[150.0, 50.0], 0, sizes), [75.0, 25.0]);
        assert_eq!(loads(&pools, &[30.0, 0.0], 0, sizes), [30.0, 0.0]);
    }
}
