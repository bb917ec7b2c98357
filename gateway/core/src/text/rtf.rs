//! The words of RTF as Japanese word processors and Outlook write it (`\ansicpg932`, `\'82\'a0`, `\u12354?`), or the
//! HTML that Outlook wraps into RTF ([MS-OXRTFEX]). Only words come out: fonts, pictures, fields and objects are
//! left out, nothing is executed, and size and depth are bounded.

use encoding_rs::Encoding;

/// Bytes of text that are taken.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Groups within groups.
const MAX_DEPTH: usize = 200;

/// The words of an RTF body.
#[derive(Debug, PartialEq, Eq)]
pub enum Words {
    /// Written as RTF.
    Text(String),
    /// HTML in an RTF coat.
    Html(String),
}

#[derive(Clone, Copy)]
struct Group {
    hidden: bool,
    /// A piece of the wrapped HTML.
    tag: bool,
    /// Between `\htmlrtf` and `\htmlrtf0`: only for readers of RTF.
    coat: bool,
    /// Signs that follow a `\u` for readers without Unicode.
    fallback: usize,
    encoding: &'static Encoding,
    fonts: bool,
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    out: String,
    pending: Vec<u8>,
    groups: Vec<Group>,
    /// Code page of the document.
    page: &'static Encoding,
    /// Character sets of fonts.
    fonts: Vec<(i32, &'static Encoding)>,
    font: i32,
    wrapped: bool,
    skip: usize,
    high: Option<u16>,
}

/// The words of RTF; `None` if the bytes are no RTF or hold no word. Total and bounded.
#[must_use]
pub fn words(bytes: &[u8]) -> Option<Words> {
    if !bytes.starts_with(b"{\\rtf") {
        return None;
    }
    let page = encoding_rs::SHIFT_JIS;
    let first = Group { hidden: false, tag: false, coat: false, fallback: 1, encoding: page, fonts: false };
    let mut reader = Reader {
        bytes,
        at: 0,
        out: String::new(),
        pending: Vec::new(),
        groups: vec![first],
        page,
        fonts: Vec::new(),
        font: 0,
        wrapped: false,
        skip: 0,
        high: None,
    };
    reader.run();
    if reader.out.trim().is_empty() {
        return None;
    }
    if reader.wrapped {
        return Some(Words::Html(reader.out));
    }
    let lines: Vec<&str> = reader.out.lines().map(str::trim_end).collect();
    Some(Words::Text(lines.join("\n").trim().to_owned()))
}

impl Reader<'_> {
    fn run(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            if self.out.len() > MAX_BYTES {
                break;
            }
            self.at += 1;
            match byte {
                b'{' => {
                    self.flush();
                    let Some(group) = self.groups.last().copied() else { break };
                    if self.groups.len() >= MAX_DEPTH {
                        break;
                    }
                    self.groups.push(group);
                }
                b'}' => {
                    self.flush();
                    if self.groups.len() <= 2 {
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

    fn shown(&self) -> Option<Group> {
        self.groups.last().copied().filter(|g| !(g.hidden || g.fonts || g.coat && self.wrapped))
    }

    fn byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.shown().is_some() {
            self.pending.push(byte);
        }
    }

    fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let encoding = self.groups.last().map_or(self.page, |g| g.encoding);
        let pending = std::mem::take(&mut self.pending);
        let (text, _) = encoding.decode_without_bom_handling(&pending);
        self.put(&text);
    }

    /// Words of the writer; what looks like a tag in them is none.
    fn put(&mut self, text: &str) {
        let Some(group) = self.shown() else { return };
        if self.wrapped && !group.tag {
            for c in text.chars() {
                match c {
                    '<' => self.out.push_str("&lt;"),
                    '>' => self.out.push_str("&gt;"),
                    '&' => self.out.push_str("&amp;"),
                    c => self.out.push(c),
                }
            }
        } else {
            self.out.push_str(text);
        }
    }

    fn text(&mut self, text: &str) {
        self.flush();
        self.put(text);
    }

    fn change(&mut self, change: impl FnOnce(&mut Group)) {
        self.flush();
        if let Some(group) = self.groups.last_mut() {
            change(group);
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
                b'~' => self.text("\u{a0}"),
                // Only the wrapped HTML is wanted of what older readers may skip.
                b'*' => {
                    let tag = self.bytes.get(self.at..).is_some_and(|r| r.starts_with(b"\\htmltag"));
                    self.change(|g| g.hidden |= !tag);
                }
                b'\r' | b'\n' => self.text("\n"),
                _ => {}
            }
            return;
        }
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let letters = rest.iter().take(32).take_while(|b| b.is_ascii_alphabetic()).count();
        let word = String::from_utf8_lossy(rest.get(..letters).unwrap_or_default()).into_owned();
        let tail = rest.get(letters..).unwrap_or_default();
        let digits = tail
            .iter()
            .take(11)
            .enumerate()
            .take_while(|(i, b)| b.is_ascii_digit() || (*i == 0 && **b == b'-'))
            .count();
        let number =
            tail.get(..digits).and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| d.parse::<i32>().ok());
        self.at += letters + digits + usize::from(tail.get(digits) == Some(&b' '));
        self.word(&word, number);
    }

