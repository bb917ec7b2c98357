//! Every file of the corpus against what its expectation says: fields, text, files and the answer.
//! Third-party files are read where they lie beside the repository.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

mod support;

use kakehashi_core::envelope::{ContentHash, Envelope, NameKind};
use kakehashi_core::port::{HashingSink, ReadFault};
use kakehashi_hl7::acknowledgement::{AnswerCode, judge};
use kakehashi_hl7::{InterfaceProfile, batch, looks_like_hl7, read};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use support::intake;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/hl7/synthetic-ja")
}

fn expectations() -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(folder().join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn profile() -> InterfaceProfile {
    InterfaceProfile {
        name: "sakurami_ch".to_owned(),
        facility_name: Some("桜見中央病院".to_owned()),
        ward_names: BTreeMap::from([("5E".to_owned(), "5階東".to_owned())]),
        ..InterfaceProfile::default()
    }
}

fn envelopes(bytes: &[u8], profile: Option<&InterfaceProfile>) -> Result<Vec<Envelope>, ReadFault> {
    read::read(&intake(bytes), &mut HashingSink, profile)
}

/// Collects what differs, so that one run tells everything.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn same(&mut self, file: &str, what: &str, expected: Option<&str>, got: Option<&str>) {
        if expected != got {
            self.0.push(format!("{file}: {what}: expected {expected:?}, got {got:?}"));
        }
    }
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value[key].as_str()
}

