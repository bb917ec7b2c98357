//! HTML to plain text for mails that have no text part: line structure, list marks and quotes kept,
//! everything else dropped. Written small and bounded because it meets hostile input: one pass, no
//! tree, no recursion, output never longer than a fixed limit. It never renders, fetches or executes.
//! What a reader of the mail does not see is left out ([`hidden`]), unless nothing would be left.

mod attributes;
mod hidden;

use hidden::{Open, Sight};

const MAX_OUTPUT_CHARS: usize = 400_000;
const MAX_QUOTE_DEPTH: usize = 5;

/// The readable text of an HTML body. Quoted blocks are marked by `>` so that quotes are found later
/// as in plain mails.
pub(crate) fn to_text(html: &str) -> String {
    let (text, in_doubt) = pass(html, false);
    let empty = text.chars().all(|c| c.is_whitespace() || c == '>');
    if in_doubt || empty { pass(html, true).0 } else { text }
}

/// The text, with or without what is hidden, and whether it was plain what that is.
fn pass(html: &str, with_hidden: bool) -> (String, bool) {
    let mut page = Page { with_hidden, ..Page::default() };
    let mut rest = html;
    while !rest.is_empty() && page.length < MAX_OUTPUT_CHARS {
        let Some(at) = rest.find('<') else {
            page.text(rest);
            break;
        };
        page.text(&rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let next = rest[1..].chars().next();
        if !next.is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
            page.text("<");
            rest = &rest[1..];
            continue;
        }
        let end = tag_end(rest);
        let inside = &rest[1..end];
        page.tag(inside.strip_suffix('>').unwrap_or(inside));
        rest = &rest[end..];
        if let Some(raw) = page.skip_until.take() {
            let close = format!("</{raw}");
            rest = find_ignoring_case(rest, &close).map_or("", |at| &rest[at..]);
        }
    }
    let in_doubt = page.open.in_doubt();
    (page.finish(), in_doubt)
}

/// Byte length of the tag at the start of `rest`, quotes respected, `>` included.
fn tag_end(rest: &str) -> usize {
    let mut quote = None;
    // A tag longer than this is no tag; an unclosed quote must not swallow the mail.
    for (i, byte) in rest.bytes().enumerate().take(20_000) {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(q), b) if q == b => quote = None,
            (None, b'>') => return i + 1,
            _ => {}
        }
    }
    rest.find('>').map_or(rest.len(), |i| i + 1)
}

fn find_ignoring_case(text: &str, needle: &str) -> Option<usize> {
    let n = needle.len();
    text.as_bytes().windows(n).position(|w| w.eq_ignore_ascii_case(needle.as_bytes()))
}

#[derive(Default)]
struct Page {
    lines: Vec<String>,
    line: String,
    length: usize,
    quote: usize,
    pre: usize,
    blank_wanted: bool,
    skip_until: Option<&'static str>,
    links: Vec<String>,
    open: Open,
    with_hidden: bool,
}

impl Page {
    fn sight(&self) -> Sight {
        if self.with_hidden { Sight::Seen } else { self.open.sight() }
    }

    fn text(&mut self, raw: &str) {
        if self.sight() > Sight::Seen {
            return;
        }
        let decoded = entities(raw);
        for c in decoded.chars() {
            if self.length >= MAX_OUTPUT_CHARS {
                return;
            }
            if self.pre > 0 && c == '\n' {
                self.break_line();
            } else if self.pre == 0 && matches!(c, ' ' | '\t' | '\n' | '\r') {
                if !self.line.is_empty() && !self.line.ends_with(' ') {
                    self.line.push(' ');
                    self.length += 1;
                }
            } else {
                self.line.push(if c == '\u{a0}' { ' ' } else { c });
                self.length += 1;
            }
        }
    }

    fn tag(&mut self, inner: &str) {
        let closing = inner.starts_with('/');
        let body = inner.trim_start_matches('/');
        let name: String = body
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .take(12)
            .collect::<String>()
            .to_ascii_lowercase();
        if !closing {
            self.open.opens(&name, inner);
        }
        let sight = if self.with_hidden {
            Sight::Seen
        } else if closing {
            self.open.sight_of_end(&name)
        } else {
            self.open.sight()
        };
        // Text, lines and marks of what is not there go; a script is passed over everywhere.
        if sight < Sight::Gone || matches!(name.as_str(), "script" | "style" | "title") {
            self.structure(&name, closing, body);
        }
        if closing {
            self.open.closes(&name);
        }
    }

