//! What a decision may know besides the Envelope: the sender's directory entry, the reply code's row,
//! the group that was addressed, and the patients that could be meant. [`FactQuery`] says what to look
//! up, the store answers with [`Facts`], so that `decide` stays pure and can be run again.

use crate::clock::UtcMicros;
use crate::directory::{Endpoint, Facility, Network, Patient, PatientGroup};
use crate::envelope::{Envelope, Event, Identifier, ReportOutcome};
use crate::ids::{DeliveryId, EndpointId, FacilityId, GroupId, PatientId, PostId, StaffId};
use crate::port::Origin;
use crate::post::Post;
use crate::sheet_order::SheetOrder;
use crate::text::fold::fold_name;
use crate::vocabulary::{Channel, EndpointState, Intent, Urgency};
use serde::{Deserialize, Serialize};

/// What to look up for one Envelope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FactQuery {
    /// Channel of the sender's endpoint.
    pub channel: Option<Channel>,
    /// Endpoint that the source proved.
    pub endpoint: Option<EndpointId>,
    /// Folded address, number or interface of the sender.
    pub sender_address: Option<String>,
    /// Canonical reply code.
    pub reply_code: Option<String>,
    /// Mail recipients: group addresses among them.
    pub recipients: Vec<String>,
    /// Group alias as written.
    pub group_alias: Option<String>,
    /// Message-IDs of the thread, nearest first.
    pub in_reply_to: Vec<String>,
    /// Identifiers of the patient.
    pub identifiers: Vec<Identifier>,
    /// Folded names of the patient, kanji and kana.
    pub folded_names: Vec<String>,
    /// Birth date.
    pub birth_date: Option<String>,
    /// Event key of this message and of what it corrects, and the stay it belongs to.
    pub event_keys: Vec<String>,
    /// Whether the patient's stays in the sender's house matter: for what happens in one, and for documents.
    pub stays: bool,
    /// Message-ID or return path of a mail of ours that came back for good.
    pub bounced: Option<String>,
    /// TXA-12 of a document that is a draft.
    pub draft: Option<String>,
}

impl FactQuery {
    /// What decides about this Envelope.
    #[must_use]
    pub fn of(envelope: &Envelope, origin: &Origin) -> Self {
        let sender_address = match envelope.channel {
            Channel::Fax | Channel::PhoneMemo => envelope.sender.number.clone(),
            Channel::Hl7 => origin.interface.clone().or_else(|| envelope.sender.facility.clone()),
            Channel::Mqtt => origin.interface.clone(),
            Channel::Email | Channel::Notebook => {
                envelope.sender.address.as_deref().map(str::to_ascii_lowercase)
            }
            Channel::Api | Channel::Web => None,
        };
        let names = envelope.patient.names.iter();
        let mut folded_names: Vec<String> = names
            .flat_map(|n| std::iter::once(fold_name(&n.text)).chain(n.kana.as_deref().map(fold_name)))
            .filter(|n| !n.is_empty())
            .collect();
        folded_names.sort();
        folded_names.dedup();
        let event_keys = envelope.event.as_ref().map(event_keys).unwrap_or_default();
        // A merge speaks of two records; the office must see both.
        let mut identifiers = envelope.patient.identifiers.clone();
        identifiers.extend(envelope.event.iter().flat_map(|e| e.retired.iter().cloned()));
        Self {
            channel: Some(envelope.channel),
            endpoint: origin.endpoint.clone(),
            sender_address,
            reply_code: envelope.reply_code.clone(),
            recipients: origin.rcpt_to.iter().map(|r| r.to_ascii_lowercase()).collect(),
            group_alias: envelope.patient.group_alias.clone(),
            in_reply_to: envelope.in_reply_to.clone(),
            identifiers,
            folded_names,
            birth_date: envelope.patient.birth_date.clone(),
            event_keys,
            stays: envelope.event.as_ref().is_some_and(concerns_a_stay),
            bounced: hard_bounce(envelope),
            draft: envelope.draft_document().map(str::to_owned),
        }
    }
}

/// What a returned mail says to be dead, if it says so.
fn hard_bounce(envelope: &Envelope) -> Option<String> {
    let report = envelope.report.as_ref()?;
    let hard = envelope.channel == Channel::Email
        && envelope.intent == Intent::DeliveryReport
        && report.outcome == ReportOutcome::Failed
        && crate::bounce::is_hard(report.status.as_deref().unwrap_or(""));
    report.original.clone().filter(|_| hard)
}

