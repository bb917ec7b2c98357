//! Character sets: any bytes under any label are text. The body of the fuzz target and of the mutation
//! example alike: one input, and a panic is a finding.

use kakehashi_hl7::charset::{Used, decode};

/// Tries one input.
pub(crate) fn run(label: &str, bytes: &[u8]) {
    let _ = decode(bytes, None, None);
    let _ = decode(bytes, Some(label), None);
    for used in [Used::Ascii, Used::Iso2022Jp, Used::Utf8, Used::Cp932, Used::EucJp, Used::Latin1] {
        let _ = decode(bytes, None, Some(used));
    }
}
