//! What pages and the command line read: rows joined into the shapes that a screen shows. Values
//! only; rights are checked by the handle that returned them.

mod fax;

pub use fax::{CheckedSheet, FaxIn, FaxNumber, FaxOut, FaxRoute, NumberChange, PaperSettings};

use kakehashi_core::clock::UtcMicros;
use kakehashi_core::decision::{Candidate, Decided, TriageReason};
use kakehashi_core::directory::{Endpoint, Facility, Patient, PatientGroup, StaffMember};
use kakehashi_core::envelope::{ContentHash, Envelope};
use kakehashi_core::facts::CodeEntry;
use kakehashi_core::ids::{
    DeliveryId, EndpointId, FacilityId, GroupId, IntakeId, LoginUserId, PostId, StaffId, TriageId,
};
use kakehashi_core::pause::Pause;
use kakehashi_core::port::Origin;
use kakehashi_core::post::{Acknowledgement, Post, StoredAttachment};
use kakehashi_core::vocabulary::{
    Channel, DeliveryMode, DeliveryState, Format, IntakeState, Locale, ReplyExpectation, Role, Urgency,
};
use serde::Serialize;

/// A group in the list, seen by one facility or by the office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupSummary {
    /// The group.
    pub group: PatientGroup,
    /// Its patient.
    pub patient: Patient,
    /// Posts that this login user has not seen.
    pub unread_count: u32,
    /// Newest topic's title.
    pub latest_title: Option<String>,
    /// When something was posted last.
    pub latest_at: Option<UtcMicros>,
    /// Highest urgency among topics with open requests.
    pub urgency: Urgency,
    /// 了解 and replies given, over all open topics.
    pub answered_count: u32,
    /// 了解 and replies asked, over all open topics.
    pub asked_count: u32,
    /// What is asked of the viewing facility, soonest due first.
    pub requests: Vec<Request>,
}

/// Something asked of a facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// At this post.
    pub post_id: PostId,
    /// Its topic.
    pub topic_id: PostId,
    /// In this group.
    pub group_id: GroupId,
    /// Title of the topic.
    pub title: Option<String>,
    /// How urgent.
    pub urgency: Urgency,
    /// 了解, reply or call.
    pub expectation: ReplyExpectation,
    /// Until.
    pub due_at: Option<UtcMicros>,
}

/// One patient group's timeline, newest topic first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// The group.
    pub group: PatientGroup,
    /// Its patient.
    pub patient: Patient,
    /// Members with their rosters.
    pub members: Vec<MemberRow>,
    /// Hospitals and others outside the group that can be written to.
    pub correspondents: Vec<MemberRow>,
    /// Topics of this page.
    pub topics: Vec<TopicView>,
    /// Key for the next, older page.
    pub older: Option<PostId>,
}

/// A member as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberRow {
    /// The facility.
    pub facility: Facility,
    /// Its roster without leavers.
    pub staff: Vec<StaffMember>,
    /// Channels on which it receives.
    pub channels: Vec<Channel>,
    /// 休止, running or to come.
    pub pauses: Vec<Pause>,
}

/// A topic with everything under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopicView {
    /// The topic itself, oldest version.
    pub topic: PostView,
    /// Corrections of the topic, oldest first.
    pub corrections: Vec<PostView>,
    /// Replies (with their corrections), oldest first.
    pub replies: Vec<PostView>,
}

/// A post with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PostView {
    /// The post.
    pub post: Post,
    /// Name of the posting facility.
    pub facility_name: String,
    /// Name of the posting person.
    pub staff_name: Option<String>,
    /// Its attachments in order.
    pub attachments: Vec<StoredAttachment>,
    /// Per member: asked, 了解, reply and delivery. Two facts, never merged.
    pub receipts: Vec<Receipt>,
    /// Whether this login user has seen it.
    pub read: bool,
}

/// What became of a post at one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The member.
    pub facility_id: FacilityId,
    /// Its name.
    pub facility_name: String,
    /// What is asked of it; `none` for those who only share.
    pub asked: ReplyExpectation,
    /// 了解, if any.
    pub acknowledgement: Option<Acknowledgement>,
    /// Name of the person who acknowledged.
    pub acknowledged_by: Option<String>,
    /// When it replied, if it did.
    pub replied_at: Option<UtcMicros>,
    /// Its deliveries, oldest first.
    pub deliveries: Vec<ReceiptDelivery>,
}

/// A delivery as shown beside a member's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceiptDelivery {
    /// Key.
    pub delivery_id: DeliveryId,
    /// 経路.
    pub channel: Channel,
    /// 即時便 or まとめ便.
    pub mode: DeliveryMode,
    /// State.
    pub state: DeliveryState,
    /// When it goes out or goes out again.
    pub due_at: UtcMicros,
    /// When the state was reached.
    pub state_at: UtcMicros,
    /// It may have been delivered twice.
    pub resend_possible: bool,
}

