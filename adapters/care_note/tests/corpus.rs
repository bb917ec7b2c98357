//! Every file of `tests/corpus/care_note` against what it must become: read by the same function as in
//! the running gateway.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_care_note::read::read;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::{HashingSink, Origin, RawIntake, ReadFault};
use kakehashi_core::unreadable::UnreadableCode;
use kakehashi_core::vocabulary::{Channel, Format, Urgency};
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/corpus/care_note"))
}

fn read_file(name: &str) -> Result<Envelope, UnreadableCode> {
    let raw = RawIntake {
        channel: Channel::Api,
        format: Format::Json,
        dedup_key: name.to_owned(),
        sender_message_id: None,
        bytes: std::fs::read(folder().join(name)).unwrap().into(),
        received_at: UtcMicros::from_rfc3339("2026-06-11T10:20:00+09:00").unwrap(),
        origin: Origin::default(),
    };
    match read(&raw, &mut HashingSink) {
        Ok(mut envelopes) => Ok(envelopes.remove(0)),
        Err(ReadFault::Unreadable(unreadable)) => Err(unreadable.code),
        Err(ReadFault::Part(fault)) => panic!("{fault}"),
    }
}

#[test]
fn every_file_has_its_outcome() {
    let outcomes = [
        ("01-vitals.json", None),
        ("02-patient.json", None),
        ("03-bom.json", None),
        ("04-photo.json", None),
        ("05-unknown-key.json", Some(UnreadableCode::UnknownFormat)),
        ("06-twice.json", Some(UnreadableCode::UnknownFormat)),
        ("07-shift-jis.json", Some(UnreadableCode::Damaged)),
        ("08-cut-off.json", Some(UnreadableCode::Damaged)),
        ("09-deep.json", Some(UnreadableCode::TooLarge)),
        ("10-fhir.json", Some(UnreadableCode::UnknownFormat)),
        ("11-empty-note.json", Some(UnreadableCode::UnknownFormat)),
        ("12-controls.json", None),
    ];
    for (name, unreadable) in outcomes {
        assert_eq!(read_file(name).err(), unreadable, "{name}");
    }
    let there = std::fs::read_dir(folder()).unwrap().count();
    assert_eq!(there, outcomes.len(), "a file without an expectation");
}

#[test]
fn what_was_written_is_there() {
    let vitals = read_file("01-vitals.json").unwrap();
    assert_eq!(vitals.sender.application.as_deref(), Some("KirokuPlus 3.2"));
    assert_eq!(vitals.message_id.as_deref(), Some("V-20260611-1005"));
    let patient = read_file("02-patient.json").unwrap();
    assert_eq!(patient.patient.birth_date.as_deref(), Some("1938-04-12"));
    assert_eq!(patient.patient.names[0].kana.as_deref(), Some("ヤマモト チヨ"));
    assert_eq!(patient.body.as_deref(), Some("本日中止。\n発熱 37.8 のため。"));
    assert_eq!(patient.urgency, Some(Urgency::Urgent));
    let photo = read_file("04-photo.json").unwrap();
    let kinds: Vec<&str> = photo.attachments.iter().map(|a| a.media_type.as_str()).collect();
    assert_eq!(kinds, ["image/png", "application/octet-stream"]);
    assert_eq!(photo.attachments[0].name.as_deref(), Some("ノート 6月11日.png"));
    let controls = read_file("12-controls.json").unwrap();
    assert_eq!(controls.title.as_deref(), Some("一行目 二行目[31m"));
    assert_eq!(controls.sender.name.as_deref(), Some("田村 Bcc: x@y.example"));
    // Text stays text: pages escape it, readers do not cut it.
    assert_eq!(controls.body.as_deref(), Some("<script>alert(1)</script>"));
}

#[test]
fn every_key_is_documented() {
    let document = include_str!("../../../docs/care-note.md");
    for key in kakehashi_core::care_note::CareNote::KEYS {
        assert!(document.contains(&format!("| `{key}` |")), "{key}");
    }
}
