//! Every event against every change of it: sent twice, taken back, taken back twice, happening again, told with
//! other content, with and without a stay or number to know it by. From bytes to the decision, with a timeline
//! that remembers what was posted.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use kakehashi_core::clinical_event::{Outcome, TABLE};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::decide::{decide, tells_of_a_stay};
use kakehashi_core::decision::{Decision, Placement};
use kakehashi_core::directory::{Endpoint, EndpointSettings, Facility, Network, Patient, PatientGroup};
use kakehashi_core::envelope::Envelope;
use kakehashi_core::facts::{
    CodeFacts, EarlierPost, FactQuery, Facts, GroupFacts, Heard, IdentifierState, PaperTrust,
    PatientCandidate, SenderFacts,
};
use kakehashi_core::placement::print_of;
use kakehashi_core::port::{HashingSink, Origin, RawIntake};
use kakehashi_core::vocabulary::{Channel, EndpointState, Format, GroupState};
use kakehashi_hl7::{InterfaceProfile, read};

fn facts() -> Facts {
    let group = PatientGroup {
        id: "G01".into(),
        patient_id: "P01".into(),
        alias: "つばき01".into(),
        address: "g01".into(),
        state: GroupState::Open,
    };
    let patient = Patient {
        id: "P01".into(),
        name: "山本 千代".into(),
        kana: "ヤマモト チヨ".into(),
        birth_date: Some("1938-04-12".into()),
        sex: Some("F".into()),
        summary: None,
    };
    Facts {
        network: Network {
            id: "N1".into(),
            name: "桜見区在宅ネットワーク".into(),
            office_name: "在宅連携事務局".into(),
            office_phone: "03-0000-0100".into(),
            office_hours: "平日 9–17時".into(),
            gateway_fax: "03-0000-0199".into(),
            mail_domain: "in.example".into(),
            public_url: "http://127.0.0.1".into(),
        },
        sender: Some(SenderFacts {
            endpoint: Endpoint {
                id: "E01".into(),
                facility_id: "F01".into(),
                channel: Channel::Hl7,
                address: "sakurami_ch".into(),
                state: EndpointState::Verified,
                settings: EndpointSettings::default(),
            },
            facility: Facility {
                id: "F01".into(),
                name: "桜見中央病院".into(),
                short_name: "桜見中央".into(),
                facility_type: "hospital".into(),
                phone: None,
                business_hours: vec![],
                is_network_office: false,
            },
        }),
        code: CodeFacts::Absent,
        thread: None,
        addressed_group: None,
        candidates: vec![PatientCandidate {
            patient,
            identifier: Some(("00412338".into(), IdentifierState::Confirmed)),
            group: Some(GroupFacts { group, sender_is_member: false, consent_covers_sender: true }),
        }],
        earlier_posts: vec![],
        heard: Vec::new(),
        bounced: None,
        paper: PaperTrust::default(),
        open_deliveries: vec![],
        made_final: false,
    }
}

/// A group's timeline, newest last.
#[derive(Default)]
struct Timeline {
    posts: Vec<EarlierPost>,
    /// What was told of stays, newest first.
    heard: Vec<Heard>,
    words: Vec<String>,
    sent: u32,
}

/// What became of one message, in order of its parts.
#[derive(Debug, PartialEq, Eq)]
enum Became {
    /// A post of its own.
    Topic,
    /// Under the post with this number, from 1.
    Under(usize),
    /// A new version of the post with this number.
    Corrects(usize),
    /// Recorded.
    Nothing,
    /// Waits for the office.
    Waits,
}
use Became::{Corrects, Nothing, Topic, Under, Waits};

