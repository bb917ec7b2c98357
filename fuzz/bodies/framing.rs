//! Framing: however the bytes are cut, the same events, and never more held than the limit. The body of the fuzz target and of the mutation
//! example alike: one input, and a panic is a finding.

use kakehashi_hl7::framing::{Decoder, FrameEvent};

const LIMIT: usize = 4096;

fn decode(bytes: &[u8], cut: usize) -> Vec<FrameEvent> {
    let mut decoder = Decoder::new(LIMIT, true);
    let mut events = Vec::new();
    for chunk in bytes.chunks(cut) {
        decoder.feed(chunk, &mut events);
    }
    let _ = decoder.finish();
    events
}

/// Tries one input.
pub(crate) fn run(bytes: &[u8]) {
    let whole = decode(bytes, bytes.len().max(1));
    for event in &whole {
        if let FrameEvent::Frame { bytes, .. } = event {
            assert!(!bytes.is_empty() && bytes.len() <= LIMIT);
        }
    }
    if bytes.len() < LIMIT {
        assert_eq!(whole, decode(bytes, 1));
    }
}
