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
