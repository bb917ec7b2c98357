//! ADT: what happened to a stay (hl7.md 8.1, care-network.md 8.2, 8.3). Cancellations are corrections
//! of something people have acted on, and a death is never told by a machine.

use super::patient::{identifier, is_dead};
use super::plain;
use super::scope::{Scope, name, patient_in_words};
use super::wording::{fill, template};
use crate::time::{Precision, Stamp};
use kakehashi_core::clinical_event::{self, Outcome};
use kakehashi_core::decide::doubt::DEATH;
use kakehashi_core::envelope::{ContentHash, Envelope, cancelled_by, canonical_trigger};
use kakehashi_core::port::{PartSink, ReadFault};
use kakehashi_core::vocabulary::{Intent, Urgency};

/// Discharge disposition of user table 0112: to another hospital.
const TO_HOSPITAL: &str = "02";
/// Numbers of the second record that are kept.
const MAX_RETIRED: usize = 20;

/// What an event is called, and how urgent it is.
struct Kind {
    title: &'static str,
    what: &'static str,
    template: &'static str,
    urgency: Urgency,
    document_kind: Option<&'static str>,
}

fn kind(trigger: &str) -> Option<Kind> {
    let make = |title, what, template, urgency| Kind { title, what, template, urgency, document_kind: None };
    Some(match trigger {
        "A01" | "A06" => Kind {
            document_kind: Some("admission_notice"),
            ..make("入院のお知らせ", "入院", template!("admission"), Urgency::Urgent)
        },
        "A03" | "A07" => Kind {
            document_kind: Some("discharge_info_record"),
            ..make("退院のお知らせ", "退院", template!("discharge"), Urgency::Urgent)
        },
        "A02" => make("転棟のお知らせ", "転棟", template!("transfer"), Urgency::Normal),
        "A05" | "A14" => {
            make("入院予定のお知らせ", "入院予定", template!("admission_planned"), Urgency::Normal)
        }
        "A16" => make("退院予定のお知らせ", "退院予定", template!("discharge_planned"), Urgency::Urgent),
        "A09" | "A21" => make("外泊のお知らせ", "外泊", template!("leave"), Urgency::Normal),
        "A10" | "A22" => make("帰院のお知らせ", "帰院", template!("return"), Urgency::Normal),
        _ => return None,
    })
}

/// The event that a cancellation cancels, in its canonical form.
fn cancels(trigger: &str) -> Option<&'static str> {
    let cancellation = canonical_trigger(trigger);
    ["A01", "A02", "A03", "A14", "A16", "A21", "A22"]
        .into_iter()
        .find(|t| cancelled_by(t) == Some(cancellation))
}

pub(super) fn compose(
    envelope: &mut Envelope,
    scope: &Scope<'_>,
    parts: &mut dyn PartSink,
) -> Result<(), ReadFault> {
    envelope.intent = Intent::ClinicalEvent;
    let trigger = envelope.event.as_ref().and_then(|e| e.trigger.clone()).unwrap_or_default();
    let occurred = occurred(&trigger, scope);
    envelope.occurred_at = occurred.filter(|s| s.precision > Precision::Month).map(|s| s.at);
    set_keys(envelope, scope, &trigger, occurred);
    set_retired(envelope, scope, &trigger);
    if is_dead(&scope.view) {
        envelope
            .warn(DEATH, "PID-29 or PID-30 tells a death: the office chooses the words, no text by machine");
        return Ok(());
    }
    if let Some(original) = cancels(&trigger).and_then(kind) {
        envelope.urgency = Some(original.urgency);
        envelope.title = Some(format!("{}（取消）", original.title));
        let told = undone(&trigger, scope).map(Stamp::in_words);
        // After a 退院の取消 the office calls; of all else nobody is asked.
        let doing = (trigger == "A13").then_some("病院に確認中です。");
        let fields = [("what", Some(original.what)), ("doing", doing), ("told", told.as_deref())];
        envelope.body = Some(fill(template!("cancelled"), &fields));
        return Ok(());
    }
    if matches!(trigger.as_str(), "A01" | "A03") && scope.text("PV1", 2, 1).as_deref() == Some("O") {
        // An outpatient's visit began or ended; nobody was admitted or discharged.
        envelope.warn(super::PARKED, "PV1-2 is O: the visit of an outpatient");
        envelope.urgency = Some(Urgency::Normal);
        envelope.title = Some(if trigger == "A01" { "外来受付" } else { "外来の終わり" }.to_owned());
        return Ok(());
    }
    if let Some(kind) = kind(&trigger) {
        stay(envelope, scope, &trigger, &kind, occurred);
        return Ok(());
    }
    other(envelope, scope, &trigger, parts)
}