fn concerns_a_stay(event: &Event) -> bool {
    matches!(event.kind.as_deref(), Some("ADT" | "MDM" | "Bundle"))
}

/// Keys under which earlier posts of the same happening can be found: its own, what it corrects, the
/// document it adds to, and admission, discharge and their cancellations of the same stay.
fn event_keys(event: &Event) -> Vec<String> {
    let document = event.parent_document.as_ref().map(|d| format!("document:{d}"));
    let mut keys: Vec<String> =
        [event.key.clone(), event.corrects.clone(), document].into_iter().flatten().collect();
    // However many stays the patient had since.
    if event.visit.is_some() {
        for trigger in ["A01", "A03", "A11", "A13"] {
            keys.extend(event.stay_keys(trigger));
        }
    }
    if let Some((stay, trigger)) = event.key.as_deref().and_then(|k| k.rsplit_once(':'))
        && stay.starts_with("stay:")
    {
        keys.extend(crate::envelope::cancelled_by(trigger).map(|cancel| format!("{stay}:{cancel}")));
    }
    if let Some(key) = event.key.as_deref().filter(|k| k.starts_with("doctor:")) {
        keys.extend(crate::envelope::cancelled_by("A54").map(|cancel| format!("{key}:{cancel}")));
    }
    keys.sort();
    keys.dedup();
    keys
}

/// What the directory says about one Envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The network.
    pub network: Network,
    /// The sender, if its address belongs to exactly one endpoint.
    pub sender: Option<SenderFacts>,
    /// The reply code's row.
    pub code: CodeFacts,
    /// A post of ours that the mail's thread ids name.
    pub thread: Option<CodeEntry>,
    /// The group whose address or alias was used.
    pub addressed_group: Option<GroupFacts>,
    /// Patients that could be meant.
    pub candidates: Vec<PatientCandidate>,
    /// Earlier posts of the sender's facility with one of the event keys, and where [`FactQuery::stays`] those of
    /// the stays of the patient whose number is confirmed; newest first.
    pub earlier_posts: Vec<EarlierPost>,
    /// What the sender has told of stays under this patient's number, newest first, posted or not.
    pub heard: Vec<Heard>,
    /// The endpoint to which a mail of ours bounced hard.
    pub bounced: Option<BouncedEndpoint>,
    /// How far the network trusts its reading of paper.
    pub paper: PaperTrust,
    /// For a FAX without a code: what lately went to that number, newest first, each with its time. Offered
    /// to the office, never attached by itself (fax-loop.md 7).
    pub open_deliveries: Vec<(CodeItem, UtcMicros)>,
    /// The sender has said meanwhile that this document is final (an MDM^T03 of the same interface).
    pub made_final: bool,
}

/// An endpoint from which a mail came back for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BouncedEndpoint {
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// How it stands now.
    pub state: EndpointState,
    /// Name of its facility.
    pub facility: String,
    /// Other deliveries to it that bounced hard lately ([`crate::bounce::COUNTS_FOR_SECONDS`]).
    pub hard_before: u32,
}

/// 試行: until enough sheets were read as a person read them, every 了解 from paper is confirmed by a
/// person. One false reading begins the count anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PaperTrust {
    /// Sheets in a row on which machine and person agreed.
    pub agreed: u32,
    /// So many are needed; 0 has never been set, and then nothing is trusted.
    pub needed: u32,
    /// 「このまま返送＝了解」 is switched on in this network.
    pub untouched_acknowledges: bool,
}

impl PaperTrust {
    /// Whether a sheet may act without a person.
    #[must_use]
    pub const fn is_earned(self) -> bool {
        self.needed > 0 && self.agreed >= self.needed
    }
}

/// The sender's directory entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderFacts {
    /// The endpoint that was used.
    pub endpoint: Endpoint,
    /// Its facility.
    pub facility: Facility,
}

/// What is known of a reply code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeFacts {
    /// None was given.
    Absent,
    /// Well-formed, but not one of ours.
    Unknown,
    /// Ours.
    Known(Box<CodeEntry>),
}

