//! FHIR documents: at the door and as read.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../bodies/fhir.rs"]
mod body;

fuzz_target!(|bytes: &[u8]| body::run(bytes));
