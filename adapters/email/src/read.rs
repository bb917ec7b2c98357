//! Reading of mails: bytes to a decoded [`Mail`](kakehashi_core::mail::Mail), then what it says to an
//! Envelope. Pure and total; no matching, no trust, no I/O besides the sink for parts.

mod address;
mod automatic;
mod calendar;
mod charset;
mod code;
mod detached;
mod enclosed;
mod envelope;
mod flowed;
mod html;
mod jis;
mod list;
mod lookalike;
mod media;
mod meeting;
mod notice;
mod params;
mod password;
mod patient_hint;
mod photo;
mod quote;
mod reaction;
mod recall;
mod report;
mod rtf;
mod signature;
mod signed;
mod structure;
mod tnef;
mod transfer;
mod unpack;
mod uuencode;
mod words;
mod zip;

pub use envelope::{EmailReader, envelope};
pub use structure::{MAX_BYTES, MAX_PARTS, parse_mail, parse_raw};
