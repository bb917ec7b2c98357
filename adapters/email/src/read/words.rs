//! Header text: RFC 2047 encoded words, also those that were cut inside a character or inside base64,
//! and raw Japanese bytes that should not be in a header at all. Works on the raw header bytes because
//! a decoder of single words has lost the halves already. Never fails.

use super::charset;
use super::transfer::{base64, hex_pair};
use kakehashi_core::text::{clean, only};

/// Header text and what was repaired in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HeaderText {
    /// NFC, one line.
    pub(crate) text: String,
    /// Undeclared bytes were in it.
    pub(crate) raw_bytes: bool,
    /// A label was untrue or unknown, or characters were lost.
    pub(crate) repaired: bool,
    /// Pictograms became 〓.
    pub(crate) pictograms: usize,
}

/// Decodes a raw header value, unfolding it.
pub(crate) fn decode_header(raw: &[u8]) -> HeaderText {
    if let Some(text) = plain_header(raw) {
        return HeaderText { text, ..HeaderText::default() };
    }
    let mut out = HeaderText::default();
    let text = raw_text(raw, &mut out);
    decode_words(&text, &mut out);
    let mut cleaned = clean(&out.text);
    if cleaned.contains(['\n', '\t']) {
        cleaned = cleaned.replace(['\n', '\t'], " ");
    }
    out.text = cleaned.trim().to_owned();
    out
}

/// A header in which nothing is encoded: most of them.
fn plain_header(raw: &[u8]) -> Option<String> {
    if !raw.is_ascii() || memchr::memchr(0x1b, raw).is_some() || memchr::memmem::find(raw, b"=?").is_some() {
        return None;
    }
    let is_edge = |c: char| c == ' ' || c.is_ascii_control();
    let text = std::str::from_utf8(raw).ok()?.trim_matches(is_edge);
    if !text.contains(|c: char| c.is_ascii_control()) {
        return Some(text.to_owned());
    }
    let unfolded = only(text, |c| c == '\t' || !c.is_ascii_control());
    Some(unfolded.replace('\t', " "))
}

/// A raw header value as text with its encoded words still in it, unfolded.
pub(crate) fn raw_text(raw: &[u8], out: &mut HeaderText) -> String {
    let mut unfolded = Vec::with_capacity(raw.len());
    for byte in raw {
        if !matches!(byte, b'\r' | b'\n') {
            unfolded.push(*byte);
        }
    }
    if unfolded.is_ascii() && !unfolded.contains(&0x1b) {
        return String::from_utf8_lossy(&unfolded).into_owned();
    }
    let decoded = charset::decode(&unfolded, None);
    out.raw_bytes |= decoded.guessed;
    out.repaired |= decoded.broken > 0;
    out.pictograms += decoded.pictograms;
    decoded.text
}

struct Word<'a> {
    charset: &'a str,
    base64: bool,
    data: &'a str,
}

/// Appends `text` with its encoded words decoded.
pub(crate) fn decode_words(text: &str, out: &mut HeaderText) {
    let mut rest = text;
    let mut run: Vec<Word<'_>> = Vec::new();
    while let Some(start) = rest.find("=?") {
        let Some((word, length)) = word_at(&rest[start..]) else {
            flush(&mut run, out);
            out.text.push_str(&rest[..start + 2]);
            rest = &rest[start + 2..];
            continue;
        };
        let before = &rest[..start];
        // White space between encoded words is not part of the text (RFC 2047 section 6.2).
        if run.is_empty() || !before.trim().is_empty() {
            flush(&mut run, out);
            out.text.push_str(before);
        }
        if run.last().is_some_and(|last| !last.charset.eq_ignore_ascii_case(word.charset)) {
            flush(&mut run, out);
        }
        run.push(word);
        rest = &rest[start + length..];
    }
    flush(&mut run, out);
    out.text.push_str(rest);
}

/// The encoded word at the start of `text` and its length.
fn word_at(text: &str) -> Option<(Word<'_>, usize)> {
    let inner = text.strip_prefix("=?")?;
    let (label, after) = inner.split_once('?')?;
    if label.is_empty() || label.len() > 60 || label.contains([' ', '=', '\t']) {
        return None;
    }
    let base64 = match after.as_bytes().first()? {
        b'B' | b'b' => true,
        b'Q' | b'q' => false,
        _ => return None,
    };
    let data = after.get(1..)?.strip_prefix('?')?;
    let end = data.find("?=")?;
    let charset = label.split('*').next().unwrap_or(label);
    let length = text.len() - data.len() + end + 2;
    Some((Word { charset, base64, data: &data[..end] }, length))
}

