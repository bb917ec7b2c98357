//! HL7 bytes to Envelopes (hl7.md sections 5–10, 15): one per message, or per patient where a message
//! speaks of several. Says what the sender wrote and composes the fixed wording of care-network.md 8;
//! matches nobody, decides nothing. Total: every byte string is Envelopes or an `Unreadable`.

pub mod wording;

mod adt;
mod cda;
mod content;
mod document;
mod files;
mod header;
mod order;
mod patient;
mod plain;
mod referral;
mod result;
mod schedule;
mod scope;
mod visit;

use crate::acknowledgement::judge::judge_without_files;
use crate::acknowledgement::{Reason, Verdict};
use crate::charset::{Decoded, decode};
use crate::header::Header;
use crate::message::{Message, View};
use crate::{FRAGMENT_LISTENER, HELD_LISTENER, InterfaceProfile, batch};
pub(crate) use document::kind_of_document;
use kakehashi_core::clinical_event;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::envelope::{ContentHash, Envelope, Warning};
use kakehashi_core::port::{PartSink, RawIntake, ReadFault};
use kakehashi_core::unreadable::{Unreadable, UnreadableCode};
use scope::Scope;

/// Messages of one file or batch.
const MAX_MESSAGES: usize = 10_000;
/// Envelopes of one intake: bounded, because each costs memory however short its segment was.
const MAX_ENVELOPES: usize = 10_000;
/// Unreadable messages of one file that are shown one by one.
const MAX_BROKEN: usize = 100;
/// Core's word for what becomes no post.
const PARKED: &str = kakehashi_core::decide::doubt::PARKED;
/// Core's word for a death, which no machine tells.
const DEATH: &str = kakehashi_core::decide::doubt::DEATH;
/// Core's word for what could not be read whole: such an item waits for a person.
const DAMAGED: &str = kakehashi_core::decide::doubt::PAGES_UNREADABLE;

/// Reads a message, a batch or a recorded MLLP stream. `profile` is the interface it came by.
///
/// # Errors
/// [`ReadFault::Unreadable`] if there is nothing that may be read as a message, [`ReadFault::Part`] if
/// an embedded file could not be kept.
pub fn read(
    raw: &RawIntake,
    parts: &mut dyn PartSink,
    profile: Option<&InterfaceProfile>,
) -> Result<Vec<Envelope>, ReadFault> {
    if raw.bytes.is_empty() {
        return Err(Unreadable::new(UnreadableCode::Empty, "nothing was received").into());
    }
    if raw.origin.listener == FRAGMENT_LISTENER {
        let detail = "the connection broke before the message was complete";
        return Err(Unreadable::new(UnreadableCode::Damaged, detail).into());
    }
    if raw.origin.listener == HELD_LISTENER {
        let detail = "病院の保管フォルダで無効にされたか、フォルダ名と患者番号が食い違います / made invalid in the \
                      hospital's storage, or kept under another patient's number";
        return Err(Unreadable::new(UnreadableCode::Unsupported, detail).into());
    }
    let hash = raw.bytes.content_hash().clone();
    let bytes = raw.bytes.whole()?;
    let mut notes = Vec::new();
    let deframed = batch::deframe(&bytes);
    let frames: Vec<&[u8]> = match &deframed {
        None => vec![&bytes],
        Some(stream) => {
            note_framing(stream, &mut notes);
            stream.frames.iter().map(Vec::as_slice).collect()
        }
    };
    if frames.is_empty() {
        let broken = deframed.as_ref().is_some_and(|d| d.fragments > 0);
        return Err(if broken {
            Unreadable::new(UnreadableCode::Damaged, "the stream ends before the message is complete")
        } else {
            Unreadable::new(UnreadableCode::Empty, "the stream holds no message")
        }
        .into());
    }
    let mut envelopes = Vec::new();
    let mut broken = Vec::new();
    for (number, message) in messages(&frames, &mut notes)?.into_iter().enumerate() {
        match read_message(message, raw, &hash, parts, profile) {
            Ok(read) => envelopes.extend(read),
            Err(ReadFault::Unreadable(unreadable)) => broken.push((envelopes.len(), number, unreadable)),
            Err(fault @ ReadFault::Part(_)) => return Err(fault),
        }
        if envelopes.len() > MAX_ENVELOPES {
            return Err(too_many().into());
        }
    }
    if envelopes.is_empty()
        && let Some((_, _, unreadable)) = broken.pop()
    {
        return Err(unreadable.into());
    }
    // Each waits for the office at its place among the others: what one sender's file holds is not lost
    // because its neighbours can be read.
    let omitted = broken.len() > MAX_BROKEN;
    for (at, number, unreadable) in broken.into_iter().take(MAX_BROKEN).rev() {
        envelopes.insert(at, unreadable_one(raw, &hash, number, &unreadable));
    }
    if omitted {
        notes.push(warning("message_unreadable", "more messages of this file could not be read"));
    }
    for envelope in &mut envelopes {
        envelope.warnings.extend(notes.iter().cloned());
    }
    Ok(envelopes)
}

