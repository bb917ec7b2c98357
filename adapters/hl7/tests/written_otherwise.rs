//! Headers as systems write them that nobody has certified, and what a kind operator would read: never another
//! event than the sender meant, and a warning wherever something was read otherwise than it is written.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

mod support;

use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::HashingSink;
use kakehashi_hl7::read;
use support::intake;

const PID: &str = "PID|1||00412338||山本^千代^^^^^L^I~ヤマモト^チヨ^^^^^L^P||19380412|F";
const PV1: &str = "PV1|1|I|5E^512^2";

fn all(bytes: &[u8]) -> Vec<Envelope> {
    read::read(&intake(bytes), &mut HashingSink, None).unwrap()
}

/// A message with this MSH-9 and EVN-1.
fn typed(msh9: &str, evn1: &str) -> Envelope {
    let head = format!("MSH|^~\\&|HIS|桜見中央病院|GW|C|20260609102000||{msh9}|7|P|2.5||||||UNICODE UTF-8");
    let evn = format!("EVN|{evn1}|20260609102000");
    let text = [head.as_str(), &evn, PID, PV1].join("\r") + "\r";
    all(text.as_bytes()).remove(0)
}

fn warns(envelope: &Envelope, code: &str) -> bool {
    envelope.warnings.iter().any(|w| w.code == code)
}

#[test]
fn the_type_is_read_as_it_is_meant_and_said_to_be_so() {
    let usual = typed("ADT^A01^ADT_A01", "");
    assert!(!warns(&usual, "message_type_repaired") && !warns(&usual, "event_from_evn"));
    for (msh9, evn1, warning) in [
        ("adt^a01", "", "message_type_repaired"),
        ("ADT A01", "", "message_type_repaired"),
        ("ADT ^ a01", "", "message_type_repaired"),
        ("^A01^ADT_A01", "", "message_type_repaired"),
        ("ADT", "A01", "event_from_evn"),
        ("ADT", "a01", "event_from_evn"),
        ("ADT_A01", "A01", "event_from_evn"),
        ("ADT^^ADT_A01", "A01", "event_from_evn"),
    ] {
        let read = typed(msh9, evn1);
        assert_eq!((&read.title, &read.body), (&usual.title, &usual.body), "{msh9} {evn1}");
        let (event, as_usual) = (read.event.as_ref().unwrap(), usual.event.as_ref().unwrap());
        assert_eq!((&event.kind, &event.trigger), (&as_usual.kind, &as_usual.trigger), "{msh9} {evn1}");
        assert!(warns(&read, warning), "{msh9} {evn1}: {:?}", read.warnings);
    }
}

#[test]
fn a_structure_of_several_events_names_none_of_them() {
    for msh9 in ["ADT_A01", "ADT^^ADT_A01", "^^ADT_A01", "ADT^ADT_A01"] {
        let read = typed(msh9, "");
        assert!(warns(&read, "missing_event"), "{msh9}: {:?}", read.warnings);
        assert!(warns(&read, kakehashi_core::decide::doubt::PAGES_UNREADABLE), "{msh9}");
    }
    // A discharge that is taken back has the structure of an admission.
    assert_eq!(typed("ADT^A13^ADT_A01", "").title.as_deref(), Some("退院のお知らせ（取消）"));
}

#[test]
fn two_names_of_what_happened_are_said() {
    let read = typed("ADT^A01", "A03");
    assert_eq!(read.title.as_deref(), Some("入院のお知らせ"));
    assert!(warns(&read, "event_mismatch"));
}

/// A document with one embedded CDA of this patient.
fn embedded(born: &str, family: &str) -> Envelope {
    let cda = format!(
        "<ClinicalDocument><recordTarget><patientRole><patient><name><family>{family}</family><given>千代</given></name>\
         <birthTime value=\"{born}\"/></patient></patientRole></recordTarget><component><structuredBody><section>\
         <title>経過</title><text>良好</text></section></structuredBody></component></ClinicalDocument>"
    );
    let head = "MSH|^~\\&|HIS|桜見中央病院|GW|C|20260609102000||MDM^T02|7|P|2.5||||||UNICODE UTF-8";
    let txa = "TXA|1|18842-5^退院時サマリー|AP|||||||||D1||||||AU||AV";
    let obx = format!("OBX|1|ED|1^文書||^TEXT^XML^A^{cda}||||||F");
    all(([head, PID, txa, &obx].join("\r") + "\r").as_bytes()).remove(0)
}

#[test]
fn a_document_of_somebody_else_is_not_posted_under_the_name_on_its_envelope() {
    let own = embedded("19380412", "山本");
    assert_eq!(own.body.as_deref(), Some("【経過】\n良好"));
    assert!(!warns(&own, kakehashi_core::decide::doubt::SEVERAL_PATIENTS), "{:?}", own.warnings);
    assert!(!warns(&embedded("", "山本"), kakehashi_core::decide::doubt::SEVERAL_PATIENTS));
    for (born, family) in [("19410730", "山本"), ("", "川田")] {
        assert!(
            warns(&embedded(born, family), kakehashi_core::decide::doubt::SEVERAL_PATIENTS),
            "{born} {family}"
        );
    }
}

#[test]
fn a_death_is_told_by_no_message_of_any_kind() {
    let head = "MSH|^~\\&|HIS|桜見中央病院|GW|C|20260609102000||ORU^R01|7|P|2.5||||||UNICODE UTF-8";
    let results = "OBR|1||L1|1^生化学\rOBX|1|NM|K^カリウム||4.1|mEq/L|||||F";
    let read = |pid: &str, pv1: &str| all(([head, pid, pv1, results].join("\r") + "\r").as_bytes()).remove(0);
    let with = |field: usize, told: &str| {
        let mut fields: Vec<&str> = PID.split('|').collect();
        fields.resize(31, "");
        fields[field] = told;
        fields.join("|")
    };
    let died = format!("PV1|1|I{}20", "|".repeat(34));
    let death = kakehashi_core::decide::doubt::DEATH;
    assert!(!warns(&read(PID, PV1), death) && !warns(&read(&with(30, "N"), PV1), death));
    assert!(warns(&read(&with(30, "y"), PV1), death) && warns(&read(&with(29, "20260609"), PV1), death));
    assert!(warns(&read(PID, &died), death));
}

#[test]
fn nobody_is_found_by_a_number_that_is_not_the_patients() {
    let read = |event: &str| {
        let head =
            format!("MSH|^~\\&|HIS|桜見中央病院|GW|C|20260609102000||ADT^{event}|7|P|2.5||||||UNICODE UTF-8");
        all(([head.as_str(), PID, "MRG|00412399^^^^PI", PV1].join("\r") + "\r").as_bytes())
            .remove(0)
            .event
            .unwrap()
    };
    for event in ["A18", "A34", "A40", "A47"] {
        assert_eq!(read(event).retired[0].id, "00412399", "{event}: the office sees both records");
    }
    for event in ["A01", "A03", "A08", "A31"] {
        assert!(read(event).retired.is_empty(), "{event}");
    }
}
