//! What is written in one transaction (④). Everything that changes the conversation is an [`Effect`];
//! decisions, pages and workers make effects, the store applies them together with their audit
//! entries, or none of them. Effects hold everything: applying never asks for time or randomness.

mod paper;

pub use paper::{DigestMove, EndpointChange, NewSheet, SheetAct, UNDO_SETTINGS_SECONDS};

use crate::clock::UtcMicros;
use crate::decision::{Candidate, Decided, Notice, TriageReason};
use crate::envelope::{ContentHash, Envelope, Mark};
use crate::facts::IdentifierState;
use crate::ids::{
    AttachmentId, ChangeId, DeliveryId, EndpointId, FacilityId, GroupId, IntakeId, LoginUserId, PatientId,
    PostId, TriageId,
};
use crate::pause::{Pause, PauseEnd};
use crate::port::Outcome;
use crate::post::{Acknowledgement, Post, StoredAttachment};
use crate::reply_code::ReplyCode;
use crate::vocabulary::{Channel, DeliveryMode, DeliveryState, IntakeState};
use serde::{Deserialize, Serialize};

/// Effects that stand or fall together.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// Now.
    pub at: UtcMicros,
    /// Who does it.
    pub actor: Actor,
    /// In order.
    pub effects: Vec<Effect>,
}

