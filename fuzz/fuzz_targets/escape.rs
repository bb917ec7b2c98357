//! Escape sequences with any separators.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../bodies/escape.rs"]
mod body;

fuzz_target!(|input: (u8, [u8; 5], &str)| body::run(input.0, input.1, input.2));
