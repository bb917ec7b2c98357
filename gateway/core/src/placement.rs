//! From a decision to what is written: the post with its deliveries, the 了解, the triage item, the
//! notice. Builders only: what is decided is decided in `decide` or by a person, and nothing is added to
//! the sender's words but a heading where there is none.

mod by_hand;
mod by_request;
mod digest;

pub use digest::{DigestConfirmation, confirm_digest};

pub use by_hand::{
    Blocked, GiveBack, HandPlacement, ReturnedSheet, SheetConfirmation, Transcript, confirm_sheet, give_back,
    place_by_hand,
};
pub use by_request::change_settings;

use crate::clock::UtcMicros;
use crate::commit::{Effect, EndpointChange, NewSheet, SheetAct, SuspendReason};
use crate::decide::{doubt, may_notify};
use crate::decision::{Answer, Candidate, Decided, Decision, Notice, Placement, TriageReason};
use crate::directory::{Endpoint, GroupRoster, Member, StaffMember};
use crate::envelope::{Envelope, ReportOutcome};
use crate::fan_out::{acknowledge, publish, resolve_asks};
use crate::ids::{AttachmentId, DeliveryId, EndpointId, FacilityId, IntakeId, PostId, TriageId};
use crate::liaison::{self, LiaisonDeadline};
use crate::post::{Acknowledgement, Addressee, Post, PostKind};
use crate::sheet_order::SheetOrder;
use crate::text::fold::fold_name;
use crate::text::{clean, clean_line};
use crate::vocabulary::{
    AttachmentRole, Channel, DeliveryState, GroupState, IdentityLevel, Intent, ReplyExpectation, Urgency,
};

/// Longest heading, in characters.
const TITLE_CHARS: usize = 120;
/// Longest text of a post, in characters; the received file has all of it.
const BODY_CHARS: usize = 100_000;

/// One Envelope with its decision.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// The intake it was read from.
    pub intake_id: &'a IntakeId,
    /// Which Envelope of the intake, from 0.
    pub index: u32,
    /// When its first byte arrived.
    pub received_at: UtcMicros,
    /// Now.
    pub now: UtcMicros,
    /// What it says.
    pub envelope: &'a Envelope,
    /// What was decided.
    pub decided: &'a Decided,
    /// The facility that asks for something, with its ways, people and pauses; only for requests.
    pub facility: Option<&'a Member>,
}

/// Everything that one Envelope changes, without the settling of its intake. `rosters` are those of the
/// groups which the decision names; without them, or if a group is not open any more, the message goes to
/// triage instead of onto a timeline.
#[must_use]
pub fn effects(
    arrival: &Arrival<'_>,
    rosters: &[GroupRoster],
    attachments: Vec<AttachmentId>,
    random: &mut dyn FnMut() -> u128,
) -> Vec<Effect> {
    let mut all = main_effects(arrival, rosters, attachments, random);
    all.extend(withheld_notices(arrival, random));
    all.extend(final_document(arrival));
    all
}

/// A draft of the same document that waits for the office need not wait any longer.
fn final_document(arrival: &Arrival<'_>) -> Option<Effect> {
    let envelope = arrival.envelope;
    let event = envelope.event.as_ref().filter(|e| e.kind.as_deref() == Some("MDM"))?;
    let warned = |code: &str| envelope.warnings.iter().any(|w| w.code == code);
    if !event.is_final_document() || warned(doubt::CONFIDENTIAL) || warned(doubt::WITHDRAWN) {
        return None;
    }
    let with_text = match (&arrival.decided.decision, event.trigger.as_deref()) {
        (Decision::Record { .. }, Some("T03")) => false,
        (Decision::Post(_), Some("T02" | "T04" | "T08" | "T10")) => true,
        _ => return None,
    };
    let document = event.document.clone()?;
    Some(Effect::FinalDocument { intake_id: arrival.intake_id.clone(), document, with_text })
}

