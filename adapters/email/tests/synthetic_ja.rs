//! The Japanese corpus of this project, file by file, against `expected.json` and what this adapter
//! owes besides. FAX mails and voice mails are plain mails here: the FAX adapter turns them into FAX.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kakehashi_core::envelope::{Envelope, ReportOutcome};
use kakehashi_core::mail::Mail;
use kakehashi_core::port::{HashingSink, Origin};
use kakehashi_core::vocabulary::{AttachmentRole, Intent};
use kakehashi_email::read::{envelope, parse_mail};
use serde_json::Value;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/corpus/email/synthetic-ja"))
}

fn read(file: &str) -> (Mail, Envelope) {
    let bytes = std::fs::read(folder().join(file)).unwrap();
    let mail = parse_mail(&bytes).unwrap();
    let envelope = envelope(&mail, &Origin::default(), &mut HashingSink).unwrap();
    (mail, envelope)
}

fn expectations() -> serde_json::Map<String, Value> {
    let text = std::fs::read_to_string(folder().join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn words(value: Option<&Value>) -> Vec<String> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|v| v.as_str().map(str::to_owned))
        .collect()
}

#[test]
fn every_file_says_what_is_expected() {
    let expected = expectations();
    assert_eq!(expected.len(), 26);
    for (file, want) in &expected {
        let (mail, got) = read(file);
        let text = |key: &str| want.get(key).and_then(Value::as_str);
        if let Some(subject) = text("subject") {
            assert_eq!(got.title.as_deref(), Some(subject), "{file}");
        }
        if let Some(body) = text("text") {
            assert_eq!(got.body.as_deref(), Some(body), "{file}");
        }
        if let Some(sender) = text("sender") {
            assert_eq!(got.sender.address.as_deref(), Some(sender), "{file}");
        }
        if let Some(id) = text("in_reply_to") {
            assert_eq!(got.in_reply_to.first().map(String::as_str), Some(id), "{file}");
        }
        let body = got.body.clone().unwrap_or_default();
        for part in words(want.get("contains")).iter().chain(&words(want.get("text_contains"))) {
            assert!(body.contains(part), "{file}: {part:?} in {body:?}");
        }
        for part in words(want.get("text_excludes")) {
            assert!(!body.contains(&part), "{file}: {part:?} not in {body:?}");
        }
        if want.get("signature_removed").is_some() {
            assert!(got.signature.is_some(), "{file}");
        }
        if let Some(count) = want.get("inline_images").and_then(Value::as_u64) {
            let inline = got.attachments.iter().filter(|a| a.role == AttachmentRole::Inline).count();
            assert_eq!(inline as u64, count, "{file}");
        }
        if let Some(count) = want.get("attachments").and_then(Value::as_u64) {
            let files = got.attachments.iter().filter(|a| a.role == AttachmentRole::Document).count();
            assert_eq!(files as u64, count, "{file}");
        }
        if let Some(media_type) = text("attachment") {
            assert_eq!(
                got.attachments.iter().map(|a| a.media_type.as_str()).collect::<Vec<_>>(),
                [media_type],
                "{file}"
            );
        }
        if let Some(name) = text("filename") {
            assert_eq!(got.attachments[0].name.as_deref(), Some(name), "{file}");
        }
        let allowed: &[Intent] = match text("kind").unwrap() {
            "staff_mail" => &[Intent::Topic, Intent::Reply],
            "reply" => &[Intent::Reply, Intent::Acknowledgement],
            "auto_reply" | "list_mail" => &[Intent::Automatic],
            "bounce" => &[Intent::DeliveryReport],
            // Read by the FAX adapter from the same Mail; whether a machine sent it does not matter there.
            "fax_in" | "fax_result" | "voicemail" => &[Intent::Topic, Intent::Automatic],
            "quarantine" => &[Intent::Reply],
            other => panic!("{file}: unknown kind {other}"),
        };
        assert!(allowed.contains(&got.intent), "{file}: {:?}", got.intent);
        assert!(!mail.text.contains('\u{fffd}') && !mail.text.contains('\r'), "{file}");
        assert!(got.urgency.is_none() && got.reply_code.is_none(), "{file}");
    }
}

#[test]
fn only_a_mere_acknowledgement_is_one() {
    for file in expectations().keys() {
        let (_, got) = read(file);
        let want = file == "ja11_ryoukai_short_reply_topposted.eml";
        assert_eq!(got.intent == Intent::Acknowledgement, want, "{file}");
    }
}

#[test]
fn repairs_are_told_and_clean_mails_have_none() {
    let codes = |file: &str| read(file).1.warnings.into_iter().map(|w| w.code).collect::<Vec<_>>();
    assert!(codes("ja01_iso2022jp_plain.eml").is_empty());
    assert!(codes("ja02_cp932_8bit_necspecial.eml").is_empty());
    assert!(codes("ja03_iso2022jp_nec_ibm_halfkana.eml").is_empty());
    assert_eq!(codes("ja04_iso2022jp_charset_missing_outlook.eml"), ["charset_guessed"]);
    assert!(codes("ja06_keitai_iso2022jp_gaiji.eml").contains(&"pictogram_replaced".to_owned()));
    assert!(codes("ja23_spoofed_staff_dmarc_fail.eml").contains(&"authentication_failed".to_owned()));
    assert_eq!(codes("ja25_ppap_encrypted_zip.eml"), ["attachment_encrypted"]);
}

#[test]
fn pictograms_leave_their_neighbours_alone() {
    let (_, got) = read("ja06_keitai_iso2022jp_gaiji.eml");
    assert_eq!(got.title.as_deref(), Some("Re:訪問時間の変更〓"));
    assert_eq!(got.body.as_deref(), Some("10時わかりました〓〓\n仕事で出られないので鍵はいつもの所です"));
}

#[test]
fn the_bounce_names_recipient_status_and_our_mail() {
    let (_, got) = read("ja15_bounce_dsn_verp_keitai.eml");
    let report = got.report.unwrap();
    assert_eq!(report.outcome, ReportOutcome::Failed);
    assert_eq!(report.recipient.as_deref(), Some("kaigo..musume.@docomo.example"));
    assert_eq!(report.original.as_deref(), Some("post-00350.m0021@in.renkei.example.jp"));
    assert!(report.status.unwrap().starts_with("5.1.1 550"));
}

#[test]
fn parts_are_whole() {
    let (mail, _) = read("ja17_fax_mfp_rti-csi_subject_tiff_g3.eml");
    assert!(mail.parts[0].bytes.starts_with(b"II*\0") || mail.parts[0].bytes.starts_with(b"MM\0*"));
    let (mail, _) = read("ja16_fax_service_pdf_subject-callerid.eml");
    assert!(mail.parts[0].bytes.starts_with(b"%PDF"));
    assert_eq!(mail.header("X-Fax-CallerID"), Some("0450000041"));
    assert!(mail.text_from_html && mail.text.contains("2 ページ"));
}

#[test]
fn nothing_but_the_patient_is_taken_for_the_patient() {
    let names = |file: &str| read(file).1.patient.names.into_iter().map(|n| n.text).collect::<Vec<_>>();
    assert_eq!(names("ja01_iso2022jp_plain.eml"), ["長谷部ミツ"]);
    assert_eq!(names("ja10_iphone_ja_reply.eml"), ["三好カズ"]);
    for file in [
        "ja02_cp932_8bit_necspecial.eml",
        "ja03_iso2022jp_nec_ibm_halfkana.eml",
        "ja12_inline_answers_thunderbird.eml",
        "ja22_voicemail_wav.eml",
    ] {
        assert!(names(file).is_empty(), "{file}");
    }
}