/// MRG-1: the numbers of the second record, of what the office decides. In any other message nobody is found by
/// them: they are not the patient's.
fn set_retired(envelope: &mut Envelope, scope: &Scope<'_>, trigger: &str) {
    if clinical_event::outcome("ADT", trigger) != Outcome::OfficeTask {
        return;
    }
    let Some(mrg) = scope.view.first("MRG") else { return };
    let Some(event) = envelope.event.as_mut() else { return };
    event.retired = mrg.repeats(1).filter_map(|o| identifier(&o)).take(MAX_RETIRED).collect();
}

/// Event time by kind of event (hl7.md section 6); MSH-7 is only the time of sending.
fn occurred(trigger: &str, scope: &Scope<'_>) -> Option<Stamp> {
    let first: &[(&str, usize, usize)] = match trigger {
        "A01" | "A06" => &[("PV1", 44, 1)],
        "A03" | "A07" => &[("PV1", 45, 1)],
        "A02" | "A09" | "A10" | "A21" | "A22" => &[("EVN", 6, 1)],
        _ => &[],
    };
    scope.first_stamp(first).or_else(|| scope.first_stamp(&[("EVN", 2, 1)]))
}

/// When that happened, or was to happen, which a cancellation takes back.
fn undone(trigger: &str, scope: &Scope<'_>) -> Option<Stamp> {
    let places: &[(&str, usize, usize)] = match canonical_trigger(trigger) {
        "A11" => &[("PV1", 44, 1)],
        "A13" => &[("PV1", 45, 1)],
        "A12" | "A52" | "A53" => &[("EVN", 6, 1)],
        "A27" => &[("PV2", 8, 1)],
        "A25" => &[("PV2", 9, 1)],
        _ => &[],
    };
    scope.first_stamp(places)
}

fn set_keys(envelope: &mut Envelope, scope: &Scope<'_>, trigger: &str, occurred: Option<Stamp>) {
    let Some(event) = envelope.event.as_mut() else { return };
    // A stay that is only planned often has no number yet: its planned time is all that both messages name.
    let trigger = canonical_trigger(trigger);
    let is_plan = matches!(trigger, "A14" | "A27");
    let planned = is_plan.then(|| scope.text("PV2", 8, 1)).flatten().map(|t| format!("planned{}", t.trim()));
    let dated = |of: &str| {
        // Without a stay, only a repetition of the same happening can be recognised.
        let id = envelope.patient.identifiers.first()?;
        let at = occurred.filter(|s| s.precision == Precision::Time && kind(of).is_some())?;
        Some(format!("stay:{}@{}:{of}", id.id, at.at.in_japan().strftime("%Y%m%d%H%M")))
    };
    let key =
        |of: &str| event.stay_keys(of).pop().or_else(|| planned.as_ref().map(|p| format!("stay:{p}:{of}")));
    let corrects = cancels(trigger).and_then(key);
    event.key = key(trigger).or_else(|| dated(trigger));
    event.corrects = corrects;
}

