//! The ports between the pipeline and the adapters (examples.md section 3). Only shapes: a source
//! hands raw bytes in and answers its sender with the outcome, a reader turns bytes into Envelopes,
//! an outlet sends one rendered delivery. This module defines futures and never awaits.

use crate::clock::UtcMicros;
use crate::envelope::{Attachment, ContentHash, Envelope};
use crate::ids::{DeliveryId, EndpointId, IntakeId, LoginUserId};
use crate::raw_bytes::RawBytes;
use crate::rendered::{RenderedDelivery, RenderedMail};
use crate::unreadable::Unreadable;
use crate::vocabulary::{AttachmentRole, Authenticity, Channel, Format};
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A boxed future, so that ports can be trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a source knows of a message besides its bytes. Kept with the intake; readers and decisions
/// may use it, so it must be enough to read the bytes again years later.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Name of the listener (`smtp`, `mllp`, `http`, `mqtt`, `web`).
    pub listener: String,
    /// Address of the peer without port.
    pub peer: Option<String>,
    /// SMTP MAIL FROM.
    pub mail_from: Option<String>,
    /// SMTP RCPT TO, as accepted.
    pub rcpt_to: Vec<String>,
    /// Configured interface (HL7) or topic owner (MQTT).
    pub interface: Option<String>,
    /// The endpoint that a key, certificate or topic proved.
    pub endpoint: Option<EndpointId>,
    /// The person who was logged in.
    pub login_user: Option<LoginUserId>,
    /// What the source proved of the sender.
    pub authenticity: Option<Authenticity>,
    /// What the source answers once the message is durable: `AA`, `AE 101 …`; absent where it answers nothing.
    #[serde(default)]
    pub answer: Option<String>,
    /// Name that the peer gave in EHLO, LHLO or XCLIENT.
    #[serde(default)]
    pub helo: Option<String>,
    /// What was found about the sender of a mail after it was accepted; kept, so that reading again years
    /// later, when keys and records are gone, says the same.
    #[serde(default)]
    pub proof: Option<SenderProof>,
}

/// An HL7 interface of the running program, for the office.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InterfaceStatus {
    /// Its name.
    pub name: String,
    /// Where it listens, or which folder it watches.
    pub listen: String,
    /// Connections open now; `None` for folders.
    pub connection_count: Option<u64>,
    /// Where notes for the hospital go.
    pub outgoing: Option<String>,
    /// Until when its certificate is valid, if it has one that can be read.
    pub certificate_until: Option<UtcMicros>,
}

/// A message of a machine as people read it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MessageText {
    /// Decoded text, one segment a line, cut where it is endless.
    pub raw: String,
    /// Character set by which it was decoded.
    pub charset: String,
    /// Segments in order.
    pub segments: Vec<MessageSegment>,
}

/// One segment of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessageSegment {
    /// `PID`.
    pub name: String,
    /// What it is, Japanese.
    pub ja: String,
    /// What it is, English.
    pub en: String,
    /// Fields that say anything.
    pub fields: Vec<MessageField>,
}

/// One field of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessageField {
    /// `PID-3`.
    pub place: String,
    /// What it is, Japanese; empty if it has no name here.
    pub ja: String,
    /// What it is, English.
    pub en: String,
    /// Its repetitions, escapes resolved, components apart by ` ^ `.
    pub values: Vec<String>,
}

/// Takes messages apart for the office's message browser; implemented by the server with the HL7 adapter,
/// so that the pages know no protocol. Total and bounded.
pub trait MessageView: Send + Sync {
    /// The message as people read it.
    fn text(&self, bytes: &[u8], interface: Option<&str>) -> MessageText;
}

/// What checks of a mail's sender showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderProof {
    /// The strongest that holds for the domain in From.
    pub authenticity: Authenticity,
    /// The domain in From denies the mail: its policy or the list of its hosts says so.
    pub failed: bool,
    /// Results in the words of RFC 8601, for the office.
    pub detail: String,
    /// Something could not be looked up just now, and nothing else shows the sender: worth another look.
    #[serde(default)]
    pub try_again: bool,
}

/// Checks who sent a mail. Asked once for each intake before it is read, never before its sender is
/// answered.
pub trait SenderCheck: Send + Sync {
    /// What can be shown; `None` if there is nothing to check. Ends within seconds, whatever the DNS does.
    fn check<'a>(&'a self, raw: &'a RawIntake) -> BoxFuture<'a, Option<SenderProof>>;
}

