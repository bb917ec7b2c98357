//! Files inside OBX-5 of type ED (hl7.md 7.3): base64, hex or literal, wrapped by escapes, split over
//! several OBX. The kind is decided by the bytes and the declared type only breaks ties; programs are
//! refused. Never opens or converts a file; only MIME packages are taken apart (`mime`).

pub mod mime;
pub mod utf16;

use crate::message::unescape::hex_bytes;
use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::{Part, PartFault, PartSink};
use kakehashi_core::vocabulary::AttachmentRole;

/// Padding may be missing, as some senders cut it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// How ED component 4 says that the data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Base64, also where nothing is said.
    Base64,
    /// Pairs of hexadecimal digits.
    Hex,
    /// `A`, and names of plain text that senders invent: the text itself.
    Literal,
}

impl Encoding {
    /// Reads ED-4.
    #[must_use]
    pub fn read(written: &str) -> Self {
        match written.trim().to_ascii_lowercase().as_str() {
            "hex" => Self::Hex,
            "a" | "ascii" | "text" | "utf-8" => Self::Literal,
            _ => Self::Base64,
        }
    }
}

/// Removes what wraps encoded data: escape sequences for line ends, blanks. `None` if anything else is
/// left that the encoding does not have, with padding only at the end.
#[must_use]
pub fn strip(data: &[u8], encoding: Encoding, escape: u8) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(data.len());
    visit(data, encoding, escape, |byte| plain.push(byte)).then_some(plain)
}

/// Decodes data as it stands in a message. `None` if it is damaged. Data without wraps, which nearly all
/// of it is, is decoded where it lies.
#[must_use]
pub fn decode_wrapped(data: &[u8], encoding: Encoding, escape: u8) -> Option<Vec<u8>> {
    if encoding == Encoding::Base64
        && !ends_with_much_padding(data)
        && let Some(decoded) = decode(data, encoding)
    {
        return Some(decoded);
    }
    decode(&strip(data, encoding, escape)?, encoding)
}

/// More padding than base64 has, which the careful way refuses.
fn ends_with_much_padding(data: &[u8]) -> bool {
    data.ends_with(b"===")
}

/// Only letters of base64, with padding only at the end.
fn is_plain_base64(data: &[u8]) -> bool {
    let padding = data.iter().rev().take(3).take_while(|b| **b == b'=').count();
    padding <= 2 && data[..data.len() - padding].iter().all(|b| IS_BASE64[usize::from(*b)])
}

/// The 64 letters.
const IS_BASE64: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
        byte += 1;
    }
    table
};

/// As [`strip`], only telling whether it would succeed: cheap enough for the answer to a message.
#[must_use]
pub fn is_sound(data: &[u8], encoding: Encoding, escape: u8) -> bool {
    if encoding == Encoding::Base64 && is_plain_base64(data) {
        let padding = data.iter().rev().take_while(|b| **b == b'=').count();
        return (data.len() - padding) % 4 != 1;
    }
    let mut count = 0_usize;
    let mut padding = 0_usize;
    let sound = visit(data, encoding, escape, |byte| {
        count += 1;
        padding += usize::from(byte == b'=');
    });
    sound
        && match encoding {
            Encoding::Base64 => (count - padding) % 4 != 1,
            Encoding::Hex => count.is_multiple_of(2),
            Encoding::Literal => true,
        }
}

fn visit(data: &[u8], encoding: Encoding, escape: u8, mut take: impl FnMut(u8)) -> bool {
    let mut at = 0;
    let mut padding = 0;
    while let Some(&byte) = data.get(at) {
        at += 1;
        if byte == escape && encoding != Encoding::Literal {
            // \.br\ \X0D\ \X0A\ \X0D0A\ and the like; nothing longer is a line end.
            let Some(end) = data[at..].iter().take(12).position(|b| *b == escape) else { return false };
            let sequence = &data[at..at + end];
            if !sequence.starts_with(b".") && !sequence.starts_with(b"X") {
                return false;
            }
            at += end + 1;
            continue;
        }
        let fits = match encoding {
            Encoding::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
            Encoding::Hex => byte.is_ascii_hexdigit(),
            Encoding::Literal => true,
        };
        if fits {
            if encoding == Encoding::Base64 {
                padding = if byte == b'=' {
                    padding + 1
                } else if padding > 0 {
                    return false;
                } else {
                    0
                };
            }
            if padding > 2 {
                return false;
            }
            take(byte);
        } else if !byte.is_ascii_whitespace() {
            return false;
        }
    }
    true
}

/// Decodes stripped data. `None` if it is damaged.
#[must_use]
pub fn decode(plain: &[u8], encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Base64 => {
            // Too much padding is as harmless as none.
            let letters = plain.iter().rposition(|b| *b != b'=').map_or(0, |last| last + 1);
            BASE64.decode(&plain[..letters]).ok()
        }
        Encoding::Hex if plain.is_empty() => Some(Vec::new()),
        Encoding::Hex => std::str::from_utf8(plain).ok().and_then(hex_bytes),
        Encoding::Literal => Some(plain.to_vec()),
    }
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Media type.
    pub media_type: &'static str,
    /// Ending of a file name, without dot.
    pub extension: &'static str,
    /// The bytes themselves say so: a new file begins here.
    pub certain: bool,
}

