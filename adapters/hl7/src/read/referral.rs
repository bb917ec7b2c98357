//! REF and RRI: letters of referral (hl7.md section 10, care-network.md section 3 row 5). Names sender
//! and addressee as written; who in the team is meant is for the decision.

use super::content::gather;
use super::scope::{Scope, name, person};
use super::wording::{fill, template};
use crate::time::Precision;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::{PartSink, ReadFault};
use kakehashi_core::vocabulary::{Intent, ReplyExpectation, Urgency};

pub(super) fn compose(
    envelope: &mut Envelope,
    scope: &Scope<'_>,
    parts: &mut dyn PartSink,
) -> Result<(), ReadFault> {
    envelope.intent = Intent::ClinicalEvent;
    let trigger = envelope.event.as_ref().and_then(|e| e.trigger.clone()).unwrap_or_default();
    let kind = envelope.event.as_ref().and_then(|e| e.kind.clone()).unwrap_or_default();
    let content = gather(envelope, scope, parts, None, None)?;
    let number = scope.text("RF1", 6, 1);
    let cancelled = trigger == "I14";
    let changed = trigger == "I13";
    if !cancelled {
        let stamp = scope.first_stamp(&[("RF1", 7, 1), ("EVN", 2, 1)]);
        envelope.occurred_at = stamp.filter(|s| s.precision > Precision::Month).map(|s| s.at);
    }
    if let Some(event) = envelope.event.as_mut() {
        event.document.clone_from(&number);
        event.status = scope.text("RF1", 1, 1);
        event.key = number.map(|n| format!("referral:{n}"));
        event.corrects = event.key.clone().filter(|_| cancelled || changed);
    }
    envelope.document_kind = Some("referral_letter".to_owned());
    let from = doctor(scope, "RP");
    if cancelled {
        let name = "診療情報提供書";
        envelope.urgency = Some(Urgency::Urgent);
        envelope.title = Some(format!("{name}（取消）"));
        let fields = [("what", Some(name)), ("from", from.as_deref())];
        envelope.body = Some(fill(template!("referral_cancelled"), &fields));
        return Ok(());
    }
    // RF1-2: emergency and as soon as possible of table 0280.
    let soon = matches!(scope.text("RF1", 2, 1).as_deref(), Some("S" | "A" | "E"));
    envelope.urgency = Some(if soon || changed { Urgency::Urgent } else { Urgency::Normal });
    let purpose = scope.coded("RF1", 3);
    let name = if kind == "RRI" { "診療情報提供書の返書" } else { "診療情報提供書" };
    envelope.title = Some(match (&purpose, changed) {
        (_, true) => format!("{name}（訂正）"),
        (Some(purpose), false) => format!("{name}（{purpose}）"),
        (None, false) => name.to_owned(),
    });
    if kind == "REF" {
        envelope.reply_expectation = Some(ReplyExpectation::Reply);
    }
    let diagnosis = diagnoses(scope);
    let decision = (kind == "RRI").then(|| status_in_words(scope)).flatten();
    let attached = (!envelope.attachments.is_empty()).then(|| "添付の文書をご覧ください。".to_owned());
    let text = content.text.or(content.cda).or(attached);
    let to = doctor(scope, "RT");
    let fields = [
        ("from", from.as_deref()),
        ("to", to.as_deref()),
        ("diagnosis", diagnosis.as_deref()),
        ("decision", decision.as_deref()),
        ("text", text.as_deref()),
    ];
    envelope.body = Some(fill(template!("referral"), &fields)).filter(|b| !b.is_empty());
    Ok(())
}

/// RF1-1 of table 0283, else its words.
fn status_in_words(scope: &Scope<'_>) -> Option<String> {
    let known = match scope.text("RF1", 1, 1).as_deref() {
        Some("A") => Some("受け入れ"),
        Some("R") => Some("お断り"),
        Some("P") => Some("検討中"),
        Some("E") => Some("期限切れ"),
        _ => None,
    };
    known.map(str::to_owned).or_else(|| scope.coded("RF1", 1))
}

/// The provider with this role: institution and name.
fn doctor(scope: &Scope<'_>, role: &str) -> Option<String> {
    let prd = scope.view.all("PRD").find(|p| p.repeats(1).any(|o| o.text(1).as_deref() == Some(role)))?;
    let person_name = name(&prd, 2).or_else(|| person(&prd, 2));
    let institution = [4, 1, 9].into_iter().find_map(|component| prd.repeats(4).next()?.sub(component, 1));
    let both: Vec<String> = [institution, person_name].into_iter().flatten().collect();
    (!both.is_empty()).then(|| both.join(" "))
}

fn diagnoses(scope: &Scope<'_>) -> Option<String> {
    let names: Vec<String> =
        scope.view.all("DG1").filter_map(|d| d.coded(3).or_else(|| d.text(4, 1))).take(50).collect();
    (!names.is_empty()).then(|| names.join("、"))
}
