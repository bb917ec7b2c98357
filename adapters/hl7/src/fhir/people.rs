//! Patient, sender and author of a document as written. Nothing is matched; addresses and telephone
//! numbers are not read.

use super::bundle::{Bundle, codes, extension, first_text, text, words};
use kakehashi_core::envelope::{Envelope, Identifier, NameKind, PatientName};
use kakehashi_core::text::fold::{is_kana, widen_kana};
use serde_json::Value;

const MAX_IDENTIFIERS: usize = 20;
const MAX_NAMES: usize = 20;

pub(super) fn patient(envelope: &mut Envelope, bundle: &Bundle, composition: &Value) {
    let subject = bundle.resolve_in(composition, &composition["subject"]);
    let mut patients = bundle.of_kind("Patient");
    let Some(patient) = subject.or_else(|| patients.next()) else {
        envelope.warn("missing_patient", "the document names no Patient");
        return;
    };
    if bundle.of_kind("Patient").count() > 1 && subject.is_none() {
        envelope.warn(kakehashi_core::decide::doubt::SEVERAL_PATIENTS, "several Patients and no subject");
    }
    let identifiers = patient["identifier"].as_array().into_iter().flatten().take(MAX_IDENTIFIERS);
    envelope.patient.identifiers = identifiers.filter_map(identifier).collect();
    names(envelope, patient);
    if let Some(written) = patient["birthDate"].as_str() {
        envelope.patient.birth_date = crate::time::date_of(written);
        if envelope.patient.birth_date.is_none() {
            envelope.warn("birth_date_invalid", "Patient.birthDate is no date of the calendar");
        }
    }
    envelope.patient.sex = match patient["gender"].as_str() {
        Some("female") => Some("F".to_owned()),
        Some("male") => Some("M".to_owned()),
        Some("other") => Some("O".to_owned()),
        Some("unknown") => Some("U".to_owned()),
        _ => None,
    };
    let deceased =
        patient["deceasedBoolean"].as_bool() == Some(true) || patient["deceasedDateTime"].is_string();
    if deceased || bundle.of_kind("Encounter").any(left_dead) {
        envelope.warn(kakehashi_core::decide::doubt::DEATH, "the Patient is said to be deceased");
    }
}

/// A stay that ended with the patient's death.
fn left_dead(encounter: &Value) -> bool {
    let disposition = &encounter["hospitalization"]["dischargeDisposition"];
    codes(disposition).iter().any(|code| code == "exp")
        || words(disposition).is_some_and(|words| words.contains("死亡"))
}

fn identifier(value: &Value) -> Option<Identifier> {
    let id = text(&value["value"])?;
    let authority =
        text(&value["system"]).map(|s| s.strip_prefix("urn:oid:").map(str::to_owned).unwrap_or(s));
    Some(Identifier { id, authority, kind: text(&value["type"]["coding"][0]["code"]) })
}

fn names(envelope: &mut Envelope, patient: &Value) {
    let (mut kanji, mut kana, mut alphabet) = (Vec::new(), Vec::new(), Vec::new());
    for name in patient["name"].as_array().into_iter().flatten().take(MAX_NAMES) {
        let given = name["given"].as_array().into_iter().flatten().take(5).filter_map(text);
        let parts: Vec<String> = text(&name["family"]).into_iter().chain(given).collect();
        let written = if parts.is_empty() { text(&name["text"]) } else { Some(parts.join(" ")) };
        let Some(written) = written else { continue };
        let written = written.split_whitespace().collect::<Vec<_>>().join(" ");
        let script = extension(name, "en-representation").and_then(Value::as_str);
        match script {
            Some("SYL") if is_kana(&written) => kana.push(widen_kana(&written)),
            Some("ABC") => alphabet.push(written),
            _ if is_kana(&written) => kana.push(widen_kana(&written)),
            _ if written.is_ascii() => alphabet.push(written),
            _ => kanji.push(written),
        }
    }
    let mut kana = kana.into_iter();
    let names = &mut envelope.patient.names;
    for text in kanji {
        names.push(PatientName { text, kana: kana.next(), kind: NameKind::Kanji });
    }
    names.extend(kana.map(|text| PatientName { kana: Some(text.clone()), text, kind: NameKind::Kana }));
    names.extend(alphabet.into_iter().map(|text| PatientName { text, kana: None, kind: NameKind::Alphabet }));
}

/// The hospital: custodian, else the author's organisation.
pub(super) fn sender(envelope: &mut Envelope, bundle: &Bundle, composition: &Value) {
    let custodian = bundle.resolve_in(composition, &composition["custodian"]);
    let authors = composition["author"].as_array().into_iter().flatten().take(20);
    let organisation =
        authors.filter_map(|a| bundle.resolve_in(composition, a)).find(|r| is(r, "Organization"));
    let found = custodian.or(organisation);
    envelope.sender.facility =
        found.and_then(|o| text(&o["name"])).or_else(|| first_text(&[&composition["custodian"]["display"]]));
}

/// Who wrote it: the first Practitioner among the authors.
pub(super) fn author(bundle: &Bundle, composition: &Value) -> Option<String> {
    let authors = composition["author"].as_array().into_iter().flatten().take(20);
    let mut resolved = authors.filter_map(|a| bundle.resolve_in(composition, a)).map(|r| {
        if is(r, "PractitionerRole") { bundle.resolve_in(r, &r["practitioner"]).unwrap_or(r) } else { r }
    });
    let practitioner = resolved.find(|r| is(r, "Practitioner"))?;
    let name = &practitioner["name"][0];
    let given = name["given"].as_array().into_iter().flatten().take(5).filter_map(text);
    let parts: Vec<String> = text(&name["family"]).into_iter().chain(given).collect();
    let name = if parts.is_empty() { text(&name["text"])? } else { parts.join(" ") };
    let office = practitioner["qualification"][0].get("code").and_then(words);
    Some(match office {
        Some(office) => format!("{name}（{office}）"),
        None => name,
    })
}

fn is(resource: &Value, kind: &str) -> bool {
    resource["resourceType"].as_str() == Some(kind)
}