/// Why a file is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Programs never enter a post.
    #[error("an embedded program was not kept")]
    Program,
    /// Image archives belong into an image system; a report or a JPEG can be sent instead.
    #[error(
        "a DICOM image was not kept: the members of a team have no viewer for it; send the report, PDF or JPEG"
    )]
    Dicom,
}

impl Refused {
    /// Code of the warning.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Program => "executable_refused",
            Self::Dicom => "dicom_refused",
        }
    }

    /// What it was, for the people of a team.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Program => "プログラムとみられるファイル",
            Self::Dicom => "専用の装置で見る画像(DICOM)",
        }
    }
}

/// What the bytes are, if such a file may be kept.
///
/// # Errors
/// [`Refused`] with its reason.
pub fn acceptable(bytes: &[u8], declared_type: &str, declared_subtype: &str) -> Result<Kind, Refused> {
    let kind = kind_of(bytes, declared_type, declared_subtype).ok_or(Refused::Program)?;
    if kind.media_type == "application/dicom" { Err(Refused::Dicom) } else { Ok(kind) }
}

/// What the bytes are; `None` for a program.
#[must_use]
pub fn kind_of(bytes: &[u8], declared_type: &str, declared_subtype: &str) -> Option<Kind> {
    let certain = |media_type, extension| Some(Kind { media_type, extension, certain: true });
    let start = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
    let start = &start[..start.len().min(4096)];
    let start = &*utf16::as_utf8(start);
    if is_program(start) {
        return None;
    }
    if start.starts_with(b"%PDF-") {
        return certain("application/pdf", "pdf");
    }
    if start.starts_with(b"II*\0") || start.starts_with(b"MM\0*") {
        return certain("image/tiff", "tif");
    }
    if start.starts_with(b"{\\rtf") {
        return certain("application/rtf", "rtf");
    }
    if start.starts_with(&[0xff, 0xd8, 0xff]) {
        return certain("image/jpeg", "jpg");
    }
    if start.starts_with(&[0x89, b'P', b'N', b'G']) {
        return certain("image/png", "png");
    }
    if start.starts_with(b"PK\x03\x04") {
        return Some(office_kind(start));
    }
    if start.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) {
        let declared = format!("{declared_type} {declared_subtype}").to_ascii_uppercase();
        let sheet = ["EXCEL", "XLS"].iter().any(|word| declared.contains(word));
        return if sheet {
            certain("application/vnd.ms-excel", "xls")
        } else {
            certain("application/msword", "doc")
        };
    }
    if start.get(128..132) == Some(b"DICM") {
        return certain("application/dicom", "dcm");
    }
    let is_markup = start.trim_ascii_start().starts_with(b"<?xml") || start.starts_with(b"<ClinicalDocument");
    // Whatever prefix the sender gave to the namespace.
    let is_cda = |w: &[u8]| matches!(w, [b'<' | b':', name @ ..] if name == b"ClinicalDocument");
    if start.trim_ascii_start().starts_with(b"<") && start.windows(17).any(is_cda) {
        return certain("application/hl7-cda+xml", "xml");
    }
    let is_page = [&b"<!DOCTYPE html"[..], b"<!doctype html", b"<html", b"<HTML", b"<!DOCTYPE HTML"];
    if is_page.iter().any(|page| start.trim_ascii_start().starts_with(page)) {
        return certain("text/html", "html");
    }
    if is_markup {
        let is_xhtml = start.windows(5).any(|w| w == b"<html");
        return if is_xhtml { certain("text/html", "html") } else { certain("application/xml", "xml") };
    }
    Some(declared_kind(start, declared_type, declared_subtype))
}

/// Word, Excel and PowerPoint files are archives with a folder of their own.
fn office_kind(start: &[u8]) -> Kind {
    let holds = |folder: &[u8]| start.windows(folder.len()).any(|w| w == folder);
    let (media_type, extension) = if holds(b"word/") {
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx")
    } else if holds(b"xl/") {
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx")
    } else if holds(b"ppt/") {
        ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx")
    } else {
        ("application/zip", "zip")
    };
    Kind { media_type, extension, certain: true }
}

/// Windows, ELF and Mach-O programs, scripts and shortcuts.
fn is_program(start: &[u8]) -> bool {
    [
        &b"MZ"[..],
        b"\x7fELF",
        &[0xca, 0xfe, 0xba, 0xbe],
        &[0xcf, 0xfa, 0xed, 0xfe],
        &[0xfe, 0xed, 0xfa, 0xcf],
        b"#!",
        &[0x4c, 0x00, 0x00, 0x00, 0x01, 0x14, 0x02, 0x00],
    ]
    .iter()
    .any(|magic| start.starts_with(magic))
}

