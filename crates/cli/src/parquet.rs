//! Tables as Parquet: row groups are written as they fill, so that a file of any length takes the same memory.

use crate::rows::Cell;
use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Rows of a group: some megabytes.
const GROUP: usize = 1 << 16;

/// A file, its schema taken from the first row.
pub(crate) struct Table {
    file: Option<File>,
    writer: Option<SerializedFileWriter<File>>,
    columns: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: Some(File::create(path)?), writer: None, columns: Vec::new() })
    }

    pub(crate) fn write<const N: usize>(&mut self, row: [(&str, Cell); N]) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            self.writer = Some(started(file, &row).map_err(in_file)?);
            self.columns.resize_with(N, Vec::new);
        }
        for (column, (_, cell)) in self.columns.iter_mut().zip(row) {
            column.push(cell);
        }
        if self.columns.first().is_some_and(|column| column.len() >= GROUP) { self.group() } else { Ok(()) }
    }

    /// Ends the file. One without rows has no columns.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            self.writer = Some(started(file, &[]).map_err(in_file)?);
        }
        self.group()?;
        let writer = self.writer.take().expect("it was started above");
        writer.close().map(|_| ()).map_err(in_file)
    }

    fn group(&mut self) -> io::Result<()> {
        let filled = self.columns.first().is_some_and(|column| !column.is_empty());
        let Some(writer) = self.writer.as_mut().filter(|_| filled) else { return Ok(()) };
        written(writer, &mut self.columns).map_err(in_file)
    }
}

fn started(file: File, row: &[(&str, Cell)]) -> Result<SerializedFileWriter<File>> {
    let fields = row.iter().map(|(name, cell)| field(name, cell).map(Arc::new)).collect::<Result<_>>()?;
    let schema = Type::group_type_builder("rackplan").with_fields(fields).build()?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))
}

/// A column; whatever is not there is null.
fn field(name: &str, cell: &Cell) -> Result<Type> {
    let (physical, converted) = match cell {
        Cell::Whole(_) => (Physical::INT64, ConvertedType::UINT_64),
        Cell::Real(_) => (Physical::DOUBLE, ConvertedType::NONE),
        Cell::Text(_) => (Physical::BYTE_ARRAY, ConvertedType::UTF8),
        Cell::Flag(_) => (Physical::BOOLEAN, ConvertedType::NONE),
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_converted_type(converted)
        .build()
}

fn written(writer: &mut SerializedFileWriter<File>, columns: &mut [Vec<Cell>]) -> Result<()> {
    let mut group = writer.next_row_group()?;
    for cells in columns {
        let mut column =
            group.next_column()?.expect("the schema has a column for each cell of the first row");
        let cells = cells.drain(..);
        match column.untyped() {
            ColumnWriter::Int64ColumnWriter(out) => {
                put(cells, whole, |values, there| out.write_batch(values, Some(there), None))
            }
            ColumnWriter::DoubleColumnWriter(out) => {
                put(cells, real, |values, there| out.write_batch(values, Some(there), None))
            }
            ColumnWriter::ByteArrayColumnWriter(out) => {
                put(cells, text, |values, there| out.write_batch(values, Some(there), None))
            }
            ColumnWriter::BoolColumnWriter(out) => {
                put(cells, flag, |values, there| out.write_batch(values, Some(there), None))
            }
            _ => unreachable!("no cell makes such a column"),
        }?;
        column.close()?;
    }
    group.close().map(|_| ())
}

/// Writes the values that are there, and which those are.
fn put<T>(
    cells: impl Iterator<Item = Cell>,
    value: impl Fn(Cell) -> Option<T>,
    write: impl FnOnce(&[T], &[i16]) -> Result<usize>,
) -> Result<()> {
    let values: Vec<Option<T>> = cells.map(value).collect();
    let there: Vec<i16> = values.iter().map(|value| value.is_some().into()).collect();
    write(&values.into_iter().flatten().collect::<Vec<T>>(), &there).map(|_| ())
}

/// The same 64 bits: the schema says that they have no sign.
fn whole(cell: Cell) -> Option<i64> {
    if let Cell::Whole(value) = cell { value.map(u64::cast_signed) } else { None }
}

fn real(cell: Cell) -> Option<f64> {
    if let Cell::Real(value) = cell { value } else { None }
}

fn text(cell: Cell) -> Option<ByteArray> {
    if let Cell::Text(value) = cell { Some(value.into_bytes().into()) } else { None }
}

fn flag(cell: Cell) -> Option<bool> {
    if let Cell::Flag(value) = cell { Some(value) } else { None }
}

/// What the operating system said, if it was it.
fn in_file(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(cause) => io::Error::other(cause),
        },
        other => io::Error::other(other),
    }
}