/// An item for the office in the place of a message that cannot be read.
fn unreadable_one(raw: &RawIntake, hash: &ContentHash, number: usize, fault: &Unreadable) -> Envelope {
    let mut envelope = Envelope::empty(raw.channel, raw.format, hash.clone());
    envelope.title = Some("読み取れなかった電文".to_owned());
    envelope.body = Some(format!(
        "このファイルの{}通目の電文を読み取れませんでした。送信元に確かめてください。",
        number + 1
    ));
    envelope.warn("message_unreadable", fault.detail.clone());
    envelope.warn(DAMAGED, "a message of this file could not be read");
    envelope
}

fn note_framing(stream: &batch::Deframed, notes: &mut Vec<Warning>) {
    if stream.missing_start_block {
        notes.push(warning("missing_start_block", "a frame came without its start block"));
    }
    if stream.missing_cr_after_fs {
        notes.push(warning("missing_cr_after_fs", "an end block came without the carriage return"));
    }
    if stream.fragments > 0 {
        notes.push(warning("broken_frame", "the stream also holds a frame that was given up"));
    }
}

fn messages<'b>(frames: &[&'b [u8]], notes: &mut Vec<Warning>) -> Result<Vec<&'b [u8]>, Unreadable> {
    let mut messages = Vec::new();
    for frame in frames {
        let batch = batch::split(frame);
        if batch.messages.is_empty() {
            if !batch.has_batch_segments {
                // No MSH anywhere: read_message says why.
                messages.push(*frame);
            }
            continue;
        }
        if batch.stated_count.is_some_and(|stated| stated != batch.messages.len()) {
            let detail = "BTS-1 differs from the number of messages in the batch";
            notes.push(warning("batch_count_mismatch", detail));
        }
        if batch.leading_lines {
            notes.push(warning("leading_lines", "lines before the first MSH were left out"));
        }
        messages.extend(batch.messages);
        if messages.len() > MAX_MESSAGES {
            return Err(too_many());
        }
    }
    if messages.is_empty() {
        return Err(Unreadable::new(UnreadableCode::Empty, "the batch holds no message"));
    }
    Ok(messages)
}

fn too_many() -> Unreadable {
    Unreadable::new(UnreadableCode::TooLarge, format!("more than {MAX_MESSAGES} messages in one file"))
}

fn read_message(
    bytes: &[u8],
    raw: &RawIntake,
    hash: &ContentHash,
    parts: &mut dyn PartSink,
    profile: Option<&InterfaceProfile>,
) -> Result<Vec<Envelope>, ReadFault> {
    // Without a profile nothing is agreed, so a test message is read as any other.
    let open = profile.is_none().then(|| InterfaceProfile {
        accepted_processing_ids: vec![processing_id(bytes)],
        ..InterfaceProfile::default()
    });
    let Some(agreed) = profile.or(open.as_ref()) else { return Err(rejected(Reason::NO_HEADER).into()) };
    let judgement = judge_without_files(bytes, agreed);
    let header = match (&judgement.header, judgement.verdict) {
        (_, Verdict::Rejected(reason)) => return Err(rejected(reason).into()),
        (None, _) => return Err(rejected(Reason::NO_HEADER).into()),
        (Some(header), _) => header,
    };
    let declared = header.declared_charset();
    let mut decoded = decode(bytes, declared.as_deref(), profile.and_then(|p| p.charset))
        .map_err(|wide| Unreadable::new(UnreadableCode::Unsupported, wide.to_string()))?;
    let message = Message::new(std::mem::take(&mut decoded.text), header.separators, decoded.used)
        .with_realigned(decoded.realigned.clone());
    let mut envelopes = Vec::new();
    for view in message.patients() {
        let mut envelope = Envelope::empty(raw.channel, raw.format, hash.clone());
        header::fill(&mut envelope, header, &view, declared.clone(), decoded.used);
        envelope.sender.authenticity = raw.origin.authenticity.unwrap_or(envelope.sender.authenticity);
        note_charset(&mut envelope, &decoded);
        note_repairs(&mut envelope, &message);
        let also = compose(&mut envelope, view, profile, parts)?;
        for mut envelope in std::iter::once(envelope).chain(also) {
            note_unreadable_words(&mut envelope);
            if let Verdict::ContentError(reason) = judgement.verdict {
                note_fault(&mut envelope, reason);
            }
            envelopes.push(envelope);
        }
        if envelopes.len() > MAX_ENVELOPES {
            return Err(too_many().into());
        }
    }
    Ok(envelopes)
}