/// A raw message on its way to durability.
#[derive(Debug, Clone)]
pub struct RawIntake {
    /// The way it came.
    pub channel: Channel,
    /// What the source takes the bytes to be; readers may find otherwise.
    pub format: Format,
    /// Two intakes of one network with the same key are one message (RFC 5321 retries, HL7 resends,
    /// MQTT QoS 1). Built by the source from identity and content, at most 200 bytes.
    pub dedup_key: String,
    /// MSH-10 or Message-ID as the sender wrote it, for `intake list --ids`.
    pub sender_message_id: Option<String>,
    /// The bytes.
    pub bytes: RawBytes,
    /// When the first byte was taken.
    pub received_at: UtcMicros,
    /// What the source knows besides.
    pub origin: Origin,
}

/// ① as the sources see it; implemented by the pipeline.
pub trait IntakeDesk: Send + Sync {
    /// Returns when the intake is durable or will not be. A source acknowledges only after this, and
    /// an answer that never comes (panic, dropped future) counts as [`IntakeAnswer::TryLater`].
    fn hand_in(&self, intake: RawIntake) -> BoxFuture<'_, IntakeAnswer>;

    /// Where a large message can be put while it still arrives, so that memory does not grow with it; `None`
    /// where there is no such place and the message is held in memory.
    fn spool(&self) -> Option<Box<dyn Spool>> {
        None
    }

    /// Whether a mail recipient is ours: an intake address, a group address or a reply address.
    fn accepts_recipient<'a>(&'a self, address: &'a str) -> BoxFuture<'a, RecipientAnswer>;
}

/// A message that goes to the disk while it arrives. Dropped before it is finished, it leaves nothing.
pub trait Spool: Send {
    /// Appends bytes. After a fault everything fails.
    fn write(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, std::io::Result<()>>;

    /// All that was written, to be handed in. It is not durable before that.
    fn finish(self: Box<Self>) -> BoxFuture<'static, std::io::Result<RawBytes>>;
}

/// Outcome of handing in.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntakeAnswer {
    /// Durable now.
    Accepted(IntakeId),
    /// Was durable before: the sender gets the same answer as the first time.
    Duplicate(IntakeId),
    /// Can never be taken.
    Refused(Refusal),
    /// Not durable; the sender must keep it and try again.
    TryLater(String),
}

/// Why a message can never be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Over the configured size.
    TooLarge {
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// Content that no sender of this channel may send; the text goes into the protocol's reason.
    Unacceptable(String),
}

/// Answer to a mail recipient.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipientAnswer {
    /// One of ours.
    Ours,
    /// Not ours; the same answer for unknown, closed and foreign, so that nothing can be probed.
    NotOurs,
    /// The directory cannot be asked now.
    TryLater,
}

/// Takes decoded parts as a reader finds them: blobs in the pipeline, hashes in `inspect`, vectors in
/// tests. Returns the attachment entry for the Envelope.
pub trait PartSink: Send {
    /// Keeps one part.
    ///
    /// # Errors
    /// Only a sink that cannot store fails; the reader passes it on and the intake is tried again.
    fn keep(&mut self, part: Part<'_>) -> Result<Attachment, PartFault>;
}

/// One decoded part of a message.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// File name as the sender wrote it.
    pub name: Option<&'a str>,
    /// Media type as decided.
    pub media_type: &'a str,
    /// Number of pages, if known.
    pub pages: Option<u32>,
    /// Why it is there.
    pub role: AttachmentRole,
    /// Decoded bytes.
    pub bytes: &'a [u8],
}

/// A part could not be kept; reading must be repeated later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a part could not be kept: {0}")]
pub struct PartFault(pub String);

/// A sink that hashes and forgets: for `inspect` and for measuring.
#[derive(Debug, Default)]
pub struct HashingSink;

impl PartSink for HashingSink {
    fn keep(&mut self, part: Part<'_>) -> Result<Attachment, PartFault> {
        Ok(part.describe())
    }
}

impl Part<'_> {
    /// The Envelope's entry for this part.
    #[must_use]
    pub fn describe(&self) -> Attachment {
        Attachment {
            name: self.name.map(clean_file_name).filter(|n| !n.is_empty()),
            media_type: self.media_type.to_owned(),
            size_bytes: self.bytes.len() as u64,
            content_hash: ContentHash::of(self.bytes),
            pages: self.pages,
            role: self.role,
        }
    }
}

