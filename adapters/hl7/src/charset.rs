//! Bytes of a whole message to text, before anything is split (hl7.md section 4, care-network.md 4.2).
//! MSH-18 is trusted only where the bytes can be what it says; otherwise the bytes decide and a warning
//! says so. Never fails on damaged text: what cannot be read is U+FFFD and is reported.

pub mod detect;
pub mod iso2022;
pub mod label;
pub mod mend;

use encoding_rs::{EUC_JP, Encoding, SHIFT_JIS, WINDOWS_1252};
use label::Declared;
use serde::{Deserialize, Serialize};

/// A character set as used for decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Used {
    /// Seven bits, no escapes.
    #[serde(rename = "ASCII")]
    Ascii,
    /// ISO 2022 with JIS X 0201, 0208 and 0212.
    #[serde(rename = "ISO-2022-JP")]
    Iso2022Jp,
    /// UTF-8.
    #[serde(rename = "UTF-8")]
    Utf8,
    /// Windows-31J, which HL7 table 0211 has no name for.
    #[serde(rename = "CP932")]
    Cp932,
    /// EUC-JP, which HL7 table 0211 has no name for.
    #[serde(rename = "EUC-JP")]
    EucJp,
    /// Western European single bytes.
    #[serde(rename = "ISO-8859-1")]
    Latin1,
}

impl Used {
    /// The name in Envelopes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ASCII",
            Self::Iso2022Jp => "ISO-2022-JP",
            Self::Utf8 => "UTF-8",
            Self::Cp932 => "CP932",
            Self::EucJp => "EUC-JP",
            Self::Latin1 => "ISO-8859-1",
        }
    }
}

/// Decoded text and what was wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text; U+FFFD where it could not be read, 〓 for user-defined characters.
    pub text: String,
    /// What it was decoded with.
    pub used: Used,
    /// The declared set cannot be what the bytes are.
    pub mismatch: bool,
    /// Nothing usable was declared and the bytes decided.
    pub detected: bool,
    /// No character set fits; the text is a guess.
    pub undecided: bool,
    /// Some bytes could not be read.
    pub damaged: bool,
    /// The text ends, or a line ends, inside a character.
    pub truncated: bool,
    /// User-defined characters (外字) were replaced.
    pub gaiji: bool,
    /// ISO 2022 text was not returned to ASCII before a separator; read as the standard says.
    pub left_open: bool,
    /// Segments whose two-byte text went on after a separator: the reading is a repair.
    pub realigned: Vec<[u8; 3]>,
}

/// The declared set is one that is not taken over MLLP (hl7.md 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("UTF-16 and UTF-32 are not taken; the sender must use UTF-8 or ISO-2022-JP")]
pub struct Wide;

/// Whether bytes are UTF-16 or UTF-32, by mark or by the zeros in the first letters.
#[must_use]
pub fn is_wide(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xfe, 0xff])
        || bytes.starts_with(b"M\0S\0H")
        || bytes.starts_with(b"\0M\0S\0H")
        || bytes.starts_with(b"\0\0\0M")
        || bytes.starts_with(b"M\0\0\0S")
}

/// Decodes a message. `declared` is MSH-18, `confirmed` what a human fixed for the interface.
///
/// # Errors
/// [`Wide`] for UTF-16 and UTF-32.
pub fn decode(bytes: &[u8], declared: Option<&str>, confirmed: Option<Used>) -> Result<Decoded, Wide> {
    let declared = declared.map_or(Declared::Nothing, label::read);
    if is_wide(bytes) || declared == Declared::Wide {
        return Err(Wide);
    }
    let bytes = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
    let wanted = confirmed.or(match declared {
        Declared::Set(used) => Some(used),
        Declared::Nothing | Declared::Unknown | Declared::Wide => None,
    });
    if let Some(used) = wanted
        && detect::can_be(bytes, used)
    {
        return Ok(decode_as(bytes, used));
    }
    let found = detect::detect(bytes, declared == Declared::Set(Used::Latin1));
    let mut decoded = decode_as(bytes, found.used);
    // ASCII and Latin 1 are what software writes that knows nothing: no contradiction, but no statement.
    let stated = !matches!(wanted, None | Some(Used::Ascii | Used::Latin1));
    decoded.mismatch = stated;
    decoded.detected = !stated && found.used != Used::Ascii;
    decoded.undecided = found.undecided;
    Ok(decoded)
}