fn processing_id(bytes: &[u8]) -> String {
    Header::find(bytes).map(|h| h.text(11, 1)).unwrap_or_default()
}

fn rejected(reason: Reason) -> Unreadable {
    let code = match reason.code {
        202 | 200 | 102 => UnreadableCode::Unsupported,
        101 => UnreadableCode::Damaged,
        _ => UnreadableCode::UnknownFormat,
    };
    Unreadable::new(code, reason.text)
}

/// Composes the words of a message; where it tells two things that each have a thread, the second is given
/// back.
fn compose(
    envelope: &mut Envelope,
    view: View<'_>,
    profile: Option<&InterfaceProfile>,
    parts: &mut dyn PartSink,
) -> Result<Option<Envelope>, ReadFault> {
    patient::fill(envelope, &view);
    let scope = Scope::new(view, profile);
    visit::fill(envelope, &scope);
    envelope.sent_at = scope.first_stamp(&[("MSH", 7, 1)]).map(|stamp| stamp.at);
    let kind = envelope.event.as_ref().and_then(|e| e.kind.clone()).unwrap_or_default();
    match kind.as_str() {
        "ADT" => adt::compose(envelope, &scope, parts)?,
        "MDM" => document::compose(envelope, &scope, parts)?,
        "ORU" | "OUL" => result::compose(envelope, &scope, parts)?,
        "REF" | "RRI" if !is_readable(envelope, &kind) => referral::compose(envelope, &scope, parts)?,
        "RDE" | "OMP" => order::compose(envelope, &scope),
        "SIU" if !is_readable(envelope, &kind) => schedule::compose(envelope, &scope),
        "ACK" => header::compose_answer(envelope, &scope),
        _ => plain::compose(envelope, &scope, parts)?,
    }
    if kind != "ADT" && patient::has_died(&scope.view) {
        envelope
            .warn(DEATH, "PID-29, PID-30 or PV1-36 tells the patient's death: the office chooses the words");
    }
    let stated = envelope.occurred_at.or(scope.first_stamp(&[("EVN", 6, 1), ("EVN", 2, 1)]).map(|s| s.at));
    if envelope.occurred_at.is_none() {
        envelope.occurred_at =
            scope.first_stamp(&[("EVN", 6, 1), ("EVN", 2, 1), ("MSH", 7, 1)]).map(|stamp| stamp.at);
    }
    set_key_by_content(envelope, &kind, stated);
    Ok((kind == "ADT").then(|| adt::also(envelope, &scope)).flatten())
}

/// What becomes a post and names neither stay nor document nor order is known by what it says, of whom and
/// when: the same once more is a repetition.
fn set_key_by_content(envelope: &mut Envelope, kind: &str, stated: Option<UtcMicros>) {
    let said = [
        envelope.title.as_deref(),
        envelope.body.as_deref(),
        envelope.patient.identifiers.first().map(|i| i.id.as_str()),
    ];
    let files = envelope.attachments.iter().map(|a| a.content_hash.hex());
    // The time of sending is another one at every sending.
    let at = stated.map(|at| at.as_micros().to_string());
    let all: Vec<&str> = said.into_iter().flatten().chain(files).chain(at.as_deref()).collect();
    let hash = ContentHash::of(all.join("\u{1f}").as_bytes());
    let has_words = envelope.body.is_some() || !envelope.attachments.is_empty();
    if let Some(event) = envelope.event.as_mut().filter(|e| e.key.is_none() && has_words) {
        event.key = Some(format!("content:{kind}:{:.16}", hash.hex()));
    }
}

