//! MDM: documents with a status life (hl7.md section 7). The document's own number ties versions,
//! addenda and cancellations together; nothing is ever deleted, and what is not final or is restricted
//! says so in a warning.

use super::DAMAGED;
use super::content::{Content, gather};
use super::scope::{Scope, person};
use super::wording::{fill, template};
use crate::time::Precision;
use kakehashi_core::decide::doubt;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::{PartSink, ReadFault};
use kakehashi_core::vocabulary::{Intent, Urgency};

/// Core's word for a document that the office must release first.
const CONFIDENTIAL: &str = doubt::CONFIDENTIAL;
/// How TXA-21 says that a document was filed for somebody else.
const WRONG_PATIENT_WORDS: &[&str] =
    &["患者違い", "患者間違い", "患者誤り", "別の患者", "別患者", "他の患者", "誤った患者", "wrong patient"];

/// What a trigger does to a document.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Notice,
    New,
    Status,
    Addendum,
    Edit,
    Replacement,
    /// A new version is announced; its text comes later.
    Announced,
    Cancel,
}

pub(super) fn compose(
    envelope: &mut Envelope,
    scope: &Scope<'_>,
    parts: &mut dyn PartSink,
) -> Result<(), ReadFault> {
    envelope.intent = Intent::ClinicalEvent;
    let txa = scope.view.first("TXA");
    let name = txa.as_ref().and_then(|t| t.coded(2)).or_else(|| scope.coded("OBX", 3));
    let file_name = txa.as_ref().and_then(|t| t.text(16, 1));
    let content = gather(envelope, scope, parts, name.as_deref(), file_name.as_deref())?;
    let stamp = scope.first_stamp(&[("TXA", 4, 1), ("TXA", 6, 1), ("TXA", 8, 1)]);
    envelope.occurred_at = stamp.filter(|s| s.precision > Precision::Month).map(|s| s.at);
    envelope.document_kind = document_kind(scope);
    let status = txa.as_ref().and_then(|t| t.text(17, 1));
    let act = act(envelope, scope, &content);
    set_event(envelope, scope, act, status.clone());
    if txa.is_none() {
        envelope.warn("missing_txa", "no TXA segment: the document is known by what it says only");
    }
    let is_final = status.as_deref().is_none_or(|s| matches!(s, "AU" | "LA"));
    let preliminary = content.statuses.iter().any(|s| s == "P");
    if !is_final || preliminary {
        envelope.warn(doubt::NOT_FINAL, "TXA-17 or OBX-11 says that the document is not final");
    }
    if matches!(txa.as_ref().and_then(|t| t.text(18, 1)).as_deref(), Some("R" | "V")) {
        envelope.warn(CONFIDENTIAL, "TXA-18 restricts who may see the document");
    }
    let reason = txa.as_ref().and_then(|t| t.text(21, 1));
    if content.statuses.iter().any(|s| s == "W") || reason.as_deref().is_some_and(is_wrong_patient) {
        envelope.warn(doubt::WRONG_PATIENT, "OBX-11 or TXA-21 says that the document was of a wrong patient");
    }
    if act == Act::Cancel {
        envelope.warn(doubt::WITHDRAWN, "the sender took the document back");
    }
    let unavailable = scope.text("TXA", 19, 1).as_deref() == Some("UN");
    if unavailable {
        envelope.warn(CONFIDENTIAL, "TXA-19 says that the document is not available");
    }
    envelope.urgency = Some(match act {
        Act::Edit | Act::Replacement | Act::Announced | Act::Cancel => Urgency::Urgent,
        Act::Notice | Act::New | Act::Status | Act::Addendum => Urgency::Normal,
    });
    let name = name.unwrap_or_else(|| "文書".to_owned());
    envelope.title = Some(match act {
        Act::Addendum => format!("{name}（追記）"),
        Act::Edit | Act::Replacement => format!("{name}（訂正）"),
        Act::Announced => format!("{name}（新しい版の知らせ）"),
        Act::Cancel => format!("{name}（取消）"),
        Act::New | Act::Status if unavailable => format!("{name}（閲覧不可）"),
        Act::New | Act::Status if !is_final => format!("{name}（未確定）"),
        Act::New | Act::Status | Act::Notice => name.clone(),
    });
    let author = txa.as_ref().and_then(|t| person(t, 9).or_else(|| person(t, 5)));
    envelope.body = body(envelope, act, &name, &content, author.as_deref(), reason.as_deref());
    let told = content.text.is_some() || content.cda.is_some() || content.left_out().is_some();
    let brings_text = matches!(act, Act::New | Act::Addendum | Act::Edit | Act::Replacement);
    if brings_text && !told && envelope.attachments.is_empty() {
        envelope.warn("document_empty", "the document has no text and no file");
        envelope.warn(DAMAGED, "the document has no text and no file");
    }
    Ok(())
}

