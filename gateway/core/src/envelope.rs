//! The one shape that all readers give and all decisions take (architecture.md section 3). It says
//! what the sender wrote and nothing that we concluded: no patient is matched here. `kakehashi
//! inspect` prints it as JSON, so every field name is a public contract; absent values are `null`.

use crate::clock::UtcMicros;
use crate::vocabulary::{AttachmentRole, Authenticity, Channel, Format, Intent, ReplyExpectation, Urgency};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// `sha256:` and 64 hexadecimal digits of some bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentHash(String);

impl ContentHash {
    /// Hashes bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_digest(&Sha256::digest(bytes).into())
    }

    /// From a finished SHA-256.
    #[must_use]
    pub fn from_digest(digest: &[u8; 32]) -> Self {
        const DIGITS: [char; 16] =
            ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
        let mut text = String::with_capacity(71);
        text.push_str("sha256:");
        for byte in digest {
            text.push(DIGITS[usize::from(byte >> 4)]);
            text.push(DIGITS[usize::from(byte & 15)]);
        }
        Self(text)
    }

    /// Reads the text form; `None` if it is not one. Safe to use as a file name afterwards.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:")?;
        let ok = hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        ok.then(|| Self(text.to_owned()))
    }

    /// The text form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 64 hexadecimal digits alone.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.0[7..]
    }
}

impl std::fmt::Display for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One message as read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// The way it came.
    pub channel: Channel,
    /// What the bytes are.
    pub format: Format,
    /// Of the raw bytes.
    pub content_hash: ContentHash,
    /// The sender's own identity of the message: Message-ID without brackets; for HL7
    /// `MSH-3|MSH-4|MSH-10` (application, facility, control id, joined by `|`); `source#id` otherwise.
    pub message_id: Option<String>,
    /// Who says to have sent it.
    pub sender: Sender,
    /// What it is for.
    pub intent: Intent,
    /// Our code, found and well-formed (canonical form, see [`crate::reply_code`]).
    pub reply_code: Option<String>,
    /// Message-IDs of In-Reply-To and References, without brackets, nearest first.
    pub in_reply_to: Vec<String>,
    /// The patient as written.
    pub patient: Patient,
    /// When the event took place, RFC 3339.
    #[serde(serialize_with = "rfc3339_or_null", deserialize_with = "read_rfc3339")]
    pub occurred_at: Option<UtcMicros>,
    /// When the message was sent by its own account, RFC 3339.
    #[serde(serialize_with = "rfc3339_or_null", deserialize_with = "read_rfc3339")]
    pub sent_at: Option<UtcMicros>,
    /// Subject or heading, NFC.
    pub title: Option<String>,
    /// Plain text, NFC, LF, without quote and signature.
    pub body: Option<String>,
    /// What was quoted from an earlier mail.
    pub quoted: Option<String>,
    /// The signature that was taken off.
    pub signature: Option<String>,
    /// If stated.
    pub urgency: Option<Urgency>,
    /// If stated.
    pub reply_expectation: Option<ReplyExpectation>,
    /// Code of care-network.md section 3, if stated.
    pub document_kind: Option<String>,
    /// Files and pages.
    pub attachments: Vec<Attachment>,
    /// For paper: what the reply sheet says.
    pub sheet: Option<Sheet>,
    /// For HL7: the event.
    pub event: Option<Event>,
    /// For delivery reports: what became of what.
    pub report: Option<Report>,
    /// Everything that was repaired, dropped or doubted.
    pub warnings: Vec<Warning>,
}

impl Envelope {
    /// TXA-12 of an HL7 document that is a draft, so that its final word finds it.
    #[must_use]
    pub fn draft_document(&self) -> Option<&str> {
        let event = self.event.as_ref().filter(|e| e.kind.as_deref() == Some("MDM"))?;
        let draft = self.warnings.iter().any(|w| w.code == crate::decide::doubt::NOT_FINAL);
        event.document.as_deref().filter(|_| draft)
    }

    /// An envelope of this channel and format with nothing stated yet.
    #[must_use]
    pub fn empty(channel: Channel, format: Format, content_hash: ContentHash) -> Self {
        Self {
            channel,
            format,
            content_hash,
            message_id: None,
            sender: Sender::default(),
            intent: Intent::Unknown,
            reply_code: None,
            in_reply_to: Vec::new(),
            patient: Patient::default(),
            occurred_at: None,
            sent_at: None,
            title: None,
            body: None,
            quoted: None,
            signature: None,
            urgency: None,
            reply_expectation: None,
            document_kind: None,
            attachments: Vec::new(),
            sheet: None,
            event: None,
            report: None,
            warnings: Vec::new(),
        }
    }

    /// Adds a warning. `detail` must not hold patient data beyond what the message itself shows.
    pub fn warn(&mut self, code: &str, detail: impl Into<String>) {
        self.warnings.push(Warning { code: code.to_owned(), detail: detail.into() });
    }
}