impl Timeline {
    /// Each sending has a control id and a time of its own, as when an exporter sends the day once more.
    fn send(&mut self, event: &str, segments: &str) -> Vec<Became> {
        self.sent += 1;
        let message = format!(
            "MSH|^~\\&|HIS|SAKURAMI_CH|GW|CARENET|20990609{:06}||{event}|{}|P|2.5||||||UNICODE UTF-8\r{segments}",
            self.sent, self.sent
        );
        let raw = RawIntake {
            channel: Channel::Hl7,
            format: Format::Hl7v2,
            dedup_key: String::new(),
            sender_message_id: None,
            bytes: message.into_bytes().into(),
            received_at: UtcMicros::from_micros(0),
            origin: Origin::default(),
        };
        let profile = InterfaceProfile { name: "sakurami_ch".to_owned(), ..InterfaceProfile::default() };
        let envelopes = read::read(&raw, &mut HashingSink, Some(&profile)).unwrap();
        envelopes.iter().map(|envelope| self.take(envelope)).collect()
    }

    fn take(&mut self, envelope: &Envelope) -> Became {
        let asked = FactQuery::of(envelope, &Origin::default()).event_keys;
        let mut facts = facts();
        // As the store finds them: by key, and what stands in the topics of stays.
        let of_stay = |p: &&EarlierPost| {
            let topics = self.posts.iter().filter(|t| t.event_key.starts_with("stay:") && t.is_topic());
            topics.map(|t| &t.topic_id).any(|topic| topic == &p.topic_id)
        };
        let wanted = |p: &&EarlierPost| asked.contains(&p.event_key) || of_stay(p);
        facts.earlier_posts = self.posts.iter().rev().filter(wanted).cloned().collect();
        facts.heard = self.heard.clone();
        let now = UtcMicros::from_rfc3339("2026-06-09T10:20:00+09:00").unwrap();
        let decided = decide(envelope, &facts, None, now);
        let waits = matches!(decided.decision, Decision::Triage { .. });
        let event = envelope.event.clone().filter(tells_of_a_stay);
        self.heard.splice(0..0, event.map(|event| Heard { event, to_the_office: waits, waits }));
        match &decided.decision {
            Decision::Post(placement) => self.post(envelope, placement),
            Decision::Record { .. } => Nothing,
            Decision::Triage { .. } => Waits,
            other => panic!("{other:?}"),
        }
    }

    fn post(&mut self, envelope: &Envelope, placement: &Placement) -> Became {
        let id = format!("{}", self.posts.len() + 1);
        let event = envelope.event.as_ref().unwrap();
        self.posts.push(EarlierPost {
            post_id: id.as_str().into(),
            topic_id: placement.under_topic.clone().unwrap_or_else(|| id.as_str().into()),
            group_id: placement.group_id.clone(),
            event_key: event.key.clone().unwrap(),
            body: print_of(envelope),
            urgency: placement.urgency,
            corrects: placement.corrects.clone(),
            version: placement.version,
            event: Some(event.clone()),
        });
        self.words.push(envelope.body.clone().unwrap_or_default());
        let number = |id: &str| id.parse().unwrap();
        match (&placement.corrects, &placement.under_topic) {
            (Some(post), _) => Corrects(number(post.as_str())),
            (None, Some(topic)) => Under(number(topic.as_str())),
            (None, None) => Topic,
        }
    }
}

const PID: &str = "PID|1||00412338^^^^PI||山本^千代^^^^^L^I||19380412|F\r";

/// Segments of an ADT that was recorded at 10:20. `stay` is PV1-19 and PV1-44, either may be empty.
fn adt(class: &str, ward: &str, doctor: &str, stay: (&str, &str), more: &str) -> String {
    let mut pv1 = vec![String::new(); 46];
    pv1[0] = "PV1".to_owned();
    pv1[2] = class.to_owned();
    pv1[3] = ward.to_owned();
    pv1[7] = if doctor.is_empty() { String::new() } else { format!("D1^{doctor}") };
    pv1[19] = stay.0.to_owned();
    pv1[44] = stay.1.to_owned();
    format!("EVN||20260609102000|||||\r{PID}{}\r{more}", pv1.join("|"))
}

