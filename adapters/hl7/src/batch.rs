//! Splitting a file, a frame or a batch into its messages, on raw bytes (hl7.md section 1, batch files;
//! 2.2, several messages in a frame). Line ends never occur inside the character sets taken here, so
//! no decoding is needed. Never changes a byte of a message.

use crate::framing::{Decoder, FS, FrameEvent, VT};
use crate::header::{header_separator, line_end, skip_lead};

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Batch<'a> {
    /// Each from its MSH to the end of its last segment.
    pub messages: Vec<&'a [u8]>,
    /// FHS, BHS, BTS or FTS was there.
    pub has_batch_segments: bool,
    /// BTS-1, if stated.
    pub stated_count: Option<usize>,
    /// Lines before the first header that are no batch header.
    pub leading_lines: bool,
}

/// Splits at lines that start with MSH.
#[must_use]
pub fn split(bytes: &[u8]) -> Batch<'_> {
    let mut batch = Batch::default();
    let mut open: Option<usize> = None;
    let mut at = 0;
    while at < bytes.len() {
        let length = line_end(&bytes[at..]);
        let line = &bytes[at..at + length];
        let content = skip_lead(line);
        let start = at + (line.len() - content.len());
        match kind(content) {
            Line::Header => {
                if let Some(from) = open.replace(start) {
                    batch.messages.push(&bytes[from..start]);
                }
            }
            Line::Batch => {
                batch.has_batch_segments = true;
                if let Some(from) = open.take() {
                    batch.messages.push(&bytes[from..start]);
                }
                if content.starts_with(b"BTS") {
                    batch.stated_count = stated(content);
                }
            }
            Line::Other => batch.leading_lines |= open.is_none() && !content.is_empty(),
        }
        at += length + 1;
    }
    if let Some(from) = open {
        batch.messages.push(&bytes[from..]);
    }
    batch
}

enum Line {
    Header,
    Batch,
    Other,
}

fn kind(line: &[u8]) -> Line {
    if header_separator(line, b"MSH").is_some() {
        return Line::Header;
    }
    let batch = [b"FHS", b"BHS", b"BTS", b"FTS"].iter().any(|name| header_separator(line, name).is_some());
    if batch { Line::Batch } else { Line::Other }
}

fn stated(line: &[u8]) -> Option<usize> {
    let digits: Vec<u8> = line.iter().skip(4).copied().take_while(u8::is_ascii_digit).take(9).collect();
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

/// Whether bytes look like HL7 v2: a message, a batch, or a recorded MLLP stream.
#[must_use]
pub fn looks_like_hl7(bytes: &[u8]) -> bool {
    let mut rest = skip_lead(bytes);
    // Empty frames and commit blocks may stand before the first message of a stream.
    for _ in 0..8 {
        let Some(framed) = rest.strip_prefix(&[VT]) else { break };
        let skipped = framed.iter().position(|b| *b == FS).filter(|p| *p <= 1);
        rest = skip_lead(skipped.map_or(framed, |p| &framed[p + 1..]));
    }
    [b"MSH", b"FHS", b"BHS"].iter().any(|name| header_separator(rest, name).is_some())
}

/// Takes the frames out of a recorded stream. `None` if there is no framing in it.
#[must_use]
pub fn deframe(bytes: &[u8]) -> Option<Deframed> {
    // A vertical tab alone may be a line break that somebody typed into a text.
    if skip_lead(bytes).first() != Some(&VT) && !bytes.contains(&FS) {
        return None;
    }
    let mut decoder = Decoder::new(bytes.len(), true);
    let mut deframed = Deframed::default();
    let mut events = Vec::new();
    for chunk in bytes.chunks(64 * 1024) {
        decoder.feed(chunk, &mut events);
        for event in events.drain(..) {
            deframed.take(event);
        }
        if deframed.frames.len() > MAX_FRAMES {
            break;
        }
    }
    deframed.fragments += usize::from(decoder.finish().is_some());
    Some(deframed)
}

/// Frames of one stream that are taken; whoever reads them refuses so many.
const MAX_FRAMES: usize = 10_000;

/// Frames of a recorded stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Deframed {
    /// Contents in order.
    pub frames: Vec<Vec<u8>>,
    /// Frames that were begun and given up.
    pub fragments: usize,
    /// A frame came without its start block.
    pub missing_start_block: bool,
    /// An end block came without the carriage return.
    pub missing_cr_after_fs: bool,
}

impl Deframed {
    fn take(&mut self, event: FrameEvent) {
        match event {
            FrameEvent::Frame { bytes, missing_start_block } => {
                self.missing_start_block |= missing_start_block;
                self.frames.push(bytes);
            }
            FrameEvent::Fragment(_) => self.fragments += 1,
            FrameEvent::MissingCarriageReturn => self.missing_cr_after_fs = true,
            FrameEvent::Empty
            | FrameEvent::CommitBlock(_)
            | FrameEvent::TooLong { .. }
            | FrameEvent::NotMllp => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_split() {
        let bytes = b"FHS|^~\\&|\rBHS|^~\\&|\rMSH|^~\\&|1\rPID|1\rMSH|^~\\&|2\rBTS|2\rFTS|1\r";
        let batch = split(bytes);
        assert_eq!(batch.messages, [&b"MSH|^~\\&|1\rPID|1\r"[..], b"MSH|^~\\&|2\r"]);
        assert_eq!(batch.stated_count, Some(2));
        assert!(batch.has_batch_segments && !batch.leading_lines);
    }

    #[test]
    fn shapes_are_recognised() {
        for yes in
            [&b"MSH|^~\\&|"[..], b"\x0bMSH|^~", b"\r\n\xef\xbb\xbfMSH|", b"\x0b\x06\x1c\r\x0bMSH|", b"BHS!"]
        {
            assert!(looks_like_hl7(yes), "{yes:?}");
        }
        for no in [&b""[..], b"MSH", b"MSHA", b"{}", b"From: x", b"\x0b"] {
            assert!(!looks_like_hl7(no), "{no:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn splitting_is_total(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = split(&bytes);
            let _ = deframe(&bytes);
            let _ = looks_like_hl7(&bytes);
        }
    }
}
