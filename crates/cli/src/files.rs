//! Files and folders in: scenarios, configurations, rows (plain or gzip), catalog overlays.

use crate::error::{Failure, in_words};
use crate::zstd::Frames;
use flate2::read::MultiGzDecoder;
use rackplan_scenario::{Catalog, OverlayFile, check_engines};
use std::env;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The longest text file that is read whole; a scenario or configuration is a few kilobytes.
const LONGEST_TEXT: u64 = 16 << 20;

/// Reads a whole text file.
pub(crate) fn text(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let mut bytes = Vec::new();
    // A device or a pipe does not say how long it is, so the limit is on what is read.
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    file.take(LONGEST_TEXT + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > LONGEST_TEXT {
        let message = format!("{shown}: over {} MiB is too long for a text file", LONGEST_TEXT >> 20);
        return Err(Failure::input(message, "is it the right file?"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::input(format!("{shown}: byte {at} is not UTF-8"), "save the file as UTF-8 text")
    })
}

/// Opens a file of rows; `.gz` is unpacked on the way, `-` is standard input.
pub(crate) fn rows(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    if path.is_dir() {
        return Err(unreadable(path, &io::ErrorKind::IsADirectory.into()));
    }
    Ok(sendable_rows(path).map_err(|error| unreadable(path, &error))?)
}

/// The same for whoever reads a file from another thread.
pub(crate) fn sendable_rows(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    let packing = Packing::of_name(path);
    unpacked(File::open(path)?, packing)
}

/// Rows in memory; their first bytes say whether they are packed.
pub(crate) fn rows_in_memory(bytes: Arc<[u8]>) -> io::Result<Box<dyn BufRead + Send>> {
    let packing = Packing::of_bytes(&bytes);
    unpacked(Cursor::new(bytes), packing)
}

/// How rows are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    fn of_name(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            _ => Self::Plain,
        }
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

fn unpacked(bytes: impl Read + Send + 'static, packing: Packing) -> io::Result<Box<dyn BufRead + Send>> {
    let bytes: Box<dyn Read + Send> = match packing {
        Packing::Gzip => Box::new(MultiGzDecoder::new(bytes)),
        Packing::Zstd => Box::new(Frames::new(BufReader::with_capacity(1 << 16, bytes))?),
        Packing::Plain => Box::new(bytes),
    };
    Ok(Box::new(BufReader::with_capacity(1 << 16, bytes)))
}

/// The text of a whole table, plain or packed.
pub(crate) fn table(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let failed = |error: io::Error| {
        Failure::input(format!("{}: {error}", path.display()), "is it a CSV table, plain or .gz?")
    };
    rows(path)?.read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// The built-in catalog with the user's folders over it: XDG, then `./rackplan.d`, then `--catalog`, later ones winning.
pub(crate) fn catalog(named: &[PathBuf]) -> Result<Catalog, Failure> {
    let usual = [configuration_folder(), Some(PathBuf::from("rackplan.d"))];
    let mut files = Vec::new();
    for folder in usual.into_iter().flatten().filter(|folder| folder.is_dir()) {
        collect(&folder, &folder, &mut files)?;
    }
    for folder in named {
        if !folder.is_dir() {
            let message = format!("--catalog: {} is not a folder", folder.display());
            return Err(Failure::input(message, "name a folder with `<kind>/<id>.toml` or `*.toml` files"));
        }
        collect(folder, folder, &mut files)?;
    }
    let catalog = Catalog::builtin().with_overlay(&files)?;
    if files.iter().any(|file| file.text.contains("operators")) {
        check_engines(&catalog)?;
    }
    Ok(catalog)
}

fn configuration_folder() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
    Some(base.join("rackplan"))
}

/// Every `.toml` file of a folder and of its sub-folders, sorted by path.
fn collect(root: &Path, folder: &Path, files: &mut Vec<OverlayFile>) -> Result<(), Failure> {
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        // A link back to a folder above would never end, so only real folders are entered.
        if path.is_dir() && !path.is_symlink() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            let relative = path.strip_prefix(root).unwrap_or(&path);
            let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
            let (shown, relative) = (path.display().to_string(), parts.join("/"));
            files.push(OverlayFile { shown, relative, text: text(&path)? });
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::PermissionDenied => "the file must be readable by you",
        io::ErrorKind::IsADirectory => "name a file, not a folder",
        _ => "is it a readable file?",
    };
    Failure::input(format!("{}: {}", path.display(), in_words(error)), hint)
}
