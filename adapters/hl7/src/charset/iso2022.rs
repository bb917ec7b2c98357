//! ISO 2022 text of Japanese senders (hl7.md 4.2, 4.3): ASCII, JIS X 0201, 0208 and 0212. Redundant
//! escapes are harmless, JIS Roman keeps `\` and `~` as separators, and every line begins in ASCII.
//! Pairs are handed to encoding_rs as EUC-JP, which knows NEC row 13, the IBM rows and JIS X 0212.

use encoding_rs::EUC_JP;

/// Seven-bit senders shift to half-width kana and back.
const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;
/// EUC-JP: the next byte is half-width kana; the next two are of JIS X 0212.
const SINGLE_SHIFT_KANA: u8 = 0x8e;
const SINGLE_SHIFT_SUPPLEMENT: u8 = 0x8f;
/// Bytes that are gathered before they are decoded.
const GATHERED: usize = 4 * 1024;
/// Most runs end within so many bytes, and then looking at each is cheaper than a search.
const NEAR: usize = 32;

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
    let mut out = Out::for_bytes(bytes.len());
    let mut mode = Mode::Ascii;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if out.euc.len() >= GATHERED {
            out.flush();
        }
        at += match byte {
            0x1b => {
                let (length, next) = escape(&bytes[at + 1..]);
                out.read.damaged |= next.is_none();
                mode = next.unwrap_or(mode);
                1 + length
            }
            SHIFT_OUT | SHIFT_IN => {
                mode = if byte == SHIFT_OUT { Mode::Kana } else { Mode::Ascii };
                1
            }
            b'\r' | b'\n' => {
                mode = Mode::Ascii;
                out.plain(byte)
            }
            _ => match mode {
                Mode::Ascii => out.run_of_ascii(&bytes[at..]),
                Mode::Kana => out.kana(byte),
                Mode::TwoByte | Mode::Supplement => out.run_of_pairs(&bytes[at..], mode),
            },
        };
    }
    out.flush();
    out.read
}

/// Length of an escape sequence after ESC and the mode that it selects.
#[inline]
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

/// What is decoded: runs are gathered as EUC-JP, because each call of the decoder costs as much as a name.
struct Out {
    read: Read,
    euc: Vec<u8>,
}

impl Out {
    fn for_bytes(length: usize) -> Self {
        // Three bytes of UTF-8 for a pair; what is long is mostly ASCII.
        let text = String::with_capacity(if length <= GATHERED { 3 * length + 16 } else { length });
        let euc = Vec::with_capacity(length.min(GATHERED) + 8);
        Self { read: Read { text, ..Read::default() }, euc }
    }

    /// Decodes what was gathered.
    fn flush(&mut self) {
        if self.euc.is_empty() {
            return;
        }
        let mut decoder = EUC_JP.new_decoder_without_bom_handling();
        // Room for what cannot be read, too.
        let room = decoder.max_utf8_buffer_length(self.euc.len()).unwrap_or(self.euc.len() * 3);
        self.read.text.reserve(room);
        let (_, _, damaged) = decoder.decode_to_string(&self.euc, &mut self.read.text, true);
        self.read.damaged |= damaged;
        self.euc.clear();
    }

    /// An ASCII byte as it is.
    fn plain(&mut self, byte: u8) -> usize {
        self.euc.push(byte);
        1
    }

    fn unreadable(&mut self) -> usize {
        self.flush();
        self.read.damaged = true;
        self.read.text.push('\u{fffd}');
        1
    }

    fn run_of_ascii(&mut self, bytes: &[u8]) -> usize {
        let run = &bytes[..ascii_end(bytes)];
        if run.is_empty() {
            return match bytes[0] {
                // The right half of JIS X 0201.
                kana @ 0xa1..=0xdf => {
                    self.euc.extend([SINGLE_SHIFT_KANA, kana]);
                    1
                }
                _ => self.unreadable(),
            };
        }
        if self.euc.len() + run.len() > GATHERED {
            self.flush();
            self.read.text.push_str(std::str::from_utf8(run).unwrap_or_default());
        } else {
            self.euc.extend_from_slice(run);
        }
        run.len()
    }

    fn kana(&mut self, byte: u8) -> usize {
        match byte {
            0x21..=0x5f => {
                self.euc.extend([SINGLE_SHIFT_KANA, byte | 0x80]);
                1
            }
            0..=0x20 => self.plain(byte),
            _ => self.unreadable(),
        }
    }

    fn run_of_pairs(&mut self, bytes: &[u8], mode: Mode) -> usize {
        let mut used = 0;
        while self.euc.len() < GATHERED
            && let [first @ 0x21..=0x7e, second @ 0x21..=0x7e, ..] = bytes[used..]
        {
            if mode == Mode::Supplement {
                self.euc.push(SINGLE_SHIFT_SUPPLEMENT);
            }
            self.euc.extend([first | 0x80, second | 0x80]);
            used += 2;
        }
        if used > 0 {
            return used;
        }
        match bytes[0] {
            control @ 0..=0x20 => self.plain(control),
            _ => {
                self.read.truncated |= matches!(bytes.get(1), None | Some(b'\r' | b'\n'));
                self.unreadable()
            }
        }
    }
}

