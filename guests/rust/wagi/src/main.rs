//! A handler that speaks CGI, from nothing but Rust's standard library: answers how many bytes it read, after it slept
//! as many milliseconds as the query says. `exit` in the query ends it with code 7, `panic` with a panic.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

fn main() -> io::Result<()> {
    let query = std::env::var("QUERY_STRING").unwrap_or_default();
    match query.as_str() {
        "exit" => std::process::exit(7),
        "panic" => panic!("as asked"),
        _ => {}
    }
    let asked_ms = query.parse().unwrap_or(0);
    let began = Instant::now();
    std::thread::sleep(Duration::from_millis(asked_ms));
    let slept = began.elapsed() >= Duration::from_millis(asked_ms);

    let mut body = Vec::new();
    io::stdin().read_to_end(&mut body)?;
    let method = std::env::var("REQUEST_METHOD").unwrap_or_default();
    let mut out = io::stdout().lock();
    write!(out, "Status: 201 Made\r\nContent-Type: text/plain\r\nX-Slept: {slept}\r\n\r\n")?;
    writeln!(out, "{method} with {} bytes", body.len())
}
