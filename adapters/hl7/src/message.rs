//! One decoded message: lines made regular and found, values with the difference of absent and deleted
//! (hl7.md section 13, traps 1–14). The text is kept once and every value is a view into it. Nothing is
//! guessed about meaning here.

mod segment;
pub mod unescape;

pub use segment::{Occurrence, Segment};

use crate::charset::Used;
use unescape::unescape;

/// Segments of one message that are looked at.
pub const MAX_SEGMENTS: usize = 10_000;
/// Separators in one segment: nothing that is meant has more.
const MAX_SEPARATORS_IN_SEGMENT: usize = 20_000;
/// Separators in one message: what bounds the time that reading takes.
const MAX_SEPARATORS: usize = 1_000_000;
/// Segments before the first of several patients that belong to all of them.
const MAX_SHARED_SEGMENTS: usize = 100;

/// The characters declared in MSH-1 and MSH-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Separators {
    /// MSH-1.
    pub field: char,
    /// First of MSH-2.
    pub component: char,
    /// Second.
    pub repetition: char,
    /// Third.
    pub escape: char,
    /// Fourth.
    pub subcomponent: char,
    /// Fifth, from v2.7 on: ends a value that the sender cut.
    pub truncation: Option<char>,
}

impl Default for Separators {
    fn default() -> Self {
        Self {
            field: '|',
            component: '^',
            repetition: '~',
            escape: '\\',
            subcomponent: '&',
            truncation: None,
        }
    }
}

impl Separators {
    /// As hl7-parser wants them.
    pub(crate) const fn for_parser(self) -> hl7_parser::message::Separators {
        hl7_parser::message::Separators {
            field: self.field,
            component: self.component,
            subcomponent: self.subcomponent,
            repetition: self.repetition,
            escape: self.escape,
            lenient_newlines: false,
        }
    }

    /// As declared. Missing ones are the usual ones; `None` if the declared ones cannot be told from
    /// text or from each other. A fifth character (truncation, v2.7) separates nothing, and a backslash
    /// that somebody's software doubled is one.
    #[must_use]
    pub fn declared(field: u8, encoding: &[u8]) -> Option<Self> {
        let usual = b"^~\\&";
        let mut chars = *usual;
        let once = encoding.iter().enumerate().filter(|(at, byte)| *at == 0 || encoding[at - 1] != **byte);
        let mut once = once.map(|(_, declared)| *declared);
        for slot in &mut chars {
            *slot = once.next().unwrap_or(*slot);
        }
        let truncation =
            once.next().filter(|b| b.is_ascii_punctuation() && !chars.contains(b) && *b != field);
        let all = [field, chars[0], chars[1], chars[2], chars[3]];
        let distinct = (1..all.len()).all(|i| !all[..i].contains(&all[i]));
        let usable = all.iter().all(u8::is_ascii_punctuation);
        (distinct && usable).then(|| Self {
            field: char::from(field),
            component: char::from(chars[0]),
            repetition: char::from(chars[1]),
            escape: char::from(chars[2]),
            subcomponent: char::from(chars[3]),
            truncation: truncation.map(char::from),
        })
    }

    /// The four that separate, as bytes.
    fn bytes(self) -> [u8; 4] {
        [self.field, self.component, self.repetition, self.subcomponent].map(crate::header::ascii)
    }
}

/// A value: `""` deletes, nothing says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// No statement.
    Absent,
    /// `""`: the sender deletes what was there.
    Null,
    /// Text with its escapes resolved.
    Text(String),
}

impl Value {
    /// The text, if there is any.
    #[must_use]
    pub fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Null => None,
        }
    }
}

/// What had to be repaired to read a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Repairs {
    /// Segments ended with LF.
    pub lf_segments: bool,
    /// Segments ended with CR LF.
    pub crlf_segments: bool,
    /// Lines that are no segment were joined to the one before.
    pub continuation_lines: bool,
    /// Segments over the limit were left out.
    pub too_many_segments: bool,
    /// Segments with more separators than can be meant were left out.
    pub segment_too_wide: bool,
}

