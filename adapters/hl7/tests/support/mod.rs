//! What the tests of reading share.

use kakehashi_core::port::{Origin, RawIntake};
use kakehashi_core::vocabulary::{Channel, Format};

/// A message as a listener hands it in.
pub(crate) fn intake(bytes: &[u8]) -> RawIntake {
    RawIntake {
        channel: Channel::Hl7,
        format: Format::Hl7v2,
        dedup_key: String::new(),
        sender_message_id: None,
        bytes: bytes.into(),
        received_at: kakehashi_core::clock::UtcMicros::from_micros(0),
        origin: Origin::default(),
    }
}
