//! The care note: the JSON that care-record software over HTTP, the web form and MQTT share
//! (care-network.md 6.5, `docs/care-note.md`). Strict where a sender can be told (unknown keys, wrong types and
//! sizes are faults with a path), total and bounded always. It says what the sender wrote and matches
//! nothing; files are decoded one by one by the reader.

mod intake;
mod parse;

pub use intake::{Arrival, intake};

use crate::clock::UtcMicros;
use crate::envelope::ContentHash;
use crate::reply_code::ReplyCode;
use crate::vocabulary::{ReplyExpectation, Urgency};
use serde::{Deserialize, Serialize};

/// Bounds of one care note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CareNoteLimits {
    /// Whole document, base64 included.
    pub document_bytes: usize,
    /// Body, in characters.
    pub body_chars: usize,
    /// Number of attachments.
    pub attachments: usize,
    /// One attachment as base64.
    pub attachment_base64_bytes: usize,
}

impl Default for CareNoteLimits {
    fn default() -> Self {
        Self {
            document_bytes: 30 * 1024 * 1024,
            body_chars: 20_000,
            attachments: 20,
            attachment_base64_bytes: 28 * 1024 * 1024,
        }
    }
}

/// A care note as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CareNote {
    /// The sender's own id of the note: the same id again is the same note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note_id: Option<String>,
    /// Patient group: its alias (`つばき01`) or the local part of its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The patient instead of the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<CareNotePatient>,
    /// Heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Text, NFC, LF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// 緊急度.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    /// 返信区分.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_expectation: Option<ReplyExpectation>,
    /// 文書種別.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_kind: Option<String>,
    /// When it happened.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc3339")]
    pub occurred_at: Option<UtcMicros>,
    /// Who wrote it, as on the roster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staff_name: Option<String>,
    /// Name of the sending software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// Answers the item with this reply code, canonical.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<String>,
    /// Acknowledges the item with this reply code, canonical.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledge: Option<String>,
    /// Files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<CareNoteAttachment>,
}

/// The patient as the sender knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CareNotePatient {
    /// The sender's own number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Kana.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kana: Option<String>,
    /// `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<String>,
}

/// A file, still in base64.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CareNoteAttachment {
    /// File name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Media type as stated; the bytes decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Standard base64, blanks and line ends allowed.
    pub data: String,
}

/// Why a document is no care note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct CareNoteFault {
    /// Where: `attachments[2].data`, empty for the whole document.
    pub path: String,
    /// What is wrong and what to do, Japanese and English. Holds nothing of the note's text.
    pub reason: String,
    /// The class, for status codes and for `inspect`.
    #[serde(skip)]
    pub kind: FaultKind,
}

/// Class of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Nothing was sent.
    Empty,
    /// Not JSON.
    NotJson,
    /// JSON, but not a care note.
    NotACareNote,
    /// Over a limit.
    TooLarge,
}

impl CareNoteFault {
    /// A fault: where, and what in Japanese and English.
    #[must_use]
    pub fn new(kind: FaultKind, path: impl Into<String>, ja: &str, en: &str) -> Self {
        Self { path: path.into(), reason: format!("{ja} / {en}"), kind }
    }
}

impl CareNote {
    /// Every key of a care note.
    pub const KEYS: &'static [&'static str] = &[
        "note_id",
        "group",
        "patient",
        "title",
        "body",
        "urgency",
        "reply_expectation",
        "document_kind",
        "occurred_at",
        "staff_name",
        "application",
        "in_reply_to",
        "acknowledge",
        "attachments",
    ];

    /// Reads a care note.
    ///
    /// # Errors
    /// The first fault with its path; the caller answers 400 or 413, or keeps the bytes in triage.
    pub fn parse(bytes: &[u8], limits: &CareNoteLimits) -> Result<Self, CareNoteFault> {
        parse::parse(bytes, limits)
    }

    /// As JSON that [`CareNote::parse`] reads; used by the form, so that all ways share one document.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Text, numbers and lists only: nothing here can fail to serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The key under which two arrivals are one note: of the endpoint (or topic) `owner`, the idempotency
    /// key, else the sender's own id, else the bytes. At most 200 bytes whatever was sent.
    #[must_use]
    pub fn dedup_key(
        owner: &str,
        idempotency_key: Option<&str>,
        note_id: Option<&str>,
        bytes: &[u8],
    ) -> String {
        let short = |text: &str| {
            // Long or unprintable ids are hashed, so that the key stays bounded and plain.
            let plain = text.len() <= 64 && text.bytes().all(|b| b.is_ascii_graphic());
            if plain { text.to_owned() } else { ContentHash::of(text.as_bytes()).hex().to_owned() }
        };
        let identity = match (idempotency_key, note_id) {
            (Some(key), _) => format!("key:{}", short(key)),
            (None, Some(id)) => format!("note:{}", short(id)),
            (None, None) => ContentHash::of(bytes).as_str().to_owned(),
        };
        format!("care_note:{}:{identity}", short(owner))
    }

    /// The group as a mail address, if it was written as one: the store finds groups by address where
    /// mails name them, so a note may name them in the same way.
    #[must_use]
    pub fn group_address(&self) -> Option<&str> {
        self.group.as_deref().filter(|group| group.contains('@'))
    }

    /// The reply code it speaks of.
    #[must_use]
    pub fn reply_code(&self) -> Option<ReplyCode> {
        self.in_reply_to.as_deref().or(self.acknowledge.as_deref()).and_then(ReplyCode::parse)
    }
}

fn rfc3339<S: serde::Serializer>(at: &Option<UtcMicros>, s: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => s.serialize_some(&at.to_rfc3339()),
        None => s.serialize_none(),
    }
}
