//! Character sets: any bytes under any label are text.
#![no_main]

use kakehashi_hl7::charset::{Used, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (label, bytes) = input;
    let _ = decode(bytes, None, None);
    let _ = decode(bytes, Some(label), None);
    for used in [Used::Ascii, Used::Iso2022Jp, Used::Utf8, Used::Cp932, Used::EucJp, Used::Latin1] {
        let _ = decode(bytes, None, Some(used));
    }
});
