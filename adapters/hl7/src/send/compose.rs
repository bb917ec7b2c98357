//! A note as an HL7 message (hl7.md 14): MDM^T02, T06, T10 or T11, ORU^R01 or R30, or RRI^I12, by the interface's profile.
//! The same note gives the same bytes at every attempt, so that a receiver recognises a resend however it
//! looks for one. Nothing but the hospital's own number and name of the patient stands in it.

use super::encode::{encode, fit};
use super::profile::{Acknowledging, OutboxEncoding, OutboxEvent, OutboxProfile, field_place};
use base64::Engine as _;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::rendered::{HospitalNote, NoteKind, RenderedFile};

/// Characters of one OBX line (hl7.md 14: 76 are safe everywhere).
const LINE_CHARS: usize = 76;
/// Most lines of a note.
const MAX_LINES: usize = 400;
/// Files of a note together; an interface that takes more is rare, and FAX and mail carry the rest.
const MAX_FILE_BYTES: usize = 20 * 1024 * 1024;

/// One segment; fields count from 1 as the standard counts.
struct Segment {
    name: &'static str,
    fields: Vec<String>,
}

impl Segment {
    fn new(name: &'static str, fields: &[(usize, String)]) -> Self {
        let mut segment = Self { name, fields: Vec::new() };
        for (number, value) in fields {
            segment.set(*number, value.clone());
        }
        segment
    }

    fn set(&mut self, number: usize, value: String) {
        if self.fields.len() < number {
            self.fields.resize(number, String::new());
        }
        if let Some(field) = number.checked_sub(1).and_then(|i| self.fields.get_mut(i)) {
            *field = value;
        }
    }

    fn write(&self, out: &mut String) {
        out.push_str(self.name);
        // MSH-1 is the separator itself.
        let skip = usize::from(self.name == "MSH");
        let filled = self.fields.iter().rposition(|f| !f.is_empty()).map_or(0, |last| last + 1);
        for field in self.fields.iter().take(filled).skip(skip) {
            out.push('|');
            out.push_str(field);
        }
        out.push('\r');
    }
}

/// The message without framing, in the characters of the interface.
#[must_use]
pub fn message(note: &HospitalNote, profile: &OutboxProfile) -> Vec<u8> {
    let kind = profile.document_types.get(note.kind.code()).cloned().unwrap_or_else(|| {
        let code = match note.kind {
            NoteKind::Topic => "L-NOTE",
            NoteKind::Reply => "L-REPLY",
            NoteKind::Correction => "L-CORRECTION",
            NoteKind::Withdrawal => "L-WITHDRAWAL",
            NoteKind::Acknowledgement => "L-ACK",
        };
        format!("{code}^多職種連携 {}^99CN", note.kind.ja())
    });
    let mut segments = vec![header(note, profile)];
    let time = stamp(note.written_at);
    if is_referral_answer(note, profile) {
        segments.extend([answered(note), referral(note, profile), patient(note, profile)]);
    } else if profile.event.is_result() {
        segments.extend([patient(note, profile), visit(note)]);
        segments.push(Segment::new(
            "OBR",
            &[
                (1, "1".to_owned()),
                // A result is corrected under the number that it had from the first.
                (3, entity(note.first.as_ref().unwrap_or(&note.document_id), &profile.sending_facility)),
                (4, kind.clone()),
                (7, time.clone()),
                (22, time.clone()),
                (25, if is_later(note) { "C" } else { "F" }.to_owned()),
            ],
        ));
    } else {
        segments.push(Segment::new("EVN", &[(2, time.clone())]));
        segments.extend([patient(note, profile), visit(note), document(note, profile, &kind)]);
    }
    if is_referral_answer(note, profile) {
        segments.extend(remarks(note, profile));
    } else if !is_cancellation(note, profile) {
        segments.extend(content(note, profile, &kind, &time));
    }
    for segment in &mut segments {
        for (place, value) in &profile.fields {
            if let Some((name, number)) = field_place(place)
                && name == segment.name
            {
                segment.set(number, filled(value, note));
            }
        }
    }
    let mut text = String::new();
    for segment in &segments {
        segment.write(&mut text);
    }
    encode(&text, profile.encoding)
}

