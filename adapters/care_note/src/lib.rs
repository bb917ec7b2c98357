//! Care notes: the JSON of care-record software and of the web form (care-network.md 6.5). `read`
//! turns stored bytes into an Envelope. The shape and the way to the desk are
//! [`kakehashi_core::care_note`], which HTTP, form and MQTT share; no socket and no store is touched here.

pub mod read;

pub use kakehashi_core::care_note::{Arrival, intake};
pub use read::CareNoteReader;

use kakehashi_core::care_note::CareNote;

/// Whether bytes look like a care note: a JSON object whose first key is one of ours. Cheap: only the
/// beginning is looked at.
#[must_use]
pub fn looks_like_care_note(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = &bytes[..bytes.len().min(512)];
    let mut rest = start.iter().skip_while(|b| b.is_ascii_whitespace());
    if rest.next() != Some(&b'{') {
        return false;
    }
    let mut rest = rest.skip_while(|b| b.is_ascii_whitespace());
    if rest.next() != Some(&b'"') {
        return false;
    }
    let key: Vec<u8> = rest.take_while(|b| **b != b'"').copied().collect();
    CareNote::KEYS.iter().any(|known| known.as_bytes() == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn care_notes_are_told_from_other_json() {
        for (bytes, is_one) in [
            (&b"{\"body\":\"x\"}"[..], true),
            (b"\xef\xbb\xbf \n{ \"group\" : 1", true),
            (b"{\"resourceType\":\"Bundle\"}", false),
            (b"[{\"body\":1}]", false),
            (b"{", false),
            (b"", false),
            (b"MSH|^~\\&|", false),
        ] {
            assert_eq!(looks_like_care_note(bytes), is_one, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
