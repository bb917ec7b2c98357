//! Titles and narrative text of an embedded CDA document (hl7.md 12.1), for reading only: the file
//! itself is attached untouched. A document with a DTD is not read; no stylesheet, no entity and no
//! reference is ever followed.

mod subject;

use crate::embedded::utf16::as_utf8;
use crate::embedded::{Encoding, decode_wrapped};
use crate::markup::entities;
use kakehashi_core::text::clean;
use std::borrow::Cow;
use subject::Subject;

/// Characters of narrative that are taken.
const MAX_CHARS: usize = 50_000;
/// Bytes of the document that are looked at.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Files inside of one document.
const MAX_FILES: usize = 20;

/// What of a document is for people.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Document {
    /// Titles and narrative, if there are any.
    pub(super) text: Option<String>,
    /// Files in `nonXMLBody` and `observationMedia`, decoded.
    pub(super) files: Vec<Vec<u8>>,
    /// Whom it is of.
    pub(super) subject: Subject,
}

/// Reads a document.
///
/// # Errors
/// Why the document is not read.
pub(super) fn read(bytes: &[u8]) -> Result<Document, &'static str> {
    let text = text_of(bytes)?;
    Ok(Document { text: narrative(&text)?, files: files(&text), subject: Subject::read(&text) })
}

/// The document as text, by the encoding that its declaration names.
fn text_of(bytes: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    if bytes.len() > MAX_BYTES {
        return Err("the embedded CDA is too large to be read");
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(Cow::Borrowed(text));
    }
    // UTF-16 shows itself; a declaration inside of it can only be read afterwards.
    if let Cow::Owned(wide) = as_utf8(bytes) {
        return String::from_utf8(wide).map(Cow::Owned).map_err(|_| "the embedded CDA is not UTF-16");
    }
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    let declared = start.split_once("encoding=").and_then(|(_, rest)| {
        let quote = rest.chars().next().filter(|q| matches!(q, '"' | '\''))?;
        rest[1..].split(quote).next().and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes()))
    });
    let (text, damaged) = declared.ok_or("the embedded CDA is not UTF-8")?.decode_without_bom_handling(bytes);
    if damaged { Err("the embedded CDA is not in the character set it names") } else { Ok(text) }
}

/// Base64 content of elements that hold files: those that say `representation="B64"`.
fn files(text: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once("representation=") {
        if !tail.starts_with("\"B64\"") && !tail.starts_with("'B64'") {
            rest = tail;
            continue;
        }
        let Some((_, content)) = tail.split_once('>') else { break };
        let (data, after) = content.split_once('<').unwrap_or((content, ""));
        rest = after;
        let decoded = decode_wrapped(data.trim().as_bytes(), Encoding::Base64, 0);
        found.extend(decoded.filter(|bytes| !bytes.is_empty()));
        if found.len() >= MAX_FILES {
            break;
        }
    }
    found
}

/// The narrative, `None` if there is none.
fn narrative(text: &str) -> Result<Option<String>, &'static str> {
    if text.contains("<!DOCTYPE") || text.contains("<!ENTITY") {
        return Err("the embedded CDA has a document type definition");
    }
    let body = ["structuredBody", "nonXMLBody"].into_iter().find_map(|body| text.find(body));
    let Some(start) = body else { return Ok(None) };
    let mut out = Narrative::default();
    let mut rest = &text[start..];
    while let Some((before, tail)) = rest.split_once('<') {
        out.text(before);
        if let Some(comment) = tail.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        if let Some(literal) = tail.strip_prefix("![CDATA[") {
            let (words, after) = literal.split_once("]]>").unwrap_or((literal, ""));
            out.text(&words.replace('&', "&amp;"));
            rest = after;
            continue;
        }
        let Some((tag, after)) = tail.split_once('>') else { break };
        // What was struck out is said no more, and files are no text.
        let is_left_out =
            !tag.starts_with('/') && (has(tag, "revised", "delete") || has(tag, "representation", "B64"));
        rest = match name_of(tag) {
            name if is_left_out && !tag.ends_with('/') => after_end(after, name),
            _ => {
                out.tag(tag);
                after
            }
        };
        if out.chars > MAX_CHARS {
            break;
        }
    }
    Ok(out.finish())
}

/// Name of an element without its prefix.
fn name_of(tag: &str) -> &str {
    let name =
        tag.trim_start_matches('/').split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or("");
    name.rsplit(':').next().unwrap_or(name)
}

fn has(tag: &str, attribute: &str, value: &str) -> bool {
    subject::attribute(tag, attribute) == Some(value)
}

/// What follows the end of an element of this name, with those of the same name inside of it.
fn after_end<'t>(content: &'t str, name: &str) -> &'t str {
    let (mut rest, mut depth) = (content, 1_usize);
    while let Some((tag, after)) = rest.split_once('<').and_then(|(_, tail)| tail.split_once('>')) {
        rest = after;
        if name_of(tag) == name && !tag.ends_with('/') {
            depth = if tag.starts_with('/') { depth - 1 } else { depth + 1 };
            if depth == 0 {
                return rest;
            }
        }
    }
    ""
}

#[derive(Default)]
struct Narrative {
    out: String,
    chars: usize,
    depth: usize,
    in_title: bool,
    /// What a section without a title is called.
    named: Option<String>,
    /// Nothing of the section but its codes was read.
    is_new: bool,
    /// The next words stand in a cell of their own.
    parted: bool,
    /// Blanks since the last words.
    gap: String,
}

