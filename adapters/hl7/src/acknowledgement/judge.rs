//! The judgement of a message for its answer (hl7.md 3.2). One pass over raw bytes: microseconds for
//! an ADT, a few milliseconds for megabytes of base64. AE and AR end the sender's attempts, so they
//! are given only where a person at the hospital must act; everything else is for triage and AA.

use super::{AnswerCode, Place, Reason};
use crate::InterfaceProfile;
use crate::charset::label::{Declared, read as read_label};
use crate::charset::mend::mend;
use crate::charset::{ends_inside_utf8, is_wide, iso2022};
use crate::embedded::{Encoding, is_sound};
use crate::header::{Header, ascii, header_separator, line_end, skip_lead, split_outside_two_byte};
use crate::message_type::{MessageType, event_of};

/// Types whose every message speaks of a patient.
const NEED_PATIENT: &[&str] = &[
    "ADT", "MDM", "OMD", "OMG", "OML", "OMP", "ORM", "ORU", "OUL", "PPR", "RAS", "RDE", "RDS", "REF", "VXU",
];
/// Types that say nothing without their event.
const WITH_EVENT: &[&str] = &["ADT", "MDM"];
/// Further types that are known here, if only to be parked.
const KNOWN: &[&str] = &["ACK", "BAR", "DFT", "OMI", "OMS", "RRI", "SIU", "SRM"];

/// What a message is, as far as its answer is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Can be taken.
    Sound,
    /// Is stored, but a person at the hospital must act.
    ContentError(Reason),
    /// Is no message that may be read; its bytes are stored for the office.
    Rejected(Reason),
}

/// A judged message.
#[derive(Debug, Clone)]
pub struct Judgement<'a> {
    /// The header, if there is a usable one.
    pub header: Option<Header<'a>>,
    /// What it is.
    pub verdict: Verdict,
    /// The sequence number that is expected next, told in MSA-4 where the interface uses the protocol.
    pub expected: Option<i64>,
    /// What the words of the reason leave open, ASCII: a limit, a number.
    pub note: Option<String>,
}

/// Judges a message without framing.
#[must_use]
pub fn judge<'a>(message: &'a [u8], profile: &InterfaceProfile) -> Judgement<'a> {
    judged(message, profile, true)
}

/// As [`judge`] for a reader, which decodes the embedded files itself and says what is wrong with them.
#[must_use]
pub fn judge_without_files<'a>(message: &'a [u8], profile: &InterfaceProfile) -> Judgement<'a> {
    judged(message, profile, false)
}

fn judged<'a>(message: &'a [u8], profile: &InterfaceProfile, with_files: bool) -> Judgement<'a> {
    let header = if is_wide(message) { None } else { Header::find(message) };
    let verdict = match &header {
        None if is_wide(message) => Verdict::Rejected(Reason::CHARSET),
        None => Verdict::Rejected(Reason::NO_HEADER),
        Some(header) => verdict(message, header, profile, with_files),
    };
    let note = match verdict {
        Verdict::Rejected(Reason::PROCESSING_ID) => {
            Some(format!("it takes {}", profile.accepted_processing_ids.join(", ")))
        }
        _ => None,
    };
    Judgement { header, verdict, expected: None, note }
}

