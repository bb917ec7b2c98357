//! Escape sequences with any separators.
#![no_main]

use kakehashi_hl7::charset::Used;
use kakehashi_hl7::message::Separators;
use kakehashi_hl7::message::unescape::unescape;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, [u8; 5], &str)| {
    let (field, encoding, text) = input;
    let separators = Separators::declared(field, &encoding).unwrap_or_default();
    for used in [Used::Utf8, Used::Iso2022Jp, Used::Cp932] {
        let _ = unescape(text, &separators, used);
    }
});