/// Which messages of hospitals are looked for. Empty values ask nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageFilter {
    /// MSH-10.
    pub control_id: Option<String>,
    /// A number of the patient as the hospital writes it.
    pub patient: Option<String>,
    /// `ADT` or `ADT^A03`.
    pub kind: Option<String>,
    /// Name of the interface.
    pub interface: Option<String>,
    /// Received at or after.
    pub from: UtcMicros,
    /// Received before.
    pub until: UtcMicros,
}

/// A message of a hospital, as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessageRow {
    /// The intake.
    pub id: IntakeId,
    /// When its first byte came.
    pub received_at: UtcMicros,
    /// What became of it.
    pub state: IntakeState,
    /// MSH-10.
    pub control_id: Option<String>,
    /// `ADT^A03`.
    pub kind: Option<String>,
    /// The first numbers of its patients.
    pub patients: Vec<String>,
    /// Interface.
    pub interface: Option<String>,
    /// What was answered.
    pub answer: Option<String>,
}

/// An HL7 interface in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct InterfaceRow {
    /// Its name.
    pub name: String,
    /// The hospital, if the directory knows the interface.
    pub facility_name: Option<String>,
    /// Whether notes go back by it.
    pub receives: bool,
    /// Messages since the time asked for.
    pub message_count: u64,
    /// Of these, answered with AE, AR, CE or CR.
    pub fault_count: u64,
    /// The newest of them.
    pub last_at: Option<UtcMicros>,
    /// Notes that wait to go back.
    pub waiting_count: u64,
    /// Since when the oldest of them waits.
    pub waiting_since: Option<UtcMicros>,
    /// 不達 and 送達不明 that a person must look at.
    pub failed_count: u64,
    /// Application answers that the sender's listener refused or does not take.
    pub answers: Vec<UntakenAnswer>,
}

/// An application answer (hl7.md 3.1) that did not reach the sender's listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UntakenAnswer {
    /// The message that it answers.
    pub intake_id: IntakeId,
    /// Since when it is owed.
    pub owed_at: UtcMicros,
    /// How often it was offered.
    pub attempts: u32,
    /// In the words of the listener; none where it never answered.
    pub refusal: Option<String>,
}

/// An item in triage or quarantine, as listed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TriageRow {
    /// Key.
    pub id: TriageId,
    /// The intake.
    pub intake_id: IntakeId,
    /// The way it came.
    pub channel: Channel,
    /// Sender as well as it is known: facility name, number or address.
    pub sender: String,
    /// Title, if any.
    pub title: Option<String>,
    /// Why.
    pub reasons: Vec<TriageReason>,
    /// In quarantine.
    pub quarantined: bool,
    /// When it arrived.
    pub received_at: UtcMicros,
    /// Number of candidates.
    pub candidate_count: u32,
}

/// An item in triage with everything beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TriageItem {
    /// As listed.
    pub row: TriageRow,
    /// Which Envelope of the intake.
    pub envelope_index: u32,
    /// As read; none if unreadable.
    pub envelope: Option<Envelope>,
    /// Pages and files.
    pub attachments: Vec<StoredAttachment>,
    /// Where it could belong, best first.
    pub candidates: Vec<TriageCandidate>,
    /// The sender's facility, if the endpoint is known.
    pub sender_facility: Option<Facility>,
    /// Open or how it ended.
    pub closed: Option<TriageClosed>,
    /// The decision that brought it here.
    pub decided: Option<Decided>,
    /// For a locked file the mails that may tell its password, and the other way round: open items of the
    /// same sender, newest first.
    pub companions: Vec<TriageRow>,
    /// Other FAX of the same number that wait: perhaps pages of the same document.
    pub joinable: Vec<TriageRow>,
}

/// A candidate with the names that the page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TriageCandidate {
    /// With reasons.
    pub candidate: Candidate,
    /// The patient.
    pub patient: Patient,
    /// The group.
    pub group: Option<PatientGroup>,
    /// Title of the topic, where the candidate names a post.
    pub topic_title: Option<String>,
}

/// How an item ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TriageClosed {
    /// Code of the outcome.
    pub outcome: String,
    /// When.
    pub at: UtcMicros,
    /// By whom.
    pub by: String,
    /// Words.
    pub note: Option<String>,
}

/// What the outbox shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxFilter {
    /// 不達, 送達不明 and overdue phone tasks: somebody must act.
    NeedsAction,
    /// 送信待機.
    Held,
    /// 受渡し済.
    HandedOff,
    /// 送達 and 取消.
    Done,
}

