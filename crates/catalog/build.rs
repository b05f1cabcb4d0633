//! Lists the files of `catalog/` so that they are embedded in the binary, sorted by kind and id.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("../../catalog");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut list = String::from("&[\n");
    for folder in sorted(&root).into_iter().filter(|path| path.is_dir()) {
        println!("cargo::rerun-if-changed={}", folder.display());
        for file in sorted(&folder).into_iter().filter(|path| path.extension().is_some_and(|e| e == "toml")) {
            let (kind, stem) = (name(folder.file_name()), name(file.file_stem()));
            writeln!(list, "    ({kind:?}, {stem:?}, include_str!({:?})),", file.display().to_string())
                .expect("writing to a string cannot fail");
        }
    }
    list.push(']');
    let out = PathBuf::from(env::var("OUT_DIR").expect("set by cargo")).join("files.rs");
    fs::write(out, list).expect("the build folder is writable");
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the catalog folder is part of the repository");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    paths
}

fn name(part: Option<&std::ffi::OsStr>) -> String {
    part.expect("a listed file has a name").to_string_lossy().into_owned()
}