fn decode_as(bytes: &[u8], used: Used) -> Decoded {
    let mut decoded = Decoded {
        text: String::new(),
        used,
        mismatch: false,
        detected: false,
        undecided: false,
        damaged: false,
        truncated: false,
        gaiji: false,
        left_open: false,
        realigned: Vec::new(),
    };
    match used {
        Used::Iso2022Jp => {
            let mended = mend::mend(bytes);
            let read = iso2022::decode(&mended.bytes);
            decoded.left_open = mended.left_open;
            decoded.realigned = mended.realigned;
            decoded.text = read.text;
            decoded.damaged = read.damaged;
            decoded.truncated = read.truncated;
        }
        Used::Ascii | Used::Utf8 => {
            let text = String::from_utf8_lossy(bytes);
            decoded.damaged = matches!(text, std::borrow::Cow::Owned(_));
            decoded.truncated = ends_inside_utf8(bytes);
            decoded.text = text.into_owned();
        }
        Used::Cp932 => decoded.with(SHIFT_JIS, bytes),
        Used::EucJp => decoded.with(EUC_JP, bytes),
        Used::Latin1 => decoded.with(WINDOWS_1252, bytes),
    }
    if has_private(&decoded.text) {
        decoded.gaiji = true;
        decoded.text = decoded.text.chars().map(|c| if is_private(c) { '〓' } else { c }).collect();
    }
    decoded
}

impl Decoded {
    fn with(&mut self, encoding: &'static Encoding, bytes: &[u8]) {
        let (text, damaged) = encoding.decode_without_bom_handling(bytes);
        self.text = text.into_owned();
        self.damaged = damaged;
        self.truncated = damaged && self.text.trim_end_matches(['\r', '\n']).ends_with('\u{fffd}');
    }
}

/// Whether the text holds a sign of private use, looked for by its first bytes in UTF-8.
fn has_private(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr2_iter(0xee, 0xef, bytes)
        .any(|at| bytes[at] == 0xee || bytes.get(at + 1).is_some_and(|second| (0x80..=0xa3).contains(second)))
}

const fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}')
}

/// Whether UTF-8 breaks off inside its last character.
#[must_use]
pub fn ends_inside_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|e| e.error_len().is_none())
}

/// Text of the bytes of an `\X..\` escape, in the character set of the message.
#[must_use]
pub fn decode_piece(bytes: &[u8], used: Used) -> String {
    match used {
        Used::Iso2022Jp => iso2022::decode(bytes).text,
        Used::Ascii | Used::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
        Used::Cp932 => SHIFT_JIS.decode_without_bom_handling(bytes).0.into_owned(),
        Used::EucJp => EUC_JP.decode_without_bom_handling(bytes).0.into_owned(),
        Used::Latin1 => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn declared_sets_are_trusted_only_if_the_bytes_can_be_it() {
        let jis = b"\x1b$B;3K\\\x1b(B".as_slice();
        let utf8 = "山本".as_bytes();
        let (cp932, _, _) = SHIFT_JIS.encode("山本へ連絡");
        let (euc, _, _) = EUC_JP.encode("山本へ連絡");
        let cases = [
            (jis, Some("~ISO IR87"), Used::Iso2022Jp, "山本", false),
            (jis, None, Used::Iso2022Jp, "山本", false),
            (jis, Some("UNICODE UTF-8"), Used::Iso2022Jp, "山本", true),
            (utf8, Some("UNICODE UTF-8"), Used::Utf8, "山本", false),
            (utf8, Some("~ISO IR87"), Used::Utf8, "山本", true),
            (&cp932, Some("UNICODE UTF-8"), Used::Cp932, "山本へ連絡", true),
            (&cp932, None, Used::Cp932, "山本へ連絡", false),
            (&euc, None, Used::EucJp, "山本へ連絡", false),
            (&cp932, Some("8859/1"), Used::Cp932, "山本へ連絡", false),
            (&b"caf\xe9 noir"[..], Some("8859/1"), Used::Latin1, "café noir", false),
            (&b"abc"[..], None, Used::Ascii, "abc", false),
        ];
        for (bytes, declared, used, text, mismatch) in cases {
            let decoded = decode(bytes, declared, None).unwrap();
            let got = (decoded.used, decoded.text.as_str(), decoded.mismatch);
            assert_eq!(got, (used, text, mismatch), "{declared:?}");
        }
        assert!(decode(b"M\0S\0H\0", None, None).is_err());
    }

    #[test]
    fn user_defined_characters_are_marked() {
        let decoded = decode(b"\xf0\x40\x93\x63", None, Some(Used::Cp932)).unwrap();
        assert_eq!(decoded.text, "〓田");
        assert!(decoded.gaiji);
    }

    proptest! {
        #[test]
        fn private_use_is_found(text in "[\u{d7ff}\u{e000}\u{efff}\u{f000}\u{f8ff}\u{f900}\u{ff5e}a山]{0,6}") {
            prop_assert_eq!(has_private(&text), text.chars().any(is_private));
        }

        #[test]
        fn decoding_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..400), label in ".{0,20}") {
            let _ = decode(&bytes, Some(&label), None);
            let _ = decode(&bytes, Some("~ISO IR87"), None);
            for used in [Used::Iso2022Jp, Used::Utf8, Used::Cp932, Used::EucJp, Used::Latin1, Used::Ascii] {
                let _ = decode(&bytes, None, Some(used));
            }
        }
    }
}
