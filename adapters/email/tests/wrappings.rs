//! What programs wrap around mails and files: everything here is built by the test itself, so the shapes are
//! general and no file of any suite is needed.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kakehashi_core::envelope::{Attachment, Envelope};
use kakehashi_core::port::{Origin, Part, PartFault, PartSink};
use kakehashi_core::unreadable::UnreadableCode;
use kakehashi_core::vocabulary::{AttachmentRole, Intent};
use kakehashi_email::read::{envelope, parse_mail};

/// Keeps the bytes of every part.
#[derive(Default)]
struct Kept(Vec<Vec<u8>>);

impl PartSink for Kept {
    fn keep(&mut self, part: Part<'_>) -> Result<Attachment, PartFault> {
        self.0.push(part.bytes.to_vec());
        Ok(part.describe())
    }
}

fn read(mail: &[u8]) -> (Envelope, Vec<Vec<u8>>) {
    let mut kept = Kept::default();
    let got = envelope(&parse_mail(mail).unwrap(), &Origin::default(), &mut kept).unwrap();
    (got, kept.0)
}

const HEAD: &str = "From: Otsuka <otsuka@sakura.example.jp>\r\nTo: in@renkei.example.jp\r\nSubject: x\r\nMIME-Version: 1.0\r\n";

/// A multipart mail of headers and bodies.
fn parts(kind: &str, list: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = format!("{HEAD}Content-Type: multipart/{kind}; boundary=\"b0\"\r\n\r\n").into_bytes();
    for (headers, body) in list {
        out.extend(format!("--b0\r\n{headers}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n").into_bytes());
        out.extend(*body);
        out.extend(b"\r\n");
    }
    out.extend(b"--b0--\r\n");
    out
}

fn codes(got: &Envelope) -> Vec<&str> {
    got.warnings.iter().map(|w| w.code.as_str()).collect()
}

const TEXT: &str = "Content-Type: text/plain; charset=utf-8";

#[test]
fn invitations_in_every_place() {
    let ics = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:担当者会議\r\n\
               DTSTART;TZID=Asia/Tokyo:20260610T160000\r\nLOCATION:ご自宅\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let want = "【予定の案内】\n件名: 担当者会議\n日時: 2026年6月10日(水) 16:00\n場所: ご自宅";
    let calendar = "Content-Type: text/calendar; charset=utf-8; method=REQUEST";
    let mail = parts("alternative", &[(TEXT, "ご出席ください。".as_bytes()), (calendar, ics.as_bytes())]);
    assert_eq!(read(&mail).0.body, Some(format!("ご出席ください。\n\n{want}")));
    let file = "Content-Type: application/ics; name=invite.ics\r\nContent-Disposition: attachment";
    let mail = parts(
        "mixed",
        &[(TEXT, "ご出席ください。".as_bytes()), (calendar, ics.as_bytes()), (file, ics.as_bytes())],
    );
    assert_eq!(read(&mail).0.body, Some(format!("ご出席ください。\n\n{want}")));
    let alone = format!("{HEAD}{calendar}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{ics}");
    let got = read(alone.as_bytes()).0;
    assert_eq!((got.body.as_deref(), got.intent), (Some(want), Intent::Topic));
    let answer = alone.replace("REQUEST", "REPLY");
    assert_eq!(read(answer.as_bytes()).0.intent, Intent::Automatic);
}

#[test]
fn an_attached_mail_is_read_with_its_files() {
    let inner = parts(
        "mixed",
        &[
            (TEXT, "血圧が高めです。".as_bytes()),
            ("Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment", b"%PDF-1.4"),
            ("Content-Type: application/octet-stream; name=b.exe\r\nContent-Disposition: attachment", b"MZ"),
        ],
    );
    let mail =
        parts("mixed", &[(TEXT, "[至急] 転送します".as_bytes()), ("Content-Type: message/rfc822", &inner)]);
    let (got, _) = read(&mail);
    let body = got.body.clone().unwrap();
    assert!(body.starts_with("[至急] 転送します\n\n---------- 添付されたメール ----------\n差出人: Otsuka <otsuka@sakura.example.jp>"));
    assert!(body.ends_with("血圧が高めです。"));
    assert_eq!(got.urgency, Some(kakehashi_core::vocabulary::Urgency::Urgent));
    let roles: Vec<_> = got.attachments.iter().map(|a| (a.name.clone().unwrap(), a.role)).collect();
    assert_eq!(
        roles,
        [("a.pdf".to_owned(), AttachmentRole::Document), ("b.exe".to_owned(), AttachmentRole::Quarantined)]
    );
    // Words of an enclosed mail are not the writer's: no 了解, no urgency.
    let inner = format!("{HEAD}{TEXT}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n[緊急] 了解");
    let mail = parts("mixed", &[(TEXT, b""), ("Content-Type: message/rfc822", inner.as_bytes())]);
    let got = read(&mail).0;
    assert_eq!((got.intent, got.urgency), (Intent::Topic, None));
}

#[test]
fn nesting_and_pieces_end_somewhere() {
    let mut inner = format!("{HEAD}{TEXT}\r\n\r\nend").into_bytes();
    for _ in 0..8 {
        inner = parts("mixed", &[("Content-Type: message/rfc822", &inner)]);
    }
    let (got, _) = read(&inner);
    assert!(got.body.unwrap().matches("添付されたメール").count() <= 10);
    for kind in ["message/partial; id=\"x\"; number=1; total=2", "message/external-body; access-type=URL"] {
        let mail = format!("{HEAD}Content-Type: {kind}\r\n\r\nContent-Type: text/plain\r\n\r\nx\r\n");
        assert_eq!(parse_mail(mail.as_bytes()).unwrap_err().code, UnreadableCode::Unsupported, "{kind}");
    }
}

#[test]
fn dangerous_files_are_withheld() {
    let docm =
        "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"plan.docm\"";
    let heic = "Content-Type: image/heic; name=IMG_1.HEIC\r\nContent-Disposition: attachment";
    let mail = parts(
        "mixed",
        &[(TEXT, "了解".as_bytes()), (docm, b"PK\x03\x04"), (heic, b"\0\0\0\x18ftypheic\0\0\0\0")],
    );
    let (got, _) = read(&mail);
    assert_eq!(codes(&got), ["attachment_macros", "photo_unsupported"]);
    assert!(got.attachments.iter().all(|a| a.role == AttachmentRole::Quarantined));
    assert_eq!(got.attachments[1].media_type, "image/heic");
}

#[test]
fn uuencoded_and_signed_text() {
    let mail = format!("{HEAD}{TEXT}\r\n\r\n添付します\r\n\r\nbegin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\n");
    let (got, kept) = read(mail.as_bytes());
    assert_eq!(got.body.as_deref(), Some("添付します"));
    assert_eq!(kept, [b"Cat".to_vec()]);
    let mail = format!(
        "{HEAD}{TEXT}\r\n\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\n了解\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\nx\r\n-----END PGP SIGNATURE-----\r\n"
    );
    let (got, _) = read(mail.as_bytes());
    assert_eq!((got.intent, codes(&got)), (Intent::Acknowledgement, vec!["signature_not_verified"]));
}
