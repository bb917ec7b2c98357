//! winmail.dat: what Outlook and Exchange send to people without them ([MS-OXTNEF]). Takes the text, the
//! files and enclosed messages out of it and nothing else. Hostile until proven harmless: every length is
//! checked against the bytes that are there, counts and nesting are limited, nothing recurses deeper than
//! [`MAX_DEPTH`].

use super::{charset, rtf};
use kakehashi_core::text::rtf::Words;

/// First four bytes of a TNEF stream, little endian.
const SIGNATURE: [u8; 4] = 0x223E_9F78_u32.to_le_bytes();
/// Enclosed messages within enclosed messages.
const MAX_DEPTH: u8 = 3;
const MAX_FILES: usize = 100;
const MAX_PROPERTIES: usize = 2_000;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Unpacked {
    /// Plain text body, if the stream has one.
    pub(crate) text: Option<String>,
    /// HTML body, decoded, if the stream has one.
    pub(crate) html: Option<String>,
    /// Files.
    pub(crate) files: Vec<UnpackedFile>,
    /// The stream ended early or contradicted itself.
    pub(crate) damaged: bool,
}

/// A file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct UnpackedFile {
    pub(crate) name: Option<String>,
    pub(crate) media_type: Option<String>,
    /// Referenced from the HTML body.
    pub(crate) inline: bool,
    pub(crate) bytes: Vec<u8>,
}

/// Whether the bytes begin like a TNEF stream.
pub(crate) fn is_tnef(bytes: &[u8]) -> bool {
    bytes.starts_with(&SIGNATURE)
}

/// Takes a stream apart; `None` if it is none.
pub(crate) fn unpack(bytes: &[u8]) -> Option<Unpacked> {
    is_tnef(bytes).then(|| {
        let mut out = Unpacked::default();
        stream(bytes, 0, &mut out);
        // What the renderer of the sender's desktop drew is of no use to anybody.
        out.files.retain(|f| !f.bytes.is_empty());
        out
    })
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(self.u32()?).ok()
    }

    /// A value that is filled up to four bytes; the last filling may be missing.
    fn padded(&mut self, length: usize) -> Option<&'a [u8]> {
        let value = self.take(length)?;
        let filling = length.wrapping_neg() % 4;
        self.rest = self.rest.get(filling..).unwrap_or_default();
        Some(value)
    }
}

fn stream(bytes: &[u8], depth: u8, out: &mut Unpacked) {
    let mut cursor = Cursor { rest: bytes.get(6..).unwrap_or_default() };
    let mut page = String::from("windows-1252");
    // Files of this level stand behind those of the levels above.
    let first = out.files.len();
    let mut body: Option<&[u8]> = None;
    let mut properties = Properties::default();
    while !cursor.rest.is_empty() {
        let Some((level, tag, data)) = attribute(&mut cursor) else {
            out.damaged = true;
            break;
        };
        match (level, tag & 0xffff) {
            // attOemCodepage
            (1, 0x9007) => {
                if let Some(number) = data.get(..4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes) {
                    page = page_label(number);
                }
            }
            // attBody
            (1, 0x800c) => body = Some(data),
            // attMAPIProps
            (1, 0x9003) => properties.read(data, out),
            // attAttachRenddata begins a file.
            (2, 0x9002) => {
                if out.files.len() >= MAX_FILES {
                    out.damaged = true;
                    break;
                }
                out.files.push(UnpackedFile::default());
            }
            // attAttachTitle
            (2, 0x8010) => {
                if let Some(file) = out.files.get_mut(first..).and_then(<[_]>::last_mut)
                    && file.name.is_none()
                {
                    file.name = Some(text_of(data, &page));
                }
            }
            // attAttachData
            (2, 0x800f) => {
                if let Some(file) = out.files.get_mut(first..).and_then(<[_]>::last_mut) {
                    file.bytes = data.to_vec();
                }
            }
            // attAttachment
            (2, 0x9005) => attachment(data, &page, first, depth, out),
            _ => {}
        }
    }
    if depth == 0 {
        out.text = properties.text.take().or_else(|| body.map(|b| text_of(b, &page)));
        out.text = out.text.take().filter(|t| !t.trim().is_empty());
        let label = properties.page.map_or(page, page_label);
        out.html = properties.html.map(|h| match h {
            Html::Text(text) => text,
            Html::Bytes(bytes) => text_of(&bytes, &label),
        });
        // Outlook's own form alone: old servers and 「リッチテキスト」 send nothing else.
        if out.text.is_none() && out.html.is_none() {
            match properties.rtf.as_deref().and_then(rtf::words) {
                Some(Words::Text(text)) => out.text = Some(text),
                Some(Words::Html(html)) => out.html = Some(html),
                None => {}
            }
        }
    } else if let Some(text) =
        properties.text.or_else(|| body.map(|b| text_of(b, &page))).filter(|t| !t.trim().is_empty())
        && out.files.len() < MAX_FILES
    {
        // The words of an enclosed message are kept as a text file of their own.
        out.files.push(UnpackedFile {
            name: properties.subject.map(|s| format!("{s}.txt")),
            media_type: Some("text/plain".to_owned()),
            inline: false,
            bytes: text.into_bytes(),
        });
    }
}