fn flush(run: &mut Vec<Word<'_>>, out: &mut HeaderText) {
    let Some(label) = run.first().map(|w| w.charset.to_owned()) else { return };
    let mut pieces: Vec<Vec<u8>> = Vec::with_capacity(run.len());
    let mut carry = String::new();
    for word in run.drain(..) {
        if word.base64 {
            carry.push_str(word.data);
            // Base64 cut at a place that is no multiple of four goes on in the next word.
            if !carry.len().is_multiple_of(4) && !carry.ends_with('=') {
                continue;
            }
            pieces.push(base64(carry.as_bytes()).0);
            carry.clear();
        } else {
            if !carry.is_empty() {
                pieces.push(base64(carry.as_bytes()).0);
                carry.clear();
            }
            pieces.push(q_decode(word.data));
        }
    }
    if !carry.is_empty() {
        pieces.push(base64(carry.as_bytes()).0);
    }
    let joined = charset::decode(&pieces.concat(), Some(&label));
    let decoded = if joined.broken == 0 || pieces.len() == 1 {
        vec![joined]
    } else {
        // Words that are whole by themselves but do not fit together.
        let single: Vec<_> = pieces.iter().map(|piece| charset::decode(piece, Some(&label))).collect();
        let broken: usize = single.iter().map(|d| d.broken).sum();
        if broken < joined.broken { single } else { vec![joined] }
    };
    for part in decoded {
        out.repaired |= part.broken > 0 || (part.guessed && part.used != "US-ASCII");
        out.pictograms += part.pictograms;
        out.text.push_str(&part.text);
    }
}

fn q_decode(data: &str) -> Vec<u8> {
    let bytes = data.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'_' => out.push(b' '),
            b'=' => match bytes.get(i + 1..i + 3).and_then(|pair| hex_pair(pair[0], pair[1])) {
                Some(byte) => {
                    out.push(byte);
                    i += 2;
                }
                None => out.push(b'='),
            },
            byte => out.push(byte),
        }
        i += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &[u8]) -> String {
        decode_header(raw).text
    }

    #[test]
    fn words_cut_in_every_wrong_place() {
        // 了解 cut after two bytes of 解.
        assert_eq!(text(b"=?utf-8?B?5LqG6Kc=?=\r\n =?UTF-8?B?ow==?="), "了解");
        // Base64 itself cut at five signs.
        assert_eq!(text(b"=?utf-8?B?5LqG6?= =?utf-8?B?Kej?="), "了解");
        assert_eq!(text(b"=?utf-8?Q?=E4=BA=86=E8=A7?= =?utf-8?Q?=A3?="), "了解");
        // ISO-2022-JP that goes on without a new escape in the second word.
        assert_eq!(text(b"=?ISO-2022-JP?B?GyRCTjsy?= =?ISO-2022-JP?B?chsoQg==?="), "了解");
        // Adjacent escapes, as correct words give when joined.
        assert_eq!(text(b"=?ISO-2022-JP?B?GyRCTjsbKEI=?= =?ISO-2022-JP?B?GyRCMnIbKEI=?="), "了解");
        assert_eq!(text(b"Re: =?utf-8*ja?B?5LqG6Kej?= x =?bad"), "Re: 了解 x =?bad");
    }

    #[test]
    fn raw_bytes_in_headers() {
        let jis = decode_header(b"\x1b$BN;2r\x1b(B");
        assert_eq!((jis.text.as_str(), jis.raw_bytes), ("了解", true));
        let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode("了解しました");
        assert_eq!(text(&sjis), "了解しました");
        assert_eq!(text("了解".as_bytes()), "了解");
    }

    proptest::proptest! {
        #[test]
        fn the_short_way_is_the_long_way(raw in "[ a=?<>\t\r\n\0\x7f]{0,16}") {
            let mut long = HeaderText::default();
            let unfolded = raw_text(raw.as_bytes(), &mut long);
            decode_words(&unfolded, &mut long);
            let cleaned = clean(&long.text).replace(['\n', '\t'], " ");
            proptest::prop_assert_eq!(decode_header(raw.as_bytes()).text, cleaned.trim());
        }

        #[test]
        fn total(raw: Vec<u8>, words in "(=\\?[a-z0-9-]{1,8}\\?[BbQq]\\?[A-Za-z0-9+/=_]{0,9}\\?= ?){0,4}") {
            let decoded = decode_header(&raw);
            proptest::prop_assert!(!decoded.text.contains('\n'));
            let _ = decode_header(words.as_bytes());
        }
    }
}
