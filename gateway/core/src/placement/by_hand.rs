//! What the office does with a triage item: it places the message in a group, or confirms what a reply
//! sheet says. A person decides, so the post names that person; consent is checked again here, because
//! no click may reach further than the consent does.

use super::{Arrival, Draft};
use crate::clock::UtcMicros;
use crate::commit::{Effect, TriageOutcome};
use crate::decision::{Addressees, Answer, Decided, Decision, Notice, Placement, TriageReason};
use crate::directory::{GroupRoster, Patient};
use crate::envelope::Envelope;
use crate::facts::{IdentifierState, PatientCandidate};
use crate::fan_out::{acknowledge, publish, resolve_asks};
use crate::ids::{AttachmentId, DeliveryId, FacilityId, IntakeId, PostId, StaffId, TriageId};
use crate::patient_match::{Strength, weigh};
use crate::post::{Acknowledgement, Post, PostKind};
use crate::vocabulary::{Channel, GroupState, IdentityLevel, ReplyExpectation, Urgency};

/// Stands above what a person read, so that nobody takes it for the sender's own words.
const TRANSCRIPT: &str = "(手書きからの転記。原本は添付の画像です)";
/// The same where a machine's draft was compared with the picture and saved.
const TRANSCRIPT_OF_DRAFT: &str = "(機械の下書き(OCR)を人が画像と読み合わせた転記。原本は添付の画像です)";

/// 転記: what a person read in handwriting or in a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// As the person saved it.
    pub text: String,
    /// Whether it began as a 下書き(OCR), which the person then compared with the picture.
    pub drafted: bool,
}

/// Where a person places a message.
#[derive(Debug, Clone)]
pub struct HandPlacement<'a> {
    /// The item.
    pub triage_id: &'a TriageId,
    /// Its intake.
    pub intake_id: &'a IntakeId,
    /// When the message arrived: the post keeps this time.
    pub received_at: UtcMicros,
    /// Now.
    pub now: UtcMicros,
    /// The message.
    pub envelope: &'a Envelope,
    /// Its attachments.
    pub attachments: Vec<AttachmentId>,
    /// Under this topic, else a topic of its own.
    pub under_topic: Option<PostId>,
    /// 見出し as the person words it; else that of the message.
    pub heading: Option<String>,
    /// 転記, added to the sender's own words.
    pub transcript: Option<Transcript>,
    /// The facility that speaks.
    pub facility_id: FacilityId,
    /// Whether the consent covers that facility today.
    pub consent_covers: bool,
    /// 緊急度.
    pub urgency: Urgency,
    /// 返信区分.
    pub expectation: ReplyExpectation,
    /// Who is asked.
    pub addressees: Addressees,
    /// 期限.
    pub due_at: Option<UtcMicros>,
    /// Name of the person who places it: `渡部 晶`.
    pub actor_name: String,
}

/// Why it may not be placed there, whoever clicks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// The group is frozen or closed.
    #[error("the group is not open: nothing can be placed in it; reopen it with a new consent")]
    GroupNotOpen,
    /// The consent does not cover the facility.
    #[error("the consent does not cover the sending facility; ask for it to be extended first")]
    NotConsented,
}

impl Blocked {
    /// The same as a triage reason.
    #[must_use]
    pub const fn reason(self) -> TriageReason {
        match self {
            Self::GroupNotOpen => TriageReason::GroupNotOpen,
            Self::NotConsented => TriageReason::NotConsented,
        }
    }
}

/// Post or reply with its deliveries, the number learnt, the item closed.
///
/// # Errors
/// [`Blocked`] if the group is not open or the consent does not cover the facility.
pub fn place_by_hand(
    hand: HandPlacement<'_>,
    roster: &GroupRoster,
    random: &mut dyn FnMut() -> u128,
) -> Result<Vec<Effect>, Blocked> {
    if roster.group.state != GroupState::Open {
        return Err(Blocked::GroupNotOpen);
    }
    let member_consents = roster.member(&hand.facility_id).is_none_or(|m| m.consented);
    if !hand.consent_covers || !member_consents {
        return Err(Blocked::NotConsented);
    }
    let placement = Placement {
        group_id: roster.group.id.clone(),
        facility_id: hand.facility_id.clone(),
        staff_id: None,
        under_topic: hand.under_topic.clone(),
        corrects: None,
        version: 1,
        urgency: hand.urgency,
        expectation: hand.expectation,
        addressees: hand.addressees,
        asks: Vec::new(),
        due_at: hand.due_at,
        document_kind: None,
        office_calls: false,
    };
    let decided = by_a_person(Decision::Post(placement.clone()));
    let arrival = Arrival {
        facility: None,
        intake_id: hand.intake_id,
        index: 0,
        received_at: hand.received_at,
        now: hand.now,
        envelope: hand.envelope,
        decided: &decided,
    };
    let id = PostId::fresh(hand.now, random());
    let draft = Draft {
        kind: if hand.under_topic.is_some() { PostKind::Reply } else { PostKind::Topic },
        topic_id: hand.under_topic.unwrap_or_else(|| id.clone()),
        corrects: None,
        version: 1,
        urgency: hand.urgency,
        expectation: hand.expectation,
        due_at: hand.due_at,
        document_kind: None,
        addressees: resolve_asks(&placement, roster, &hand.facility_id),
    };
    let mut post = draft.post(&arrival, id, roster, &hand.facility_id);
    post.decided_by = hand.actor_name;
    if let Some(heading) = hand.heading {
        post.title = Some(heading);
    }
    if let Some(transcript) = hand.transcript {
        let mark = if transcript.drafted { TRANSCRIPT_OF_DRAFT } else { TRANSCRIPT };
        let read = format!("{mark}\n{}", transcript.text);
        post.body = if post.body.is_empty() { read } else { format!("{}\n\n{read}", post.body) };
    }
    let mut effects = publish(post, hand.attachments, roster, hand.now, random);
    effects.extend(lessons(hand.envelope, &roster.patient, &hand.facility_id));
    effects.push(close(hand.triage_id));
    Ok(effects)
}

