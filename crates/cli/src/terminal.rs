//! What depends on the terminal: colour, width, progress on stderr.

use indicatif::{ProgressBar, ProgressStyle};
use std::env;
use std::io::{self, IsTerminal};

/// A counter on stderr while a long run goes on; nothing where stderr is no terminal.
pub(crate) struct Progress {
    bar: ProgressBar,
    done: u64,
}

impl Progress {
    pub(crate) fn new(unit: &str) -> Self {
        let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        let template = format!("{{spinner}} {{human_pos}} {unit} ({{per_sec}})");
        bar.set_style(ProgressStyle::with_template(&template).expect("the template is fixed"));
        Self { bar, done: 0 }
    }

    /// One more is done. Drawing on each would cost more than the work.
    pub(crate) fn advance(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(1024) {
            self.bar.set_position(self.done);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Progress towards a known end where there is one: how many, how fast, how long it will take.
pub(crate) struct Timed {
    bar: ProgressBar,
    unit: &'static str,
    expected: Option<u64>,
}

impl Timed {
    pub(crate) fn new(unit: &'static str) -> Self {
        let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        let timed = Self { bar, unit, expected: None };
        timed.draw_as("{spinner} {human_pos} UNIT ({per_sec})");
        timed
    }

    fn draw_as(&self, template: &str) {
        let template = template.replace("UNIT", self.unit);
        self.bar.set_style(ProgressStyle::with_template(&template).expect("the template is fixed"));
    }

    /// So many are done, of as many as are expected.
    pub(crate) fn at(&mut self, done: u64, expected: Option<u64>) {
        if expected != self.expected {
            self.expected = expected;
            self.bar.set_length(expected.unwrap_or(0));
            self.draw_as("{wide_bar} {human_pos} of {human_len} UNIT ({per_sec}, {eta} left)");
        }
        self.bar.set_position(done);
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Whether standard output wants colour: `--color`, then NO_COLOR, then whether it is a terminal.
pub(crate) fn wants_color(choice: Option<&str>) -> bool {
    match choice {
        Some("always") => true,
        Some("never") => false,
        _ => {
            let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            !plain && io::stdout().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    }
}
