//! From one post to its deliveries: one per member endpoint that receives, except the author's
//! (architecture.md sections 1 and 4). Only verified endpoints of consented members of an open group get
//! anything; who shares and who is asked is decided here, when it leaves is decided by `schedule`. A
//! hospital that is no member gets what is addressed to it and the answers to its own topics, never more.

use crate::clock::UtcMicros;
use crate::commit::{AuthorNote, Effect, NewDelivery, OnlyIf};
use crate::decision::{Addressees, Placement};
use crate::directory::{Endpoint, EndpointSettings, GroupRoster, Member};
use crate::ids::{AttachmentId, DeliveryId, EndpointId, FacilityId, PostId};
use crate::pause::{asked_instead, on_return, resting, stands_in};
use crate::post::{Acknowledgement, Addressee, Post, PostKind};
use crate::reply_code::ReplyCode;
use crate::schedule::{Planned, plan};
use crate::vocabulary::{Channel, DeliveryMode, EndpointState, GroupState, ReplyExpectation, Urgency};

/// How long the codes of an instant delivery work, in seconds (care-network.md 6.1).
pub const INSTANT_CODE_SECONDS: i64 = 14 * 24 * 3600;
/// How long the codes of a digest work.
pub const DIGEST_CODE_SECONDS: i64 = 45 * 24 * 3600;

/// The post and its deliveries. A post into a group that is not open is kept and goes nowhere.
#[must_use]
pub fn publish(
    post: Post,
    attachments: Vec<AttachmentId>,
    roster: &GroupRoster,
    now: UtcMicros,
    random: &mut dyn FnMut() -> u128,
) -> Vec<Effect> {
    let mut effects = Vec::new();
    let mut post = post;
    ask_substitutes(&mut post, roster, now);
    let open = roster.group.state == GroupState::Open && roster.group.id == post.group_id;
    let reached = roster.reachable().filter(|m| open && m.consented && m.facility.id != post.facility_id);
    for member in reached {
        let is_member = roster.member(&member.facility.id).is_some();
        let asked = post
            .addressees
            .iter()
            .any(|a| a.facility_id == member.facility.id && a.expectation != ReplyExpectation::None);
        let due = post.due_at.filter(|_| asked);
        let only_one = if is_member { None } else { inbox(member) };
        let receiving = member.endpoints.iter().filter(|e| receives(e, member));
        for endpoint in receiving.filter(|e| is_member || only_one == Some(&e.id)) {
            let share = is_member && endpoint.channel != Channel::Hl7;
            let only_if = if share { Some(OnlyIf::Always) } else { meant_for(&post, member) };
            let Some(only_if) = only_if else { continue };
            let Some(planned) = plan_for(endpoint, &post, due, now) else { continue };
            let planned = rested(planned, member, endpoint, &post, roster, now);
            effects.push(Effect::Deliver(delivery(&post, endpoint, planned, only_if, now, random)));
            effects.extend(call_about(&post, endpoint, planned, now, random).map(Effect::Deliver));
        }
    }
    effects.insert(0, Effect::Post { post: Box::new(post), attachments });
    effects
}

/// What is asked of a member that rests with every way is asked of the facility that stands in (care-network.md 8.11).
fn ask_substitutes(post: &mut Post, roster: &GroupRoster, now: UtcMicros) {
    let mut asked: Vec<Addressee> = Vec::with_capacity(post.addressees.len());
    for mut addressee in std::mem::take(&mut post.addressees) {
        let instead = roster.member(&addressee.facility_id).and_then(|m| asked_instead(m, roster, now));
        // Whoever writes needs no question of its own.
        if let Some(instead) = instead.filter(|id| *id != post.facility_id) {
            addressee.facility_id = instead;
        }
        match asked.iter_mut().find(|a| a.facility_id == addressee.facility_id) {
            Some(known) => known.expectation = known.expectation.max(addressee.expectation),
            None => asked.push(addressee),
        }
    }
    post.addressees = asked;
}

/// During a 休止 everything waits for the return but an emergency that nobody stands in for.
fn rested(
    planned: Planned,
    member: &Member,
    endpoint: &Endpoint,
    post: &Post,
    roster: &GroupRoster,
    now: UtcMicros,
) -> Planned {
    if endpoint.channel == Channel::Hl7 {
        return planned;
    }
    let Some(due_at) = on_return(member, endpoint, planned.due_at) else { return planned };
    let reached = resting(member, endpoint, planned.due_at)
        .is_some_and(|pause| stands_in(pause, member, &endpoint.id, roster, now));
    if post.urgency == Urgency::Emergency && !reached {
        return planned;
    }
    // A call has no bundle.
    let mode = if endpoint.channel == Channel::PhoneMemo { planned.mode } else { DeliveryMode::Digest };
    Planned { mode, due_at }
}

