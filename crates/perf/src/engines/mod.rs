//! Constants of kernels from the catalog's engines, with the rule for what has none.

mod library;

use crate::evidence::kin;
use crate::operators::moe_routing::Routing;
use crate::{BLIND, Constants, Evidence, Graphs, Parameter, distance};
use library::Library;
use rackplan_catalog::{
    Architecture, Backend, Catalog, FittedOperator, HostPerSequence, Kind, Loan, LoanFactors, Quantiles,
    Steps,
};
use std::collections::{BTreeMap, BTreeSet};

/// The constants of an operator with what they rest on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fitted<C> {
    /// The constants.
    pub constants: C,
    /// Measured over predicted.
    pub band: Quantiles,
    /// What they rest on.
    pub evidence: Evidence,
}

/// Whose kernels are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// Serving framework or library, as engines name it.
    pub backend: &'a str,
    /// The family of accelerators.
    pub architecture: Architecture,
    /// Catalog id of the accelerator.
    pub gpu: &'a str,
}

/// The engines of a catalog.
#[derive(Clone, Debug)]
pub struct Engines {
    library: Library,
    /// Families with measured kernels.
    measured: BTreeSet<Architecture>,
    /// What borrowed kernels reach on families without.
    loans: BTreeMap<Architecture, LoanFactors>,
    /// How far ranks drift apart between collectives, in microseconds.
    drift_us: f64,
    /// How tokens choose experts where nothing else is known.
    routing: Routing,
    /// What hosts add to a step for each sequence.
    host: HostPerSequence,
    /// What each framework pads steps to.
    graphs: BTreeMap<Backend, Graphs>,
}

/// Catalog id of the constants of steps.
const STEPS: &str = "serving";

impl Engines {
    /// Reads every loan, and of engines whose they are; constants when they are asked for.
    pub fn new(catalog: &Catalog) -> Self {
        let loans = catalog.ids(Kind::Loans);
        let loans = loans.iter().filter_map(|id| Some(catalog.get::<Loan>(id).ok()?.record));
        let loans = loans.map(|loan| (loan.architecture, loan.factors)).collect();
        let library = Library::new(catalog);
        let measured = library.architectures().collect();
        let steps = catalog.get::<Steps>(STEPS).map(|entry| entry.record.constants);
        let drift_us = steps.as_ref().map_or(0.0, |steps| steps.drift_us);
        let host = steps.as_ref().map_or(HostPerSequence::default(), |steps| steps.host_us);
        let routing = steps.map_or(Routing::Uniform, |steps| Routing::PowerLaw { alpha: steps.skew });
        let graphs = Backend::ALL.map(|backend| (backend, Graphs::of(catalog, backend.name()))).into();
        Self { library, measured, loans, drift_us, routing, host, graphs }
    }

    /// How tokens choose experts where nothing else is known.
    pub fn routing(&self) -> Routing {
        self.routing
    }

    /// The same with another routing, for those who look for it.
    pub fn with_routing(&self, routing: Routing) -> Self {
        Self { routing, ..self.clone() }
    }

    /// What a framework's host adds to a step for each sequence in it, in microseconds.
    pub fn host_us(&self, backend: Backend) -> f64 {
        self.host.of(backend)
    }

    /// The same with other hosts, for those who look for them.
    pub fn with_host(&self, host: HostPerSequence) -> Self {
        Self { host, ..self.clone() }
    }

    /// What a framework pads steps to.
    pub fn graphs(&self, backend: Backend) -> Graphs {
        self.graphs.get(&backend).cloned().unwrap_or_default()
    }

    /// How far ranks drift apart between two collectives of a step: a standard deviation, in microseconds.
    pub fn drift_us(&self) -> f64 {
        self.drift_us
    }

    /// The same with another drift, for those who look for it.
    pub fn with_drift(&self, drift_us: f64) -> Self {
        Self { drift_us, ..self.clone() }
    }

    /// Whether kernels of a family were measured, under any framework.
    pub fn measured(&self, architecture: Architecture) -> bool {
        self.measured.contains(&architecture)
    }

    /// What the kernels that a family borrows reach on it: nothing else where it has its own, else what was found for it
    /// or, before that, for the next family of its maker.
    pub fn loan(&self, architecture: Architecture) -> LoanFactors {
        self.borrower(architecture).map_or(LoanFactors::NONE, |(_, factors)| factors)
    }