fn stay(envelope: &mut Envelope, scope: &Scope<'_>, trigger: &str, kind: &Kind, occurred: Option<Stamp>) {
    envelope.urgency = Some(kind.urgency);
    let disposition = envelope.event.as_ref().and_then(|e| e.visit.as_ref()?.disposition.clone());
    let leaves = matches!(trigger, "A03" | "A07" | "A16");
    if leaves && disposition.as_deref().is_some_and(clinical_event::tells_death) {
        envelope.warn(DEATH, "PV1-36 tells a death: the office chooses the words, no text by machine");
        return;
    }
    envelope.document_kind = kind.document_kind.map(str::to_owned);
    let (title, template) = if matches!(trigger, "A03" | "A07") && disposition.as_deref() == Some(TO_HOSPITAL)
    {
        ("転院のお知らせ", template!("discharge_to_hospital"))
    } else {
        (kind.title, kind.template)
    };
    let at = occurred.map(Stamp::in_words);
    let planned = planned(trigger, scope).map(Stamp::in_words);
    let from = scope.text("PV1", 6, 1).map(|code| scope.ward(&code).0);
    let patient = patient_in_words(envelope);
    let (place, facility) = (scope.place(envelope), scope.facility());
    envelope.title = Some(title.to_owned());
    envelope.body = Some(fill(
        template,
        &[
            ("patient", Some(&patient)),
            ("at", at.as_deref()),
            ("place", Some(&place)),
            ("facility", facility.as_deref()),
            ("planned", planned.as_deref()),
            ("from", from.as_deref()),
        ],
    ));
}

fn planned(trigger: &str, scope: &Scope<'_>) -> Option<Stamp> {
    let places: &[(&str, usize, usize)] = match trigger {
        "A05" | "A14" => &[("PV2", 8, 1), ("EVN", 3, 1)],
        "A16" => &[("PV2", 9, 1), ("EVN", 3, 1), ("PV1", 45, 1)],
        "A09" | "A21" => &[("PV2", 47, 1), ("EVN", 3, 1)],
        _ => &[],
    };
    scope.first_stamp(places)
}

fn other(
    envelope: &mut Envelope,
    scope: &Scope<'_>,
    trigger: &str,
    parts: &mut dyn PartSink,
) -> Result<(), ReadFault> {
    envelope.urgency = Some(Urgency::Normal);
    match (clinical_event::outcome("ADT", trigger), trigger) {
        (Outcome::Update, _) => update(envelope, scope, trigger),
        (_, "A04") => envelope.title = Some("外来受付".to_owned()),
        (_, "A60") => allergy(envelope, scope),
        (_, "A55") => doctor_cancelled(envelope),
        (Outcome::OfficeTask, "A23" | "A29") => {
            numbers(envelope, scope, trigger, "患者記録の削除", template!("identifier_change"));
        }
        (Outcome::OfficeTask, "A24" | "A37") => {
            numbers(envelope, scope, trigger, "患者番号の関連付け", template!("identifier_change"));
        }
        (Outcome::OfficeTask, _) if is_merge(trigger) => {
            numbers(envelope, scope, trigger, "患者番号の統合", template!("merge"));
        }
        (Outcome::OfficeTask, _) => {
            numbers(envelope, scope, trigger, "患者番号の変更", template!("identifier_change"));
        }
        (Outcome::Record(_), _) => {
            envelope.title = clinical_event::find("ADT", trigger).map(|row| row.ja.to_owned());
        }
        _ => plain::compose(envelope, scope, parts)?,
    }
    Ok(())
}

fn is_merge(trigger: &str) -> bool {
    clinical_event::find("ADT", "A40").is_some_and(|row| row.triggers.contains(&trigger))
}

fn numbers(envelope: &mut Envelope, scope: &Scope<'_>, trigger: &str, title: &str, template: &str) {
    let retired = scope.text("MRG", 1, 1);
    let survivor = envelope.patient.identifiers.first().map(|i| i.id.clone());
    if retired.is_none() && template == template!("merge") {
        envelope.warn("missing_merge", "no MRG segment names the retired number");
    }
    let named = (!envelope.patient.names.is_empty()).then(|| patient_in_words(envelope));
    let born = envelope.patient.birth_date.as_deref().map(|date| format!("{date}生"));
    let who: Vec<String> = [named.clone().map(|n| format!("{n}様")), born].into_iter().flatten().collect();
    let who = who.join("　");
    let retired_name = scope.view.first("MRG").and_then(|mrg| name(&mrg, 7)).map(|n| format!("{n}様"));
    envelope.title = Some(title.to_owned());
    envelope.body = Some(fill(
        template,
        &[
            ("patient", named.as_deref()),
            ("retired", retired.as_deref()),
            ("survivor", survivor.as_deref()),
            ("trigger", Some(trigger)),
            ("who", Some(&who)),
            ("retired_name", retired_name.as_deref()),
        ],
    ));
}

