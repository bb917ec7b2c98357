//! A mail after MIME and character sets are undone, before anybody asks what it means. It is the
//! carrier of e-mail and of FAX-to-email alike, so it lives here and neither adapter imports the
//! other. It never interprets: quote, signature and intent are read by the e-mail adapter, caller
//! number and pages by the FAX adapter.

use crate::clock::UtcMicros;
use crate::envelope::{ContentHash, Warning};

/// A decoded mail. All text is NFC with LF.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Of the raw bytes.
    pub content_hash: ContentHash,
    /// Without brackets.
    pub message_id: Option<String>,
    /// From, else Sender.
    pub from: Option<MailAddress>,
    /// To and Cc.
    pub to: Vec<MailAddress>,
    /// Decoded subject.
    pub subject: Option<String>,
    /// Date header.
    pub date: Option<UtcMicros>,
    /// In-Reply-To and References, without brackets, nearest first.
    pub in_reply_to: Vec<String>,
    /// Every header, decoded to text, in order of appearance; names as written.
    pub headers: Vec<(String, String)>,
    /// The readable text, quote and signature still in it. Empty if there is none.
    pub text: String,
    /// True if `text` was made from HTML.
    pub text_from_html: bool,
    /// Attached files and inline parts, decoded.
    pub parts: Vec<MailPart>,
    /// What was repaired on the way.
    pub warnings: Vec<Warning>,
}

impl Mail {
    /// The first header of this name, case-insensitive.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

/// A mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailAddress {
    /// Display name.
    pub name: Option<String>,
    /// Local part as written, domain lower-case.
    pub address: String,
}

/// One attached or inline part with its decoded bytes.
#[derive(Debug, Clone)]
pub struct MailPart {
    /// File name without path and control characters.
    pub name: Option<String>,
    /// Declared media type, lower-case.
    pub media_type: String,
    /// Shown inside the text (Content-ID referenced or disposition inline image).
    pub inline: bool,
    /// Decoded bytes.
    pub bytes: Vec<u8>,
}
