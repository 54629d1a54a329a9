//! Which interfaces a guest can import.

use wasmtime::component::Linker;
use wasmtime::Result;
use wasmtime_wasi::WasiView;
use wasmtime_wasi_http::WasiHttpView;

/// All of WASI 0.2 and `wasi:http` 0.2: what a request handler finds.
pub fn link_handler<T: WasiView + WasiHttpView + 'static>(linker: &mut Linker<T>) -> Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
}

/// All of WASI 0.2 and 0.3 with their `wasi:http`: what an asynchronous request handler finds. (Its libraries are often
/// of 0.2.)
pub fn link_async_handler<T: WasiView + WasiHttpView + 'static>(linker: &mut Linker<T>) -> Result<()> {
    link_handler(linker)?;
    wasmtime_wasi::p3::add_to_linker(linker)?;
    wasmtime_wasi_http::p3::add_to_linker(linker)
}

/// All of WASI 0.2: what a component with `wasi:cli/run` finds.
pub fn link_program<T: WasiView + 'static>(linker: &mut Linker<T>) -> Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)
}
