//! 高梨's leave of care-network.md 8.11, a station that closes over summer, and the words about both.

use super::*;
use crate::cast::{at, endpoint, roster};
use crate::commit::Effect;
use crate::decision::RequestedAct;
use crate::fan_out::publish;
use crate::post::{Addressee, Post, PostKind};
use crate::vocabulary::{DeliveryMode, ReplyExpectation};

fn colleague() -> Substitute {
    Substitute::Colleague { staff_id: "S04b".into(), name: "木下 昌平".into() }
}

fn pause(facility: &str, who: Paused, substitute: Option<Substitute>) -> Pause {
    Pause {
        id: "PAUSE1".into(),
        facility_id: facility.into(),
        who,
        from: at("2026-08-12T00:00"),
        until: at("2026-08-17T00:00"),
        substitute,
    }
}

fn of_mail() -> Paused {
    Paused::Endpoint { endpoint_id: "E03".into() }
}

fn with(pause: Pause) -> GroupRoster {
    let mut roster = roster();
    for member in &mut roster.members {
        if member.facility.id == pause.facility_id {
            member.pauses.push(pause.clone());
        }
    }
    roster
}

fn post(urgency: Urgency, addressee: Option<&str>) -> Post {
    let asked = |f: &str| Addressee { facility_id: f.into(), expectation: ReplyExpectation::Reply };
    Post {
        id: "POST9".into(),
        group_id: "G01".into(),
        topic_id: "POST9".into(),
        kind: PostKind::Topic,
        corrects: None,
        version: 1,
        facility_id: "F02".into(),
        staff_id: None,
        author_name: None,
        proxy: None,
        channel: Channel::Web,
        urgency,
        expectation: ReplyExpectation::None,
        due_at: None,
        title: Some("発熱".into()),
        body: "38.5".into(),
        quoted: None,
        signature: None,
        document_kind: None,
        occurred_at: None,
        received_at: at("2026-08-13T10:00"),
        posted_at: at("2026-08-13T10:00"),
        intake_id: None,
        event_key: None,
        decided_by: "test".into(),
        addressees: addressee.map(asked).into_iter().collect(),
        liaison: Vec::new(),
    }
}

/// When it leaves for an endpoint, and as what; and who is asked.
fn sent(
    post: Post,
    roster: &GroupRoster,
    to: &str,
    now: &str,
) -> (Option<(DeliveryMode, UtcMicros)>, Vec<String>) {
    let mut counter = 0_u128;
    let mut random = || {
        counter += 1;
        counter << 20 | counter
    };
    let effects = publish(post, Vec::new(), roster, at(now), &mut random);
    let asked = effects.iter().find_map(|e| match e {
        Effect::Post { post, .. } => {
            Some(post.addressees.iter().map(|a| a.facility_id.to_string()).collect::<Vec<_>>())
        }
        _ => None,
    });
    let delivery = effects.iter().find_map(|e| match e {
        Effect::Deliver(d) if d.endpoint_id.as_str() == to => Some((d.mode, d.due_at)),
        _ => None,
    });
    (delivery, asked.unwrap_or_default())
}

#[test]
fn what_is_no_emergency_waits_for_the_return() {
    use DeliveryMode::{Digest, Instant};
    let instead = |id: &str| Substitute::Facility { facility_id: id.into(), name: "x".into() };
    let day = "2026-08-13T10:00";
    let back = at("2026-08-17T08:30");
    for (name, substitute, urgency, now, want) in [
        ("normal", None, Urgency::Normal, day, (Digest, back)),
        ("urgent", None, Urgency::Urgent, day, (Digest, back)),
        ("nobody stands in", None, Urgency::Emergency, day, (Instant, at(day))),
        ("a member stands in", Some(instead("F04")), Urgency::Emergency, day, (Digest, back)),
        ("who is no member", Some(instead("F99")), Urgency::Emergency, day, (Instant, at(day))),
        ("a colleague without another way", Some(colleague()), Urgency::Emergency, day, (Instant, at(day))),
        ("the evening before", None, Urgency::Normal, "2026-08-11T20:00", (Digest, back)),
        ("before it", None, Urgency::Normal, "2026-08-11T10:00", (Digest, at("2026-08-11T13:00"))),
        ("after it", None, Urgency::Normal, "2026-08-17T10:00", (Digest, at("2026-08-17T13:00"))),
    ] {
        let roster = with(pause("F03", of_mail(), substitute));
        assert_eq!(sent(post(urgency, None), &roster, "E03", now).0, Some(want), "{name}");
    }
    let others = with(pause("F03", of_mail(), None));
    let pharmacy = sent(post(Urgency::Normal, None), &others, "E05", day).0;
    assert_eq!(pharmacy, Some((Digest, at("2026-08-13T14:00"))), "nobody else waits");
}

