//! Results out: standard output or `-o FILE`.

use crate::error::{Failure, write_failed};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Where a result goes.
pub(crate) fn open(target: Option<&Path>) -> Result<Box<dyn Write>, Failure> {
    match target {
        Some(path) if path != Path::new("-") => {
            let file = File::create(path).map_err(write_failed(&path.display().to_string()))?;
            Ok(Box::new(BufWriter::new(file)))
        }
        _ => Ok(Box::new(BufWriter::new(io::stdout()))),
    }
}

/// Writes a whole text.
pub(crate) fn write(target: Option<&Path>, text: &str) -> Result<(), Failure> {
    write_bytes(target, text.as_bytes())
}

/// Writes whole bytes.
pub(crate) fn write_bytes(target: Option<&Path>, bytes: &[u8]) -> Result<(), Failure> {
    let failed =
        write_failed(&target.map_or("standard output".to_owned(), |path| path.display().to_string()));
    let mut out = open(target)?;
    out.write_all(bytes).and_then(|()| out.flush()).map_err(failed)
}