/// What the sender is told of files that stay with the office. Only a known sender is told, and only where
/// the message itself was taken: a refused one gets one answer for all causes.
fn withheld_notices(arrival: &Arrival<'_>, random: &mut dyn FnMut() -> u128) -> Vec<Effect> {
    let taken = match &arrival.decided.decision {
        Decision::Post(_) | Decision::Reply(_) | Decision::Acknowledge(_) | Decision::Digest(_) => true,
        Decision::Triage { reasons, .. } => !reasons.iter().any(is_code_refusal),
        Decision::Quarantine { .. }
        | Decision::Return { .. }
        | Decision::Discard { .. }
        | Decision::Sheet(_)
        | Decision::Request(_)
        | Decision::Record { .. } => false,
    };
    if !taken || arrival.decided.identity_level < IdentityLevel::I1 {
        return Vec::new();
    }
    let warned = |codes: &[&str]| arrival.envelope.warnings.iter().any(|w| codes.contains(&w.code.as_str()));
    let files = warned(&[doubt::ATTACHMENT_EXECUTABLE, doubt::ATTACHMENT_MACROS]);
    let photo = warned(&[doubt::PHOTO_UNSUPPORTED]);
    let wanted = [files.then_some(Notice::FilesWithheld), photo.then_some(Notice::PhotoUnsupported)];
    wanted.into_iter().flatten().filter_map(|words| notice(arrival, words, random)).collect()
}

