//! Rows of a table in a file, written as they come: CSV, or Parquet where the file is called so and the program has it.

use crate::error::{Failure, write_failed};
use crate::output::open;
#[cfg(feature = "parquet")]
use crate::parquet::Table;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;

/// A value of a row. Values of a column are all of one variant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// A count or a number of something.
    Whole(Option<u64>),
    /// A quantity.
    Real(Option<f64>),
    /// A name, without commas.
    Text(String),
    /// Yes or no.
    Flag(bool),
}

macro_rules! cell_from {
    ($($kind:ty: $value:ident => $cell:expr;)+) => {$(
        impl From<$kind> for Cell {
            fn from($value: $kind) -> Self {
                $cell
            }
        }
    )+};
}

cell_from! {
    u16: value => Cell::Whole(Some(value.into()));
    u32: value => Cell::Whole(Some(value.into()));
    u64: value => Cell::Whole(Some(value));
    Option<u32>: value => Cell::Whole(value.map(u64::from));
    f64: value => Cell::Real(Some(value));
    Option<f64>: value => Cell::Real(value);
    String: value => Cell::Text(value);
    bool: value => Cell::Flag(value);
}

/// As CSV has it; what is not there is empty.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Whole(Some(value)) => value.fmt(f),
            Cell::Real(Some(value)) => value.fmt(f),
            Cell::Whole(None) | Cell::Real(None) => Ok(()),
            Cell::Text(value) => value.fmt(f),
            Cell::Flag(value) => value.fmt(f),
        }
    }
}

/// Names and values of fields, in the order given.
macro_rules! cells {
    ($row:expr; $($field:ident),+ $(,)?) => {
        [$((stringify!($field), $crate::rows::Cell::from($row.$field.clone()))),+]
    };
}
pub(crate) use cells;

/// A line of CSV.
pub(crate) fn line(cells: impl IntoIterator<Item = impl fmt::Display>) -> String {
    cells.into_iter().map(|cell| cell.to_string()).collect::<Vec<_>>().join(",") + "\n"
}

/// Whether a file is to be Parquet, by its name.
pub(crate) fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
}

/// A file of rows; a failed write is remembered and said at the end.
pub(crate) struct Rows {
    name: String,
    out: Out,
    headed: bool,
    failed: Option<io::Error>,
}

enum Out {
    Csv(Box<dyn Write>),
    #[cfg(feature = "parquet")]
    Parquet(Box<Table>),
}

impl Rows {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let out = if is_parquet(path) { parquet(path, &name)? } else { Out::Csv(open(Some(path))?) };
        Ok(Self { name, out, headed: false, failed: None })
    }

    /// Whether writing goes on.
    pub(crate) fn is_well(&self) -> bool {
        self.failed.is_none()
    }

    /// A row; the first one names the columns.
    pub(crate) fn write<const N: usize>(&mut self, row: [(&str, Cell); N]) {
        if self.is_well() {
            self.failed = self.put(row).err();
        }
    }

    fn put<const N: usize>(&mut self, row: [(&str, Cell); N]) -> io::Result<()> {
        let headed = std::mem::replace(&mut self.headed, true);
        match &mut self.out {
            Out::Csv(out) => {
                if !headed {
                    out.write_all(line(row.iter().map(|(name, _)| name)).as_bytes())?;
                }
                out.write_all(line(row.iter().map(|(_, cell)| cell)).as_bytes())
            }
            #[cfg(feature = "parquet")]
            Out::Parquet(table) => table.write(row),
        }
    }

    pub(crate) fn finish(self) -> Result<(), Failure> {
        let failed = self.failed.or_else(|| match self.out {
            Out::Csv(mut out) => out.flush().err(),
            #[cfg(feature = "parquet")]
            Out::Parquet(table) => table.finish().err(),
        });
        failed.map_or(Ok(()), |error| Err(write_failed(&self.name)(error)))
    }
}

#[cfg(feature = "parquet")]
fn parquet(path: &Path, name: &str) -> Result<Out, Failure> {
    Table::create(path).map(|table| Out::Parquet(Box::new(table))).map_err(write_failed(name))
}

#[cfg(not(feature = "parquet"))]
fn parquet(_: &Path, name: &str) -> Result<Out, Failure> {
    let message = format!("{name}: this program was built without Parquet");
    Err(Failure::input(message, "build it with `--features parquet`, or name a file `.csv`"))
}
