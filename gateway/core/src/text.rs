//! Comparison forms and cleaning of Japanese text. Folded forms are for comparing only and are never
//! shown; what a sender wrote is shown as written (hl7.md 4.6).

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
    if text.chars().all(is_plain) && is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return text.to_owned();
    }
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    unified.nfc().filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || *c == '\u{feff}')).collect()
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
}
