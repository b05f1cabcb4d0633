//! Rows of a table with commas: one a line, quoted as usual.

use super::error::shown;
use super::format::{Clock, Names};
use super::ids::Sessions;
use super::stamp::Stamp;
use super::{Fault, Format, Problem, Row, number};

/// The columns of a table, and room to take a line apart.
pub(crate) struct Table {
    names: Names,
    columns: usize,
    at: usize,
    input: usize,
    output: usize,
    session: Option<usize>,
    class: Option<usize>,
    sessions: Sessions,
    fields: Fields,
}

impl Table {
    /// Finds the columns in a heading.
    pub(crate) fn new(heading: &[u8]) -> Option<(Format, Self)> {
        let mut fields = Fields::default();
        fields.split(heading).ok()?;
        let column = |name: &str| (0..fields.count()).find(|at| fields.of(heading, *at) == name.as_bytes());
        let format = Format::of(false, |name| column(name).is_some())?;
        let names = format.names();
        let table = Self {
            names,
            columns: fields.count(),
            at: column(names.at)?,
            input: column(names.input)?,
            output: column(names.output)?,
            session: names.session.and_then(column),
            class: names.class.and_then(column),
            sessions: Sessions::default(),
            fields: Fields::default(),
        };
        Some((format, table))
    }

    /// Reads a line that may not be earlier than the last one.
    pub(crate) fn row(&mut self, line: &[u8], last: Option<Stamp>) -> Result<Row, Problem> {
        self.fields.split(line)?;
        let found = self.fields.count();
        if found != self.columns {
            return Err(Problem::Fields { found, expected: self.columns });
        }
        let field = |at| self.fields.of(line, at);
        let (at, input, output) = (field(self.at), field(self.input), field(self.output));
        let stamp = self.stamp(at, last).map_err(|fault| Problem::value(self.names.at, at, fault))?;
        let tokens = |name, text| number::tokens(text).map_err(|fault| Problem::value(name, text, fault));
        let (input, output) = (tokens(self.names.input, input)?, tokens(self.names.output, output)?);
        let place = self.session.and_then(|at| self.sessions.next(self.fields.of(line, at)));
        let (session, turn) = place.map_or((None, 0), |(session, turn)| (Some(session), turn));
        let class = match self.class {
            Some(at) => {
                let text = self.fields.of(line, at);
                number::class(text).map_err(|fault| Problem::value("class", text, fault))?
            }
            None => 0,
        };
        Ok(Row { stamp, input, output, session, turn, class, blocks: Box::default() })
    }

    fn stamp(&self, text: &[u8], last: Option<Stamp>) -> Result<Stamp, Fault> {
        let stamp = match self.names.clock {
            Clock::DateTime => Stamp::of_date(text)?,
            Clock::Seconds => Stamp::of_seconds(number::number(text)?)?,
            Clock::Milliseconds => Stamp::of_seconds(number::number(text)? / 1000.0)?,
        };
        if last.is_some_and(|last| stamp < last) { Err(Fault::Backwards) } else { Ok(stamp) }
    }
}

/// A heading as messages show it.
pub(crate) fn heading(line: &[u8]) -> String {
    shown(line)
}

/// The fields of one line.
#[derive(Default)]
struct Fields {
    /// Start and end of each, in the line or, if it holds quotes, in `plain`.
    bounds: Vec<(usize, usize)>,
    plain: Vec<u8>,
    quoted: bool,
}

impl Fields {
    fn count(&self) -> usize {
        self.bounds.len()
    }

    fn of<'a>(&'a self, line: &'a [u8], at: usize) -> &'a [u8] {
        let (start, end) = self.bounds[at];
        let text = if self.quoted { &self.plain } else { line };
        text[start..end].trim_ascii()
    }

    fn split(&mut self, line: &[u8]) -> Result<(), Problem> {
        self.bounds.clear();
        self.quoted = line.contains(&b'"');
        if self.quoted {
            return self.unquote(line);
        }
        let mut start = 0;
        for (at, byte) in line.iter().enumerate() {
            if *byte == b',' {
                self.bounds.push((start, at));
                start = at + 1;
            }
        }
        self.bounds.push((start, line.len()));
        Ok(())
    }

    /// The same where commas may stand between quotes, and two quotes are one.
    fn unquote(&mut self, line: &[u8]) -> Result<(), Problem> {
        self.plain.clear();
        let (mut inside, mut start) = (false, 0);
        let mut bytes = line.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            match byte {
                b'"' if inside && bytes.peek() == Some(&b'"') => {
                    bytes.next();
                    self.plain.push(b'"');
                }
                b'"' => inside = !inside,
                b',' if !inside => {
                    self.bounds.push((start, self.plain.len()));
                    start = self.plain.len();
                }
                _ => self.plain.push(byte),
            }
        }
        self.bounds.push((start, self.plain.len()));
        if inside { Err(Problem::OpenQuote) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Result<Vec<String>, Problem> {
        let mut fields = Fields::default();
        fields.split(line.as_bytes())?;
        let text = |at| String::from_utf8_lossy(fields.of(line.as_bytes(), at)).into_owned();
        Ok((0..fields.count()).map(text).collect())
    }

    #[test]
    fn hand_fields() {
        assert_eq!(split("1, 2 ,").unwrap(), ["1", "2", ""]);
        assert_eq!(split("\"a, b\",\"say \"\"so\"\"\",3").unwrap(), ["a, b", "say \"so\"", "3"]);
        assert_eq!(split("1,\"2,3"), Err(Problem::OpenQuote));
    }
}
