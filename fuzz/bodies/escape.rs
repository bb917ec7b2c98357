//! Escape sequences with any separators. The body of the fuzz target and of the mutation
//! example alike: one input, and a panic is a finding.

use kakehashi_hl7::charset::Used;
use kakehashi_hl7::message::Separators;
use kakehashi_hl7::message::unescape::unescape;

/// Tries one input.
pub(crate) fn run(field: u8, encoding: [u8; 5], text: &str) {
    let separators = Separators::declared(field, &encoding).unwrap_or_default();
    for used in [Used::Utf8, Used::Iso2022Jp, Used::Cp932] {
        let _ = unescape(text, &separators, used);
    }
}
