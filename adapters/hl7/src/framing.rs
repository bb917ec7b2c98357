//! MLLP framing as a state machine over bytes (hl7.md 2.2; HL7 v3 transport specification, MLLP
//! releases 1 and 2). Pure: bytes in, events out, the same events however the bytes are cut. Holds at
//! most one frame up to the limit and never looks into a message beyond its first three letters.

/// Start block.
pub const VT: u8 = 0x0b;
/// End block.
pub const FS: u8 = 0x1c;
/// What must follow the end block.
pub const CR: u8 = 0x0d;

/// Bytes outside of frames that are borne before the peer is taken for something else.
const MAX_GARBAGE: usize = 512;
/// How much of a frame over the limit is kept: enough to answer its header.
const HEAD_BYTES: usize = 4096;

/// What the decoder found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameEvent {
    /// A whole frame, never empty.
    Frame {
        /// Content between the framing bytes.
        bytes: Vec<u8>,
        /// The start block was missing and the frame was taken by its first letters.
        missing_start_block: bool,
    },
    /// An empty frame: the keep-alive of some senders.
    Empty,
    /// The commit block of MLLP release 2; `true` for committed.
    CommitBlock(bool),
    /// The carriage return after the frame before was missing.
    MissingCarriageReturn,
    /// A frame that was given up: never a message.
    Fragment(Vec<u8>),
    /// A frame over the limit, told when it ends; its beginning. The next frame is decoded as usual.
    TooLong {
        /// First bytes, at most 4 KiB.
        head: Vec<u8>,
    },
    /// The peer does not speak MLLP. Nothing after it is decoded.
    NotMllp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Body {
        missing_start_block: bool,
    },
    AfterFs,
    /// Inside of a frame over the limit: only its end is looked for.
    Skipping,
    Ended,
}

/// The decoder of one connection.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    body: Vec<u8>,
    /// First letters of a frame without start block, or of another protocol.
    lead: Vec<u8>,
    garbage: usize,
    max_frame_bytes: usize,
    lenient_start: bool,
    frames_begun: u64,
}

impl Decoder {
    /// A decoder for a new connection.
    #[must_use]
    pub fn new(max_frame_bytes: usize, lenient_start: bool) -> Self {
        Self {
            state: State::Idle,
            body: Vec::new(),
            lead: Vec::new(),
            garbage: 0,
            max_frame_bytes,
            lenient_start,
            frames_begun: 0,
        }
    }

    /// Whether bytes arrived that do not yet make a frame: the time limit of a frame runs.
    #[must_use]
    pub fn is_waiting_for_more(&self) -> bool {
        matches!(self.state, State::Body { .. } | State::Skipping)
            || !self.lead.is_empty()
            || self.garbage > 0
    }

    /// How many frames were begun, so that a time limit can be set for each.
    #[must_use]
    pub const fn frames_begun(&self) -> u64 {
        self.frames_begun
    }

    /// Decodes a chunk; events are appended.
    pub fn feed(&mut self, chunk: &[u8], events: &mut Vec<FrameEvent>) {
        let mut rest = chunk;
        while !rest.is_empty() {
            rest = match self.state {
                State::Ended => return,
                State::Body { .. } => self.body(rest, events),
                State::Skipping => self.skip(rest, events),
                State::AfterFs => self.after_fs(rest, events),
                State::Idle => self.idle(rest, events),
            };
        }
    }

    /// The stream ended: what was begun and not finished.
    #[must_use]
    pub fn finish(&mut self) -> Option<Vec<u8>> {
        let in_body = matches!(self.state, State::Body { .. });
        self.state = State::Ended;
        let fragment = std::mem::take(&mut self.body);
        (in_body && !fragment.is_empty()).then_some(fragment)
    }

