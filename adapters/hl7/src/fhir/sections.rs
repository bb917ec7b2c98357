//! Sections of a Composition as text for people: what home care needs first stands first (hl7.md 12.2).
//! The narrative is shown as written; where there is none, the entries are listed in plain words. Never
//! computes with a value or a unit.

use super::bundle::{Bundle, codes, text, words};
use crate::markup::plain_text;
use kakehashi_core::decide::doubt;
use kakehashi_core::envelope::Envelope;
use serde_json::Value;

/// Characters of one body.
const MAX_CHARS: usize = 100_000;
/// Sections, with those inside of others.
const MAX_SECTIONS: usize = 500;
/// Sections inside of sections.
const MAX_DEPTH: usize = 6;
/// Entries of one section that are listed.
const MAX_ENTRIES: usize = 300;
/// What home care reads first: 退院時方針指示, 退院時投薬指示, 退院時診断, 入院中経過, アレルギー, 事前指示, 検査結果;
/// in a referral 紹介目的 and 傷病名・主訴.
const FIRST: &[&str] = &["950", "424", "444", "344", "340", "333", "360", "510", "410", "623"];

pub(super) fn body(
    envelope: &mut Envelope,
    bundle: &Bundle,
    composition: &Value,
    author: Option<&str>,
) -> Option<String> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut left = MAX_SECTIONS;
    for section in composition["section"].as_array().into_iter().flatten() {
        collect(&Source { bundle, composition }, section, 0, &mut left, &mut found);
    }
    found.sort_by_key(|(rank, _)| *rank);
    let mut out = String::new();
    if found.is_empty()
        && let Some(narrative) = narrative(composition)
    {
        out = narrative;
    }
    for (_, section) in found {
        if out.chars().count() + section.chars().count() > MAX_CHARS {
            envelope.warn("text_too_long", "the text was cut");
            envelope.warn(doubt::PAGES_UNREADABLE, "the text was cut");
            break;
        }
        if !out.is_empty() {
            out.push_str("\n\n");
        }
        out.push_str(&section);
    }
    if left == 0 {
        envelope.warn(doubt::PAGES_UNREADABLE, "sections over the limit were left out");
    }
    if out.is_empty() {
        return None;
    }
    if let Some(author) = author {
        out.push_str("\n\n作成: ");
        out.push_str(author);
    }
    Some(out)
}

/// Where the references of sections point.
struct Source<'b> {
    bundle: &'b Bundle,
    composition: &'b Value,
}

fn collect(
    source: &Source<'_>,
    section: &Value,
    depth: usize,
    left: &mut usize,
    found: &mut Vec<(usize, String)>,
) {
    if *left == 0 || depth > MAX_DEPTH {
        return;
    }
    *left -= 1;
    let content = narrative(section).or_else(|| listed(source, section));
    if let Some(content) = content {
        let title = text(&section["title"]).or_else(|| words(&section["code"]));
        let codes = codes(&section["code"]);
        let rank = FIRST.iter().position(|first| codes.iter().any(|c| c == first)).unwrap_or(FIRST.len());
        found.push((
            rank,
            match title {
                Some(title) => format!("【{title}】\n{content}"),
                None => content,
            },
        ));
    }
    for inner in section["section"].as_array().into_iter().flatten() {
        collect(source, inner, depth + 1, left, found);
    }
}

fn narrative(element: &Value) -> Option<String> {
    let text = plain_text(element.pointer("/text/div")?.as_str()?);
    (!text.is_empty()).then_some(text)
}