    fn structure(&mut self, name: &str, closing: bool, body: &str) {
        match (name, closing) {
            ("br", _) => self.break_line(),
            ("script", false) => self.skip_until = Some("script"),
            ("style", false) => self.skip_until = Some("style"),
            ("title", false) => self.skip_until = Some("title"),
            ("hr", _) => self.end_block(),
            ("p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "table", _) => {
                self.end_block();
                self.blank_wanted = !self.lines.is_empty();
            }
            ("div" | "tr" | "section" | "article" | "header" | "footer" | "dl" | "dt" | "dd" | "form", _) => {
                self.end_block()
            }
            ("li", false) => {
                self.end_block();
                if self.sight() == Sight::Seen {
                    self.line.push('・');
                }
            }
            ("td" | "th", true) if !self.line.is_empty() => {
                self.line.push(' ');
            }
            ("pre", false) => {
                self.end_block();
                self.pre += 1;
            }
            ("pre", true) => {
                self.end_block();
                self.pre = self.pre.saturating_sub(1);
            }
            ("blockquote", false) => {
                self.end_block();
                if std::mem::take(&mut self.blank_wanted) {
                    self.push_line("");
                }
                self.quote = (self.quote + 1).min(MAX_QUOTE_DEPTH);
            }
            ("blockquote", true) => {
                self.end_block();
                self.quote = self.quote.saturating_sub(1);
            }
            ("a", false) if self.links.len() < 50 => {
                let href = attributes::value(body, "href").map(|value| entities(value).trim().to_owned());
                self.links.push(href.unwrap_or_default());
            }
            ("a", true) => {
                if let Some(href) = self.links.pop() {
                    let shown =
                        href.strip_prefix("mailto:").or_else(|| href.strip_prefix("tel:")).unwrap_or(&href);
                    // A link whose text hides where it goes is written out; it is never followed.
                    if href.starts_with("http")
                        && self.line.len() < 4_000
                        && !self.line.contains(shown.trim_end_matches('/'))
                    {
                        self.text(&format!(" <{}>", shown.chars().take(500).collect::<String>()));
                    }
                }
            }
            _ => {}
        }
    }

    fn break_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if self.blank_wanted {
            self.push_line("");
            self.blank_wanted = false;
        }
        self.push_line(line.trim_end());
    }

    fn end_block(&mut self) {
        if !self.line.trim().is_empty() {
            self.break_line();
        } else {
            self.line.clear();
        }
    }

    fn push_line(&mut self, line: &str) {
        let mut out = ">".repeat(self.quote);
        if self.quote > 0 && !line.is_empty() {
            out.push(' ');
        }
        out.push_str(line);
        self.length += 1;
        self.lines.push(out);
    }

    fn finish(mut self) -> String {
        self.end_block();
        let mut out = String::with_capacity(self.length);
        let mut blanks = 0;
        for line in self.lines {
            blanks = if line.is_empty() { blanks + 1 } else { 0 };
            if blanks <= 2 {
                out.push_str(&line);
                out.push('\n');
            }
        }
        out.trim_matches('\n').to_owned()
    }
}

/// The entities that mails use; unknown ones stay as written.
fn entities(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(12).position(|b| b == b';');
        match end.and_then(|end| entity(&rest[1..end]).map(|c| (c, end))) {
            Some((c, end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "ensp" | "emsp" | "thinsp" => ' ',
        "copy" => '©',
        "reg" => '®',
        "trade" => '™',
        "middot" => '·',
        "hellip" => '…',
        "ndash" => '–',
        "mdash" => '—',
        "lsquo" => '\u{2018}',
        "rsquo" => '\u{2019}',
        "ldquo" => '\u{201c}',
        "rdquo" => '\u{201d}',
        "bull" => '•',
        "yen" => '¥',
        "deg" => '°',
        "plusmn" => '±',
        "times" => '×',
        "rarr" => '→',
        "larr" => '←',
        "zwj" => '\u{200d}',
        "zwnj" => '\u{200c}',
        "laquo" => '«',
        "raquo" => '»',
        "sect" => '§',
        "micro" => 'µ',
        "eacute" => 'é',
        "egrave" => 'è',
        "auml" => 'ä',
        "ouml" => 'ö',
        "uuml" => 'ü',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_is_kept() {
        let html = "<html><head><title>x</title><style>p{}</style></head><body><p>了解&nbsp;です<br>明日</p>\
                    <script>alert('<p>')</script><ul><li>血圧</li><li>体温</li></ul><blockquote>前の<blockquote>文</blockquote></blockquote></body>";
        assert_eq!(to_text(html), "了解 です\n明日\n\n・血圧\n・体温\n\n> 前の\n>> 文");
        assert_eq!(to_text("a < b &amp; &#x4e86; &unknown; <!-- <b> -->c"), "a < b & 了 &unknown; c");
        assert_eq!(to_text("<a href=\"https://x.example/\">ここ</a>"), "ここ <https://x.example/>");
        assert_eq!(to_text("<table><tr><td>a</td><td>b</td></tr></table>"), "a b");
    }

    #[test]
    fn hostile_input_is_bounded() {
        assert!(to_text(&"<blockquote>".repeat(200_000)).len() < 10);
        assert!(to_text(&"<p>x".repeat(500_000)).chars().count() <= MAX_OUTPUT_CHARS * 2 + 10);
        let _ = to_text(&"<a href='".repeat(20_000));
    }

    proptest::proptest! {
        #[test]
        fn total(html in ".*", tags in "(<[/!a-z]{0,3}[ a-z='\"]{0,6}>?|&#?[a-z0-9]{0,4};?|[あ\\n ]){0,40}") {
            let _ = to_text(&html);
            let _ = to_text(&tags);
        }
    }
}
