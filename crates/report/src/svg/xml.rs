//! Numbers and text as XML writes them.

use std::fmt::{Display, Formatter, Result, Write};

/// A coordinate: at most two decimals, no trailing zeros, never a non-number.
pub(super) struct Number(pub(super) f64);

impl Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        debug_assert!(self.0.is_finite(), "layout drops what is not finite before it draws");
        let value = if self.0.is_finite() { self.0.clamp(-1e7, 1e7) } else { 0.0 };
        // Adding zero turns -0 into 0.
        let hundredths = (value * 100.0).round() + 0.0;
        write!(f, "{}", hundredths / 100.0)
    }
}

/// Text with what XML reserves escaped and what XML forbids replaced.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\t' | '\n' | '\r' => f.write_char(' ')?,
                c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_numbers_are_short() {
        let shown: Vec<String> =
            [0.0, -0.001, 1.0, 1.5, 2.344, 1e9].iter().map(|v| Number(*v).to_string()).collect();
        assert_eq!(shown, ["0", "0", "1", "1.5", "2.34", "10000000"]);
    }

    #[test]
    fn hand_text_is_escaped() {
        assert_eq!(Escaped("a<b & \"c\">\u{1}").to_string(), "a&lt;b &amp; &quot;c&quot;&gt;\u{fffd}");
    }
}
