//! A delivery as it leaves: finished bytes and an address, nothing left to decide. Outlets take it
//! and add only what their protocol needs.

use crate::clock::UtcMicros;
use crate::ids::DeliveryId;
use crate::job::HospitalRecord;
use serde::{Deserialize, Serialize};

/// One delivery, ready to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedDelivery {
    /// The delivery; outlets derive Message-ID and job names from it.
    pub delivery_id: DeliveryId,
    /// Attempt number from 1; a resend after 送達不明 keeps the same Message-ID.
    pub attempt: u32,
    /// What goes where.
    pub content: RenderedContent,
}

/// Content by channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenderedContent {
    /// An e-mail.
    Email(RenderedMail),
    /// Pages for a FAX number.
    Fax(RenderedFax),
    /// Notes for the inbox of a hospital.
    Hl7(RenderedHl7),
    /// A call that a human makes; handed off to the list of phone tasks.
    Phone {
        /// Number to call.
        number: String,
        /// What to say.
        script: String,
    },
}

/// An e-mail without transport headers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderedMail {
    /// Recipient address.
    pub to: String,
    /// Recipient's display name.
    pub to_name: Option<String>,
    /// Address with the reply code: `reply+CODE@domain`.
    pub reply_to: Option<String>,
    /// Never holds a patient name (care-network.md 6.3).
    pub subject: String,
    /// Plain text, LF.
    pub text: String,
    /// HTML, if any.
    pub html: Option<String>,
    /// Message-ID without brackets.
    pub message_id: String,
    /// References, oldest first, without brackets.
    pub references: Vec<String>,
    /// Files.
    pub attachments: Vec<RenderedFile>,
    /// Files that are too large together: not sent, but shown at the page behind the reply code.
    pub on_page: Vec<RenderedFile>,
    /// Envelope sender of this very mail ([`crate::job::bounce_address`]); the outlet's own if absent.
    pub return_path: Option<String>,
    /// List-Id without brackets (RFC 2919): lets members file our mails by one filter. The network's,
    /// never a group's.
    pub list_id: Option<String>,
    /// Content mode C: patient data stands in the open, so the mail leaves over verified TLS or not at
    /// all (care-network.md 6.3).
    pub open_content: bool,
}

/// A FAX job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedFax {
    /// Number, digits only.
    pub number: String,
    /// Facility named on the cover.
    pub to_name: String,
    /// The pages as one PDF.
    pub pdf: Vec<u8>,
    /// Number of pages.
    pub pages: u32,
    /// Message-ID of the job mail, without brackets.
    pub message_id: String,
}

/// Notes for one HL7 interface. What the interface wants them to look like is the outlet's affair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedHl7 {
    /// Name of the interface.
    pub interface: String,
    /// In order, each a message of its own.
    pub notes: Vec<HospitalNote>,
}

/// One note to a hospital.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HospitalNote {
    /// MSH-10, the same for every attempt.
    pub control_id: String,
    /// What it is.
    pub kind: NoteKind,
    /// Whom it is about, in the hospital's own words.
    pub patient: HospitalRecord,
    /// Our number of the document (TXA-12).
    pub document_id: String,
    /// Our number of the document that it corrects or takes back.
    pub replaces: Option<String>,
    /// Our number of the first version, where this is a later one: by it an order or result is known.
    pub first: Option<String>,
    /// Heading.
    pub title: String,
    /// Text, LF.
    pub text: String,
    /// Facility and person.
    pub author: String,
    /// When it was written or confirmed.
    pub written_at: UtcMicros,
    /// Files that go along.
    pub files: Vec<RenderedFile>,
}

/// What a note to a hospital is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoteKind {
    /// 新規投稿 addressed to it.
    Topic,
    /// 返信.
    Reply,
    /// 訂正.
    Correction,
    /// 取消: its author took it back.
    Withdrawal,
    /// 了解.
    Acknowledgement,
}

impl NoteKind {
    /// Code in configuration.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Reply => "reply",
            Self::Correction => "correction",
            Self::Withdrawal => "withdrawal",
            Self::Acknowledgement => "acknowledgement",
        }
    }

    /// Japanese word.
    #[must_use]
    pub const fn ja(self) -> &'static str {
        match self {
            Self::Topic => "新規投稿",
            Self::Reply => "返信",
            Self::Correction => "訂正",
            Self::Withdrawal => "取消",
            Self::Acknowledgement => "了解",
        }
    }
}

/// A file that goes along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderedFile {
    /// Name shown.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Bytes.
    pub bytes: Vec<u8>,
}