fn receives(endpoint: &Endpoint, member: &Member) -> bool {
    endpoint.facility_id == member.facility.id
        && endpoint.settings.receives
        && (endpoint.state == EndpointState::Verified
            // 確認切れ: the store sends a 表紙 first, and the pages when its code has come back.
            || (endpoint.state == EndpointState::Stale && endpoint.channel == Channel::Fax))
}

/// The one way to a facility outside the group: its HL7 inbox, else the FAX of its 地域連携室, else mail.
fn inbox(correspondent: &Member) -> Option<&EndpointId> {
    [Channel::Hl7, Channel::Fax, Channel::Email].into_iter().find_map(|channel| {
        let of_channel = |e: &&Endpoint| e.channel == channel && receives(e, correspondent);
        correspondent.endpoints.iter().find(of_channel).map(|e| &e.id)
    })
}

/// A machine files what it is told, and nobody there need see that it was taken back (hl7.md 14): a call of the
/// office, at the same time, if the machine has taken what is withdrawn.
fn call_about(
    post: &Post,
    endpoint: &Endpoint,
    planned: Planned,
    now: UtcMicros,
    random: &mut dyn FnMut() -> u128,
) -> Option<NewDelivery> {
    let to_a_machine = endpoint.channel == Channel::Hl7 && post.withdraws();
    let call = || NewDelivery {
        channel: Channel::PhoneMemo,
        ..delivery(post, endpoint, planned, OnlyIf::TookCorrected, now, random)
    };
    to_a_machine.then(call)
}

/// Whether a hospital's interface gets this post: what is addressed to it, and what comes under a topic
/// that concerns it, which only the store can tell.
fn meant_for(post: &Post, member: &Member) -> Option<OnlyIf> {
    if post.addressees.iter().any(|a| a.facility_id == member.facility.id) {
        return Some(OnlyIf::Always);
    }
    (post.kind != PostKind::Topic).then_some(OnlyIf::TopicConcernsIt)
}

/// A post that a hospital's inbox did not take, once by FAX to this number, which must be a verified one of the
/// hospital. Whether it was sent there before, the store knows.
#[must_use]
pub fn by_fax_instead(
    post: &PostId,
    member: &Member,
    number: &str,
    now: UtcMicros,
    random: &mut dyn FnMut() -> u128,
) -> Option<Effect> {
    let usable = |e: &&Endpoint| {
        e.channel == Channel::Fax && e.address == number && e.state == EndpointState::Verified
    };
    let endpoint = member.endpoints.iter().find(usable)?;
    Some(Effect::Deliver(NewDelivery {
        id: DeliveryId::fresh(now, random()),
        endpoint_id: endpoint.id.clone(),
        facility_id: endpoint.facility_id.clone(),
        channel: Channel::Fax,
        post_id: post.clone(),
        mode: DeliveryMode::Instant,
        due_at: now.plus_seconds(i64::from(endpoint.settings.hold_seconds)),
        item_code: code(random),
        delivery_code: code(random),
        code_expires_at: now.plus_seconds(INSTANT_CODE_SECONDS),
        only_if: OnlyIf::Always,
    }))
}

fn plan_for(endpoint: &Endpoint, post: &Post, due: Option<UtcMicros>, now: UtcMicros) -> Option<Planned> {
    match endpoint.channel {
        Channel::Fax | Channel::Email => Some(plan(&endpoint.settings, post.urgency, due, now)),
        // A call is a task for a person: only what is urgent enough, and never in a bundle.
        Channel::PhoneMemo if post.urgency >= endpoint.settings.instant_threshold => {
            let alone = EndpointSettings { digests: Vec::new(), ..endpoint.settings.clone() };
            Some(plan(&alone, post.urgency, due, now))
        }
        Channel::PhoneMemo => None,
        // A machine takes notes one by one at any hour; only the recall window holds them.
        Channel::Hl7 => {
            let machine =
                EndpointSettings { digests: Vec::new(), quiet_hours: None, ..endpoint.settings.clone() };
            Some(plan(&machine, post.urgency, due, now))
        }
        // The web is live; the others have no way out yet.
        Channel::Notebook | Channel::Api | Channel::Mqtt | Channel::Web => None,
    }
}

