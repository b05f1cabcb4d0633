//! How much room text takes, and making it fit. Widths are those of DejaVu Sans, the widest of the usual
//! sans-serif faces, so that what fits here fits everywhere.

/// Where a text's position lies on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    pub(super) fn name(self) -> &'static str {
        match self {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        }
    }
}

/// Size and weight of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Face {
    pub(super) size: f64,
    pub(super) bold: bool,
}

impl Face {
    pub(super) const TITLE: Face = Face { size: 15.0, bold: true };
    pub(super) const HEADING: Face = Face { size: 12.0, bold: true };
    pub(super) const BODY: Face = Face { size: 12.0, bold: false };
    pub(super) const SMALL: Face = Face { size: 11.0, bold: false };

    /// Height of a line of text.
    pub(super) fn line(self) -> f64 {
        (self.size * 1.35).round()
    }

    /// Width of a text on one line, in pixels.
    pub(super) fn width(self, text: &str) -> f64 {
        let ems: f64 = text.chars().map(em_width).sum();
        ems * self.size * if self.bold { 1.13 } else { 1.0 }
    }

    /// The text, cut short with an ellipsis where it is wider than `room`.
    pub(super) fn fit(self, text: &str, room: f64) -> String {
        if self.width(text) <= room {
            return text.to_owned();
        }
        let mut kept: String = text.to_owned();
        while kept.pop().is_some() {
            let cut = format!("{}…", kept.trim_end());
            if self.width(&cut) <= room {
                return cut;
            }
        }
        String::new()
    }

    /// The text in lines no wider than `room`, broken at spaces; a longer word is cut short.
    pub(super) fn wrap(self, text: &str, room: f64) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            let word = self.fit(word, room);
            match lines.last_mut() {
                Some(line) if self.width(line) + self.width(" ") + self.width(&word) <= room => {
                    line.push(' ');
                    line.push_str(&word);
                }
                _ => lines.push(word),
            }
        }
        lines
    }
}

/// Width of a character in ems.
fn em_width(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '\'' => 0.29,
        ' ' | '.' | ',' | '·' | 'I' | 'J' | '|' | ':' | ';' | '/' | '\\' => 0.34,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '!' | '-' => 0.41,
        's' | 'z' | 'c' | '*' | '_' | '–' => 0.55,
        'm' | '%' | 'M' | 'W' | '@' => 1.0,
        'w' | '+' | '=' | '<' | '>' | '~' | '×' | '−' | '≈' | 'O' | 'Q' | 'G' | '#' | '&' => 0.84,
        'a'..='z' | '0'..='9' | '"' | '?' | '$' => 0.64,
        'A'..='Z' => 0.76,
        other if (other as u32) < 0x300 && !other.is_control() => 0.7,
        // Wide scripts, symbols, and the mark that stands for what cannot be shown.
        _ => 1.05,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_fitted_text_fits() {
        for room in 0..200 {
            let room = f64::from(room);
            let cut = Face::BODY.fit("a label that is rather long & wide", room);
            assert!(Face::BODY.width(&cut) <= room, "{cut} in {room}");
        }
    }

    #[test]
    fn hand_wrapping_breaks_at_spaces_and_keeps_every_short_word() {
        let lines = Face::BODY.wrap("one two three four five six", 60.0);
        assert!(lines.len() > 2);
        assert_eq!(lines.join(" "), "one two three four five six");
    }
}
