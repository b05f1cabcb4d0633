//! Latency targets that would be met: each alone, of each class, eased as little as it must be.

use super::super::super::asked::Asked;
use super::super::fleet::Fleet;
use super::super::kind::Kind;
use super::{rounded_up, said};
use crate::QuestionError;
use crate::answer::Relaxation;
use rackplan_plan::Targets;
use rackplan_units::Seconds;

/// A target, by the name of its flag.
type Target = (&'static str, fn(&mut Targets) -> &mut Seconds);

const TARGETS: [Target; 3] = [
    ("ttft", |targets| &mut targets.ttft),
    ("tpot", |targets| &mut targets.tpot),
    ("e2e", |targets| &mut targets.e2e),
];
/// Times its value that a target is eased to at most, and how often that is halved to come close.
const LOOSEST: f64 = 16.0;
const HALVINGS: u32 = 6;
/// Figures of a target that would do.
const FIGURES: i32 = 2;

/// Those that help; none that does not by itself.
pub(super) fn slower(fleet: Fleet, kinds: &[Kind]) -> Result<Vec<Relaxation>, QuestionError> {
    let classes = fleet.asked.classes.kinds.len();
    let places: Vec<Option<usize>> = if classes == 0 { vec![None] } else { (0..classes).map(Some).collect() };
    let mut relaxations = Vec::new();
    for place in places {
        for target in TARGETS {
            relaxations.extend(eased(fleet, kinds, place, target)?);
        }
    }
    Ok(relaxations)
}

/// The strictest value of a target, within a twentieth, with which the racks suffice.
fn eased(
    fleet: Fleet,
    kinds: &[Kind],
    class: Option<usize>,
    (name, of): Target,
) -> Result<Option<Relaxation>, QuestionError> {
    let given = *of(&mut targets(fleet.asked, class));
    if !given.get().is_finite() {
        return Ok(None);
    }
    let at = |times: f64| {
        let value = Seconds::new(rounded_up(given.get() * times, FIGURES));
        let asked = easing(fleet.asked, class, |targets| *of(targets) = value);
        let filled = super::asked(fleet.asking(&asked))?;
        Ok::<_, QuestionError>(filled.map(|used| (value, used)))
    };
    let Some(mut best) = at(LOOSEST)? else { return Ok(None) };
    let (mut low, mut high) = (1.0_f64, LOOSEST);
    for _ in 0..HALVINGS {
        let middle = (low * high).sqrt();
        match at(middle)? {
            Some(found) => (high, best) = (middle, found),
            None => low = middle,
        }
    }
    let (value, used) = best;
    Ok(Some(Relaxation { flag: flag(fleet, class, name, value), result: said(kinds, &used) }))
}

fn flag(fleet: Fleet, class: Option<usize>, name: &str, value: Seconds) -> String {
    match (class, fleet.classes) {
        (Some(class), names) => format!("--set classes.{}.{name}=\"{value}\"", names[class]),
        // One class alone is asked as if there were none.
        (None, [only]) => format!("--set classes.{only}.{name}=\"{value}\""),
        (None, _) => format!("--{name} \"{value}\""),
    }
}

fn targets(asked: &Asked, class: Option<usize>) -> Targets {
    class.map_or(asked.targets, |class| asked.classes.kinds[class].targets)
}

fn easing(asked: &Asked, class: Option<usize>, change: impl Fn(&mut Targets)) -> Asked {
    let mut eased = asked.clone();
    match class {
        None => change(&mut eased.targets),
        Some(class) => {
            change(&mut eased.classes.kinds[class].targets);
            eased.blend();
        }
    }
    eased
}
