//! From one post to its deliveries: one per member endpoint that receives, except the author's
//! (architecture.md sections 1 and 4). Only verified endpoints of consented members of an open group get
//! anything; who shares and who is asked is decided here, when it leaves is decided by `schedule`.

use crate::clock::UtcMicros;
use crate::commit::{Effect, NewDelivery};
use crate::decision::{Addressees, Placement};
use crate::directory::{Endpoint, EndpointSettings, GroupRoster, Member};
use crate::ids::{AttachmentId, DeliveryId, FacilityId};
use crate::post::{Addressee, Post};
use crate::reply_code::ReplyCode;
use crate::schedule::{Planned, plan};
use crate::vocabulary::{Channel, DeliveryMode, EndpointState, GroupState, ReplyExpectation};

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
    let open = roster.group.state == GroupState::Open && roster.group.id == post.group_id;
    let members = roster.members.iter().filter(|m| open && m.consented && m.facility.id != post.facility_id);
    for member in members {
        let asked = post
            .addressees
            .iter()
            .any(|a| a.facility_id == member.facility.id && a.expectation != ReplyExpectation::None);
        let due = post.due_at.filter(|_| asked);
        let endpoints = member.endpoints.iter().filter(|e| receives(e, member));
        for endpoint in endpoints {
            let Some(planned) = plan_for(endpoint, &post, due, now) else { continue };
            effects.push(Effect::Deliver(delivery(&post, endpoint, planned, now, random)));
        }
    }
    effects.insert(0, Effect::Post { post: Box::new(post), attachments });
    effects
}

fn receives(endpoint: &Endpoint, member: &Member) -> bool {
    endpoint.facility_id == member.facility.id
        && endpoint.settings.receives
        && endpoint.state == EndpointState::Verified
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
        // The web is live; the others have no way out yet.
        Channel::Notebook | Channel::Api | Channel::Mqtt | Channel::Hl7 | Channel::Web => None,
    }
}

fn delivery(
    post: &Post,
    endpoint: &Endpoint,
    planned: Planned,
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
    }
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
        .members
        .iter()
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
