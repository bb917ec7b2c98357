//! Messages from public test suites. They are not kept in this repository; where the folder is not
//! beside it, the tests say so and pass.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kakehashi_core::envelope::{Envelope, ReportOutcome};
use kakehashi_core::port::{HashingSink, Origin};
use kakehashi_core::unreadable::UnreadableCode;
use kakehashi_core::vocabulary::Intent;
use kakehashi_email::read::{envelope, parse_mail};
use std::path::PathBuf;

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/email");

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(PathBuf::from(SHARED).join(folder)) else {
        println!("third-party mails not found, test skipped: {folder}");
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.to_string_lossy().ends_with(ending))
        .collect();
    found.sort();
    found
}

fn read(name: &str) -> Option<Envelope> {
    let bytes = std::fs::read(PathBuf::from(SHARED).join("public").join(name)).ok()?;
    let mail = parse_mail(&bytes).unwrap();
    Some(envelope(&mail, &Origin::default(), &mut HashingSink).unwrap())
}

#[test]
fn every_file_is_read() {
    for path in files("public", ".eml") {
        let bytes = std::fs::read(&path).unwrap();
        let mail = match parse_mail(&bytes) {
            Ok(mail) => mail,
            // Pieces of mails are refused (RFC 2046 5.2.2).
            Err(e) if e.code == UnreadableCode::Unsupported && e.detail.contains("message/partial") => {
                continue;
            }
            Err(e) => panic!("{}: {e:?}", path.display()),
        };
        let got = envelope(&mail, &Origin::default(), &mut HashingSink).unwrap();
        assert!(!got.body.unwrap_or_default().contains('\u{1b}'), "{}", path.display());
        // The same bytes without CR mean the same.
        let unix: Vec<u8> = bytes.iter().copied().filter(|b| *b != b'\r').collect();
        assert_eq!(parse_mail(&unix).unwrap().subject, mail.subject, "{}", path.display());
    }
}

#[test]
fn reports_and_machines() {
    for (name, outcome, recipient) in [
        ("set-of-emails__lhost-qmail-01.eml", ReportOutcome::Failed, Some("kijitora@example.ne.jp")),
        ("set-of-emails__lhost-exim-01.eml", ReportOutcome::Failed, Some("kijitora@example.ed.jp")),
        (
            "set-of-emails__lhost-ezweb-01.eml",
            ReportOutcome::Failed,
            Some("this-message-rejected-by-the-domain-filter@ezweb.ne.jp"),
        ),
        (
            "set-of-emails__lhost-kddi-01.eml",
            ReportOutcome::Failed,
            Some("kijitora@x0000000000000.dion.ne.jp"),
        ),
        ("set-of-emails__lhost-biglobe-01.eml", ReportOutcome::Failed, Some("postmaster@mxr.biglobe.ne.jp")),
        ("set-of-emails__lhost-domino-01.eml", ReportOutcome::Failed, Some("kijitora@example.jp")),
        ("set-of-emails__lhost-gmail-01.eml", ReportOutcome::Failed, Some("userunknown@example.jp")),
        ("set-of-emails__lhost-office365-01.eml", ReportOutcome::Failed, Some("kijitora@example.com")),
        ("set-of-emails__lhost-postfix-01.eml", ReportOutcome::Failed, Some("kijitora@example.org")),
        ("set-of-emails__lhost-postfix-11.eml", ReportOutcome::Failed, Some("kijitora@example.jp")),
        ("set-of-emails__lhost-sendmail-01.eml", ReportOutcome::Failed, Some("ufd85a3f380@xxxxxxxxxxxx.jp")),
        ("set-of-emails__rfc3464-01.eml", ReportOutcome::Failed, Some("ufd85a3f380@xxxxxxxxxxxx.jp")),
        (
            "set-of-emails__rhost-nttdocomo-01.eml",
            ReportOutcome::Failed,
            Some("azumakuniyuki@ntt.docomo.example.ne.jp"),
        ),
        ("mail__report_422.eml", ReportOutcome::Delayed, Some("u514fb@xxxxxxxx.xxx.au")),
        ("mail__report_530.eml", ReportOutcome::Failed, Some("ufc79@xxxxxxx.com")),
    ] {
        let Some(got) = read(name) else { continue };
        let report = got.report.clone().unwrap_or_else(|| panic!("{name}: no report"));
        assert_eq!((report.outcome, report.recipient.as_deref()), (outcome, recipient), "{name}");
        assert_eq!(got.intent, Intent::DeliveryReport, "{name}");
        assert!(report.status.is_some(), "{name}");
    }
    for name in [
        "set-of-emails__rfc3834-01.eml",
        "set-of-emails__rfc3834-02.eml",
        "gitlabhq__auto_reply.eml",
        "set-of-emails__arf-01.eml",
        "postal-mime__arf.eml",
        "MimeKit__disposition-notification.eml",
    ] {
        let Some(got) = read(name) else { continue };
        assert_eq!((got.intent, got.report), (Intent::Automatic, None), "{name}");
    }
    for name in ["set-of-emails__is-not-bounce-01.eml", "mail__japanese.eml", "talon__gmail.eml"] {
        let Some(got) = read(name) else { continue };
        assert_eq!((got.intent, got.report), (Intent::Topic, None), "{name}");
    }
}

