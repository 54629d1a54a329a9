//! Worlds: the WIT files of a folder, resolved against the embedded WASI 0.2.

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use wit_bindgen_core::wit_parser::{Resolve, UnresolvedPackageGroup, WorldId};

include!(concat!(env!("OUT_DIR"), "/wasi_wit.rs"));

pub struct World {
    pub resolve: Resolve,
    pub id: WorldId,
}

impl World {
    /// Reads the one package in `folder` and selects the world `name` of it.
    pub fn load(folder: &Path, name: &str) -> Result<World> {
        let main = UnresolvedPackageGroup::parse_dir(folder)
            .with_context(|| format!("read the WIT of {}", folder.display()))?;
        let mut resolve = Resolve::default();
        let package =
            resolve.push_groups(main, wasi()?).with_context(|| format!("resolve the WIT of {}", folder.display()))?;
        let id = resolve.select_world(&[package], Some(name))?;
        Ok(World { resolve, id })
    }
}

/// Writes the embedded packages as files into `folder`, which is made.
pub fn write_wasi(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    for (name, contents) in WASI_WIT {
        let path = folder.join(name);
        fs::write(&path, contents).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

fn wasi() -> Result<Vec<UnresolvedPackageGroup>> {
    let parse = |(name, contents): &(&str, &str)| {
        UnresolvedPackageGroup::parse(name, contents)
            .map_err(|(_, error)| anyhow::Error::from(error))
            .with_context(|| format!("parse the embedded {name}"))
    };
    WASI_WIT.iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wasi_is_embedded_and_resolves() {
        let folder = std::env::temp_dir().join(format!("componentize-test-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let source = "package test:it; world handler { include wasi:http/proxy@0.2.12; }";
        std::fs::write(folder.join("it.wit"), source).unwrap();
        let found = World::load(&folder, "handler").map(|world| world.resolve.worlds[world.id].exports.len());
        let missing = World::load(&folder, "nothing").err().map(|error| format!("{error:#}"));
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found.unwrap(), 1);
        assert!(missing.unwrap().contains("nothing"));
    }
}