#[test]
fn a_persons_leave_holds_nothing_up() {
    let person = Paused::Person { staff: Some(("S04".into(), "高梨 由美子".into())) };
    let leave = pause("F04", person, Some(colleague()));
    let now = at("2026-08-13T10:00");
    assert_eq!(leave.attention(now).as_deref(), Some("代理 木下 昌平 様 (高梨 由美子 様 休止中)"));
    assert_eq!(leave.attention(at("2026-08-17T00:00")), None, "再開");
    assert_eq!(leave.shown(now), "高梨 由美子 休止中 8/12(水)–8/16(日) 代理 木下 昌平");
    let roster = with(leave);
    let (delivery, asked) = sent(post(Urgency::Normal, Some("F04")), &roster, "E04", "2026-08-13T10:00");
    assert_eq!(delivery, Some((DeliveryMode::Digest, at("2026-08-13T16:00"))));
    assert_eq!(asked, ["F04"]);
}

#[test]
fn who_rests_with_every_way_is_not_asked() {
    let instead = Some(Substitute::Facility { facility_id: "F04".into(), name: "つむぎ".into() });
    let asked = |substitute: Option<Substitute>, who: Paused| {
        let roster = with(pause("F03", who, substitute));
        sent(post(Urgency::Normal, Some("F03")), &roster, "E03", "2026-08-13T10:00").1
    };
    assert_eq!(asked(instead.clone(), of_mail()), ["F04"]);
    assert_eq!(asked(instead, Paused::Facility), ["F04"]);
    assert_eq!(asked(None, of_mail()), ["F03"], "nobody stands in");
    let author = Some(Substitute::Facility { facility_id: "F02".into(), name: "若葉".into() });
    assert_eq!(asked(author, of_mail()), ["F03"], "the author asks nobody but the member");
}

#[test]
fn names_mean_one_or_nobody() {
    let mut roster = roster();
    let colleague = crate::directory::StaffMember {
        id: "S04b".into(),
        facility_id: "F04".into(),
        name: "木下 昌平".into(),
        professions: vec![],
        left_at: None,
    };
    for member in roster.members.iter_mut().filter(|m| m.facility.id.as_str() == "F04") {
        member.staff.push(colleague.clone());
    }
    let member = roster.member(&"F04".into()).unwrap();
    let named = |written: &str| substitute(written, member, Some(&roster)).map(|s| s.name().to_owned());
    assert_eq!(named("木下").as_deref(), Some("木下 昌平"));
    assert_eq!(named("木下昌平").as_deref(), Some("木下 昌平"));
    assert_eq!(named("若葉在宅クリニック").as_deref(), Some("若葉在宅クリニック"));
    assert_eq!(named("あおぞら薬局").as_deref(), Some("あおぞら薬局桜見店"));
    for nobody in ["", "昌平", "鈴木", "下", "ケアプランセンターつむぎ", "大塚"] {
        assert_eq!(named(nobody), None, "{nobody}");
    }
    // The address itself rests unless a colleague reads it.
    let fax = &member.endpoints[0];
    let by = substitute("木下", member, None);
    let signer = member.staff.iter().find(|s| s.name.starts_with("高梨"));
    let person = Paused::Person { staff: Some(("S04".into(), "高梨 由美子".into())) };
    assert_eq!(who(member, fax, by.as_ref(), signer), person);
    assert_eq!(who(member, fax, by.as_ref(), Some(&colleague)), Paused::Person { staff: None });
    assert_eq!(who(member, fax, None, signer), Paused::Endpoint { endpoint_id: fax.id.clone() });
}

#[test]
fn a_pause_begins_with_a_receipt_and_ends_with_one() {
    let mut counter = 0_u128;
    let mut random = || {
        counter += 1;
        counter << 20 | counter
    };
    let mut roster = roster();
    for member in roster.members.iter_mut().filter(|m| m.facility.id.as_str() == "F03") {
        member.endpoints.push(endpoint("E03F", "F03", Channel::Fax, &["9:00"]));
    }
    let member = roster.member(&"F03".into()).unwrap();
    let by = &member.endpoints[0];
    let now = at("2026-08-09T10:00");
    let leave = pause("F03", of_mail(), None);
    let all = begin(leave.clone(), by, member, now, &mut random);
    let Some(Effect::BeginPause { moves, .. }) = all.first() else { panic!("{all:?}") };
    assert_eq!(moves.len(), 1, "only the mail rests");
    assert_eq!((moves[0].from, moves[0].to), (leave.from, at("2026-08-17T08:30")));
    let mail = all.iter().find_map(|e| match e {
        Effect::OrderSheet(sheet) => Some((sheet.endpoint_id.as_str(), sheet.due_at)),
        _ => None,
    });
    assert_eq!(mail, Some(("E03", now)), "at once, because it carries the code");
    let told = all
        .iter()
        .filter(|e| matches!(e, Effect::TellInNext { endpoint_id, .. } if endpoint_id.as_str() == "E03F"));
    assert_eq!(told.count(), 1, "the FAX hears of it");
    for bad in [
        Pause { until: leave.from, ..leave.clone() },
        Pause { until: leave.from.plus_seconds(LONGEST_SECONDS + 1), ..leave.clone() },
        Pause { from: at("2026-08-01T00:00"), until: at("2026-08-05T00:00"), ..leave.clone() },
    ] {
        assert_eq!(begin(bad, by, member, now, &mut random), []);
    }
    let ended = end(&leave, by, member, at("2026-08-14T10:00"), &mut random);
    let Some(Effect::EndPause { moves, how: PauseEnd::Resumed, .. }) = ended.first() else {
        panic!("{ended:?}")
    };
    assert_eq!((moves[0].from, moves[0].to), (at("2026-08-17T08:30"), at("2026-08-14T13:00")));
    let request = |endpoint: &str| Request {
        group_id: None,
        facility_id: "F03".into(),
        endpoint_id: endpoint.into(),
        act: RequestedAct::Resume,
    };
    let mut member = member.clone();
    assert_eq!(to_end(&member, &request("E03"), now), None);
    member.pauses.push(leave.clone());
    assert_eq!(to_end(&member, &request("E03"), now), Some(&leave));
    assert_eq!(to_end(&member, &request("E03F"), now), Some(&leave), "the only one");
    member.pauses.push(Pause { id: "PAUSE2".into(), who: Paused::Facility, ..leave.clone() });
    assert_eq!(to_end(&member, &request("E03F"), now), None, "which one?");
}