#[derive(Debug, Clone, Copy)]
struct Line {
    start: usize,
    end: usize,
}

/// A message.
#[derive(Debug)]
pub struct Message {
    text: String,
    lines: Vec<Line>,
    separators: Separators,
    used: Used,
    repairs: Repairs,
    realigned: Vec<[u8; 3]>,
}

impl Message {
    /// Makes lines regular and finds the segments. Total.
    #[must_use]
    pub fn new(text: impl Into<String>, separators: Separators, used: Used) -> Self {
        let mut plain: String = text.into();
        let has_cr = memchr::memchr(b'\r', plain.as_bytes()).is_some();
        let has_lf = memchr::memchr(b'\n', plain.as_bytes()).is_some();
        let crlf_segments = has_cr && has_lf && plain.contains("\r\n");
        let lf_segments = !has_cr && plain.trim_end().contains('\n');
        if crlf_segments {
            plain = plain.replace("\r\n", "\n");
        }
        if has_cr {
            plain = with_line_feeds(plain);
        }
        let repairs = Repairs { lf_segments, crlf_segments, ..Repairs::default() };
        let mut message =
            Self { text: plain, lines: Vec::new(), separators, used, repairs, realigned: Vec::new() };
        message.find_lines();
        message
    }

    fn find_lines(&mut self) {
        let mut start = 0;
        let mut total = 0;
        let declared = self.separators.bytes();
        for line in self.text.split('\n') {
            let end = start + line.len();
            let from = start + (line.len() - line.trim_start_matches(is_padding).len());
            let content = self.text[from..end].trim_end_matches(is_control);
            let to = from + content.len();
            start = end + 1;
            if content.trim_matches(is_padding).is_empty() {
                continue;
            }
            if is_segment(content, self.separators.field) {
                if self.lines.len() == MAX_SEGMENTS {
                    self.repairs.too_many_segments = true;
                    return;
                }
                let separators = count_any(content.as_bytes(), declared);
                total += separators;
                if total > MAX_SEPARATORS {
                    self.repairs.too_many_segments = true;
                    return;
                }
                if separators > MAX_SEPARATORS_IN_SEGMENT {
                    self.repairs.segment_too_wide = true;
                    continue;
                }
                self.lines.push(Line { start: from, end: to });
            } else if let Some(last) = self.lines.last_mut() {
                // A line break inside a field.
                self.repairs.continuation_lines = true;
                last.end = to;
            }
        }
    }

    /// Notes the segments whose text was put right by what it looks like.
    #[must_use]
    pub fn with_realigned(mut self, segments: Vec<[u8; 3]>) -> Self {
        self.realigned = segments;
        self
    }

    /// Whether the text of such a segment was put right by what it looks like: nobody is found by it.
    #[must_use]
    pub fn is_realigned(&self, segment: &[u8; 3]) -> bool {
        self.realigned.contains(segment)
    }

    /// What was repaired.
    #[must_use]
    pub const fn repairs(&self) -> Repairs {
        self.repairs
    }

    /// The declared separators.
    #[must_use]
    pub const fn separators(&self) -> Separators {
        self.separators
    }

    /// The character set that the message was decoded with.
    #[must_use]
    pub const fn used(&self) -> Used {
        self.used
    }

