//! Character sets: any bytes under any label are text.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../bodies/charset.rs"]
mod body;

fuzz_target!(|input: (&str, &[u8])| body::run(input.0, input.1));
