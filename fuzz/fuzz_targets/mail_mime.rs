#![no_main]
//! Any bytes as a mail, through structure and meaning.
use kakehashi_core::port::{HashingSink, Origin};
use kakehashi_email::read::{envelope, parse_mail};
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(mail) = parse_mail(bytes) {
        let _ = envelope(&mail, &Origin::default(), &mut HashingSink);
    }
});