fn main_effects(
    arrival: &Arrival<'_>,
    rosters: &[GroupRoster],
    attachments: Vec<AttachmentId>,
    random: &mut dyn FnMut() -> u128,
) -> Vec<Effect> {
    let known = |group: &crate::ids::GroupId| rosters.iter().find(|r| &r.group.id == group);
    let open = |group| known(group).filter(|r| r.group.state == GroupState::Open);
    match &arrival.decided.decision {
        Decision::Post(placement) => {
            let Some(roster) = open(&placement.group_id) else {
                return vec![triage(arrival, vec![TriageReason::GroupNotOpen], Vec::new(), false, random)];
            };
            // A page of the notebook acts by the group's code: whoever brings it must take part with consent.
            if is_notebook(arrival.envelope) {
                match roster.member(&placement.facility_id) {
                    None => {
                        return vec![triage(
                            arrival,
                            vec![TriageReason::NotAMember],
                            Vec::new(),
                            false,
                            random,
                        )];
                    }
                    Some(member) if !member.consented => {
                        return vec![triage(
                            arrival,
                            vec![TriageReason::NotConsented],
                            Vec::new(),
                            false,
                            random,
                        )];
                    }
                    Some(_) => {}
                }
            }
            let id = PostId::fresh(arrival.now, random());
            let post = post_of(arrival, placement, roster, id.clone());
            let mut all = publish(post, attachments, roster, arrival.now, random);
            if placement.office_calls {
                let candidate = Candidate {
                    patient_id: roster.patient.id.clone(),
                    group_id: Some(placement.group_id.clone()),
                    post_id: Some(id),
                    reasons_for: vec!["この投稿について電話で確かめます".to_owned()],
                    reasons_against: Vec::new(),
                    blocked: None,
                };
                all.push(triage(arrival, vec![TriageReason::CallSender], vec![candidate], false, random));
            }
            all
        }
        Decision::Reply(answer) => {
            let Some(roster) = open(&answer.group_id) else {
                return vec![triage(arrival, vec![TriageReason::GroupNotOpen], Vec::new(), false, random)];
            };
            let id = PostId::fresh(arrival.now, random());
            let post = reply_of(arrival, answer, roster, id);
            let mut all = publish(post, attachments, roster, arrival.now, random);
            if answer.sheet_to_confirm {
                let candidate = Candidate {
                    patient_id: roster.patient.id.clone(),
                    group_id: Some(answer.group_id.clone()),
                    post_id: Some(answer.post_id.clone()),
                    reasons_for: vec!["この投稿の返信票です".to_owned()],
                    reasons_against: Vec::new(),
                    blocked: None,
                };
                let reasons = vec![TriageReason::SheetToConfirm];
                all.push(triage(arrival, reasons, vec![candidate], false, random));
            }
            if let Some(endpoint) = answer.status_to.as_ref().and_then(|id| endpoint_of(roster, answer, id)) {
                let order = SheetOrder::Status { post_id: answer.post_id.clone() };
                let sheet = NewSheet::plan(endpoint, order, arrival.now, random);
                all.push(Effect::OrderSheet(Box::new(sheet)));
            }
            if answer.sheet_says.iter().any(|id| id == "acknowledge") {
                let acknowledgement = acknowledgement_of(arrival, answer, Some(roster));
                all.extend(acknowledge(acknowledgement, arrival.now, random));
            }
            all
        }
        Decision::Acknowledge(answer) => {
            let Some(roster) = open(&answer.group_id) else {
                return vec![triage(arrival, vec![TriageReason::GroupNotOpen], Vec::new(), false, random)];
            };
            acknowledge(acknowledgement_of(arrival, answer, Some(roster)), arrival.now, random)
        }
        Decision::Triage { reasons, candidates } => {
            let mut all = vec![triage(arrival, reasons.clone(), candidates.clone(), false, random)];
            all.extend(report(arrival.envelope));
            all.extend(reasons.iter().filter_map(|reason| match reason {
                TriageReason::EndpointUnreachable { endpoint_id, .. } => Some(Effect::SuspendEndpoint {
                    endpoint_id: endpoint_id.clone(),
                    why: SuspendReason::Bounced,
                }),
                TriageReason::WrongRecipient { endpoint_id, .. } => Some(Effect::SuspendEndpoint {
                    endpoint_id: endpoint_id.clone(),
                    why: SuspendReason::WrongRecipient,
                }),
                _ => None,
            }));
            // Every refused code gets the same answer, wherever the item waits.
            if reasons.iter().any(is_code_refusal) {
                all.extend(notice(arrival, Notice::Uniform, random));
            }
            all
        }
        Decision::Quarantine { reason, notice: wanted } => {
            let mut all = vec![triage(arrival, vec![reason.clone()], Vec::new(), true, random)];
            if *wanted {
                all.extend(notice(arrival, Notice::Uniform, random));
            }
            all
        }
        Decision::Return { notice: words } => {
            let mut all: Vec<Effect> = notice(arrival, *words, random).into_iter().collect();
            // A notice may be overlooked, and some senders cannot be told at all: the office sees to the call.
            if *words == Notice::PhonePlease {
                all.push(triage(arrival, vec![TriageReason::PhoneTask], Vec::new(), false, random));
            }
            all
        }
        Decision::Sheet(act) => sheet_act(act),
        Decision::Digest(answer) => digest::effects(arrival, answer, rosters, random),
        Decision::Request(request) => {
            let roster = request.group_id.as_ref().and_then(open);
            by_request::effects(arrival, request, roster, random)
        }
        Decision::Record { .. } => report(arrival.envelope).into_iter().collect(),
        Decision::Discard { .. } => Vec::new(),
    }
}

/// The endpoint of the answering facility, as the roster knows it today.
fn endpoint_of<'r>(roster: &'r GroupRoster, answer: &Answer, id: &EndpointId) -> Option<&'r Endpoint> {
    roster.addressable(&answer.facility_id)?.endpoints.iter().find(|e| &e.id == id)
}

/// What a handshake changes.
fn sheet_act(act: &SheetAct) -> Vec<Effect> {
    let verified = |endpoint_id: &EndpointId| Effect::ChangeEndpoint {
        endpoint_id: endpoint_id.clone(),
        change: EndpointChange::Verified,
    };
    match act {
        SheetAct::NumberConfirmed { endpoint_id } => vec![verified(endpoint_id)],
        SheetAct::CoverReturned { delivery_id, endpoint_id } => {
            vec![Effect::ReleaseCovered { delivery_id: delivery_id.clone() }, verified(endpoint_id)]
        }
    }
}