#[test]
fn what_happens_to_a_stay_is_told_once_and_taken_back_once() {
    let stays = [("V1", "20260605194000"), ("V1", ""), ("", "20260605194000")];
    let events = [
        ("ADT^A01", "ADT^A11"),
        ("ADT^A06", "ADT^A11"),
        ("ADT^A02", "ADT^A12"),
        ("ADT^A03", "ADT^A13"),
        ("ADT^A07", "ADT^A13"),
        ("ADT^A05", "ADT^A38"),
        ("ADT^A05", "ADT^A27"),
        ("ADT^A14", "ADT^A27"),
        ("ADT^A16", "ADT^A25"),
        ("ADT^A21", "ADT^A52"),
        ("ADT^A09", "ADT^A33"),
        ("ADT^A22", "ADT^A53"),
        ("ADT^A10", "ADT^A32"),
    ];
    for stay in stays {
        for (event, cancel) in events {
            let what = format!("{event} {cancel} {stay:?}");
            let mut timeline = Timeline::default();
            let mut send = |event: &str, ward: &str, minute: u32| {
                let segments =
                    adt("I", ward, "", stay, "").replace("0609102000", &format!("060910{minute}00"));
                timeline.send(event, &segments).pop().unwrap()
            };
            assert_eq!(send(event, "5E", 20), Topic, "{what}");
            assert_eq!(send(event, "5E", 20), Nothing, "{what}: once more");
            assert_eq!(send(cancel, "5E", 21), Corrects(1), "{what}: taken back");
            assert_eq!(send(cancel, "5E", 21), Nothing, "{what}: taken back once more");
            // The night after, the whole day is sent once more.
            assert_eq!(send(event, "5E", 20), Nothing, "{what}: sent again");
            assert_eq!(send(cancel, "5E", 21), Nothing, "{what}: taken back, sent again");
            assert_eq!(send(event, "5E", 22), Corrects(2), "{what}: after all");
            assert_eq!(send(event, "5E", 22), Nothing, "{what}: after all, once more");
            assert_eq!(send(cancel, "5E", 23), Corrects(3), "{what}: and taken back again");
            assert_eq!(send(event, "7W", 24), Corrects(4), "{what}: elsewhere");
            for (again, ward, minute) in [
                (event, "7W", 24),
                (cancel, "5E", 23),
                (event, "5E", 22),
                (cancel, "5E", 21),
                (event, "5E", 20),
            ] {
                assert_eq!(send(again, ward, minute), Nothing, "{what}: {minute} sent again");
            }
        }
    }
}

#[test]
fn the_events_of_a_stay_lie_under_it() {
    let stay = ("V1", "20260605194000");
    for (admission, discharge) in [("ADT^A01", "ADT^A03"), ("ADT^A06", "ADT^A07")] {
        let mut timeline = Timeline::default();
        let mut send = |event: &str| timeline.send(event, &adt("I", "5E", "", stay, "")).pop().unwrap();
        assert_eq!(send(admission), Topic);
        for event in ["ADT^A02", "ADT^A21", "ADT^A22"] {
            assert_eq!(send(event), Under(1), "{event}");
        }
        assert_eq!(send(discharge), Topic, "{discharge}");
    }
}

#[test]
fn an_outpatient_is_neither_admitted_nor_is_that_taken_back() {
    let mut timeline = Timeline::default();
    let stay = ("V9", "20260605194000");
    for event in ["ADT^A01", "ADT^A03", "ADT^A04", "ADT^A11", "ADT^A13"] {
        assert_eq!(timeline.send(event, &adt("O", "01", "", stay, "")), [Nothing], "{event}");
    }
    // One who was admitted, and of whom the cancellation says O because he is an outpatient again.
    assert_eq!(timeline.send("ADT^A01", &adt("I", "5E", "", stay, "")), [Topic]);
    assert_eq!(timeline.send("ADT^A11", &adt("O", "5E", "", stay, "")), [Corrects(1)]);
}