/// Who acts, for the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// The gateway itself.
    Gateway,
    /// A person at a page.
    LoginUser {
        /// Who.
        id: LoginUserId,
    },
    /// A facility that acted by code or endpoint.
    Facility {
        /// Which.
        id: FacilityId,
    },
    /// The command line.
    Operator,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A post, with the attachments that move to it.
    Post {
        /// The post.
        post: Box<Post>,
        /// Attachments (already stored with the intake or an upload) that are shown at it.
        attachments: Vec<AttachmentId>,
    },
    /// 了解. A second one of the same facility and person to the same post changes nothing.
    Acknowledge(Acknowledgement),
    /// An acknowledgement is taken back by its author.
    WithdrawAcknowledgement {
        /// Of this post.
        post_id: PostId,
        /// By this facility.
        facility_id: FacilityId,
    },
    /// One post to one endpoint; joins the open digest of that endpoint and time if it is one.
    Deliver(NewDelivery),
    /// 了解 to a post is told to the facility that wrote it, if that facility has an inbox for it (HL7).
    TellAuthor(AuthorNote),
    /// A notice to a sender, without content.
    Notify {
        /// The delivery.
        delivery_id: DeliveryId,
        /// Which words.
        notice: Notice,
        /// By this way.
        channel: Channel,
        /// To this address or number.
        address: String,
    },
    /// An item for the office.
    OpenTriage {
        /// Key.
        id: TriageId,
        /// The intake.
        intake_id: IntakeId,
        /// Which Envelope of the intake, from 0.
        envelope_index: u32,
        /// Why.
        reasons: Vec<TriageReason>,
        /// Where it could belong.
        candidates: Vec<Candidate>,
        /// 隔離 instead of 仕分け待ち.
        quarantined: bool,
    },
    /// The office has dealt with an item. Refused as a conflict if somebody else was faster.
    CloseTriage {
        /// Key.
        id: TriageId,
        /// How.
        outcome: TriageOutcome,
        /// Its words, for returned and discarded.
        note: Option<String>,
    },
    /// What reading an intake gave; the blobs are already stored.
    RecordReading {
        /// The intake.
        intake_id: IntakeId,
        /// In order.
        envelopes: Vec<Envelope>,
        /// Of all Envelopes; `position` counts through.
        attachments: Vec<StoredAttachment>,
    },
    /// Files that came with no intake (an upload at a page); the blobs are already stored. The post that
    /// follows in the same commit takes them over by id.
    KeepAttachments {
        /// In order.
        attachments: Vec<StoredAttachment>,
    },
    /// An intake is settled: its decisions are kept with it.
    FinishIntake {
        /// The intake.
        intake_id: IntakeId,
        /// Its state.
        state: IntakeState,
        /// One per Envelope.
        decided: Vec<Decided>,
    },
    /// A person lets an intake be read and decided anew. Changes nothing if anything came of it: a post, a
    /// 了解 or an item that a person must place.
    ReplayIntake {
        /// The intake.
        intake_id: IntakeId,
    },
    /// A person lets the application answers to a message go to the sender's listener once more, which refused
    /// them or never took them.
    OweAnswerAgain {
        /// The message.
        intake_id: IntakeId,
    },
    /// The sender made a document final that waits as a draft in triage (hl7.md 7.2, T03): its intake is read
    /// and decided anew. Or its final text came by itself: then the draft is closed. Only drafts of the same
    /// interface are meant.
    FinalDocument {
        /// The message that says so.
        intake_id: IntakeId,
        /// TXA-12.
        document: String,
        /// Whether the final text came with it.
        with_text: bool,
    },
    /// A person confirmed that this number of this facility is this patient.
    TeachIdentifier {
        /// The institution whose number it is.
        facility_id: FacilityId,
        /// The number.
        identifier: String,
        /// The patient.
        patient_id: PatientId,
        /// Normally confirmed.
        state: IdentifierState,
    },
    /// A report tells what became of a job or mail. One that comes before its job is known is kept for a day.
    Report {
        /// Provider job or Message-ID.
        job: String,
        /// The provider that proved to be the one that tells it, if it did: it reports on its own jobs only.
        route: Option<String>,
        /// Delivered, failed or unknown.
        state: DeliveryState,
        /// The report's words.
        detail: String,
    },
    /// 停止: nothing goes to this endpoint any more until the office has verified it anew. What waits for it
    /// is recalled.
    SuspendEndpoint {
        /// Which.
        endpoint_id: EndpointId,
        /// Why.
        why: SuspendReason,
    },
    /// A sheet that carries no post is planned. The same sheet that still waits there is not planned twice.
    OrderSheet(Box<NewSheet>),
    /// An endpoint is verified, set anew or gets another number.
    ChangeEndpoint {
        /// Which.
        endpoint_id: EndpointId,
        /// How.
        change: EndpointChange,
    },
    /// A 表紙 came back: what waited for it leaves now.
    ReleaseCovered {
        /// What waited.
        delivery_id: DeliveryId,
    },
    /// 担当終了: the facility is no member any more. Refused for the last one: then the group is closed.
    LeaveGroup {
        /// The group.
        group_id: GroupId,
        /// Who leaves.
        facility_id: FacilityId,
    },
    /// The facility takes its leaving back, within a day ([`crate::receipt::UNDO_SECONDS`]). Nothing happens later.
    ReturnToGroup {
        /// The group.
        group_id: GroupId,
        /// Who returns.
        facility_id: FacilityId,
    },
    /// 休止 begins or is planned. An earlier one of the same person, address or facility that overlaps it ends.
    BeginPause {
        /// The pause.
        pause: Box<Pause>,
        /// What waits for its end.
        moves: Vec<DigestMove>,
    },
    /// A pause ends. Nothing happens if it has ended.
    EndPause {
        /// Which.
        id: ChangeId,
        /// How.
        how: PauseEnd,
        /// What need not wait any longer.
        moves: Vec<DigestMove>,
    },
    /// How the network handles paper.
    SetPaper {
        /// 「このまま返送＝了解」 is printed on reply sheets and holds for those that it was printed on.
        untouched_acknowledges: bool,
        /// Most pages of one facility a day; what is urgent goes all the same.
        pages_a_day: u32,
        /// What a page costs, in hundredths of a yen.
        page_cost: u32,
    },
    /// A receipt of an act, printed on the next regular delivery to the endpoint.
    TellInNext {
        /// Key.
        id: ChangeId,
        /// Which endpoint.
        endpoint_id: EndpointId,
        /// One sentence without any patient's name.
        words: String,
    },
    /// A person turned the picture of a page that waits: from now on it is shown, kept and forwarded upright.
    /// The received file stays as it came; the blob is already stored.
    TurnPicture {
        /// Which picture of a page.
        attachment_id: AttachmentId,
        /// The picture that was turned, so that two persons do not turn it twice.
        from: ContentHash,
        /// The upright one.
        content_hash: ContentHash,
        /// Its size.
        size_bytes: u64,
    },
    /// A person has read a sheet: what the machine had read stays beside it, so that the reading can be
    /// checked and trained on real marks. A sheet counts once.
    CheckSheet(SheetCheck),
    /// A person acts on a delivery: retry, recall, or a phone task done.
    ChangeDelivery {
        /// Which.
        delivery_id: DeliveryId,
        /// What.
        change: DeliveryChange,
    },
}

