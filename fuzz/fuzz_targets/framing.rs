//! Framing: however the bytes are cut, the same events, and never more held than the limit.
#![no_main]

use kakehashi_hl7::framing::{Decoder, FrameEvent};
use libfuzzer_sys::fuzz_target;

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

fuzz_target!(|bytes: &[u8]| {
    let whole = decode(bytes, bytes.len().max(1));
    for event in &whole {
        if let FrameEvent::Frame { bytes, .. } = event {
            assert!(!bytes.is_empty() && bytes.len() <= LIMIT);
        }
    }
    if bytes.len() < LIMIT {
        assert_eq!(whole, decode(bytes, 1));
    }
});