fn compare(file: &str, expected: &Value, envelope: &Envelope, different: &mut Differences) {
    let event = envelope.event.as_ref().unwrap();
    let at = envelope.occurred_at.map(|t| t.to_rfc3339());
    if let Some(wanted) = text(expected, "event_time") {
        let matches = at.as_deref().is_some_and(|at| at.starts_with(wanted));
        if !matches {
            different.same(file, "event_time", Some(wanted), at.as_deref());
        }
    }
    if expected.get("title").is_some() {
        different.same(file, "title", text(expected, "title"), envelope.title.as_deref());
    }
    if let Some(control_id) = text(expected, "control_id") {
        different.same(file, "control_id", Some(control_id), Some(event.control_id.as_deref().unwrap_or("")));
    }
    if expected.get("version").is_some() {
        different.same(file, "version", text(expected, "version"), event.version.as_deref());
    }
    if let Some(actual) = text(expected, "charset_actual") {
        let used = event.charset.as_ref().map_or("", |c| c.used.as_str());
        if !actual.starts_with(used) {
            different.same(file, "charset", Some(actual), Some(used));
        }
        let declared = event.charset.as_ref().and_then(|c| c.declared.as_deref()).unwrap_or("");
        different.same(file, "charset_declared", text(expected, "charset_declared"), Some(declared));
    }
    if expected["sender"].is_object() {
        let sender = &expected["sender"];
        different.same(
            file,
            "application",
            text(sender, "application"),
            envelope.sender.application.as_deref(),
        );
        different.same(file, "facility", text(sender, "facility"), envelope.sender.facility.as_deref());
    }
    compare_patient(file, &expected["patient"], envelope, different);
    compare_visit(file, &expected["visit"], envelope, different);
    let document = &expected["document"];
    for (key, got) in
        [("unique_id", &event.document), ("parent_id", &event.parent_document), ("completion", &event.status)]
    {
        if document.get(key).is_some() {
            different.same(file, key, text(document, key), got.as_deref());
        }
    }
    if let Some(id) = text(&expected["corrects"], "unique_id") {
        let corrects = event.corrects.as_deref().unwrap_or("");
        if !corrects.ends_with(id) {
            different.same(file, "corrects", Some(id), Some(corrects));
        }
    }
    if let Some(original) = text(&expected["corrects"], "file") {
        let original = std::fs::read(folder().join(original)).unwrap();
        let original = envelopes(&original, Some(&profile())).unwrap();
        let key = original[0].event.as_ref().and_then(|e| e.key.as_deref());
        different.same(file, "corrects", key, event.corrects.as_deref());
    }
    let post = &expected["post"];
    if let Some(urgency) = text(post, "urgency") {
        different.same(file, "urgency", Some(urgency), envelope.urgency.map(|u| u.code()));
    }
    if let Some(kind) = text(post, "document_kind") {
        different.same(file, "document_kind", Some(kind), envelope.document_kind.as_deref());
    }
    if let Some(reply) = text(post, "reply_expectation") {
        different.same(file, "reply_expectation", Some(reply), envelope.reply_expectation.map(|r| r.code()));
    }
    compare_files(file, expected, envelope, different);
    let flags = expected["flags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    // What only a directory or an earlier message can tell is no reader's matter.
    for flag in flags.filter(|f| !matches!(*f, "unknown_patient" | "identity_conflict" | "control_id_reused"))
    {
        if !envelope.warnings.iter().any(|w| w.code == flag) {
            different.0.push(format!("{file}: no warning {flag}"));
        }
    }
}

fn compare_patient(file: &str, expected: &Value, envelope: &Envelope, different: &mut Differences) {
    if !expected.is_object() {
        return;
    }
    let patient = &envelope.patient;
    let name = |kind| patient.names.iter().find(|n| n.kind == kind);
    let kanji = name(NameKind::Kanji);
    let kana = patient.names.iter().find_map(|n| n.kana.as_deref());
    different.same(file, "kanji", text(expected, "kanji"), kanji.map(|n| n.text.as_str()));
    different.same(file, "kana", text(expected, "kana"), kana);
    if expected.get("alpha").is_some() {
        let alphabet = name(NameKind::Alphabet).map(|n| n.text.as_str());
        different.same(file, "alpha", text(expected, "alpha"), alphabet);
    }
    different.same(file, "birth_date", text(expected, "birth_date"), patient.birth_date.as_deref());
    different.same(file, "sex", text(expected, "sex"), patient.sex.as_deref());
    let wanted: Vec<_> = expected["ids"].as_array().into_iter().flatten().collect();
    if wanted.len() != patient.identifiers.len() {
        different.0.push(format!(
            "{file}: {} ids expected, {} found",
            wanted.len(),
            patient.identifiers.len()
        ));
    }
    for (wanted, got) in wanted.iter().zip(&patient.identifiers) {
        different.same(file, "id", text(wanted, "id"), Some(&got.id));
        different.same(file, "authority", text(wanted, "authority"), got.authority.as_deref());
        different.same(file, "id type", text(wanted, "type"), got.kind.as_deref());
    }
}

fn compare_visit(file: &str, expected: &Value, envelope: &Envelope, different: &mut Differences) {
    if !expected.is_object() {
        return;
    }
    let visit = envelope.event.as_ref().and_then(|e| e.visit.clone()).unwrap_or_default();
    let (admitted, discharged) =
        (visit.admitted_at.map(|t| t.to_rfc3339()), visit.discharged_at.map(|t| t.to_rfc3339()));
    for (key, got) in [
        ("class", &visit.class),
        ("ward", &visit.ward),
        ("room", &visit.room),
        ("bed", &visit.bed),
        ("attending", &visit.attending),
        ("department_code", &visit.department),
        ("disposition", &visit.disposition),
        ("admitted", &admitted),
        ("discharged", &discharged),
    ] {
        if expected.get(key).is_some() {
            different.same(file, key, text(expected, key), got.as_deref());
        }
    }
}

fn compare_files(file: &str, expected: &Value, envelope: &Envelope, different: &mut Differences) {
    let body = envelope.body.as_deref().unwrap_or("");
    let wanted =
        ["body_contains", "post_says"].into_iter().flat_map(|key| expected[key].as_array()).flatten();
    let title = envelope.title.as_deref().unwrap_or("");
    for words in wanted.filter_map(Value::as_str) {
        if !body.contains(words) && !title.contains(words) {
            different.0.push(format!("{file}: body without {words:?}: {body:?}"));
        }
    }
    let Some(attachments) = expected["attachments"].as_array() else { return };
    if attachments.len() != envelope.attachments.len() {
        different.0.push(format!(
            "{file}: {} files expected, {} found",
            attachments.len(),
            envelope.attachments.len()
        ));
    }
    for (wanted, got) in attachments.iter().zip(&envelope.attachments) {
        different.same(file, "mime", text(wanted, "mime"), Some(&got.media_type));
        different.same(file, "sha256", text(wanted, "sha256"), Some(got.content_hash.hex()));
        if let Some(name) = text(wanted, "file_name") {
            different.same(file, "file_name", Some(name), got.name.as_deref());
        }
    }
}

/// What a reader that sees one message alone cannot know: the urgency of the value that is corrected.
const NEEDS_HISTORY: &[&str] = &["ja22_oru_r01_corrected_iso2022jp.hl7: urgency"];

#[test]
fn every_message_is_read_as_expected() {
    let mut different = Differences::default();
    let profile = profile();
    for (file, expected) in expectations() {
        if expected["wire"] != "message" {
            continue;
        }
        let bytes = std::fs::read(folder().join(&file)).unwrap();
        // A test message is refused at the production interface and read by `inspect`.
        let agreed = (expected["post"]["hold"] != "test message").then_some(&profile);
        match envelopes(&bytes, agreed) {
            Ok(read) => {
                let more = expected["more_patients"].as_array();
                assert_eq!(read.len(), 1 + more.map_or(0, Vec::len), "{file}");
                compare(&file, &expected, &read[0], &mut different);
                for (wanted, got) in more.into_iter().flatten().zip(&read[1..]) {
                    compare_patient(&file, wanted, got, &mut different);
                }
            }
            Err(ReadFault::Unreadable(fault)) => {
                if !expected["post"].is_null() {
                    different.0.push(format!("{file}: unreadable: {fault}"));
                }
            }
            Err(fault @ ReadFault::Part(_)) => panic!("{file}: {fault}"),
        }
    }
    different.0.retain(|d| !NEEDS_HISTORY.iter().any(|known| d.starts_with(known)));
    assert!(different.0.is_empty(), "\n{}", different.0.join("\n"));
}

#[test]
fn every_answer_is_as_expected() {
    let mut different = Differences::default();
    for (file, expected) in expectations() {
        let bytes = std::fs::read(folder().join(&file)).unwrap();
        let messages = match text(&expected, "wire") {
            Some("message") => vec![bytes.as_slice()],
            Some("batch") => batch::split(&bytes).messages,
            _ => continue,
        };
        let wanted: Vec<Option<&str>> = match &expected["ack"]["code"] {
            Value::Array(codes) => codes.iter().map(Value::as_str).collect(),
            code => vec![code.as_str()],
        };
        assert_eq!(wanted.len(), messages.len(), "{file}");
        for (wanted, message) in wanted.iter().zip(messages) {
            let judgement = judge(message, &profile());
            let got = judgement.answer().map(AnswerCode::code);
            different.same(&file, "answer", *wanted, got);
        }
    }
    assert!(different.0.is_empty(), "\n{}", different.0.join("\n"));
}

#[test]
fn streams_and_batches_give_their_messages_in_order() {
    let mut different = Differences::default();
    for (file, expected) in expectations() {
        let bytes = std::fs::read(folder().join(&file)).unwrap();
        let frames: Vec<&Value> = match text(&expected, "wire") {
            Some("mllp") => expected["frames"].as_array().into_iter().flatten().collect(),
            Some("batch") => vec![&expected],
            _ => continue,
        };
        let read = envelopes(&bytes, Some(&profile()));
        if frames.is_empty() {
            assert!(matches!(read, Err(ReadFault::Unreadable(_))), "{file}");
            continue;
        }
        assert!(looks_like_hl7(&bytes), "{file}");
        let read = read.unwrap();
        if expected["wire"] == "batch" {
            let titles: Vec<_> =
                read.iter().map(|e| (e.title.as_deref(), e.body.as_deref().map(|b| &b[..9]))).collect();
            assert_eq!(titles, [(Some("連絡票"), Some("一件目")), (Some("連絡票"), Some("二件目"))]);
            continue;
        }
        assert_eq!(read.len(), frames.len(), "{file}");
        for (wanted, got) in frames.iter().zip(&read) {
            compare(&file, wanted, got, &mut different);
        }
    }
    assert!(different.0.is_empty(), "\n{}", different.0.join("\n"));
}

#[test]
fn the_fixed_wording_of_admission_and_discharge() {
    let body = |file: &str, profile: Option<&InterfaceProfile>| {
        let bytes = std::fs::read(folder().join(file)).unwrap();
        envelopes(&bytes, profile).unwrap().remove(0).body
    };
    let profile = profile();
    for (file, agreed, expected) in [
        (
            "ja01_adt_a01_admit_iso2022jp.hl7",
            Some(&profile),
            "山本千代様が6月5日19:40に桜見中央病院5階東へ入院されました。ケアマネジャーは入院時情報提供書をお願いします。",
        ),
        (
            "ja01_adt_a01_admit_iso2022jp.hl7",
            None,
            "山本千代様が6月5日19:40にSAKURAMI_CH 5Eへ入院されました。ケアマネジャーは入院時情報提供書をお願いします。",
        ),
        (
            "ja02_adt_a03_discharge_iso2022jp.hl7",
            Some(&profile),
            "山本千代様が6月9日10:20に桜見中央病院5階東から退院されました。ケアマネジャーはサービスの再開日をお知らせください。",
        ),
        ("ja06_adt_a13_cancel_discharge_iso2022jp.hl7", None, "退院の取消が届きました。病院に確認中です。"),
        (
            "ja08_adt_a16_pending_discharge_iso2022jp.hl7",
            Some(&profile),
            "山本千代様の退院が予定されています。\n退院予定: 6月9日\n病院: 桜見中央病院",
        ),
    ] {
        assert_eq!(body(file, agreed).as_deref(), Some(expected), "{file}");
    }
    assert_eq!(body("ja92_adt_a03_death_discharge_iso2022jp.hl7", Some(&profile)), None);
}

#[test]
fn a_status_change_without_other_content_prints_the_same() {
    let read = |file: &str| {
        let bytes = std::fs::read(folder().join(file)).unwrap();
        envelopes(&bytes, Some(&profile())).unwrap().remove(0)
    };
    let first = read("ja10_mdm_t02_summary_text_iso2022jp.hl7");
    let status = read("ja14_mdm_t04_status_change_same_id_iso2022jp.hl7");
    assert_eq!((first.title, first.body), (status.title, status.body));
    assert_eq!(first.event.unwrap().key, status.event.unwrap().key);
}

#[test]
fn a_file_of_five_megabytes_is_read_whole() {
    use base64::Engine as _;
    let bytes = std::fs::read(folder().join("ja86_big_ed.hl7")).unwrap();
    let mut pdf = b"%PDF-1.4\n".to_vec();
    pdf.resize(5_000_000, 0);
    let data = base64::engine::general_purpose::STANDARD.encode(&pdf);
    let at = bytes.windows(7).position(|w| w == b"Base64^").unwrap() + 7;
    let end = at + bytes[at..].iter().position(|b| *b == b'|').unwrap();
    let big = [&bytes[..at], data.as_bytes(), &bytes[end..]].concat();
    let read = envelopes(&big, Some(&profile())).unwrap();
    assert_eq!(read[0].attachments[0].content_hash, ContentHash::of(&pdf));
    assert_eq!(judge(&big, &profile()).answer(), Some(AnswerCode::ApplicationAccept));
}

#[test]
fn every_third_party_file_is_read_or_refused() {
    let public = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/hl7/public");
    let Ok(entries) = std::fs::read_dir(&public) else {
        println!("third-party HL7 files are not beside the repository; nothing was read");
        return;
    };
    let mut read_count = 0;
    let mut refused = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let _ = judge(&bytes, &profile()).answer();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match envelopes(&bytes, None) {
            Ok(envelopes) => {
                assert!(!envelopes.is_empty(), "{name}");
                read_count += 1;
            }
            Err(fault) => refused.push(format!("{name}: {fault:?}")),
        }
    }
    println!("{read_count} read; refused:\n{}", refused.join("\n"));
    assert!(read_count > 100, "{read_count} read");
}

