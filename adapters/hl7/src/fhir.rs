//! FHIR R4 document Bundles to Envelopes (hl7.md 12.2): 退院時サマリー and 診療情報提供書 of the Japanese
//! profiles end in the same kind of post as MDM and CDA. Sections are matched by code, because every
//! guide version names another code system. Nothing outside of the Bundle is ever fetched. Total.

mod bundle;
mod files;
mod people;
mod sections;

use crate::read::kind_of_document;
use bundle::{Bundle, codes, first_text, text};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::decide::doubt;
use kakehashi_core::envelope::{Envelope, Event, Visit};
use kakehashi_core::port::{Part, PartSink, RawIntake, ReadFault};
use kakehashi_core::text::clean_line;
use kakehashi_core::unreadable::{Unreadable, UnreadableCode};
use kakehashi_core::vocabulary::{AttachmentRole, Intent, ReplyExpectation, Urgency};
use serde_json::Value;

/// Value of [`Event::kind`] for these documents.
const KIND: &str = "Bundle";
/// How far the first `resourceType` is looked for: some programs write their keys in alphabetical order.
const MAX_LOOK_BYTES: usize = 64 * 1024;
/// Longest heading, in characters.
const MAX_TITLE_CHARS: usize = 200;

/// Whether bytes look like a FHIR resource in JSON: cheap, only the beginning is looked at.
#[must_use]
pub fn looks_like_fhir(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = &bytes[..bytes.len().min(MAX_LOOK_BYTES)];
    let opens = start.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
    opens && start.windows(14).any(|w| w == b"\"resourceType\"")
}

/// Reads one document.
///
/// # Errors
/// [`ReadFault::Unreadable`] is final, [`ReadFault::Part`] means try again.
pub fn read(raw: &RawIntake, parts: &mut dyn PartSink) -> Result<Vec<Envelope>, ReadFault> {
    let bytes = raw.bytes.whole()?;
    let bundle = Bundle::read(&bytes)?;
    let Some(composition) = bundle.composition() else {
        let detail = "the Bundle holds no Composition";
        return Err(Unreadable::new(UnreadableCode::UnknownFormat, detail).into());
    };
    let mut envelope = Envelope::empty(raw.channel, raw.format, raw.bytes.content_hash().clone());
    envelope.sender.authenticity = raw.origin.authenticity.unwrap_or(envelope.sender.authenticity);
    envelope.intent = Intent::ClinicalEvent;
    people::patient(&mut envelope, &bundle, composition);
    people::sender(&mut envelope, &bundle, composition);
    identity(&mut envelope, &bundle, composition);
    let author = people::author(&bundle, composition);
    envelope.body = sections::body(&mut envelope, &bundle, composition, author.as_deref());
    let left_out = files::keep(&mut envelope, &bundle, parts)?;
    // The document itself, untouched: its signature and its codes are for machines.
    let name = format!("{}.json", envelope.title.as_deref().unwrap_or("文書").replace(['/', '\\'], "・"));
    envelope.attachments.push(parts.keep(Part {
        name: Some(&name),
        media_type: "application/fhir+json",
        pages: None,
        role: AttachmentRole::Source,
        bytes: &bytes,
    })?);
    if envelope.body.is_none() && envelope.attachments.len() > 1 {
        envelope.body = Some("添付の文書をご覧ください。".to_owned());
    }
    if let Some(left_out) = left_out {
        envelope.body =
            Some(envelope.body.map_or_else(|| left_out.clone(), |body| format!("{body}\n{left_out}")));
    }
    Ok(vec![envelope])
}

/// Which document it is, which it replaces or adds to, and what state it is in.
fn identity(envelope: &mut Envelope, bundle: &Bundle, composition: &Value) {
    let bundle_id = bundle.root().pointer("/identifier/value").and_then(text);
    let own = composition.pointer("/identifier/value").and_then(text).or_else(|| bundle_id.clone());
    let related = |wanted: &str| {
        let relations = composition["relatesTo"].as_array().into_iter().flatten().take(20);
        relations.filter(|r| r["code"].as_str() == Some(wanted)).find_map(|r| {
            r.pointer("/targetIdentifier/value").or_else(|| r.pointer("/targetReference/identifier/value"))
        })
    };
    let (replaces, appends) = (related("replaces").and_then(text), related("appends").and_then(text));
    let version = bundle::extension(composition, "version").and_then(text);
    let is_later = version.as_deref().and_then(|v| v.parse::<u32>().ok()).is_some_and(|v| v > 1);
    let status = composition["status"].as_str().map(|s| clean_line(s, 40));
    let withdrawn = status.as_deref() == Some("entered-in-error");
    let amended = matches!(status.as_deref(), Some("amended"));
    let key = |id: &String| format!("document:{id}");
    let corrects = match (&replaces, withdrawn || amended || is_later) {
        (Some(old), _) => Some(key(old)),
        (None, true) => own.as_ref().map(key),
        (None, false) => None,
    };
    if withdrawn {
        envelope.warn(doubt::WITHDRAWN, "Composition.status is entered-in-error");
    } else if !matches!(status.as_deref(), Some("final" | "amended") | None) {
        envelope.warn("document_not_final", "Composition.status says that the document is not final");
    }
    if matches!(composition["confidentiality"].as_str(), Some("R" | "V")) {
        envelope.warn(doubt::CONFIDENTIAL, "Composition.confidentiality restricts who may see the document");
    }
    let kind = codes(&composition["type"]).into_iter().find_map(|code| kind_of_document(&code));
    envelope.document_kind = kind.map(str::to_owned);
    // As a REF^I12, which is the same letter.
    if kind == Some("referral_letter") && !withdrawn {
        envelope.reply_expectation = Some(ReplyExpectation::Reply);
    }
    let name = first_text(&[
        &composition["title"],
        &composition["type"]["text"],
        &composition["type"]["coding"][0]["display"],
    ]);
    let name = clean_line(&name.unwrap_or_else(|| "文書".to_owned()), MAX_TITLE_CHARS);
    let changed = corrects.is_some();
    envelope.title = Some(match () {
        () if withdrawn => format!("{name}（取消）"),
        () if appends.is_some() => format!("{name}（追記）"),
        () if changed => format!("{name}（訂正）"),
        () if status.as_deref() == Some("preliminary") => format!("{name}（未確定）"),
        () => name,
    });
    envelope.urgency = Some(if changed { Urgency::Urgent } else { Urgency::Normal });
    envelope.occurred_at = time(&composition["date"]);
    envelope.sent_at = time(&bundle.root()["timestamp"]);
    let (admitted_at, discharged_at) = bundle.stay(composition);
    let visit = Visit { admitted_at, discharged_at, ..Visit::default() };
    envelope.message_id.clone_from(&bundle_id);
    envelope.event = Some(Event {
        kind: Some(KIND.to_owned()),
        control_id: bundle_id,
        version: Some("R4".to_owned()),
        visit: (visit != Visit::default()).then_some(visit),
        status,
        key: own.as_ref().map(key),
        document: own,
        parent_document: appends.or(replaces),
        corrects,
        ..Event::default()
    });
}

/// A FHIR instant or dateTime that names at least a minute.
fn time(value: &Value) -> Option<UtcMicros> {
    value.as_str().filter(|t| t.len() <= 40).and_then(UtcMicros::from_rfc3339)
}

#[cfg(test)]
mod tests;
