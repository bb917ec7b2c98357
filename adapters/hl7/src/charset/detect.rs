//! Detection of a character set from bytes (hl7.md 4.4): escapes, then UTF-8, then CP932 against
//! EUC-JP by what the text looks like. Deterministic and without memory; a person's confirmation for an
//! interface goes before it.

use super::Used;
use encoding_rs::{EUC_JP, Encoding, SHIFT_JIS};

/// How much is looked at for the comparison of CP932 and EUC-JP.
const SAMPLE_CHARS: usize = 20_000;

/// What the bytes seem to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The set.
    pub used: Used,
    /// Nothing fits well.
    pub undecided: bool,
}

/// Whether the bytes can be text of this set.
#[must_use]
pub fn can_be(bytes: &[u8], used: Used) -> bool {
    match used {
        Used::Ascii => bytes.is_ascii() && !has_japanese_escape(bytes),
        Used::Iso2022Jp => bytes.is_ascii() || has_right_half_kana(bytes),
        Used::Utf8 => {
            let whole_or_cut = std::str::from_utf8(bytes).map_or_else(|e| e.error_len().is_none(), |_| true);
            whole_or_cut && !(bytes.is_ascii() && has_japanese_escape(bytes))
        }
        Used::Cp932 => reads(bytes, SHIFT_JIS) && !(bytes.is_ascii() && has_japanese_escape(bytes)),
        Used::EucJp => reads(bytes, EUC_JP) && !(bytes.is_ascii() && has_japanese_escape(bytes)),
        Used::Latin1 => is_western(bytes) && !has_japanese_escape(bytes),
    }
}

/// Finds the set. `western` if a Western European one was declared.
#[must_use]
pub fn detect(bytes: &[u8], western: bool) -> Found {
    let sure = |used| Found { used, undecided: false };
    if bytes.is_ascii() {
        return sure(if has_japanese_escape(bytes) { Used::Iso2022Jp } else { Used::Ascii });
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => return sure(Used::Utf8),
        Err(e) if e.error_len().is_none() && has_multibyte(&bytes[..e.valid_up_to()]) => {
            return sure(Used::Utf8);
        }
        Err(_) => {}
    }
    if has_japanese_escape(bytes) {
        return Found { used: Used::Iso2022Jp, undecided: !has_right_half_kana(bytes) };
    }
    if western && is_western(bytes) {
        return sure(Used::Latin1);
    }
    match (reads(bytes, SHIFT_JIS), reads(bytes, EUC_JP)) {
        (true, false) => sure(Used::Cp932),
        (false, true) => sure(Used::EucJp),
        (true, true) => {
            let (cp932, euc) = (likeness(bytes, SHIFT_JIS), likeness(bytes, EUC_JP));
            Found { used: if euc > cp932 { Used::EucJp } else { Used::Cp932 }, undecided: euc == cp932 }
        }
        (false, false) => Found { used: Used::Cp932, undecided: true },
    }
}

fn has_multibyte(bytes: &[u8]) -> bool {
    !bytes.is_ascii()
}

/// ESC $, ESC ( I or ESC ( J.
fn has_japanese_escape(bytes: &[u8]) -> bool {
    memchr::memchr_iter(0x1b, bytes)
        .any(|at| matches!(bytes[at + 1..], [b'$', _, ..] | [b'(', b'I' | b'J', ..]))
}

/// JIS X 0201 with its kana in eight bits beside two-byte text by escapes, and no UTF-8.
fn has_right_half_kana(bytes: &[u8]) -> bool {
    has_japanese_escape(bytes)
        && bytes.iter().all(|b| b.is_ascii() || (0xa1..=0xdf).contains(b))
        && std::str::from_utf8(bytes).is_err()
}

fn reads(bytes: &[u8], encoding: &'static Encoding) -> bool {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).is_some()
}

/// Single letters with accents, never two in a row as Japanese text has.
fn is_western(bytes: &[u8]) -> bool {
    bytes.windows(2).all(|w| w[0] < 0x80 || w[1] < 0x80) && bytes.iter().all(|b| *b < 0x80 || *b >= 0xa0)
}

/// Full-width kana and kanji speak for a set; half-width kana in runs are what EUC-JP looks like when
/// it is read as CP932.
fn likeness(bytes: &[u8], encoding: &'static Encoding) -> i64 {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    text.chars()
        .take(SAMPLE_CHARS)
        .map(|c| match c {
            '\u{3041}'..='\u{30ff}' => 3,
            '\u{4e00}'..='\u{9fff}' | '\u{3001}'..='\u{3020}' => 2,
            '\u{ff61}'..='\u{ff9f}' => -2,
            '\u{e000}'..='\u{f8ff}' => -6,
            _ => 0,
        })
        .sum()
}