fn declared_kind(start: &[u8], declared_type: &str, declared_subtype: &str) -> Kind {
    let declared = format!("{declared_type} {declared_subtype}").to_ascii_uppercase();
    let named = |word: &str| declared.split([' ', '/', '-']).any(|d| d == word);
    // Text of Windows is no UTF-8, and is believed to be text where its sender says so.
    let said_text = named("TEXT") || named("TXT") || named("PLAIN");
    let is_utf8 = std::str::from_utf8(start).map_or_else(|e| e.error_len().is_none(), |_| true);
    let is_text = (is_utf8 || said_text) && !start.iter().any(|b| *b < 0x20 && !b.is_ascii_whitespace());
    let (media_type, extension) = if is_text && named("HTML") {
        ("text/html", "html")
    } else if is_text && (named("XML") || declared.contains("XML")) {
        ("application/xml", "xml")
    } else if is_text {
        ("text/plain", "txt")
    } else {
        ("application/octet-stream", "bin")
    };
    Kind { media_type, extension, certain: false }
}

/// A line for the team about what is not attached, so that nobody waits for it.
pub(crate) fn left_out(refused: &[&str]) -> Option<String> {
    let mut named: Vec<&str> = Vec::new();
    for what in refused {
        if !named.contains(what) {
            named.push(what);
        }
    }
    let what = named.join("、");
    (!what.is_empty())
        .then(|| format!("※ {what}は添付していません。必要なときは病院にお問い合わせください。"))
}

/// Keeps a decoded file of a message as a document of the post.
pub(crate) fn keep(
    envelope: &mut Envelope,
    parts: &mut dyn PartSink,
    name: &str,
    kind: Kind,
    bytes: &[u8],
) -> Result<(), PartFault> {
    let (media_type, role) = (kind.media_type, AttachmentRole::Document);
    envelope.attachments.push(parts.keep(Part { name: Some(name), media_type, pages: None, role, bytes })?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wrapped_and_broken_data() {
        let cases: &[(&[u8], Option<&[u8]>)] = &[
            (b"JVBERi0x", Some(b"%PDF-1")),
            (b"JVBE\\.br\\Ri0x", Some(b"%PDF-1")),
            (b"JVBE\\X0D\\\\X0A\\ Ri0x\r\n", Some(b"%PDF-1")),
            (b"JVBERi0xLjQ", Some(b"%PDF-1.4")),
            (b"JVBERi0xLjQ=\\X0D\\%%%broken", None),
            (b"JVBE=Ri0x", None),
        ];
        for (data, expected) in cases {
            let decoded =
                strip(data, Encoding::Base64, b'\\').and_then(|plain| decode(&plain, Encoding::Base64));
            assert_eq!(decoded.as_deref(), *expected, "{}", String::from_utf8_lossy(data));
            assert_eq!(is_sound(data, Encoding::Base64, b'\\'), expected.is_some());
        }
        assert_eq!(decode(b"255044462d", Encoding::Hex).as_deref(), Some(&b"%PDF-"[..]));
    }

    #[test]
    fn the_bytes_decide() {
        let kind = |bytes: &[u8]| kind_of(bytes, "application", "pdf").map(|k| k.media_type);
        assert_eq!(kind(b"%PDF-1.4"), Some("application/pdf"));
        assert_eq!(kind(b"II*\0"), Some("image/tiff"));
        assert_eq!(kind(b"<?xml version=\"1.0\"?><ClinicalDocument/>"), Some("application/hl7-cda+xml"));
        for cda in ["<h:ClinicalDocument xmlns:h='urn:hl7-org:v3'/>", "\n<!-- x --><ClinicalDocument/>"] {
            assert_eq!(kind(cda.as_bytes()), Some("application/hl7-cda+xml"), "{cda}");
        }
        assert_eq!(kind(b"MZ\x90"), None);
        assert_eq!(kind_of(b"PK\x03\x04....word/document.xml", "", "").map(|k| k.extension), Some("docx"));
        assert_eq!(
            kind_of(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application", "vnd.ms-excel").map(|k| k.extension),
            Some("xls")
        );
        assert_eq!(kind(b"\x01\x02"), Some("application/octet-stream"));
        assert_eq!(kind("本文".as_bytes()), Some("text/plain"));
        let windows = b"\x8co\x89\xdf\x97\xc7\x8dD\r\n";
        assert_eq!(kind_of(windows, "TEXT", "plain").map(|k| k.media_type), Some("text/plain"));
        assert_eq!(
            kind_of(windows, "application", "x").map(|k| k.media_type),
            Some("application/octet-stream")
        );
    }

    proptest! {
        #[test]
        fn checking_agrees_with_decoding(data in "[A-Za-z0-9+/=\\\\.br X0D\r\n%]{0,60}") {
            let data = data.as_bytes();
            let decoded = strip(data, Encoding::Base64, b'\\').and_then(|p| decode(&p, Encoding::Base64));
            prop_assert_eq!(decoded.is_some(), is_sound(data, Encoding::Base64, b'\\'));
            let _ = kind_of(data, "", "");
        }
    }
}
