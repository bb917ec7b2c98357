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
    let is_plain = |c: char| c == '\n' || c == '\t' || !(c.is_control() || c == '\u{feff}');
    let is_clean = |text: &str| text.chars().all(is_plain) && is_nfc_quick(text.chars()) == IsNormalized::Yes;
    if !text.contains('\r') && is_clean(text) {
        return text.to_owned();
    }
    // Most of what comes by mail is clean but for its line ends.
    let unified = with_plain_line_ends(text);
    if is_clean(&unified) {
        return unified;
    }
    unified.nfc().filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || *c == '\u{feff}')).collect()
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
    let spaced: String = cleaned.chars().map(|c| if matches!(c, '\n' | '\t') { ' ' } else { c }).collect();
    spaced.trim().chars().take(max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning_keeps_text_and_drops_controls() {
        assert_eq!(clean("\u{feff}か\u{3099}\r\nb\0c\r"), "が\nbc\n");
        assert_eq!(clean_line("a\r\nBcc: x", 5), "a Bcc");
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
