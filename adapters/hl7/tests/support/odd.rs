//! Messages of one hospital, and how the post of one reads.

use crate::support::intake;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::HashingSink;
use kakehashi_hl7::read;

pub(crate) const PID: &str = "PID|1||00412338||山本^千代^^^^^L^I~ヤマモト^チヨ^^^^^L^P||19380412|F";

pub(crate) fn all(bytes: &[u8]) -> Vec<Envelope> {
    read::read(&intake(bytes), &mut HashingSink, None).unwrap()
}

pub(crate) fn head(kind: &str) -> String {
    format!("MSH|^~\\&|HIS|桜見中央病院|GW|C|20260609102000||{kind}|7|P|2.5||||||UNICODE UTF-8")
}

/// A message of this type with these segments after PID.
pub(crate) fn message(kind: &str, segments: &[&str]) -> Envelope {
    let text = [&[head(kind).as_str(), PID], segments].concat().join("\r") + "\r";
    let mut read = all(text.as_bytes());
    assert_eq!(read.len(), 1);
    read.remove(0)
}

pub(crate) fn order(number: &str, name: &str, status: &str) -> String {
    format!("OBR|1||{number}|1^{name}^99L|||20260609080000||||||||^喀痰||||||||||{status}")
}

pub(crate) fn body(envelope: &Envelope) -> Vec<&str> {
    envelope.body.as_deref().unwrap_or_default().lines().collect()
}

pub(crate) fn title(envelope: &Envelope) -> &str {
    envelope.title.as_deref().unwrap_or_default()
}
