//! A MIME package inside ED: a document with its pictures in one value (ED-2 `multipart`, the way CDA R2
//! section 3.2 gives for HL7 v2). Only taken apart here; what each part is, is decided like that of any other
//! file. Never opens packages inside packages.

use super::{Encoding, decode_wrapped};
use mail_parser::{Encoding as Written, MessageParser, MessagePart, MimeHeaders as _, PartType};
use std::borrow::Cow;
use std::panic::catch_unwind;

/// So long may the first line of a package without headers be (RFC 2046 section 5.1.1: 70 characters of boundary).
const MAX_BOUNDARY: usize = 72;

/// One file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The name that the sender gave it.
    pub name: Option<String>,
    /// Declared media type, in two halves.
    pub declared: [String; 2],
    /// Its bytes; `None` if they are damaged.
    pub bytes: Option<Vec<u8>>,
}

/// The files of a package, without empty ones; `None` if the value is no package. `declared_type` is ED-2.
#[must_use]
pub fn unpack(bytes: &[u8], declared_type: &str) -> Option<Vec<Packed>> {
    let bytes = with_headers(bytes.trim_ascii_start(), declared_type)?;
    // On some damaged packages the library stumbles (docs/decisions/0005): those are files as they stand.
    let message = catch_unwind(|| MessageParser::new().parse(bytes.as_ref())).ok().flatten()?;
    if !matches!(message.root_part().body, PartType::Multipart(_)) {
        return None;
    }
    let files = message.parts.iter().filter(|part| !matches!(part.body, PartType::Multipart(_)));
    Some(files.filter_map(|part| packed(part, &bytes)).collect())
}

/// The package with headers: with its own, or with those that its first boundary allows to tell.
fn with_headers<'b>(bytes: &'b [u8], declared_type: &str) -> Option<Cow<'b, [u8]>> {
    let begins =
        |word: &str| bytes.get(..word.len()).is_some_and(|b| b.eq_ignore_ascii_case(word.as_bytes()));
    if begins("MIME-Version:") || begins("Content-Type: multipart/") || begins("Content-Type:multipart/") {
        return Some(Cow::Borrowed(bytes));
    }
    if !declared_type.trim().eq_ignore_ascii_case("multipart") {
        return None;
    }
    let Some(rest) = bytes.strip_prefix(b"--") else { return Some(Cow::Borrowed(bytes)) };
    let end = rest.iter().take(MAX_BOUNDARY).position(|b| matches!(b, b'\r' | b'\n'))?;
    let boundary = std::str::from_utf8(&rest[..end]).ok()?.trim_end().replace(['"', '\\'], "");
    let headers =
        format!("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n");
    Some(Cow::Owned([headers.as_bytes(), bytes].concat()))
}

fn packed(part: &MessagePart<'_>, package: &[u8]) -> Option<Packed> {
    // Text as its sender wrote it: a document names its own character set, which must stay true.
    let body = package.get(part.raw_body_offset() as usize..part.raw_end_offset() as usize);
    // What cannot be decoded the library gives back as it stood; here it is a file that is missing.
    let is_base64 = part.content_transfer_encoding().is_some_and(|e| e.trim().eq_ignore_ascii_case("base64"));
    let bytes = match part.encoding {
        _ if is_base64 => body.and_then(|body| decode_wrapped(body, Encoding::Base64, 0)),
        Written::None => body.map(<[u8]>::to_vec),
        Written::QuotedPrintable | Written::Base64 => Some(part.contents().to_vec()),
    };
    if bytes.as_ref().is_some_and(|bytes| bytes.trim_ascii().is_empty()) {
        return None;
    }
    let kind = part.content_type();
    let half = |half: Option<&str>| half.unwrap_or("").to_owned();
    let declared = [half(kind.map(|k| k.ctype())), half(kind.and_then(|k| k.subtype()))];
    Some(Packed { name: part.attachment_name().map(str::to_owned), declared, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PARTS: &str = "--b1\r\nContent-Type: text/xml; charset=Shift_JIS\r\n\r\n<?xml version=\"1.0\"?><ClinicalDocument/>\r\n\
        --b1\r\nContent-Type: image/png; name=\"x.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n\
        --b1\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nk/o=\r\n--b1--\r\n";

    fn kinds(package: &str, declared: &str) -> Option<Vec<String>> {
        let files = unpack(package.as_bytes(), declared)?;
        Some(files.iter().map(|f| f.declared.join("/")).collect())
    }

    #[test]
    fn a_package_is_known_by_its_headers_or_by_its_declared_type() {
        let whole =
            format!("MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=\"b1\"\r\n\r\n{PARTS}");
        let all = Some(vec!["text/xml".to_owned(), "image/png".to_owned(), "text/plain".to_owned()]);
        assert_eq!(kinds(&whole, ""), all);
        assert_eq!(kinds(&whole.replace("\r\n", "\n"), "multipart"), all);
        assert_eq!(kinds(PARTS, "multipart"), all);
        assert_eq!(kinds(PARTS, "application"), None);
        assert_eq!(kinds("%PDF-1.4", "multipart"), None);
        let files = unpack(whole.as_bytes(), "").unwrap_or_default();
        let bytes = |at: usize| files[at].bytes.as_deref();
        assert_eq!(bytes(0), Some(&b"<?xml version=\"1.0\"?><ClinicalDocument/>"[..]));
        assert_eq!((files[1].name.as_deref(), bytes(1)), (Some("x.png"), Some(&b"\x89PNG\r\n\x1a\n"[..])));
        assert_eq!(bytes(2), Some(&b"\x93\xfa"[..]), "the bytes, not what a character set makes of them");
        let damaged = unpack(whole.replace("k/o=", "k/%%").as_bytes(), "").unwrap_or_default();
        assert_eq!(damaged[2].bytes, None, "it is told and not left out");
    }

    #[test]
    fn a_package_on_which_the_library_stumbles_is_a_file_as_it_stands() {
        let soft = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: quoted-printable\n\n=\n--b\n";
        let files = unpack(soft.as_bytes(), "multipart");
        assert!(files.is_none_or(|files| files.is_empty()), "nothing of it is made up");
    }

    proptest! {
        #[test]
        fn anything_is_a_package_or_none(text in "(MIME-Version: 1.0\n)?(Content-Type: (multipart/mixed|text/xml); boundary=b\n)?\n?(--b\n|--b--|x|=|\n|Content-Transfer-Encoding: (base64|quoted-printable)\n){0,20}") {
            let _ = unpack(text.as_bytes(), "multipart");
            let _ = unpack(text.as_bytes(), "");
        }
    }
}
