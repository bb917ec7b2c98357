//! PV1 as written (hl7.md section 6). Codes stay codes here; only sentences use the names agreed with
//! the hospital.

use super::scope::{Scope, person};
use crate::time::Precision;
use kakehashi_core::envelope::{Envelope, Visit};

pub(super) fn fill(envelope: &mut Envelope, scope: &Scope<'_>) {
    if let Some(event) = envelope.event.as_mut() {
        let exact = |field| {
            let stamp = scope.first_stamp(&[("EVN", field, 1)]);
            stamp.filter(|s| s.precision == Precision::Time).map(|s| s.at)
        };
        event.recorded_at = exact(2);
        event.occurred_at = exact(6);
    }
    let Some(pv1) = scope.view.first("PV1") else { return };
    let time = |field| {
        let stamp = pv1.text(field, 1).and_then(|t| scope.stamp(&t));
        stamp.filter(|s| s.precision > Precision::Month).map(|s| s.at)
    };
    let visit = Visit {
        number: pv1.text(19, 1),
        class: pv1.text(2, 1),
        ward: pv1.text(3, 1),
        room: pv1.text(3, 2),
        bed: pv1.text(3, 3),
        department: pv1.text(10, 1),
        attending: person(&pv1, 7),
        admitted_at: time(44),
        discharged_at: time(45),
        disposition: pv1.coded_or_words(36),
    };
    if visit != Visit::default()
        && let Some(event) = envelope.event.as_mut()
    {
        event.visit = Some(visit);
    }
}
