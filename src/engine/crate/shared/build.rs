//! Tells the crate which Wasmtime the lock file names, so that the compatibility key follows it.

use std::path::Path;

fn main() {
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let path = Path::new(&root).join("../Cargo.lock");
    println!("cargo::rerun-if-changed={}", path.display());
    let lock = std::fs::read_to_string(&path).expect("the workspace has a lock file");
    let mut lines = lock.lines();
    lines.find(|line| *line == "name = \"wasmtime\"").expect("the lock file names wasmtime");
    let version = lines.next().and_then(|line| line.strip_prefix("version = "));
    println!("cargo::rustc-env=DUET_WASMTIME={}", version.expect("a version").trim_matches('"'));
}
