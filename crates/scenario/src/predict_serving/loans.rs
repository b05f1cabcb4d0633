//! What borrowed kernels reach on families of accelerators without measured ones, found from serving results there.

use super::ServingPredictor;
use super::results::{FittedEntry, Found, fit, report, targets};
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
                      accelerator counting as the root of its rows, the newest of each configuration; there are no measurements of single operators";

/// Fits a loan for each family with results and no kernels of its own.
pub fn fit_loans(text: &str, catalog: &Catalog) -> Vec<FittedEntry> {
    let predictor = ServingPredictor::new(catalog);
    let unmeasured = |case: &ServingCase| !predictor.engines.measured(case.gpu.record.architecture);
    let families: BTreeSet<Architecture> =
        targets(text, catalog, unmeasured).iter().map(|target| target.case.gpu.record.architecture).collect();
    let fitted = |family| Some(entry(architecture_name(family), &loan(text, catalog, family)?));
    families.into_iter().filter_map(fitted).collect()
}

fn entry(id: String, loan: &Loan) -> FittedEntry {
    let said = |factors: &LoanFactors| {
        let LoanFactors { compute, memory, launch } = *factors;
        format!("arithmetic x{compute}, memory x{memory}, launches x{launch}")
    };
    let first = format!("{} from {} rows", said(&loan.factors), loan.rows);
    let report = report(first, &loan.without, &loan.left_out, said);
    let text = toml::to_string(loan).expect("a loan is plain data");
    FittedEntry {
        id,
        text: format!("# Written by `rackplan calibrate fit-loans`; do not edit.\n{text}"),
        report,
    }
}

fn loan(text: &str, catalog: &Catalog, family: Architecture) -> Option<Loan> {
    let plain = ServingPredictor::new(catalog);
    let targets = targets(text, catalog, |case| case.gpu.record.architecture == family);
    let Found { values, rows, without } =
        fit(&FACTORS, &targets, |values| plain.with_loan(family, factors(values)), |_, _| ())?;
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
        self.with_engines(self.engines.with_loan(family, factors))
    }
}
