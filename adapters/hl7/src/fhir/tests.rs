//! Documents made for the project: a discharge summary and a referral as the profiles shape them, and
//! everything that can be wrong with JSON.

use super::*;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::port::{HashingSink, Origin};
use kakehashi_core::vocabulary::{Channel, Format};
use proptest::prelude::*;
use serde_json::json;

fn raw(bytes: &[u8]) -> RawIntake {
    RawIntake {
        channel: Channel::Api,
        format: Format::Fhir,
        dedup_key: String::new(),
        sender_message_id: None,
        bytes: bytes.into(),
        received_at: UtcMicros::from_micros(0),
        origin: Origin::default(),
    }
}

fn envelope(value: &Value) -> Envelope {
    read(&raw(value.to_string().as_bytes()), &mut HashingSink).unwrap().remove(0)
}

fn summary() -> Value {
    let div = |text: &str| json!({"status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{text}</div>")});
    let code = |code: &str| json!({"coding": [{"system": "http://jpfhir.jp/fhir/eClinicalSummary/CodeSystem/document-section", "code": code}]});
    json!({
        "resourceType": "Bundle", "type": "document", "timestamp": "2026-06-09T18:05:00+09:00",
        "identifier": {"system": "http://jpfhir.jp/fhir/clins/bundle-identifier", "value": "1390000001^2026^431"},
        "entry": [
            {"fullUrl": "urn:uuid:c", "resource": {
                "resourceType": "Composition", "status": "final", "title": "退院時サマリー",
                "identifier": {"value": "SKR-DS-2026-000431"},
                "type": {"coding": [{"system": "http://jpfhir.jp/fhir/Common/CodeSystem/doc-typecodes", "code": "18842-5"}]},
                "date": "2026-06-09T18:00:00+09:00",
                "subject": {"reference": "urn:uuid:p"}, "encounter": {"reference": "Encounter/e"},
                "author": [{"reference": "urn:uuid:d"}, {"reference": "urn:uuid:o"}],
                "custodian": {"reference": "urn:uuid:o"},
                "section": [{"code": code("300"), "section": [
                    {"title": "退院時診断", "code": code("344"), "text": div("うっ血性心不全")},
                    {"title": "入院中経過", "code": code("333"), "text": div("利尿薬で軽快。<br/>体重 48kg")},
                    {"title": "退院時投薬指示", "code": code("444"), "entry": [{"reference": "urn:uuid:m"}]},
                    {"title": "退院時方針指示", "code": code("424"), "text": div("体重 50kg で受診")}]}]}},
            {"fullUrl": "urn:uuid:p", "resource": {
                "resourceType": "Patient", "gender": "female", "birthDate": "1938-04-12",
                "identifier": [{"system": "urn:oid:1.2.392.100495.20.3.51.11390000001", "value": "00412338"}],
                "name": [
                    {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": "IDE"}],
                     "family": "山本", "given": ["千代"]},
                    {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": "SYL"}],
                     "family": "ヤマモト", "given": ["チヨ"]}]}},
            {"resource": {"resourceType": "Encounter", "id": "e",
                "period": {"start": "2026-06-05T19:40:00+09:00", "end": "2026-06-09T10:20:00+09:00"}}},
            {"fullUrl": "urn:uuid:d", "resource": {"resourceType": "Practitioner", "name": [{"family": "藤井", "given": ["貴"]}]}},
            {"fullUrl": "urn:uuid:o", "resource": {"resourceType": "Organization", "name": "桜見中央病院"}},
            {"fullUrl": "urn:uuid:m", "resource": {"resourceType": "MedicationRequest",
                "medicationCodeableConcept": {"text": "フロセミド錠20mg"},
                "dosageInstruction": [{"text": "1日1回朝食後", "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "錠"}}]}]}},
            {"resource": {"resourceType": "Binary", "contentType": "application/pdf", "data": "JVBERi0xLjQK"}}
        ]
    })
}

#[test]
fn a_discharge_summary_is_the_same_kind_of_post() {
    let e = envelope(&summary());
    assert_eq!(e.title.as_deref(), Some("退院時サマリー"));
    assert_eq!(e.document_kind.as_deref(), Some("discharge_summary"));
    assert_eq!(
        e.body.as_deref(),
        Some(
            "【退院時方針指示】\n体重 50kg で受診\n\n【退院時投薬指示】\n・フロセミド錠20mg 1錠 1日1回朝食後\n\n\
             【退院時診断】\nうっ血性心不全\n\n【入院中経過】\n利尿薬で軽快。\n体重 48kg\n\n作成: 藤井 貴"
        )
    );
    assert_eq!(e.patient.identifiers[0].id, "00412338");
    assert_eq!(e.patient.identifiers[0].authority.as_deref(), Some("1.2.392.100495.20.3.51.11390000001"));
    assert_eq!(
        (e.patient.names[0].text.as_str(), e.patient.names[0].kana.as_deref()),
        ("山本 千代", Some("ヤマモト チヨ"))
    );
    assert_eq!(e.patient.birth_date.as_deref(), Some("1938-04-12"));
    assert_eq!(e.sender.facility.as_deref(), Some("桜見中央病院"));
    let event = e.event.unwrap();
    assert_eq!(event.key.as_deref(), Some("document:SKR-DS-2026-000431"));
    assert_eq!(event.stay_keys("A03"), ["stay:202606051940:A03"]);
    let kinds: Vec<_> = e.attachments.iter().map(|a| (a.media_type.as_str(), a.role)).collect();
    assert_eq!(
        kinds,
        [("application/pdf", AttachmentRole::Document), ("application/fhir+json", AttachmentRole::Source)]
    );
    assert!(e.warnings.is_empty(), "{:?}", e.warnings);
}

#[test]
fn versions_and_states_are_told() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut bundle = summary();
        change(&mut bundle["entry"][0]["resource"]);
        envelope(&bundle)
    };
    let replaced =
        with(&|c| c["relatesTo"] = json!([{"code": "replaces", "targetIdentifier": {"value": "OLD"}}]));
    assert_eq!(replaced.title.as_deref(), Some("退院時サマリー（訂正）"));
    assert_eq!(replaced.event.unwrap().corrects.as_deref(), Some("document:OLD"));
    let second = with(&|c| {
        c["extension"] = json!([{"url": "http://hl7.org/fhir/StructureDefinition/composition-clinicaldocument-versionNumber", "valueString": "1"},
            {"url": "http://jpfhir.jp/fhir/clins/Extension/StructureDefinition/version", "valueString": "2"}]);
    });
    assert_eq!(second.event.unwrap().corrects.as_deref(), Some("document:SKR-DS-2026-000431"));
    let gone = with(&|c| c["status"] = "entered-in-error".into());
    assert!(gone.warnings.iter().any(|w| w.code == doubt::WITHDRAWN));
    let draft = with(&|c| c["status"] = "preliminary".into());
    assert_eq!(draft.title.as_deref(), Some("退院時サマリー（未確定）"));
    let secret = with(&|c| c["confidentiality"] = "V".into());
    assert!(secret.warnings.iter().any(|w| w.code == doubt::CONFIDENTIAL));
}

#[test]
fn what_is_refused_and_left_out() {
    for (bytes, code) in [
        (&b"{"[..], UnreadableCode::Damaged),
        (b"{\"resourceType\":\"Patient\"}", UnreadableCode::UnknownFormat),
        (b"{\"resourceType\":\"Bundle\",\"type\":\"collection\"}", UnreadableCode::Unsupported),
        (b"{\"resourceType\":\"Bundle\",\"type\":\"document\",\"entry\":[]}", UnreadableCode::UnknownFormat),
    ] {
        let Err(ReadFault::Unreadable(fault)) = read(&raw(bytes), &mut HashingSink) else { panic!() };
        assert_eq!(fault.code, code);
    }
    let mut bundle = summary();
    bundle["entry"][6]["resource"]["data"] = "TVqQAAMAAAA".into();
    let e = envelope(&bundle);
    assert!(e.warnings.iter().any(|w| w.code == "executable_refused"));
    assert_eq!(e.attachments.len(), 1);
    assert!(looks_like_fhir(summary().to_string().as_bytes()) || summary().to_string().len() > 2048);
    assert!(looks_like_fhir(b"\xef\xbb\xbf {\"resourceType\":\"Bundle\"}"));
    assert!(!looks_like_fhir(b"MSH|\"resourceType\""));
}

#[test]
fn what_a_resource_contains_is_found() {
    let mut bundle = summary();
    let patient = bundle["entry"][1]["resource"].clone();
    let composition = &mut bundle["entry"][0]["resource"];
    let mut patient = patient;
    patient["id"] = "p".into();
    composition["contained"] =
        json!([patient, {"resourceType": "Condition", "id": "c1", "code": {"text": "貧血"}}]);
    composition["subject"]["reference"] = "#p".into();
    composition["section"][0]["section"][0] = json!({"title": "退院時診断", "entry": [{"reference": "#c1"}]});
    let medication = &mut bundle["entry"][5]["resource"];
    medication.as_object_mut().unwrap().remove("medicationCodeableConcept");
    medication["contained"] =
        json!([{"resourceType": "Medication", "id": "m1", "code": {"text": "アムロジピン錠5mg"}}]);
    medication["medicationReference"] = json!({"reference": "#m1"});
    bundle["entry"][1]["resource"] = json!({"resourceType": "Basic"});
    let e = envelope(&bundle);
    assert_eq!(e.patient.identifiers[0].id, "00412338");
    let body = e.body.unwrap();
    assert!(body.contains("・貧血") && body.contains("・アムロジピン錠5mg 1錠"), "{body}");
}

#[test]
fn what_does_not_hold_any_more_is_not_told_as_if_it_did() {
    let line = |resource: Value| {
        let mut bundle = summary();
        bundle["entry"][5]["resource"] = resource;
        let body = envelope(&bundle).body.unwrap();
        body.lines().find(|line| line.starts_with('・')).map(str::to_owned)
    };
    let drug = |more: (&str, Value)| {
        let mut drug = json!({"resourceType": "MedicationRequest", "medicationCodeableConcept": {"text": "ワーファリン錠"}});
        drug[more.0] = more.1;
        line(drug)
    };
    assert_eq!(drug(("status", "active".into())).as_deref(), Some("・ワーファリン錠"));
    assert_eq!(drug(("status", "stopped".into())).as_deref(), Some("・ワーファリン錠（中止）"));
    assert_eq!(drug(("doNotPerform", true.into())).as_deref(), Some("・ワーファリン錠（行わない）"));
    assert_eq!(drug(("status", "entered-in-error".into())), None);
    let allergy = |verified: &str| {
        line(json!({"resourceType": "AllergyIntolerance", "code": {"text": "ペニシリン"},
            "verificationStatus": {"coding": [{"code": verified}]}}))
    };
    assert_eq!(allergy("confirmed").as_deref(), Some("・ペニシリン"));
    assert_eq!(allergy("refuted").as_deref(), Some("・ペニシリン（否定）"));
    assert_eq!(allergy("entered-in-error"), None);
}

#[test]
fn a_referral_waits_for_a_reply_as_one_by_hl7_does() {
    let mut bundle = summary();
    assert_eq!(envelope(&bundle).reply_expectation, None);
    bundle["entry"][0]["resource"]["type"]["coding"][0]["code"] = "57133-1".into();
    assert_eq!(envelope(&bundle).reply_expectation, Some(ReplyExpectation::Reply));
    bundle["entry"][0]["resource"]["status"] = "entered-in-error".into();
    assert_eq!(envelope(&bundle).reply_expectation, None);
}

#[test]
fn a_death_is_never_told_by_a_machine() {
    for disposition in [json!({"coding": [{"code": "exp"}]}), json!({"text": "死亡退院"})] {
        let mut bundle = summary();
        bundle["entry"][2]["resource"]["hospitalization"] = json!({"dischargeDisposition": disposition});
        assert!(envelope(&bundle).warnings.iter().any(|w| w.code == doubt::DEATH));
    }
}

#[test]
fn a_file_that_nobody_can_open_is_told() {
    let mut bundle = summary();
    let mut dicom = vec![0; 128];
    dicom.extend_from_slice(b"DICM");
    use base64::Engine as _;
    bundle["entry"][6]["resource"]["data"] = base64::engine::general_purpose::STANDARD.encode(dicom).into();
    let body = envelope(&bundle).body.unwrap();
    assert!(body.ends_with("必要なときは病院にお問い合わせください。"), "{body}");
    let filled = json!({"entry": [{"resource": {"text": "x".repeat(5000), "resourceType": "Composition"}}], "resourceType": "Bundle"});
    assert!(looks_like_fhir(filled.to_string().as_bytes()), "keys in alphabetical order");
}

/// JSON of any shape under the names that are read.
fn shapes() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "(urn:uuid:c|Patient/p|344|final|<div>x</div>|2026-06-09T10:00:00Z|JVBERi0x|.{0,8})"
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        let key = prop::sample::select(vec![
            "resourceType",
            "type",
            "entry",
            "resource",
            "section",
            "text",
            "div",
            "code",
            "coding",
            "reference",
            "identifier",
            "value",
            "name",
            "given",
            "period",
            "start",
            "content",
            "attachment",
            "data",
            "status",
            "relatesTo",
            "extension",
            "url",
            "subject",
            "author",
            "title",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.prop_map(str::to_owned), inner), 0..5)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn reading_is_total(
        shape in shapes(),
        at in prop::sample::select(vec!["/entry", "/entry/0/resource", "/entry/1/resource", "/entry/0/resource/section", "/entry/6/resource", "/identifier"]),
        bytes in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut bundle = summary();
        *bundle.pointer_mut(at).unwrap() = shape;
        let _ = read(&raw(bundle.to_string().as_bytes()), &mut HashingSink);
        let _ = read(&raw(&bytes), &mut HashingSink);
        let _ = looks_like_fhir(&bytes);
    }
}
