//! Rows of a CSV text, each field by its column's name.

use std::borrow::Cow;
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
    cells: Vec<Cow<'a, str>>,
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
        Self { columns: split(heading).into_iter().map(Cow::into_owned).collect() }
    }

    /// A line by these headings.
    pub fn row<'a>(&'a self, line: &'a str) -> Row<'a> {
        Row { rows: self, cells: split(line) }
    }
}

/// The cells of a line, without the blanks around them. A quoted one may hold commas, and two quotes for one.
fn split(line: &str) -> Vec<Cow<'_, str>> {
    let mut rest = line.trim_end_matches(['\r', '\n']);
    let mut cells = Vec::new();
    loop {
        let (cell, after) = first(rest);
        cells.push(cell);
        match after {
            Some(after) => rest = after,
            None => return cells,
        }
    }
}

/// The first cell, and what follows its comma.
fn first(text: &str) -> (Cow<'_, str>, Option<&str>) {
    let until_comma = |text: &str| text.find(',').unwrap_or(text.len());
    let Some(quoted) = text.trim_start().strip_prefix('"') else {
        let end = until_comma(text);
        return (Cow::Borrowed(text[..end].trim()), text.get(end + 1..));
    };
    let end = closing_quote(quoted);
    let after = quoted.get(end + 1..).unwrap_or("");
    let cell = quoted[..end].trim();
    let cell = if cell.contains('"') { Cow::Owned(cell.replace("\"\"", "\"")) } else { Cow::Borrowed(cell) };
    (cell, after.get(until_comma(after) + 1..))
}

/// Where the quote stands that ends a cell; the end of the text where none does.
fn closing_quote(text: &str) -> usize {
    let mut from = 0;
    while let Some(at) = text[from..].find('"').map(|at| from + at) {
        if !text[at + 1..].starts_with('"') {
            return at;
        }
        from = at + 2;
    }
    text.len()
}

impl Row<'_> {
    /// The text of a column; empty where the table lacks it.
    pub fn text(&self, column: &str) -> &str {
        let index = self.rows.columns.iter().position(|name| name == column);
        index.and_then(|index| self.cells.get(index)).map_or("", Cow::as_ref)
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hand_quoted_cells() {
        let rows = Rows::new("id,notes,x");
        let row = rows.row("a, \"one, \"\"two\"\"\" ,3\r\n");
        assert_eq!(["id", "notes", "x", "y"].map(|name| row.text(name)), ["a", "one, \"two\"", "3", ""]);
        assert_eq!(rows.row("a,\"open, 3").text("notes"), "open, 3");
        assert_eq!(rows.row(",,").text("x"), "");
        assert_eq!(rows.row("a,b,c").text("x"), "c");
    }

    proptest! {
        #[test]
        fn law_quoting_keeps_every_cell(cells in proptest::collection::vec("[a,\" é]{0,6}", 1..5)) {
            let quoted: Vec<String> =
                cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            let read = split(&quoted.join(",")).iter().map(|cell| cell.to_string()).collect::<Vec<_>>();
            let wanted: Vec<String> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
            prop_assert_eq!(read, wanted);
        }

        #[test]
        fn law_any_line_is_split(line in ".{0,40}") {
            prop_assert!(!split(&line).is_empty());
        }
    }
}
