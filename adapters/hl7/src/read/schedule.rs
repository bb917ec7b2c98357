//! SIU: outpatient appointments (hl7.md section 10), keyed by the appointment's number so that a change
//! or a cancellation finds the post before it.

use super::scope::{Scope, patient_in_words, person};
use super::wording::{fill, template};
use crate::time::Stamp;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::vocabulary::{Intent, Urgency};

pub(super) fn compose(envelope: &mut Envelope, scope: &Scope<'_>) {
    envelope.intent = Intent::ClinicalEvent;
    let trigger = envelope.event.as_ref().and_then(|e| e.trigger.clone()).unwrap_or_default();
    let missed = trigger == "S26";
    let cancelled = missed || matches!(trigger.as_str(), "S15" | "S16" | "S17");
    let changed = matches!(trigger.as_str(), "S13" | "S14" | "S18" | "S19" | "S20" | "S21" | "S22");
    let starts = scope.first_stamp(&[
        ("SCH", 11, 4),
        ("TQ1", 7, 1),
        ("AIS", 4, 1),
        ("AIG", 8, 1),
        ("AIL", 6, 1),
        ("AIP", 6, 1),
    ]);
    let appointment = scope.text("SCH", 2, 1).or_else(|| scope.text("SCH", 1, 1));
    if let Some(event) = envelope.event.as_mut() {
        event.status = scope.text("SCH", 25, 1);
        event.key = appointment.map(|id| format!("appointment:{id}"));
        event.corrects = event.key.clone().filter(|_| cancelled || changed);
    }
    if !cancelled {
        envelope.occurred_at = starts.map(|s| s.at);
    }
    envelope.urgency = Some(if cancelled || changed { Urgency::Urgent } else { Urgency::Normal });
    let suffix = match (cancelled, changed) {
        (true, _) if missed => "（来院なし）",
        (true, _) => "（取消）",
        (false, true) => "（変更）",
        (false, false) => "",
    };
    envelope.title = Some(format!("外来予約{suffix}"));
    let service = scope.coded("AIS", 3).or_else(|| scope.coded("SCH", 7)).or_else(|| scope.coded("SCH", 8));
    let location = scope.coded("AIL", 3);
    // Why it is cancelled stands where the booking had its purpose, or in the event reason.
    let reason = scope.coded("SCH", 6).or_else(|| scope.coded("SCH", 7).filter(|_| cancelled));
    let doctor = scope.view.all("AIP").find_map(|aip| person(&aip, 3));
    let patient = patient_in_words(envelope);
    let (at, facility) = (starts.map(Stamp::in_words), scope.facility());
    let fields = [
        ("patient", Some(patient.as_str())),
        ("at", at.as_deref()),
        ("text", service.as_deref()),
        ("location", location.as_deref()),
        ("reason", reason.as_deref()),
        ("doctor", doctor.as_deref()),
        ("facility", facility.as_deref()),
    ];
    let template = match (missed, cancelled, changed) {
        (true, _, _) => template!("appointment_missed"),
        (false, true, _) => template!("appointment_cancelled"),
        (false, false, true) => template!("appointment_changed"),
        (false, false, false) => template!("appointment"),
    };
    envelope.body = Some(fill(template, &fields));
}
