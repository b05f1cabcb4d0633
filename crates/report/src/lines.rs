//! Labelled lines of a fixed width: `label        text`, continued under the text.

use rackplan_scenario::answer::{Answer, Assumption};

/// Widest line of a screen.
pub(crate) const WIDTH: usize = 100;

/// Where the text starts.
const INDENT: usize = 13;

/// One labelled paragraph, wrapped; no line is wider than the screen unless a single word is.
pub(crate) fn labelled(label: &str, text: &str) -> String {
    let mut out = String::new();
    for (index, line) in wrap(text, WIDTH - INDENT).iter().enumerate() {
        let label = if index == 0 { label } else { "" };
        out += format!("  {label:<width$}{line}", width = INDENT - 2).trim_end();
        out.push('\n');
    }
    out
}

/// Text in lines of at most `width` characters, broken at spaces.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// What stands under a table: warnings, then what was assumed.
pub(crate) fn notes<T>(answer: &Answer<T>) -> impl Iterator<Item = String> + '_ {
    let warnings = answer.warnings.iter().map(|text| format!("warning: {text}"));
    let assumed = |a: &Assumption| format!("assumed {}: {} ({})", a.key, a.text(), a.why);
    warnings.chain(answer.assumptions.iter().map(assumed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_lines_are_wrapped_under_the_text() {
        let text = labelled("binds", &"word ".repeat(30));
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert!(text.lines().nth(1).is_some_and(|line| line.starts_with("             word")));
    }
}
