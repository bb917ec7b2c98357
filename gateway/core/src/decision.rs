//! What ③ decides about one Envelope: where it goes and why. Decisions are values, kept with the
//! intake, so that every screen can say which rule decided and on which facts.

use crate::clock::UtcMicros;
use crate::commit::SheetAct;
use crate::facts::CodeItem;
use crate::ids::{DeliveryId, EndpointId, FacilityId, GroupId, PatientId, PostId, StaffId};
use crate::receipt::ReceiptOf;
use crate::vocabulary::{IdentityLevel, ReplyExpectation, Urgency};
use serde::{Deserialize, Serialize};

/// A decision with its grounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// What happens.
    pub decision: Decision,
    /// Name of the routing rule that decided; none for the built-in order.
    pub rule: Option<String>,
    /// Evidence for the sender's identity.
    pub identity_level: IdentityLevel,
    /// What was true, in the order in which it mattered, for the office (Japanese).
    pub grounds: Vec<String>,
}

/// What happens to one Envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Decision {
    /// 新規投稿, or a reply or correction found by event key.
    Post(Placement),
    /// 返信 under a topic.
    Reply(Answer),
    /// 了解 of a post.
    Acknowledge(Answer),
    /// 仕分け待ち.
    Triage {
        /// Why no machine may decide.
        reasons: Vec<TriageReason>,
        /// Where it could belong, best first.
        candidates: Vec<Candidate>,
    },
    /// 隔離.
    Quarantine {
        /// Why.
        reason: TriageReason,
        /// Whether the sender gets the uniform notice (never a machine, never twice).
        notice: bool,
    },
    /// 差戻し.
    Return {
        /// Which notice the sender gets.
        notice: Notice,
    },
    /// 破棄 with a reason.
    Discard {
        /// Why.
        reason: String,
    },
    /// The 返信票 of a まとめ便: answers to several posts on one page.
    Digest(DigestAnswer),
    /// A sheet that acts without a post: 番号確認票, 表紙.
    Sheet(SheetAct),
    /// A member asked for it in a word, with the evidence that the verb demands: done without a person.
    Request(Request),
    /// Recorded without a post: reports, status changes, machines.
    Record {
        /// What it was.
        what: String,
    },
}

/// Where a new post goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The group.
    pub group_id: GroupId,
    /// Posting facility.
    pub facility_id: FacilityId,
    /// Posting person, if known.
    pub staff_id: Option<StaffId>,
    /// Under this topic, else a topic of its own.
    pub under_topic: Option<PostId>,
    /// Replaces this post.
    pub corrects: Option<PostId>,
    /// 1, or one more for each correction.
    #[serde(default = "first_version")]
    pub version: u32,
    /// 緊急度.
    pub urgency: Urgency,
    /// 返信区分.
    pub expectation: ReplyExpectation,
    /// Who is asked for `expectation`; if neither this nor `asks` names anybody, every member is.
    pub addressees: Addressees,
    /// Further questions of the same post: one member may be asked to answer, another to acknowledge.
    /// `expectation` is the strongest of all.
    #[serde(default)]
    pub asks: Vec<Ask>,
    /// 期限 of what is asked.
    #[serde(default)]
    pub due_at: Option<UtcMicros>,
    /// 文書種別, if a rule says so.
    #[serde(default)]
    pub document_kind: Option<String>,
    /// The office calls the sender about it: a 退院の取消, a document of a wrong patient.
    #[serde(default)]
    pub office_calls: bool,
}

const fn first_version() -> u32 {
    1
}

impl Addressees {
    /// Whether nobody is named.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.facility_types.is_empty() && self.professions.is_empty() && self.facilities.is_empty()
    }
}

/// Something asked of some members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// What.
    pub expectation: ReplyExpectation,
    /// Of whom.
    pub addressees: Addressees,
}

