//! What a reader says when bytes cannot become an Envelope. The raw bytes stay in the intake and the
//! item waits in triage; the code is a public contract of `kakehashi inspect`.

use serde::{Deserialize, Serialize};

/// Why bytes could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnreadableCode {
    /// Nothing was received.
    Empty,
    /// No reader knows this shape.
    UnknownFormat,
    /// The shape is known but broken beyond use.
    Damaged,
    /// Larger, deeper or longer than our limits.
    TooLarge,
    /// Encrypted and no password is known.
    Encrypted,
    /// A valid kind that is not supported (JBIG, UTF-16 HL7, …).
    Unsupported,
}

/// A refusal to read, with the words for the office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
pub struct Unreadable {
    /// The class of the trouble.
    pub code: UnreadableCode,
    /// What exactly, without patient data, in English; pages translate the code.
    pub detail: String,
}

impl Unreadable {
    /// A refusal with its detail.
    #[must_use]
    pub fn new(code: UnreadableCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}
