//! Step times from given tables of operators instead of a performance model, so that only scheduling remains to be
//! compared with another simulator or with a real engine.

mod columns;
mod grid;
mod layerwise;
mod vidur;

use crate::step::{Step, StepTimes};
use columns::{Columns, Kind};
use layerwise::Layerwise;
use rackplan_perf::Graphs;
use thiserror::Error;
use vidur::Vidur;

/// What tables do not say of a model and its layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Transformer layers of the model.
    pub layers: u32,
    /// Tensor parallelism: above 1 each layer has two all-reduces.
    pub tp: u32,
    /// Pipeline stages, which share the layers evenly.
    pub pp: u32,
    /// Whether several query heads share a KV head. Vidur's rules ask; layerwise profiles were measured with what the
    /// model has.
    pub is_grouped: bool,
}

/// Why tables cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TableError {
    /// A file's columns are those of no table we know.
    #[error("{file}: columns `{columns}` are those of no operator table; {KNOWN}")]
    Unknown {
        /// Name of the file.
        file: String,
        /// Its first line.
        columns: String,
    },
    /// A line that is not a row of numbers.
    #[error("{file}: line {line}: `{column}` is `{value}`; a number of at least 0 belongs there")]
    NotANumber {
        /// Name of the file.
        file: String,
        /// Its line, from 1 on.
        line: usize,
        /// The column.
        column: String,
        /// What stands there.
        value: String,
    },
    /// A value so great that a table up to it would not fit into memory.
    #[error("{file}: line {line}: `{column}` is {value}, which is more than a table can be made for")]
    TooLarge {
        /// Name of the file.
        file: String,
        /// Its line, from 1 on.
        line: usize,
        /// The column.
        column: String,
        /// What stands there.
        value: String,
    },
    /// Points on no grid: more combinations of their values than fit into memory.
    #[error("{0}: its rows lie on no grid; rows at every combination of a few values are expected")]
    TooManyPoints(String),
    /// A row of an operator of which we do not know where it belongs.
    #[error("{file}: line {line}: `layer` is `{layer}`, which is none we know; known are {known}")]
    UnknownLayer {
        /// Name of the file.
        file: String,
        /// Its line, from 1 on.
        line: usize,
        /// What stands there.
        layer: String,
        /// What may.
        known: &'static str,
    },
    /// A table has no rows.
    #[error("{0}: no rows")]
    Empty(String),
    /// A table that is needed is not there.
    #[error("no table of {0} among the files; {KNOWN}")]
    Missing(&'static str),
    /// Rows that are needed are not there.
    #[error("no rows of {0} in the tables: {1}")]
    NoRows(&'static str, &'static str),
    /// Tables of both formats were given.
    #[error("{0} is of another format than the tables before it; give the files of one profile")]
    Mixed(String),
}

const KNOWN: &str = "known are Vidur's `num_tokens,...` (times of each operator of a layer), \
    `batch_size,kv_cache_size,ms` (decode attention) and `kv_cache_size,chunk,ms` (prefill attention), in milliseconds, \
    and a layerwise profile's `layer,tokens,time_us`, `layer,sequences,time_us`, \
    `prefill_chunk,kv_prefill,n_decode,kv_decode,time_us`, with or without `tokens,activated_experts,time_us` (experts) \
    and `n,pc,t_mean_us,t_max_us,t_skew_us` (contexts of unequal length)";

/// Step times from tables: of one pipeline stage where there are several.
#[derive(Clone, Debug)]
pub struct OperatorTables {
    tables: Tables,
}

#[derive(Clone, Debug)]
enum Tables {
    Vidur(Vidur),
    Layerwise(Box<Layerwise>),
}

impl OperatorTables {
    /// Reads tables from files, given as names and texts. What a table is, its columns tell.
    pub fn read(files: &[(String, String)], layout: Layout) -> Result<Self, TableError> {
        let mut vidur = vidur::Reading::default();
        let mut layerwise = layerwise::Reading::default();
        let mut first = None;
        for (name, text) in files {
            let columns = Columns::read(name, text)?;
            let is_vidur = matches!(columns.kind, Kind::Tokens | Kind::Decode | Kind::Prefill);
            if *first.get_or_insert(is_vidur) != is_vidur {
                return Err(TableError::Mixed(name.clone()));
            }
            match columns.kind {
                Kind::Tokens => vidur.tokens = Some(columns),
                Kind::Decode => vidur.decode = Some(columns),
                Kind::Prefill => vidur.prefill = Some(columns),
                _ => layerwise.add(columns),
            }
        }
        let tables = match first {
            Some(false) => Tables::Layerwise(Box::new(layerwise.finish(layout)?)),
            _ => Tables::Vidur(vidur.finish(layout)?),
        };
        Ok(Self { tables })
    }

    /// The same, replayed from graphs: layerwise profiles are of vLLM, which pads steps. Vidur does not.
    pub fn replayed(mut self, graphs: Graphs) -> Self {
        if let Tables::Layerwise(tables) = &mut self.tables {
            tables.graphs = graphs;
        }
        self
    }
}

impl StepTimes for OperatorTables {
    fn time(&self, step: &Step<'_>) -> f64 {
        match &self.tables {
            Tables::Vidur(tables) => tables.time(step),
            Tables::Layerwise(tables) => tables.time(step),
        }
    }

    fn straight_to(&self, step: &Step<'_>) -> f64 {
        match &self.tables {
            Tables::Vidur(tables) => tables.straight_to(step),
            Tables::Layerwise(tables) => tables.straight_to(step),
        }
    }

    fn sending(&self, step: &Step<'_>) -> f64 {
        match &self.tables {
            Tables::Vidur(tables) => tables.sending(step),
            Tables::Layerwise(tables) => tables.sending(step),
        }
    }

    fn wants_longest(&self) -> bool {
        matches!(&self.tables, Tables::Layerwise(tables) if tables.wants_longest())
    }
}
