#![no_main]
//! Any bytes as a received file: TIFF directories, fax codecs, PDF and photographs.
use kakehashi_fax::pages::{PageLimits, visit_pages};
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut count = 0;
    let limits = PageLimits { pages: 4, ..PageLimits::default() };
    let outcome = visit_pages(bytes, &limits, &mut |_| count += 1);
    assert!(count <= 4 && (outcome.is_ok() || count == 0));
});