/// Who is asked; everybody else shares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Addressees {
    /// Facilities of these types.
    pub facility_types: Vec<String>,
    /// Facilities with a person of these professions.
    pub professions: Vec<String>,
    /// These facilities.
    pub facilities: Vec<FacilityId>,
}

/// An answer by code or thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The group.
    pub group_id: GroupId,
    /// The post answered.
    pub post_id: PostId,
    /// Its topic.
    pub topic_id: PostId,
    /// Answering facility.
    pub facility_id: FacilityId,
    /// By this code.
    pub reply_code: Option<String>,
    /// The delivery whose code was used.
    #[serde(default)]
    pub delivery_id: Option<DeliveryId>,
    /// A reply sheet: the image is posted at once, its marks wait for the office.
    #[serde(default)]
    pub sheet_to_confirm: bool,
    /// A reply sheet that acts without a person: the boxes it acts on.
    #[serde(default)]
    pub sheet_says: Vec<String>,
    /// 了解状況希望 is marked: a 状況票 goes to this endpoint with its next regular delivery.
    #[serde(default)]
    pub status_to: Option<EndpointId>,
    /// The person whose name is marked beside the answer.
    #[serde(default)]
    pub staff_id: Option<StaffId>,
    /// 「このまま返送＝了解」 stands on the sheet and nothing is seen on it: whoever confirms it is offered 了解.
    #[serde(default)]
    pub untouched: bool,
}

/// The 返信票 of a まとめ便 that came back. Its picture shows the headings of several groups, so it is posted in
/// none of them; what it says is done line by line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestAnswer {
    /// Answering facility.
    pub facility_id: FacilityId,
    /// By this code.
    pub reply_code: String,
    /// The まとめ便.
    pub delivery_id: DeliveryId,
    /// What it carried, in printed order: line 1 first.
    pub items: Vec<CodeItem>,
    /// The boxes on which it acts without a person; empty if a person must look.
    pub says: Vec<String>,
    /// The person whose name is marked.
    pub staff_id: Option<StaffId>,
    /// As in [`Answer`], for all posts of this sheet.
    #[serde(default)]
    pub untouched: bool,
}

impl DigestAnswer {
    /// The answer to the post on this line, from 1.
    #[must_use]
    pub fn line(&self, number: u16) -> Option<Answer> {
        let item = self.items.get(usize::from(number).checked_sub(1)?)?;
        Some(Answer {
            group_id: item.group_id.clone(),
            post_id: item.post_id.clone(),
            topic_id: item.topic_id.clone(),
            facility_id: self.facility_id.clone(),
            reply_code: Some(self.reply_code.clone()),
            delivery_id: Some(self.delivery_id.clone()),
            sheet_to_confirm: false,
            sheet_says: Vec::new(),
            status_to: None,
            staff_id: self.staff_id.clone(),
            untouched: false,
        })
    }
}

/// What a member asked for in a word and may have without a person (care-network.md 6.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The group in which the code that proves it was given; none for the code of a 控え.
    pub group_id: Option<GroupId>,
    /// Who asks.
    pub facility_id: FacilityId,
    /// From here; the answer goes back here.
    pub endpoint_id: EndpointId,
    /// What.
    pub act: RequestedAct,
}

/// What is done for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum RequestedAct {
    /// 了解状況 of a post, told with the next regular delivery.
    SeeReceipts {
        /// The post.
        post_id: PostId,
    },
    /// 設定変更 of the endpoint itself, for a day to be undone.
    Preferences {
        /// Boxes of a 設定票 that mean the same ([`crate::paper_request::settings`]).
        wishes: Vec<String>,
    },
    /// 休止 of the endpoint, or of the person who writes.
    Pause {
        /// From.
        from: UtcMicros,
        /// The first moment after it.
        until: UtcMicros,
        /// 代理 as written.
        substitute: Option<String>,
    },
    /// 再開: the pause that runs or is to come ends.
    Resume,
    /// An act is taken back by the code of its 控え.
    TakeBack {
        /// Of what.
        receipt: ReceiptOf,
    },
    /// 担当終了, which the facility's manager confirms.
    AskLeave {
        /// The group.
        group_id: GroupId,
    },
    /// 担当終了, confirmed.
    Leave {
        /// The group.
        group_id: GroupId,
    },
}