fn header(note: &HospitalNote, profile: &OutboxProfile) -> Segment {
    let event = match (profile.event, note.kind) {
        _ if is_referral_answer(note, profile) => "RRI^I12^RRI_I12",
        (OutboxEvent::OruR01, _) => "ORU^R01^ORU_R01",
        (OutboxEvent::OruR30, _) => "ORU^R30^ORU_R30",
        _ if is_cancellation(note, profile) => "MDM^T11^MDM_T01",
        (_, NoteKind::Correction | NoteKind::Withdrawal) if note.replaces.is_some() => "MDM^T10^MDM_T02",
        (OutboxEvent::MdmT06, _) if note.patient.document.is_some() => "MDM^T06^MDM_T02",
        (OutboxEvent::MdmT02 | OutboxEvent::MdmT06 | OutboxEvent::RriI12, _) => "MDM^T02^MDM_T02",
    };
    let (accept, application) = match profile.acknowledgement {
        Acknowledging::Original => ("", ""),
        Acknowledging::Accept => ("AL", "NE"),
        Acknowledging::Application => ("AL", "AL"),
    };
    let (charset, scheme) = match profile.encoding {
        OutboxEncoding::Iso2022Jp => ("~ISO IR87", "ISO 2022-1994"),
        OutboxEncoding::Utf8 => ("UNICODE UTF-8", ""),
        OutboxEncoding::ShiftJis => ("", ""),
    };
    Segment::new(
        "MSH",
        &[
            (1, "|".to_owned()),
            (2, "^~\\&".to_owned()),
            (3, escape(&profile.sending_application)),
            (4, escape(&profile.sending_facility)),
            (5, escape(&profile.receiving_application)),
            (6, escape(&profile.receiving_facility)),
            (7, stamp(note.written_at)),
            (9, event.to_owned()),
            (10, note.control_id.clone()),
            (11, escape(&profile.processing_id)),
            (12, escape(&profile.version)),
            (15, accept.to_owned()),
            (16, application.to_owned()),
            (18, charset.to_owned()),
            (20, scheme.to_owned()),
        ],
    )
}

/// A reply under the hospital's own referral, where it wants its answer that way (hl7.md 10, 14).
fn is_referral_answer(note: &HospitalNote, profile: &OutboxProfile) -> bool {
    profile.event == OutboxEvent::RriI12
        && note.kind == NoteKind::Reply
        && note.patient.referral.is_some()
        && note.patient.message.is_some()
}

/// Something else stands in the place of what was sent before.
const fn is_later(note: &HospitalNote) -> bool {
    matches!(note.kind, NoteKind::Correction | NoteKind::Withdrawal)
}

/// A document that is taken back: MDM^T11 names it and brings no other.
const fn is_cancellation(note: &HospitalNote, profile: &OutboxProfile) -> bool {
    matches!(note.kind, NoteKind::Withdrawal) && note.replaces.is_some() && !profile.event.is_result()
}

fn answered(note: &HospitalNote) -> Segment {
    let message = note.patient.message.as_deref().unwrap_or_default();
    Segment::new("MSA", &[(1, "AA".to_owned()), (2, escape(message.trim()))])
}

/// RF1 without a status: whether they accept, people say in words; no machine guesses it.
fn referral(note: &HospitalNote, profile: &OutboxProfile) -> Segment {
    let theirs = note.patient.referral.as_deref().unwrap_or_default();
    Segment::new(
        "RF1",
        &[
            (6, entity(theirs, &profile.receiving_facility)),
            (7, stamp(note.written_at)),
            (11, entity(&note.document_id, &profile.sending_facility)),
        ],
    )
}

/// The text of an answer to a referral, line by line; its files stay with FAX and mail.
fn remarks(note: &HospitalNote, profile: &OutboxProfile) -> Vec<Segment> {
    let (text, _) = fit(&note.text, profile.encoding);
    let lines = text.lines().flat_map(wrapped).take(MAX_LINES);
    lines
        .enumerate()
        .map(|(at, line)| Segment::new("NTE", &[(1, (at + 1).to_string()), (3, escape(&line))]))
        .collect()
}

fn patient(note: &HospitalNote, profile: &OutboxProfile) -> Segment {
    let who = &note.patient;
    let mut names = format!("{}^^^^^L^I", name(&who.name));
    if let Some(kana) = &who.kana {
        names.push_str(&format!("~{}^^^^^L^P", name(kana)));
    }
    let birth: String =
        who.birth_date.as_deref().unwrap_or("").chars().filter(char::is_ascii_digit).collect();
    Segment::new(
        "PID",
        &[
            (1, "0001".to_owned()),
            (3, format!("{}^^^{}^PI", escape(&who.identifier), escape(&profile.assigning_authority))),
            (5, names),
            (7, birth),
            (8, escape(who.sex.as_deref().unwrap_or(""))),
        ],
    )
}

/// `山本 千代` as family and given name.
fn name(written: &str) -> String {
    match written.split_once([' ', '\u{3000}']) {
        Some((family, given)) => format!("{}^{}", escape(family), escape(given.trim())),
        None => format!("{}^", escape(written)),
    }
}

fn visit(note: &HospitalNote) -> Segment {
    let number = note.patient.visit.as_deref().unwrap_or("");
    Segment::new("PV1", &[(1, "0001".to_owned()), (2, "O".to_owned()), (19, escape(number))])
}