/// Damage of the kinds that lines and software do: a byte changed, dropped or doubled, an end cut off, a
/// separator or an escape put anywhere.
#[test]
fn damaged_copies_of_every_file_are_read_or_refused() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % (below.max(1) as u64)).unwrap()
    };
    let special = b"|^~\\&\r\n\x1b\x0b\x1c\0\"$(B\x80\xff";
    for file in expectations().keys() {
        let whole = std::fs::read(folder().join(file)).unwrap();
        for _ in 0..40 {
            let mut bytes = whole.clone();
            for _ in 0..=random(6) {
                if bytes.len() < 2 {
                    break;
                }
                let at = random(bytes.len());
                match random(6) {
                    0 => bytes[at] = special[random(special.len())],
                    1 => bytes.insert(at, special[random(special.len())]),
                    2 => drop(bytes.remove(at)),
                    3 => bytes.truncate(at.max(1)),
                    4 => bytes[at] ^= 1 << random(8),
                    _ => {
                        let piece = bytes[at..bytes.len().min(at + 40)].to_vec();
                        bytes.extend(piece);
                    }
                }
            }
            let _ = envelopes(&bytes, Some(&profile()));
            let _ = judge(&bytes, &profile()).answer();
        }
    }
}

proptest::proptest! {
    #[test]
    fn reading_is_total(
        head in "(MSH\\|\\^~\\\\&\\|A\\|B\\|C\\|D\\|2026\\|\\|(ADT\\^A0[1-8]|MDM\\^T0[1-9]|ORU\\^R01|REF\\^I12|RDE\\^O11|SIU\\^S12|ACK)\\|1\\|P\\|2.5\r)?",
        tail in "((PID|PV1|TXA|OBX|OBR|NTE|RXE|TQ1|SCH|PRD|IAM|MRG)(\\|[0-9A-Z^&~\\\\.\" ]{0,14}|\\|山本){0,12}\r){0,8}",
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80),
    ) {
        let whole = [head.as_bytes(), tail.as_bytes(), &bytes].concat();
        let _ = envelopes(&whole, None);
        let _ = envelopes(&whole, Some(&profile()));
        let _ = envelopes(&bytes, None);
    }
}
