//! Embedded documents: CDA, RTF and HTML inside of OBX-5. The body of the fuzz target and of the mutation
//! example alike: one input, and a panic is a finding.

use kakehashi_core::clock::UtcMicros;
use kakehashi_core::port::{HashingSink, Origin, RawIntake};
use kakehashi_core::vocabulary::{Channel, Format};

/// Hexadecimal digits, which the reader takes as well as base64.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Tries one input.
pub(crate) fn run(bytes: &[u8]) {
    for start in
        ["<?xml version=\"1.0\"?><ClinicalDocument><structuredBody>", "{\\rtf1\\ansicpg932 ", "<html>"]
    {
        let file = hex(&[start.as_bytes(), bytes].concat());
        let message = format!(
            "MSH|^~\\&|A|B|C|D|2026||MDM^T02|1|P|2.5\rPID|1||7\rTXA|1|18842-5\rOBX|1|ED|1^x||^TEXT^XML^Hex^{file}\r"
        );
        let raw = RawIntake {
            channel: Channel::Hl7,
            format: Format::Hl7v2,
            dedup_key: String::new(),
            sender_message_id: None,
            bytes: message.into_bytes().into(),
            received_at: UtcMicros::from_micros(0),
            origin: Origin::default(),
        };
        let _ = kakehashi_hl7::read::read(&raw, &mut HashingSink, None);
    }
}
