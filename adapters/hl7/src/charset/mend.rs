//! ISO 2022 text whose sender did not return to ASCII before a separator (hl7.md 4.2). HL7 and JAHIS begin
//! every field and every segment in ASCII, so a set that is left open ends at the separator: the missing
//! escapes are put in, and everybody after this reads well-formed text. Where two-byte text goes on after
//! a separator without a new escape, that is a repair and is told as one. Nothing is changed in a message
//! whose text is sound.

mod path;

use super::iso2022::{Mode, escape, next_escape, run_end};
use crate::header::skip_lead;
use path::{Ending, Parsed, Step};
use std::borrow::Cow;

/// Segments whose repair is told by name; more are not.
const MAX_REALIGNED: usize = 100;

/// A message whose sets are closed before every separator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended<'a> {
    /// The message, with escapes put in where they were missing.
    pub bytes: Cow<'a, [u8]>,
    /// Nothing had to be weighed: every set holds whole characters, so no line ends inside of one.
    pub sound: bool,
    /// A set was left open at a separator or at the end of a segment. By the standard the text is sure.
    pub left_open: bool,
    /// Segments, by name, whose text went on in two bytes after a separator: read by what it looks like.
    pub realigned: Vec<[u8; 3]>,
}

/// Text between an escape that selects another set than ASCII and the next escape, line end or end.
struct Run {
    /// Where the escape begins.
    from: usize,
    /// Where the text begins.
    start: usize,
    /// Where it ends.
    end: usize,
    mode: Mode,
    ending: Ending,
}

/// Closes what a sender left open. Total; bytes without ISO 2022 are given back as they are.
#[must_use]
pub fn mend(bytes: &[u8]) -> Mended<'_> {
    let plain =
        |left_open| Mended { bytes: Cow::Borrowed(bytes), sound: true, left_open, realigned: Vec::new() };
    if memchr::memchr(0x1b, bytes).is_none() {
        return plain(false);
    }
    let separators = declared(bytes);
    let mut left_open = false;
    let mut doubtful = false;
    for run in runs(bytes) {
        left_open |= run.ending == Ending::Line;
        doubtful |= !is_sound(&bytes[run.start..run.end], run.mode, run.ending, separators);
    }
    if !doubtful {
        return plain(left_open);
    }
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 8);
    let mut realigned: Vec<[u8; 3]> = Vec::new();
    let mut copied = 0;
    for run in runs(bytes) {
        let text = &bytes[run.start..run.end];
        let has_separator = text.iter().any(|b| is_separator(*b, separators));
        if !has_separator && is_sound(text, run.mode, run.ending, separators) {
            continue;
        }
        let parsed = path::parse(text, run.mode, run.ending, separators);
        left_open |= parsed.has_separator;
        if parsed.resumed
            && realigned.len() < MAX_REALIGNED
            && let Some(name) = segment_name(&bytes[..run.from])
            && !realigned.contains(&name)
        {
            realigned.push(name);
        }
        out.extend_from_slice(&bytes[copied..run.from]);
        write(&mut out, text, &bytes[run.from..run.start], &parsed);
        copied = run.end;
    }
    out.extend_from_slice(&bytes[copied..]);
    Mended { bytes: Cow::Owned(out), sound: false, left_open, realigned }
}

/// Every run of another set than ASCII.
fn runs(bytes: &[u8]) -> impl Iterator<Item = Run> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let from = at + next_escape(bytes.get(at..)?)?;
            let (length, mode) = escape(&bytes[from + 1..]);
            let start = from + 1 + length;
            at = start;
            let Some(mode) = mode.filter(|m| *m != Mode::Ascii) else { continue };
            let rest = &bytes[start..];
            let end = start + run_end(rest);
            at = end;
            let ending = match bytes.get(end) {
                Some(0x1b) => match escape(&bytes[end + 1..]).1 {
                    Some(Mode::Ascii) => Ending::Closed,
                    Some(next) if next == mode => Ending::Again,
                    _ => Ending::Other,
                },
                _ => Ending::Line,
            };
            return Some(Run { from, start, end, mode, ending });
        }
    })
}

/// Whether a run can be read as it stands: whole characters of its set, and closed before any separator.
fn is_sound(text: &[u8], mode: Mode, ending: Ending, separators: [u8; 4]) -> bool {
    let open = matches!(ending, Ending::Line | Ending::Again);
    let mut at = 0;
    while at < text.len() {
        if open && (is_separator(text[at], separators) || text[at..].starts_with(path::BREAK)) {
            return false;
        }
        match path::unit(&text[at..], mode) {
            Some((length, cost)) if cost < path::BAD => at += length,
            _ => return false,
        }
    }
    true
}

fn is_separator(byte: u8, separators: [u8; 4]) -> bool {
    separators.contains(&byte)
}

/// The separators of MSH-1 and MSH-2 without the escape character, which also stands inside a value.
fn declared(bytes: &[u8]) -> [u8; 4] {
    match skip_lead(bytes) {
        [b'M' | b'F' | b'B', b'S' | b'H', b'H' | b'S', field, component, repetition, _, sub, ..]
            if [field, component, repetition, sub].iter().all(|b| b.is_ascii_punctuation()) =>
        {
            [*field, *component, *repetition, *sub]
        }
        _ => *b"|^~&",
    }
}

/// The name of the segment that these bytes end in.
fn segment_name(before: &[u8]) -> Option<[u8; 3]> {
    let start = memchr::memrchr2(b'\r', b'\n', before).map_or(0, |at| at + 1);
    skip_lead(&before[start..]).first_chunk::<3>().copied()
}

/// Writes a run with the escapes that its parts need.
fn write(out: &mut Vec<u8>, text: &[u8], designation: &[u8], parsed: &Parsed) {
    let mut ascii = false;
    out.extend_from_slice(designation);
    let to = |wanted_ascii: bool, ascii: &mut bool, out: &mut Vec<u8>| {
        if *ascii != wanted_ascii {
            out.extend_from_slice(if wanted_ascii { b"\x1b(B" } else { designation });
            *ascii = wanted_ascii;
        }
    };
    let mut at = 0;
    for step in &parsed.steps {
        let length = step.length();
        let bytes = &text[at..at + length];
        at += length;
        match step {
            Step::One | Step::Pair => to(false, &mut ascii, out),
            Step::Separator | Step::Letter | Step::Break => to(true, &mut ascii, out),
            // Between two escapes it is one unreadable character, wherever it stands.
            Step::Bad => {
                to(false, &mut ascii, out);
                out.extend_from_slice(bytes);
                to(true, &mut ascii, out);
                continue;
            }
        }
        out.extend_from_slice(bytes);
    }
    if at < text.len() {
        to(parsed.ends_in_ascii, &mut ascii, out);
        out.extend_from_slice(&text[at..]);
    }
}
