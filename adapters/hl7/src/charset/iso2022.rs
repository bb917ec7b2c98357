//! ISO 2022 text of Japanese senders (hl7.md 4.2, 4.3): ASCII, JIS X 0201, 0208 and 0212. Redundant
//! escapes are harmless, JIS Roman keeps `\` and `~` as separators, and every line begins in ASCII.
//! Pairs are handed to encoding_rs as EUC-JP, which knows NEC row 13, the IBM rows and JIS X 0212.

use encoding_rs::EUC_JP;

/// Seven-bit senders shift to half-width kana and back.
const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;

/// Decoded text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Read {
    /// U+FFFD where something could not be read.
    pub text: String,
    /// A byte, pair or escape could not be read.
    pub damaged: bool,
    /// A line or the whole text ends inside a two-byte character.
    pub truncated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Ascii,
    Kana,
    TwoByte,
    /// JIS X 0212: EUC-JP marks it by 0x8F.
    Supplement,
}

/// Decodes; total.
#[must_use]
pub fn decode(bytes: &[u8]) -> Read {
    let mut read = Read { text: String::with_capacity(bytes.len()), ..Read::default() };
    let mut mode = Mode::Ascii;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == 0x1b {
            let (length, next) = escape(&bytes[at + 1..]);
            read.damaged |= next.is_none();
            mode = next.unwrap_or(mode);
            at += 1 + length;
            continue;
        }
        if matches!(byte, SHIFT_OUT | SHIFT_IN) {
            mode = if byte == SHIFT_OUT { Mode::Kana } else { Mode::Ascii };
            at += 1;
            continue;
        }
        if matches!(byte, b'\r' | b'\n') {
            mode = Mode::Ascii;
            read.text.push(char::from(byte));
            at += 1;
            continue;
        }
        at += match mode {
            Mode::Ascii => run_of_ascii(&bytes[at..], &mut read),
            Mode::Kana => kana(byte, &mut read),
            Mode::TwoByte | Mode::Supplement => run_of_pairs(&bytes[at..], mode, &mut read),
        };
    }
    read
}

/// Length of an escape sequence after ESC and the mode that it selects.
pub(super) fn escape(rest: &[u8]) -> (usize, Option<Mode>) {
    match rest {
        [b'$', b'(', b'D', ..] => (3, Some(Mode::Supplement)),
        [b'$', b'(', b'B' | b'@', ..] => (3, Some(Mode::TwoByte)),
        [b'$', b'B' | b'@', ..] => (2, Some(Mode::TwoByte)),
        [b'(', b'B' | b'J' | b'H', ..] => (2, Some(Mode::Ascii)),
        [b'(', b'I', ..] => (2, Some(Mode::Kana)),
        // JIS X 0208-1990 announces itself before ESC $ B.
        [b'&', b'@', ..] => (2, Some(Mode::Ascii)),
        // Kana in the right half, where they are read without being announced.
        [b')', b'I', ..] => (2, Some(Mode::Ascii)),
        _ => (0, None),
    }
}

fn run_of_ascii(bytes: &[u8], read: &mut Read) -> usize {
    let end = memchr::memchr3(0x1b, b'\r', b'\n', bytes).unwrap_or(bytes.len());
    let run = &bytes[..end];
    let ascii = if run.is_ascii() { run.len() } else { run.iter().take_while(|b| b.is_ascii()).count() };
    // The shifts are seldom.
    let ascii = memchr::memchr2(SHIFT_OUT, SHIFT_IN, &run[..ascii]).unwrap_or(ascii);
    let run = &run[..ascii];
    if run.is_empty() {
        // The right half of JIS X 0201.
        if let kana @ 0xa1..=0xdf = bytes[0] {
            read.text.extend(char::from_u32(0xff61 + u32::from(kana - 0xa1)));
            return 1;
        }
        read.damaged = true;
        read.text.push('\u{fffd}');
        return 1;
    }
    read.text.push_str(std::str::from_utf8(run).unwrap_or_default());
    run.len()
}

fn kana(byte: u8, read: &mut Read) -> usize {
    match byte {
        0x21..=0x5f => read.text.extend(char::from_u32(0xff61 + u32::from(byte - 0x21))),
        0..=0x20 => read.text.push(char::from(byte)),
        _ => {
            read.damaged = true;
            read.text.push('\u{fffd}');
        }
    }
    1
}

fn run_of_pairs(bytes: &[u8], mode: Mode, read: &mut Read) -> usize {
    let mut euc = Vec::with_capacity(64);
    let mut used = 0;
    while let [first @ 0x21..=0x7e, second @ 0x21..=0x7e, ..] = bytes[used..] {
        if mode == Mode::Supplement {
            euc.push(0x8f);
        }
        euc.extend([first | 0x80, second | 0x80]);
        used += 2;
    }
    if used > 0 {
        // Three bytes of UTF-8 for a pair, and room for what cannot be read.
        let mut decoder = EUC_JP.new_decoder_without_bom_handling();
        read.text.reserve(decoder.max_utf8_buffer_length(euc.len()).unwrap_or(euc.len() * 3));
        let (_, _, damaged) = decoder.decode_to_string(&euc, &mut read.text, true);
        read.damaged |= damaged;
        return used;
    }
    match bytes[0] {
        control @ 0..=0x20 => read.text.push(char::from(control)),
        _ => {
            read.damaged = true;
            read.truncated |= matches!(bytes.get(1), None | Some(b'\r' | b'\n'));
            read.text.push('\u{fffd}');
        }
    }
    1
}

/// Whether a line or the end of the bytes cuts a two-byte character, without decoding anything: cheap
/// enough for the answer to a message.
#[must_use]
pub fn is_truncated(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(found) = memchr::memchr(0x1b, rest) {
        let (length, mode) = escape(&rest[found + 1..]);
        rest = &rest[found + 1 + length..];
        if !matches!(mode, Some(Mode::TwoByte | Mode::Supplement)) {
            continue;
        }
        let end = memchr::memchr3(0x1b, b'\r', b'\n', rest).unwrap_or(rest.len());
        let pairs = rest[..end].iter().filter(|b| **b > 0x20).count();
        if pairs % 2 == 1 && rest.get(end) != Some(&0x1b) {
            return true;
        }
        rest = &rest[end..];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_senders_write() {
        let cases: &[(&[u8], &str, bool)] = &[
            (b"\x1b$B;3K\\\x1b(B^a", "山本^a", false),
            (b"\x1b$B\x1b(B\x1b(B\x1b$B;3\x1b(B", "山", false),
            (b"\x1b(Ja\\b~c\x1b(B", "a\\b~c", false),
            (b"\x1b(I;;7\x1b(B", "ｻｻｷ", false),
            (b"\x1b$B-!\x1b(B", "①", false),
            (b"\x1b$B;3\rPID", "山\rPID", false),
            (b"\x1b$B;3K\rPID", "山\u{fffd}\rPID", true),
            (b"a\x1bZb", "aZb", true),
            (b"\x80a", "\u{fffd}a", true),
        ];
        for (bytes, text, damaged) in cases {
            let read = decode(bytes);
            assert_eq!((read.text.as_str(), read.damaged), (*text, *damaged), "{bytes:?}");
            assert_eq!(read.truncated, is_truncated(bytes), "{bytes:?}");
        }
        assert_eq!(decode(b"\x1b$(DlA\x1b(B").text.chars().count(), 1);
    }
}
