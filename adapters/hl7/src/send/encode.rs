//! Text to the bytes of an interface (hl7.md 4.2, 14). ISO-2022-JP returns to ASCII before every delimiter
//! by itself, because delimiters are ASCII. What the hospital's character set lacks is written another way
//! (① as (1), 髙 as 高) or as 〓, and the caller is told, so that nothing changes silently.

use super::profile::OutboxEncoding;
use encoding_rs::{EUC_JP, SHIFT_JIS};
use kakehashi_core::text::fold;
use std::collections::BTreeMap;

/// What stands for a character that cannot be written.
const GETA: char = '〓';

/// Text in characters that an encoding has, and what was replaced by what.
#[must_use]
pub fn fit(text: &str, encoding: OutboxEncoding) -> (String, BTreeMap<char, String>) {
    let mut replaced = BTreeMap::new();
    if encoding == OutboxEncoding::Utf8 {
        return (text.to_owned(), replaced);
    }
    let mut out = String::with_capacity(text.len());
    // Half-width kana are full-width in every Japanese interface; nobody misses them.
    for c in fold::widen_kana(text).chars() {
        if has(c, encoding) && !is_same_sign(c) {
            out.push(c);
            continue;
        }
        let other = another_way(c, encoding);
        // Other code points of the same sign are no change for a reader.
        if !is_same_sign(c) {
            replaced.insert(c, other.clone());
        }
        out.push_str(&other);
    }
    (out, replaced)
}

/// Bytes of text that [`fit`] made; what it did not see becomes 〓.
#[must_use]
pub fn encode(text: &str, encoding: OutboxEncoding) -> Vec<u8> {
    match encoding {
        OutboxEncoding::Utf8 => text.as_bytes().to_vec(),
        OutboxEncoding::ShiftJis => {
            let (fitting, _) = fit(text, encoding);
            SHIFT_JIS.encode(&fitting).0.into_owned()
        }
        OutboxEncoding::Iso2022Jp => iso2022(&fit(text, encoding).0),
    }
}

fn iso2022(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 2);
    let mut two_byte = false;
    for c in text.chars() {
        let pair = if c.is_ascii() { None } else { jis(c).or_else(|| jis(GETA)) };
        match pair {
            Some(pair) => {
                if !two_byte {
                    out.extend_from_slice(b"\x1b$B");
                    two_byte = true;
                }
                out.extend_from_slice(&pair);
            }
            None => {
                if two_byte {
                    out.extend_from_slice(b"\x1b(B");
                    two_byte = false;
                }
                // Whatever is neither ASCII nor in the table was replaced before.
                out.push(u8::try_from(c).unwrap_or(b'?'));
            }
        }
    }
    if two_byte {
        out.extend_from_slice(b"\x1b(B");
    }
    out
}

/// The two bytes of JIS X 0208, rows 1–8 and 16–84 only: row 13 is NEC's, what lies above is IBM's.
fn jis(c: char) -> Option<[u8; 2]> {
    let mut buffer = [0; 4];
    let (bytes, _, unmappable) = EUC_JP.encode(c.encode_utf8(&mut buffer));
    match *bytes {
        [a @ 0xa1..=0xf4, b] if !unmappable && a != 0xad => Some([a & 0x7f, b & 0x7f]),
        _ => None,
    }
}

fn has(c: char, encoding: OutboxEncoding) -> bool {
    if c.is_ascii() {
        return true;
    }
    match encoding {
        OutboxEncoding::Utf8 => true,
        OutboxEncoding::Iso2022Jp => jis(c).is_some(),
        OutboxEncoding::ShiftJis => {
            let mut buffer = [0; 4];
            let (bytes, _, unmappable) = SHIFT_JIS.encode(c.encode_utf8(&mut buffer));
            // User-defined rows begin at F0; what they show is the hospital's secret.
            !unmappable && !matches!(bytes.first(), Some(0xf0..=0xf9))
        }
    }
}

/// Signs that have several code points but one shape.
const fn is_same_sign(c: char) -> bool {
    matches!(c, '〜' | '−' | '‖' | '—' | '¢' | '£' | '¬' | '–' | '\u{a0}' | '•')
}

fn another_way(c: char, encoding: OutboxEncoding) -> String {
    let other = match c {
        '〜' => "～".to_owned(),
        '−' | '–' => "－".to_owned(),
        '‖' => "∥".to_owned(),
        '—' => "―".to_owned(),
        '¢' => "￠".to_owned(),
        '£' => "￡".to_owned(),
        '¬' => "￢".to_owned(),
        '•' => "・".to_owned(),
        '\u{a0}' => " ".to_owned(),
        '①'..='⑳' => format!("({})", u32::from(c) - u32::from('①') + 1),
        '髙' => "高".to_owned(),
        '﨑' | '嵜' => "崎".to_owned(),
        '濵' => "浜".to_owned(),
        '德' => "徳".to_owned(),
        '寬' => "寛".to_owned(),
        '瀨' => "瀬".to_owned(),
        '𠮷' => "吉".to_owned(),
        // ㈱ → (株), ㎎ → mg, Ⅱ → II: the compatibility form, if it can be written.
        other => fold::narrow(&other.to_string()),
    };
    let writable =
        !other.is_empty() && !other.contains(c) && other.chars().all(|o| has(o, encoding) && !o.is_control());
    if writable { other } else { GETA.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charset::{Used, decode};
    use proptest::prelude::*;

    #[test]
    fn what_a_hospital_lacks_is_written_another_way() {
        let cases = [
            ("山本 千代|髙梨", "山本 千代|高梨", "髙"),
            ("①㈱ﾃﾞｲ", "(1)(株)デイ", "①㈱"),
            ("9〜10時−", "9～10時－", ""),
            ("😀を見た", "〓を見た", "😀"),
            ("血圧 158/92", "血圧 158/92", ""),
        ];
        for (text, expected, changed) in cases {
            let (fitting, replaced) = fit(text, OutboxEncoding::Iso2022Jp);
            assert_eq!(fitting, expected);
            assert_eq!(replaced.keys().collect::<String>(), changed, "{text}");
        }
        assert_eq!(fit("①髙", OutboxEncoding::ShiftJis).0, "①髙", "CP932 has them");
        assert_eq!(fit("①髙😀", OutboxEncoding::Utf8).0, "①髙😀");
    }

    #[test]
    fn delimiters_stand_in_ascii() {
        let bytes = encode("本|梨^服\r剤", OutboxEncoding::Iso2022Jp);
        assert_eq!(bytes, b"\x1b$BK\\\x1b(B|\x1b$BM|\x1b(B^\x1b$BI~\x1b(B\r\x1b$B:^\x1b(B");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in "[a-z|^\\r一-龥ぁ-んァ-ヶ①-⑳㈱😀〜−]{0,60}") {
            for (encoding, used) in [
                (OutboxEncoding::Iso2022Jp, Used::Iso2022Jp),
                (OutboxEncoding::ShiftJis, Used::Cp932),
                (OutboxEncoding::Utf8, Used::Utf8),
            ] {
                let (fitting, _) = fit(&text, encoding);
                let bytes = encode(&text, encoding);
                if !bytes.is_ascii() || encoding == OutboxEncoding::Iso2022Jp {
                    let read = decode(&bytes, None, Some(used)).unwrap();
                    prop_assert_eq!(read.text, fitting, "{:?}", encoding);
                }
            }
        }
    }
}