/// Why a human must look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum TriageReason {
    /// No endpoint of the directory has this number or address.
    UnknownSender,
    /// The address belongs to several facilities.
    AmbiguousSender,
    /// The endpoint is not verified, stale or suspended.
    EndpointNotVerified,
    /// Nothing names a patient.
    NoPatientNamed,
    /// No patient of the sender fits.
    NoCandidate,
    /// Exactly one fits by name and birth date: one click places it.
    OneCandidate,
    /// Several fit.
    SeveralCandidates,
    /// The number is known, name or birth date contradict.
    IdentityConflict,
    /// The patient has no group.
    NoGroup,
    /// The sender is no member of the group.
    NotAMember,
    /// The consent does not cover the sender.
    NotConsented,
    /// The group is frozen or closed.
    GroupNotOpen,
    /// The code is not one of ours.
    CodeUnknown,
    /// The code's time is over.
    CodeExpired,
    /// The code was revoked.
    CodeRevoked,
    /// The code belongs to another facility.
    CodeFromElsewhere,
    /// A code of a whole digest: which item is meant?
    WhichItem,
    /// A reply sheet: a person reads the marks.
    SheetToConfirm,
    /// A page is damaged.
    DamagedPage,
    /// Two or more patients in one message.
    SeveralPatients,
    /// Two records are to be merged.
    MergeRequested,
    /// The patient died: no text by machine.
    DeathNotice,
    /// The document is not final or confidential.
    NotReleased,
    /// Could not be read.
    Unreadable {
        /// Code of the reader.
        code: String,
    },
    /// A routing rule says so.
    Rule {
        /// Its words.
        text: String,
    },
    /// The sender could not be proved, or its domain denies the mail.
    NotAuthentic,
    /// A registered machine tells a group something, such as a sensor at the bed: a person decides.
    MachineNotice,
    /// Asks for something that only the office may do by phone.
    PhoneOnly,
    /// 電話依頼: was sent back with the request to phone, and somebody must see that the call happens.
    PhoneTask,
    /// Takes back something of a stay, and which stay or whether it is news cannot be told from it.
    WhichStay,
    /// Was posted, and the office must call the sender about it.
    CallSender,
    /// Something that changes how the facility takes part: 休止, 了解状況, 担当終了, 設定変更.
    Requested {
        /// Code of the intent (care-network.md 6.2).
        verb: String,
        /// Whether the evidence is what the verb demands; otherwise the office calls back first (I3).
        proved: bool,
    },
    /// Mails to this address came back for good, for the second time: it was suspended.
    EndpointUnreachable {
        /// The endpoint.
        endpoint_id: EndpointId,
        /// The facility's name.
        facility: String,
    },
    /// 宛先違い is marked on a sheet: the endpoint was stopped at once, and somebody must call.
    WrongRecipient {
        /// The endpoint.
        endpoint_id: EndpointId,
        /// The facility that it is registered for.
        facility: String,
    },
    /// A 連絡票 of a member: which group?
    NewTopic,
    /// A file came locked; its password may come in another mail of the same sender.
    EncryptedFile,
    /// Tells the password of a file that came in another mail.
    PasswordMail,
    /// The sender's program asks to take back a mail: a person asks the sender.
    RecallWanted,
}

