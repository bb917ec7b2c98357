//! Writing an answer (hl7.md 3.3): addresses swapped, MSA-2 byte for byte the sender's MSH-10, its
//! processing id and version, its separators, ASCII words only. Never repeats content of the message.

use super::{AnswerCode, Judgement, Reason};
use crate::header::{Header, ascii};
use crate::message::Separators;
use kakehashi_core::clock::UtcMicros;
use std::sync::atomic::{AtomicU64, Ordering};

/// Own control ids: `GW` and 18 digits, ascending, never twice from one process.
#[derive(Debug, Default)]
pub struct AnswerIds(AtomicU64);

impl AnswerIds {
    /// The next id: the microsecond and two more digits, which count when time stands still.
    #[must_use]
    pub fn next(&self, now: UtcMicros) -> String {
        let wanted = u64::try_from(now.as_micros()).unwrap_or(0).saturating_mul(100);
        let step = |last: u64| Some(wanted.max(last.saturating_add(1)));
        let last = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).unwrap_or(wanted);
        let id = wanted.max(last.saturating_add(1));
        format!("GW{:018}", id % 1_000_000_000_000_000_000)
    }
}

/// Writes the answer to a judged message, segments ended with CR, without framing.
#[must_use]
pub fn build(judgement: &Judgement<'_>, code: AnswerCode, own_id: &str, now: UtcMicros) -> Vec<u8> {
    written(judgement, code, own_id, now, false)
}

/// As [`build`], as a message of its own for the sender's listener (enhanced mode): it asks for a commit
/// answer and for nothing else, so that two machines never talk for ever.
#[must_use]
pub fn build_own_message(
    judgement: &Judgement<'_>,
    code: AnswerCode,
    own_id: &str,
    now: UtcMicros,
) -> Vec<u8> {
    written(judgement, code, own_id, now, true)
}

fn written(
    judgement: &Judgement<'_>,
    code: AnswerCode,
    own_id: &str,
    now: UtcMicros,
    asks_commit: bool,
) -> Vec<u8> {
    let mut answer = Vec::with_capacity(256);
    match &judgement.header {
        Some(header) => head(&mut answer, header, own_id, now, asks_commit),
        None => {
            let time = stamp(now);
            answer.extend_from_slice(format!("MSH|^~\\&|GW||||{time}||ACK|{own_id}|P|2.5\r").as_bytes());
        }
    }
    let separator = judgement.header.as_ref().map_or(b'|', |h| ascii(h.separators.field));
    answer.extend_from_slice(b"MSA");
    answer.push(separator);
    answer.extend_from_slice(code.code().as_bytes());
    answer.push(separator);
    answer.extend_from_slice(judgement.header.as_ref().map_or(b"", |h| h.field(10)));
    let accepted = matches!(code, AnswerCode::ApplicationAccept | AnswerCode::CommitAccept);
    let reason = judgement.reason().unwrap_or(Reason::REFUSED);
    // Before v2.5 ERR has no place for words, so that the sender's operator reads them in MSA-3.
    let words = judgement.header.as_ref().is_some_and(|h| !accepted && h.version() < (2, 5));
    if words || judgement.expected.is_some() {
        answer.push(separator);
        let text = if words { in_words(judgement, reason) } else { String::new() };
        answer.extend_from_slice(text.as_bytes());
    }
    if let Some(expected) = judgement.expected {
        answer.push(separator);
        answer.extend_from_slice(expected.to_string().as_bytes());
    }
    answer.push(b'\r');
    if !accepted {
        error(&mut answer, judgement.header.as_ref(), reason, &in_words(judgement, reason));
    }
    answer
}

/// What a person at the sender's reads.
fn in_words(judgement: &Judgement<'_>, reason: Reason) -> String {
    match &judgement.note {
        Some(note) => format!("{} ({note})", reason.text),
        None => reason.text.to_owned(),
    }
}