/// Why an endpoint is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspendReason {
    /// 宛先違い: somebody else reads there, so every code that was sent there ends as well
    /// (care-network.md 8.8).
    WrongRecipient,
    /// A second mail in a row came back for good.
    Bounced,
    /// The provider says that nobody has this FAX number.
    NotInUse,
}

/// What a machine and what a person read on one sheet. The picture itself lies with the intake.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetCheck {
    /// The intake of the sheet.
    pub intake_id: IntakeId,
    /// Which Envelope of the intake, from 0.
    pub envelope_index: u32,
    /// The boxes as the machine read them.
    pub marks: Vec<Mark>,
    /// The boxes on which the machine would have acted alone; empty if it would not.
    pub said: Vec<String>,
    /// The boxes that the person found marked.
    pub decided: Vec<String>,
}

impl SheetCheck {
    /// Whether the machine would have acted and rightly so: `Some(false)` is a false reading, `None` says
    /// nothing about the machine.
    #[must_use]
    pub fn agrees(&self) -> Option<bool> {
        (!self.said.is_empty()).then(|| self.said == self.decided)
    }
}

/// What a person does to a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryChange {
    /// もう一度送る: due now, marked 再送の可能性 if it may have arrived.
    Retry,
    /// 取消 while still held.
    Recall,
    /// A phone task was done; who answered.
    Called {
        /// Name of the listener.
        listener: String,
    },
}

/// How a triage item ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriageOutcome {
    /// Placed in a group.
    Placed,
    /// What was asked for was done.
    Done,
    /// 差戻し.
    Returned,
    /// 破棄.
    Discarded,
    /// 隔離.
    Quarantined,
}

impl TriageOutcome {
    /// Database code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Done => "done",
            Self::Returned => "returned",
            Self::Discarded => "discarded",
            Self::Quarantined => "quarantined",
        }
    }
}

/// One post to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// Key, used if no open digest is joined.
    pub id: DeliveryId,
    /// To this endpoint.
    pub endpoint_id: EndpointId,
    /// Of this facility.
    pub facility_id: FacilityId,
    /// 経路.
    pub channel: Channel,
    /// The post.
    pub post_id: PostId,
    /// 即時便 or まとめ便.
    pub mode: DeliveryMode,
    /// Goes out at.
    pub due_at: UtcMicros,
    /// Code of the item.
    pub item_code: ReplyCode,
    /// Code of the delivery as a whole, used if no open digest is joined.
    pub delivery_code: ReplyCode,
    /// Both codes work until.
    pub code_expires_at: UtcMicros,
    /// Whether it is planned at all; the store tests it in the transaction that plans it.
    pub only_if: OnlyIf,
}

/// What must hold for a delivery to be planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnlyIf {
    /// Nothing: the endpoint is meant.
    Always,
    /// The topic of the post was written by the endpoint's facility or addressed to it: a hospital gets the
    /// answers to what it said or was asked, nothing else of the timeline.
    TopicConcernsIt,
    /// The facility has taken, or may have taken, what the post corrects: somebody calls it.
    TookCorrected,
}

/// A 了解 on its way to the author of the post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorNote {
    /// The post.
    pub post_id: PostId,
    /// Whose 了解.
    pub facility_id: FacilityId,
    /// Key of the delivery.
    pub delivery_id: DeliveryId,
    /// Goes out at.
    pub due_at: UtcMicros,
    /// Code of the item.
    pub item_code: ReplyCode,
    /// Code of the delivery.
    pub delivery_code: ReplyCode,
    /// Both codes work until.
    pub code_expires_at: UtcMicros,
}

/// The end of one attempt, recorded by the worker that holds the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptEnd {
    /// Which delivery.
    pub delivery_id: DeliveryId,
    /// Attempt number.
    pub attempt: u32,
    /// What happened.
    pub outcome: Outcome,
    /// State and next due time by the state machine and retry schedule.
    pub next_state: DeliveryState,
    /// When to try again; only with `held`.
    pub next_due_at: Option<UtcMicros>,
    /// Now.
    pub at: UtcMicros,
}
