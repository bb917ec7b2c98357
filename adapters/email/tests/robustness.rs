//! Hostile and broken mails: every byte string is read or refused, quickly and within bounds.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kakehashi_core::port::{HashingSink, Origin};
use kakehashi_core::unreadable::UnreadableCode;
use kakehashi_email::read::{MAX_PARTS, envelope, parse_mail};
use proptest::prelude::*;
use std::time::Instant;

fn read(bytes: &[u8]) {
    if let Ok(mail) = parse_mail(bytes) {
        let _ = envelope(&mail, &Origin::default(), &mut HashingSink);
    }
}

#[test]
fn nothing_and_noise_are_refused_with_a_reason() {
    let code = |bytes: &[u8]| parse_mail(bytes).unwrap_err().code;
    assert_eq!(code(b""), UnreadableCode::Empty);
    assert_eq!(code(b"\r\n \r\n"), UnreadableCode::Empty);
    assert_eq!(code(b"just some words\r\nand more"), UnreadableCode::UnknownFormat);
    assert_eq!(code(b"MSH|^~\\&|A|B\rPID|1"), UnreadableCode::UnknownFormat);
    assert_eq!(code(&[0xff; 5_000]), UnreadableCode::UnknownFormat);
}

#[test]
fn a_thousand_levels_are_refused_quickly() {
    let mut multipart = String::from("From: a@b.example\r\n");
    let mut enclosed = multipart.clone();
    for i in 0..1_000 {
        multipart.push_str(&format!("Content-Type: multipart/mixed; boundary=\"b{i}\"\r\n\r\n--b{i}\r\n"));
        enclosed.push_str("Content-Type: message/rfc822\r\n\r\n");
    }
    let million = format!("From: a@b.example\r\n{}", "Content-Type: message/rfc822\r\n\r\n".repeat(500_000));
    for bomb in [multipart, enclosed, million] {
        let start = Instant::now();
        assert_eq!(parse_mail(bomb.as_bytes()).unwrap_err().code, UnreadableCode::TooLarge);
        assert!(start.elapsed().as_secs() < 5);
    }
}

#[test]
fn many_parts_headers_and_recipients_are_bounded() {
    let mut mail = String::from("From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
    for i in 0..1_000 {
        mail.push_str(&format!("--b\r\nContent-Type: application/pdf; name=f{i}.pdf\r\n\r\nx\r\n"));
    }
    let read = parse_mail(mail.as_bytes()).unwrap();
    assert_eq!(read.parts.len(), MAX_PARTS);
    assert!(read.warnings.iter().any(|w| w.code == "parts_dropped"));

    let to: String = (0..10_000).map(|i| format!("a{i}@b.example, ")).collect();
    let headers = "X-Many: 1\r\n".repeat(10_000);
    let read =
        parse_mail(format!("From: a@b.example\r\nTo: {to}z@b.example\r\n{headers}\r\nx").as_bytes()).unwrap();
    assert!(read.to.len() <= 500 && read.headers.len() <= 1_000);
    assert!(read.warnings.iter().any(|w| w.code == "headers_dropped"));
}

#[test]
fn long_texts_are_cut_and_said_so() {
    let mail = format!("From: a@b.example\r\n\r\n{}", "あいうえお\r\n".repeat(200_000));
    let start = Instant::now();
    let read = parse_mail(mail.as_bytes()).unwrap();
    assert!(read.text.len() <= 1024 * 1024 + 10);
    assert!(read.warnings.iter().any(|w| w.code == "text_shortened"));
    let _ = envelope(&read, &Origin::default(), &mut HashingSink).unwrap();
    let html = format!(
        "From: a@b.example\r\nContent-Type: text/html\r\n\r\n{}",
        "<table><a href='http://x'>".repeat(60_000)
    );
    parse_mail(html.as_bytes()).unwrap();
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn boundary_floods_stay_cheap() {
    let start = Instant::now();
    for unit in [
        "--x",
        "--\r\n",
        "--x\r\n\r\n",
        "Content-Type: multipart/mixed; boundary=q\r\n\r\n",
        ">",
        "-- \n",
        "差出人: x\n",
        "=?utf-8?B?",
        "<a@b.example>,",
        "(",
        "\u{1b}$B",
    ] {
        let flood = format!(
            "From: a@b.example\r\nSubject: {}\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n{}",
            unit.replace(['\r', '\n'], "").repeat(2_000),
            unit.repeat(20_000)
        );
        read(flood.as_bytes());
    }
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}

#[test]
fn names_cannot_leave_their_line_or_folder() {
    let mail = "From: \"x\u{202e}y\r\n z\" <a@b.example>\r\nSubject: a\u{0}b\r\n\tBcc: evil@b.example\r\nContent-Type: application/pdf; name=\"../../etc/pass\u{202e}wd\"\r\n\r\nx";
    let mail = parse_mail(mail.as_bytes()).unwrap();
    assert_eq!(mail.subject.as_deref(), Some("ab Bcc: evil@b.example"));
    assert_eq!(mail.parts[0].name.as_deref(), Some("passwd"));
    assert!(mail.header("Bcc").is_none());
}

fn seeds() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/corpus/email/synthetic-ja");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "eml"))
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|p| std::fs::read(p).unwrap())
        .map(|mut b| {
            b.truncate(6_000);
            b
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes: Vec<u8>) {
        read(&bytes);
        read(&[b"From: a@b\r\n".as_slice(), &bytes].concat());
    }

    #[test]
    fn damaged_mails(seed in 0_usize..26, edits in proptest::collection::vec((0_usize..6_000, any::<u8>(), 0_u8..4), 0..12)) {
        let mut bytes = seeds()[seed].clone();
        for (at, byte, what) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at % bytes.len();
            match what {
                0 => bytes[at] = byte,
                1 => { bytes.insert(at, byte); }
                2 => { bytes.remove(at); }
                _ => bytes.truncate(at.max(1)),
            }
        }
        read(&bytes);
    }

    #[test]
    fn mail_like(lines in proptest::collection::vec("(From|Subject|Content-Type|To|Date|Message-ID|In-Reply-To|Content-Disposition): ?[ -~]{0,30}|--b|--b--|Content-Type: (multipart/(mixed|alternative|related|report|digest)|message/rfc822|text/(plain|html)); boundary=b; charset=iso-2022-jp|[あ-ん>]{0,5}|", 0..25)) {
        read(lines.join("\r\n").as_bytes());
        read(lines.join("\n").as_bytes());
    }
}

#[test]
fn a_large_attachment_is_read_quickly() {
    let line = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NQ==";
    let line = &line[..76];
    let body = format!("{line}\r\n").repeat(200_000);
    let mail = format!(
        "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}--b--\r\n"
    );
    let start = Instant::now();
    let read = parse_mail(mail.as_bytes()).unwrap();
    println!("{} bytes in {:?}", mail.len(), start.elapsed());
    assert_eq!(read.parts[0].bytes.len(), 57 * 200_000);
    assert!(start.elapsed().as_secs() < 20);
}
