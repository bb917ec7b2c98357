//! Titles and narrative text of an embedded CDA document (hl7.md 12.1), for reading only: the file
//! itself is attached untouched. A document with a DTD is not read; no stylesheet, no entity and no
//! reference is ever followed.

use kakehashi_core::text::clean;

/// Characters of narrative that are taken.
const MAX_CHARS: usize = 50_000;
/// Bytes of the document that are looked at.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The narrative, `None` if there is none.
///
/// # Errors
/// Why the document is not read.
pub(super) fn narrative(bytes: &[u8]) -> Result<Option<String>, &'static str> {
    if bytes.len() > MAX_BYTES {
        return Err("the embedded CDA is too large to be read");
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err("the embedded CDA is not UTF-8");
    };
    if text.contains("<!DOCTYPE") || text.contains("<!ENTITY") {
        return Err("the embedded CDA has a document type definition");
    }
    let Some(start) = text.find("structuredBody") else { return Ok(None) };
    let mut out = Narrative::default();
    let mut rest = &text[start..];
    while let Some((before, tail)) = rest.split_once('<') {
        out.text(before);
        if let Some(comment) = tail.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some((tag, after)) = tail.split_once('>') else { break };
        out.tag(tag);
        rest = after;
        if out.chars > MAX_CHARS {
            break;
        }
    }
    Ok(out.finish())
}

#[derive(Default)]
struct Narrative {
    out: String,
    chars: usize,
    depth: usize,
    in_title: bool,
}

impl Narrative {
    fn text(&mut self, raw: &str) {
        if self.depth == 0 && !self.in_title {
            return;
        }
        let words = entities(raw).split_whitespace().collect::<Vec<_>>().join(" ");
        if words.is_empty() {
            return;
        }
        if !self.out.is_empty() && !self.out.ends_with(['\n', ' ', '【']) {
            self.out.push(' ');
        }
        self.chars += words.chars().count();
        self.out.push_str(&words);
    }

    fn tag(&mut self, tag: &str) {
        let closes = tag.starts_with('/');
        let empty = tag.ends_with('/');
        let name =
            tag.trim_start_matches('/').split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or("");
        let name = name.rsplit(':').next().unwrap_or(name);
        match (name, closes) {
            ("title", false) if self.depth == 0 && !empty => {
                self.new_line();
                self.out.push('【');
                self.in_title = true;
            }
            ("title", true) if self.in_title => {
                self.in_title = false;
                self.out.push('】');
                self.new_line();
            }
            ("text", false) if !empty => self.depth += 1,
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
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    fn finish(self) -> Option<String> {
        let text = clean(self.out.replace("【】\n", "").trim());
        (!text.is_empty()).then_some(text)
    }
}

/// The five entities of XML and character numbers; anything else stays as written.
fn entities(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, tail)) = rest.split_once('&') {
        out.push_str(before);
        let named = tail.split_once(';').filter(|(name, _)| name.len() <= 8);
        match named.and_then(|(name, after)| entity(name).map(|c| (c, after))) {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push('&');
                rest = tail;
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_and_text_are_taken() {
        let cda = "<ClinicalDocument><title>x</title><component><structuredBody><section><title>診断</title>\
                   <text><paragraph>心不全 &amp; 貧血</paragraph><table><tr><td>体重</td><td>48kg</td></tr></table></text>\
                   <entry><value>no</value></entry></section></structuredBody></component></ClinicalDocument>";
        let text = narrative(cda.as_bytes()).unwrap().unwrap();
        assert_eq!(text, "【診断】\n心不全 & 貧血\n体重 48kg");
        assert!(narrative(b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:'>]><structuredBody/>").is_err());
        assert_eq!(narrative(b"<ClinicalDocument/>"), Ok(None));
    }

    proptest::proptest! {
        #[test]
        fn reading_is_total(tail in "(<text>|</text>|<title>|</title>|<|>|&|&#x41;|<!--|-->|山|[a-z ]){0,60}") {
            let _ = narrative(format!("structuredBody{tail}").as_bytes());
        }
    }
}
