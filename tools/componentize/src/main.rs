//! componentize: C bindings from a WIT world, and a component from a core module.

mod arguments;
mod strip;
mod wit;

use anyhow::{Context, Result};
use arguments::{Adapter, Arguments, WorldName};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use wit::World;
use wit_bindgen_core::Files;
use wit_component::{embed_component_metadata, ComponentEncoder, StringEncoding};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("componentize: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    match Arguments::parse(std::env::args().skip(1))? {
        Arguments::Bindings { world, out } => bindings(load(&world)?, &out),
        Arguments::Component { world, module, adapters, strip, out } => {
            let mut bytes = component(&load(&world)?, &module, &adapters)?;
            if strip {
                bytes = strip::without_custom_sections(&bytes)?;
            }
            fs::write(&out, bytes).with_context(|| format!("write {}", out.display()))
        }
        Arguments::Wasi { out } => wit::write_wasi(&out),
    }
}

fn load(world: &WorldName) -> Result<World> {
    World::load(&world.wit, &world.name)
}

/// Writes the C header, the C source and the object file of the world into the folder `out`. The object file holds the
/// world's type in a section that a stripping linker drops; `component` adds the type itself, so that hand-written
/// guests need no bindings.
fn bindings(mut world: World, out: &Path) -> Result<()> {
    let mut files = Files::default();
    let mut generator = wit_bindgen_c::Opts::default().build();
    generator.generate(&mut world.resolve, world.id, &mut files).context("generate C bindings")?;
    fs::create_dir_all(out).with_context(|| format!("make the folder {}", out.display()))?;
    for (name, contents) in files.iter() {
        let path = out.join(name);
        fs::write(&path, contents).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Wraps the core module into a component of the world. Imports that the module does not use are left out.
fn component(world: &World, module: &Path, adapters: &[Adapter]) -> Result<Vec<u8>> {
    let mut bytes = fs::read(module).with_context(|| format!("read {}", module.display()))?;
    embed_component_metadata(&mut bytes, &world.resolve, world.id, StringEncoding::UTF8, false)
        .context("embed the world's type")?;
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true);
    encoder.module(&bytes).with_context(|| format!("take {} as the module", module.display()))?;
    for adapter in adapters {
        let bytes = fs::read(&adapter.file).with_context(|| format!("read {}", adapter.file.display()))?;
        encoder.adapter(&adapter.name, &bytes).with_context(|| format!("take the adapter {}", adapter.name))?;
    }
    encoder.encode().with_context(|| format!("make a component of {}", module.display()))
}