const PENICILLIN: &str = "AL1|1|DA|^ペニシリン|MO|発疹\r";
const EGG: &str = "AL1|2|FA|^卵|MO|\r";

#[test]
fn allergies_are_told_when_they_change_by_whatever_event() {
    for event in ["ADT^A08", "ADT^A28", "ADT^A31", "ADT^A60"] {
        let mut timeline = Timeline::default();
        let at = |minute: u32, more: &str| format!("EVN||2026060910{minute}00\r{PID}{more}");
        let without_stay = |more: &str| at(20, more);
        assert_eq!(timeline.send(event, &without_stay(PENICILLIN)), [Topic], "{event}");
        assert_eq!(timeline.send(event, &without_stay(PENICILLIN)), [Nothing], "{event}");
        assert_eq!(
            timeline.send(event, &without_stay(&format!("{PENICILLIN}{EGG}"))),
            [Corrects(1)],
            "{event}"
        );
        // The day is sent once more: the list of before was recorded before.
        assert_eq!(timeline.send(event, &without_stay(PENICILLIN)), [Nothing], "{event}");
        assert_eq!(timeline.send(event, &at(19, PENICILLIN)), [Nothing], "{event}, out of order");
        // As it was before: told again, because it is not what was told last.
        assert_eq!(timeline.send(event, &at(21, PENICILLIN)), [Corrects(2)], "{event}");
        for other in ["ADT^A08", "ADT^A31", "ADT^A60"] {
            assert_eq!(timeline.send(other, &at(22, PENICILLIN)), [Nothing], "{event}, then {other}");
        }
        let in_stay = adt("I", "5E", "", ("V1", "20260605194000"), PENICILLIN);
        assert_eq!(timeline.send(event, &in_stay), [Nothing], "{event} in a stay");
    }
}

#[test]
fn allergies_that_are_told_one_by_one_do_not_replace_each_other() {
    let iam = |substance: &str, action: &str| {
        format!("EVN||20260609102000\r{PID}IAM|1|DA|^{substance}|MO|発疹|{action}\r")
    };
    let mut timeline = Timeline::default();
    assert_eq!(timeline.send("ADT^A60", &iam("ペニシリン", "A")), [Topic]);
    assert_eq!(timeline.send("ADT^A60", &iam("ペニシリン", "A")), [Nothing]);
    assert_eq!(timeline.send("ADT^A60", &iam("ラテックス", "A")), [Topic]);
    assert_eq!(timeline.send("ADT^A60", &iam("ペニシリン", "D")), [Topic]);
    // A list is another matter.
    assert_eq!(timeline.send("ADT^A60", &iam("ラテックス", "")), [Topic]);
    assert_eq!(timeline.send("ADT^A60", &iam("ラテックス", "S")), [Nothing]);
}

#[test]
fn an_update_of_allergies_and_doctor_tells_both() {
    let stay = ("V1", "20260605194000");
    for event in ["ADT^A08", "ADT^A31"] {
        let mut timeline = Timeline::default();
        assert_eq!(timeline.send("ADT^A01", &adt("I", "5E", "藤井^貴", stay, "")), [Topic]);
        // The same doctor: only the allergies are news.
        assert_eq!(timeline.send(event, &adt("I", "5E", "藤井^貴", stay, PENICILLIN)), [Under(1), Nothing]);
        let both = adt("I", "5E", "中村^明", stay, &format!("{PENICILLIN}{EGG}"));
        assert_eq!(timeline.send(event, &both), [Corrects(2), Under(1)], "{event}");
        assert_eq!(timeline.send(event, &both), [Nothing, Nothing], "{event}");
        let told = &timeline.words[timeline.words.len() - 2..];
        assert!(told[0].contains("卵") && told[1].contains("中村 明"), "{told:?}");
        // The doctor of before is a change once more.
        let back = adt("I", "5E", "藤井^貴", stay, &format!("{PENICILLIN}{EGG}")).replace("102000", "102100");
        assert_eq!(timeline.send(event, &back), [Nothing, Corrects(4)], "{event}");
        assert_eq!(timeline.send(event, &back), [Nothing, Nothing], "{event}");
    }
}