fn verdict(message: &[u8], header: &Header<'_>, profile: &InterfaceProfile, with_files: bool) -> Verdict {
    // A set that was left open would hide the separators after it.
    let mended = mend(message);
    let message = mended.bytes.as_ref();
    let MessageType { kind, trigger, .. } = header.message_type();
    let declared = header.declared_charset().map_or(Declared::Nothing, |d| read_label(&d));
    if declared == Declared::Wide {
        return Verdict::Rejected(Reason::CHARSET);
    }
    if kind.is_empty() {
        return Verdict::Rejected(Reason::NO_TYPE);
    }
    if !profile.accepts_processing_id(&header.text(11, 1)) {
        return Verdict::Rejected(Reason::PROCESSING_ID);
    }
    let known = NEED_PATIENT.contains(&kind.as_str()) || KNOWN.contains(&kind.as_str());
    if !known && profile.unknown_type == crate::UnknownType::Reject {
        return Verdict::Rejected(Reason::UNKNOWN_TYPE);
    }
    if header.field(10).iter().all(u8::is_ascii_whitespace) {
        return Verdict::ContentError(Reason::NO_CONTROL_ID);
    }
    if (!mended.sound && iso2022::is_truncated(message))
        || (!message.is_ascii() && ends_inside_utf8(message) && starts_utf8(message))
    {
        return Verdict::ContentError(Reason::TRUNCATED);
    }
    let (mut has_patient, mut results) = (false, 0);
    let mut has_event = !WITH_EVENT.contains(&kind.as_str()) || trigger.is_some();
    for line in lines(message) {
        has_patient |= header_separator(line, b"PID").is_some();
        has_event |= names_event(line, header);
        results += u32::from(line.starts_with(b"OBX"));
        if with_files && is_damaged_file(line, header) {
            let place = Place { segment: "OBX", sequence: Some(results), field: Some(5) };
            return Verdict::ContentError(Reason { place: Some(place), ..Reason::DAMAGED_FILE });
        }
    }
    if !has_event {
        return Verdict::ContentError(Reason::NO_EVENT);
    }
    if !has_patient && NEED_PATIENT.contains(&kind.as_str()) {
        return Verdict::ContentError(Reason::NO_PATIENT);
    }
    Verdict::Sound
}

/// Whether the text before the cut is UTF-8 with more than ASCII in it: CP932 ends the same way.
fn starts_utf8(message: &[u8]) -> bool {
    std::str::from_utf8(message).is_err_and(|e| !message[..e.valid_up_to()].is_ascii())
}

fn lines(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = message;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = line_end(rest);
        let line = skip_lead(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line)
    })
}

/// EVN-1, which says what happened where MSH-9.2 does not.
fn names_event(line: &[u8], header: &Header<'_>) -> bool {
    if !line.starts_with(b"EVN") {
        return false;
    }
    let mut fields = split_outside_two_byte(line, ascii(header.separators.field)).skip(1);
    let mut components =
        split_outside_two_byte(fields.next().unwrap_or_default(), ascii(header.separators.component));
    let mut component = || components.next().map(|c| String::from_utf8_lossy(c).into_owned());
    event_of([component(), component()]).is_some()
}

/// OBX of type ED whose data cannot be decoded. A part of a split file may end anywhere, so only its
/// letters are checked here; joining is for the reader.
fn is_damaged_file(line: &[u8], header: &Header<'_>) -> bool {
    let separators = header.separators;
    if !line.starts_with(b"OBX") {
        return false;
    }
    let mut fields = split_outside_two_byte(line, ascii(separators.field)).skip(2);
    if fields.next() != Some(b"ED") {
        return false;
    }
    let Some(value) = fields.nth(2) else { return false };
    let mut components = split_outside_two_byte(value, ascii(separators.component)).skip(3);
    let encoding = Encoding::read(&String::from_utf8_lossy(components.next().unwrap_or_default()));
    let data = components.next().unwrap_or_default();
    let escape = ascii(separators.escape);
    match encoding {
        Encoding::Literal => false,
        Encoding::Base64 | Encoding::Hex => !data.is_empty() && !is_sound(data, encoding, escape),
    }
}