#[test]
fn the_office_confirms_what_stands_on_paper() {
    let mut counter = 0_u128;
    let mut random = || {
        counter += 1;
        counter << 20 | counter
    };
    let roster = roster();
    let facilities: Vec<crate::directory::Facility> =
        roster.members.iter().map(|m| m.facility.clone()).collect();
    let mut member = roster.member(&"F04".into()).unwrap().clone();
    member.staff.push(crate::directory::StaffMember {
        id: "S04b".into(),
        facility_id: "F04".into(),
        name: "木下 昌平".into(),
        professions: vec![],
        left_at: None,
    });
    let by = member.endpoints.iter().find(|e| e.channel == Channel::Fax).unwrap().clone();
    let now = at("2026-08-09T10:00");
    let person = Paused::Person { staff: Some(("S04".into(), "高梨 由美子".into())) };
    let number = Paused::Endpoint { endpoint_id: by.id.clone() };
    let mut ask = |who: &Paused, until: &str, substitute: &str, by: &Endpoint| {
        let read = Confirmed { who: who.clone(), from: at("2026-08-12T00:00"), until: at(until), substitute };
        begin_confirmed(read, by, &member, facilities.iter(), now, &mut random)
    };
    let begun = ask(&person, "2026-08-17T00:00", " 木下 ", &by).unwrap();
    let Some(Effect::BeginPause { pause, moves }) = begun.first() else { panic!("{begun:?}") };
    assert_eq!((&pause.who, pause.substitute.as_ref()), (&person, Some(&colleague())));
    assert!(moves.is_empty(), "a person's leave holds nothing up");
    let receipt = begun.iter().find_map(|e| match e {
        Effect::OrderSheet(s) => Some((s.endpoint_id.clone(), s.order.clone(), s.due_at)),
        _ => None,
    });
    let order = SheetOrder::Receipt { receipt: ReceiptOf::Pause { id: pause.id.clone() } };
    let (to, what, due) = receipt.unwrap();
    assert_eq!((to, what), (by.id.clone(), order));
    assert!(due > now, "with the next delivery, not at once");
    let number_rests = ask(&number, "2026-08-17T00:00", "若葉在宅クリニック", &by).unwrap();
    let Some(Effect::BeginPause { pause, moves }) = number_rests.first() else { panic!("{number_rests:?}") };
    assert!(
        matches!(&pause.substitute, Some(Substitute::Facility { facility_id, .. }) if facility_id.as_str() == "F02")
    );
    assert_eq!(moves.len(), 1);
    let open = (**pause).clone();

    assert_eq!(ask(&person, "2026-08-17T00:00", "鈴木", &by), Err(NotPaused::Substitute));
    assert_eq!(ask(&person, "2026-08-17T00:00", "高梨", &by), Err(NotPaused::Substitute), "herself");
    assert_eq!(ask(&number, "2026-08-12T00:00", "", &by), Err(NotPaused::Period));
    assert_eq!(ask(&number, "2027-09-12T00:00", "", &by), Err(NotPaused::Period));
    let stale = Endpoint { state: EndpointState::Stale, ..by.clone() };
    assert_eq!(ask(&number, "2026-08-17T00:00", "", &stale), Err(NotPaused::NoReceipt));

    member.pauses.push(open.clone());
    let during = at("2026-08-13T10:00");
    let ended = end_confirmed(&open.id, &by, &member, during, &mut random).unwrap();
    assert!(matches!(ended.first(), Some(Effect::EndPause { how: PauseEnd::Resumed, .. })));
    assert!(ended.iter().any(|e| matches!(e, Effect::OrderSheet(_))), "with its receipt");
    for (id, by, now, want) in [
        ("OTHER".into(), &by, during, NotPaused::Over),
        (open.id.clone(), &by, open.until, NotPaused::Over),
        (open.id.clone(), &stale, during, NotPaused::NoReceipt),
    ] {
        assert_eq!(end_confirmed(&id, by, &member, now, &mut random), Err(want));
    }
}