/// A delivery in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutboxRow {
    /// Key.
    pub id: DeliveryId,
    /// To.
    pub facility_name: String,
    /// 経路.
    pub channel: Channel,
    /// Number or address, as folded.
    pub address: String,
    /// 即時便 or まとめ便.
    pub mode: DeliveryMode,
    /// State.
    pub state: DeliveryState,
    /// When due.
    pub due_at: UtcMicros,
    /// When the state was reached.
    pub state_at: UtcMicros,
    /// Attempts so far.
    pub attempt_count: u32,
    /// Words of the last attempt or report.
    pub last_detail: Option<String>,
    /// It may have been delivered before.
    pub resend_possible: bool,
    /// Telephone of the facility, as written.
    pub phone: Option<String>,
    /// Group aliases and titles, one per item; empty for notices.
    pub items: Vec<OutboxItem>,
}

/// An item of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutboxItem {
    /// The group.
    pub group_id: GroupId,
    /// グループ呼称.
    pub group_alias: String,
    /// Title of the topic.
    pub title: Option<String>,
    /// The topic.
    pub topic_id: PostId,
    /// The post itself.
    pub post_id: PostId,
}

/// An intake as the office sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IntakeView {
    /// Key.
    pub id: IntakeId,
    /// 経路.
    pub channel: Channel,
    /// What the source took it for.
    pub format: Format,
    /// When it arrived.
    pub received_at: UtcMicros,
    /// Size of the raw bytes.
    pub size_bytes: u64,
    /// Hash of the raw bytes.
    pub content_hash: ContentHash,
    /// MSH-10 or Message-ID.
    pub sender_message_id: Option<String>,
    /// What the source knew.
    pub origin: Origin,
    /// What became of it.
    pub state: IntakeState,
    /// As read.
    pub envelopes: Vec<Envelope>,
    /// Why, one per Envelope.
    pub decided: Vec<Decided>,
    /// Posts made of it.
    pub posts: Vec<(GroupId, PostId)>,
    /// Its open or closed triage items.
    pub triage: Vec<TriageId>,
}

/// An intake in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IntakeRow {
    /// Key.
    pub id: IntakeId,
    /// 経路, as read; before that the way it came.
    pub channel: Channel,
    /// When it arrived.
    pub received_at: UtcMicros,
    /// MSH-10 or Message-ID.
    pub sender_message_id: Option<String>,
    /// What became of it.
    pub state: IntakeState,
    /// Rule that decided, if one did.
    pub rule: Option<String>,
}

/// A facility with its endpoints and people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FacilityCard {
    /// The facility.
    pub facility: Facility,
    /// Name of its type, Japanese and English.
    pub facility_type_name: (String, String),
    /// Endpoints in every state.
    pub endpoints: Vec<Endpoint>,
    /// Roster without leavers.
    pub staff: Vec<StaffMember>,
    /// Groups it is in.
    pub group_count: u32,
    /// 休止, running or to come.
    pub pauses: Vec<Pause>,
}

/// How often a rule decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleHits {
    /// The rule.
    pub rule: String,
    /// Times in the last 30 days.
    pub hit_count: u64,
    /// Last time.
    pub last_at: UtcMicros,
}

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoginUser {
    /// Key.
    pub id: LoginUserId,
    /// Name typed at login.
    pub login_name: String,
    /// Facility.
    pub facility_id: FacilityId,
    /// Its name.
    pub facility_name: String,
    /// Line of the roster.
    pub staff_id: Option<StaffId>,
    /// Shown name.
    pub display_name: String,
    /// Right.
    pub role: Role,
    /// Language.
    pub locale: Locale,
    /// Argon2 hash in PHC form.
    #[serde(skip)]
    pub password_hash: String,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub login_user: LoginUser,
    /// Token against cross-site requests, bound to the session.
    pub csrf_token: String,
    /// Until.
    pub expires_at: UtcMicros,
}

/// What the page behind a reply code shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodePage {
    /// The code's row.
    pub entry: CodeEntry,
    /// Endpoint it was sent to.
    pub endpoint: Endpoint,
    /// Facility it was sent to.
    pub facility: Facility,
    /// Its roster without leavers.
    pub staff: Vec<StaffMember>,
    /// グループ呼称 of the item's group.
    pub group_alias: Option<String>,
    /// The post, for codes of an item.
    pub post: Option<Post>,
    /// 了解 of this facility, if it has given one.
    pub acknowledged_at: Option<UtcMicros>,
}

/// Something changed; carries ids only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// A new intake is durable.
    Intake,
    /// A delivery became due or changed.
    Delivery,
    /// A group has something new.
    Group(GroupId),
    /// Triage changed.
    Triage,
}

/// Figures for `/metrics` and the office.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Intakes not yet settled.
    pub intakes_waiting: u64,
    /// Items in triage.
    pub triage_open: u64,
    /// Age of the oldest item in triage, seconds.
    pub triage_oldest_seconds: u64,
    /// Deliveries on hold whose time has come.
    pub deliveries_due: u64,
    /// Deliveries failed or unknown.
    pub deliveries_need_action: u64,
}

/// What is needed to make or change an endpoint from directory files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointOwner {
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// Its facility.
    pub facility_id: FacilityId,
}
