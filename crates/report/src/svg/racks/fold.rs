//! Folding what repeats: racks (and, within one, servers) that hold the same are drawn once.

/// What a GPU slot holds. Slots are filled in this order, from the first rack on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Active,
    Spare,
    Idle,
    Empty,
}

pub(super) const ROLES: [Role; 4] = [Role::Active, Role::Spare, Role::Idle, Role::Empty];

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Role::Active => "active",
            Role::Spare => "spare",
            Role::Idle => "idle",
            Role::Empty => "empty",
        }
    }
}

/// Slots of each role, in the order of [`ROLES`].
pub(super) type Roles = [u64; 4];

/// Units beside each other that hold the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Position of the first one, from 0.
    pub(super) first: u64,
    pub(super) count: u64,
    /// What each of them holds.
    pub(super) roles: Roles,
}

impl Run {
    /// Its units one by one.
    pub(super) fn unfolded(self) -> impl Iterator<Item = Run> {
        (0..self.count).map(move |i| Run { first: self.first + i, count: 1, roles: self.roles })
    }
}

/// Spreads active, spare and idle GPUs over units of `capacity` slots and folds units that hold the same.
pub(super) fn fold(units: u64, capacity: u64, held: &Roles) -> Vec<Run> {
    let ends = role_ends(held);
    let mut runs: Vec<Run> = Vec::new();
    let mut unit = 0;
    while unit < units {
        let start = u128::from(unit) * u128::from(capacity);
        let roles = roles_between(&ends, start, start + u128::from(capacity));
        let count = repeats(&ends, start, capacity).clamp(1, u128::from(units - unit)) as u64;
        match runs.last_mut() {
            Some(run) if run.roles == roles => run.count += count,
            _ => runs.push(Run { first: unit, count, roles }),
        }
        unit += count;
    }
    runs
}

/// Where each role's slots end; the empty ones never do.
fn role_ends(held: &Roles) -> [u128; 4] {
    let mut end = 0;
    let mut ends = held.map(|count| {
        end += u128::from(count);
        end
    });
    ends[3] = u128::MAX;
    ends
}

/// What the slots `start..stop` hold.
fn roles_between(ends: &[u128; 4], start: u128, stop: u128) -> Roles {
    let mut from = start;
    ends.map(|end| {
        let to = end.clamp(from, stop);
        let held = to - from;
        from = to;
        held as u64
    })
}

/// How many units from slot `start` on hold nothing but the role at `start`.
fn repeats(ends: &[u128; 4], start: u128, capacity: u64) -> u128 {
    let end = ends.iter().copied().find(|end| *end > start).unwrap_or(u128::MAX);
    (end - start).checked_div(u128::from(capacity)).unwrap_or(u128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hand_21_racks_with_a_partial_last_one() {
        // 21 racks of 72: 1500 active end in rack 21 after 60, then 4 spare, then 8 idle.
        let runs = fold(21, 72, &[1500, 4, 8, 0]);
        assert_eq!(
            runs,
            [
                Run { first: 0, count: 20, roles: [72, 0, 0, 0] },
                Run { first: 20, count: 1, roles: [60, 4, 8, 0] }
            ]
        );
    }

    #[test]
    fn hand_slots_nobody_fills_are_empty() {
        let runs = fold(3, 8, &[8, 0, 0, 0]);
        assert_eq!(
            runs,
            [
                Run { first: 0, count: 1, roles: [8, 0, 0, 0] },
                Run { first: 1, count: 2, roles: [0, 0, 0, 8] }
            ]
        );
    }

    #[test]
    fn hand_units_without_slots_are_one_run() {
        assert_eq!(fold(5, 0, &[3, 0, 0, 0]), [Run { first: 0, count: 5, roles: [0; 4] }]);
    }

    proptest! {
        #[test]
        fn law_runs_cover_all_units_and_keep_every_gpu(
            units in 0u64..2000, capacity in 0u64..100, active in 0u64..90_000, spare in 0u64..300, idle in 0u64..300,
        ) {
            let runs = fold(units, capacity, &[active, spare, idle, 0]);
            let mut next = 0;
            for run in &runs {
                prop_assert_eq!(run.first, next);
                prop_assert_eq!(run.roles.iter().sum::<u64>(), capacity);
                next += run.count;
            }
            prop_assert_eq!(next, units);
            let total = |role: usize| runs.iter().map(|run| run.count * run.roles[role]).sum::<u64>();
            prop_assert_eq!(total(0), active.min(units * capacity));
            if active + spare + idle <= units * capacity {
                prop_assert_eq!((total(1), total(2)), (spare, idle));
            }
            prop_assert!(runs.len() <= 8);
        }
    }
}
