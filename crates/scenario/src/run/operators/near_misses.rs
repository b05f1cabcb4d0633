//! The plans that miss by least, where nothing serves: within the targets but on too many racks, else the targets.

use super::context::Context;
use super::outcome::{Outcome, most_racks, size};
use super::plans::of_plan;
use crate::answer::NearMiss;
use rackplan_plan::{Dropped, Rejection};

/// Plans named.
const NAMED: usize = 3;

/// The nearest, the smallest miss first.
pub(super) fn near_misses(context: Context, outcome: &Outcome) -> Vec<NearMiss> {
    let most = most_racks(context, &outcome.setup);
    let crowded = outcome.searched.found.iter().map(|found| {
        let racks = size(context.asked, &outcome.setup, found, context).racks;
        let misses = format!("takes {racks} racks of {most}");
        NearMiss { layout: of_plan(found.plan), misses, by: racks as f64 / most.max(1) as f64 - 1.0 }
    });
    let mut all: Vec<NearMiss> = crowded.filter(|miss| miss.by > 0.0).collect();
    if all.is_empty() {
        // Plans that came farthest along the rules; what fails an earlier one is not near.
        let dropped = &outcome.searched.dropped;
        let farthest = dropped.iter().map(|one| one.reason.rule()).max();
        all.extend(dropped.iter().filter(|one| Some(one.reason.rule()) == farthest).filter_map(missed));
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
        Rejection::MissesE2e { e2e, limit } => (format!("e2e {e2e} of {limit}"), e2e.get() / limit.get()),
        Rejection::OutOfMemory { needed, available } => {
            (format!("needs {needed} of {available} on a GPU"), needed.get() / available.get())
        }
        _ => return None,
    };
    Some(NearMiss { layout: of_plan(dropped.plan), misses, by: ratio - 1.0 })
}