/// Who says to have sent a message, and what of it was proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// E-mail address, lower-case domain.
    pub address: Option<String>,
    /// Display name.
    pub name: Option<String>,
    /// Telephone or FAX number, digits only with a leading 0 or +, as [`crate::text::number`] folds it.
    pub number: Option<String>,
    /// Facility as stated: MSH-4, facility field of a care note.
    pub facility: Option<String>,
    /// Application as stated: MSH-3, software of a care note.
    pub application: Option<String>,
    /// What was proved.
    pub authenticity: Authenticity,
}

impl Default for Sender {
    fn default() -> Self {
        Self {
            address: None,
            name: None,
            number: None,
            facility: None,
            application: None,
            authenticity: Authenticity::None,
        }
    }
}

/// The patient as written in the message. Nothing is matched yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patient {
    /// Numbers under which institutions know the patient.
    pub identifiers: Vec<Identifier>,
    /// Names in all the ways they were written.
    pub names: Vec<PatientName>,
    /// `YYYY-MM-DD`; a valid calendar date or absent.
    pub birth_date: Option<String>,
    /// `F`, `M`, `O`, `U`, `A`, `N` of HL7 table 0001.
    pub sex: Option<String>,
    /// グループ呼称, if the sender used it.
    pub group_alias: Option<String>,
}

/// One identifier of a patient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier {
    /// As written, leading zeros kept, blanks trimmed.
    pub id: String,
    /// Assigning authority as written; absent means the sender's own.
    pub authority: Option<String>,
    /// Type code (PI, MR, …).
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// One way of writing a patient's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatientName {
    /// As written; family and given separated by one space where the sender separated them.
    pub text: String,
    /// The phonetic form that belongs to it, full-width kana.
    pub kana: Option<String>,
    /// `kanji`, `kana`, `alphabet`.
    pub kind: NameKind,
}

/// Script of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameKind {
    /// XPN-8 `I`.
    Kanji,
    /// XPN-8 `P`.
    Kana,
    /// XPN-8 `A`.
    Alphabet,
}

/// A file or page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// File name as the sender wrote it, without path and control characters.
    pub name: Option<String>,
    /// Media type decided by the bytes, the declared type only as tie-break.
    pub media_type: String,
    /// Size of the decoded bytes.
    pub size_bytes: u64,
    /// Of the decoded bytes.
    pub content_hash: ContentHash,
    /// Number of pages where it has pages.
    pub pages: Option<u32>,
    /// Why it is there.
    pub role: AttachmentRole,
}

/// What a reply sheet says (返信票).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    /// The code printed on it, canonical form.
    pub reply_code: Option<String>,
    /// `qr` or `text`.
    pub code_source: Option<String>,
    /// Boxes.
    pub marks: Vec<Mark>,
    /// Areas in which somebody wrote.
    pub handwriting: Vec<Handwriting>,
    /// Degrees by which the page must be turned clockwise to stand upright: 0, 90, 180, 270.
    pub orientation: u16,
    /// `[page, of]` as printed.
    pub page_of: Option<[u32; 2]>,
    /// Boxes that the sheet alone would act on (`core::sheet_answer`); empty if a person must look.
    #[serde(default)]
    pub closes: Vec<String>,
}

/// One box of a sheet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// What the box means: `acknowledge`, `call_back`, …
    pub name: String,
    /// What the reading says.
    pub state: MarkState,
    /// 0 to 1.
    pub confidence: f32,
}

/// Reading of a box. `Unsure` is never counted as either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkState {
    /// A mark that no accident makes.
    Marked,
    /// Surely nothing.
    Empty,
    /// A person must look.
    Unsure,
}

/// An area with handwriting: millimetres from the top left of the upright page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Handwriting {
    /// Page, from 1.
    pub page: u32,
    /// x, y, width, height in mm.
    pub area_mm: [f32; 4],
}

/// An HL7 event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// MSH-9.1.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// MSH-9.2 (or EVN-1 where MSH-9.2 is empty).
    pub trigger: Option<String>,
    /// MSH-10 as written.
    pub control_id: Option<String>,
    /// MSH-12.
    pub version: Option<String>,
    /// EVN-2, when the sender's system recorded it; only if it states a time of day. A re-send keeps it.
    #[serde(default, serialize_with = "rfc3339_or_null", deserialize_with = "read_rfc3339")]
    pub recorded_at: Option<UtcMicros>,
    /// EVN-6, when it happened; of a cancellation, when that happened which it takes back.
    #[serde(default, serialize_with = "rfc3339_or_null", deserialize_with = "read_rfc3339")]
    pub occurred_at: Option<UtcMicros>,
    /// Character sets.
    pub charset: Option<Charset>,
    /// The stay.
    pub visit: Option<Visit>,
    /// Completion or result status (TXA-17, OBR-25, OBX-11).
    pub status: Option<String>,
    /// TXA-12, the document's own number.
    pub document: Option<String>,
    /// TXA-13.
    pub parent_document: Option<String>,
    /// Key of the event that this one corrects or cancels, see [`Event::key`].
    pub corrects: Option<String>,
    /// Our key of the event, so that corrections, documents of the stay and repetitions find it:
    /// `stay:<visit number or admission minute>:<A01|A03|…>`, `document:<TXA-12>`, …
    pub key: Option<String>,
    /// MRG-1: numbers that a merge or change takes out of use. They name a second record, never the
    /// patient of the message.
    #[serde(default)]
    pub retired: Vec<Identifier>,
}