/// A file name that is safe to show: last path element, no control or bidirectional override
/// characters, at most 200 characters.
#[must_use]
pub fn clean_file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or("");
    last.chars()
        .filter(|c| !c.is_control() && !matches!(*c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .take(200)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Why reading did not end in Envelopes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadFault {
    /// The bytes can never be read: triage.
    #[error("unreadable")]
    Unreadable(#[from] Unreadable),
    /// A part could not be stored: try again.
    #[error("a part could not be kept")]
    Part(#[from] PartFault),
}

/// The bytes of the intake lie in a file that cannot be read now: try again.
impl From<std::io::Error> for ReadFault {
    fn from(fault: std::io::Error) -> Self {
        Self::Part(PartFault(format!("the raw bytes cannot be read: {fault}")))
    }
}

/// ② Raw bytes to Envelopes: total, deterministic, bounded, no I/O of its own.
pub trait Reader: Send + Sync {
    /// Reads one intake. At least one Envelope on success.
    ///
    /// # Errors
    /// [`ReadFault::Unreadable`] is final, [`ReadFault::Part`] means try again.
    fn read(&self, raw: &RawIntake, parts: &mut dyn PartSink) -> Result<Vec<Envelope>, ReadFault>;
}

/// ⑤ One outgoing channel; implemented by every `send`.
pub trait Outlet: Send + Sync {
    /// One rendered delivery, one attempt, within `deadline`. Never retries, never sleeps, never
    /// touches the store.
    fn send<'a>(&'a self, item: &'a RenderedDelivery, deadline: Duration) -> BoxFuture<'a, Outcome>;

    /// For `doctor` and start-up.
    fn check(&self) -> BoxFuture<'_, Vec<Finding>>;

    /// These jobs got no report in time. Answers whether there is another way to send what may have
    /// arrived once more.
    fn silent<'a>(&'a self, deliveries: &'a [DeliveryId]) -> BoxFuture<'a, bool> {
        let _ = deliveries;
        Box::pin(std::future::ready(false))
    }
}

/// Carries a finished mail; implemented by the e-mail outlet and given to the FAX outlet, whose
/// providers take jobs by mail, so that neither adapter imports the other.
pub trait MailCarrier: Send + Sync {
    /// One mail, one attempt, within `deadline`. Never retries, never sleeps.
    fn submit<'a>(&'a self, mail: &'a RenderedMail, deadline: Duration) -> BoxFuture<'a, Outcome>;
}

/// Outcome of one attempt.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The far machine took it: final. The text is the evidence (SMTP reply, MSA).
    Delivered(String),
    /// A provider took the job; its report decides.
    HandedOff {
        /// The provider's name for the job, or the Message-ID of the job mail.
        job: String,
        /// Seconds after which silence becomes 送達不明.
        report_within_seconds: i64,
    },
    /// Passing fault.
    RetryAfter {
        /// As asked by the far side, clamped by the caller.
        wait: Option<Duration>,
        /// The cause.
        cause: SendFault,
    },
    /// Permanent fault.
    Failed(SendFault),
    /// May have arrived: sent again only where the channel deduplicates.
    Unknown(SendFault),
}

/// Why an attempt did not succeed. The text is for the office: the far side's words, no patient data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum SendFault {
    /// No connection could be made.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("no answer in time: {0}")]
    TimedOut(String),
    /// The far side refuses for now.
    #[error("refused for now: {0}")]
    RefusedForNow(String),
    /// The far side refuses for good.
    #[error("refused: {0}")]
    RefusedForGood(String),
    /// TLS could not be agreed upon or the certificate is not trusted.
    #[error("TLS: {0}")]
    Tls(String),
    /// The delivery cannot be sent on this channel as it is.
    #[error("cannot be sent: {0}")]
    Unsendable(String),
}

/// One finding of `kakehashi doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub level: FindingLevel,
    /// What was checked.
    pub subject: String,
    /// What was found.
    pub detail: String,
    /// What to do, empty if nothing.
    pub remedy: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingLevel {
    /// As it should be.
    Good,
    /// Works, but look at it.
    Warning,
    /// Does not work.
    Broken,
}