    /// The message cut into one view per patient: what stands before the first PID belongs to all. A
    /// message without or with one PID is one view.
    #[must_use]
    pub fn patients(&self) -> Vec<View<'_>> {
        let pids: Vec<usize> = (0..self.lines.len()).filter(|i| self.name(*i) == "PID").collect();
        if pids.len() <= 1 {
            return vec![View { message: self, lines: (0..self.lines.len()).collect() }];
        }
        let ends = pids.iter().skip(1).copied().chain([self.lines.len()]);
        pids.iter()
            .zip(ends)
            .map(|(from, to)| View {
                message: self,
                lines: (0..pids[0].min(MAX_SHARED_SEGMENTS)).chain(*from..to).collect(),
            })
            .collect()
    }

    fn name(&self, line: usize) -> &str {
        let line = self.lines[line];
        &self.text[line.start..line.start + 3]
    }

    fn segment(&self, line: usize) -> Segment<'_> {
        let line = self.lines[line];
        Segment::new(self, &self.text[line.start..line.end])
    }

    /// Text with its escapes resolved; a value that the sender cut ends with an ellipsis.
    fn resolve(&self, raw: &str) -> String {
        match self.separators.truncation.and_then(|sign| raw.strip_suffix(sign)) {
            Some(cut) if !cut.is_empty() => {
                let mut text = unescape(cut, &self.separators, self.used);
                text.push('…');
                text
            }
            _ => unescape(raw, &self.separators, self.used),
        }
    }
}

/// Every CR as LF, in place.
fn with_line_feeds(text: String) -> String {
    let mut bytes = text.into_bytes();
    let mut from = 0;
    while let Some(found) = memchr::memchr(b'\r', &bytes[from..]) {
        bytes[from + found] = b'\n';
        from += found + 1;
    }
    // One ASCII byte for another leaves UTF-8 what it was.
    String::from_utf8(bytes).unwrap_or_default()
}

/// Counts in runs that fit into a byte, which the machine adds many at a time.
fn count_any(bytes: &[u8], any: [u8; 4]) -> usize {
    let is_any = |b: &u8| u8::from((*b == any[0]) | (*b == any[1]) | (*b == any[2]) | (*b == any[3]));
    bytes.chunks(255).map(|run| usize::from(run.iter().map(is_any).fold(0_u8, u8::wrapping_add))).sum()
}

/// Three capital letters or digits, then the separator or nothing.
fn is_segment(line: &str, separator: char) -> bool {
    let Some((name, rest)) = line.split_at_checked(3) else { return false };
    name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && name.as_bytes()[0].is_ascii_uppercase()
        && (rest.is_empty() || rest.starts_with(separator))
}

fn is_control(c: char) -> bool {
    c.is_control()
}

fn is_padding(c: char) -> bool {
    c.is_control() || c == ' ' || c == '\u{feff}'
}

/// The segments of one patient.
#[derive(Debug, Clone)]
pub struct View<'m> {
    message: &'m Message,
    lines: Vec<usize>,
}

