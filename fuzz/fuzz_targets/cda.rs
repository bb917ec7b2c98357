//! Embedded documents: CDA, RTF and HTML inside of OBX-5.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../bodies/cda.rs"]
mod body;

fuzz_target!(|bytes: &[u8]| body::run(bytes));