#[test]
fn japanese_mails_of_other_suites() {
    for (name, title, body) in [
        ("jpmobile__iphone-circled-numbers-in-jis.eml", Some("テスト①"), "丸数字のテストです②ⅱ"),
        ("jpmobile__iphone-cp932.eml", Some("Re: 【NKSC】test"), "テストです。㈱"),
        ("jpmobile__iphone-jis.eml", None, "(=ﾟωﾟ)ﾉ"),
        ("jpmobile__docomo-jis.eml", Some("テスト"), "テスト本文"),
        ("jpmobile__docomo-gmail-sjis.eml", Some("テスト〓"), "テストです〓"),
        ("mail__japanese.eml", Some("まみむめも"), "かきくえこ"),
        ("mail__japanese_iso_2022.eml", Some("まみむめも"), "すみません。"),
        ("mail__ks_c_5601-1987.eml", Some("test"), "스티해"),
    ] {
        let Some(got) = read(name) else { continue };
        assert_eq!((got.title.as_deref(), got.body.as_deref().unwrap_or("")), (title, body), "{name}");
    }
    for (name, file) in [
        ("mail__japanese_attachment.eml", "てすと.txt"),
        ("mail__japanese_attachment_long_name.eml", "かきくけこかきくけこかきくけこかきくけこかきくけこ.txt"),
        ("enmime__mime-bad-8bit-filename.eml", "管理.doc"),
        ("mail__attachment_nonascii_filename.eml", "ciële.txt"),
    ] {
        let Some(got) = read(name) else { continue };
        assert_eq!(got.attachments[0].name.as_deref(), Some(file), "{name}");
    }
}

#[test]
fn replies_of_common_mailers_keep_only_their_own_text() {
    for name in ["android", "apple_mail", "gmail", "hotmail", "iphone", "outlook", "thunderbird", "yahoo"] {
        let Some(got) = read(&format!("talon__{name}.eml")) else { continue };
        assert_eq!(got.body.as_deref(), Some("Hello"), "{name}");
        assert!(got.quoted.is_some(), "{name}");
    }
}

/// Pairs of another project, whose opinion differs from ours on purpose in some: nothing may be lost,
/// and the files named here agree word by word.
#[test]
fn trimmed_replies() {
    let mut same = Vec::new();
    let all = files("reply-trim", ".in.txt");
    for path in &all {
        let text = std::fs::read_to_string(path).unwrap();
        let want =
            std::fs::read_to_string(path.to_string_lossy().replace(".in.txt", ".expected.txt")).unwrap();
        let mail = format!("From: a@b.example\nContent-Type: text/plain; charset=utf-8\n\n{text}");
        let mail = parse_mail(mail.as_bytes()).unwrap();
        let got = envelope(&mail, &Origin::default(), &mut HashingSink).unwrap();
        let squeeze = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ");
        let kept: usize = [&got.body, &got.quoted, &got.signature]
            .into_iter()
            .flatten()
            .map(|s| squeeze(s).replace(' ', "").len())
            .sum();
        assert_eq!(kept, squeeze(&text).replace(' ', "").len(), "{}", path.display());
        let name = path.file_name().unwrap().to_string_lossy().replace(".in.txt", "");
        if squeeze(got.body.as_deref().unwrap_or("")) == squeeze(&want) {
            same.push(name);
        } else {
            println!("differs: {name}");
        }
    }
    println!("{} of {} agree: {same:?}", same.len(), all.len());
}
