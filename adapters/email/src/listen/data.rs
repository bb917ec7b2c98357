//! The message after 354 (RFC 5321 section 4.1.1.4): dot-unstuffing and the one end of data there is,
//! CRLF `.` CRLF. A bare CR or LF makes the message unacceptable, because servers that read it
//! differently can be made to see two messages (smuggling). Works byte by byte, so it does not matter
//! how the bytes were cut on the way. Memory is bounded: after a limit is passed bytes are only counted,
//! and what has been taken can be drained while the rest arrives.

/// Limits of one message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DataLimits {
    pub(crate) message_bytes: usize,
    pub(crate) line_bytes: usize,
    pub(crate) header_bytes: usize,
}

/// Why a message is refused at its end. The first reason stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataFault {
    BareLineEnd,
    LineTooLong,
    HeaderTooLarge,
    MessageTooLarge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// After CRLF, or at the start of data.
    LineStart,
    InLine,
    /// After CR.
    Cr,
    /// After CRLF `.`.
    Dot,
    /// After CRLF `.` CR.
    DotCr,
}

/// Takes the bytes of one message.
#[derive(Debug)]
pub(crate) struct DataReader {
    limits: DataLimits,
    state: State,
    /// What was taken and not drained.
    message: Vec<u8>,
    /// Bytes taken in all.
    size: usize,
    line: usize,
    in_header: bool,
    fault: Option<DataFault>,
}

impl DataReader {
    pub(crate) fn new(limits: DataLimits) -> Self {
        Self {
            limits,
            state: State::LineStart,
            message: Vec::new(),
            size: 0,
            line: 0,
            in_header: true,
            fault: None,
        }
    }

    /// How many bytes were taken and not drained.
    pub(crate) fn held(&self) -> usize {
        self.message.len()
    }

    /// Whether the blank line below the header is still to come.
    pub(crate) const fn in_header(&self) -> bool {
        self.in_header
    }

    /// Gives away what was taken so far; the rest follows.
    pub(crate) fn drain(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.message)
    }

    /// Takes bytes. `Some(n)` when the end of data was found after `n` of them; the rest are commands.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.fault.is_none() {
            self.message.reserve(bytes.len());
        }
        let mut i = 0;
        while i < bytes.len() {
            let byte = bytes[i];
            // Long runs of text are copied at once.
            if self.state == State::InLine {
                let run = memchr::memchr2(b'\r', b'\n', &bytes[i..]).unwrap_or(bytes.len() - i);
                if run > 0 {
                    self.keep(&bytes[i..i + run]);
                    i += run;
                    continue;
                }
            }
            i += 1;
            self.state = match (self.state, byte) {
                (State::LineStart, b'.') => State::Dot,
                (State::LineStart | State::InLine, b'\r') => State::Cr,
                (State::LineStart | State::InLine, b'\n') => {
                    self.fail(DataFault::BareLineEnd);
                    State::InLine
                }
                (State::LineStart | State::InLine, other) => {
                    self.keep(&[other]);
                    State::InLine
                }
                (State::Cr, b'\n') => {
                    self.end_line();
                    State::LineStart
                }
                (State::Cr, b'\r') => {
                    self.fail(DataFault::BareLineEnd);
                    State::Cr
                }
                (State::Cr, _) => {
                    self.fail(DataFault::BareLineEnd);
                    State::InLine
                }
                (State::Dot, b'\r') => State::DotCr,
                (State::Dot, b'\n') => {
                    self.fail(DataFault::BareLineEnd);
                    State::InLine
                }
                (State::Dot, other) => {
                    // The first dot was stuffed (or should have been): it goes.
                    self.keep(&[other]);
                    State::InLine
                }
                (State::DotCr, b'\n') => return Some(i),
                (State::DotCr, b'\r') => {
                    self.fail(DataFault::BareLineEnd);
                    State::Cr
                }
                (State::DotCr, _) => {
                    self.fail(DataFault::BareLineEnd);
                    State::InLine
                }
            };
        }
        None
    }

    /// The message, or what was not drained of it, or why it is refused.
    pub(crate) fn finish(self) -> Result<Vec<u8>, DataFault> {
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(self.message),
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.line += bytes.len();
        if self.line > self.limits.line_bytes {
            self.fail(DataFault::LineTooLong);
        }
        self.store(bytes);
    }

    fn end_line(&mut self) {
        if self.line == 0 {
            self.in_header = false;
        }
        self.line = 0;
        self.store(b"\r\n");
    }

    fn store(&mut self, bytes: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        let size = self.size + bytes.len();
        if size > self.limits.message_bytes {
            self.fail(DataFault::MessageTooLarge);
        } else if self.in_header && size > self.limits.header_bytes {
            self.fail(DataFault::HeaderTooLarge);
        } else {
            self.size = size;
            self.message.extend_from_slice(bytes);
        }
    }

    fn fail(&mut self, fault: DataFault) {
        if self.fault.is_none() {
            self.fault = Some(fault);
            // What was taken will not be needed.
            self.message = Vec::new();
        }
    }
}

