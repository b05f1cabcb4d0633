//! Parts of one name put together: the same operator in layers of several kinds is one row of the first screen.

use rackplan_scenario::answer::ExplainPart;

/// Parts of one name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Merged {
    /// What they are.
    pub(super) name: String,
    /// Runs of all of them.
    pub(super) count: f64,
    /// All runs.
    pub(super) time_s: f64,
    /// What they add to the step.
    pub(super) exposed_s: f64,
    /// FLOPs of all runs.
    pub(super) flops: f64,
    /// Bytes that all runs read and write.
    pub(super) bytes: f64,
    /// Kind of work, bound and evidence of the longest of them.
    pub(super) longest: ExplainPart,
}

impl Merged {
    /// Whether something longer runs beside it.
    pub(super) fn is_hidden(&self) -> bool {
        self.exposed_s <= 0.0 && self.time_s > 0.0
    }
}

/// The parts by name, in the order in which they first run.
pub(super) fn merged(parts: &[ExplainPart]) -> Vec<Merged> {
    let mut all: Vec<Merged> = Vec::new();
    for part in parts {
        let (flops, bytes) = (part.count * part.flops, part.count * part.bytes);
        match all.iter_mut().find(|held| held.name == part.name) {
            Some(held) => {
                held.count += part.count;
                held.time_s += part.time_s;
                held.exposed_s += part.exposed_s;
                held.flops += flops;
                held.bytes += bytes;
                if part.time_s > held.longest.time_s {
                    held.longest = part.clone();
                }
            }
            None => all.push(Merged {
                name: part.name.clone(),
                count: part.count,
                time_s: part.time_s,
                exposed_s: part.exposed_s,
                flops,
                bytes,
                longest: part.clone(),
            }),
        }
    }
    all
}
