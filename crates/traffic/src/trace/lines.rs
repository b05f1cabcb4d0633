//! Lines of a stream, one at a time, in a buffer that is used again.

use std::io::{BufRead, Read as _, Result};

/// Longest line, in bytes; what is longer is no request, and must not fill the memory.
pub(crate) const LONGEST: u64 = 16 << 20;

/// What a step through the lines came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A line is in the buffer.
    Line,
    /// A line was too long and is passed over.
    TooLong,
    /// There are no more.
    End,
}

pub(crate) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    /// Of the line in the buffer, from 1.
    pub(crate) number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), number: 0 }
    }

    /// Goes to the next line, past blank ones.
    pub(crate) fn advance(&mut self) -> Result<Step> {
        loop {
            let step = self.one()?;
            if step != Step::Line || !self.line().is_empty() {
                return Ok(step);
            }
        }
    }

    /// The line, without white space at its ends and without a byte order mark.
    pub(crate) fn line(&self) -> &[u8] {
        let line = self.buffer.trim_ascii();
        if self.number == 1 {
            line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii_start()
        } else {
            line
        }
    }

    fn one(&mut self) -> Result<Step> {
        self.buffer.clear();
        self.number += 1;
        let read = self.input.by_ref().take(LONGEST).read_until(b'\n', &mut self.buffer)?;
        match read {
            0 => Ok(Step::End),
            _ if read as u64 == LONGEST && self.buffer.last() != Some(&b'\n') => self.pass_over(),
            _ => Ok(Step::Line),
        }
    }

    /// Leaves the rest of a line unread.
    fn pass_over(&mut self) -> Result<Step> {
        self.buffer = Vec::new();
        loop {
            let bytes = self.input.fill_buf()?;
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let (passed, done) = end.map_or((bytes.len(), bytes.is_empty()), |end| (end + 1, true));
            self.input.consume(passed);
            if done {
                return Ok(Step::TooLong);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_blank_lines_count_and_are_passed_over() {
        let mut lines = Lines::new(&b"\xef\xbb\xbfone\r\n\n \ntwo"[..]);
        assert_eq!((lines.advance().unwrap(), lines.line(), lines.number), (Step::Line, &b"one"[..], 1));
        assert_eq!((lines.advance().unwrap(), lines.line(), lines.number), (Step::Line, &b"two"[..], 4));
        assert_eq!(lines.advance().unwrap(), Step::End);
    }

    #[test]
    fn hand_a_line_without_end_is_passed_over() {
        let mut text = vec![b'7'; LONGEST as usize + 10];
        text.extend(b"\nnext\n");
        let mut lines = Lines::new(&text[..]);
        assert_eq!(lines.advance().unwrap(), Step::TooLong);
        assert_eq!((lines.advance().unwrap(), lines.line(), lines.number), (Step::Line, &b"next"[..], 2));
    }
}
