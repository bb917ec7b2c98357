//! Parameters of Content-Type and Content-Disposition: RFC 2231 continuations that are joined before
//! the character set is applied (mailers cut them inside a character), encoded words inside quoted
//! strings (forbidden and universal in Japan), raw Japanese bytes. Bounded, never fails.

use super::charset;
use super::transfer::hex_pair;
use super::words::{HeaderText, decode_words};
use std::borrow::Cow;

const MAX_PARAMS: usize = 100;

/// A structured header value: its word before the first `;` and its parameters, names lower-case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Params {
    /// Lower-case.
    pub(crate) value: String,
    pairs: Vec<(String, String)>,
    /// A name needed guessing.
    pub(crate) repaired: bool,
}

impl Params {
    /// A parameter by its lower-case name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

#[derive(Debug)]
struct Piece {
    base: String,
    section: Option<u32>,
    extended: bool,
    bytes: Vec<u8>,
}

/// Reads a raw header value.
pub(crate) fn parse(raw: &[u8]) -> Params {
    let mut pieces = Vec::new();
    let mut value = String::new();
    for (index, field) in (Fields { rest: Some(raw) }).take(MAX_PARAMS).enumerate() {
        if index == 0 {
            value = word(&field);
        } else if let Some(piece) = piece(&field) {
            pieces.push(piece);
        }
    }
    let mut params = Params { value, ..Params::default() };
    let mut names: Vec<String> = Vec::new();
    for piece in &pieces {
        if !names.contains(&piece.base) {
            names.push(piece.base.clone());
        }
    }
    for name in names {
        let joined = join(&name, &pieces, &mut params.repaired);
        params.pairs.push((name, joined));
    }
    params
}

/// The word before the first `;` of a raw header value, lower-case.
pub(crate) fn value(raw: &[u8]) -> String {
    Fields { rest: Some(raw) }.next().map(|field| word(&field)).unwrap_or_default()
}

fn word(field: &[u8]) -> String {
    String::from_utf8_lossy(field).trim().to_ascii_lowercase()
}

/// What stands between `;` outside quotes, comments and two-byte characters of ISO-2022-JP; line ends dropped.
struct Fields<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Cow<'a, [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let raw = self.rest.take()?;
        let (mut quoted, mut escaped, mut two_byte, mut folded) = (false, false, false, false);
        let mut end = raw.len();
        for (i, byte) in raw.iter().copied().enumerate() {
            if byte == 0x1b {
                two_byte = raw.get(i + 1) == Some(&b'$');
            }
            if byte == b';' && !quoted && !two_byte {
                end = i;
                self.rest = Some(&raw[i + 1..]);
                break;
            }
            if matches!(byte, b'\r' | b'\n') {
                folded = true;
                continue;
            }
            if byte == b'"' && !escaped && !two_byte {
                quoted = !quoted;
            }
            escaped = byte == b'\\' && !escaped && quoted && !two_byte;
        }
        let field = &raw[..end];
        Some(if folded {
            field.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect()
        } else {
            Cow::Borrowed(field)
        })
    }
}

fn piece(field: &[u8]) -> Option<Piece> {
    let at = field.iter().position(|b| *b == b'=')?;
    let name = String::from_utf8_lossy(&field[..at]).trim().to_ascii_lowercase();
    if name.is_empty() || name.len() > 80 {
        return None;
    }
    let mut parts = name.split('*');
    let base = parts.next()?.trim().to_owned();
    let (mut section, mut extended) = (None, false);
    for part in parts {
        match part.trim().parse::<u32>() {
            Ok(number) => section = Some(number),
            Err(_) => extended = true,
        }
    }
    Some(Piece { base, section, extended, bytes: unquote(field[at + 1..].trim_ascii()) })
}

fn unquote(value: &[u8]) -> Vec<u8> {
    let Some(inner) = value.strip_prefix(b"\"") else { return value.to_vec() };
    let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
    let raw_japanese = !inner.is_ascii() || inner.contains(&0x1b);
    let mut out = Vec::with_capacity(inner.len());
    let mut i = 0;
    while i < inner.len() {
        // A backslash is the second byte of many Shift_JIS characters: taken off only before what
        // needs it.
        if inner[i] == b'\\'
            && matches!(inner.get(i + 1), Some(b'"' | b'\\'))
            && !(raw_japanese && inner[i + 1] == b'\\')
        {
            i += 1;
        }
        out.push(inner[i]);
        i += 1;
    }
    out
}