    fn body<'c>(&mut self, chunk: &'c [u8], events: &mut Vec<FrameEvent>) -> &'c [u8] {
        let end = memchr::memchr2(FS, VT, chunk).unwrap_or(chunk.len());
        if self.body.len() + end > self.max_frame_bytes {
            let missing = HEAD_BYTES.saturating_sub(self.body.len()).min(end);
            self.body.extend_from_slice(&chunk[..missing]);
            self.body.truncate(HEAD_BYTES);
            self.body.shrink_to_fit();
            self.state = State::Skipping;
            return &chunk[end..];
        }
        self.body.extend_from_slice(&chunk[..end]);
        match chunk.get(end) {
            None => &[],
            Some(&VT) => {
                let fragment = std::mem::take(&mut self.body);
                if !fragment.is_empty() {
                    events.push(FrameEvent::Fragment(fragment));
                }
                self.begin(false);
                &chunk[end + 1..]
            }
            Some(_) => {
                self.frame_done(events);
                &chunk[end + 1..]
            }
        }
    }

    /// Steps over what is left of a frame over the limit, so that the stream stays in step.
    fn skip<'c>(&mut self, chunk: &'c [u8], events: &mut Vec<FrameEvent>) -> &'c [u8] {
        let Some(end) = memchr::memchr2(FS, VT, chunk) else { return &[] };
        events.push(FrameEvent::TooLong { head: std::mem::take(&mut self.body) });
        if chunk[end] == VT {
            self.begin(false);
        } else {
            self.state = State::AfterFs;
        }
        &chunk[end + 1..]
    }

    fn frame_done(&mut self, events: &mut Vec<FrameEvent>) {
        let missing_start_block = self.state == State::Body { missing_start_block: true };
        self.state = State::AfterFs;
        let bytes = std::mem::take(&mut self.body);
        events.push(match bytes.as_slice() {
            [0x06] => FrameEvent::CommitBlock(true),
            [0x15] => FrameEvent::CommitBlock(false),
            other if other.iter().all(u8::is_ascii_whitespace) => FrameEvent::Empty,
            _ => FrameEvent::Frame { bytes, missing_start_block },
        });
    }

    fn after_fs<'c>(&mut self, chunk: &'c [u8], events: &mut Vec<FrameEvent>) -> &'c [u8] {
        self.state = State::Idle;
        if chunk[0] == CR {
            return &chunk[1..];
        }
        events.push(FrameEvent::MissingCarriageReturn);
        chunk
    }

    fn idle<'c>(&mut self, chunk: &'c [u8], events: &mut Vec<FrameEvent>) -> &'c [u8] {
        let byte = chunk[0];
        let rest = &chunk[1..];
        if byte == VT {
            self.lead.clear();
            self.begin(false);
            return rest;
        }
        if self.lead.is_empty() && matches!(byte, CR | b'\n' | b' ' | b'\t' | 0 | FS) {
            return rest;
        }
        self.lead.push(byte);
        if self.lenient_start && is_header_start(&self.lead) {
            if self.lead.len() == 3 {
                self.body = std::mem::take(&mut self.lead);
                self.begin(true);
            }
            return rest;
        }
        if self.frames_begun == 0 && is_other_protocol(&self.lead) {
            return self.give_up(events);
        }
        // Garbage up to the last byte, which may itself begin a header.
        let restart = self.lenient_start && is_header_start(&[byte]);
        if self.lead.len() >= 8 || (restart && self.lead.len() > 1) {
            let kept = usize::from(restart);
            self.garbage += self.lead.len() - kept;
            self.lead.clear();
            if restart {
                self.lead.push(byte);
            }
        }
        if self.garbage + self.lead.len() > MAX_GARBAGE {
            return self.give_up(events);
        }
        rest
    }

    fn begin(&mut self, missing_start_block: bool) {
        self.state = State::Body { missing_start_block };
        self.frames_begun += 1;
        self.garbage = 0;
    }

    fn give_up<'c>(&mut self, events: &mut Vec<FrameEvent>) -> &'c [u8] {
        self.state = State::Ended;
        events.push(FrameEvent::NotMllp);
        &[]
    }
}

fn is_header_start(lead: &[u8]) -> bool {
    lead.len() <= 3 && [b"MSH", b"FHS", b"BHS"].iter().any(|name| name.starts_with(lead))
}

/// A TLS hello or the request line of HTTP.
fn is_other_protocol(lead: &[u8]) -> bool {
    lead.starts_with(&[0x16, 0x03])
        || [&b"GET "[..], b"POST ", b"HEAD ", b"PUT ", b"OPTIONS", b"CONNECT", b"EHLO ", b"HELO ", b"SSH-"]
            .iter()
            .any(|start| lead.starts_with(start))
}

