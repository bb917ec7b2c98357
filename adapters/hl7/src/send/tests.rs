//! What leaves, read back by our own reader, and what becomes of every kind of answer.

use super::compose::message;
use super::*;
use crate::InterfaceProfile;
use crate::framing::frame;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::job::HospitalRecord;
use kakehashi_core::port::{HashingSink, Origin, RawIntake};
use kakehashi_core::rendered::{NoteKind, RenderedFile};
use kakehashi_core::vocabulary::{Channel, Format};
use profile::{OutboxEncoding, OutboxEvent};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

fn note() -> HospitalNote {
    HospitalNote {
        control_id: "GW000000000000000042".to_owned(),
        kind: NoteKind::Reply,
        patient: HospitalRecord {
            identifier: "00412338".to_owned(),
            name: "山本 千代".to_owned(),
            kana: Some("ヤマモト チヨ".to_owned()),
            birth_date: Some("1938-04-12".to_owned()),
            sex: Some("F".to_owned()),
            visit: None,
            document: Some("SKR-NS-2026-000872".to_owned()),
            ..HospitalRecord::default()
        },
        document_id: "CN-POST-01JZ".to_owned(),
        replaces: None,
        first: None,
        title: "返信: 退院のお知らせ".to_owned(),
        text: "【返信】 ひなた 髙橋\n\n残薬10日分|利尿薬の変更点を^教えて\\ください。①至急".to_owned(),
        author: "訪問看護ステーションひなた 森下 彩".to_owned(),
        written_at: UtcMicros::from_rfc3339("2026-06-09T10:58:00+09:00").unwrap(),
        files: vec![RenderedFile {
            name: "記録.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            bytes: b"%PDF-1.4 sheet".to_vec(),
        }],
    }
}

fn profile() -> OutboxProfile {
    OutboxProfile {
        address: "127.0.0.1:1".to_owned(),
        receiving_application: "HIS".to_owned(),
        receiving_facility: "SAKURAMI_CH".to_owned(),
        answer_seconds: 1,
        ..OutboxProfile::default()
    }
}

fn read(bytes: Vec<u8>) -> Envelope {
    let raw = RawIntake {
        channel: Channel::Hl7,
        format: Format::Hl7v2,
        dedup_key: String::new(),
        sender_message_id: None,
        bytes: bytes.into(),
        received_at: UtcMicros::from_micros(0),
        origin: Origin::default(),
    };
    let profile = InterfaceProfile::default();
    let mut envelopes = crate::read::read(&raw, &mut HashingSink, Some(&profile)).unwrap();
    assert_eq!(envelopes.len(), 1);
    envelopes.remove(0)
}

#[test]
fn what_leaves_can_be_read_in_every_form() {
    for event in [OutboxEvent::MdmT02, OutboxEvent::MdmT06, OutboxEvent::OruR01, OutboxEvent::OruR30] {
        for encoding in [OutboxEncoding::Iso2022Jp, OutboxEncoding::Utf8, OutboxEncoding::ShiftJis] {
            let profile = OutboxProfile { event, encoding, ..profile() };
            let bytes = message(&note(), &profile);
            assert_eq!(bytes, message(&note(), &profile), "a resend is the same message");
            let envelope = read(bytes);
            let patient = &envelope.patient;
            assert_eq!(patient.identifiers[0].id, "00412338");
            assert_eq!(patient.names[0].text, "山本 千代", "{event:?} {encoding:?}");
            assert_eq!(patient.birth_date.as_deref(), Some("1938-04-12"));
            let said = envelope.event.as_ref().unwrap();
            assert_eq!(said.control_id.as_deref(), Some("GW000000000000000042"));
            let trigger = match event {
                OutboxEvent::MdmT02 | OutboxEvent::RriI12 => "T02",
                OutboxEvent::MdmT06 => "T06",
                OutboxEvent::OruR01 => "R01",
                OutboxEvent::OruR30 => "R30",
            };
            assert_eq!(said.trigger.as_deref(), Some(trigger));
            let body = envelope.body.as_deref().unwrap();
            assert!(body.contains("残薬10日分|利尿薬の変更点を^教えて\\ください。"), "{encoding:?} {body}");
            let replaced = encoding == OutboxEncoding::Iso2022Jp;
            assert_eq!(body.contains("(1)至急") && body.contains("高橋"), replaced, "{encoding:?}");
            assert!(envelope.attachments.iter().any(|a| a.media_type == "application/pdf"));
            if !event.is_result() {
                assert_eq!(said.parent_document.as_deref(), Some("SKR-NS-2026-000872"));
                assert_eq!(said.document.as_deref(), Some("CN-POST-01JZ"));
            }
        }
    }
}