fn is_wrong_patient(reason: &str) -> bool {
    let reason = reason.to_lowercase();
    WRONG_PATIENT_WORDS.iter().any(|words| reason.contains(words))
}

fn act(envelope: &Envelope, scope: &Scope<'_>, content: &Content) -> Act {
    let trigger = envelope.event.as_ref().and_then(|e| e.trigger.as_deref()).unwrap_or("");
    // Deletion through a status change exists in the field (hl7.md 7.2, T04).
    let gone = matches!(scope.text("TXA", 19, 1).as_deref(), Some("CA" | "OB"));
    let is = |wanted: &str| content.statuses.iter().any(|s| s == wanted);
    let all_back = content.statuses.iter().all(|s| matches!(s.as_str(), "D" | "X"));
    let deleted = is("W") || (is("D") && all_back && content.all_states_told);
    match trigger {
        "T01" => Act::Notice,
        "T11" => Act::Cancel,
        _ if gone || deleted => Act::Cancel,
        "T03" | "T04" => Act::Status,
        "T05" | "T06" => Act::Addendum,
        "T07" | "T09" => Act::Announced,
        "T08" => Act::Edit,
        "T10" => Act::Replacement,
        _ => Act::New,
    }
}

fn set_event(envelope: &mut Envelope, scope: &Scope<'_>, act: Act, status: Option<String>) {
    let Some(event) = envelope.event.as_mut() else { return };
    event.document = scope.text("TXA", 12, 1);
    event.parent_document = scope.text("TXA", 13, 1);
    event.status = status;
    let key = |id: &String| format!("document:{id}");
    event.key = event.document.as_ref().map(key);
    event.corrects = match act {
        Act::Replacement | Act::Announced => {
            event.parent_document.as_ref().or(event.document.as_ref()).map(key)
        }
        Act::Edit | Act::Status | Act::Cancel => event.document.as_ref().map(key),
        Act::Notice | Act::New | Act::Addendum => None,
    };
}

fn document_kind(scope: &Scope<'_>) -> Option<String> {
    let code = scope.text("TXA", 2, 1).or_else(|| scope.text("OBX", 3, 1))?;
    kind_of(scope, &code)
}

/// 文書種別 by the interface's table, then by the codes that Japanese senders use (hl7.md 7.1).
pub(super) fn kind_of(scope: &Scope<'_>, code: &str) -> Option<String> {
    if let Some(kind) = scope.profile.and_then(|p| p.document_kinds.get(code)) {
        return Some(kind.clone());
    }
    kind_of_document(code).map(str::to_owned)
}

/// 文書種別 of the LOINC codes that Japanese senders use.
pub(crate) fn kind_of_document(code: &str) -> Option<&'static str> {
    Some(match code {
        "18842-5" => "discharge_summary",
        "57133-1" => "referral_letter",
        "34745-0" => "discharge_info_record",
        _ => return None,
    })
}

fn body(
    envelope: &Envelope,
    act: Act,
    name: &str,
    content: &Content,
    author: Option<&str>,
    reason: Option<&str>,
) -> Option<String> {
    let text = content.text.as_deref().or(content.cda.as_deref());
    let left_out = content.left_out();
    let attached = (!envelope.attachments.is_empty()).then(|| match act {
        // Their template says already what arrived.
        Act::Edit | Act::Replacement => "添付の文書をご覧ください。".to_owned(),
        _ => format!("{name}が届きました。添付の文書をご覧ください。"),
    });
    let shown: Vec<&str> =
        [text.or(attached.as_deref()), left_out.as_deref()].into_iter().flatten().collect();
    let shown = (!shown.is_empty()).then(|| shown.join("\n"));
    let shown = shown.as_deref();
    let template = match act {
        Act::Notice => template!("document_notice"),
        Act::Announced => template!("document_announced"),
        Act::Cancel => template!("document_cancelled"),
        Act::Edit | Act::Replacement => template!("document_changed"),
        Act::New | Act::Status | Act::Addendum if shown.is_some() => template!("document"),
        Act::New | Act::Status | Act::Addendum => return None,
    };
    let what = format!("{name}の訂正が届きました。");
    let fields = [
        ("name", Some(name)),
        ("what", Some(&what)),
        ("text", shown),
        ("author", author),
        ("reason", reason),
    ];
    Some(fill(template, &fields))
}