impl Event {
    /// Whether TXA-17 says that the document is authenticated (hl7.md 7.1).
    #[must_use]
    pub fn is_final_document(&self) -> bool {
        matches!(self.status.as_deref(), Some("AU" | "LA"))
    }

    /// Keys of this stay's event `trigger` (hl7.md 8.3): by visit number and by the minute of
    /// admission in 日本時間, `stay:2026060500123:A01` and `stay:202606051940:A01`. Senders fill one
    /// in one message and the other in the next, so whoever looks for a stay asks for both; a reader
    /// sets [`Event::key`] to the last one, which nearly every message has.
    #[must_use]
    pub fn stay_keys(&self, trigger: &str) -> Vec<String> {
        let Some(visit) = &self.visit else { return Vec::new() };
        let number = visit.number.as_deref().map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned);
        let minute = visit.admitted_at.map(|at| at.in_japan().strftime("%Y%m%d%H%M").to_string());
        [number, minute].into_iter().flatten().map(|stay| format!("stay:{stay}:{trigger}")).collect()
    }
}

/// The trigger under which an ADT event is known, where systems use several for one happening: an outpatient
/// who becomes an inpatient (A06) is admitted, and any cancellation of an admission undoes that one.
#[must_use]
pub fn canonical_trigger(trigger: &str) -> &str {
    match trigger {
        "A06" => "A01",
        "A07" => "A03",
        "A05" => "A14",
        "A38" => "A27",
        "A09" => "A21",
        "A10" => "A22",
        "A33" => "A52",
        "A32" => "A53",
        other => other,
    }
}

/// The ADT event that cancels `trigger` (hl7.md 8.1), if there is one. Both in their canonical form.
#[must_use]
pub fn cancelled_by(trigger: &str) -> Option<&'static str> {
    Some(match canonical_trigger(trigger) {
        "A01" | "A04" => "A11",
        "A02" => "A12",
        "A03" => "A13",
        "A14" => "A27",
        "A15" => "A26",
        "A16" => "A25",
        "A21" => "A52",
        "A22" => "A53",
        "A54" => "A55",
        _ => return None,
    })
}

/// What MSH-18 said and what was used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charset {
    /// As written, `null` if absent.
    pub declared: Option<String>,
    /// `ASCII`, `ISO-2022-JP`, `UTF-8`, `CP932`, `EUC-JP`.
    pub used: String,
}

/// A stay in hospital (PV1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// PV1-19.
    pub number: Option<String>,
    /// PV1-2.
    pub class: Option<String>,
    /// PV1-3.1.
    pub ward: Option<String>,
    /// PV1-3.2.
    pub room: Option<String>,
    /// PV1-3.3.
    pub bed: Option<String>,
    /// PV1-10.
    pub department: Option<String>,
    /// PV1-7 as a name.
    pub attending: Option<String>,
    /// PV1-44.
    #[serde(serialize_with = "rfc3339_or_null", deserialize_with = "read_rfc3339")]
    pub admitted_at: Option<UtcMicros>,
    /// PV1-45.
    #[serde(serialize_with = "rfc3339_or_null", deserialize_with = "read_rfc3339")]
    pub discharged_at: Option<UtcMicros>,
    /// PV1-36.
    pub disposition: Option<String>,
}

/// What a delivery report says about something we sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// `delivered`, `failed` or `delayed`.
    pub outcome: ReportOutcome,
    /// The address or number concerned.
    pub recipient: Option<String>,
    /// The Message-ID or provider job that it speaks of.
    pub original: Option<String>,
    /// Status code or wording of the provider.
    pub status: Option<String>,
}

/// Outcome told by a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportOutcome {
    /// The far side took it.
    Delivered,
    /// It will not arrive.
    Failed,
    /// Still trying.
    Delayed,
}

/// Something that was repaired, dropped or doubted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stable snake_case code.
    pub code: String,
    /// For the office, English.
    pub detail: String,
}

fn rfc3339_or_null<S: Serializer>(at: &Option<UtcMicros>, s: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => s.serialize_some(&at.to_rfc3339()),
        None => s.serialize_none(),
    }
}

fn read_rfc3339<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<UtcMicros>, D::Error> {
    let text = Option::<String>::deserialize(d)?;
    match text {
        None => Ok(None),
        Some(t) => UtcMicros::from_rfc3339(&t)
            .map(Some)
            .ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time")),
    }
}