const fn is_code_refusal(reason: &TriageReason) -> bool {
    matches!(
        reason,
        TriageReason::CodeUnknown
            | TriageReason::CodeExpired
            | TriageReason::CodeRevoked
            | TriageReason::CodeFromElsewhere
    )
}

fn triage(
    arrival: &Arrival<'_>,
    reasons: Vec<TriageReason>,
    candidates: Vec<Candidate>,
    quarantined: bool,
    random: &mut dyn FnMut() -> u128,
) -> Effect {
    Effect::OpenTriage {
        id: TriageId::fresh(arrival.now, random()),
        intake_id: arrival.intake_id.clone(),
        envelope_index: arrival.index,
        reasons,
        candidates,
        quarantined,
    }
}

fn notice(arrival: &Arrival<'_>, words: Notice, random: &mut dyn FnMut() -> u128) -> Option<Effect> {
    if !may_notify(arrival.envelope, arrival.decided.identity_level) {
        return None;
    }
    let channel = arrival.envelope.channel;
    let address = match channel {
        Channel::Email => arrival.envelope.sender.address.clone()?,
        Channel::Fax => arrival.envelope.sender.number.clone()?,
        _ => return None,
    };
    let delivery_id = DeliveryId::fresh(arrival.now, random());
    Some(Effect::Notify { delivery_id, notice: words, channel, address })
}

/// What a delivery report changes.
fn report(envelope: &Envelope) -> Option<Effect> {
    if envelope.intent != Intent::DeliveryReport {
        return None;
    }
    let report = envelope.report.as_ref()?;
    let state = match report.outcome {
        ReportOutcome::Delivered => DeliveryState::Delivered,
        ReportOutcome::Failed => DeliveryState::Failed,
        ReportOutcome::Delayed => return None,
    };
    let detail = clean_line(report.status.as_deref().unwrap_or(""), 500);
    Some(Effect::Report { job: report.original.clone()?, route: None, state, detail })
}

/// A page of the paper notebook: a 貼付票 has a code and no boxes.
fn is_notebook(envelope: &Envelope) -> bool {
    envelope.sheet.as_ref().is_some_and(|s| s.reply_code.is_some() && s.marks.is_empty())
}

/// The new post of a placement.
#[must_use]
pub fn post_of(arrival: &Arrival<'_>, placement: &Placement, roster: &GroupRoster, id: PostId) -> Post {
    let kind = match (&placement.corrects, &placement.under_topic) {
        (Some(_), _) => PostKind::Correction,
        (None, Some(_)) => PostKind::Reply,
        (None, None) => PostKind::Topic,
    };
    let draft = Draft {
        kind,
        topic_id: placement.under_topic.clone().unwrap_or_else(|| id.clone()),
        corrects: placement.corrects.clone(),
        version: placement.version.max(1),
        urgency: placement.urgency,
        expectation: placement.expectation,
        due_at: placement.due_at,
        document_kind: placement.document_kind.clone(),
        addressees: resolve_asks(placement, roster, &placement.facility_id),
    };
    let mut post = draft.post(arrival, id, roster, &placement.facility_id);
    if placement.staff_id.is_some() {
        post.staff_id.clone_from(&placement.staff_id);
    }
    if is_notebook(arrival.envelope) {
        post.channel = Channel::Notebook;
        post.title = Some("連絡ノートの頁".to_owned());
    }
    post
}

/// The reply of an answer.
#[must_use]
pub fn reply_of(arrival: &Arrival<'_>, answer: &Answer, roster: &GroupRoster, id: PostId) -> Post {
    let expectation = match arrival.envelope.intent {
        Intent::Callback => ReplyExpectation::Call,
        _ if answer.sheet_says.iter().any(|id| id == "call_back") => ReplyExpectation::Call,
        _ => arrival.envelope.reply_expectation.unwrap_or(ReplyExpectation::None),
    };
    let draft = Draft {
        kind: PostKind::Reply,
        topic_id: answer.topic_id.clone(),
        corrects: None,
        version: 1,
        urgency: arrival.envelope.urgency.unwrap_or(Urgency::Normal),
        expectation,
        due_at: None,
        document_kind: None,
        // Whoever wrote the topic sees it; nobody else is asked by an answer.
        addressees: Vec::new(),
    };
    draft.post(arrival, id, roster, &answer.facility_id)
}

