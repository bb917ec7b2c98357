//! The message header on raw bytes: enough to recognise a message, answer it and choose its character
//! set before anything is decoded (hl7.md 3.3, 4.4). Values are the sender's bytes, never changed;
//! two-byte text of ISO 2022 is stepped over, because 本 holds a backslash and 剤 a circumflex.

use crate::charset::mend::mend;
use crate::charset::{Used, detect};
use crate::message::Separators;
use crate::message_type::MessageType;
use std::borrow::Cow;

/// Fields of MSH that are looked at.
const MAX_FIELDS: usize = 40;

/// MSH as bytes.
#[derive(Debug, Clone)]
pub struct Header<'a> {
    /// Declared in MSH-1 and MSH-2.
    pub separators: Separators,
    fields: Vec<Cow<'a, [u8]>>,
}

impl<'a> Header<'a> {
    /// The header of a message whose first line is MSH. `None` without one, or if its separators
    /// cannot be used.
    #[must_use]
    pub fn find(message: &'a [u8]) -> Option<Self> {
        let message = skip_lead(message);
        let line = &message[..line_end(message)];
        let separator = header_separator(line, b"MSH")?;
        Self::of_line(line, separator)
    }

    /// The fields of one line. Text in a set that its sender left open ends at the separator.
    fn of_line(line: &'a [u8], separator: u8) -> Option<Self> {
        let fields: Vec<Cow<'a, [u8]>> = match mend(line).bytes {
            Cow::Borrowed(line) => {
                split_outside_two_byte(line, separator).take(MAX_FIELDS).map(Cow::Borrowed).collect()
            }
            Cow::Owned(line) => split_outside_two_byte(&line, separator)
                .take(MAX_FIELDS)
                .map(|field| Cow::Owned(field.to_vec()))
                .collect(),
        };
        let declared = fields.get(1).map(AsRef::as_ref).unwrap_or_default();
        Some(Self { separators: Separators::declared(separator, declared)?, fields })
    }

    /// FHS or BHS of a batch, the first line with this name. Its fields are counted as those of MSH.
    #[must_use]
    pub fn of_batch(bytes: &'a [u8], name: &[u8; 3]) -> Option<Self> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = line_end(rest);
            let line = skip_lead(&rest[..end]);
            if let Some(separator) = header_separator(line, name) {
                return Self::of_line(line, separator);
            }
            if header_separator(line, b"MSH").is_some() {
                return None;
            }
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        None
    }

    /// MSH-`number`, empty if absent. MSH-1 is the separator and is not asked for here.
    #[must_use]
    pub fn field(&self, number: usize) -> &[u8] {
        self.fields.get(number.saturating_sub(1)).map(AsRef::as_ref).unwrap_or_default()
    }

    /// A component of the first repetition, counted from 1.
    #[must_use]
    pub fn component(&self, number: usize, component: usize) -> &[u8] {
        let first = split_outside_two_byte(self.field(number), ascii(self.separators.repetition)).next();
        split_outside_two_byte(first.unwrap_or_default(), ascii(self.separators.component))
            .nth(component.saturating_sub(1))
            .unwrap_or_default()
    }

    /// As [`Header::component`], as text for comparing: trimmed, anything but ASCII replaced.
    #[must_use]
    pub fn text(&self, number: usize, component: usize) -> String {
        String::from_utf8_lossy(self.component(number, component)).trim().to_owned()
    }

    /// MSH-9 as it is meant.
    #[must_use]
    pub fn message_type(&self) -> MessageType {
        MessageType::read(self)
    }

    /// MSH-18 as written, `None` if empty.
    #[must_use]
    pub fn declared_charset(&self) -> Option<String> {
        let declared = String::from_utf8_lossy(self.field(18)).trim().to_owned();
        (!declared.is_empty() && declared != "\"\"").then_some(declared)
    }

    /// Major and minor version of MSH-12; 2.5 where it cannot be told.
    #[must_use]
    pub fn version(&self) -> (u32, u32) {
        let text = self.text(12, 1);
        let mut numbers = text.split('.').map(|n| n.parse::<u32>().ok());
        match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(major), Some(minor)) => (major, minor),
            _ => (2, 5),
        }
    }
}

