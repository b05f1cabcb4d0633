//! Rows of a CSV text, each field by its column's name.

use std::fmt::Display;
use std::str::FromStr;

/// A table that is read line by line.
#[derive(Clone, Debug)]
pub struct Rows {
    columns: Vec<String>,
}

/// One line of a table.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    rows: &'a Rows,
    cells: Vec<&'a str>,
}

/// A cell that is missing or unreadable.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("`{column}` is `{value}`; expected {expected}")]
pub struct RowError {
    /// The column.
    pub column: String,
    /// What stands there; empty where the table lacks the column.
    pub value: String,
    /// What should stand there.
    pub expected: String,
}

impl Rows {
    /// From the line of headings.
    pub fn new(heading: &str) -> Self {
        Self { columns: heading.trim_end().split(',').map(|name| name.trim().to_owned()).collect() }
    }

    /// A line by these headings. Fields hold no commas in any format that is read this way.
    pub fn row<'a>(&'a self, line: &'a str) -> Row<'a> {
        Row { rows: self, cells: line.trim_end_matches(['\r', '\n']).split(',').map(str::trim).collect() }
    }
}

impl Row<'_> {
    /// The text of a column; empty where the table lacks it.
    pub fn text(&self, column: &str) -> &str {
        let index = self.rows.columns.iter().position(|name| name == column);
        index.and_then(|index| self.cells.get(index)).copied().unwrap_or("")
    }

    /// A number above zero.
    pub fn positive(&self, column: &str) -> Result<f64, RowError> {
        let value = self.parse::<f64>(column, "a number above 0")?;
        if value > 0.0 && value <= 1e15 {
            Ok(value)
        } else {
            Err(self.bad(column, "a number above 0 and at most 1e15"))
        }
    }

    /// A number of at least zero; zero where nothing stands.
    pub fn number_or_zero(&self, column: &str) -> Result<f64, RowError> {
        if self.text(column).is_empty() {
            Ok(0.0)
        } else {
            self.parse(column, "a number of at least 0").and_then(|value: f64| {
                if (0.0..=1e15).contains(&value) {
                    Ok(value)
                } else {
                    Err(self.bad(column, "a number of at least 0"))
                }
            })
        }
    }

    /// An error about a column.
    pub fn bad(&self, column: &str, expected: impl Display) -> RowError {
        RowError {
            column: column.to_owned(),
            value: self.text(column).to_owned(),
            expected: expected.to_string(),
        }
    }

    fn parse<T: FromStr>(&self, column: &str, expected: &str) -> Result<T, RowError> {
        self.text(column).parse().map_err(|_| self.bad(column, expected))
    }
}
