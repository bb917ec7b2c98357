//! Comparison forms and cleaning of Japanese text. Folded forms are for comparing only and are never
//! shown; what a sender wrote is shown as written (hl7.md 4.6).

pub mod any_of;
pub mod date;
pub mod fold;
pub mod number;
pub mod rtf;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// Text as we keep it: NFC, LF line ends, no NUL and no control characters except LF and TAB, no
/// byte order mark. Both databases take the result.
#[must_use]
pub fn clean(text: &str) -> String {
    // Most of what comes by mail is clean but for its line ends.
    let unified = if text.contains('\r') { with_plain_line_ends(text) } else { text.to_owned() };
    if unified.chars().all(is_usual) {
        return unified;
    }
    let kept = |c: char| c == '\n' || c == '\t' || !(c.is_control() || c == '\u{feff}');
    if unified.chars().all(kept) && is_nfc_quick(unified.chars()) == IsNormalized::Yes {
        return unified;
    }
    unified.nfc().filter(|c| kept(*c)).collect()
}

/// Characters that are clean whatever stands beside them, as long as that is one of them too.
const fn is_usual(c: char) -> bool {
    matches!(c, ' '..='~' | '\n' | '\t' | '\u{3000}'..='\u{3029}' | 'ぁ'..='ゖ' | 'ァ'..='ー' | '一'..='\u{9fff}'
        | '\u{ff01}'..='\u{ff9f}' | '\u{2010}'..='\u{2027}' | '\u{2190}'..='\u{2328}' | '\u{2460}'..='\u{27bf}')
}

/// CR LF and a lone CR as LF.
fn with_plain_line_ends(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\r') {
        out.push_str(&rest[..at]);
        out.push('\n');
        rest = &rest[at + 1..];
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    out.push_str(rest);
    out
}

/// One line: as [`clean`], line ends and tabs become a blank, trimmed, at most `max` characters.
#[must_use]
pub fn clean_line(text: &str, max: usize) -> String {
    let cleaned = clean(text);
    let spaced = if cleaned.contains(['\n', '\t']) { cleaned.replace(['\n', '\t'], " ") } else { cleaned };
    start_of(spaced.trim(), max).to_owned()
}

/// The first `max` characters, without a copy.
#[must_use]
pub fn start_of(text: &str, max: usize) -> &str {
    // No character is shorter than a byte.
    if text.len() <= max {
        return text;
    }
    text.char_indices().nth(max).map_or(text, |(end, _)| &text[..end])
}

/// The characters of a text that are wanted.
#[must_use]
pub fn only(text: &str, wanted: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    out.extend(text.chars().filter(|c| wanted(*c)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning_keeps_text_and_drops_controls() {
        assert_eq!(clean("\u{feff}か\u{3099}\r\nb\0c\r"), "が\nbc\n");
        assert_eq!(clean_line("a\r\nBcc: x", 5), "a Bcc");
        assert_eq!((start_of("了解です", 2), start_of("了解", 2), start_of("", 0)), ("了解", "了解", ""));
    }

    #[test]
    fn what_is_usual_is_clean() {
        for c in ('\0'..=char::MAX).filter(|c| is_usual(*c)) {
            assert_eq!(is_nfc_quick(std::iter::once(c)), IsNormalized::Yes, "{c}");
            assert_eq!(unicode_normalization::char::canonical_combining_class(c), 0, "{c}");
            assert!(!c.is_control() || matches!(c, '\n' | '\t'));
        }
    }

    proptest::proptest! {
        #[test]
        fn the_short_ways_are_the_long_way(text in "[か\u{3099}a\r\n\t\0\u{feff}漢]{0,12}") {
            let unified = text.replace("\r\n", "\n").replace('\r', "\n");
            let kept = |c: &char| matches!(c, '\n' | '\t') || !(c.is_control() || *c == '\u{feff}');
            proptest::prop_assert_eq!(clean(&text), unified.nfc().filter(kept).collect::<String>());
        }
    }
}