    /// The family whose nearest kernels one runs: its own or, where what borrowed kernels reach was found for the next
    /// family of its maker, that one's. The factors were found with those kernels and mean nothing on others: Blackwell's
    /// at rates found with Hopper's made MI355X slower than MI325X by up to 1.7 times.
    pub fn lends_as(&self, architecture: Architecture) -> Architecture {
        self.borrower(architecture).map_or(architecture, |(family, _)| family)
    }

    /// The nearest family of the same maker for which it was found what borrowed kernels reach, and what; none where a
    /// family has its own kernels.
    fn borrower(&self, architecture: Architecture) -> Option<(Architecture, LoanFactors)> {
        let known =
            self.loans.iter().filter(|(of, _)| kin(**of, architecture) && !self.measured(architecture));
        let nearest = known.min_by_key(|(of, _)| distance(**of, architecture));
        nearest.map(|(family, factors)| (*family, *factors))
    }

    /// Whether a family runs another maker's kernels at rates that nobody found on it: taken over from the next family of
    /// its maker, or simply the lender's.
    pub fn is_twice_removed(&self, architecture: Architecture) -> bool {
        self.is_foreign(architecture) && !self.loans.contains_key(&architecture)
    }

    /// Whether no family of its maker was measured.
    fn is_foreign(&self, architecture: Architecture) -> bool {
        !self.measured.iter().any(|known| kin(*known, architecture))
    }

    /// The same with these factors for one family, for those who look for them.
    pub fn with_loan(&self, architecture: Architecture, factors: LoanFactors) -> Self {
        let mut loans = self.loans.clone();
        loans.insert(architecture, factors);
        Self { loans, ..self.clone() }
    }

    /// The nearest constants of one group: by backend and group, then the backend's kernels for other head sizes, then its
    /// other groups of the format, then other backends; within each by architecture.
    pub fn nearest<C: Constants>(&self, operator: &str, group: &str, place: Place) -> Option<Fitted<C>> {
        let cost = |name: &str| {
            other_size(name, group).or_else(|| (format_of(name) == format_of(group)).then_some(3))
        };
        self.fitted(self.nearest_of(operator, place, cost)?, place)
    }

    /// The constants of the kernel that a backend runs for one of several formats, the first preferred: of its kernels
    /// for a format the one that was measured most often, which is the one that it chooses by default. A maker whose
    /// accelerators were not measured borrows kernels that are compiled for any accelerator before those that are written
    /// for the lender's instructions.
    pub fn chosen<C: Constants>(&self, operator: &str, formats: &[&str], place: Place) -> Option<Fitted<C>> {
        let foreign = self.is_foreign(place.architecture);
        let cost = |name: &str| {
            let position = formats.iter().position(|format| format_of(name) == *format)?;
            let bound = if foreign && is_written_for_one_maker(name) { FOREIGN } else { 0 };
            u32::try_from(position).ok().map(|position| 3 * position + bound)
        };
        self.fitted(self.nearest_of(operator, place, cost)?, place)
    }

    /// The entry with the least sum of its group's cost, of another backend's (30) and of another architecture's; where
    /// several are equal, the one with most rows, then the first by engine and group. Engines that are too far to have it
    /// are not read.
    fn nearest_of(
        &self,
        operator: &str,
        place: Place,
        cost_of_group: impl Fn(&str) -> Option<u32>,
    ) -> Option<Nearest> {
        let mut best: Option<((u32, u64, usize), Nearest)> = None;
        for (far, engine) in self.by_distance(place) {
            if best.as_ref().is_some_and(|((cost, ..), _)| *cost < far) {
                break;
            }
            let groups = self.library.groups(engine, operator);
            let costs = groups.iter().map(|(name, fitted)| Some((cost_of_group(name)?, fitted)));
            let ranked =
                costs.enumerate().filter_map(|(at, found)| found.map(|(cost, fitted)| (cost, fitted, at)));
            let rank = |(cost, fitted, at): (u32, &FittedOperator, usize)| {
                ((cost + far, u64::MAX - fitted.rows, engine), at)
            };
            let Some((key, at)) = ranked.map(rank).min() else { continue };
            if best.as_ref().is_none_or(|(held, _)| key < *held) {
                let nearest = Nearest { fitted: groups[at].1.clone(), cost: key.0, own: far == 0 };
                best = Some((key, nearest));
            }
        }
        best.map(|(_, nearest)| nearest)
    }

