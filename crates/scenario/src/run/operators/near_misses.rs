//! The plans that miss by least, where nothing serves: within the targets but on too many racks, else the targets.

use super::asked::Asked;
use super::outcome::{Outcome, most_racks};
use super::plans::name;
use crate::answer::NearMiss;
use rackplan_plan::{Dropped, Rejection};

/// Plans named.
const NAMED: usize = 3;

/// The nearest, the smallest miss first.
pub(super) fn near_misses(asked: &Asked, outcome: &Outcome) -> Vec<NearMiss> {
    let most = most_racks(asked.racks);
    let crowded = outcome.found.iter().map(|found| {
        let load = (asked.population.size(), found.served.taken);
        let racks = outcome.site().size(load, asked.headroom, asked.spares, found.plan.gpus()).racks;
        let misses = format!("takes {racks} racks of {most}");
        NearMiss { layout: name(found.plan), misses, by: racks as f64 / most as f64 - 1.0 }
    });
    let mut all: Vec<NearMiss> = crowded.filter(|miss| miss.by > 0.0).collect();
    if all.is_empty() {
        // Plans that came farthest along the rules; what fails an earlier one is not near.
        let farthest = outcome.dropped.iter().map(|dropped| dropped.reason.rule()).max();
        let last = outcome.dropped.iter().filter(|dropped| Some(dropped.reason.rule()) == farthest);
        all.extend(last.filter_map(missed));
    }
    all.sort_by(|a, b| a.by.total_cmp(&b.by));
    all.dedup_by(|a, b| a.layout == b.layout);
    all.truncate(NAMED);
    all
}

/// Both sides of the comparison that fails, where it has sides.
fn missed(dropped: &Dropped) -> Option<NearMiss> {
    let (misses, ratio) = match dropped.reason {
        Rejection::MissesTtft { ttft, limit } => {
            (format!("ttft {ttft} of {limit}"), ttft.get() / limit.get())
        }
        Rejection::MissesTpot { tpot, limit } => {
            (format!("tpot {tpot} of {limit}"), tpot.get() / limit.get())
        }
        Rejection::OutOfMemory { needed, available } => {
            (format!("needs {needed} of {available} on a GPU"), needed.get() / available.get())
        }
        _ => return None,
    };
    Some(NearMiss { layout: name(dropped.plan), misses, by: ratio - 1.0 })
}
