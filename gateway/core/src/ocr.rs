//! 下書き(OCR): what a program made of a picture, for a person who reads the same picture beside it. The port to
//! that program, and what counts as a draft at all. Nothing here posts: a draft is a proposal until somebody who
//! compared it with the picture saves it as 転記.

use crate::port::{BoxFuture, Finding};

/// What a picture shows; engines look at both differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureOf {
    /// The writing area of a sheet, cut out: one block of text.
    Writing,
    /// A whole page.
    Page,
}

/// Why there is no draft. Carries nothing of the picture, so that it may be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OcrFault {
    /// The program cannot be started.
    #[error("the program cannot be started; `kakehashi doctor` says what to install")]
    Missing,
    /// The picture is larger than the bound.
    #[error("the picture is larger than ocr.max_picture_bytes")]
    PictureTooLarge,
    /// No answer in time.
    #[error("no answer within ocr.seconds")]
    TimedOut,
    /// The program ended with an error.
    #[error("the program ended with an error; `kakehashi doctor` says whether its language data is there")]
    Failed,
    /// What it said is no text.
    #[error("the program answered with something that is no text")]
    Garbled,
    /// Far more text than a page holds.
    #[error("the program answered with more than ocr.max_chars")]
    TooLong,
    /// It read nothing.
    #[error("the program read nothing")]
    Nothing,
}

impl OcrFault {
    /// Code for the log and for the words on the page.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::PictureTooLarge => "picture_too_large",
            Self::TimedOut => "timed_out",
            Self::Failed => "failed",
            Self::Garbled => "garbled",
            Self::TooLong => "too_long",
            Self::Nothing => "nothing",
        }
    }
}

/// A program that reads pictures. Asked only by a person at the desk, never on the way in, and only for a draft.
pub trait OcrEngine: Send + Sync {
    /// What stands on a picture (PNG), as far as the program can tell. Bounds its own time and output.
    fn draft(&self, png: Vec<u8>, shows: PictureOf) -> BoxFuture<'_, Result<String, OcrFault>>;

    /// Whether the program and its language data are there; for `kakehashi doctor`.
    fn check(&self) -> BoxFuture<'_, Vec<Finding>>;
}

/// The draft in what a program wrote: whole text, no control characters, no blanks between Japanese signs (which
/// engines put where they part words), no empty lines.
///
/// # Errors
/// Bytes that are no text, too much of it, or none at all.
pub fn draft(output: &[u8], max_chars: usize) -> Result<String, OcrFault> {
    let text = std::str::from_utf8(output).map_err(|_| OcrFault::Garbled)?;
    let lines = text.split(['\n', '\r', '\u{c}']).map(line).filter(|line| !line.is_empty());
    let draft = lines.collect::<Vec<_>>().join("\n");
    match draft.chars().count() {
        0 => Err(OcrFault::Nothing),
        long if long > max_chars => Err(OcrFault::TooLong),
        _ => Ok(draft),
    }
}

fn line(written: &str) -> String {
    let shown = |c: &char| !c.is_control() || *c == '\t';
    let signs: Vec<char> = written.chars().filter(shown).collect();
    let words: Vec<String> =
        signs.split(|c| c.is_whitespace()).filter(|w| !w.is_empty()).map(|w| w.iter().collect()).collect();
    let mut line = String::new();
    for word in words {
        let between = line.chars().next_back().zip(word.chars().next());
        // 「血 圧 120 / 70」: only a blank between two Latin words or numbers says anything.
        if between.is_some_and(|(before, after)| before.is_ascii() && after.is_ascii()) {
            line.push(' ');
        }
        line.push_str(&word);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_whole_text_in_lines() {
        let said = "担当 者 会議 6/10 ( 水 ) 16 時\r\n\n  ご 自宅 で。 Dr. Saeki\u{7}\n\u{c}";
        assert_eq!(draft(said.as_bytes(), 100).unwrap(), "担当者会議6/10 (水) 16時\nご自宅で。Dr. Saeki");
    }

    #[test]
    fn what_is_no_draft_says_so() {
        assert_eq!(draft(b"\xff\xfe\x00", 100), Err(OcrFault::Garbled));
        assert_eq!(draft(" \n\u{c}".as_bytes(), 100), Err(OcrFault::Nothing));
        assert_eq!(draft("あああ".as_bytes(), 2), Err(OcrFault::TooLong));
        assert_eq!(draft("ああ\n".as_bytes(), 2).unwrap(), "ああ");
    }
}
