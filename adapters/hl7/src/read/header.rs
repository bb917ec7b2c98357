//! Who sent what: MSH into sender, message id and event (hl7.md section 1), and answers of the other
//! side, which report what became of something we sent.

use super::scope::Scope;
use crate::charset::Used;
use crate::header::Header;
use crate::message::View;
use crate::message_type::{MessageType, event_of};
use kakehashi_core::envelope::{Charset, Envelope, Event, Report, ReportOutcome};
use kakehashi_core::vocabulary::Intent;

pub(super) fn fill(
    envelope: &mut Envelope,
    header: &Header<'_>,
    view: &View<'_>,
    declared: Option<String>,
    used: Used,
) {
    envelope.intent = Intent::Unknown;
    let msh = view.first("MSH");
    let text = |field, component| msh.as_ref().and_then(|s| s.text(field, component));
    envelope.sender.application = text(3, 1);
    envelope.sender.facility = text(4, 1);
    let control_id = String::from_utf8_lossy(header.field(10)).into_owned();
    let control_id = Some(control_id).filter(|id| !id.trim().is_empty());
    envelope.message_id = control_id.as_ref().map(|id| {
        let part = |field| text(field, 1).unwrap_or_default();
        format!("{}|{}|{}", part(3), part(4), id.trim())
    });
    let MessageType { kind, trigger: stated, repaired } = header.message_type();
    let of_evn = view.first("EVN").and_then(|s| event_of([s.text(1, 1), s.text(1, 2)]));
    let trigger = stated.clone().or_else(|| of_evn.clone());
    if repaired {
        let event = trigger.as_deref().unwrap_or("no event");
        envelope
            .warn("message_type_repaired", format!("MSH-9 is not written as usual; read as {kind}, {event}"));
    }
    match (&stated, &of_evn) {
        (None, Some(event)) => {
            envelope.warn("event_from_evn", format!("MSH-9.2 names no event; {event} is from EVN-1"));
        }
        (Some(stated), Some(event)) if stated != event => {
            envelope
                .warn("event_mismatch", format!("EVN-1 names {event}; MSH-9 counts, which names {stated}"));
        }
        _ => {}
    }
    envelope.event = Some(Event {
        kind: Some(kind).filter(|kind| !kind.is_empty()),
        trigger,
        control_id,
        version: text(12, 1),
        charset: Some(Charset { declared, used: used.name().to_owned() }),
        ..Event::default()
    });
}

/// An ACK: AA and CA tell 送達, the others 不達.
pub(super) fn compose_answer(envelope: &mut Envelope, scope: &Scope<'_>) {
    envelope.intent = Intent::DeliveryReport;
    let code = scope.text("MSA", 1, 1);
    let delivered = matches!(code.as_deref(), Some("AA" | "CA"));
    let words = scope.text("MSA", 3, 1).or_else(|| scope.text("ERR", 8, 1));
    envelope.report = Some(Report {
        outcome: if delivered { ReportOutcome::Delivered } else { ReportOutcome::Failed },
        recipient: envelope.sender.facility.clone(),
        original: scope.text("MSA", 2, 1),
        status: code.map(|code| match words {
            Some(words) => format!("{code} {words}"),
            None => code,
        }),
    });
}
