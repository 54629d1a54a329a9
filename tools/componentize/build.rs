//! Embeds the WIT of WASI 0.2, which the crate `wasip2` carries, so that nothing of it has to be copied into the
//! repository and the lock file pins its version.

use anyhow::{bail, Context, Result};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() -> Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=Cargo.lock");
    let deps = wasip2_folder()?.join("wit").join("deps");
    let mut files: Vec<PathBuf> = fs::read_dir(&deps)
        .with_context(|| format!("list {}", deps.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "wit"));
    files.sort();
    if files.is_empty() {
        bail!("{} holds no .wit file: has the crate wasip2 moved them?", deps.display());
    }
    let mut source = String::from("pub const WASI_WIT: &[(&str, &str)] = &[\n");
    for file in &files {
        println!("cargo:rerun-if-changed={}", file.display());
        let name = file.file_name().and_then(|name| name.to_str()).context("a file name that is not UTF-8")?;
        writeln!(source, "    ({name:?}, include_str!({:?})),", file.display().to_string())?;
    }
    source.push_str("];\n");
    let out = Path::new(&env::var("OUT_DIR")?).join("wasi_wit.rs");
    fs::write(&out, source).with_context(|| format!("write {}", out.display()))
}

/// Where Cargo keeps the sources of the locked `wasip2`. Cargo downloads them when they are not there yet.
fn wasip2_folder() -> Result<PathBuf> {
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version=1", "--locked", "--manifest-path"])
        .arg(Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("Cargo.toml"))
        .output()
        .context("run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).context("read what cargo metadata printed")?;
    let packages = metadata["packages"].as_array().context("cargo metadata printed no packages")?;
    let wasip2 = packages.iter().find(|package| package["name"] == "wasip2");
    let manifest = wasip2.and_then(|package| package["manifest_path"].as_str());
    let manifest = manifest.context("the crate wasip2 is not in the lock file")?;
    Ok(Path::new(manifest).parent().context("a manifest without a folder")?.to_owned())
}