impl<'m> View<'m> {
    /// The first segment with this name.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<Segment<'m>> {
        self.lines.iter().find(|i| self.message.name(**i) == name).map(|i| self.message.segment(*i))
    }

    /// All segments with this name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = Segment<'m>> {
        let wanted = self.lines.iter().filter(move |i| self.message.name(**i) == name);
        wanted.map(|i| self.message.segment(*i))
    }

    /// All segments in order.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'m>> {
        self.lines.iter().map(|i| self.message.segment(*i))
    }

    /// Whether there is such a segment.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.lines.iter().any(|i| self.message.name(*i) == name)
    }

    /// The message.
    #[must_use]
    pub const fn message(&self) -> &'m Message {
        self.message
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(text: &str) -> Message {
        Message::new(text, Separators::default(), Used::Utf8)
    }

    #[test]
    fn lines_of_all_kinds_are_found() {
        let text = "MSH|^~\\&#|A\r\n\r\nPID|1||7\r\nNTE|1||eins\nzwei\r\nEVN\r\n  OBX|1\r\n\0\u{1c}\r\n";
        let message = message(text);
        let view = &message.patients()[0];
        assert_eq!(view.first("MSH").unwrap().raw(3), "A");
        assert_eq!(view.first("PID").unwrap().raw(3), "7");
        assert_eq!(view.first("NTE").unwrap().raw(3), "eins\nzwei");
        assert!(view.has("OBX") && view.has("EVN"));
        assert!(message.repairs().crlf_segments && message.repairs().continuation_lines);
    }

    #[test]
    fn absent_is_not_deleted() {
        let message = message("MSH|^~\\&|A\rPID|\"\"||x^\"\"^y&z\r");
        let view = &message.patients()[0];
        let pid = view.first("PID").unwrap();
        assert_eq!(pid.value(1, 1), Value::Null);
        assert_eq!(pid.value(2, 1), Value::Absent);
        assert_eq!(pid.value(3, 2), Value::Null);
        assert_eq!(pid.text(3, 3).as_deref(), Some("y&z"));
        assert_eq!(pid.repeats(3).next().unwrap().sub(3, 2).as_deref(), Some("z"));
        assert_eq!(pid.value(99, 1), Value::Absent);
    }

    #[test]
    fn cut_values_are_marked() {
        let separators = Separators::declared(b'|', b"^~\\&#").unwrap();
        let message = Message::new("MSH|^~\\&#|A\rNTE|1||経過は良#^b#c|#\r", separators, Used::Utf8);
        let note = message.patients()[0].first("NTE").unwrap();
        assert_eq!(note.text(3, 1).as_deref(), Some("経過は良…"));
        assert_eq!(note.text(3, 2).as_deref(), Some("b#c"));
        assert_eq!(note.text(4, 1).as_deref(), Some("#"));
    }

    #[test]
    fn patients_are_separated() {
        let message = message("MSH|^~\\&|A\rPID|1\rOBX|1\rPID|2\rOBX|2\rOBX|3\r");
        let views = message.patients();
        assert_eq!(views.len(), 2);
        assert_eq!(views[0].all("OBX").count(), 1);
        assert_eq!(views[1].all("OBX").count(), 2);
        assert!(views[1].has("MSH"));
    }

    #[test]
    fn bounds_hold() {
        let many = format!("MSH|^~\\&|A\r{}", "NTE|1\r".repeat(MAX_SEGMENTS + 5));
        assert!(message(&many).repairs().too_many_segments);
        let wide = format!("MSH|^~\\&|A\rNTE|{}\rPID|1\r", "^".repeat(MAX_SEPARATORS_IN_SEGMENT + 1));
        let wide = message(&wide);
        assert!(wide.repairs().segment_too_wide && wide.patients()[0].has("PID"));
    }

    #[test]
    fn separators_must_be_usable() {
        assert_eq!(
            Separators::declared(b'|', b"^~\\&#"),
            Some(Separators { truncation: Some('#'), ..Separators::default() })
        );
        assert_eq!(Separators::declared(b'|', b"^~\\\\&"), Some(Separators::default()));
        assert_eq!(Separators::declared(b'|', b"&&&&"), None);
        assert_eq!(Separators::declared(b'|', b"^~"), Some(Separators::default()));
        assert_eq!(Separators::declared(b'!', b"@~\\&").map(|s| s.component), Some('@'));
        assert_eq!(Separators::declared(b'|', b"|~\\&"), None);
        assert_eq!(Separators::declared(b'|', b"A~\\&"), None);
    }

    proptest! {
        #[test]
        fn parsing_is_total(text in "(MSH\\|\\^~\\\\&\\||PID\\||OBX|[\r\n]|[ -~]|山|\\PC){0,120}") {
            let message = message(&text);
            for view in message.patients() {
                for segment in view.segments() {
                    prop_assert!(message.text.contains(segment.source()));
                    let source = message.lines.iter().map(|l| &message.text[l.start..l.end]);
                    prop_assert!(source.into_iter().any(|s| s == segment.source()));
                    for occurrence in segment.repeats(3) {
                        let _ = (occurrence.whole(), occurrence.coded(), occurrence.sub(1, 1));
                    }
                }
            }
        }
    }
}