fn join(name: &str, pieces: &[Piece], repaired: &mut bool) -> String {
    let mut own: Vec<&Piece> = pieces.iter().filter(|p| p.base == name).collect();
    // The RFC 2231 form says more than the plain one that old mailers add beside it.
    if own.iter().any(|p| p.extended || p.section.is_some()) {
        own.retain(|p| p.extended || p.section.is_some());
    } else {
        own.truncate(1);
    }
    own.sort_by_key(|p| p.section.unwrap_or(0));
    own.dedup_by_key(|p| p.section);
    let mut label: Option<String> = None;
    let mut bytes = Vec::new();
    let mut any_extended = false;
    for (index, piece) in own.iter().enumerate() {
        let mut part = piece.bytes.as_slice();
        if piece.extended {
            any_extended = true;
            if index == 0 {
                let mut quotes = part.splitn(3, |b| *b == b'\'');
                if let (Some(charset), Some(_), Some(rest)) = (quotes.next(), quotes.next(), quotes.next()) {
                    label = Some(String::from_utf8_lossy(charset).into_owned()).filter(|l| !l.is_empty());
                    part = rest;
                }
            }
            bytes.extend(percent_decode(part));
        } else {
            bytes.extend_from_slice(part);
        }
    }
    let decoded = charset::decode(&bytes, label.as_deref());
    *repaired |= decoded.broken > 0 || (decoded.guessed && decoded.used != "US-ASCII");
    if any_extended {
        return decoded.text;
    }
    let mut out = HeaderText::default();
    decode_words(&decoded.text, &mut out);
    *repaired |= out.repaired;
    if out.text.matches('%').count() >= 3
        && !out.text.contains(' ')
        && let Ok(text) = String::from_utf8(percent_decode(out.text.as_bytes()))
    {
        return text;
    }
    out.text
}

fn percent_decode(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'%'
            && let Some(byte) = bytes.get(i + 1..i + 3).and_then(|pair| hex_pair(pair[0], pair[1]))
        {
            out.push(byte);
            i += 3;
            continue;
        }
        out.push(bytes[i]);
        i += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_all_the_ways_mailers_write_them() {
        let get = |raw: &[u8]| parse(raw).get("filename").unwrap_or("").to_owned();
        // 解 (E8 A7 A3) cut between its bytes by a continuation.
        assert_eq!(
            get(b"attachment; filename*0*=utf-8''%E4%BA%86%E8%A7;\r\n filename*1*=%A3.pdf"),
            "了解.pdf"
        );
        assert_eq!(get(b"attachment; filename*=iso-2022-jp''%1B%24%42%4E%3B%32%72%1B%28%42.tif"), "了解.tif");
        assert_eq!(get(b"attachment; filename=\"=?utf-8?B?5LqG6Kej?=.pdf\""), "了解.pdf");
        assert_eq!(get(b"attachment; filename=\"\x1b$BN;2r\x1b(B.pdf\""), "了解.pdf");
        assert_eq!(get("attachment; filename=\"了解.pdf\"".as_bytes()), "了解.pdf");
        let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode("表示ソ.pdf");
        assert_eq!(get(&[b"attachment; filename=\"", sjis.as_ref(), b"\""].concat()), "表示ソ.pdf");
        assert_eq!(get(b"x; filename=plain name; filename*=utf-8''b.pdf"), "b.pdf");
        assert_eq!(get(b"attachment; filename=%E4%BA%86%E8%A7%A3.pdf"), "了解.pdf");
        assert_eq!(parse(b"Text/Plain ; charset = \"x\"").value, "text/plain");
        assert_eq!(parse(b"text/plain; CHARSET=\"utf-8\"").get("charset"), Some("utf-8"));
    }

    proptest::proptest! {
        #[test]
        fn total(raw: Vec<u8>, like in "[a-z]{1,4}(; ?name(\\*[0-9])?\\*?=[\"'%A-F0-9]{0,8}){0,4}") {
            let _ = parse(&raw);
            let _ = parse(like.as_bytes());
        }
    }
}
