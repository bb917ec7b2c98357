//! Framing: however the bytes are cut, the same events, and never more held than the limit.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../bodies/framing.rs"]
mod body;

fuzz_target!(|bytes: &[u8]| body::run(bytes));
