//! Who gets what: S2's discharge over the roster of G01, and who never gets anything.

use super::*;
use crate::cast::*;
use crate::decide::decide;
use crate::decision::{Ask, Decision};
use crate::ids::{IntakeId, PostId};
use crate::placement::{Arrival, post_of};
use crate::vocabulary::Urgency;
use std::collections::BTreeMap;

/// Deterministic randomness.
fn counter() -> impl FnMut() -> u128 {
    let mut n = 0_u128;
    move || {
        n += 0x1_0000_0001;
        n
    }
}

fn discharge(roster: &GroupRoster) -> Post {
    let envelope = hl7("ADT", "A03", "退院のお知らせ", "退院されました。");
    let now = at("2026-06-09T10:20");
    let decided = decide(&envelope, &hospital_facts(), None, now);
    let Decision::Post(placement) = &decided.decision else { panic!() };
    let intake_id = IntakeId::from("I1");
    let arrival = Arrival {
        facility: None,
        intake_id: &intake_id,
        index: 0,
        received_at: now,
        now,
        envelope: &envelope,
        decided: &decided,
    };
    post_of(&arrival, placement, roster, PostId::from("POST"))
}

fn sent(roster: &GroupRoster, post: Post) -> BTreeMap<String, NewDelivery> {
    let now = post.posted_at;
    let effects = publish(post, vec![], roster, now, &mut counter());
    assert!(matches!(effects[0], Effect::Post { .. }));
    let deliveries = effects.into_iter().filter_map(|e| match e {
        Effect::Deliver(d) => Some((d.endpoint_id.as_str().to_owned(), d)),
        _ => None,
    });
    deliveries.collect()
}

#[test]
fn s2_to_seven_facilities() {
    let roster = roster();
    let post = discharge(&roster);
    let asked: Vec<(&str, ReplyExpectation)> =
        post.addressees.iter().map(|a| (a.facility_id.as_str(), a.expectation)).collect();
    assert_eq!(
        asked,
        [("F04", ReplyExpectation::Reply), ("F03", ReplyExpectation::Ack), ("F05", ReplyExpectation::Ack)]
    );
    let sent = sent(&roster, post);
    let expected = [
        ("E03", DeliveryMode::Instant, "2026-06-09T10:20"),
        ("E04", DeliveryMode::Instant, "2026-06-09T10:20"),
        ("E05", DeliveryMode::Instant, "2026-06-09T10:20"),
        ("E06", DeliveryMode::Digest, "2026-06-10T08:00"),
        ("E06P", DeliveryMode::Instant, "2026-06-09T10:20"),
        ("E08", DeliveryMode::Digest, "2026-06-12T15:00"),
    ];
    assert_eq!(sent.len(), expected.len(), "the web is live, the API has no way out yet");
    for (endpoint, mode, due) in expected {
        let d = &sent[endpoint];
        assert_eq!((d.mode, d.due_at), (mode, at(due)), "{endpoint}");
        let days = if mode == DeliveryMode::Instant { 14 } else { 45 };
        assert_eq!(d.code_expires_at, at(due).plus_seconds(days * 86_400), "{endpoint}");
        assert_ne!(d.item_code, d.delivery_code);
    }
    let mut codes: Vec<&str> =
        sent.values().flat_map(|d| [d.item_code.as_str(), d.delivery_code.as_str()]).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), 12);
}

#[test]
fn who_never_gets_anything() {
    let all = |change: &dyn Fn(&mut GroupRoster)| {
        let mut roster = roster();
        let post = discharge(&roster);
        change(&mut roster);
        sent(&roster, post).into_keys().collect::<Vec<_>>()
    };
    let without = |gone: &[&str]| {
        let everybody = ["E03", "E04", "E05", "E06", "E06P", "E08"];
        everybody.iter().filter(|e| !gone.contains(e)).map(|e| (*e).to_owned()).collect::<Vec<_>>()
    };
    for state in [EndpointState::Unverified, EndpointState::Stale, EndpointState::Suspended] {
        assert_eq!(all(&|r| r.members[1].endpoints[0].state = state), without(&["E03"]), "{state}");
    }
    assert_eq!(all(&|r| r.members[1].endpoints[0].settings.receives = false), without(&["E03"]));
    assert_eq!(all(&|r| r.members[4].consented = false), without(&["E06", "E06P"]));
    assert_eq!(all(&|r| r.group.state = GroupState::Frozen), Vec::<String>::new());
    assert_eq!(all(&|r| r.group.id = "G02".into()), Vec::<String>::new());
    // The author's own numbers.
    let roster = roster();
    let mut post = discharge(&roster);
    post.facility_id = "F05".into();
    assert_eq!(sent(&roster, post).into_keys().collect::<Vec<_>>(), without(&["E05"]));
}

fn hospital(endpoints: Vec<Endpoint>) -> GroupRoster {
    let mut roster = roster();
    roster.correspondents = vec![member(facility("F01", "桜見中央病院", "hospital"), endpoints, vec![])];
    roster
}

