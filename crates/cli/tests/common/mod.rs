//! Runs the built program as a user would, away from the user's own settings.

#![allow(dead_code, reason = "each test file uses its part")]

use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a run left.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let code = output.status.code().expect("no signal ended it");
        Self { code, out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Said {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{}{}", self.out, self.err))
    }
}

/// The program, in an empty folder, without the user's variables and overlays.
pub(crate) fn rackplan() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rackplan"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RACKPLAN_") {
            command.env_remove(name);
        }
    }
    command.env("HOME", "/nonexistent").env("XDG_CONFIG_HOME", "/nonexistent").env_remove("NO_COLOR");
    command.current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

/// Runs it with these arguments.
pub(crate) fn say(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Said {
    rackplan().args(arguments).output().expect("the program starts").into()
}

/// Runs a command line as it would be typed, without quotes.
pub(crate) fn type_in(line: &str) -> Said {
    say(line.split_whitespace())
}

/// A fresh folder of a test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("the target folder is writable");
    path
}

/// A file that lies beside the checkout and not in it; `None`, with a word about it, where it is absent.
pub(crate) fn shared(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(file);
    if !path.is_file() {
        println!("skipped: ../shared/{file} is not beside this checkout");
        return None;
    }
    Some(path)
}