/// Level, tag and data of the next attribute; its check sum is not looked at, because senders get it
/// wrong and the length already binds the data.
fn attribute<'a>(cursor: &mut Cursor<'a>) -> Option<(u8, u32, &'a [u8])> {
    let level = *cursor.take(1)?.first()?;
    let tag = cursor.u32()?;
    let length = cursor.length()?;
    let data = cursor.take(length)?;
    // The check sum of the last attribute is sometimes cut off.
    let _ = cursor.u16();
    Some((level, tag, data))
}

/// A Windows code page as a label.
fn page_label(number: u32) -> String {
    match number {
        65001 => "utf-8".to_owned(),
        932 | 10001 => "cp932".to_owned(),
        50220..=50222 => "iso-2022-jp".to_owned(),
        51932 | 20932 => "euc-jp".to_owned(),
        20127 => "us-ascii".to_owned(),
        28591 => "iso-8859-1".to_owned(),
        other => format!("windows-{other}"),
    }
}

fn text_of(bytes: &[u8], label: &str) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    charset::decode(&bytes[..end], Some(label)).text
}

fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .take_while(|unit| *unit != 0)
        .collect();
    String::from_utf16_lossy(&units)
}

enum Html {
    Text(String),
    Bytes(Vec<u8>),
}

#[derive(Default)]
struct Properties {
    text: Option<String>,
    subject: Option<String>,
    html: Option<Html>,
    page: Option<u32>,
    /// Compressed.
    rtf: Option<Vec<u8>>,
}

