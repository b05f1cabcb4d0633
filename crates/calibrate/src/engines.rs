//! Fitted groups as catalog entries, and predictions from those entries, with the rule for what has no data.

use crate::score::Residuals;
use crate::table::{Devices, FittedGroup, Key, Table};
use crate::{Operator, Row};
use rackplan_catalog::{Architecture, Basis, Catalog, Engine, FittedOperator, HeldOut, Quantiles};
use rackplan_perf::{Bound, Constants, Engines, Evidence, Fitted, Place, distance};
use std::collections::BTreeMap;

/// A predicted time with its band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// In microseconds.
    pub microseconds: f64,
    /// One measurement in ten should be below.
    pub p10: f64,
    /// One measurement in ten should be above.
    pub p90: f64,
    /// What bounds it.
    pub bound: Bound,
    /// What it rests on.
    pub evidence: Evidence,
}

/// Puts the fits of one operator into the engines they belong to.
pub fn add_to_engines<O: Operator>(
    engines: &mut BTreeMap<String, Engine>,
    table: &Table<O>,
    fitted: &[FittedGroup<O::Constants>],
    source: &str,
) {
    for group in fitted {
        let key = &group.key;
        let architecture = architecture_name(key.architecture);
        let id = format!("{}_{architecture}", key.backend);
        let engine = engines.entry(id).or_insert_with(|| Engine {
            name: format!("{} kernels on {architecture}", key.backend),
            aliases: Vec::new(),
            backend: key.backend.clone(),
            architecture: key.architecture,
            source: source.to_owned(),
            basis: Basis::Measured,
            notes: None,
            other_sources: BTreeMap::new(),
            operators: BTreeMap::new(),
        });
        let operator = engine.operators.entry(O::NAME.to_owned()).or_default();
        operator.insert(key.group.clone(), fitted_operator(table, fitted, group));
    }
}

fn fitted_operator<O: Operator>(
    table: &Table<O>,
    all: &[FittedGroup<O::Constants>],
    group: &FittedGroup<O::Constants>,
) -> FittedOperator {
    let names = O::Constants::PARAMETERS.iter().map(|parameter| parameter.name.to_owned());
    let held = &group.fit.held_out;
    let samples = &table.groups[&group.key];
    let mut gpus: Vec<String> = samples.iter().map(|sample| table.gpus[sample.gpu].clone()).collect();
    gpus.sort();
    gpus.dedup();
    let donor = nearest(&group.key, all);
    let across = donor.map(|donor| {
        let pair = |sample: &crate::Sample<O::Shape>| {
            (
                O::cost(&sample.shape, &sample.device, &donor.fit.constants).time.get() * 1e6,
                sample.microseconds,
            )
        };
        quantiles(Residuals::new(&samples.iter().map(pair).collect::<Vec<_>>()))
    });
    FittedOperator {
        constants: names.zip(group.fit.constants.values().into_iter().map(rounded)).collect(),
        gpus,
        rows: group.fit.rows as u64,
        held_out: HeldOut {
            rows: held.rows as u64,
            median: rounded(held.median),
            p90: rounded(held.p90),
            bias: rounded(held.bias),
        },
        residuals: quantiles(group.fit.residuals),
        across,
    }
}

fn quantiles(r: Residuals) -> Quantiles {
    Quantiles { p10: rounded(r.p10), p50: rounded(r.p50), p90: rounded(r.p90) }
}

/// Four significant digits: more would be noise, and would change with every machine's rounding.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10_f64.powi(3 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

/// The fit whose constants a group would borrow if it had none: same backend and group, nearest architecture.
fn nearest<'a, C>(key: &Key, all: &'a [FittedGroup<C>]) -> Option<&'a FittedGroup<C>> {
    let others = all.iter().filter(|other| other.key.backend == key.backend && other.key.group == key.group);
    let others = others.filter(|other| other.key.architecture != key.architecture);
    others.min_by_key(|other| distance(key.architecture, other.key.architecture))
}

/// As files spell an architecture.
pub fn architecture_name(architecture: Architecture) -> String {
    let spelt = serde_json::to_value(architecture).expect("an architecture is a word");
    spelt.as_str().unwrap_or_default().to_owned()
}

/// Engines as TOML, sorted, with the tables in the order of their names.
pub fn to_toml(engine: &Engine) -> String {
    let text = toml::to_string(engine).expect("an engine is plain data");
    format!("# Written by `rackplan calibrate fit-ops`; do not edit.\n{text}")
}

/// Predicts rows from the engines of a catalog.
#[derive(Clone, Debug)]
pub struct OperatorModel {
    engines: Engines,
    devices: Devices,
    catalog: Catalog,
}

impl OperatorModel {
    /// Reads every engine.
    pub fn new(catalog: &Catalog) -> Self {
        Self { engines: Engines::new(catalog), devices: Devices::default(), catalog: catalog.clone() }
    }

    /// The time of a row, or what is wrong with it.
    pub fn predict<O: Operator>(&mut self, row: &Row) -> Result<Prediction, String> {
        let (group, shape) = O::read(row).map_err(|error| error.to_string())?;
        let gpu = row.text("gpu");
        let (id, device) =
            self.devices.get(gpu, &self.catalog).map_err(|problem| format!("gpu `{gpu}`: {problem}"))?;
        let place = Place { backend: row.text("backend"), architecture: device.architecture, gpu: &id };
        let found = self.engines.nearest::<O::Constants>(O::NAME, &group, place);
        let Fitted { constants, band, evidence } = found.unwrap_or_else(Fitted::prior);
        let device = device.lent(&self.engines.loan(device.architecture));
        let cost = O::cost(&shape, &device, &constants);
        let microseconds = cost.time.get() * 1e6;
        Ok(Prediction {
            microseconds,
            p10: microseconds * band.p10,
            p90: microseconds * band.p90,
            bound: cost.bound,
            evidence,
        })
    }
}
