//! PID as written (hl7.md section 5): every identifier with its authority, names by their script, a
//! birth date that exists. Nothing is matched, and a name that was not decoded well is left out, so
//! that nobody is found by it.

use crate::message::{Occurrence, View};
use crate::time::date_of;
use kakehashi_core::clinical_event::tells_death;
use kakehashi_core::envelope::{Envelope, Identifier, NameKind, PatientName};
use kakehashi_core::text::date::read_date;
use kakehashi_core::text::fold::{is_kana, widen_kana};

const MAX_IDENTIFIERS: usize = 20;
const MAX_NAMES: usize = 20;

pub(super) fn fill(envelope: &mut Envelope, view: &View<'_>) {
    let Some(pid) = view.first("PID") else { return };
    envelope.patient.identifiers =
        pid.repeats(3).filter_map(|o| identifier(&o)).take(MAX_IDENTIFIERS).collect();
    if envelope.patient.identifiers.is_empty()
        && let Some(id) = pid.repeats(2).next().and_then(|o| identifier(&o))
    {
        envelope.patient.identifiers.push(id);
        envelope.warn("patient_id_from_pid2", "PID-3 is empty; the number is from PID-2");
    }
    let mut names = Names::default();
    if view.message().is_realigned(b"PID") {
        names.unreadable = true;
    } else {
        for occurrence in pid.repeats(5).take(MAX_NAMES) {
            names.take(&occurrence);
        }
    }
    if names.unreadable {
        envelope.warn("name_unreadable", "a name of the patient could not be decoded and is left out");
        if !envelope.warnings.iter().any(|w| w.code == "charset_mismatch") {
            envelope.warn("charset_mismatch", "the sender did not return to ASCII before a separator");
        }
    }
    envelope.patient.names = names.paired();
    if let Some(written) = pid.text(7, 1) {
        // Old systems write the era: S13.4.12, 昭和13年4月12日.
        envelope.patient.birth_date =
            date_of(&written).or_else(|| read_date(&written).map(|date| date.to_string()));
        if envelope.patient.birth_date.is_none() {
            envelope.warn("birth_date_invalid", "PID-7 is no date of the calendar");
        }
    }
    envelope.patient.sex = pid.text(8, 1).and_then(|s| sex(&s)).map(str::to_owned);
}

/// PID-29 or PID-30 tells a death, or PV1-36 that the stay ended with it (user table 0112).
pub(super) fn has_died(view: &View<'_>) -> bool {
    let disposition = view.first("PV1").and_then(|pv1| pv1.coded_or_words(36));
    is_dead(view) || disposition.as_deref().is_some_and(tells_death)
}

/// PID-29 or PID-30 tells a death.
pub(super) fn is_dead(view: &View<'_>) -> bool {
    let Some(pid) = view.first("PID") else { return false };
    match pid.text(30, 1) {
        Some(told) if told.eq_ignore_ascii_case("Y") => true,
        Some(told) if told.eq_ignore_ascii_case("N") => false,
        _ => pid.text(29, 1).is_some_and(|at| date_of(&at).is_some()),
    }
}

/// Table 0001, and what Japanese systems write instead.
fn sex(written: &str) -> Option<&'static str> {
    Some(match written.trim().to_ascii_uppercase().as_str() {
        "F" | "FEMALE" | "2" | "女" | "女性" => "F",
        "M" | "MALE" | "1" | "男" | "男性" => "M",
        "O" => "O",
        "U" => "U",
        "A" => "A",
        "N" => "N",
        _ => return None,
    })
}

pub(super) fn identifier(occurrence: &Occurrence<'_>) -> Option<Identifier> {
    let id = occurrence.text(1)?;
    Some(Identifier {
        id,
        authority: occurrence.sub(4, 1).or_else(|| occurrence.sub(4, 2)),
        kind: occurrence.text(5),
    })
}

#[derive(Default)]
struct Names {
    kanji: Vec<String>,
    kana: Vec<String>,
    alphabet: Vec<String>,
    unreadable: bool,
}

impl Names {
    fn take(&mut self, occurrence: &Occurrence<'_>) {
        let family = occurrence.sub(1, 1);
        let given = occurrence.text(2);
        let third = occurrence.text(3);
        let name = join([family, given]);
        let Some(name) = name else { return };
        let code = occurrence.text(8);
        if name.contains('\u{fffd}') || (code.is_none() && !name.is_ascii() && is_shifted(occurrence)) {
            self.unreadable = true;
            return;
        }
        match code.as_deref() {
            // A phonetic name that is no kana was decoded wrongly or is none.
            Some("P") if is_kana(&name) => self.kana.push(widen_kana(&name)),
            Some("P") if name.is_ascii() => self.alphabet.push(name),
            Some("P") => self.unreadable = true,
            Some("A") => self.alphabet.push(name),
            Some("I") => self.kanji.push(name),
            _ if is_kana(&name) => self.kana.push(widen_kana(&name)),
            _ if name.is_ascii() => self.alphabet.push(name),
            _ => self.kanji.push(name),
        }
        // Old systems write the kana name whole into the third component.
        if code.is_none()
            && let Some(kana) = third.map(spaced).filter(|t| is_kana(t))
        {
            self.kana.push(widen_kana(&kana));
        }
    }

    fn paired(self) -> Vec<PatientName> {
        let mut kana = self.kana.into_iter();
        let mut names: Vec<PatientName> = Vec::new();
        for text in self.kanji {
            names.push(PatientName { text, kana: kana.next(), kind: NameKind::Kanji });
        }
        names.extend(kana.map(|text| PatientName { kana: Some(text.clone()), text, kind: NameKind::Kana }));
        names.extend(self.alphabet.into_iter().map(|text| PatientName {
            text,
            kana: None,
            kind: NameKind::Alphabet,
        }));
        names
    }
}

/// A script code that is not at its place: separators were swallowed before it.
fn is_shifted(occurrence: &Occurrence<'_>) -> bool {
    let last = occurrence.component_count();
    (3..8).contains(&last)
        && matches!(occurrence.text(last).as_deref(), Some("I" | "P" | "A"))
        && occurrence.text(last - 1).is_some()
}

fn join(parts: [Option<String>; 2]) -> Option<String> {
    let name = parts.into_iter().flatten().map(spaced).collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some(name)
}

/// Ideographic blanks and several blanks become one.
fn spaced(name: String) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}