#[test]
fn a_hospital_gets_what_is_meant_for_it() {
    let inbox = endpoint("H7", "F01", Channel::Hl7, &["9:00"]);
    let fax = endpoint("HF", "F01", Channel::Fax, &["9:00"]);
    let both = hospital(vec![fax.clone(), inbox.clone()]);
    let to_hospital = |roster: &GroupRoster, change: &dyn Fn(&mut Post)| {
        let mut post = discharge(roster);
        post.facility_id = "F04".into();
        post.addressees.clear();
        change(&mut post);
        let found = sent(roster, post).into_iter().filter(|(e, _)| e.starts_with('H'));
        found.map(|(e, d)| (e, d.only_if, d.mode)).collect::<Vec<_>>()
    };
    let topic = |_: &mut Post| {};
    let reply = |p: &mut Post| p.kind = PostKind::Reply;
    let addressed = |p: &mut Post| {
        p.addressees = vec![Addressee { facility_id: "F01".into(), expectation: ReplyExpectation::Reply }];
    };
    let own = |p: &mut Post| p.facility_id = "F01".into();
    let instant = DeliveryMode::Instant;
    assert_eq!(to_hospital(&both, &topic), [], "never the whole timeline");
    assert_eq!(to_hospital(&both, &own), []);
    assert_eq!(to_hospital(&both, &reply), [("H7".to_owned(), OnlyIf::TopicConcernsIt, instant)]);
    assert_eq!(to_hospital(&both, &addressed), [("H7".to_owned(), OnlyIf::Always, instant)]);

    // What is taken back: a machine need not show it to anybody.
    let mut withdrawn = discharge(&both);
    withdrawn.facility_id = "F04".into();
    withdrawn.kind = PostKind::Correction;
    withdrawn.title = Some("返信（取消）".into());
    let calls = |roster: &GroupRoster, post: &Post| {
        let effects = publish(post.clone(), Vec::new(), roster, at("2026-06-09T10:20"), &mut counter());
        let calls = effects.into_iter().filter_map(|effect| match effect {
            Effect::Deliver(d) if d.only_if == OnlyIf::TookCorrected => {
                Some((d.endpoint_id.to_string(), d.channel))
            }
            _ => None,
        });
        calls.collect::<Vec<_>>()
    };
    assert_eq!(calls(&both, &withdrawn), [("H7".to_owned(), Channel::PhoneMemo)]);
    withdrawn.title = Some("返信".into());
    assert_eq!(calls(&both, &withdrawn), [], "a correction shows itself");

    let mut no_inbox = inbox;
    no_inbox.settings.receives = false;
    let paper = hospital(vec![no_inbox, fax]);
    let by_fax = to_hospital(&paper, &addressed);
    assert_eq!(by_fax.len(), 1);
    assert_eq!((by_fax[0].0.as_str(), by_fax[0].1), ("HF", OnlyIf::Always), "FAX to its 地域連携室");

    let mut outside = both;
    outside.correspondents[0].consented = false;
    assert_eq!(to_hospital(&outside, &addressed), [], "the consent does not cover it");
}

#[test]
fn an_acknowledgement_is_told_once_it_cannot_be_taken_back() {
    let given = |channel| Acknowledgement {
        post_id: "POST".into(),
        facility_id: "F03".into(),
        staff_id: None,
        person_name: None,
        channel,
        acknowledged_at: at("2026-06-09T10:58"),
        identity_level: crate::vocabulary::IdentityLevel::I2,
        intake_id: None,
        delivery_id: None,
        proxy: None,
    };
    for (channel, due) in [(Channel::Email, "2026-06-09T10:58"), (Channel::Web, "2026-06-09T11:03")] {
        let effects = acknowledge(given(channel), at("2026-06-09T10:58"), &mut counter());
        let [Effect::Acknowledge(_), Effect::TellAuthor(note)] = effects.as_slice() else { panic!() };
        assert_eq!(note.due_at, at(due), "{channel}");
    }
}

#[test]
fn a_phone_task_needs_its_urgency() {
    let roster = roster();
    let mut post = discharge(&roster);
    post.urgency = Urgency::Normal;
    assert!(!sent(&roster, post).contains_key("E06P"));
}

#[test]
fn who_is_asked() {
    let roster = roster();
    let author = FacilityId::from("F04");
    let by_profession =
        Addressees { professions: vec!["nurse".into(), "care_manager".into()], ..Addressees::default() };
    assert_eq!(resolve_addressees(&by_profession, &roster, &author), [FacilityId::from("F03")]);
    let mut left = roster.clone();
    for s in &mut left.members[1].staff {
        s.left_at = Some(at("2026-06-01T00:00"));
    }
    assert!(resolve_addressees(&by_profession, &left, &author).is_empty());

    let envelope = hl7("ADT", "A02", "転棟", "x");
    let decided = decide(&envelope, &hospital_facts(), None, at("2026-06-09T10:20"));
    let Decision::Post(mut p) = decided.decision else { panic!() };
    assert!(resolve_asks(&p, &roster, &author).is_empty(), "返信不要");
    p.expectation = ReplyExpectation::Ack;
    assert_eq!(resolve_asks(&p, &roster, &author).len(), 6, "nobody named: everybody but the author");
    p.addressees.facilities = vec!["F03".into(), "F05".into()];
    p.asks = vec![Ask {
        expectation: ReplyExpectation::Reply,
        addressees: Addressees { facilities: vec!["F05".into()], ..Addressees::default() },
    }];
    let asks = resolve_asks(&p, &roster, &author);
    assert_eq!(asks.len(), 2);
    assert_eq!((asks[1].facility_id.as_str(), asks[1].expectation), ("F05", ReplyExpectation::Reply));
}
