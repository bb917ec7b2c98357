//! The text of RTF files as Japanese word processors write them (`\ansicpg932`, `\'82\'a0`, `\u12354?`).
//! Only text: fonts, pictures, fields and embedded objects are left out, nothing is executed, and
//! depth and size are bounded.

use encoding_rs::{Encoding, SHIFT_JIS, WINDOWS_1252};
use kakehashi_core::text::clean;

/// Characters that are taken.
const MAX_CHARS: usize = 100_000;
/// Groups within groups.
const MAX_DEPTH: usize = 100;
/// Groups that hold no text for people.
const HIDDEN: &[&str] = &[
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "header",
    "footer",
    "generator",
    "listtable",
    "listoverridetable",
    "rsidtbl",
    "themedata",
    "datastore",
    "fldinst",
    "xmlnstbl",
    "filetbl",
];

#[derive(Clone, Copy)]
struct Group {
    hidden: bool,
    /// Signs that follow a `\u` for readers without Unicode.
    fallback: usize,
}

/// The text; `None` if the bytes are no RTF. Total and bounded.
#[must_use]
pub fn plain_text(bytes: &[u8]) -> Option<String> {
    if !bytes.starts_with(b"{\\rtf") {
        return None;
    }
    let mut reader = Reader {
        bytes,
        at: 0,
        out: String::new(),
        pending: Vec::new(),
        encoding: SHIFT_JIS,
        groups: vec![Group { hidden: false, fallback: 1 }],
        skip: 0,
        high: None,
    };
    reader.run();
    let text = clean(&reader.out);
    Some(text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned())
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    out: String,
    /// Bytes of the code page that are not decoded yet.
    pending: Vec<u8>,
    encoding: &'static Encoding,
    groups: Vec<Group>,
    /// Fallback signs that are still to be left out.
    skip: usize,
    /// First half of a surrogate pair.
    high: Option<u16>,
}

impl Reader<'_> {
    fn run(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            if self.out.len() > MAX_CHARS * 3 {
                break;
            }
            self.at += 1;
            match byte {
                b'{' => {
                    let group = self.group();
                    if self.groups.len() >= MAX_DEPTH {
                        break;
                    }
                    self.groups.push(group);
                }
                b'}' => {
                    self.flush();
                    if self.groups.len() <= 1 {
                        break;
                    }
                    self.groups.pop();
                }
                b'\\' => self.control(),
                b'\r' | b'\n' => {}
                byte => self.byte(byte),
            }
        }
        self.flush();
    }

    fn group(&self) -> Group {
        self.groups.last().copied().unwrap_or(Group { hidden: true, fallback: 1 })
    }

    fn byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if !self.group().hidden {
            self.pending.push(byte);
        }
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            let (text, _) = self.encoding.decode_without_bom_handling(&self.pending);
            self.out.push_str(&text);
            self.pending.clear();
        }
    }

    fn text(&mut self, text: &str) {
        self.flush();
        if !self.group().hidden {
            self.out.push_str(text);
        }
    }

    fn hide(&mut self) {
        if let Some(group) = self.groups.last_mut() {
            group.hidden = true;
        }
    }

    fn control(&mut self) {
        let Some(&byte) = self.bytes.get(self.at) else { return };
        if !byte.is_ascii_alphabetic() {
            self.at += 1;
            match byte {
                b'\'' => {
                    let digits =
                        self.bytes.get(self.at..self.at + 2).and_then(|d| std::str::from_utf8(d).ok());
                    if let Some(value) = digits.and_then(|d| u8::from_str_radix(d, 16).ok()) {
                        self.at += 2;
                        self.byte(value);
                    }
                }
                b'\\' | b'{' | b'}' => self.byte(byte),
                b'~' => self.text(" "),
                b'*' => self.hide(),
                b'\r' | b'\n' => self.text("\n"),
                _ => {}
            }
            return;
        }
        let rest = &self.bytes[self.at..];
        let letters = rest.iter().take(32).take_while(|b| b.is_ascii_alphabetic()).count();
        let word = String::from_utf8_lossy(&rest[..letters]).into_owned();
        let tail = &rest[letters..];
        let digits = tail
            .iter()
            .take(11)
            .enumerate()
            .take_while(|(i, b)| b.is_ascii_digit() || (*i == 0 && **b == b'-'));
        let digits = digits.count();
        let number = std::str::from_utf8(&tail[..digits]).ok().and_then(|d| d.parse::<i32>().ok());
        self.at += letters + digits + usize::from(tail.get(digits) == Some(&b' '));
        self.word(&word, number);
    }

    fn word(&mut self, word: &str, number: Option<i32>) {
        match word {
            "par" | "line" | "row" | "sect" | "page" => self.text("\n"),
            "tab" | "cell" => self.text(" "),
            "ansicpg" => {
                self.flush();
                self.encoding = match number {
                    Some(1252) => WINDOWS_1252,
                    Some(65001) => encoding_rs::UTF_8,
                    _ => SHIFT_JIS,
                };
            }
            "uc" => {
                if let Some(group) = self.groups.last_mut() {
                    group.fallback = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(16);
                }
            }
            "u" => self.unicode(number.unwrap_or(0)),
            "bin" => {
                let length = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
                self.at = self.at.saturating_add(length).min(self.bytes.len());
            }
            _ if HIDDEN.contains(&word) => self.hide(),
            _ => {}
        }
    }

    fn unicode(&mut self, number: i32) {
        self.flush();
        // Signs above 32767 are written as negative numbers.
        let unit =
            u16::try_from(number).or_else(|_| u16::try_from(number.saturating_add(65_536))).unwrap_or(0xfffd);
        let units: Vec<u16> = self.high.take().into_iter().chain([unit]).collect();
        if units.len() == 1 && (0xd800..0xdc00).contains(&unit) {
            self.high = Some(unit);
        } else {
            let text = String::from_utf16_lossy(&units);
            self.text(&text);
        }
        self.skip = self.group().fallback;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn japanese_documents_are_read() {
        let cases: &[(&[u8], &str)] = &[
            (
                b"{\\rtf1\\ansi\\ansicpg932{\\fonttbl{\\f0 MS Gothic;}}\\f0 \\'8e\\'52\\'96\\'7b\\par OK}",
                "山本\nOK",
            ),
            (b"{\\rtf1\\ansi\\uc1 \\u12354?\\u12356?\\line\\u-10179?\\u-8704?}", "あい\n😀"),
            (b"{\\rtf1 a\\{b\\}\\\\c{\\*\\generator x;}{\\pict 0011}d}", "a{b}\\cd"),
            (b"{\\rtf1 {\\field{\\*\\fldinst HYPERLINK x}{\\fldrslt y}}}", "y"),
        ];
        for (rtf, text) in cases {
            assert_eq!(plain_text(rtf).as_deref(), Some(*text), "{}", String::from_utf8_lossy(rtf));
        }
        assert_eq!(plain_text(b"hello"), None);
    }

    proptest::proptest! {
        #[test]
        fn reading_is_total(tail in "([{}\\\\]|\\\\'8[0-9a-f]|\\\\u-?[0-9]{1,6}|\\\\bin[0-9]{1,4} |\\\\[a-z]{1,9}|[a-z ]|山){0,60}") {
            let _ = plain_text(format!("{{\\rtf1{tail}").as_bytes());
        }
    }
}