fn allergy(envelope: &mut Envelope, scope: &Scope<'_>) {
    envelope.title = Some("アレルギー情報".to_owned());
    let told = allergies(scope);
    tell_allergies(envelope, scope, &told);
}

/// The words of a list of allergies, under the patient's key: the next list finds this one. Entries that are
/// added or removed one by one are no list, and are known by what they say.
fn tell_allergies(envelope: &mut Envelope, scope: &Scope<'_>, told: &[String]) {
    envelope.urgency = Some(Urgency::Urgent);
    let patient = patient_in_words(envelope);
    let text = if told.is_empty() { "・登録なし".to_owned() } else { told.join("\n") };
    envelope.body = Some(fill(template!("allergy"), &[("patient", Some(&patient)), ("text", Some(&text))]));
    let one_by_one = scope.view.all("IAM").any(|s| matches!(s.text(6, 1).as_deref(), Some("A" | "D" | "U")));
    let entry =
        if one_by_one { format!("#{:.16}", ContentHash::of(text.as_bytes()).hex()) } else { String::new() };
    set_key_of_patient(envelope, "allergies", &entry);
}

fn set_key_of_patient(envelope: &mut Envelope, what: &str, more: &str) {
    let Some(id) = envelope.patient.identifiers.first().map(|i| i.id.clone()) else { return };
    if let Some(event) = envelope.event.as_mut() {
        event.key = Some(format!("{what}:{id}{more}"));
    }
}

/// What an update of the record tells that a team acts on: allergies, else the doctor in charge. Whether it
/// is news is for the decision; the key is the patient's, so that the next update finds this one.
fn update(envelope: &mut Envelope, scope: &Scope<'_>, trigger: &str) {
    let told = allergies(scope);
    if trigger == "A54" {
        envelope.title = Some("担当医の変更".to_owned());
        tell_doctor(envelope, template!("doctor_changed"));
    } else if told.is_empty() {
        // An update names him anyway: it is news only where another one was known.
        tell_doctor(envelope, template!("doctor"));
    } else {
        tell_allergies(envelope, scope, &told);
    }
}

/// The other half of an update that tells both: each is news or not by itself, and has its own thread.
pub(super) fn also(envelope: &Envelope, scope: &Scope<'_>) -> Option<Envelope> {
    let event = envelope.event.as_ref()?;
    let trigger = event.trigger.as_deref().unwrap_or_default();
    let is_update = clinical_event::outcome("ADT", trigger) == Outcome::Update;
    let told = allergies(scope);
    let doctor = event.visit.as_ref().and_then(|v| v.attending.as_ref());
    if !is_update || told.is_empty() || doctor.is_none() || envelope.body.is_none() {
        return None;
    }
    let mut other = Envelope { title: None, urgency: Some(Urgency::Normal), ..envelope.clone() };
    if trigger == "A54" {
        other.title = Some("アレルギー情報".to_owned());
        tell_allergies(&mut other, scope, &told);
    } else {
        tell_doctor(&mut other, template!("doctor"));
    }
    Some(other)
}

fn tell_doctor(envelope: &mut Envelope, template: &str) {
    let patient = patient_in_words(envelope);
    let doctor = envelope.event.as_ref().and_then(|e| e.visit.as_ref()?.attending.clone());
    let Some(doctor) = doctor else { return };
    envelope.body = Some(fill(template, &[("patient", Some(&patient)), ("doctor", Some(&doctor))]));
    set_key_of_patient(envelope, "doctor", "");
}

/// A55: the doctor did not change after all.
fn doctor_cancelled(envelope: &mut Envelope) {
    envelope.title = Some("担当医の変更（取消）".to_owned());
    let patient = patient_in_words(envelope);
    let doctor = envelope.event.as_ref().and_then(|e| e.visit.as_ref()?.attending.clone());
    let fields = [("patient", Some(patient.as_str())), ("doctor", doctor.as_deref())];
    envelope.body = Some(fill(template!("doctor_change_cancelled"), &fields));
    set_key_of_patient(envelope, "doctor", ":A55");
    let Some(event) = envelope.event.as_mut() else { return };
    event.corrects = event.key.as_deref().and_then(|k| k.strip_suffix(":A55")).map(str::to_owned);
}

