//! RTF bodies of Outlook: the compressed form of [MS-OXRTFCP] and the text in it, or the HTML that Outlook
//! wraps into RTF ([MS-OXRTFEX]). Only words come out; fonts, pictures and objects are left out, nothing is
//! executed, and size and depth are bounded whatever the lengths say.

use encoding_rs::Encoding;

/// Decompressed bytes that are taken.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Groups within groups.
const MAX_DEPTH: usize = 200;
/// What the dictionary of the compressed form begins with.
const DICTIONARY: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
const WINDOW: usize = 4096;

/// The words of an RTF body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// Written as RTF.
    Text(String),
    /// HTML in an RTF coat.
    Html(String),
}

/// The words of a compressed RTF body (`PidTagRtfCompressed`); `None` if there are none.
pub(crate) fn words(compressed: &[u8]) -> Option<Words> {
    read(&decompress(compressed)?)
}

/// The RTF of its compressed form; a cut stream gives what it has.
fn decompress(bytes: &[u8]) -> Option<Vec<u8>> {
    let number =
        |at: usize| -> Option<u32> { Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?)) };
    let raw_size = usize::try_from(number(4)?).ok()?.min(MAX_BYTES);
    let data = bytes.get(16..)?;
    match number(8)? {
        // Not compressed.
        0x414c_454d => return Some(data.get(..raw_size).unwrap_or(data).to_vec()),
        0x7546_5a4c => {}
        _ => return None,
    }
    let mut window = [b' '; WINDOW];
    window.get_mut(..DICTIONARY.len())?.copy_from_slice(DICTIONARY);
    let mut write = DICTIONARY.len();
    let mut out = Vec::new();
    let mut input = data.iter().copied();
    'all: while let Some(control) = input.next() {
        for bit in 0..8 {
            if out.len() >= raw_size {
                break 'all;
            }
            if control >> bit & 1 == 0 {
                let Some(byte) = input.next() else { break 'all };
                out.push(byte);
                window[write] = byte;
                write = (write + 1) % WINDOW;
                continue;
            }
            let (Some(high), Some(low)) = (input.next(), input.next()) else { break 'all };
            let mut read = usize::from(high) << 4 | usize::from(low >> 4);
            if read == write {
                break 'all;
            }
            for _ in 0..usize::from(low & 0xf) + 2 {
                let byte = window[read];
                read = (read + 1) % WINDOW;
                out.push(byte);
                window[write] = byte;
                write = (write + 1) % WINDOW;
            }
        }
    }
    Some(out)
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

/// The words of RTF; `None` if the bytes are no RTF or hold no word.
fn read(bytes: &[u8]) -> Option<Words> {
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
            | "listtable" | "listoverridetable" | "fldinst" | "filetbl" | "themedata" | "datastore" => {
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

    /// The example of [MS-OXRTFCP] 3.1.
    const EXAMPLE: [u8; 49] = [
        0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0, 0x0a, 0, 0x72,
        0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0, 0x20,
        0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0,
    ];

    pub(crate) fn stored(rtf: &[u8]) -> Vec<u8> {
        let mut out = ((rtf.len() + 12) as u32).to_le_bytes().to_vec();
        out.extend((rtf.len() as u32).to_le_bytes());
        out.extend(0x414c_454d_u32.to_le_bytes());
        out.extend([0; 4]);
        out.extend(rtf);
        out
    }

    #[test]
    fn compressed_and_stored_bodies() {
        assert_eq!(decompress(&EXAMPLE).unwrap(), b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        assert_eq!(words(&EXAMPLE), Some(Words::Text("hello world".to_owned())));
        let japanese = b"{\\rtf1\\ansi\\ansicpg932{\\fonttbl{\\f0 x;}{\\f1\\fcharset128 \\'82\\'6c;}}\\f0 \\'8e\\'52\\'96\\'7b\\par \\uc1\\u12354?\\par}";
        assert_eq!(words(&stored(japanese)), Some(Words::Text("山本\nあ".to_owned())));
        let western = b"{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0\\fcharset0 Arial;}{\\f1\\fcharset128 Gothic;}}{\\f1 \\'97\\'b9\\'89\\'f0} \\f0 ok}";
        assert_eq!(words(&stored(western)), Some(Words::Text("了解 ok".to_owned())));
        for none in [&b""[..], b"x", &stored(b"hello"), &stored(b"{\\rtf1 }")] {
            assert_eq!(words(none), None);
        }
    }

    #[test]
    fn html_in_an_rtf_coat() {
        let rtf = b"{\\rtf1\\ansi\\ansicpg932\\fromhtml1 \\deff0{\\fonttbl{\\f0 x;}}{\\*\\htmltag18 <body>}{\\*\\htmltag64 <p>}\\htmlrtf {\\htmlrtf0 \\'97\\'b9\\'89\\'f0 5<6{\\*\\htmltag84 <br>}\\htmlrtf \\line\\htmlrtf0 ok\\htmlrtf\\par}\\htmlrtf0 {\\*\\htmltag72 </p>}}";
        let Some(Words::Html(html)) = words(&stored(rtf)) else { panic!("no HTML") };
        assert_eq!(html, "<body><p>了解 5&lt;6<br>ok</p>");
    }

    proptest::proptest! {
        #[test]
        fn total(bytes: Vec<u8>, at in 0_usize..49, with: u8, tail in "([{}\\\\]|\\\\'8[0-9a-f]|\\\\u-?[0-9]{1,6}|\\\\bin[0-9]{1,4} |\\\\htmlrtf0?|\\\\\\*|\\\\htmltag|\\\\[a-z]{1,9}|[a-z ]|山){0,60}") {
            let _ = words(&bytes);
            let mut changed = EXAMPLE;
            changed[at] = with;
            let _ = words(&changed);
            let _ = words(&stored(format!("{{\\rtf1{tail}").as_bytes()));
        }
    }
}