fn listed(source: &Source<'_>, section: &Value) -> Option<String> {
    let Source { bundle, composition } = source;
    let entries = section["entry"].as_array().into_iter().flatten().take(MAX_ENTRIES);
    let lines: Vec<String> =
        entries.filter_map(|e| bundle.resolve_in(composition, e)).filter_map(|r| line(bundle, r)).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// One resource as one line. What was entered in error was never so.
fn line(bundle: &Bundle, resource: &Value) -> Option<String> {
    let standing = standing(resource)?;
    let line = match resource["resourceType"].as_str()? {
        "Condition" | "Procedure" | "AllergyIntolerance" | "FamilyMemberHistory" | "DiagnosticReport" => {
            let name = words(&resource["code"]).or_else(|| words(&resource["condition"][0]["code"]));
            joined(&[name, text(&resource["onsetString"]), text(&resource["conclusion"]), note(resource)])?
        }
        "MedicationRequest" | "MedicationStatement" | "MedicationAdministration" => {
            medication(bundle, resource)?
        }
        "Observation" => observation(resource)?,
        "CarePlan" | "ClinicalImpression" | "Goal" => joined(&[
            text(&resource["title"]),
            text(&resource["description"]).or_else(|| words(&resource["description"])),
            text(&resource["summary"]),
            note(resource),
        ])?,
        "Immunization" => joined(&[words(&resource["vaccineCode"]), text(&resource["occurrenceDateTime"])])?,
        "Device" | "DeviceUseStatement" => {
            joined(&[words(&resource["type"]), text(&resource["deviceName"][0]["name"]), note(resource)])?
        }
        "Encounter" => joined(&[
            words(&resource["reasonCode"][0]),
            words(&resource["hospitalization"]["dischargeDisposition"]),
        ])?,
        "Organization" | "Location" => text(&resource["name"])?,
        _ => narrative(resource)?,
    };
    Some(format!("・{line}{standing}"))
}

/// What a status takes away from a statement; `None` where nothing is left of it.
fn standing(resource: &Value) -> Option<&'static str> {
    let status = resource["status"].as_str().unwrap_or("");
    let verified = codes(&resource["verificationStatus"]);
    let clinical = codes(&resource["clinicalStatus"]);
    let is = |list: &[String], wanted: &str| list.iter().any(|code| code == wanted);
    if status == "entered-in-error" || is(&verified, "entered-in-error") {
        return None;
    }
    if is(&verified, "refuted") {
        return Some("（否定）");
    }
    if resource["doNotPerform"].as_bool() == Some(true) {
        return Some("（行わない）");
    }
    Some(match (resource["resourceType"].as_str(), status) {
        (Some("MedicationRequest" | "MedicationStatement"), "stopped") => "（中止）",
        (Some("MedicationRequest"), "cancelled") => "（取消）",
        (Some("MedicationRequest" | "MedicationStatement"), "on-hold") => "（休止）",
        (Some("MedicationStatement" | "Immunization" | "Procedure"), "not-done" | "not-taken") => {
            "（未実施）"
        }
        (Some("Observation"), "cancelled") => "（取消）",
        (Some("Observation" | "DiagnosticReport"), "preliminary" | "registered") => "（速報）",
        _ if is(&clinical, "resolved") => "（治癒）",
        _ => "",
    })
}

fn medication(bundle: &Bundle, resource: &Value) -> Option<String> {
    let named = bundle.resolve_in(resource, &resource["medicationReference"]).map(|m| &m["code"]);
    let name = words(&resource["medicationCodeableConcept"]).or_else(|| named.and_then(words));
    let dosage =
        &resource["dosageInstruction"].get(0).or_else(|| resource["dosage"].get(0)).unwrap_or(&Value::Null);
    let dose = quantity(&dosage["doseAndRate"][0]["doseQuantity"]);
    let usage = text(&dosage["text"]).or_else(|| words(&dosage["timing"]["code"]));
    let days = quantity(&resource["dispenseRequest"]["expectedSupplyDuration"]);
    joined(&[name, dose, usage, days, note(resource)])
}

fn observation(resource: &Value) -> Option<String> {
    let name = words(&resource["code"])?;
    let value = quantity(&resource["valueQuantity"])
        .or_else(|| text(&resource["valueString"]))
        .or_else(|| words(&resource["valueCodeableConcept"]))
        .or_else(|| resource["valueInteger"].as_i64().map(|n| n.to_string()));
    let flag = codes(&resource["interpretation"][0]).into_iter().find(|f| f != "N").map(|f| format!("({f})"));
    joined(&[Some(name), value, flag, note(resource)])
}

/// Number as sent and unit as sent.
fn quantity(quantity: &Value) -> Option<String> {
    let value = quantity["value"].as_number()?;
    Some(format!(
        "{value}{}",
        text(&quantity["unit"]).or_else(|| text(&quantity["code"])).unwrap_or_default()
    ))
}

fn note(resource: &Value) -> Option<String> {
    text(&resource["note"][0]["text"])
}

fn joined(parts: &[Option<String>]) -> Option<String> {
    let parts: Vec<String> = parts.iter().flatten().map(|p| p.replace('\n', " ")).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}
