//! Reading of mails: bytes to a decoded [`Mail`](kakehashi_core::mail::Mail), then what it says to an
//! Envelope. Pure and total; no matching, no trust, no I/O besides the sink for parts.

mod address;
mod automatic;
mod charset;
mod code;
mod envelope;
mod flowed;
mod html;
mod jis;
mod media;
mod params;
mod patient_hint;
mod quote;
mod report;
mod signature;
mod structure;
mod transfer;
mod words;

pub use envelope::{EmailReader, envelope};
pub use structure::{MAX_BYTES, MAX_PARTS, parse_mail};