/// What differs between the kinds of post.
struct Draft {
    kind: PostKind,
    topic_id: PostId,
    corrects: Option<PostId>,
    version: u32,
    urgency: Urgency,
    expectation: ReplyExpectation,
    due_at: Option<UtcMicros>,
    document_kind: Option<String>,
    addressees: Vec<Addressee>,
}

impl Draft {
    fn post(self, arrival: &Arrival<'_>, id: PostId, roster: &GroupRoster, facility: &FacilityId) -> Post {
        let envelope = arrival.envelope;
        let signer = signer(envelope, roster, facility);
        let document_kind = self.document_kind.or_else(|| envelope.document_kind.clone());
        Post {
            id,
            group_id: roster.group.id.clone(),
            topic_id: self.topic_id,
            // An answer needs no heading; what comes under a topic by its event keeps its own.
            title: match (self.kind, &envelope.event) {
                (PostKind::Reply, None) => None,
                _ => Some(title_of(envelope)),
            },
            kind: self.kind,
            corrects: self.corrects,
            version: self.version,
            facility_id: facility.clone(),
            staff_id: signer.map(|s| s.id.clone()),
            author_name: match signer {
                Some(_) => None,
                None => person_name(envelope),
            },
            proxy: None,
            channel: envelope.channel,
            urgency: self.urgency,
            expectation: self.expectation,
            due_at: self.due_at,
            body: body_of(envelope),
            quoted: envelope.quoted.clone(),
            signature: envelope.signature.clone(),
            liaison: liaison_of(arrival, roster, document_kind.as_deref(), facility),
            document_kind,
            occurred_at: envelope.occurred_at,
            received_at: arrival.received_at,
            posted_at: arrival.now,
            intake_id: Some(arrival.intake_id.clone()),
            event_key: envelope.event.as_ref().and_then(|e| e.key.clone()),
            decided_by: match &arrival.decided.rule {
                Some(rule) => format!("rule {rule}"),
                None => "組込み規則".to_owned(),
            },
            addressees: self.addressees,
        }
    }
}

/// 連携期限 of the members, where the message tells an event or is a document that starts any.
fn liaison_of(
    arrival: &Arrival<'_>,
    roster: &GroupRoster,
    document_kind: Option<&str>,
    by: &FacilityId,
) -> Vec<LiaisonDeadline> {
    let start = liaison::Start {
        event: arrival.envelope.event.as_ref(),
        document_kind,
        happened: arrival.envelope.occurred_at.unwrap_or(arrival.received_at),
        heard: arrival.received_at,
        by,
    };
    liaison::deadlines(start, roster.members.iter().map(|m| &m.facility))
}

/// The 了解 of an answer. Its time is that of the message where that is believable: not after it arrived
/// and not more than a week before.
#[must_use]
pub fn acknowledgement_of(
    arrival: &Arrival<'_>,
    answer: &Answer,
    roster: Option<&GroupRoster>,
) -> Acknowledgement {
    let envelope = arrival.envelope;
    let believable =
        |at: &UtcMicros| *at <= arrival.received_at && arrival.received_at.seconds_since(*at) < 7 * 24 * 3600;
    let marked = roster.zip(answer.staff_id.as_ref()).and_then(|(r, id)| {
        r.member(&answer.facility_id)?.staff.iter().find(|s| &s.id == id && s.left_at.is_none())
    });
    let signer = marked.or_else(|| roster.and_then(|r| signer(envelope, r, &answer.facility_id)));
    Acknowledgement {
        post_id: answer.post_id.clone(),
        facility_id: answer.facility_id.clone(),
        staff_id: signer.map(|s| s.id.clone()),
        person_name: signer.map(|s| s.name.clone()).or_else(|| person_name(envelope)),
        channel: envelope.channel,
        acknowledged_at: envelope.sent_at.filter(believable).unwrap_or(arrival.received_at),
        identity_level: arrival.decided.identity_level,
        intake_id: Some(arrival.intake_id.clone()),
        delivery_id: answer.delivery_id.clone(),
        proxy: None,
    }
}

