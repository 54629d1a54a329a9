//! duet-wat IN.wat OUT.wasm: WebAssembly text, components included, to binary.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, input, output] = arguments.as_slice() else {
        return Err("usage: duet-wat IN.wat OUT.wasm".into());
    };
    std::fs::write(output, wat::parse_file(input)?)?;
    Ok(())
}