/// The first byte that `ends` a run: looked for one by one where most runs end, by `search` behind.
fn first(
    bytes: &[u8],
    ends: impl Fn(u8) -> bool,
    search: impl FnOnce(&[u8]) -> Option<usize>,
) -> Option<usize> {
    let (near, far) = bytes.split_at(bytes.len().min(NEAR));
    near.iter().position(|b| ends(*b)).or_else(|| search(far).map(|at| near.len() + at))
}

/// Where ASCII ends, or a shift or escape begins.
fn ascii_end(bytes: &[u8]) -> usize {
    let ends = |b: u8| !b.is_ascii() || matches!(b, 0x1b | SHIFT_OUT | SHIFT_IN);
    let search = |far: &[u8]| {
        let end = memchr::memchr3(0x1b, SHIFT_OUT, SHIFT_IN, far).unwrap_or(far.len());
        let run = &far[..end];
        Some(if run.is_ascii() { end } else { run.iter().take_while(|b| b.is_ascii()).count() })
    };
    first(bytes, ends, search).unwrap_or(bytes.len())
}

/// Where the next escape begins.
pub(super) fn next_escape(bytes: &[u8]) -> Option<usize> {
    first(bytes, |b| b == 0x1b, |far| memchr::memchr(0x1b, far))
}

/// Where a run of one set ends: at an escape, at the end of a line or of all.
pub(super) fn run_end(bytes: &[u8]) -> usize {
    let ends = |b| matches!(b, 0x1b | b'\r' | b'\n');
    first(bytes, ends, |far| memchr::memchr3(0x1b, b'\r', b'\n', far)).unwrap_or(bytes.len())
}

/// Whether a line or the end of the bytes cuts a two-byte character, without decoding anything: cheap
/// enough for the answer to a message.
#[must_use]
pub fn is_truncated(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(found) = next_escape(rest) {
        let (length, mode) = escape(&rest[found + 1..]);
        rest = &rest[found + 1 + length..];
        if !matches!(mode, Some(Mode::TwoByte | Mode::Supplement)) {
            continue;
        }
        let end = run_end(rest);
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
    use proptest::prelude::*;

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

    /// The same without gathering anything: every character is decoded by itself.
    fn one_by_one(bytes: &[u8]) -> String {
        let alone = |euc: &[u8]| EUC_JP.decode_without_bom_handling(euc).0.into_owned();
        let (mut text, mut mode, mut at) = (String::new(), Mode::Ascii, 0);
        while let Some(&byte) = bytes.get(at) {
            let pair = bytes.get(at + 1).filter(|b| (0x21..=0x7e).contains(*b));
            at += 1;
            match (mode, byte) {
                (_, 0x1b) => {
                    let (length, next) = escape(&bytes[at..]);
                    mode = next.unwrap_or(mode);
                    at += length;
                }
                (_, SHIFT_OUT) => mode = Mode::Kana,
                (_, SHIFT_IN) => mode = Mode::Ascii,
                (_, b'\r' | b'\n') => {
                    mode = Mode::Ascii;
                    text.push(char::from(byte));
                }
                (Mode::Ascii, 0..=0x7f) | (_, 0..=0x20) => text.push(char::from(byte)),
                (Mode::Ascii, 0xa1..=0xdf) => text.push_str(&alone(&[0x8e, byte])),
                (Mode::Kana, 0x21..=0x5f) => text.push_str(&alone(&[0x8e, byte | 0x80])),
                (Mode::TwoByte | Mode::Supplement, 0x21..=0x7e) if pair.is_some() => {
                    let euc = [0x8f, byte | 0x80, bytes[at] | 0x80];
                    text.push_str(&alone(if mode == Mode::Supplement { &euc } else { &euc[1..] }));
                    at += 1;
                }
                _ => text.push('\u{fffd}'),
            }
        }
        text
    }

    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let escapes: [&[u8]; 6] = [b"\x1b$B", b"\x1b(B", b"\x1b(I", b"\x1b$(D", b"\x0e", b"\x0f"];
        let piece = prop_oneof![
            proptest::sample::select(escapes.map(<[u8]>::to_vec).to_vec()),
            proptest::collection::vec(0x21_u8..0x7f, 0..80),
            proptest::collection::vec(any::<u8>(), 0..6),
            Just(b"\r".to_vec()),
            Just(vec![b'x'; GATHERED - 7]),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn gathering_changes_nothing(bytes in pieces()) {
            prop_assert_eq!(decode(&bytes).text, one_by_one(&bytes));
        }

        #[test]
        fn what_is_sound_is_not_truncated(bytes in pieces()) {
            let mended = super::super::mend::mend(&bytes);
            prop_assert!(!mended.sound || !is_truncated(&mended.bytes));
        }
    }
}