impl Narrative {
    fn text(&mut self, raw: &str) {
        if self.depth == 0 && !self.in_title {
            return;
        }
        let words = entities(raw).split_whitespace().collect::<Vec<_>>().join(" ");
        if words.is_empty() {
            self.gap.push_str(raw);
            return;
        }
        if self.depth > 0
            && let Some(named) = self.named.take()
        {
            self.new_line();
            self.out.push_str(&format!("【{named}】\n"));
        }
        // Inside of a line a cell parts words, and so do blanks, but not the line ends of the file between
        // Japanese ones: 体重<b>48</b>kg is one word.
        let latin = |c: char| c.is_ascii_graphic();
        let blanks = &raw[..raw.len() - raw.trim_start().len()];
        let gap = [std::mem::take(&mut self.gap), blanks.to_owned()].concat();
        let is_blank = !gap.is_empty()
            && (!gap.contains(['\n', '\r']) || (self.out.ends_with(latin) && words.starts_with(latin)));
        raw[raw.trim_end().len()..].clone_into(&mut self.gap);
        if (self.parted || is_blank) && !self.out.is_empty() && !self.out.ends_with(['\n', ' ', '【']) {
            self.out.push(' ');
        }
        self.parted = false;
        self.chars += words.chars().count();
        self.out.push_str(&words);
    }

    fn tag(&mut self, tag: &str) {
        let closes = tag.starts_with('/');
        let empty = tag.ends_with('/');
        match (name_of(tag), closes) {
            ("section", false) => (self.named, self.is_new) = (None, true),
            ("entry", false) => self.is_new = false,
            ("code", false) if self.is_new && !self.in_title => {
                let named = subject::attribute(tag, "displayName").map(entities);
                self.named = named.filter(|named| !named.trim().is_empty());
            }
            ("td" | "th", _) if self.depth > 0 => self.parted = true,
            ("title", false) if self.depth == 0 && !empty => {
                (self.named, self.is_new) = (None, false);
                self.new_line();
                self.out.push('【');
                self.in_title = true;
            }
            ("title", true) if self.in_title => {
                self.in_title = false;
                self.out.push('】');
                self.new_line();
            }
            ("text", false) if !empty => {
                self.depth += 1;
                self.is_new = false;
            }
            ("text", true) => {
                self.depth = self.depth.saturating_sub(1);
                self.new_line();
            }
            ("br" | "tr" | "item" | "paragraph" | "caption" | "table" | "list", _) if self.depth > 0 => {
                self.new_line();
            }
            _ => {}
        }
    }

    fn new_line(&mut self) {
        self.parted = false;
        self.gap.clear();
        let end = self.out.trim_end_matches(' ').len();
        self.out.truncate(end);
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    fn finish(self) -> Option<String> {
        let text = clean(self.out.replace("【】\n", "").trim());
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_and_text_are_taken() {
        let cda = "<ClinicalDocument><title>x</title><component><structuredBody><section><title>診断</title>\
                   <text><paragraph>心不全 &amp; 貧血</paragraph><table><tr><td>体重</td><td>48kg</td></tr></table></text>\
                   <entry><value>no</value></entry></section></structuredBody></component></ClinicalDocument>";
        let text = read(cda.as_bytes()).unwrap().text.unwrap();
        assert_eq!(text, "【診断】\n心不全 & 貧血\n体重 48kg");
        assert!(read(b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:'>]><structuredBody/>").is_err());
        assert_eq!(read(b"<ClinicalDocument/>"), Ok(Document::default()));
        let pdf = "<nonXMLBody><text mediaType=\"application/pdf\" representation=\"B64\">JVBE\nRi0x</text></nonXMLBody>";
        assert_eq!(read(pdf.as_bytes()).unwrap().files, [b"%PDF-1".to_vec()]);
        assert_eq!(read(pdf.replace('"', "'").as_bytes()).unwrap().files, [b"%PDF-1".to_vec()]);
        let prefixed = "<v3:structuredBody><v3:title>経過</v3:title><v3:text><![CDATA[A&B <5]]></v3:text></v3:structuredBody>";
        assert_eq!(read(prefixed.as_bytes()).unwrap().text.as_deref(), Some("【経過】\nA&B <5"));
        let of = |body: &str| read(body.as_bytes()).unwrap().text;
        let struck = "<structuredBody><text><content revised='delete'>3mg<content>x</content></content><content revised='insert'>2mg</content></text></structuredBody>";
        assert_eq!(of(struck).as_deref(), Some("2mg"), "what was struck out is not shown");
        let inline = "<structuredBody><text>体重<content styleCode='Bold'>48</content>kg<table><tr><th>薬</th><td>A <sub>b</sub> c</td><td/></tr><tr><td>X</td></tr></table></text></structuredBody>";
        assert_eq!(of(inline).as_deref(), Some("体重48kg\n薬 A b c\nX"));
        let unnamed = "<structuredBody><section><code displayName=\"投薬歴\"/><text>A</text></section><section><title>経過</title><code displayName='x'/><text>B</text></section></structuredBody>";
        assert_eq!(of(unnamed).as_deref(), Some("【投薬歴】\nA\n【経過】\nB"));
        assert_eq!(
            of("<nonXMLBody><text mediaType='text/plain'>体重を毎日</text></nonXMLBody>").as_deref(),
            Some("体重を毎日")
        );
        assert_eq!(of(pdf), None);
        let (old, _, _) = encoding_rs::SHIFT_JIS.encode(
            "<?xml version=\"1.0\" encoding=\"Shift_JIS\"?><structuredBody><title>経過</title><text>良好</text></structuredBody>",
        );
        assert_eq!(read(&old).unwrap().text.as_deref(), Some("【経過】\n良好"));
    }

    proptest::proptest! {
        #[test]
        fn reading_is_total(tail in "(<text>|</text>|<title>|</title>|<|>|&|&#x41;|<!--|-->|山|[a-z ]){0,60}") {
            let _ = read(format!("structuredBody{tail}").as_bytes());
        }
    }
}
