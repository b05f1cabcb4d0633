//! Fitted groups as catalog entries, and predictions from those entries, with the rule for what has no data.

use crate::score::Residuals;
use crate::table::{Devices, FittedGroup, Key, Table};
use crate::{Operator, Row};
use rackplan_catalog::{Architecture, Basis, Catalog, Engine, FittedOperator, HeldOut, Kind, Quantiles};
use rackplan_perf::{Bound, Constants};
use std::collections::BTreeMap;

/// What a prediction rests on, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// Constants fitted to measurements of this very accelerator, on this backend.
    OwnGpu,
    /// Constants fitted to another accelerator of the architecture.
    SameArchitecture,
    /// Constants of another architecture, or of another backend's kernels.
    Across,
    /// No constants of this operator and format anywhere: the priors.
    Unvalidated,
}

impl Evidence {
    /// As answers spell it.
    pub fn name(self) -> &'static str {
        match self {
            Evidence::OwnGpu => "own_gpu_fit",
            Evidence::SameArchitecture => "same_architecture",
            Evidence::Across => "across_architectures",
            Evidence::Unvalidated => "unvalidated",
        }
    }
}

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

/// Band of a prediction without any data: a factor of two either way.
const BLIND: Quantiles = Quantiles { p10: 0.5, p50: 1.0, p90: 2.0 };

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

/// How unlike two architectures are: memory of the same kind and generations of tensor cores between them.
pub fn distance(a: Architecture, b: Architecture) -> u32 {
    let (memory_a, generation_a) = traits(a);
    let (memory_b, generation_b) = traits(b);
    if a == b {
        0
    } else {
        1 + 10 * u32::from(memory_a != memory_b) + 2 * generation_a.abs_diff(generation_b)
    }
}

/// Memory of the architecture (HBM or GDDR), and the generation of its matrix units on NVIDIA's count.
fn traits(architecture: Architecture) -> (bool, u32) {
    use Architecture as A;
    match architecture {
        A::Ampere | A::Gaudi2 | A::TpuV4 | A::Cdna2 => (true, 3),
        A::Ada => (false, 4),
        A::Hopper | A::Gaudi3 | A::Cdna3 | A::TpuV5e | A::TpuV5p | A::TpuV6e | A::Trainium2 => (true, 4),
        A::Blackwell | A::BlackwellUltra | A::Cdna4 | A::TpuV7x | A::Trainium3 => (true, 5),
        A::BlackwellRtx | A::Battlemage => (false, 5),
        A::Rubin | A::RubinUltra | A::Cdna5 | A::Other => (true, 6),
    }
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
    engines: Vec<Engine>,
    devices: Devices,
    catalog: Catalog,
}

impl OperatorModel {
    /// Reads every engine.
    pub fn new(catalog: &Catalog) -> Self {
        let ids = catalog.ids(Kind::Engines);
        let engines = ids.iter().filter_map(|id| Some(catalog.get::<Engine>(id).ok()?.record)).collect();
        Self { engines, devices: Devices::default(), catalog: catalog.clone() }
    }

    /// The time of a row, or what is wrong with it.
    pub fn predict<O: Operator>(&mut self, row: &Row) -> Result<Prediction, String> {
        let (group, shape) = O::read(row).map_err(|error| error.to_string())?;
        let gpu = row.text("gpu");
        let (id, device) =
            self.devices.get(gpu, &self.catalog).map_err(|problem| format!("gpu `{gpu}`: {problem}"))?;
        let found = self.constants::<O>(row.text("backend"), device.architecture, &group, &id);
        let (constants, band, evidence) =
            found.unwrap_or_else(|| (O::prior(&group), BLIND, Evidence::Unvalidated));
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

    /// The nearest constants: by backend and group, then the backend's other groups of the format, then other backends;
    /// within each by architecture.
    fn constants<O: Operator>(
        &self,
        backend: &str,
        architecture: Architecture,
        group: &str,
        gpu: &str,
    ) -> Option<(O::Constants, Quantiles, Evidence)> {
        let format = format_of(group);
        let known = self.engines.iter().flat_map(|engine| {
            let groups = engine.operators.get(O::NAME).into_iter().flatten();
            groups.map(move |(name, fitted)| (engine, name, fitted))
        });
        let rank = |(engine, name, _): &(&Engine, &String, &FittedOperator)| {
            let other_group = if *name == group {
                0
            } else if format_of(name) == format {
                3
            } else {
                1000
            };
            let other_backend = if engine.backend == backend { 0 } else { 30 };
            other_group + other_backend + distance(architecture, engine.architecture)
        };
        let (engine, name, fitted) = known.filter(|found| rank(found) < 1000).min_by_key(rank)?;
        let values: Option<Vec<f64>> = O::Constants::PARAMETERS
            .iter()
            .map(|parameter| fitted.constants.get(parameter.name).copied())
            .collect();
        let same = engine.backend == backend && engine.architecture == architecture && name == group;
        let (evidence, band) = match same {
            true if fitted.gpus.iter().any(|known| known == gpu) => (Evidence::OwnGpu, fitted.residuals),
            true => (Evidence::SameArchitecture, fitted.residuals),
            false => (Evidence::Across, fitted.across.unwrap_or(BLIND)),
        };
        Some((O::Constants::from_values(&values?), band, evidence))
    }
}

/// The number format of a group: its name up to the first dot.
fn format_of(group: &str) -> &str {
    group.split('.').next().unwrap_or(group)
}