    fn word(&mut self, word: &str, number: Option<i32>) {
        match word {
            "par" | "line" | "row" | "sect" | "page" => self.text("\n"),
            "tab" | "cell" => self.text(" "),
            "fromhtml" => self.wrapped = number != Some(0),
            "htmltag" => self.change(|g| g.tag = true),
            "htmlrtf" => self.change(|g| g.coat = number != Some(0)),
            "ansicpg" => {
                self.page = page(number.unwrap_or(932));
                let page = self.page;
                self.change(|g| g.encoding = page);
            }
            "f" if self.groups.last().is_some_and(|g| g.fonts) => self.font = number.unwrap_or(0),
            "f" => {
                let found = self.fonts.iter().find(|(f, _)| Some(*f) == number).map(|(_, e)| *e);
                let encoding = found.unwrap_or(self.page);
                self.change(|g| g.encoding = encoding);
            }
            "fcharset" if self.fonts.len() < 500 => {
                if let Some(encoding) = charset(number.unwrap_or(0)) {
                    self.fonts.push((self.font, encoding));
                }
            }
            "fonttbl" => self.change(|g| g.fonts = true),
            "uc" => {
                let fallback = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(16);
                self.change(|g| g.fallback = fallback);
            }
            "u" => self.unicode(number.unwrap_or(0)),
            "lquote" => self.text("‘"),
            "rquote" => self.text("’"),
            "ldblquote" => self.text("“"),
            "rdblquote" => self.text("”"),
            "bullet" => self.text("・"),
            "bin" => {
                let length = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
                self.at = self.at.saturating_add(length).min(self.bytes.len());
            }
            "colortbl" | "stylesheet" | "info" | "pict" | "object" | "header" | "footer" | "generator"
            | "listtable" | "listoverridetable" | "fldinst" | "filetbl" | "themedata" | "datastore"
            | "rsidtbl" | "xmlnstbl" => {
                self.change(|g| g.hidden = true);
            }
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
            self.put(&String::from_utf16_lossy(&units));
        }
        self.skip = self.groups.last().map_or(1, |g| g.fallback);
    }
}

/// A Windows code page.
fn page(number: i32) -> &'static Encoding {
    match number {
        65001 => encoding_rs::UTF_8,
        1252 | 0 => encoding_rs::WINDOWS_1252,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        1251 => encoding_rs::WINDOWS_1251,
        _ => encoding_rs::SHIFT_JIS,
    }
}

/// A character set of a font; `None` says nothing.
fn charset(number: i32) -> Option<&'static Encoding> {
    Some(match number {
        128 => encoding_rs::SHIFT_JIS,
        129 => encoding_rs::EUC_KR,
        134 => encoding_rs::GBK,
        136 => encoding_rs::BIG5,
        204 => encoding_rs::WINDOWS_1251,
        _ => return None,
    })
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
            assert_eq!(words(rtf), Some(Words::Text((*text).to_owned())), "{}", String::from_utf8_lossy(rtf));
        }
        assert_eq!(words(b"hello"), None);
    }

    proptest::proptest! {
        #[test]
        fn reading_is_total(tail in "([{}\\\\]|\\\\'8[0-9a-f]|\\\\u-?[0-9]{1,6}|\\\\bin[0-9]{1,4} |\\\\[a-z]{1,9}|[a-z ]|山){0,60}") {
            let _ = words(format!("{{\\rtf1{tail}").as_bytes());
        }
    }
}