#[test]
fn a_referral_is_answered_by_its_own_message() {
    let profile = OutboxProfile { event: OutboxEvent::RriI12, ..profile() };
    let referral = HospitalRecord {
        referral: Some("SKR-RF-2026-001101".to_owned()),
        message: Some("2026060911000001".to_owned()),
        document: None,
        ..note().patient
    };
    let answer = HospitalNote { patient: referral.clone(), ..note() };
    let bytes = message(&answer, &profile);
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("|RRI^I12^RRI_I12|GW000000000000000042|"), "{text}");
    assert!(text.contains("\rMSA|AA|2026060911000001\r"), "{text}");
    assert!(text.contains("\rRF1||||||SKR-RF-2026-001101^SAKURAMI_CH|"), "{text}");
    let envelope = read(bytes);
    let event = envelope.event.unwrap();
    assert_eq!((event.kind.as_deref(), event.document.as_deref()), (Some("RRI"), Some("SKR-RF-2026-001101")));
    assert!(envelope.body.unwrap().contains("残薬10日分"));
    // Anything else than a reply to a referral is a document.
    for (kind, patient) in [(NoteKind::Topic, referral), (NoteKind::Reply, note().patient)] {
        let note = HospitalNote { kind, patient, ..note() };
        assert_eq!(read(message(&note, &profile)).event.unwrap().trigger.as_deref(), Some("T02"));
    }
}

#[test]
fn a_correction_replaces_our_own_document() {
    let correction =
        HospitalNote { kind: NoteKind::Correction, replaces: Some("CN-POST-OLD".to_owned()), ..note() };
    let envelope = read(message(&correction, &profile()));
    let event = envelope.event.unwrap();
    assert_eq!(event.trigger.as_deref(), Some("T10"));
    assert_eq!(event.parent_document.as_deref(), Some("CN-POST-OLD"));
}

#[test]
fn what_is_taken_back_is_cancelled_by_its_own_number() {
    let withdrawal = HospitalNote {
        kind: NoteKind::Withdrawal,
        replaces: Some("CN-POST-OLD".to_owned()),
        first: Some("CN-POST-FIRST".to_owned()),
        ..note()
    };
    let bytes = message(&withdrawal, &profile());
    assert!(bytes.windows(16).any(|w| w == b"|MDM^T11^MDM_T01"));
    assert!(!bytes.windows(5).any(|w| w == b"\rOBX|"), "a cancellation brings nothing else");
    let envelope = read(bytes);
    let event = envelope.event.unwrap();
    assert_eq!((event.trigger.as_deref(), event.document.as_deref()), (Some("T11"), Some("CN-POST-OLD")));
    assert!(envelope.warnings.iter().any(|w| w.code == kakehashi_core::decide::doubt::WITHDRAWN));
    // As a result it is the same one as from the first, deleted line by line.
    let results = OutboxProfile { event: OutboxEvent::OruR01, files: false, ..profile() };
    let bytes = message(&withdrawal, &results);
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("\rOBR|1||CN-POST-FIRST^"), "{text}");
    assert!(
        text.lines()
            .flat_map(|l| l.split('\r'))
            .filter(|l| l.starts_with("OBX"))
            .all(|l| l.contains("||||||D|")),
        "{text}"
    );
    let correction = HospitalNote { kind: NoteKind::Correction, ..withdrawal };
    let text = String::from_utf8_lossy(&message(&correction, &results)).into_owned();
    assert!(text.contains("\rOBR|1||CN-POST-FIRST^") && text.contains("||||||C|"), "{text}");
}

#[test]
fn the_field_map_has_the_last_word() {
    let profile = OutboxProfile {
        encoding: OutboxEncoding::Utf8,
        files: false,
        assigning_authority: "SKR".to_owned(),
        document_types: [("reply".to_owned(), "D77^連携返信^99HIS".to_owned())].into(),
        fields: [("TXA-18", "R"), ("TXA-16", "{title}.txt"), ("MSH-21", "1.2.3")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
        ..profile()
    };
    let text = String::from_utf8(message(&note(), &profile)).unwrap();
    let lines: Vec<&str> = text.split('\r').collect();
    assert!(lines[0].ends_with("|1.2.3"), "{}", lines[0]);
    assert!(
        lines[2]
            .starts_with("PID|0001||00412338^^^SKR^PI||山本^千代^^^^^L^I~ヤマモト^チヨ^^^^^L^P||19380412|F")
    );
    assert!(
        lines[4].contains("|D77^連携返信^99HIS|") && lines[4].contains("|返信: 退院のお知らせ.txt|AU|R|AV"),
        "{}",
        lines[4]
    );
    assert!(!text.contains("|ED|"));
}

/// Answers each message with what `answer` makes of its control id; `None` is silence.
async fn hospital(answer: fn(&str) -> Option<String>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = tokio::spawn(async move {
        let mut ids = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut decoder = crate::framing::Decoder::new(1 << 20, false);
            let (mut events, mut chunk) = (Vec::new(), [0; 4096]);
            while events.is_empty() {
                let count = stream.read(&mut chunk).await.unwrap();
                decoder.feed(&chunk[..count], &mut events);
            }
            let crate::framing::FrameEvent::Frame { bytes, .. } = events.remove(0) else { panic!() };
            let id = crate::header::Header::find(&bytes).unwrap().text(10, 1);
            if let Some(answer) = answer(&id) {
                stream.write_all(&frame(answer.as_bytes())).await.unwrap();
            }
            ids.push(id);
        }
        ids
    });
    (address, serving)
}