impl Properties {
    fn read(&mut self, data: &[u8], out: &mut Unpacked) {
        let whole = each_property(data, |id, kind, value| match (id, kind) {
            (0x1000, 0x1f) => self.text = Some(utf16(value)),
            (0x1000, 0x1e) if self.text.is_none() => {
                self.text = Some(text_of(value, &page_label(self.page.unwrap_or(1252))));
            }
            (0x0037, 0x1f) => self.subject = Some(utf16(value)),
            (0x1013, 0x1f) => self.html = Some(Html::Text(utf16(value))),
            (0x1013, 0x102 | 0x1e) => self.html = Some(Html::Bytes(value.to_vec())),
            (0x1009, 0x102) => self.rtf = Some(value.to_vec()),
            (0x3fde, 0x03) => {
                self.page = value.get(..4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
            }
            _ => {}
        });
        out.damaged |= !whole;
    }
}

/// The properties of one file: its long name, type, bytes, or a message of its own.
fn attachment(data: &[u8], page: &str, first: usize, depth: u8, out: &mut Unpacked) {
    let mut long_name = None;
    let mut media_type = None;
    let mut inline = false;
    let mut bytes = None;
    let mut enclosed = None;
    let whole = each_property(data, |id, kind, value| match (id, kind) {
        (0x3707, 0x1f) => long_name = Some(utf16(value)),
        (0x3707, 0x1e) => long_name = Some(text_of(value, page)),
        (0x370e, 0x1f) => media_type = Some(utf16(value)),
        (0x370e, 0x1e) => media_type = Some(text_of(value, page)),
        (0x3712, _) => inline = true,
        (0x3701, 0x102) => bytes = Some(value.to_vec()),
        // An object begins with its class; a message is again a TNEF stream.
        (0x3701, 0x0d) => match value.get(16..) {
            Some(inner) if is_tnef(inner) => enclosed = Some(inner.to_vec()),
            Some(inner) => bytes = Some(inner.to_vec()),
            None => {}
        },
        _ => {}
    });
    out.damaged |= !whole;
    if let Some(file) = out.files.get_mut(first..).and_then(<[_]>::last_mut) {
        file.name = long_name.filter(|n| !n.trim().is_empty()).or_else(|| file.name.take());
        file.media_type = media_type.or_else(|| file.media_type.take());
        file.inline |= inline;
        if let Some(bytes) = bytes.filter(|_| file.bytes.is_empty()) {
            file.bytes = bytes;
        }
    }
    if let Some(enclosed) = enclosed {
        if depth < MAX_DEPTH {
            stream(&enclosed, depth + 1, out);
        } else {
            out.damaged = true;
        }
    }
}

/// Calls `see` with id, type and first value of each property; false if the list is not whole.
fn each_property(data: &[u8], mut see: impl FnMut(u16, u16, &[u8])) -> bool {
    let mut cursor = Cursor { rest: data };
    let Some(count) = cursor.length() else { return false };
    for _ in 0..count.min(MAX_PROPERTIES) {
        let Some(()) = property(&mut cursor, &mut see) else { return false };
    }
    count <= MAX_PROPERTIES
}

fn property(cursor: &mut Cursor<'_>, see: &mut impl FnMut(u16, u16, &[u8])) -> Option<()> {
    let tag = cursor.u32()?;
    let (kind, id) = ((tag & 0xffff) as u16, (tag >> 16) as u16);
    if id >= 0x8000 {
        cursor.take(16)?;
        if cursor.u32()? == 0 {
            cursor.u32()?;
        } else {
            let length = cursor.length()?;
            cursor.padded(length)?;
        }
    }
    let several = kind & 0x1000 != 0;
    let base = kind & 0x0fff;
    let fixed = match base {
        0x02 | 0x03 | 0x04 | 0x0a | 0x0b => Some(4),
        0x05 | 0x06 | 0x07 | 0x14 | 0x40 => Some(8),
        0x48 => Some(16),
        0x01 => Some(0),
        0x0d | 0x1e | 0x1f | 0x102 => None,
        _ => return None,
    };
    let values = match (several, fixed) {
        (false, Some(_)) => 1,
        _ => cursor.length()?,
    };
    if values > MAX_PROPERTIES {
        return None;
    }
    for at in 0..values {
        let value = match fixed {
            Some(length) => cursor.take(length)?,
            None => {
                let length = cursor.length()?;
                cursor.padded(length)?
            }
        };
        if at == 0 {
            see(id, base, value);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(level: u8, tag: u32, data: &[u8]) -> Vec<u8> {
        let mut out = vec![level];
        out.extend(tag.to_le_bytes());
        out.extend((data.len() as u32).to_le_bytes());
        out.extend(data);
        out.extend([0, 0]);
        out
    }

    fn properties(list: &[(u32, Vec<u8>)]) -> Vec<u8> {
        let mut out = (list.len() as u32).to_le_bytes().to_vec();
        for (tag, value) in list {
            out.extend(tag.to_le_bytes());
            out.extend(1_u32.to_le_bytes());
            out.extend((value.len() as u32).to_le_bytes());
            out.extend(value);
            out.extend(vec![0; value.len().wrapping_neg() % 4]);
        }
        out
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
    }

    fn sample() -> Vec<u8> {
        let mut out = SIGNATURE.to_vec();
        out.extend([1, 0]);
        out.extend(attribute(1, 0x0006_9007, &[0xa4, 3, 0, 0, 0, 0, 0, 0]));
        out.extend(attribute(1, 0x0006_9003, &properties(&[(0x1000_001f, wide("計画書を送ります"))])));
        out.extend(attribute(2, 0x0006_9002, &[0; 14]));
        out.extend(attribute(2, 0x0001_8010, b"KEIKAK~1.PDF\0"));
        out.extend(attribute(2, 0x0006_800f, b"%PDF-1.4"));
        out.extend(attribute(2, 0x0006_9005, &properties(&[(0x3707_001f, wide("訪問看護計画書.pdf"))])));
        out
    }

    #[test]
    fn text_and_files_come_out() {
        let got = unpack(&sample()).unwrap();
        assert_eq!(got.text.as_deref(), Some("計画書を送ります"));
        assert_eq!(got.files.len(), 1);
        assert_eq!(got.files[0].name.as_deref(), Some("訪問看護計画書.pdf"));
        assert_eq!(got.files[0].bytes, b"%PDF-1.4");
        assert!(!got.damaged);
    }

    #[test]
    fn a_body_that_is_only_rtf() {
        let body = b"{\\rtf1\\ansi\\ansicpg932 \\'97\\'b9\\'89\\'f0\\par 26\\'93\\'fa}";
        let mut rtf = (body.len() as u32 + 12).to_le_bytes().to_vec();
        rtf.extend((body.len() as u32).to_le_bytes());
        rtf.extend(b"MELA\0\0\0\0");
        rtf.extend(body);
        let mut out = SIGNATURE.to_vec();
        out.extend([1, 0]);
        out.extend(attribute(1, 0x0006_9003, &properties(&[(0x1009_0102, rtf)])));
        assert_eq!(unpack(&out).unwrap().text.as_deref(), Some("了解\n26日"));
    }

    #[test]
    fn short_names_are_read_in_the_sender_s_code_page() {
        let mut out = SIGNATURE.to_vec();
        out.extend([1, 0]);
        out.extend(attribute(1, 0x0006_9007, &[0xa4, 3, 0, 0, 0, 0, 0, 0]));
        out.extend(attribute(2, 0x0006_9002, &[0; 14]));
        out.extend(attribute(2, 0x0001_8010, b"\x8c\x76\x89\xe6.doc\0"));
        out.extend(attribute(2, 0x0006_800f, b"x"));
        assert_eq!(unpack(&out).unwrap().files[0].name.as_deref(), Some("計画.doc"));
    }

    #[test]
    fn a_cut_stream_gives_what_it_has() {
        let whole = sample();
        for end in 0..whole.len() {
            let _ = unpack(&whole[..end]);
        }
        let got = unpack(&whole[..whole.len() - 60]).unwrap();
        assert!(got.damaged && got.text.is_some());
    }

    proptest::proptest! {
        #[test]
        fn total(bytes: Vec<u8>, at in 0_usize..200, with: u8) {
            let mut framed = SIGNATURE.to_vec();
            framed.extend(&bytes);
            let _ = unpack(&framed);
            let mut changed = sample();
            let at = at % changed.len();
            changed[at] = with;
            if let Some(got) = unpack(&changed) {
                proptest::prop_assert!(got.files.len() <= MAX_FILES);
            }
        }
    }
}
