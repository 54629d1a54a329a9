//! The command line.

use anyhow::{bail, Context, Result};
use std::path::PathBuf;

const USAGE: &str = "usage:
  componentize bindings --wit DIR --world WORLD --out DIR
  componentize component --wit DIR --world WORLD [--adapt NAME=FILE]... [--strip]
                          MODULE.wasm -o COMPONENT.wasm
  componentize wasi --out DIR";

pub enum Arguments {
    Bindings {
        world: WorldName,
        out: PathBuf,
    },
    Component {
        world: WorldName,
        module: PathBuf,
        adapters: Vec<Adapter>,
        strip: bool,
        out: PathBuf,
    },
    /// The WIT of WASI 0.2 as files, for the tools of other languages.
    Wasi {
        out: PathBuf,
    },
}

/// A world and the folder whose package has it.
pub struct WorldName {
    pub wit: PathBuf,
    pub name: String,
}

/// A module that provides the imports of the module `name` in terms of the world's own.
pub struct Adapter {
    pub name: String,
    pub file: PathBuf,
}

impl Arguments {
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Arguments> {
        let verb = arguments.next().context(USAGE)?;
        let (mut wit, mut world, mut out, mut module) = (None, None, None, None);
        let (mut adapters, mut strip) = (Vec::new(), false);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{argument} needs a value\n{USAGE}"));
            match argument.as_str() {
                "--wit" => wit = Some(value()?.into()),
                "--world" => world = Some(value()?),
                "-o" | "--out" => out = Some(value()?.into()),
                "--adapt" => adapters.push(adapter(&value()?)?),
                "--strip" => strip = true,
                other if other.starts_with('-') => bail!("unknown flag {other}\n{USAGE}"),
                _ if module.is_none() => module = Some(argument.into()),
                other => bail!("one module at a time: {other} is too much\n{USAGE}"),
            }
        }
        let out = out.with_context(|| format!("no --out given\n{USAGE}"))?;
        if verb == "wasi" {
            let alone = module.is_none() && wit.is_none() && world.is_none() && adapters.is_empty() && !strip;
            return if alone { Ok(Arguments::Wasi { out }) } else { bail!("{USAGE}") };
        }
        let world = WorldName {
            wit: wit.with_context(|| format!("no --wit given\n{USAGE}"))?,
            name: world.with_context(|| format!("no --world given\n{USAGE}"))?,
        };
        match (verb.as_str(), module) {
            ("bindings", None) if adapters.is_empty() && !strip => Ok(Arguments::Bindings { world, out }),
            ("component", Some(module)) => Ok(Arguments::Component { world, module, adapters, strip, out }),
            _ => bail!("{USAGE}"),
        }
    }
}

fn adapter(value: &str) -> Result<Adapter> {
    let (name, file) = value.split_once('=').with_context(|| format!("--adapt wants NAME=FILE, got {value}"))?;
    Ok(Adapter { name: name.to_owned(), file: file.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_component_has_a_module_and_adapters() {
        let arguments = parse("component --wit w --world a --adapt p1=x.wasm --strip in.wasm -o out.wasm").unwrap();
        let Arguments::Component { world, module, adapters, strip, out } = arguments else { panic!("not a component") };
        assert_eq!((module, out, strip), ("in.wasm".into(), "out.wasm".into(), true));
        assert_eq!((adapters[0].name.as_str(), &adapters[0].file), ("p1", &PathBuf::from("x.wasm")));
        assert_eq!((world.wit, world.name), ("w".into(), "a".into()));
    }

    #[test]
    fn wasi_needs_a_folder_alone() {
        let Arguments::Wasi { out } = parse("wasi --out o").unwrap() else { panic!("not wasi") };
        assert_eq!(out, PathBuf::from("o"));
    }

    #[test]
    fn wrong_lines_are_refused_with_the_reason() {
        for (line, reason) in [
            ("", "usage"),
            ("bindings --wit w --world a", "no --out"),
            ("bindings --world a --out o", "no --wit"),
            ("bindings --wit w --out o", "no --world"),
            ("bindings --wit w --world a --out", "--out needs a value"),
            ("bindings --wit w --world a --out o in.wasm", "usage"),
            ("component --wit w --world a -o o", "usage"),
            ("component --wit w --world a -o o in.wasm more.wasm", "more.wasm is too much"),
            ("component --wit w --world a -o o --adapt x in.wasm", "NAME=FILE"),
            ("component --frobnicate", "unknown flag --frobnicate"),
            ("wasi", "no --out"),
            ("wasi --wit w --out o", "usage"),
        ] {
            let error = parse(line).err().unwrap_or_else(|| panic!("accepted: {line}"));
            assert!(format!("{error:#}").contains(reason), "{line}: {error:#}");
        }
    }
}