/// Whether the table of events knows no more of such a message than how to show it.
fn is_readable(envelope: &Envelope, kind: &str) -> bool {
    let trigger = envelope.event.as_ref().and_then(|e| e.trigger.as_deref()).unwrap_or("");
    clinical_event::outcome(kind, trigger) == clinical_event::Outcome::Readable
}

fn note_charset(envelope: &mut Envelope, decoded: &Decoded) {
    let used = decoded.used.name();
    if decoded.mismatch {
        envelope.warn("charset_mismatch", format!("MSH-18 names another character set; read as {used}"));
    } else if decoded.detected {
        envelope.warn("charset_detected", format!("MSH-18 names no usable character set; read as {used}"));
    }
    if decoded.undecided {
        envelope.warn("charset_undecided", format!("no character set fits; read as {used}"));
    }
    if decoded.left_open {
        let detail = "ISO 2022 text was not returned to ASCII before a separator; read as if it had been";
        envelope.warn("charset_left_open", detail);
    }
    if !decoded.realigned.is_empty() {
        let names: Vec<_> = decoded.realigned.iter().map(|n| String::from_utf8_lossy(n)).collect();
        let detail =
            format!("two-byte text went on after a separator in {}; read as it looks", names.join(", "));
        envelope.warn("charset_mismatch", detail);
    }
    if decoded.truncated {
        envelope.warn("truncated", "the text ends inside a character");
        envelope.warn(DAMAGED, "the text ends inside a character");
    } else if decoded.damaged {
        if !decoded.mismatch {
            envelope.warn("charset_mismatch", "some bytes are not of the declared character set");
        }
        envelope.warn("text_damaged", "some characters could not be read");
    }
    if decoded.gaiji {
        envelope.warn("gaiji", "user-defined characters (gaiji) are shown as 〓");
    }
}

/// Words that nobody can read are no post: a person looks at them first.
fn note_unreadable_words(envelope: &mut Envelope) {
    let words = [envelope.title.as_deref(), envelope.body.as_deref()];
    let unreadable = words.into_iter().flatten().any(|text| text.contains('\u{fffd}'));
    let undecided = envelope.warnings.iter().any(|w| w.code == "charset_undecided");
    let waits = envelope.warnings.iter().any(|w| w.code == DAMAGED);
    if (unreadable || undecided) && !waits {
        envelope.warn(DAMAGED, "some words of the text could not be read");
    }
}

fn note_repairs(envelope: &mut Envelope, message: &Message) {
    let repairs = message.repairs();
    let flags = [
        (repairs.lf_segments, "lf_segments", "segments end with LF instead of CR"),
        (repairs.crlf_segments, "crlf_segments", "segments end with CR LF instead of CR"),
        (repairs.continuation_lines, "continuation_lines", "a line break inside a field was kept as text"),
        (repairs.too_many_segments, "too_many_segments", "segments over the limit were left out"),
        (repairs.segment_too_wide, "segment_too_wide", "a segment with too many separators was left out"),
    ];
    for (set, code, detail) in flags {
        if set {
            envelope.warn(code, detail);
        }
    }
    if repairs.too_many_segments || repairs.segment_too_wide {
        envelope.warn(DAMAGED, "a part of the message was left out");
    }
}

fn note_fault(envelope: &mut Envelope, reason: Reason) {
    match reason {
        Reason::NO_CONTROL_ID => {
            envelope.warn("missing_control_id", reason.text);
            // The hospital was told AE and will send again: posting now would post twice.
            envelope.warn(DAMAGED, "without MSH-10 a repetition cannot be recognised");
            envelope.title = None;
        }
        Reason::NO_PATIENT => envelope.warn("missing_patient", reason.text),
        Reason::NO_EVENT => {
            envelope.warn("missing_event", reason.text);
            if envelope.event.as_ref().is_some_and(|e| e.kind.as_deref() == Some("ADT")) {
                envelope.title = Some("何が起きたかが書かれていない電文".to_owned());
            }
            envelope.warn(DAMAGED, "without a trigger event nobody can say what happened");
        }
        // Said by the readers of text and files themselves.
        _ => {}
    }
}

fn warning(code: &str, detail: &str) -> Warning {
    Warning { code: code.to_owned(), detail: detail.to_owned() }
}