/// The person of the facility's roster who signed: the only one whose whole name stands in the display
/// name or the signature.
fn signer<'r>(
    envelope: &Envelope,
    roster: &'r GroupRoster,
    facility: &FacilityId,
) -> Option<&'r StaffMember> {
    signer_of(envelope, roster.member(facility)?)
}

/// The one person of the facility whose name stands in From or in the signature.
fn signer_of<'r>(envelope: &Envelope, member: &'r Member) -> Option<&'r StaffMember> {
    let shown = [envelope.sender.name.as_deref(), envelope.signature.as_deref()];
    let written: Vec<String> = shown.into_iter().flatten().map(fold_name).collect();
    let mut found = member.staff.iter().filter(|s| {
        let name = fold_name(&s.name);
        s.left_at.is_none() && name.chars().count() >= 2 && written.iter().any(|w| w.contains(&name))
    });
    match (found.next(), found.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

fn person_name(envelope: &Envelope) -> Option<String> {
    envelope.sender.name.as_deref().map(|n| clean_line(n, 80)).filter(|n| !n.is_empty())
}

/// Heading of a post: the sender's, else what it is.
#[must_use]
pub fn title_of(envelope: &Envelope) -> String {
    let written = clean_line(envelope.title.as_deref().unwrap_or(""), TITLE_CHARS);
    if !written.is_empty() {
        return written;
    }
    match envelope.channel {
        Channel::Fax => match pages(envelope) {
            0 => "FAX".to_owned(),
            n => format!("FAX {n}ページ"),
        },
        Channel::Email => "(件名なし)".to_owned(),
        Channel::PhoneMemo => "電話メモ".to_owned(),
        Channel::Notebook => "連絡ノート".to_owned(),
        Channel::Hl7 => {
            // An update of the record has no name of its own; what it tells has one.
            let key = envelope.event.as_ref().and_then(|e| e.key.as_deref()).unwrap_or_default();
            match key.split_once(':') {
                Some(("allergies", _)) => "アレルギー情報",
                Some(("doctor", _)) => "担当医のお知らせ",
                _ => "病院からの連絡",
            }
            .to_owned()
        }
        Channel::Api | Channel::Mqtt | Channel::Web => "連絡".to_owned(),
    }
}

/// Pages of a FAX: its images, else what its files say.
fn pages(envelope: &Envelope) -> u32 {
    let count = |role: AttachmentRole| -> u32 {
        let of_role = envelope.attachments.iter().filter(|a| a.role == role);
        of_role.map(|a| a.pages.unwrap_or(1)).fold(0, u32::saturating_add)
    };
    [AttachmentRole::PageImage, AttachmentRole::Document, AttachmentRole::Source]
        .into_iter()
        .map(count)
        .find(|n| *n > 0)
        .unwrap_or(0)
}

/// Text of a post.
#[must_use]
pub fn body_of(envelope: &Envelope) -> String {
    let text = clean(envelope.body.as_deref().unwrap_or(""));
    text.trim_end().chars().take(BODY_CHARS).collect()
}

/// [`crate::post::print_of`] of the post that this Envelope would become.
#[must_use]
pub fn print_of(envelope: &Envelope) -> String {
    let files = envelope.attachments.iter().map(|a| (a.role, &a.content_hash));
    crate::post::print_of(Some(&title_of(envelope)), &body_of(envelope), files)
}

#[cfg(test)]
mod tests;
