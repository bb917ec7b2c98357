#![no_main]
//! Quote and signature: whatever the text, no sign of it is lost.
use kakehashi_core::port::{HashingSink, Origin};
use kakehashi_email::read::{envelope, parse_mail};
libfuzzer_sys::fuzz_target!(|text: String| {
    let bytes = format!("From: a@b.example\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}");
    let Ok(mail) = parse_mail(bytes.as_bytes()) else { return };
    if !mail.parts.is_empty() {
        return;
    }
    let Ok(got) = envelope(&mail, &Origin::default(), &mut HashingSink) else { return };
    let count = |s: &str| s.chars().filter(|c| !c.is_whitespace()).count();
    let kept: usize = [&got.body, &got.quoted, &got.signature].into_iter().flatten().map(|s| count(s)).sum();
    assert_eq!(kept, count(&mail.text));
});