impl TriageReason {
    /// Code used in JSON, audit and statistics; the same as the serialised `reason`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownSender => "unknown_sender",
            Self::AmbiguousSender => "ambiguous_sender",
            Self::EndpointNotVerified => "endpoint_not_verified",
            Self::NoPatientNamed => "no_patient_named",
            Self::NoCandidate => "no_candidate",
            Self::OneCandidate => "one_candidate",
            Self::SeveralCandidates => "several_candidates",
            Self::IdentityConflict => "identity_conflict",
            Self::NoGroup => "no_group",
            Self::NotAMember => "not_a_member",
            Self::NotConsented => "not_consented",
            Self::GroupNotOpen => "group_not_open",
            Self::CodeUnknown => "code_unknown",
            Self::CodeExpired => "code_expired",
            Self::CodeRevoked => "code_revoked",
            Self::CodeFromElsewhere => "code_from_elsewhere",
            Self::WhichItem => "which_item",
            Self::SheetToConfirm => "sheet_to_confirm",
            Self::DamagedPage => "damaged_page",
            Self::SeveralPatients => "several_patients",
            Self::MergeRequested => "merge_requested",
            Self::DeathNotice => "death_notice",
            Self::NotReleased => "not_released",
            Self::Unreadable { .. } => "unreadable",
            Self::Rule { .. } => "rule",
            Self::NotAuthentic => "not_authentic",
            Self::MachineNotice => "machine_notice",
            Self::PhoneOnly => "phone_only",
            Self::PhoneTask => "phone_task",
            Self::WhichStay => "which_stay",
            Self::CallSender => "call_sender",
            Self::Requested { .. } => "requested",
            Self::EndpointUnreachable { .. } => "endpoint_unreachable",
            Self::WrongRecipient { .. } => "wrong_recipient",
            Self::NewTopic => "new_topic",
            Self::EncryptedFile => "encrypted_file",
            Self::PasswordMail => "password_mail",
            Self::RecallWanted => "recall_wanted",
        }
    }
}

/// Where an item could belong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The patient.
    pub patient_id: PatientId,
    /// The group, if there is one.
    pub group_id: Option<GroupId>,
    /// The topic or post, where a code or thread names one.
    pub post_id: Option<PostId>,
    /// Reasons for (○), Japanese.
    pub reasons_for: Vec<String>,
    /// Reasons against (✕), Japanese.
    pub reasons_against: Vec<String>,
    /// Why it may not be placed here, if so.
    pub blocked: Option<TriageReason>,
}

/// A notice that tells the sender nothing about any patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// 「お受け取りできませんでした」: the same words for every wrong, expired or foreign code.
    Uniform,
    /// 「電話でお願いします」.
    PhonePlease,
    /// 「大きすぎます」.
    TooLarge,
    /// 「添付の一部はお届けしていません」: programs and macros stay in quarantine.
    FilesWithheld,
    /// 「写真の形式が未対応です」: HEIC cannot be cleaned of its position here.
    PhotoUnsupported,
}

/// What the routing rules said about one Envelope: the first rule that matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleVerdict {
    /// Its name.
    pub rule: String,
    /// What it wants.
    pub then: Then,
    /// The values that matched, Japanese, for the office.
    pub values: Vec<String>,
}

/// What a routing rule wants. It can choose words, urgency and addressees and can stop a message; it
/// can never make a patient surer than the identity rules do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Then {
    /// Post to the matched group.
    Post {
        /// 緊急度 instead of the stated one.
        #[serde(default)]
        urgency: Option<Urgency>,
        /// 返信区分 instead of the stated one.
        #[serde(default)]
        expectation: Option<ReplyExpectation>,
        /// Who is asked for it.
        #[serde(default)]
        addressees: Addressees,
        /// Further questions.
        #[serde(default)]
        asks: Vec<Ask>,
        /// 文書種別.
        #[serde(default)]
        document_kind: Option<String>,
    },
    /// 仕分け待ち.
    Triage {
        /// Why.
        text: String,
    },
    /// 差戻し.
    Return {
        /// With these words.
        notice: Notice,
    },
    /// 隔離.
    Quarantine {
        /// Why.
        text: String,
    },
    /// 破棄.
    Discard {
        /// Why.
        text: String,
    },
}