/// 差戻し by a person of the office.
#[derive(Debug, Clone)]
pub struct GiveBack<'a> {
    /// The item.
    pub triage_id: &'a TriageId,
    /// Its intake.
    pub intake_id: &'a IntakeId,
    /// Which Envelope of the intake, from 0.
    pub envelope_index: u32,
    /// Now.
    pub now: UtcMicros,
    /// How it came.
    pub channel: Channel,
    /// The address or number that can be told, if there is one.
    pub address: Option<String>,
    /// The sender is asked to phone instead.
    pub by_phone: bool,
}

/// The sender is told without content, and the item is closed; where a call is asked for it stays as 電話依頼 until
/// somebody says that the call happened, as for a message that the rules sent back.
pub fn give_back(item: &GiveBack<'_>, random: &mut dyn FnMut() -> u128) -> Vec<Effect> {
    let notice = if item.by_phone { Notice::PhonePlease } else { Notice::Uniform };
    let left = if item.by_phone {
        // The item that is open keeps its age and says from now on what is left to do.
        Effect::OpenTriage {
            id: TriageId::fresh(item.now, random()),
            intake_id: item.intake_id.clone(),
            envelope_index: item.envelope_index,
            reasons: vec![TriageReason::PhoneTask],
            candidates: Vec::new(),
            quarantined: false,
        }
    } else {
        Effect::CloseTriage { id: item.triage_id.clone(), outcome: TriageOutcome::Returned, note: None }
    };
    let told = item.address.clone().map(|address| Effect::Notify {
        delivery_id: DeliveryId::fresh(item.now, random()),
        notice,
        channel: item.channel,
        address,
    });
    std::iter::once(left).chain(told).collect()
}

const fn by_a_person(decision: Decision) -> Decided {
    Decided { decision, rule: None, identity_level: IdentityLevel::I0, grounds: Vec::new() }
}

pub(super) fn close(id: &TriageId) -> Effect {
    Effect::CloseTriage { id: id.clone(), outcome: TriageOutcome::Placed, note: None }
}

/// The sending facility's own numbers of the patient, once a person has placed a message that also names
/// the patient. A number beside a name that contradicts is not learnt, whoever placed it.
fn lessons(envelope: &Envelope, patient: &Patient, facility: &FacilityId) -> Vec<Effect> {
    if !matches!(envelope.channel, Channel::Hl7 | Channel::Api | Channel::Mqtt) {
        return Vec::new();
    }
    let alone = PatientCandidate { patient: patient.clone(), identifier: None, group: None };
    if weigh(envelope, &alone, None).strength < Strength::Name {
        return Vec::new();
    }
    let own =
        |authority: Option<&str>| authority.is_none() || authority == envelope.sender.facility.as_deref();
    let numbers = envelope.patient.identifiers.iter().filter(|i| {
        own(i.authority.as_deref())
            && !i.id.trim().is_empty()
            && i.kind.as_deref().is_none_or(|k| matches!(k, "" | "PI" | "MR" | "PT"))
    });
    numbers
        .take(5)
        .map(|i| Effect::TeachIdentifier {
            facility_id: facility.clone(),
            identifier: i.id.trim().to_owned(),
            patient_id: patient.id.clone(),
            state: IdentifierState::Confirmed,
        })
        .collect()
}

