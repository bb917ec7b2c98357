//! Whole messages: judged, answered and read. The body of the fuzz target and of the mutation
//! example alike: one input, and a panic is a finding.

use kakehashi_core::clock::UtcMicros;
use kakehashi_core::port::{HashingSink, Origin, RawIntake};
use kakehashi_core::vocabulary::{Channel, Format};
use kakehashi_hl7::InterfaceProfile;
use kakehashi_hl7::acknowledgement::{build, judge};

/// Tries one input.
pub(crate) fn run(bytes: &[u8]) {
    let profile = InterfaceProfile::default();
    let judgement = judge(bytes, &profile);
    if let Some(code) = judgement.answer() {
        let _ = build(&judgement, code, "GW1", UtcMicros::from_micros(0));
    }
    let raw = RawIntake {
        channel: Channel::Hl7,
        format: Format::Hl7v2,
        dedup_key: String::new(),
        sender_message_id: None,
        bytes: bytes.into(),
        received_at: UtcMicros::from_micros(0),
        origin: Origin::default(),
    };
    if let Ok(envelopes) = kakehashi_hl7::read::read(&raw, &mut HashingSink, Some(&profile)) {
        assert!(!envelopes.is_empty());
    }
}
