//! Makes any text printable: no control or direction characters, bounded length, long unbroken runs
//! made breakable, and 〓 for what the font cannot draw, so that a sign never vanishes silently.
//! The stored post keeps what was written; only the paper shows 〓.

use crate::paper::Paper;
use kakehashi_core::text::{clean, clean_line};

/// Printed for a character without glyph; the old printers' mark for a missing type.
pub(crate) const NO_GLYPH: char = '〓';
/// Longest text of one post on paper, in characters: about 17 pages. The rest is named, not printed.
pub(crate) const BODY_MAX: usize = 30_000;
/// Most lines of one post on paper.
const LINES_MAX: usize = 2_000;
/// A run of this many signs without a place to break gets one.
const UNBROKEN_MAX: usize = 24;
const ZERO_WIDTH_SPACE: char = '\u{200b}';

/// Prepares text for one sheet and remembers whether something could not be drawn or was cut.
pub(crate) struct Printable<'a> {
    paper: &'a Paper,
    /// Some character has no glyph.
    pub(crate) missing: bool,
}

impl<'a> Printable<'a> {
    pub(crate) fn new(paper: &'a Paper) -> Self {
        Self { paper, missing: false }
    }

    /// One line of at most `max` characters; `…` ends what was cut.
    pub(crate) fn line(&mut self, text: &str, max: usize) -> String {
        let line = clean_line(text, max.saturating_add(1));
        let line = if line.chars().count() > max {
            line.chars().take(max.saturating_sub(1)).chain(['…']).collect()
        } else {
            line
        };
        self.draw(&line)
    }

    /// The lines of a text, empty lines kept one at a time, and whether its end was cut off.
    pub(crate) fn lines(&mut self, text: &str) -> (Vec<String>, bool) {
        let cleaned = clean(text);
        let mut cut = false;
        let mut left = BODY_MAX;
        let mut lines: Vec<String> = Vec::new();
        for line in cleaned.trim_matches('\n').lines() {
            let line = line.trim_end();
            if line.is_empty() && lines.last().is_none_or(String::is_empty) {
                continue;
            }
            if left == 0 || lines.len() >= LINES_MAX {
                cut = true;
                break;
            }
            let kept: String = line.chars().take(left).collect();
            let count = kept.chars().count();
            cut |= kept.len() < line.len();
            left -= count;
            lines.push(self.draw(&kept));
        }
        (lines, cut)
    }

    fn draw(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut run = 0;
        for c in text.chars() {
            let c = match c {
                '\t' => '\u{3000}',
                c if turns_or_hides(c) => continue,
                c if joins_quietly(c) => {
                    out.push(c);
                    continue;
                }
                c if c.is_whitespace() || self.paper.draws(c) => c,
                c => plain_digit(c).unwrap_or_else(|| {
                    self.missing = true;
                    NO_GLYPH
                }),
            };
            // Kanji and kana break anywhere; signs of other scripts only at blanks.
            run = if c.is_whitespace() || c >= '\u{2e80}' { 0 } else { run + 1 };
            if run > UNBROKEN_MAX {
                out.push(ZERO_WIDTH_SPACE);
                run = 1;
            }
            out.push(c);
        }
        out
    }
}

/// Characters that change the direction of text or that nobody can see.
fn turns_or_hides(c: char) -> bool {
    matches!(c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{2028}' | '\u{2029}' | '\u{ad}' | '\u{e0000}'..='\u{e007f}')
        || c.is_control()
}

/// The digit of a small one, such as in SpO₂ and m³.
fn plain_digit(c: char) -> Option<char> {
    let digit = match c {
        '\u{2080}'..='\u{2089}' => c as u32 - 0x2080,
        '\u{2070}' | '\u{2074}'..='\u{2079}' => c as u32 - 0x2070,
        '\u{b9}' => 1,
        '\u{b2}' => 2,
        '\u{b3}' => 3,
        _ => return None,
    };
    char::from_digit(digit, 10)
}

/// Variation selectors: they choose a form of the kanji before them and have no glyph of their own.
fn joins_quietly(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::OnceLock;

    fn paper() -> &'static Paper {
        static PAPER: OnceLock<Paper> = OnceLock::new();
        PAPER.get_or_init(|| Paper::new().unwrap())
    }

    #[test]
    fn rare_names_are_drawn_and_pictures_are_named_missing() {
        let mut printable = Printable::new(paper());
        assert_eq!(printable.line("髙橋 﨑山 𠮷田", 40), "髙橋 﨑山 𠮷田");
        assert!(!printable.missing);
        assert_eq!(printable.line("体温😀", 40), "体温〓");
        assert!(printable.missing);
        let mut printable = Printable::new(paper());
        assert_eq!(printable.line("SpO₂ 96%", 40), "SpO2 96%");
        assert!(!printable.missing, "every nurse writes it so");
    }

    #[test]
    fn hidden_signs_and_long_runs() {
        let mut printable = Printable::new(paper());
        assert_eq!(printable.line("a\u{202e}b\r\nc", 40), "ab c");
        let run = printable.line(&"A".repeat(100), 200);
        assert_eq!(run.matches(ZERO_WIDTH_SPACE).count(), 4);
        assert_eq!(printable.line("あいうえお", 3), "あい…");
        let (lines, cut) = printable.lines("\n\na\n\n\n\nb\n");
        assert_eq!((lines, cut), (vec!["a".into(), String::new(), "b".into()], false));
        assert!(printable.lines(&"あ".repeat(BODY_MAX + 1)).1);
    }

    proptest! {
        #[test]
        fn any_text_becomes_printable(text in "\\PC{0,60}|.{0,60}") {
            let mut printable = Printable::new(paper());
            let (lines, _) = printable.lines(&text);
            prop_assert!(lines.iter().all(|l| l.chars().all(|c| !c.is_control())));
            prop_assert!(printable.line(&text, 10).chars().filter(|c| *c != ZERO_WIDTH_SPACE).count() <= 10);
        }
    }
}
