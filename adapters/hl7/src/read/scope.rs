//! What all composers of one message share: its segments, the names agreed for the interface, and
//! times in the interface's zone. Never writes into an Envelope.

use crate::InterfaceProfile;
use crate::message::View;
use crate::time::Stamp;
use jiff::tz::Offset;
use kakehashi_core::clock::JAPAN;
use kakehashi_core::envelope::{Envelope, NameKind};

pub(super) struct Scope<'m> {
    pub(super) view: View<'m>,
    pub(super) profile: Option<&'m InterfaceProfile>,
    offset: Offset,
}

impl<'m> Scope<'m> {
    pub(super) fn new(view: View<'m>, profile: Option<&'m InterfaceProfile>) -> Self {
        Self { view, profile, offset: profile.map_or(JAPAN, InterfaceProfile::offset) }
    }

    /// A field of the first such segment, as text.
    pub(super) fn text(&self, segment: &str, field: usize, component: usize) -> Option<String> {
        self.view.first(segment)?.text(field, component)
    }

    pub(super) fn coded(&self, segment: &str, field: usize) -> Option<String> {
        self.view.first(segment)?.coded(field)
    }

    pub(super) fn stamp(&self, text: &str) -> Option<Stamp> {
        Stamp::read(text, self.offset)
    }

    /// The first of these fields that holds a time.
    pub(super) fn first_stamp(&self, places: &[(&str, usize, usize)]) -> Option<Stamp> {
        places.iter().find_map(|(segment, field, component)| {
            self.text(segment, *field, *component).and_then(|text| self.stamp(&text))
        })
    }

    /// The hospital as posts name it; else MSH-4 as written.
    pub(super) fn facility(&self) -> Option<String> {
        let named = self.profile.and_then(|p| p.facility_name.clone());
        named.or_else(|| self.text("MSH", 4, 1)).or_else(|| self.text("MSH", 3, 1))
    }

    /// A ward as posts name it, and whether the name is an agreed one.
    pub(super) fn ward(&self, code: &str) -> (String, bool) {
        match self.profile.and_then(|p| p.ward_names.get(code)) {
            Some(name) => (name.clone(), true),
            None => (code.to_owned(), false),
        }
    }

    /// Hospital and ward: 桜見中央病院5階東, or with a code that has no name 桜見中央病院 5E.
    pub(super) fn place(&self, envelope: &Envelope) -> String {
        let facility = self.facility().unwrap_or_else(|| "病院".to_owned());
        let ward = envelope.event.as_ref().and_then(|e| e.visit.as_ref()).and_then(|v| v.ward.as_deref());
        let agreed = ward.map(|code| self.ward(code)).filter(|(_, is_agreed)| *is_agreed);
        // Senders that write the name itself put it into the description.
        let described = || self.text("PV1", 3, 9).map(|name| (name, true));
        match agreed.or_else(described).or_else(|| ward.map(|code| self.ward(code))) {
            Some((ward, true)) => format!("{facility}{ward}"),
            Some((ward, false)) => format!("{facility} {ward}"),
            None => facility,
        }
    }
}

/// The patient as sentences name them: 山本千代. Nobody is named where no name could be read.
pub(super) fn patient_in_words(envelope: &Envelope) -> String {
    let name = [NameKind::Kanji, NameKind::Kana, NameKind::Alphabet]
        .into_iter()
        .find_map(|kind| envelope.patient.names.iter().find(|n| n.kind == kind));
    match name {
        Some(name) if name.kind == NameKind::Alphabet => name.text.clone(),
        Some(name) => name.text.replace(' ', ""),
        None => "患者".to_owned(),
    }
}

/// A person of type XCN: family and given name, kanji before kana. Names with characters that could
/// not be read are left out.
pub(super) fn person(segment: &crate::message::Segment<'_>, field: usize) -> Option<String> {
    let mut fallback = None;
    for occurrence in segment.repeats(field) {
        let parts = [occurrence.sub(2, 1), occurrence.text(3)];
        let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        if name.is_empty() || name.contains('\u{fffd}') {
            continue;
        }
        if occurrence.text(15).as_deref() == Some("I") {
            return Some(name);
        }
        fallback.get_or_insert(name);
    }
    fallback
}

/// A name of type XPN: family and given name come first. Nothing if it could not be read.
pub(super) fn name(segment: &crate::message::Segment<'_>, field: usize) -> Option<String> {
    let occurrence = segment.repeats(field).next()?;
    let parts: Vec<String> = [occurrence.sub(1, 1), occurrence.text(2)].into_iter().flatten().collect();
    let name = parts.join(" ");
    (!name.is_empty() && !name.contains('\u{fffd}')).then_some(name)
}
