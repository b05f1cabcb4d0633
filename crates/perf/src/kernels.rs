//! The kernels of one framework on one accelerator, found once and kept: the plans of a search ask for the same few
//! thousands of times.

use crate::operators::gemm::{Gemm, GemmConstants, GemmPlan};
use crate::operators::moe_routing::Routing;
use crate::{Constants, Deployment, Device, Engines, Evidence, Fitted, Graphs, Parameter, Place};
use rackplan_catalog::{Backend, LoanFactors, Quantiles};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Constants and matrices of everything that was asked for so far.
#[derive(Debug)]
pub struct Kernels {
    engines: Engines,
    backend: Backend,
    gpu: String,
    /// As its catalog entry has it, and at the rates that kernels reach on it.
    devices: [Device; 2],
    found: RwLock<Vec<Found>>,
    gemms: RwLock<BTreeMap<Matrix, Arc<Multiplication>>>,
}

/// What constants are asked for: of the nearest group to one, or of the kernel chosen for the first of several formats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wanted<'a> {
    pub(crate) backend: &'static str,
    pub(crate) operator: &'static str,
    pub(crate) group: &'a str,
    pub(crate) formats: &'static [&'static str],
}

/// What was found for it.
#[derive(Debug)]
struct Found {
    backend: &'static str,
    operator: &'static str,
    group: String,
    formats: &'static [&'static str],
    values: Vec<f64>,
    band: Quantiles,
    evidence: Evidence,
}

/// A matrix: bits of its outputs and inputs, and the group of its format.
pub(crate) type Matrix = (u64, u64, &'static str);

/// A multiplication by it, ready for any number of rows.
#[derive(Debug)]
pub(crate) struct Multiplication {
    pub(crate) shape: Gemm,
    pub(crate) constants: GemmConstants,
    pub(crate) plan: Arc<GemmPlan>,
    pub(crate) evidence: Evidence,
    pub(crate) band: Quantiles,
}

impl Kernels {
    /// Of a deployment's framework on its accelerator; its plan, model and formats do not count.
    pub fn new(deployment: &Deployment, engines: &Engines) -> Self {
        Self::on((deployment.gpu, deployment.device), deployment.backend, engines)
    }

    /// Of a framework on an accelerator, by its catalog id.
    pub fn on((gpu, device): (&str, Device), backend: Backend, engines: &Engines) -> Self {
        let lent = device.lent(&engines.loan(device.architecture)).in_steps(engines.drift_us());
        Self {
            engines: engines.clone(),
            backend,
            gpu: gpu.to_owned(),
            devices: [device, lent],
            found: RwLock::default(),
            gemms: RwLock::default(),
        }
    }

    /// Whether they are those of a deployment.
    pub fn are_of(&self, deployment: &Deployment) -> bool {
        self.are_on((deployment.gpu, deployment.device), deployment.backend)
    }

    /// Whether they are those of a framework on an accelerator.
    pub fn are_on(&self, (gpu, device): (&str, Device), backend: Backend) -> bool {
        self.backend == backend && self.gpu == gpu && self.devices[0] == device
    }

    /// The accelerator at the rates that kernels reach on it.
    pub(crate) fn device(&self) -> Device {
        self.devices[1]
    }

    /// Whether they run at rates that were found for another maker's kernels.
    pub(crate) fn are_lent(&self) -> bool {
        self.engines.loan(self.devices[0].architecture) != LoanFactors::NONE
    }

    /// What the framework's host adds to a step for each sequence in it, in microseconds.
    pub(crate) fn host_us(&self) -> f64 {
        self.engines.host_us(self.backend)
    }

    /// What steps are padded to.
    pub(crate) fn graphs(&self) -> Graphs {
        self.engines.graphs(self.backend)
    }

    /// How tokens choose experts where nothing else is known.
    pub(crate) fn routing(&self) -> Routing {
        self.engines.routing()
    }

    /// The constants wanted; the priors where nothing is near.
    pub(crate) fn constants<C: Constants>(&self, wanted: Wanted) -> Fitted<C> {
        let known = self.found.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.iter().find(|found| found.is(&wanted)) {
            let constants = C::from_values(&found.values);
            return Fitted { constants, band: found.band, evidence: found.evidence };
        }
        drop(known);
        let fitted = self.search(wanted);
        self.found.write().unwrap_or_else(PoisonError::into_inner).push(Found::new(wanted, &fitted));
        fitted
    }

    fn search<C: Constants>(&self, wanted: Wanted) -> Fitted<C> {
        let Wanted { backend, operator, group, formats } = wanted;
        let own = self.devices[0].architecture;
        // The lender of an older family of its maker has no kernels of 4 bits.
        let four_bits = FOUR_BITS.contains(formats.first().unwrap_or(&group));
        let architecture = if four_bits { own } else { self.engines.lends_as(own) };
        let place = Place { backend, architecture, gpu: &self.gpu };
        let found = match formats {
            [] => self.engines.nearest(operator, group, place),
            formats => self.engines.chosen(operator, formats, place),
        };
        let [own, lent] = self.devices.map(|device| device.bandwidth);
        found.map_or_else(Fitted::prior, |found| within_memory(found, own / lent))
    }

    /// The multiplication by a matrix, made by `make` when it is first asked for.
    pub(crate) fn gemm(&self, matrix: Matrix, make: impl FnOnce() -> Multiplication) -> Arc<Multiplication> {
        let known = self.gemms.read().unwrap_or_else(PoisonError::into_inner).get(&matrix).cloned();
        known.unwrap_or_else(|| {
            let made = Arc::new(make());
            self.gemms.write().unwrap_or_else(PoisonError::into_inner).insert(matrix, Arc::clone(&made));
            made
        })
    }
}

/// Formats that only accelerators with 4-bit units run.
const FOUR_BITS: [&str; 2] = ["nvfp4", "w4a8_mxfp4_mxfp8"];

/// How constants are called that are a share of the memory bandwidth.
const MEMORY_SHARE: &str = "memory_share";

/// The same where constants were carried to another family: a fit gives shares above 1 where something else bounds the
/// lender at any size, or its cache holds what a benchmark repeats, and on another balance these would outrun the memory.
fn within_memory<C: Constants>(fitted: Fitted<C>, most: f64) -> Fitted<C> {
    if fitted.evidence != Evidence::Across {
        return fitted;
    }
    let within = |(parameter, value): (&Parameter, f64)| {
        if parameter.name == MEMORY_SHARE { value.min(most) } else { value }
    };
    let values: Vec<f64> = C::PARAMETERS.iter().zip(fitted.constants.values()).map(within).collect();
    Fitted { constants: C::from_values(&values), ..fitted }
}

impl Found {
    fn new<C: Constants>(wanted: Wanted, fitted: &Fitted<C>) -> Self {
        let Wanted { backend, operator, group, formats } = wanted;
        let Fitted { constants, band, evidence } = *fitted;
        let (group, values) = (group.to_owned(), constants.values());
        Self { backend, operator, group, formats, values, band, evidence }
    }

    fn is(&self, wanted: &Wanted) -> bool {
        let Self { backend, operator, group, formats, .. } = self;
        let own = Wanted { backend, operator, group, formats };
        own == *wanted
    }
}
