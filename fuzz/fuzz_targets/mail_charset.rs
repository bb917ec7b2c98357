#![no_main]
//! Any bytes under any label, in body, subject and file name.
use kakehashi_email::read::parse_mail;
libfuzzer_sys::fuzz_target!(|input: (String, Vec<u8>)| {
    let (label, bytes) = input;
    let label: String = label.chars().filter(|c| c.is_ascii_graphic()).take(30).collect();
    let mut mail = format!("From: a@b.example\r\nSubject: =?{label}?Q?").into_bytes();
    mail.extend(bytes.iter().filter(|b| !b.is_ascii_whitespace()).take(200));
    mail.extend(format!("?=\r\nContent-Type: text/plain; charset={label}\r\n\r\n").into_bytes());
    mail.extend(&bytes);
    if let Ok(mail) = parse_mail(&mail) {
        assert!(!mail.text.contains('\r'));
    }
});
