//! The hospital's acknowledgement, read from raw bytes (hl7.md 3): code, the message it names, and the
//! words for the office. Total; whatever is no acknowledgement is none.

use crate::charset;
use crate::charset::mend::mend;
use crate::header::{Header, ascii, skip_lead, split_outside_two_byte};
use kakehashi_core::text::clean_line;

/// An acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// MSA-1.
    pub code: String,
    /// MSA-2, trimmed.
    pub control_id: String,
    /// Error code of table 0357, if stated.
    pub error: Option<String>,
    /// Where in our message, as ERR says it: `MSH-9`, `OBX(3)-5`.
    pub place: Option<String>,
    /// MSA-3, else the text of ERR, one line.
    pub text: Option<String>,
}

impl Answer {
    /// Whether the fault goes away by itself: the record is locked (206) or the application stumbled (207).
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self.error.as_deref(), Some("206" | "207"))
    }

    /// For the office: `AE 101 PID Required field missing`.
    #[must_use]
    pub fn words(&self) -> String {
        let parts = [Some(&self.code), self.error.as_ref(), self.place.as_ref(), self.text.as_ref()];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// Reads an acknowledgement. `None` without MSH and MSA.
#[must_use]
pub fn read_answer(bytes: &[u8]) -> Option<Answer> {
    let mended = mend(bytes).bytes;
    let bytes = mended.as_ref();
    let header = Header::find(bytes)?;
    let (field, component) = (ascii(header.separators.field), ascii(header.separators.component));
    let declared = header.declared_charset();
    let text = |raw: &[u8]| {
        let decoded = charset::decode(raw, declared.as_deref(), None).map(|d| d.text).unwrap_or_default();
        Some(clean_line(&decoded, 200)).filter(|t| !t.is_empty())
    };
    let (mut code, mut control_id, mut said, mut place) = (None, String::new(), None, None);
    let mut error = (None, None);
    for line in bytes.split(|b| matches!(b, b'\r' | b'\n')).map(skip_lead).take(50) {
        let fields: Vec<&[u8]> = split_outside_two_byte(line, field).take(12).collect();
        let get = |n: usize| fields.get(n).copied().unwrap_or_default();
        match fields.first().copied() {
            Some(b"MSA") => {
                code = Some(String::from_utf8_lossy(get(1)).trim().to_ascii_uppercase());
                control_id = String::from_utf8_lossy(get(2)).trim().to_owned();
                said = text(get(3));
            }
            // v2.5 and newer: ERR-3 code, ERR-8 words; before: ERR-1, fourth component, subcomponents.
            Some(b"ERR") if error.0.is_none() => {
                let parts: Vec<&[u8]> = split_outside_two_byte(get(3), component).collect();
                let old: Vec<&[u8]> =
                    split_outside_two_byte(get(1), component).nth(3).map_or_else(Vec::new, |c| {
                        split_outside_two_byte(c, ascii(header.separators.subcomponent)).collect()
                    });
                let pair = if parts.first().is_some_and(|p| !p.is_empty()) { parts } else { old };
                let number = pair.first().and_then(|p| text(p));
                let words = text(get(8)).or_else(|| pair.get(1).and_then(|p| text(p)));
                let at = if get(2).is_empty() { get(1) } else { get(2) };
                place = place_of(split_outside_two_byte(at, component));
                error = (number, words);
            }
            _ => {}
        }
    }
    let code = code.filter(|c| !c.is_empty())?;
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).take(4).collect();
    let number = error.0.map(|n| n.chars().filter(char::is_ascii_alphanumeric).take(8).collect());
    Some(Answer { code, control_id, error: number, place, text: said.or(error.1) })
}

/// Segment, which of them, and field.
fn place_of<'b>(mut parts: impl Iterator<Item = &'b [u8]>) -> Option<String> {
    let mut part = || {
        let part = parts.next().unwrap_or_default();
        let sign = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit();
        (part.len() <= 5 && part.iter().all(sign)).then(|| String::from_utf8_lossy(part).into_owned())
    };
    let segment = part().filter(|s| s.len() == 3)?;
    let sequence = part().filter(|n| !n.is_empty() && n != "1").map_or(String::new(), |n| format!("({n})"));
    let field = part().filter(|n| !n.is_empty()).map_or(String::new(), |n| format!("-{n}"));
    Some(format!("{segment}{sequence}{field}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, String, Option<String>, String)> {
        let answer = read_answer(text.as_bytes())?;
        Some((answer.code.clone(), answer.control_id.clone(), answer.error.clone(), answer.words()))
    }

    #[test]
    fn acknowledgements_of_all_kinds() {
        let head = "MSH|^~\\&|HIS|S|GW|C|2026||ACK^T02^ACK|9|P|2.5\r";
        let cases = [
            ("MSA|AA|GW1\r", "AA", "GW1", None, "AA"),
            ("MSA|CA| GW1 \r", "CA", "GW1", None, "CA"),
            (
                "MSA|AE|GW1\rERR||PID^1|101^Required field missing^HL70357|E||||患者がありません\r",
                "AE",
                "GW1",
                Some("101"),
                "AE 101 PID 患者がありません",
            ),
            (
                "MSA|AR|GW1\rERR|PID^1^3^204&Unknown key identifier&HL70357\r",
                "AR",
                "GW1",
                Some("204"),
                "AR 204 PID-3 Unknown key identifier",
            ),
            (
                "MSA|AE|GW1\rERR||OBX^3^5|207^x^HL70357|E||||broken\r",
                "AE",
                "GW1",
                Some("207"),
                "AE 207 OBX(3)-5 broken",
            ),
            ("MSA|AE|GW1\rERR||山本^1|207^x\r", "AE", "GW1", Some("207"), "AE 207 x"),
            ("MSA|AE|GW1|busy|||207^x\r", "AE", "GW1", None, "AE busy"),
        ];
        for (tail, code, id, error, words) in cases {
            let found = read(&format!("{head}{tail}")).unwrap();
            assert_eq!(found, (code.to_owned(), id.to_owned(), error.map(str::to_owned), words.to_owned()));
        }
        for none in ["", "MSA|AA|1\r", head, "HTTP/1.1 200 OK\r\n"] {
            assert_eq!(read(none), None, "{none:?}");
        }
        let passing = read_answer(format!("{head}MSA|AE|1\rERR||||\rERR|||207^x\r").as_bytes()).unwrap();
        assert!(passing.is_passing(), "{passing:?}");
    }

    proptest::proptest! {
        #[test]
        fn reading_is_total(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300), tail in "[A-Z|^&~\\\\\r0-9]{0,80}") {
            let _ = read_answer(&bytes);
            let _ = read_answer(format!("MSH|^~\\&|a|b|c|d\r{tail}").as_bytes());
        }
    }
}