impl Judgement<'_> {
    /// Why, unless the message is sound.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        match self.verdict {
            Verdict::Sound => None,
            Verdict::ContentError(reason) | Verdict::Rejected(reason) => Some(reason),
        }
    }

    /// What to answer once the bytes are durable; `None` for silence (hl7.md 3.1, 3.2). In enhanced
    /// mode this is the commit answer, and the application answer only where no commit answer is due.
    #[must_use]
    pub fn answer(&self) -> Option<AnswerCode> {
        let Some(header) = &self.header else { return Some(AnswerCode::ApplicationReject) };
        // An answer is never answered, or two machines would talk for ever.
        if header.message_type().kind == "ACK" {
            return None;
        }
        let (commit, application) = (condition(header, 15), condition(header, 16));
        if commit.is_empty() && application.is_empty() {
            return Some(self.application_code());
        }
        let rejected = matches!(self.verdict, Verdict::Rejected(_));
        if is_due(&commit, rejected) {
            return Some(if rejected { AnswerCode::CommitReject } else { AnswerCode::CommitAccept });
        }
        let failed = !matches!(self.verdict, Verdict::Sound);
        (!rejected && is_due(&application, failed)).then(|| self.application_code())
    }

    /// The application answer that follows the commit answer as a message of its own, once the bytes are
    /// durable (hl7.md 3.1, 3.2); `None` where none is asked for or the commit answer was none.
    #[must_use]
    pub fn later_answer(&self) -> Option<AnswerCode> {
        let header = self.header.as_ref().filter(|h| h.message_type().kind != "ACK")?;
        let (commit, application) = (condition(header, 15), condition(header, 16));
        let rejected = matches!(self.verdict, Verdict::Rejected(_));
        let failed = !matches!(self.verdict, Verdict::Sound);
        (!rejected && is_due(&commit, false) && is_due(&application, failed)).then(|| self.application_code())
    }

    /// What to answer if the gateway refuses to store the message.
    #[must_use]
    pub fn refusal(&self) -> Option<AnswerCode> {
        let verdict = Verdict::Rejected(Reason::REFUSED);
        let rejected =
            Judgement { header: self.header.clone(), verdict, expected: self.expected, note: None };
        rejected.answer()
    }

    const fn application_code(&self) -> AnswerCode {
        match self.verdict {
            Verdict::Sound => AnswerCode::ApplicationAccept,
            Verdict::ContentError(_) => AnswerCode::ApplicationError,
            Verdict::Rejected(_) => AnswerCode::ApplicationReject,
        }
    }
}

/// MSH-15 or MSH-16. What table 0155 does not know says nothing: its sender would wait for ever.
fn condition(header: &Header<'_>, field: usize) -> String {
    let told = header.text(field, 1).trim().to_ascii_uppercase();
    if matches!(told.as_str(), "AL" | "NE" | "ER" | "SU") { told } else { String::new() }
}

