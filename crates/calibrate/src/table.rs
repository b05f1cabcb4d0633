//! A whole table of measurements: rows sorted into groups that share constants, each group fitted by itself.

use crate::borrow::borrow_unseen;
use crate::{Fit, Operator, RowError, Rows, Sample, fit};
use rackplan_catalog::{Architecture, Catalog, Gpu};
use rackplan_perf::Device;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Rows that share constants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Serving framework or library.
    pub backend: String,
    /// The family of accelerators.
    pub architecture: Architecture,
    /// Formats and kernel, as the operator groups them.
    pub group: String,
}

/// A line that cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TableError {
    /// A cell.
    #[error("line {line}: {error}")]
    Cell {
        /// Line, counted from 1.
        line: usize,
        /// What is wrong.
        error: RowError,
    },
    /// An accelerator that the catalog lacks, or has not enough of.
    #[error("line {line}: gpu `{gpu}`: {problem}")]
    Gpu {
        /// Line, counted from 1.
        line: usize,
        /// Its name.
        gpu: String,
        /// What is wrong.
        problem: String,
    },
}

/// Accelerators by name, each looked up once.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    known: BTreeMap<String, Result<(String, Device), String>>,
}

impl Devices {
    /// The catalog id and the device of a name.
    pub fn get(&mut self, name: &str, catalog: &Catalog) -> Result<(String, Device), String> {
        if let Some(found) = self.known.get(name) {
            return found.clone();
        }
        let found = match catalog.get::<Gpu>(name) {
            Ok(entry) => match Device::new(&entry.record) {
                Ok(device) => Ok((entry.id, device)),
                Err(missing) => Err(format!("its catalog entry has no `{}`", missing.group)),
            },
            Err(error) => Err(error.to_string()),
        };
        self.known.insert(name.to_owned(), found.clone());
        found
    }
}

/// Samples of one operator, by group.
#[derive(Clone, Debug)]
pub struct Table<O: Operator> {
    /// Accelerators that occur, by catalog id.
    pub gpus: Vec<String>,
    /// The groups.
    pub groups: BTreeMap<Key, Vec<Sample<O::Shape>>>,
}

/// A group with its fit.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedGroup<C> {
    /// The group.
    pub key: Key,
    /// What the fit found.
    pub fit: Fit<C>,
}

/// Columns that say nothing about a shape.
const NOT_SHAPE: [&str; 4] = ["gpu", "backend", "version", "latency_us"];
/// Of ten shapes, how many are kept back to score the fit.
const HELD_OUT: u64 = 3;

impl<O: Operator> Table<O> {
    /// Reads the text of a table; shapes are kept back by a hash of their columns, the same on every machine.
    pub fn read(text: &str, catalog: &Catalog) -> Result<Self, TableError> {
        let mut lines = text.lines();
        let heading = lines.next().unwrap_or("");
        let rows = Rows::new(heading);
        let shape_columns: Vec<&str> =
            heading.split(',').map(str::trim).filter(|column| !NOT_SHAPE.contains(column)).collect();
        let (mut devices, mut groups, mut gpus) = (Devices::default(), BTreeMap::new(), Vec::new());
        for (index, line) in lines.enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let (row, line) = (rows.row(line), index + 2);
            let cell = |error| TableError::Cell { line, error };
            let (group, shape) = O::read(&row).map_err(cell)?;
            let name = row.text("gpu");
            let no_gpu = |problem| TableError::Gpu { line, gpu: name.to_owned(), problem };
            let (id, device) = devices.get(name, catalog).map_err(no_gpu)?;
            let gpu = index_of(&mut gpus, id);
            let key =
                Key { backend: row.text("backend").to_owned(), architecture: device.architecture, group };
            let held_out = hash(shape_columns.iter().map(|column| row.text(column))) % 10 < HELD_OUT;
            let microseconds = row.positive("latency_us").map_err(cell)?;
            groups.entry(key).or_insert_with(Vec::new).push(Sample {
                shape,
                device,
                gpu,
                microseconds,
                held_out,
            });
        }
        Ok(Self { gpus, groups })
    }
}

impl<O: Operator> Table<O>
where
    O::Shape: Send + Sync,
    O::Constants: Send,
{
    /// Fits every group, in the order of their keys; constants on which no row of a group depends are those of the nearest
    /// architecture.
    pub fn fit(&self) -> Vec<FittedGroup<O::Constants>> {
        let groups: Vec<_> = self.groups.iter().collect();
        let fitted = groups.par_iter().map(|(key, samples)| {
            Some(FittedGroup { key: (*key).clone(), fit: fit::<O>(samples, &key.group)? })
        });
        let mut fitted = fitted.collect::<Vec<_>>().into_iter().flatten().collect::<Vec<_>>();
        borrow_unseen(self, &mut fitted);
        fitted
    }
}

/// The place of a name in a list, which it joins if it is new.
fn index_of(names: &mut Vec<String>, name: String) -> usize {
    names.iter().position(|held| *held == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    })
}

/// FNV-1a over the texts of a shape. Source: Fowler, Noll, Vo; 64-bit offset and prime.
fn hash<'a>(texts: impl Iterator<Item = &'a str>) -> u64 {
    let bytes = texts.flat_map(|text| text.bytes().chain([b',']));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