#[test]
fn a_change_of_doctor_is_told_and_taken_back() {
    let stay = ("V1", "20260605194000");
    let of = |doctor: &str| adt("I", "5E", doctor, stay, "");
    let mut timeline = Timeline::default();
    assert_eq!(timeline.send("ADT^A55", &of("藤井^貴")), [Nothing], "nobody was told");
    assert_eq!(timeline.send("ADT^A01", &of("藤井^貴")), [Topic]);
    assert_eq!(timeline.send("ADT^A54", &of("中村^明")), [Under(1)]);
    assert_eq!(timeline.send("ADT^A54", &of("中村^明")), [Nothing]);
    assert_eq!(timeline.send("ADT^A55", &of("藤井^貴")), [Corrects(2)]);
    assert_eq!(timeline.send("ADT^A55", &of("藤井^貴")), [Nothing]);
    assert_eq!(timeline.send("ADT^A08", &of("藤井^貴")), [Nothing]);
    assert_eq!(timeline.send("ADT^A54", &of("中村^明")), [Nothing], "sent again");
    let after_all = of("中村^明").replace("102000", "102100");
    assert_eq!(timeline.send("ADT^A54", &after_all), [Corrects(3)], "after all");
    assert_eq!(timeline.send("ADT^A54", &after_all), [Nothing]);
}

#[test]
fn whatever_is_posted_is_posted_once() {
    // What hospitals that know neither stays nor numbers of documents and orders send.
    let bodies = [
        ("ADT", "IAM|1|DA|^卵|MO|\rPV1|1|I|5E\r"),
        ("MDM", "OBX|1|TX|^所見||経過良好||||||F\r"),
        ("ORU", "OBR|1|||^末梢血\rOBX|1|NM|^白血球||5.2|10*3/uL|||||F\r"),
        ("OUL", "OBR|1|||^末梢血\rOBX|1|NM|^白血球||5.2|10*3/uL|||||F\r"),
        ("REF", "OBX|1|TX|^紹介目的||在宅療養の継続||||||F\r"),
        ("RRI", "OBX|1|TX|^返書||拝見しました||||||F\r"),
        ("RDE", "RXE||^アムロジピン錠5mg|1||錠\r"),
        ("OMP", "RXO|^アムロジピン錠5mg|1||錠\r"),
        ("SIU", "SCH|||||||||||^^^20260616100000\r"),
    ];
    for row in TABLE.iter().filter(|r| {
        matches!(r.outcome, Outcome::Topic | Outcome::UnderTopic | Outcome::Correction | Outcome::Update)
    }) {
        let body = bodies.iter().find(|(kind, _)| *kind == row.kind).unwrap().1;
        for trigger in if row.triggers.is_empty() { &["X99"][..] } else { row.triggers } {
            let event = format!("{}^{trigger}", row.kind);
            let segments = if row.kind == "SIU" {
                format!("{body}{PID}")
            } else {
                format!("EVN||20260609102000\r{PID}{body}")
            };
            let mut timeline = Timeline::default();
            let first = timeline.send(&event, &segments);
            let posted = first.iter().any(|b| matches!(b, Topic | Under(_) | Corrects(_)));
            assert!(posted || *trigger == "A54", "{event}: {first:?}");
            let again = timeline.send(&event, &segments);
            assert!(again.iter().all(|b| *b == Nothing), "{event} once more: {again:?}");
        }
    }
    assert_eq!(Timeline::default().send("ADT^A40", &format!("{PID}MRG|00412399\r")), [Waits]);
}
