//! Answers to HL7 messages (hl7.md section 3): `judge` decides from raw bytes what may be answered,
//! `build` writes the answer. AA says that bytes are stored, never that a person took note. Nothing
//! here decodes text or looks at a database, because it stands between the commit and the answer.

pub mod build;
pub mod judge;

pub use build::{AnswerIds, build, build_batch, build_own_message};
pub use judge::{Judgement, Verdict, judge};

/// Acknowledgement code, MSA-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerCode {
    /// Stored.
    ApplicationAccept,
    /// Stored, with an error that a resend does not heal.
    ApplicationError,
    /// Not taken as a message.
    ApplicationReject,
    /// Enhanced mode: stored.
    CommitAccept,
    /// Enhanced mode: not taken as a message.
    CommitReject,
}

impl AnswerCode {
    /// As written in MSA-1.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ApplicationAccept => "AA",
            Self::ApplicationError => "AE",
            Self::ApplicationReject => "AR",
            Self::CommitAccept => "CA",
            Self::CommitReject => "CR",
        }
    }
}

/// A place in a message, as ERR-2 names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Segment.
    pub segment: &'static str,
    /// Which of these segments, from 1; unknown where there is no usable header.
    pub sequence: Option<u32>,
    /// Field, where one is meant.
    pub field: Option<u8>,
}

impl Place {
    const fn field(segment: &'static str, field: u8) -> Self {
        Self { segment, sequence: Some(1), field: Some(field) }
    }
}

/// An error as ERR tells it: code of table 0357, where, and words for a person at the hospital.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// Table 0357.
    pub code: u16,
    /// Its text in that table.
    pub name: &'static str,
    /// Where in the message, if it is in one place.
    pub place: Option<Place>,
    /// One sentence, ASCII.
    pub text: &'static str,
}

impl Reason {
    /// No MSH, or separators that cannot be used.
    pub const NO_HEADER: Self = Self {
        code: 100,
        name: "Segment sequence error",
        place: Some(Place { segment: "MSH", sequence: None, field: None }),
        text: "The message has no usable MSH segment",
    };
    /// MSH-9 is empty.
    pub const NO_TYPE: Self = Self {
        code: 101,
        name: "Required field missing",
        place: Some(Place::field("MSH", 9)),
        text: "The message type is missing",
    };
    /// MSH-10 is empty.
    pub const NO_CONTROL_ID: Self = Self {
        code: 101,
        name: "Required field missing",
        place: Some(Place::field("MSH", 10)),
        text: "The message control id is missing",
    };
    /// Neither MSH-9.2 nor EVN-1 says what happened.
    pub const NO_EVENT: Self = Self {
        code: 101,
        name: "Required field missing",
        place: Some(Place::field("MSH", 9)),
        text: "The trigger event is missing: neither MSH-9.2 nor EVN-1 names one",
    };
    /// MSH-11 is not one of the agreed.
    pub const PROCESSING_ID: Self = Self {
        code: 202,
        name: "Unsupported processing id",
        place: Some(Place::field("MSH", 11)),
        text: "This interface does not take messages with this processing id",
    };
    /// The type is not known and the interface does not park such.
    pub const UNKNOWN_TYPE: Self = Self {
        code: 200,
        name: "Unsupported message type",
        place: Some(Place::field("MSH", 9)),
        text: "This interface does not take messages of this type",
    };
    /// UTF-16 or UTF-32.
    pub const CHARSET: Self = Self {
        code: 102,
        name: "Data type error",
        place: Some(Place::field("MSH", 18)),
        text: "UTF-16 and UTF-32 are not taken; use UTF-8 or ISO-2022-JP",
    };
    /// No PID where the type needs one.
    pub const NO_PATIENT: Self = Self {
        code: 100,
        name: "Segment sequence error",
        place: Some(Place { segment: "PID", sequence: Some(1), field: None }),
        text: "The patient is missing",
    };
    /// Text ends inside a character.
    pub const TRUNCATED: Self = Self {
        code: 207,
        name: "Application internal error",
        place: None,
        text: "The text ends inside a two-byte character; please send it again completely",
    };
    /// Embedded data cannot be decoded.
    pub const DAMAGED_FILE: Self = Self {
        code: 207,
        name: "Application internal error",
        place: Some(Place::field("OBX", 5)),
        text: "The embedded file cannot be decoded; please send it again",
    };
    /// Over the size of the interface.
    pub const TOO_LONG: Self = Self {
        code: 207,
        name: "Application internal error",
        place: None,
        text: "The message is larger than this interface takes",
    };
    /// MSH-13 is not the number that comes next on this link.
    pub const SEQUENCE: Self = Self {
        code: 207,
        name: "Application internal error",
        place: Some(Place::field("MSH", 13)),
        text: "The sequence number is not the expected one; send from the number in MSA-4",
    };
    /// Refused behind the listener.
    pub const REFUSED: Self = Self {
        code: 207,
        name: "Application internal error",
        place: None,
        text: "The message cannot be taken",
    };
}
