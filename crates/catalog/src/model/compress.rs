//! The shortest pattern for a list of layers, found by dynamic programming over its runs.

use super::pattern::{Item, Part, Pattern};

/// Longest repeated group that is looked for, in runs.
const LONGEST_GROUP: usize = 16;

impl Pattern {
    /// The pattern of a list of kinds, one per layer: repeats become `10 x 5 sliding, 1 full`.
    pub fn compress<S: AsRef<str>>(sequence: &[S]) -> Self {
        let runs = runs(sequence);
        let steps = cheapest_steps(&runs);
        let mut items = Vec::new();
        let mut at = 0;
        while at < runs.len() {
            let (group, times) = steps[at];
            items.push(Item { times: times as u64, parts: runs[at..at + group].to_vec() });
            at += group * times;
        }
        Self { items }
    }
}

/// Equal neighbours as one part.
fn runs<S: AsRef<str>>(sequence: &[S]) -> Vec<Part> {
    let mut runs: Vec<Part> = Vec::new();
    for kind in sequence.iter().map(AsRef::as_ref) {
        match runs.last_mut() {
            Some(last) if last.kind == kind => last.count += 1,
            _ => runs.push(Part { count: 1, kind: kind.to_owned() }),
        }
    }
    runs
}

/// For each position the (group length, repeats) that begins the cheapest text from there to the end.
fn cheapest_steps(runs: &[Part]) -> Vec<(usize, usize)> {
    let mut cost = vec![0; runs.len() + 1];
    let mut steps = vec![(1, 1); runs.len()];
    for at in (0..runs.len()).rev() {
        cost[at] = usize::MAX;
        for (group, times) in choices(runs, at) {
            let total = item_cost(group, times) + cost[at + group * times];
            if total < cost[at] {
                cost[at] = total;
                steps[at] = (group, times);
            }
        }
    }
    steps
}

/// Single runs, and every group that repeats from here.
fn choices(runs: &[Part], at: usize) -> impl Iterator<Item = (usize, usize)> {
    let groups = (1..=LONGEST_GROUP.min((runs.len() - at) / 2)).flat_map(move |group| {
        let first = &runs[at..at + group];
        let repeats = runs[at..].chunks_exact(group).take_while(|chunk| *chunk == first).count();
        (2..=repeats).map(move |times| (group, times))
    });
    std::iter::once((1, 1)).chain(groups)
}

/// Twice the parts, and a little for each item; a repeated group pays for its `N x`.
fn item_cost(group: usize, times: usize) -> usize {
    2 * group + if times > 1 { 2 } else { 1 }
}