/// A reply code's row with what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeEntry {
    /// The code, canonical.
    pub code: String,
    /// The delivery it was printed on.
    pub delivery_id: DeliveryId,
    /// The item; none for the code of a whole digest.
    pub post_id: Option<PostId>,
    /// The item's topic.
    pub topic_id: Option<PostId>,
    /// The item's group.
    pub group_id: Option<GroupId>,
    /// Facility that received it.
    pub facility_id: FacilityId,
    /// Endpoint that received it.
    pub endpoint_id: EndpointId,
    /// Works until.
    pub expires_at: UtcMicros,
    /// Revoked, if so.
    pub revoked_at: Option<UtcMicros>,
    /// Whether the facility is still a member of an open group with consent.
    pub membership_stands: bool,
    /// What the delivery carried, in printed order: one item for an item's own code, all of them for
    /// the code of a whole digest.
    #[serde(default)]
    pub items: Vec<CodeItem>,
    /// It went out several times, and not every time with the same items: the printed numbers do not tell
    /// surely which item is meant.
    #[serde(default)]
    pub lines_moved: bool,
    /// The sheet that the code was printed on, if it carries no post.
    #[serde(default)]
    pub sheet: Option<SheetOrder>,
    /// 「このまま返送＝了解」 was printed beside the code.
    #[serde(default)]
    pub untouched_acknowledges: bool,
    /// The people whose names were printed beside boxes, in their order.
    #[serde(default)]
    pub printed_staff: Vec<StaffId>,
    /// Name of the facility that received it.
    #[serde(default)]
    pub facility_name: String,
}

/// One post that a delivery carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeItem {
    /// The post.
    pub post_id: PostId,
    /// Its topic.
    pub topic_id: PostId,
    /// Its group.
    pub group_id: GroupId,
    /// The group's patient.
    pub patient_id: PatientId,
}

/// A group as far as a decision needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFacts {
    /// The group.
    pub group: PatientGroup,
    /// Whether the sender's facility is a member today.
    pub sender_is_member: bool,
    /// Whether the consent covers the sender's facility today.
    pub consent_covers_sender: bool,
}

/// How the directory knows an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierState {
    /// Seen, not yet confirmed by a person.
    Candidate,
    /// Confirmed by a person.
    Confirmed,
    /// Merged into another number.
    Alias,
    /// No longer used.
    Retired,
}

impl IdentifierState {
    /// Database code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Confirmed => "confirmed",
            Self::Alias => "alias",
            Self::Retired => "retired",
        }
    }

    /// From the code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "candidate" => Some(Self::Candidate),
            "confirmed" => Some(Self::Confirmed),
            "alias" => Some(Self::Alias),
            "retired" => Some(Self::Retired),
            _ => None,
        }
    }
}

/// A patient that could be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientCandidate {
    /// The patient.
    pub patient: Patient,
    /// The sender facility's identifier that led here, with its state.
    pub identifier: Option<(String, IdentifierState)>,
    /// The patient's group.
    pub group: Option<GroupFacts>,
}

/// An earlier post of a happening that the sender has told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierPost {
    /// The post.
    pub post_id: PostId,
    /// Its topic.
    pub topic_id: PostId,
    /// Its group.
    pub group_id: GroupId,
    /// Its key.
    pub event_key: String,
    /// [`crate::post::print_of`] of the post, to tell a repetition from a change.
    pub body: String,
    /// 緊急度 with which it was posted: the correction of a critical value is as urgent as the value.
    pub urgency: Urgency,
    /// The post that it corrects.
    pub corrects: Option<PostId>,
    /// 1, and one more for each correction.
    pub version: u32,
    /// What the message behind it told; only where a stay, a doctor or allergies are asked for.
    pub event: Option<Event>,
}

impl EarlierPost {
    /// The post that was made of a message a moment ago; none if it is of no happening.
    #[must_use]
    pub fn of(post: &Post, envelope: &Envelope) -> Option<Self> {
        Some(Self {
            post_id: post.id.clone(),
            topic_id: post.topic_id.clone(),
            group_id: post.group_id.clone(),
            event_key: post.event_key.clone()?,
            body: crate::placement::print_of(envelope),
            urgency: post.urgency,
            corrects: post.corrects.clone(),
            version: post.version,
            event: envelope.event.clone(),
        })
    }

    /// Whether it opened its topic.
    #[must_use]
    pub fn is_topic(&self) -> bool {
        self.post_id == self.topic_id
    }

    /// The doctor in charge, as the message named him.
    #[must_use]
    pub fn attending(&self) -> Option<&str> {
        self.event.as_ref()?.visit.as_ref()?.attending.as_deref()
    }
}

/// A message about a stay that was taken earlier, whatever was decided about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// What it told.
    pub event: Event,
    /// It went to the office; otherwise it was posted, or recorded because it said nothing new.
    pub to_the_office: bool,
    /// It waits there still.
    pub waits: bool,
}
