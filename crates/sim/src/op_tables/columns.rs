//! Reads a comma-separated table of numbers and tells by its columns what it is.

use super::TableError;

/// What a table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Times of each operator of a layer by tokens in the step.
    Tokens,
    /// Decode attention by sequences and cached tokens.
    Decode,
    /// Prefill attention by cached tokens and tokens of the chunk.
    Prefill,
    /// Attention of decodes and a chunk of a prompt beside them.
    Attention,
    /// Attention of decodes of two lengths beside that of their mean and of the longer one.
    Skew,
    /// Experts by tokens and by how many of them have any.
    Experts,
    /// Named operators by tokens in the step.
    Dense,
    /// Named operators by sequences that get a token.
    PerSequence,
}

/// Columns by which a table is known; the first that fits is it.
const KINDS: [(Kind, &[&str]); 8] = [
    (Kind::Decode, &["batch_size", "kv_cache_size", "ms"]),
    (Kind::Prefill, &["kv_cache_size", "chunk", "ms"]),
    (Kind::Tokens, &["num_tokens", "mlp_up_proj"]),
    (Kind::Attention, &["prefill_chunk", "kv_prefill", "n_decode", "kv_decode", "time_us"]),
    (Kind::Skew, &["n", "pc", "t_mean_us", "t_max_us", "t_skew_us"]),
    (Kind::Experts, &["tokens", "activated_experts", "time_us"]),
    (Kind::Dense, &["layer", "tokens", "time_us"]),
    (Kind::PerSequence, &["layer", "sequences", "time_us"]),
];

/// Columns of words, and one that follows from the others and may be negative.
const NOT_READ: [&str; 3] = ["layer", "regime", "alpha"];

/// The most cells that a table may ask for by its greatest values.
const MOST_CELLS: f64 = (1 << 25) as f64;

/// A table by columns.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    pub(super) kind: Kind,
    pub(super) names: Vec<String>,
    pub(super) rows: Vec<Vec<f64>>,
    /// What stands in `layer`, by row; empty where there is no such column.
    pub(super) layers: Vec<String>,
    file: String,
    /// The line of each row, from 1 on.
    lines: Vec<usize>,
}

impl Columns {
    pub(super) fn read(file: &str, text: &str) -> Result<Self, TableError> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let header = lines.next().map_or("", |(_, line)| line.trim());
        let names: Vec<String> = header.split(',').map(|name| name.trim().to_owned()).collect();
        let Some(kind) = kind(&names) else {
            return Err(TableError::Unknown {
                file: file.into(),
                columns: header.chars().take(80).collect(),
            });
        };
        let mut table = Self { kind, names, rows: vec![], layers: vec![], file: file.into(), lines: vec![] };
        let layer = table.place("layer");
        for (at, line) in lines {
            table.rows.push(row(file, at + 1, line, &table.names)?);
            table.lines.push(at + 1);
            if let Some(layer) = layer {
                table.layers.push(line.split(',').nth(layer).unwrap_or("").trim().to_owned());
            }
        }
        if table.rows.is_empty() {
            return Err(TableError::Empty(file.into()));
        }
        Ok(table)
    }

    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// Some columns of each row, of a table that is known to have them.
    pub(super) fn of<const N: usize>(&self, names: [&str; N]) -> impl Iterator<Item = [f64; N]> {
        let places = names.map(|name| self.place(name).unwrap_or(0));
        self.rows.iter().map(move |row| places.map(|place| row[place]))
    }

    /// Whether cells at multiples of steps up to the greatest values of some columns are few enough to be held.
    pub(super) fn fits(&self, columns: &[(&str, f64)]) -> Result<(), TableError> {
        let greatest = |name: &str| {
            let values = self.of([name]).map(|[value]| value).enumerate();
            values.fold((0, 0.0), |most, (row, value)| if value > most.1 { (row, value) } else { most })
        };
        let cells = |&(name, step): &(&str, f64)| greatest(name).1 / step + 1.0;
        if columns.iter().map(cells).product::<f64>() <= MOST_CELLS {
            return Ok(());
        }
        let most = columns.iter().max_by(|a, b| cells(a).total_cmp(&cells(b))).map_or("", |column| column.0);
        let (row, value) = greatest(most);
        Err(TableError::TooLarge {
            file: self.file.clone(),
            line: self.lines[row],
            column: most.into(),
            value: value.to_string(),
        })
    }

    /// That there are more distinct values than a table can be made for.
    pub(super) fn too_many_points(&self) -> TableError {
        TableError::TooManyPoints(self.file.clone())
    }

    /// That a row's layer is none we know.
    pub(super) fn unknown_layer(&self, row: usize, known: &'static str) -> TableError {
        let layer = self.layers[row].chars().take(40).collect();
        TableError::UnknownLayer { file: self.file.clone(), line: self.lines[row], layer, known }
    }
}

fn kind(names: &[String]) -> Option<Kind> {
    let has = |wanted: &[&str]| wanted.iter().all(|wanted| names.iter().any(|name| name == wanted));
    KINDS.iter().find(|(_, wanted)| has(wanted)).map(|(kind, _)| *kind)
}

fn row(file: &str, line: usize, text: &str, names: &[String]) -> Result<Vec<f64>, TableError> {
    let mut values = text.split(',').map(str::trim);
    let number = |column: &String| {
        let value = values.next().unwrap_or("");
        if NOT_READ.contains(&column.as_str()) {
            return Ok(0.0);
        }
        let number = value.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
        number.ok_or_else(|| TableError::NotANumber {
            file: file.into(),
            line,
            column: column.clone(),
            value: value.chars().take(40).collect(),
        })
    };
    names.iter().map(number).collect()
}
