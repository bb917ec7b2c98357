//! HTML and XHTML as plain lines, for reading only: blocks become lines, cells are parted by a blank,
//! scripts and styles are left out. Nothing is followed, executed or fetched, and the size is bounded.

use kakehashi_core::text::clean;

/// Characters that are taken from one document.
const MAX_CHARS: usize = 100_000;
/// Elements whose content is no text for people, or was struck out.
const HIDDEN: &[&str] =
    &["script", "style", "head", "template", "noscript", "svg", "object", "del", "s", "strike"];
/// Elements that end a line.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "blockquote",
    "br",
    "caption",
    "dd",
    "div",
    "dl",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tbody",
    "thead",
    "title",
    "tr",
    "ul",
];

/// The text of markup. Total: what is no tag is text.
#[must_use]
pub fn plain_text(markup: &str) -> String {
    let mut out = String::new();
    let mut chars = 0;
    let mut rest = markup;
    while let Some((before, tail)) = rest.split_once('<') {
        chars += push_words(&mut out, before);
        if let Some(comment) = tail.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some((tag, after)) = tail.split_once('>') else {
            rest = "";
            break;
        };
        rest = after;
        let (name, closes) = name_of(tag);
        if HIDDEN.contains(&name.as_str()) && !closes && !tag.ends_with('/') {
            rest = after_close(rest, &name);
        } else if BLOCKS.contains(&name.as_str()) {
            new_line(&mut out);
        } else if name == "td" || name == "th" {
            space(&mut out);
        }
        if chars > MAX_CHARS {
            rest = "";
            break;
        }
    }
    push_words(&mut out, rest);
    clean(out.trim()).trim().to_owned()
}

/// What follows the end of a hidden element, whose content is no markup; nothing if it never ends.
fn after_close<'m>(content: &'m str, name: &str) -> &'m str {
    let mut rest = content;
    while let Some((_, tail)) = rest.split_once("</") {
        let closes = tail.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        if closes {
            return tail.split_once('>').map_or("", |(_, after)| after);
        }
        rest = tail;
    }
    ""
}

/// Lower-case name of an element without its namespace, and whether the tag closes it.
fn name_of(tag: &str) -> (String, bool) {
    let closes = tag.starts_with('/');
    let name =
        tag.trim_start_matches('/').split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or("");
    (name.rsplit(':').next().unwrap_or(name).to_ascii_lowercase(), closes)
}

fn push_words(out: &mut String, raw: &str) -> usize {
    let mut chars = 0;
    for (number, word) in entities(raw).split_whitespace().enumerate() {
        // Emphasis inside of a word parts nothing: 体重<b>48</b>kg.
        if number > 0 || raw.starts_with(char::is_whitespace) {
            space(out);
        }
        chars += word.chars().count();
        out.push_str(word);
    }
    if raw.ends_with(char::is_whitespace) {
        space(out);
    }
    chars
}

fn space(out: &mut String) {
    if !out.is_empty() && !out.ends_with(['\n', ' ']) {
        out.push(' ');
    }
}

fn new_line(out: &mut String) {
    let end = out.trim_end_matches(' ').len();
    out.truncate(end);
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

/// The named entities that senders write and character numbers; anything else stays as written.
#[must_use]
pub fn entities(raw: &str) -> String {
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
        "nbsp" => ' ',
        "yen" => '¥',
        "times" => '×',
        "deg" => '°',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
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
    fn pages_become_lines() {
        let cases = [
            ("<p>血圧 158/92</p><p>むくみ&nbsp;あり</p>", "血圧 158/92\nむくみ あり"),
            ("<table><tr><th>薬</th><th>量</th></tr><tr><td>A</td><td>1錠</td></tr></table>", "薬 量\nA 1錠"),
            (
                "<html><head><title>x</title></head><body>a<script>1<2</script><br/>b &lt;c&gt;</body>",
                "a\nb <c>",
            ),
            ("<div xmlns=\"http://www.w3.org/1999/xhtml\"><xh:b>太</xh:b>字</div>", "太字"),
            ("体重<b>48</b>kg、<del>歩行可</del><s>x</s>安静", "体重48kg、安静"),
            ("<td>薬</td><td>A <b>B</b></td>", "薬 A B"),
            ("a < b", "a"),
            ("<!-- <p>x</p> -->y", "y"),
        ];
        for (markup, text) in cases {
            assert_eq!(plain_text(markup), text, "{markup}");
        }
    }

    proptest::proptest! {
        #[test]
        fn reading_is_total(markup in "(<p>|</p>|<script>|</script>|<td>|<br/>|<|>|&|&#x41;|&lt;|<!--|-->|山|[a-z ]){0,60}") {
            let text = plain_text(&markup);
            proptest::prop_assert!(text.len() <= markup.len() * 4);
        }
    }
}
