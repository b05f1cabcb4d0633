//! What borrowed kernels reach on families of accelerators without measured ones, found from serving results there.

use super::ServingPredictor;
use super::results::{Found, fit, targets};
use crate::serving::ServingCase;
use rackplan_calibrate::architecture_name;
use rackplan_catalog::{Architecture, Basis, Catalog, HeldOut, Loan, LoanFactors};
use rackplan_perf::Parameter;
use std::collections::{BTreeMap, BTreeSet};

/// What each factor is before any result. Arithmetic: the best multiplication in PyTorch reaches 0.51 (MI300X), 0.60
/// (MI325X) and 0.62 (MI355X) of the peak, where H100 and H200 reach 0.73 to 0.8 (ml-engineering, max-achievable FLOPS):
/// 0.65 to 0.8 of theirs. Memory and launches: as the lender's, and not known well.
const FACTORS: [Parameter; 3] = [
    Parameter { name: "compute", prior: 0.7, low: 0.1, high: 1.5, spread: 0.3 },
    Parameter { name: "memory", prior: 1.0, low: 0.1, high: 1.5, spread: 0.3 },
    Parameter { name: "launch", prior: 1.0, low: 0.3, high: 10.0, spread: 0.7 },
];
const SOURCE: &str = "fitted by `rackplan calibrate fit-loans` to published serving results, each source's of a model on an \
                      accelerator counting as the root of its rows; there are no measurements of single operators";

/// A catalog entry.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedLoan {
    /// Its id.
    pub id: String,
    /// Its TOML.
    pub text: String,
    /// What was found, and without what it would be what, a line each.
    pub report: Vec<String>,
}

/// Fits a loan for each family with results and no kernels of its own.
pub fn fit_loans(text: &str, catalog: &Catalog) -> Vec<FittedLoan> {
    let predictor = ServingPredictor::new(catalog);
    let unmeasured = |case: &ServingCase| !predictor.engines.measured(case.gpu.record.architecture);
    let families: BTreeSet<Architecture> =
        targets(text, catalog, unmeasured).iter().map(|target| target.case.gpu.record.architecture).collect();
    let fitted = |family| Some(entry(architecture_name(family), &loan(text, catalog, family)?));
    families.into_iter().filter_map(fitted).collect()
}

fn entry(id: String, loan: &Loan) -> FittedLoan {
    let said = |factors: LoanFactors| {
        let LoanFactors { compute, memory, launch } = factors;
        format!("arithmetic x{compute}, memory x{memory}, launches x{launch}")
    };
    let without = loan.without.iter().map(|(part, factors)| {
        let HeldOut { rows, median, p90, .. } = loan.left_out[part];
        let errors = format!("{:.1} / {:.1} % on its {rows} rows", 100.0 * median, 100.0 * p90);
        format!("without {part}: {}; {errors}", said(*factors))
    });
    let first = format!("{} from {} rows", said(loan.factors), loan.rows);
    let text = toml::to_string(loan).expect("a loan is plain data");
    FittedLoan {
        id,
        text: format!("# Written by `rackplan calibrate fit-loans`; do not edit.\n{text}"),
        report: std::iter::once(first).chain(without).collect(),
    }
}

fn loan(text: &str, catalog: &Catalog, family: Architecture) -> Option<Loan> {
    let plain = ServingPredictor::new(catalog);
    let targets = targets(text, catalog, |case| case.gpu.record.architecture == family);
    let Found { values, rows, without } =
        fit(&FACTORS, &targets, |values| plain.with_loan(family, factors(values)))?;
    let left_out: BTreeMap<String, HeldOut> =
        without.iter().map(|(part, _, held_out)| (part.clone(), *held_out)).collect();
    Some(Loan {
        name: format!("Kernels that {} borrows", architecture_name(family)),
        aliases: Vec::new(),
        architecture: family,
        source: SOURCE.to_owned(),
        basis: Basis::Measured,
        notes: None,
        other_sources: BTreeMap::new(),
        rows,
        factors: factors(&values),
        without: without.iter().map(|(part, values, _)| (part.clone(), factors(values))).collect(),
        left_out,
    })
}

fn factors(values: &[f64]) -> LoanFactors {
    let of = |place: usize| (values[place] * 1e3).round() / 1e3;
    LoanFactors { compute: of(0), memory: of(1), launch: of(2) }
}

impl ServingPredictor {
    /// The same with other factors for a family, and no tables yet.
    fn with_loan(&self, family: Architecture, factors: LoanFactors) -> Self {
        Self {
            engines: self.engines.with_loan(family, factors),
            frameworks: self.frameworks.clone(),
            tables: super::Tables::default(),
            bands: None,
            anchors: super::Anchors::default(),
        }
    }
}