fn delivery(
    post: &Post,
    endpoint: &Endpoint,
    planned: Planned,
    only_if: OnlyIf,
    now: UtcMicros,
    random: &mut dyn FnMut() -> u128,
) -> NewDelivery {
    let life = match planned.mode {
        DeliveryMode::Instant => INSTANT_CODE_SECONDS,
        DeliveryMode::Digest => DIGEST_CODE_SECONDS,
    };
    NewDelivery {
        id: DeliveryId::fresh(now, random()),
        endpoint_id: endpoint.id.clone(),
        facility_id: endpoint.facility_id.clone(),
        channel: endpoint.channel,
        post_id: post.id.clone(),
        mode: planned.mode,
        due_at: planned.due_at,
        item_code: code(random),
        delivery_code: code(random),
        code_expires_at: planned.due_at.plus_seconds(life),
        only_if,
    }
}

/// How long a 了解 given at a page can be taken back, in seconds; it is told to nobody before.
pub const UNDO_SECONDS: i64 = 5 * 60;

/// A 了解 and its way to the author of the post, where the author has an inbox for such notes.
#[must_use]
pub fn acknowledge(
    acknowledgement: Acknowledgement,
    now: UtcMicros,
    random: &mut dyn FnMut() -> u128,
) -> Vec<Effect> {
    let wait = if acknowledgement.channel == Channel::Web { UNDO_SECONDS } else { 0 };
    let due_at = now.plus_seconds(wait);
    let note = AuthorNote {
        post_id: acknowledgement.post_id.clone(),
        facility_id: acknowledgement.facility_id.clone(),
        delivery_id: DeliveryId::fresh(now, random()),
        due_at,
        item_code: code(random),
        delivery_code: code(random),
        code_expires_at: due_at.plus_seconds(INSTANT_CODE_SECONDS),
    };
    vec![Effect::Acknowledge(acknowledgement), Effect::TellAuthor(note)]
}

fn code(random: &mut dyn FnMut() -> u128) -> ReplyCode {
    // The low 64 bits; a code needs 45.
    ReplyCode::from_random((random() & u128::from(u64::MAX)) as u64)
}

/// The members that are meant, in the order of the roster, without the author and without members whom
/// the consent does not cover.
#[must_use]
pub fn resolve_addressees(
    addressees: &Addressees,
    roster: &GroupRoster,
    author: &FacilityId,
) -> Vec<FacilityId> {
    let meant = |m: &&Member| {
        addressees.facilities.contains(&m.facility.id)
            || addressees.facility_types.contains(&m.facility.facility_type)
            || m.staff.iter().any(|s| {
                s.left_at.is_none() && s.professions.iter().any(|p| addressees.professions.contains(p))
            })
    };
    roster
        .reachable()
        .filter(|m| m.consented && &m.facility.id != author)
        .filter(meant)
        .map(|m| m.facility.id.clone())
        .collect()
}

/// All that a placement asks, one line per member with the strongest expectation.
#[must_use]
pub fn resolve_asks(placement: &Placement, roster: &GroupRoster, author: &FacilityId) -> Vec<Addressee> {
    // 「了解希望」 to a group address names nobody: it is meant for everybody.
    if placement.addressees.is_empty() && placement.asks.is_empty() {
        let asked = |m: &&Member| m.consented && &m.facility.id != author;
        let everybody = roster
            .members
            .iter()
            .filter(asked)
            .map(|m| Addressee { facility_id: m.facility.id.clone(), expectation: placement.expectation });
        return everybody.filter(|a| a.expectation != ReplyExpectation::None).collect();
    }
    let main = (placement.expectation, &placement.addressees);
    let asks = placement.asks.iter().map(|a| (a.expectation, &a.addressees));
    let mut resolved: Vec<Addressee> = Vec::new();
    for (expectation, addressees) in std::iter::once(main).chain(asks) {
        if expectation == ReplyExpectation::None {
            continue;
        }
        for facility_id in resolve_addressees(addressees, roster, author) {
            match resolved.iter_mut().find(|a| a.facility_id == facility_id) {
                // Who is named for something of his own is not asked for the common thing as well;
                // of two, the stronger stays.
                Some(known) => known.expectation = known.expectation.max(expectation),
                None => resolved.push(Addressee { facility_id, expectation }),
            }
        }
    }
    resolved
}

#[cfg(test)]
mod tests;