/// Writes the answer to a batch (HL7 chapter 2, batch protocol): the answers to its messages between the
/// headers of the batch, with addresses swapped and its own number as reference. Where its trailer counted
/// others than came, BTS-2 says so.
#[must_use]
pub fn build_batch(
    batch: &[u8],
    (messages, stated_count): (usize, Option<usize>),
    answers: &[Vec<u8>],
    ids: &AnswerIds,
    now: UtcMicros,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(256 + answers.iter().map(Vec::len).sum::<usize>());
    let file = Header::of_batch(batch, b"FHS");
    let group = Header::of_batch(batch, b"BHS");
    let usual = group.as_ref().or(file.as_ref()).map(|h| h.separators).unwrap_or_default();
    if let Some(file) = &file {
        batch_head(&mut out, b"FHS", file, &ids.next(now), now);
    }
    match &group {
        Some(group) => batch_head(&mut out, b"BHS", group, &ids.next(now), now),
        None => {
            let Separators { field: f, component: c, repetition: r, escape: e, subcomponent: s, .. } = usual;
            out.extend_from_slice(format!("BHS{f}{c}{r}{e}{s}\r").as_bytes());
        }
    }
    for answer in answers {
        out.extend_from_slice(answer);
    }
    let f = usual.field;
    let comment = match stated_count.filter(|stated| *stated != messages) {
        Some(stated) => format!("{f}BTS-1 counted {stated} messages and {messages} came"),
        None => String::new(),
    };
    out.extend_from_slice(format!("BTS{f}{}{comment}\r", answers.len()).as_bytes());
    if file.is_some() {
        out.extend_from_slice(format!("FTS{f}1\r").as_bytes());
    }
    out
}

fn batch_head(out: &mut Vec<u8>, name: &[u8; 3], header: &Header<'_>, own_id: &str, now: UtcMicros) {
    let time = stamp(now);
    let fields: [&[u8]; 11] = [
        header.field(2),
        header.field(5),
        header.field(6),
        header.field(3),
        header.field(4),
        time.as_bytes(),
        b"",
        b"",
        b"",
        own_id.as_bytes(),
        header.field(11),
    ];
    out.extend_from_slice(name);
    for field in fields {
        out.push(ascii(header.separators.field));
        out.extend_from_slice(field);
    }
    out.push(b'\r');
}

fn stamp(now: UtcMicros) -> String {
    now.in_japan().strftime("%Y%m%d%H%M%S").to_string()
}

fn head(answer: &mut Vec<u8>, header: &Header<'_>, own_id: &str, now: UtcMicros, asks_commit: bool) {
    let separator = ascii(header.separators.field);
    let copied: [&[u8]; 4] = [header.field(5), header.field(6), header.field(3), header.field(4)];
    // Only text that the sender wrote in its character set needs that set named.
    let needs_charset = copied.iter().any(|f| f.iter().any(|b| *b == 0x1b || *b >= 0x80));
    let mut more: [&[u8]; 8] = [b""; 8];
    if asks_commit {
        (more[2], more[3]) = (b"AL", b"NE");
    }
    if needs_charset {
        (more[5], more[6], more[7]) = (header.field(18), header.field(19), header.field(20));
    }
    let time = stamp(now);
    let kind = kind(header);
    // Without signs of its own the answer could not be read either.
    let signs = if header.field(2).is_empty() { b"^~\\&" } else { header.field(2) };
    let own: [&[u8]; 8] =
        [signs, copied[0], copied[1], copied[2], copied[3], time.as_bytes(), b"", kind.as_bytes()];
    let tail: [&[u8]; 3] = [own_id.as_bytes(), header.field(11), header.field(12)];
    answer.extend_from_slice(b"MSH");
    let end = more.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1);
    for field in own.iter().chain(&tail).chain(&more[..end]) {
        answer.push(separator);
        answer.extend_from_slice(field);
    }
    answer.push(b'\r');
}

/// `ACK^A03^ACK`; up to v2.2 plain `ACK`.
fn kind(header: &Header<'_>) -> String {
    let event = header.message_type().trigger.unwrap_or_default();
    let plain = event.is_empty() || !event.is_ascii() || event.len() > 8 || header.version() <= (2, 2);
    if plain {
        return "ACK".to_owned();
    }
    let separator = header.separators.component;
    format!("ACK{separator}{event}{separator}ACK")
}