fn document(note: &HospitalNote, profile: &OutboxProfile, kind: &str) -> Segment {
    let cancelled = note.replaces.as_ref().filter(|_| is_cancellation(note, profile));
    if let Some(own) = cancelled {
        let reason = fit(note.text.lines().next().unwrap_or_default(), profile.encoding).0;
        return Segment::new(
            "TXA",
            &[
                (1, "1".to_owned()),
                (2, kind.to_owned()),
                (3, "TX".to_owned()),
                (4, stamp(note.written_at)),
                (9, format!("^{}", escape(&note.author))),
                (12, entity(own, &profile.sending_facility)),
                (17, "AU".to_owned()),
                (18, "U".to_owned()),
                (19, "CA".to_owned()),
                (21, escape(&reason)),
            ],
        );
    }
    let parent = match (&note.replaces, &note.patient.document) {
        (Some(own), _) => entity(own, &profile.sending_facility),
        (None, Some(theirs)) => entity(theirs, &profile.receiving_facility),
        (None, None) => String::new(),
    };
    let time = stamp(note.written_at);
    Segment::new(
        "TXA",
        &[
            (1, "1".to_owned()),
            (2, kind.to_owned()),
            (3, "TX".to_owned()),
            (4, time.clone()),
            (6, time),
            (9, format!("^{}", escape(&note.author))),
            (12, entity(&note.document_id, &profile.sending_facility)),
            (13, parent),
            (17, "AU".to_owned()),
            (18, "U".to_owned()),
            (19, "AV".to_owned()),
        ],
    )
}

fn content(note: &HospitalNote, profile: &OutboxProfile, kind: &str, time: &str) -> Vec<Segment> {
    let (text, replaced) = fit(&note.text, profile.encoding);
    let mut lines: Vec<String> = text.lines().flat_map(wrapped).take(MAX_LINES).collect();
    let signs: Vec<String> = replaced.into_iter().take(20).map(|(_, to)| to).collect();
    if !signs.is_empty() {
        lines.push(format!("※病院側にない文字を置き換えました: {}", signs.join(" ")));
    }
    let status = match note.kind {
        NoteKind::Correction => "C",
        NoteKind::Withdrawal => "D",
        NoteKind::Topic | NoteKind::Reply | NoteKind::Acknowledgement => "F",
    };
    let observation = |number: usize, kind: &str, value_type: &str, value: String| {
        Segment::new(
            "OBX",
            &[
                (1, number.to_string()),
                (2, value_type.to_owned()),
                (3, kind.to_owned()),
                (5, value),
                (11, status.to_owned()),
                (14, time.to_owned()),
            ],
        )
    };
    let mut segments: Vec<Segment> = lines
        .iter()
        .enumerate()
        .map(|(index, line)| observation(index + 1, kind, "TX", escape(line)))
        .collect();
    if profile.files {
        let mut room = MAX_FILE_BYTES;
        for file in &note.files {
            let Some(left) = room.checked_sub(file.bytes.len()) else { continue };
            room = left;
            let named = format!("L-FILE^{}^99CN", escape(&file.name));
            segments.push(observation(segments.len() + 1, &named, "ED", embedded(file)));
        }
    }
    segments
}

/// `^application^pdf^Base64^…`
fn embedded(file: &RenderedFile) -> String {
    let (main, sub) = file.media_type.split_once('/').unwrap_or(("application", "octet-stream"));
    let data = base64::engine::general_purpose::STANDARD.encode(&file.bytes);
    format!("^{}^{}^Base64^{data}", escape(main), escape(sub))
}

/// A line in pieces that every interface takes; an empty line is one blank.
fn wrapped(line: &str) -> Vec<String> {
    let chars: Vec<char> = line.chars().collect();
    if chars.is_empty() {
        return vec![" ".to_owned()];
    }
    chars.chunks(LINE_CHARS).map(|piece| piece.iter().collect()).collect()
}

fn entity(id: &str, namespace: &str) -> String {
    format!("{}^{}", escape(id), escape(namespace))
}

fn stamp(at: UtcMicros) -> String {
    at.in_japan().strftime("%Y%m%d%H%M%S").to_string()
}

/// A value of the field map with its places filled in.
fn filled(value: &str, note: &HospitalNote) -> String {
    let clean: String = value.chars().filter(|c| !c.is_control()).collect();
    [("{author}", &note.author), ("{title}", &note.title), ("{document_id}", &note.document_id)]
        .into_iter()
        .fold(clean, |text, (place, value)| text.replace(place, &escape(value)))
}

/// Text in which no delimiter can be taken for one, on one line.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\E\\"),
            '|' => out.push_str("\\F\\"),
            '^' => out.push_str("\\S\\"),
            '&' => out.push_str("\\T\\"),
            '~' => out.push_str("\\R\\"),
            '\n' => out.push_str("\\.br\\"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}
