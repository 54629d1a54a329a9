//! A command of WASI 0.2 from nothing but Rust's standard library. Prints its arguments, its environment and what it
//! reads from standard input; `exit N` ends with that code, `read PATH` prints a file, `panic` panics. The interface
//! `wasi:cli/run` knows only success and failure, so every exit code but 0 reaches the host as a failure.

use std::io::{self, Read, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    let result = match words[..] {
        ["exit", code] => return code.parse().map_or(ExitCode::FAILURE, |code: u8| ExitCode::from(code)),
        ["read", path] => std::fs::read(path).and_then(|bytes| io::stdout().write_all(&bytes)),
        ["panic"] => panic!("as asked"),
        _ => describe(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn describe(arguments: &[String]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (index, argument) in arguments.iter().enumerate() {
        writeln!(out, "arg {index} {argument}")?;
    }
    for (name, value) in std::env::vars() {
        writeln!(out, "env {name}={value}")?;
    }
    let mut input = String::new();
    io::stdin().read_to_string(&mut input)?;
    writeln!(out, "input {} bytes", input.len())
}
