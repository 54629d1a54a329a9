//! What a file is, from its own imports and exports, without compiling it.

use duet_engine_shared::ffi::{INVALID, UNSUPPORTED, Failure};
use wasmparser::{Encoding, Parser, Payload};

/// `duet::engine::Kind` of the C++ side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Kind {
    ModuleProgram = 1,
    ComponentProgram = 2,
    Handler = 3,
    ModuleHandler = 4,
    AsyncHandler = 5,
}

/// The names that a file exports at its top level.
struct Outline {
    encoding: Encoding,
    exports: Vec<String>,
}

fn outline(wasm: &[u8]) -> Result<Outline, Failure> {
    if !wasm.starts_with(b"\0asm") {
        return Err(Failure::new(INVALID, not_wasm(wasm)));
    }
    let invalid = |error: wasmparser::BinaryReaderError| Failure::new(INVALID, format!("invalid WebAssembly: {error}"));
    let mut outline = Outline { encoding: Encoding::Module, exports: Vec::new() };
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(invalid)? {
            Payload::Version { encoding, .. } if depth == 0 => outline.encoding = encoding,
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ExportSection(section) if depth == 0 => {
                for export in section {
                    outline.exports.push(export.map_err(invalid)?.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    outline.exports.push(export.map_err(invalid)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(outline)
}

fn not_wasm(data: &[u8]) -> String {
    let start = data.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(data.len());
    if data.is_empty() {
        "not WebAssembly: the file is empty".to_owned()
    } else if data[start..].starts_with(b"(module") || data[start..].starts_with(b"(component") {
        "not binary WebAssembly: this is the text format; convert it first (wat2wasm, wasm-tools parse)".to_owned()
    } else {
        "not WebAssembly: the file does not begin with the magic bytes \\0asm".to_owned()
    }
}

/// The version of `name` if it is `interface@version`.
fn version_of<'a>(name: &'a str, interface: &str) -> Option<&'a str> {
    name.strip_prefix(interface)?.strip_prefix('@')
}

fn component_kind(exports: &[String]) -> Result<Kind, Failure> {
    let find = |interface: &str, version: &str| {
        exports.iter().any(|name| version_of(name, interface).is_some_and(|found| found.starts_with(version)))
    };
    if find("wasi:http/incoming-handler", "0.2.") {
        return Ok(Kind::Handler);
    }
    if find("wasi:http/handler", "0.3.") {
        return Ok(Kind::AsyncHandler);
    }
    if find("wasi:cli/run", "0.2.") {
        return Ok(Kind::ComponentProgram);
    }
    for interface in ["wasi:http/handler", "wasi:cli/run", "wasi:http/incoming-handler"] {
        if let Some(name) = exports.iter().find(|name| version_of(name, interface).is_some()) {
            let message = format!("the component exports {name}, a version of it that duet does not run; build it for WASI 0.2");
            return Err(Failure::new(UNSUPPORTED, message));
        }
    }
    let found = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
    Err(Failure::new(
        INVALID,
        format!(
            "the component exports none of wasi:http/incoming-handler, wasi:http/handler and wasi:cli/run, but {found}"
        ),
    ))
}

/// What a module of kind `kind` is where it is to answer requests by WAGI; only programs of core modules can.
pub fn as_handler(kind: Kind) -> Result<Kind, Failure> {
    let found = match kind {
        Kind::ModuleProgram | Kind::ModuleHandler => return Ok(Kind::ModuleHandler),
        Kind::ComponentProgram => "a component that exports wasi:cli/run; build it for WASI preview 1 (wasm32-wasip1)",
        Kind::Handler => "a component that exports wasi:http/incoming-handler, which is a handler without WAGI",
        Kind::AsyncHandler => "a component that exports wasi:http/handler, which is a handler without WAGI",
    };
    Err(Failure::new(INVALID, format!("WAGI is for core modules with _start, and this is {found}")))
}

/// What `wasm` can be used as. Says nothing about whether it is valid beyond its outline.
pub fn kind(wasm: &[u8]) -> Result<Kind, Failure> {
    let outline = outline(wasm)?;
    if outline.encoding == Encoding::Component {
        return component_kind(&outline.exports);
    }
    if outline.exports.iter().any(|name| name == "_start") {
        return Ok(Kind::ModuleProgram);
    }
    Err(Failure::new(
        INVALID,
        "the core module exports no _start, so it is a library and not a program; build it as a WASI command",
    ))
}