fn acknowledge(id: &str, code: &str, rest: &str) -> Option<String> {
    Some(format!("MSH|^~\\&|HIS|S|GW|C|2026||ACK^T02^ACK|9|P|2.5\rMSA|{code}|{id}\r{rest}"))
}

#[tokio::test]
async fn answers_become_outcomes() {
    type Case = (fn(&str) -> Option<String>, Acknowledging, &'static str);
    let cases: [Case; 9] = [
        (|id| acknowledge(id, "AA", ""), Acknowledging::Original, "delivered AA"),
        (|id| acknowledge(id, "CA", ""), Acknowledging::Accept, "delivered CA"),
        (|id| acknowledge(id, "CA", ""), Acknowledging::Application, "handed off"),
        (|id| acknowledge(id, "AE", "ERR||PID^1|101^x^HL70357|E\r"), Acknowledging::Original, "failed"),
        (|id| acknowledge(id, "CR", ""), Acknowledging::Accept, "failed"),
        (|id| acknowledge(id, "AE", "ERR|||207^x^HL70357|E\r"), Acknowledging::Original, "retry"),
        (|_| acknowledge("other", "AA", ""), Acknowledging::Original, "unknown"),
        (|_| Some("hello".to_owned()), Acknowledging::Original, "unknown"),
        (|_| None, Acknowledging::Original, "unknown"),
    ];
    for (answer, acknowledgement, expected) in cases {
        let (address, serving) = hospital(answer).await;
        let profile = OutboxProfile { address, acknowledgement, ..profile() };
        let outlet = Hl7Outlet::new([("sakurami_ch".to_owned(), profile)]).unwrap();
        let item = RenderedDelivery {
            delivery_id: "D1".into(),
            attempt: 1,
            content: RenderedContent::Hl7(RenderedHl7 {
                interface: "sakurami_ch".to_owned(),
                notes: vec![note()],
            }),
        };
        for _ in 0..2 {
            let outcome = outlet.send(&item, Duration::from_secs(5)).await;
            let got = match &outcome {
                Outcome::Delivered(evidence) => format!("delivered {}", &evidence[..2]),
                Outcome::HandedOff { job, .. } if *job == note().control_id => "handed off".to_owned(),
                Outcome::Failed(_) => "failed".to_owned(),
                Outcome::RetryAfter { .. } => "retry".to_owned(),
                Outcome::Unknown(_) => "unknown".to_owned(),
                other => format!("{other:?}"),
            };
            assert_eq!(got, expected, "{outcome:?}");
        }
        assert_eq!(serving.await.unwrap(), vec![note().control_id; 2], "the same id at every attempt");
    }
}

#[tokio::test]
async fn nobody_listens_and_nothing_is_configured() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let outlet = Hl7Outlet::new([("a".to_owned(), OutboxProfile { address: gone, ..profile() })]).unwrap();
    let to = |interface: &str| RenderedDelivery {
        delivery_id: "D1".into(),
        attempt: 1,
        content: RenderedContent::Hl7(RenderedHl7 { interface: interface.to_owned(), notes: vec![note()] }),
    };
    let outcome = outlet.send(&to("a"), Duration::from_secs(5)).await;
    assert!(matches!(outcome, Outcome::RetryAfter { cause: SendFault::Unreachable(_), .. }), "{outcome:?}");
    let outcome = outlet.send(&to("b"), Duration::from_secs(5)).await;
    assert!(
        matches!(&outcome, Outcome::Failed(SendFault::Unsendable(words)) if words.contains("[mllp.outgoing]"))
    );
    assert_eq!(outlet.check().await[0].level, FindingLevel::Broken);
}

proptest! {
    #[test]
    fn composing_is_total(text in "(?s).{0,200}", name in ".{0,20}", place in "[A-Z]{3}-[0-9]{1,3}", value in ".{0,30}") {
        let odd = HospitalNote {
            text,
            title: name.clone(),
            patient: HospitalRecord { name: name.clone(), identifier: name, ..HospitalRecord::default() },
            ..note()
        };
        for encoding in [OutboxEncoding::Iso2022Jp, OutboxEncoding::Utf8, OutboxEncoding::ShiftJis] {
            let fields = [(place.clone(), value.clone())].into();
            let bytes = message(&odd, &OutboxProfile { encoding, fields, ..profile() });
            prop_assert!(bytes.starts_with(b"MSH|^~\\&|"));
            // Nothing of the text can begin another segment.
            prop_assert_eq!(bytes.iter().filter(|b| **b == b'\n').count(), 0);
        }
    }
}