    /// How far every engine is, and its place, the nearest first.
    fn by_distance(&self, place: Place) -> Vec<(u32, usize)> {
        let far = |head: &rackplan_catalog::EngineHead| {
            let other_backend = if head.backend == place.backend { 0 } else { 30 };
            other_backend + distance(place.architecture, head.architecture)
        };
        let mut all: Vec<(u32, usize)> = self.library.heads().map(far).zip(0..).collect();
        all.sort_unstable();
        all
    }

    fn fitted<C: Constants>(&self, nearest: Nearest, place: Place) -> Option<Fitted<C>> {
        let Nearest { fitted, cost, own } = &nearest;
        let exact = *cost == 0;
        let (evidence, band) = match own {
            true if exact && fitted.gpus.iter().any(|known| known == place.gpu) => {
                (Evidence::OwnGpu, fitted.residuals)
            }
            true if exact => (Evidence::SameArchitecture, fitted.residuals),
            _ => (Evidence::Across, fitted.across.unwrap_or(BLIND)),
        };
        let launch = self.loan(place.architecture).launch;
        Some(Fitted { constants: constants_of(fitted, launch)?, band, evidence })
    }
}

/// The entry found for an operator.
struct Nearest {
    fitted: FittedOperator,
    /// What it costs to take it; 0 for just what was asked.
    cost: u32,
    /// Whether it is of this backend and architecture.
    own: bool,
}

/// The constants of an entry, if it has all of them, with those in microseconds by a factor.
fn constants_of<C: Constants>(fitted: &FittedOperator, launch: f64) -> Option<C> {
    let value = |parameter: &Parameter| {
        let factor = if parameter.name.ends_with(MICROSECONDS) { launch } else { 1.0 };
        Some(fitted.constants.get(parameter.name)? * factor)
    };
    let values: Option<Vec<f64>> = C::PARAMETERS.iter().map(value).collect();
    values.map(|values| C::from_values(&values))
}

/// How constants in microseconds end: launches, barriers, chains of small steps.
const MICROSECONDS: &str = "_us";

impl<C: Constants> Fitted<C> {
    /// The priors of an operator, for what was never measured.
    pub fn prior() -> Self {
        let priors: Vec<f64> = C::PARAMETERS.iter().map(|parameter| parameter.prior).collect();
        Self { constants: C::from_values(&priors), band: BLIND, evidence: Evidence::Unvalidated }
    }
}

/// What a kernel costs that is written for another maker's instructions: more than another format on the same family,
/// less than that on an older one.
const FOREIGN: u32 = 4;

/// Whether a group's kernel is written for NVIDIA's instructions, as the names of engines say it; Triton's are not.
fn is_written_for_one_maker(group: &str) -> bool {
    ["cutlass", "marlin", "deepgemm", "trtllm", "cutedsl"].iter().any(|kernel| group.ends_with(kernel))
}

/// The number format of a group: its name up to the first dot.
fn format_of(group: &str) -> &str {
    group.split('.').next().unwrap_or(group)
}

/// What a group costs that differs at most in its head size, as in `bfloat16.fp8.d128`: nothing, 1 within a factor of
/// 1.5, or 2.
fn other_size(name: &str, asked: &str) -> Option<u32> {
    if name == asked {
        return Some(0);
    }
    let parts = |group| -> Option<(&str, f64)> {
        let (formats, size) = str::rsplit_once(group, ".d")?;
        Some((formats, size.parse().ok()?))
    };
    let ((formats, size), (asked_formats, asked_size)) = (parts(name)?, parts(asked)?);
    let ratio = f64::max(size / asked_size, asked_size / size);
    (formats == asked_formats).then_some(if ratio <= 1.5 { 1 } else { 2 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_head_sizes_are_near_or_far() {
        assert_eq!(other_size("bfloat16.fp8.d128", "bfloat16.fp8.d128"), Some(0));
        assert_eq!(other_size("bfloat16.fp8.d128", "bfloat16.fp8.d96"), Some(1));
        assert_eq!(other_size("bfloat16.fp8.d64", "bfloat16.fp8.d128"), Some(2));
        assert_eq!(other_size("fp8.fp8.d128", "bfloat16.fp8.d128"), None);
        assert_eq!(other_size("nvfp4", "fp8_block.deepgemm"), None);
    }
}