fn error(answer: &mut Vec<u8>, header: Option<&Header<'_>>, reason: Reason, words: &str) {
    let separators = header.map(|h| h.separators).unwrap_or_default();
    let (f, c, s) = (separators.field, separators.component, separators.subcomponent);
    let Reason { code, name, place, .. } = reason;
    let segment = place.map_or("", |p| p.segment);
    let sequence = place.and_then(|p| p.sequence).map_or(String::new(), |n| n.to_string());
    let field = place.and_then(|p| p.field).map_or(String::new(), |n| n.to_string());
    let line = if header.is_none_or(|h| h.version() >= (2, 5)) {
        let place = format!("{segment}{c}{sequence}{c}{field}");
        let place = place.trim_end_matches(c);
        format!("ERR{f}{f}{place}{f}{code}{c}{name}{c}HL70357{f}E{f}{f}{f}{f}{words}\r")
    } else {
        format!("ERR{f}{segment}{c}{sequence}{c}{field}{c}{code}{s}{name}{s}HL70357\r")
    };
    answer.extend_from_slice(line.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::judge;
    use super::*;
    use crate::InterfaceProfile;

    fn answer(message: &[u8]) -> String {
        let judgement = judge(message, &InterfaceProfile::default());
        let code = judgement.answer().unwrap();
        let now = UtcMicros::from_rfc3339("2026-06-09T10:20:01+09:00").unwrap();
        String::from_utf8(build(&judgement, code, "GW1", now)).unwrap()
    }

    #[test]
    fn answers_in_the_senders_own_form() {
        let cases: &[(&[u8], &str)] = &[
            (
                b"MSH|^~\\&|HIS|SAKURAMI_CH|GW|CARENET|2026||ADT^A03^ADT_A03| 0042|P|2.5\rPID|1\r",
                "MSH|^~\\&|GW|CARENET|HIS|SAKURAMI_CH|20260609102001||ACK^A03^ACK|GW1|P|2.5\rMSA|AA| 0042\r",
            ),
            (
                b"MSH!@~\\&!HIS!S!GW!C!2026!!ADT@A03!1!P!2.5\rPID!1\r",
                "MSH!@~\\&!GW!C!HIS!S!20260609102001!!ACK@A03@ACK!GW1!P!2.5\rMSA!AA!1\r",
            ),
            (
                b"MSH|^~\\&|HIS|S|GW|C|2026||MDM^T02^MDM_T02|1|P|2.5\r",
                "MSH|^~\\&|GW|C|HIS|S|20260609102001||ACK^T02^ACK|GW1|P|2.5\rMSA|AE|1\r\
                 ERR||PID^1|100^Segment sequence error^HL70357|E||||The patient is missing\r",
            ),
            (
                b"MSH|^~\\&|HIS|S|GW|C|2026||MDM^T02|1|P|2.2\r",
                "MSH|^~\\&|GW|C|HIS|S|20260609102001||ACK|GW1|P|2.2\rMSA|AE|1|The patient is missing\r\
                 ERR|PID^1^^100&Segment sequence error&HL70357\r",
            ),
            (
                b"MSH||||\rPID|1\r",
                "MSH|^~\\&|||||20260609102001||ACK|GW1||\rMSA|AR|\rERR||MSH^1^9|101^Required field missing^HL70357|E||||The message type is missing\r",
            ),
            (
                b"nothing",
                "MSH|^~\\&|GW||||20260609102001||ACK|GW1|P|2.5\rMSA|AR|\r\
                 ERR||MSH|100^Segment sequence error^HL70357|E||||The message has no usable MSH segment\r",
            ),
        ];
        for (message, expected) in cases {
            assert_eq!(answer(message), *expected);
        }
    }

    #[test]
    fn a_batch_is_answered_by_a_batch() {
        let now = UtcMicros::from_rfc3339("2026-06-09T10:20:01+09:00").unwrap();
        let batch = b"FHS|^~\\&|HIS|S|GW|C|2026||f|||F1\rBHS|^~\\&|HIS|S|GW|C|2026||b||B1\rMSH|^~\\&|HIS\rBTS|1\rFTS|1\r";
        let ids = AnswerIds::default();
        let text =
            String::from_utf8(build_batch(batch, (1, Some(1)), &[b"MSH|1\rMSA|AA|1\r".to_vec()], &ids, now))
                .unwrap();
        let lines: Vec<&str> = text.trim_end().split('\r').collect();
        assert!(lines[0].starts_with("FHS|^~\\&|GW|C|HIS|S|20260609102001||||GW"), "{text}");
        assert!(lines[1].starts_with("BHS|^~\\&|GW|C|HIS|S|") && lines[1].ends_with("|B1"), "{text}");
        assert_eq!(lines[2..], ["MSH|1", "MSA|AA|1", "BTS|1", "FTS|1"]);
        let bare =
            String::from_utf8(build_batch(b"BHS!@~\\&\rMSH!@~\\&\r", (0, Some(2)), &[], &ids, now)).unwrap();
        assert!(
            bare.starts_with("BHS!@~\\&!") && bare.ends_with("\rBTS!0!BTS-1 counted 2 messages and 0 came\r"),
            "{bare}"
        );
    }

    #[test]
    fn ids_never_repeat() {
        let ids = AnswerIds::default();
        let now = UtcMicros::from_rfc3339("2026-06-09T10:20:01+09:00").unwrap();
        let made: std::collections::BTreeSet<String> = (0..1000).map(|_| ids.next(now)).collect();
        assert_eq!(made.len(), 1000);
        assert!(made.iter().all(|id| id.len() == 20 && id.starts_with("GW")));
    }
}
