//! The running side of the engine: request handlers in fresh sandboxes, and programs. No policy: C++ owns sockets,
//! HTTP, scheduling, egress and limits. See ../../duet_engine.h for what every entry point promises.

mod abi;
mod body;
mod command;
mod config;
mod cpu;
mod ending;
mod engine;
mod fields;
mod handler;
mod http_error;
mod instances;
mod instances_abi;
mod limits;
mod log;
mod outgoing;
mod outgoing_abi;
mod preview1;
mod program;
mod ready;
mod request;
mod request_abi;
mod room;
mod service;
mod state;
mod stdio;
mod timers;