/// Skips byte order mark, blanks and line ends before a message.
#[must_use]
pub fn skip_lead(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    loop {
        rest = match rest {
            [0xef, 0xbb, 0xbf, tail @ ..] => tail,
            [b' ' | b'\t' | b'\r' | b'\n' | 0, tail @ ..] => tail,
            _ => return rest,
        };
    }
}

/// Length of the first line.
pub(crate) fn line_end(bytes: &[u8]) -> usize {
    memchr::memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len())
}

/// The field separator of a header line with this name, or `None` if it is not one.
pub(crate) fn header_separator(line: &[u8], name: &[u8; 3]) -> Option<u8> {
    let separator = *line.strip_prefix(name)?.first()?;
    separator.is_ascii_punctuation().then_some(separator)
}

/// Splits at a byte, stepping over two-byte text of ISO 2022 and of CP932, in which bytes like the separators
/// are halves of characters.
pub(crate) fn split_outside_two_byte(bytes: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let has_leads = has_cp932_leads(bytes);
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let current = rest?;
        let mut two_byte = false;
        let mut at = 0;
        while at < current.len() {
            // Plain text is jumped over.
            let next = match (two_byte, has_leads) {
                (true, _) => memchr::memchr(0x1b, &current[at..]),
                (false, false) => memchr::memchr2(0x1b, separator, &current[at..]),
                (false, true) => {
                    current[at..].iter().position(|b| *b == 0x1b || *b == separator || is_cp932_lead(*b))
                }
            };
            let Some(skipped) = next else { break };
            at += skipped;
            match current[at] {
                0x1b => {
                    two_byte = current.get(at + 1) == Some(&b'$');
                    // The bytes of the escape sequence are no text.
                    at += if current.get(at + 2) == Some(&b'(') { 4 } else { 3 };
                    continue;
                }
                byte if byte == separator && !two_byte => {
                    rest = Some(&current[at + 1..]);
                    return Some(&current[..at]);
                }
                byte if is_cp932_lead(byte) => at += 2,
                _ => at += 1,
            }
        }
        rest = None;
        Some(current)
    })
}

const fn is_cp932_lead(byte: u8) -> bool {
    matches!(byte, 0x81..=0x9f | 0xe0..=0xfc)
}

/// Whether bytes hold characters whose second byte may look like a separator: text that is neither UTF-8 nor
/// EUC-JP nor single letters with accents.
fn has_cp932_leads(bytes: &[u8]) -> bool {
    !bytes.is_ascii()
        && std::str::from_utf8(bytes).is_err()
        && !detect::can_be(bytes, Used::EucJp)
        && !detect::can_be(bytes, Used::Latin1)
}

pub(crate) fn ascii(separator: char) -> u8 {
    u8::try_from(separator).unwrap_or(b'|')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_as_the_standard_counts() {
        let header = Header::find(b"MSH|^~\\&#|HIS|A^B|GW|C||x|ADT^A03^ADT_A03|42|P|2.7\rPID|1").unwrap();
        assert_eq!(header.field(3), b"HIS");
        assert_eq!(header.component(4, 2), b"B");
        assert_eq!(header.text(9, 2), "A03");
        assert_eq!(header.field(10), b"42");
        assert_eq!(header.version(), (2, 7));
        assert_eq!(header.field(18), b"");
    }

    #[test]
    fn two_byte_text_is_stepped_over() {
        let header = Header::find(b"MSH|^~\\&|\x1b$BM|M|\x1b(B|F\r").unwrap();
        assert_eq!(header.field(4), b"F");
    }

    #[test]
    fn what_is_no_header() {
        assert!(Header::find(b"").is_none());
        assert!(Header::find(b"MSH").is_none());
        assert!(Header::find(b"MSHA^~\\&").is_none());
        assert!(Header::find(b"PID|1").is_none());
    }
}