/// Table 0155. Empty in enhanced mode means never.
fn is_due(condition: &str, failed: bool) -> bool {
    match condition {
        "AL" => true,
        "ER" => failed,
        "SU" => !failed,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(message: &str) -> Option<&'static str> {
        judge(message.as_bytes(), &InterfaceProfile::default()).answer().map(AnswerCode::code)
    }

    #[test]
    fn the_table_of_modes() {
        for (fifteen, sixteen, sound, no_patient, no_type) in [
            ("", "", Some("AA"), Some("AE"), Some("AR")),
            ("AL", "AL", Some("CA"), Some("CA"), Some("CR")),
            ("AL", "NE", Some("CA"), Some("CA"), Some("CR")),
            ("ER", "ER", None, Some("AE"), Some("CR")),
            ("ER", "NE", None, None, Some("CR")),
            ("SU", "NE", Some("CA"), Some("CA"), None),
            ("NE", "AL", Some("AA"), Some("AE"), None),
            ("NE", "NE", None, None, None),
            ("al", "ne", Some("CA"), Some("CA"), Some("CR")),
            ("XX", "\"\"", Some("AA"), Some("AE"), Some("AR")),
            ("XX", "AL", Some("AA"), Some("AE"), None),
        ] {
            let head = |kind: &str| format!("MSH|^~\\&|A|B|C|D|2026||{kind}|1|P|2.5|||{fifteen}|{sixteen}\r");
            assert_eq!(answer(&format!("{}PID|1\r", head("ADT^A01"))), sound, "{fifteen}/{sixteen}");
            assert_eq!(answer(&head("ADT^A01")), no_patient, "{fifteen}/{sixteen} without patient");
            assert_eq!(answer(&head("")), no_type, "{fifteen}/{sixteen} without type");
        }
        assert_eq!(answer("MSH|^~\\&|A|B|C|D|2026||ACK^A01|1|P|2.5\rMSA|AA|1\r"), None);
        assert_eq!(answer("MSH|^~\\&|A|B|C|D|2026||ack|1|P|2.5\rMSA|AA|1\r"), None);
        assert_eq!(answer("MSH|^~\\&|A|B|C|D|2026||adt^a01|1|P|2.5\rPID|1\r"), Some("AA"));
        assert_eq!(answer("hello"), Some("AR"));
        assert_eq!(answer("MSH|^~\\&|A|B|C|D|2026||SIU^S12|1|P|2.5\rSCH|1\r"), Some("AA"));
    }

    #[test]
    fn the_later_answer_of_enhanced_mode() {
        for (fifteen, sixteen, sound, no_patient) in [
            ("", "", None, None),
            ("AL", "AL", Some("AA"), Some("AE")),
            ("AL", "ER", None, Some("AE")),
            ("AL", "SU", Some("AA"), None),
            ("AL", "NE", None, None),
            ("NE", "AL", None, None),
        ] {
            let head = format!("MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5|||{fifteen}|{sixteen}\r");
            let later = |message: &str| {
                judge(message.as_bytes(), &InterfaceProfile::default()).later_answer().map(AnswerCode::code)
            };
            assert_eq!(later(&format!("{head}PID|1\r")), sound, "{fifteen}/{sixteen}");
            assert_eq!(later(&head), no_patient, "{fifteen}/{sixteen} without patient");
        }
    }

    #[test]
    fn what_to_mend_is_told_by_place() {
        let judged = |body: &str| {
            let message = format!("MSH|^~\\&|A|B|C|D|2026||{body}");
            judge(message.as_bytes(), &InterfaceProfile::default()).reason()
        };
        let files = "ORU^R01|1|P|2.5\rPID|1\rOBX|1|NM|K||4\rOBX|2|ED|D||^AP^PDF^Base64^JVBERi0x\rOBX|3|ED|D||^AP^PDF^Base64^*%*\r";
        let place = judged(files).unwrap().place;
        assert_eq!(place, Some(Place { segment: "OBX", sequence: Some(3), field: Some(5) }));
        assert_eq!(judged("ADT|1|P|2.5\rPID|1\r"), Some(Reason::NO_EVENT));
        assert_eq!(judged("ADT|1|P|2.5\rEVN||20260609\rPID|1\r"), Some(Reason::NO_EVENT));
        assert_eq!(judged("ADT|1|P|2.5\rEVN|A01\rPID|1\r"), None);
        assert_eq!(judged("ADT^^ADT_A03|1|P|2.5\rPID|1\r"), None);
        assert_eq!(judged("ADT^^ADT_A01|1|P|2.5\rPID|1\r"), Some(Reason::NO_EVENT), "of A13 too");
        assert_eq!(judged("ORU|1|P|2.5\rPID|1\r"), None, "results speak for themselves");
        assert_eq!(judged("ACK|1|P|2.5\rMSA|AA|1\r"), None);
        let test = judge(b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|T|2.5\rPID|1\r", &InterfaceProfile::default());
        assert_eq!(test.note.as_deref(), Some("it takes P"));
    }

    #[test]
    fn types_that_nobody_knows() {
        let message = b"MSH|^~\\&|A|B|C|D|2026||QQQ^Q01|1|P|2.5\r";
        let reject =
            InterfaceProfile { unknown_type: crate::UnknownType::Reject, ..InterfaceProfile::default() };
        assert_eq!(judge(message, &reject).verdict, Verdict::Rejected(Reason::UNKNOWN_TYPE));
        assert_eq!(judge(message, &InterfaceProfile::default()).verdict, Verdict::Sound);
    }

    proptest! {
        #[test]
        fn judging_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..300), tail in "[|^~\\\\&A-Z0-9\r\n\u{1b}$(B]{0,200}") {
            let profile = InterfaceProfile::default();
            let _ = judge(&bytes, &profile).answer();
            let message = [b"MSH|^~\\&|", tail.as_bytes(), &bytes].concat();
            let judgement = judge(&message, &profile);
            let _ = (judgement.answer(), judgement.refusal());
        }
    }
}
