//! ISO-2022-JP as it is really sent: RFC 1468 with the additions of JIS X 0201 kana, JIS X 0212, NEC
//! and IBM characters (CP50220, CP50221, CP50222), and carriers' pictograms in rows that no standard
//! defines. It never fails: what has no meaning becomes 〓 (pictogram rows) or U+FFFD.

use encoding_rs::{EUC_JP, SHIFT_JIS};

/// The sign for a character that existed for the sender only (外字, pictograms).
pub(crate) const GETA: char = '\u{3013}';

/// Text of ISO-2022-JP bytes and what had to be given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JisText {
    pub(crate) text: String,
    /// Characters that became U+FFFD.
    pub(crate) broken: usize,
    /// Pictograms that became 〓.
    pub(crate) pictograms: usize,
}

/// Characters decoded in one go: a line of a mail.
const MAX_RUN: usize = 40;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    Ascii,
    Kana,
    Kanji,
    Supplement,
}

/// Whether bytes hold an escape sequence of ISO-2022-JP that leaves ASCII.
pub(crate) fn has_escape(bytes: &[u8]) -> bool {
    bytes
        .windows(3)
        .any(|w| w[0] == 0x1b && (w[1] == b'$' && matches!(w[2], b'@' | b'B' | b'(') || w[1..] == *b"(I"))
}

/// Decodes. Escape sequences may follow one another without text between, as joined encoded words do.
pub(crate) fn decode(bytes: &[u8]) -> JisText {
    let mut out = JisText { text: String::with_capacity(bytes.len()), broken: 0, pictograms: 0 };
    let mut set = Set::Ascii;
    let mut shifted = false;
    let mut i = 0;
    while i < bytes.len() {
        let byte = bytes[i];
        if byte == 0x1b {
            if let Some((next, length)) = escape(&bytes[i..]) {
                set = next;
                shifted = false;
                i += length;
                continue;
            }
            i += 1;
            continue;
        }
        match byte {
            // A line ends in ASCII whether or not the sender said so (RFC 1468).
            b'\r' | b'\n' => {
                set = Set::Ascii;
                shifted = false;
                out.text.push(byte as char);
                i += 1;
            }
            0x0e => {
                shifted = true;
                i += 1;
            }
            0x0f => {
                shifted = false;
                i += 1;
            }
            0x21..=0x5f if set == Set::Kana || (shifted && set == Set::Ascii) => {
                push_kana(&mut out.text, byte);
                i += 1;
            }
            0x21..=0x7e if matches!(set, Set::Kanji | Set::Supplement) => {
                match bytes.get(i + 1) {
                    Some(&trail @ 0x21..=0x7e) => {
                        let known = if set == Set::Kanji { run(&mut out.text, &bytes[i..]) } else { 0 };
                        if known > 0 {
                            i += known;
                            continue;
                        }
                        pair(&mut out, set, byte, trail);
                        i += 2;
                    }
                    // Half a character at a line end or before an escape.
                    _ => {
                        out.broken += 1;
                        out.text.push('\u{fffd}');
                        i += 1;
                    }
                }
            }
            // Eight-bit kana of CP50221.
            0xa1..=0xdf => {
                push_kana(&mut out.text, byte & 0x7f);
                i += 1;
            }
            0x80..=0xff => {
                out.broken += 1;
                out.text.push('\u{fffd}');
                i += 1;
            }
            _ => {
                out.text.push(byte as char);
                i += 1;
            }
        }
    }
    out
}

fn escape(bytes: &[u8]) -> Option<(Set, usize)> {
    match bytes {
        [_, b'$', b'(', b'D', ..] => Some((Set::Supplement, 4)),
        // JIS X 0213 plane 1 agrees with JIS X 0208 where both are defined.
        [_, b'$', b'(', b'@' | b'B' | b'O' | b'Q', ..] => Some((Set::Kanji, 4)),
        [_, b'$', b'@' | b'B', ..] => Some((Set::Kanji, 3)),
        [_, b'(', b'B' | b'J' | b'H', ..] => Some((Set::Ascii, 3)),
        [_, b'(', b'I', ..] => Some((Set::Kana, 3)),
        [_, b'&', b'@', ..] => Some((Set::Kanji, 3)),
        _ => None,
    }
}

fn push_kana(text: &mut String, seven_bit: u8) {
    text.push(char::from_u32(0xff61 + u32::from(seven_bit) - 0x21).unwrap_or('\u{fffd}'));
}

/// Decodes the whole characters at the start of `bytes` in one go and says how many bytes they were; none if any
/// of them is unknown.
fn run(text: &mut String, bytes: &[u8]) -> usize {
    let whole =
        bytes.chunks_exact(2).take(MAX_RUN).take_while(|pair| pair.iter().all(|b| matches!(b, 0x21..=0x7e)));
    let mut euc = [0_u8; MAX_RUN * 2];
    let mut length = 0;
    for (slot, pair) in euc.chunks_exact_mut(2).zip(whole) {
        slot.copy_from_slice(&[pair[0] | 0x80, pair[1] | 0x80]);
        length += 2;
    }
    match EUC_JP.decode_without_bom_handling_and_without_replacement(&euc[..length]) {
        Some(found) => {
            text.push_str(&found);
            length
        }
        None => 0,
    }
}

fn pair(out: &mut JisText, set: Set, lead: u8, trail: u8) {
    let euc = [0x8f, lead | 0x80, trail | 0x80];
    let euc = if set == Set::Supplement { &euc[..] } else { &euc[1..] };
    if let Some(found) = EUC_JP.decode_without_bom_handling_and_without_replacement(euc) {
        out.text.push_str(&found);
        return;
    }
    // IBM extensions live in rows 115 to 119 for some senders and nowhere in EUC.
    if set == Set::Kanji {
        let sjis = to_shift_jis(lead, trail);
        if let Some(found) = SHIFT_JIS.decode_without_bom_handling_and_without_replacement(&sjis)
            && !found.chars().any(|c| ('\u{e000}'..='\u{f8ff}').contains(&c))
        {
            out.text.push_str(&found);
            return;
        }
    }
    if lead >= 0x75 {
        out.pictograms += 1;
        out.text.push(GETA);
    } else {
        out.broken += 1;
        out.text.push('\u{fffd}');
    }
}

fn to_shift_jis(lead: u8, trail: u8) -> [u8; 2] {
    let row = lead - 0x21;
    let cell = trail - 0x21;
    let first = if row < 62 { 0x81 + row / 2 } else { 0xc1 + row / 2 };
    let second = if row.is_multiple_of(2) { cell + 0x40 + u8::from(cell >= 63) } else { cell + 0x9f };
    [first, second]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_kana_and_pictograms() {
        assert_eq!(decode(b"\x1b$B-!yu\x1b(B \x1b(IC^2\x1b(B").text, "①﨑 ﾃﾞｲ");
        let carrier = decode(b"\x1b$B$?\x1b(B\x1b$Bu:$?\x1b(B");
        assert_eq!((carrier.text.as_str(), carrier.pictograms, carrier.broken), ("た〓た", 1, 0));
        assert_eq!(decode(b"\x1b$B$?\nabc").text, "た\nabc");
        assert_eq!(decode(b"\x1b$B$").broken, 1);
        assert!(has_escape(b"x\x1b$B") && !has_escape(b"$B"));
    }
}