/// A message in the framing that we send: VT … CR FS CR (hl7.md 2.2, end).
#[must_use]
pub fn frame(message: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(message.len() + 4);
    framed.push(VT);
    framed.extend_from_slice(message);
    if message.last() != Some(&CR) {
        framed.push(CR);
    }
    framed.extend([FS, CR]);
    framed
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(bytes: &[u8], cut: usize) -> Vec<FrameEvent> {
        let mut decoder = Decoder::new(1000, true);
        let mut events = Vec::new();
        for chunk in bytes.chunks(cut.max(1)) {
            decoder.feed(chunk, &mut events);
        }
        if let Some(fragment) = decoder.finish() {
            events.push(FrameEvent::Fragment(fragment));
        }
        events
    }

    fn frames(bytes: &[u8]) -> Vec<Vec<u8>> {
        let whole = |event| match event {
            FrameEvent::Frame { bytes, .. } => Some(bytes),
            _ => None,
        };
        decode(bytes, bytes.len()).into_iter().filter_map(whole).collect()
    }

    #[test]
    fn the_table_of_states() {
        let cases: &[(&str, &[u8], usize)] = &[
            ("two frames", b"\x0bMSH|1\r\x1c\r\x0bMSH|2\r\x1c\r", 2),
            ("no start block", b"MSH|1\r\x1c\r", 1),
            ("no carriage return", b"\x0bMSH|1\r\x1c\x0bMSH|2\r\x1c\r", 2),
            ("broken off", b"\x0bMSH|1\r", 0),
            ("empty frame", b"\x0b\x1c\r\x0bMSH|1\r\x1c\r", 1),
            ("started again", b"\x0bMSH|1\x0bMSH|2\r\x1c\r", 1),
            ("blanks between", b"\r\n\0 \x0bMSH|1\r\x1c\r\r\n \x0bMSH|2\r\x1c\r", 2),
            ("commit blocks", b"\x0b\x06\x1c\r\x0bMSH|1\r\x1c\r\x0b\x15\x1c\r", 1),
            ("http", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0),
            ("tls", b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03", 0),
            ("start block doubled", b"\x0b\x0bMSH|1\r\x1c\r", 1),
            ("end block doubled", b"\x0bMSH|1\r\x1c\x1c\r\x0bMSH|2\r\x1c\r", 2),
            ("carriage return doubled", b"\x0bMSH|1\r\x1c\r\r\x0bMSH|2\r\x1c\r", 2),
            ("junk, then a header", b"xMMSH|1\r\x1c\r", 1),
        ];
        for (name, bytes, count) in cases {
            assert_eq!(frames(bytes).len(), *count, "{name}");
        }
        assert_eq!(decode(b"GET / HTTP/1.1\r\n", 3), [FrameEvent::NotMllp]);
        assert_eq!(decode(&[b'x'; 600], 7), [FrameEvent::NotMllp]);
    }

    #[test]
    fn a_frame_over_the_limit_shows_its_head() {
        let mut bytes = b"\x0bMSH|".to_vec();
        bytes.resize(2000, b'a');
        // It may still end: nothing is said before that, and nothing of it is kept as a fragment.
        assert_eq!(decode(&bytes, 300), []);
        bytes.extend_from_slice(b"\x1c\r\x0bMSH|2\r\x1c\r");
        for cut in [1, 300, 3000] {
            let events = decode(&bytes, cut);
            let [FrameEvent::TooLong { head }, FrameEvent::Frame { bytes: next, .. }] = &events[..] else {
                panic!("{events:?}");
            };
            assert!(head.starts_with(b"MSH|") && head.len() <= HEAD_BYTES);
            assert_eq!(next, b"MSH|2\r");
        }
    }

    #[test]
    fn own_frames_are_read_back() {
        assert_eq!(frames(&frame(b"MSH|1")), [b"MSH|1\r".to_vec()]);
    }

    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(vec![VT]),
            Just(vec![FS]),
            Just(vec![CR]),
            Just(b"MSH|x".to_vec()),
            Just(b"MS".to_vec()),
            Just(vec![0x06]),
            proptest::collection::vec(any::<u8>(), 0..40),
        ];
        proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn cutting_anywhere_gives_the_same(bytes in stream(), cut in 1_usize..20) {
            // A frame over the limit may keep another beginning; below the limit nothing differs.
            prop_assume!(bytes.len() < 1000);
            prop_assert_eq!(decode(&bytes, bytes.len()), decode(&bytes, cut));
        }
    }
}
