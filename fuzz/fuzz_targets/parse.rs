//! Whole messages: judged, answered and read.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../bodies/parse.rs"]
mod body;

fuzz_target!(|bytes: &[u8]| body::run(bytes));
