#![no_main]
//! Wrappings and files: winmail.dat, S/MIME, invitations, pictures, archives.
use kakehashi_core::port::{HashingSink, Origin};
use kakehashi_email::read::{envelope, parse_mail};
libfuzzer_sys::fuzz_target!(|input: (u8, Vec<u8>)| {
    let (kind, bytes) = input;
    let (kind, start): (&str, &[u8]) = match kind % 7 {
        0 => ("application/ms-tnef; name=winmail.dat", &[0x78, 0x9f, 0x3e, 0x22]),
        1 => ("application/pkcs7-mime; smime-type=signed-data", &[0x30, 0x80]),
        2 => ("text/calendar", b"BEGIN:VEVENT\n"),
        3 => ("image/jpeg", &[0xff, 0xd8, 0xff]),
        4 => ("image/png", b"\x89PNG\r\n\x1a\n"),
        5 => ("application/zip", b"PK\x03\x04"),
        _ => ("application/applefile", &[0, 5, 0x16, 0]),
    };
    let mut mail = format!("From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: binary\r\n\r\n").into_bytes();
    mail.extend(start);
    mail.extend(bytes);
    mail.extend(b"\r\n--x--\r\n");
    if let Ok(mail) = parse_mail(&mail) {
        let _ = envelope(&mail, &Origin::default(), &mut HashingSink);
    }
});