/// A returned sheet whose marks were read: when and how it came, and who says what it says.
#[derive(Debug, Clone)]
pub struct ReturnedSheet<'a> {
    /// The item.
    pub triage_id: &'a TriageId,
    /// The intake of the sheet.
    pub intake_id: &'a IntakeId,
    /// When the sheet arrived: the time of the 了解.
    pub received_at: UtcMicros,
    /// Now.
    pub now: UtcMicros,
    /// The way it came.
    pub channel: Channel,
    /// Evidence that was found when the sheet was decided about.
    pub identity_level: IdentityLevel,
    /// The person whose name is marked.
    pub staff_id: Option<StaffId>,
    /// The name as written.
    pub person_name: Option<String>,
    /// Name of the person who read it.
    pub actor_name: String,
}

/// What a person read on a reply sheet whose image is already on the timeline.
#[derive(Debug, Clone)]
pub struct SheetConfirmation<'a> {
    /// The sheet.
    pub returned: &'a ReturnedSheet<'a>,
    /// What the code stands for.
    pub answer: &'a Answer,
    /// The box 了解 is marked.
    pub acknowledged: bool,
    /// The box 電話ください is marked.
    pub call_back: bool,
    /// The time that is ticked beside it: 午前, 午後.
    pub call_window: Option<&'static str>,
    /// 出席 or 欠席 is marked.
    pub attendance: Option<&'static str>,
}

/// 了解 and the wish to be called, and the item closed.
///
/// # Errors
/// [`Blocked`] if the group is not open any more.
pub fn confirm_sheet(
    sheet: &SheetConfirmation<'_>,
    roster: &GroupRoster,
    random: &mut dyn FnMut() -> u128,
) -> Result<Vec<Effect>, Blocked> {
    if roster.group.state != GroupState::Open || roster.group.id != sheet.answer.group_id {
        return Err(Blocked::GroupNotOpen);
    }
    let mut effects = said(sheet, roster, random);
    effects.push(close(sheet.returned.triage_id));
    Ok(effects)
}

/// What the ticks change, in an open group.
pub(super) fn said(
    sheet: &SheetConfirmation<'_>,
    roster: &GroupRoster,
    random: &mut dyn FnMut() -> u128,
) -> Vec<Effect> {
    let SheetConfirmation { returned, answer, .. } = *sheet;
    let mut effects = Vec::new();
    if sheet.acknowledged {
        let acknowledgement = Acknowledgement {
            post_id: answer.post_id.clone(),
            facility_id: answer.facility_id.clone(),
            staff_id: returned.staff_id.clone(),
            person_name: returned.person_name.clone(),
            channel: returned.channel,
            acknowledged_at: returned.received_at,
            identity_level: returned.identity_level,
            intake_id: Some(returned.intake_id.clone()),
            delivery_id: answer.delivery_id.clone(),
            // Read by the office, made by the facility: the sheet itself is the evidence.
            proxy: None,
        };
        effects.extend(acknowledge(acknowledgement, returned.now, random));
    }
    if let Some(word) = sheet.attendance {
        let words = format!("返信票で「{word}」に印がありました。");
        let post = ticked(
            returned,
            answer,
            roster,
            ReplyExpectation::None,
            words,
            PostId::fresh(returned.now, random()),
        );
        effects.extend(publish(post, Vec::new(), roster, returned.now, random));
    }
    if sheet.call_back {
        let words = match sheet.call_window {
            Some(window) => {
                format!("返信票で「電話ください」に印がありました。{window}に折返し電話をお願いします。")
            }
            None => "返信票で「電話ください」に印がありました。折返し電話をお願いします。".to_owned(),
        };
        let post = ticked(
            returned,
            answer,
            roster,
            ReplyExpectation::Call,
            words,
            PostId::fresh(returned.now, random()),
        );
        effects.extend(publish(post, Vec::new(), roster, returned.now, random));
    }
    effects
}

/// A tick in words, as a reply of the facility.
pub(super) fn ticked(
    returned: &ReturnedSheet<'_>,
    answer: &Answer,
    roster: &GroupRoster,
    expectation: ReplyExpectation,
    body: String,
    id: PostId,
) -> Post {
    Post {
        id,
        group_id: roster.group.id.clone(),
        topic_id: answer.topic_id.clone(),
        kind: PostKind::Reply,
        corrects: None,
        version: 1,
        facility_id: answer.facility_id.clone(),
        staff_id: returned.staff_id.clone(),
        author_name: returned.person_name.clone().filter(|_| returned.staff_id.is_none()),
        proxy: Some(returned.actor_name.clone()),
        channel: returned.channel,
        urgency: Urgency::Normal,
        expectation,
        due_at: None,
        title: None,
        body,
        quoted: None,
        signature: None,
        document_kind: None,
        occurred_at: None,
        received_at: returned.received_at,
        posted_at: returned.now,
        intake_id: Some(returned.intake_id.clone()),
        event_key: None,
        decided_by: returned.actor_name.clone(),
        addressees: Vec::new(),
        liaison: Vec::new(),
    }
}
