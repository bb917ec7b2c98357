#![no_main]
//! Delivery reports in the standard form and in free words.
use kakehashi_core::bounce::is_hard;
use kakehashi_core::port::{HashingSink, Origin};
use kakehashi_email::read::{envelope, parse_mail};
libfuzzer_sys::fuzz_target!(|text: String| {
    let _ = is_hard(&text);
    for bytes in [
        format!("Return-Path: <>\r\nFrom: MAILER-DAEMON@b.example\r\nSubject: failure notice\r\n\r\n{text}"),
        format!("Return-Path: <>\r\nFrom: a@b.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\n{text}\r\n--x--\r\n"),
    ] {
        if let Ok(mail) = parse_mail(bytes.as_bytes()) {
            let _ = envelope(&mail, &Origin::default(), &mut HashingSink);
        }
    }
});
