//! FHIR documents: at the door and as read. The body of the fuzz target and of the mutation
//! example alike: one input, and a panic is a finding.

use kakehashi_core::clock::UtcMicros;
use kakehashi_core::fhir::{Arrival, intake};
use kakehashi_core::ids::EndpointId;
use kakehashi_core::port::HashingSink;

/// Tries one input.
pub(crate) fn run(bytes: &[u8]) {
    let _ = kakehashi_hl7::looks_like_fhir(bytes);
    let arrival =
        Arrival { endpoint: EndpointId::new("E01"), peer: None, received_at: UtcMicros::from_micros(0) };
    if let Ok(raw) = intake(bytes.to_vec(), arrival) {
        let _ = kakehashi_hl7::fhir::read(&raw, &mut HashingSink);
    }
}