/// Table 0127.
const ALLERGENS: &[(&str, &str)] = &[
    ("DA", "薬"),
    ("FA", "食物"),
    ("EA", "環境"),
    ("AA", "動物"),
    ("PA", "植物"),
    ("LA", "花粉"),
    ("MA", "その他"),
    ("MC", "その他の禁忌"),
];
/// Table 0128.
const SEVERITIES: &[(&str, &str)] = &[("SV", "重度"), ("MO", "中等度"), ("MI", "軽度"), ("U", "程度不明")];

/// A bare code of a table in words; what the sender wrote otherwise.
fn in_words(told: &str, table: &[(&str, &str)]) -> String {
    table.iter().find(|(code, _)| *code == told).map_or(told, |(_, words)| words).to_owned()
}

/// One line for each allergy.
fn allergies(scope: &Scope<'_>) -> Vec<String> {
    let segments = scope.view.segments().filter(|s| matches!(s.name(), "IAM" | "AL1"));
    segments
        .take(200)
        .filter_map(|segment| {
            let substance = segment.coded(3)?;
            let details = [
                segment.coded(2).map(|told| in_words(&told, ALLERGENS)),
                segment.coded(4).map(|told| in_words(&told, SEVERITIES)),
                reactions(&segment),
            ];
            let details: Vec<String> = details.into_iter().flatten().collect();
            let details =
                if details.is_empty() { String::new() } else { format!("（{}）", details.join("、")) };
            // IAM-6 D: the entry was taken out of the record.
            let gone = segment.name() == "IAM" && segment.text(6, 1).as_deref() == Some("D");
            Some(format!("・{substance}{details}{}", if gone { "（削除）" } else { "" }))
        })
        .collect()
}

fn reactions(segment: &crate::message::Segment<'_>) -> Option<String> {
    let found: Vec<String> = segment.repeats(5).filter_map(|o| o.text(1)).collect();
    (!found.is_empty()).then(|| found.join("、"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_back_says_what() {
        let body = |event: &str, segments: &str| {
            let message =
                format!("MSH|^~\\&|HIS|S|GW|C|2026||ADT^{event}|1|P|2.5||||||UNICODE UTF-8\r{segments}");
            let raw = kakehashi_core::port::RawIntake {
                channel: kakehashi_core::vocabulary::Channel::Hl7,
                format: kakehashi_core::vocabulary::Format::Hl7v2,
                dedup_key: String::new(),
                sender_message_id: None,
                bytes: message.into_bytes().into(),
                received_at: kakehashi_core::clock::UtcMicros::from_micros(0),
                origin: kakehashi_core::port::Origin::default(),
            };
            let read = crate::read::read(&raw, &mut kakehashi_core::port::HashingSink, None).unwrap();
            read[0].body.clone().unwrap()
        };
        let evn = "EVN||20260610104500||||20260607082500\rPID|1||7\r";
        assert_eq!(
            body("A12", &format!("{evn}PV1|1|I|5E\r")),
            "転棟の取消が届きました。\n取り消された転棟: 6月7日8:25"
        );
        assert_eq!(body("A13", &format!("{evn}PV1|1|I|5E\r")), "退院の取消が届きました。病院に確認中です。");
        let pv1 = format!("PV1|1|I|5E{}20260605194000\r", "|".repeat(41));
        assert_eq!(
            body("A11", &format!("{evn}{pv1}")),
            "入院の取消が届きました。\n取り消された入院: 6月5日19:40"
        );
        assert_eq!(
            body("A25", &format!("{evn}PV2|||||||||20260612\r")),
            "退院予定の取消が届きました。\n取り消された退院予定: 6月12日"
        );
    }

    #[test]
    fn what_is_posted_has_its_words() {
        for row in clinical_event::TABLE.iter().filter(|row| row.kind == "ADT") {
            for trigger in row.triggers {
                let posts = matches!(
                    row.outcome,
                    Outcome::Topic | Outcome::UnderTopic | Outcome::Correction | Outcome::CorrectionIfSeen
                );
                let worded = kind(trigger).is_some()
                    || cancels(trigger).is_some()
                    || matches!(*trigger, "A55" | "A60");
                assert_eq!(worded, posts, "{trigger}");
            }
        }
    }
}