/// What a sender hears of a message that is refused.
pub(super) fn refusal_of(fault: DataFault, limit: u64) -> String {
    match fault {
        DataFault::BareLineEnd => "550 5.6.11 bare CR or LF in the message; lines end in CR LF".to_owned(),
        DataFault::LineTooLong => "550 5.6.0 a line of the message is too long".to_owned(),
        DataFault::HeaderTooLarge => "552 5.3.4 the message header is too large".to_owned(),
        DataFault::MessageTooLarge => too_large(limit),
    }
}

/// The same for one whose size alone is known.
pub(super) fn too_large(limit: u64) -> String {
    format!("552 5.3.4 message is larger than {limit} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: DataLimits = DataLimits { message_bytes: 1_000, line_bytes: 100, header_bytes: 500 };

    fn read(bytes: &[u8]) -> (Option<usize>, Result<Vec<u8>, DataFault>) {
        let mut reader = DataReader::new(LIMITS);
        let end = reader.take(bytes);
        (end, reader.finish())
    }

    #[test]
    fn the_one_end_of_data() {
        assert_eq!(read(b"a\r\n.\r\nQUIT"), (Some(6), Ok(b"a\r\n".to_vec())));
        assert_eq!(read(b".\r\n"), (Some(3), Ok(Vec::new())));
        assert_eq!(read(b"..a\r\n.b\r\n.\r\n").1, Ok(b".a\r\nb\r\n".to_vec()));
        for smuggled in
            [&b"a\n.\n"[..], b"a\r\n.\n", b"a\n.\r\n", b"a\r.\r\n", b"a\r\n.\r", b"a\r.\r", b"a\r\n.\r\r\n"]
        {
            assert_eq!(read(smuggled).0, None, "{smuggled:?}");
        }
        assert_eq!(read(b"a\nb\r\n.\r\n"), (Some(8), Err(DataFault::BareLineEnd)));
        assert_eq!(read(b"a\r\n.\nMAIL\r\n.\r\n"), (Some(14), Err(DataFault::BareLineEnd)));
    }

    #[test]
    fn limits_keep_the_session_in_step() {
        let long = [&[b'x'; 200][..], b"\r\n.\r\n"].concat();
        assert_eq!(read(&long), (Some(205), Err(DataFault::LineTooLong)));
        let many = [b"h: x\r\n\r\n".as_slice(), &b"0123456789\r\n".repeat(200), b".\r\n"].concat();
        assert_eq!(read(&many), (Some(many.len()), Err(DataFault::MessageTooLarge)));
        let header = [&b"h: x\r\n".repeat(100)[..], b"\r\n.\r\n"].concat();
        assert_eq!(read(&header), (Some(header.len()), Err(DataFault::HeaderTooLarge)));
    }

    proptest! {
        #[test]
        fn cut_anywhere_gives_the_same(pieces in proptest::collection::vec("[.a\r\n]{0,6}", 0..12)) {
            let whole: Vec<u8> = pieces.concat().into_bytes();
            let at_once = read(&whole);
            let mut reader = DataReader::new(LIMITS);
            let mut taken = 0;
            let mut end = None;
            for piece in &pieces {
                if let Some(n) = reader.take(piece.as_bytes()) {
                    end = Some(taken + n);
                    break;
                }
                taken += piece.len();
            }
            prop_assert_eq!((end, reader.finish()), at_once);
        }

        #[test]
        fn written_data_comes_back(lines in proptest::collection::vec("[.ab]{0,9}", 0..9)) {
            let message: String = lines.iter().map(|l| format!("{l}\r\n")).collect();
            let stuffed: String = lines.iter().map(|l| if l.starts_with('.') { format!(".{l}\r\n") } else { format!("{l}\r\n") }).collect();
            let (end, got) = read(format!("{stuffed}.\r\n").as_bytes());
            prop_assert_eq!(end, Some(stuffed.len() + 3));
            prop_assert_eq!(got, Ok(message.into_bytes()));
        }
    }
}
