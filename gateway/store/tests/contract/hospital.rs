//! Back to the hospital: who may be written to without being a member, what leaves, in which order.

use super::world::{World, deliver, endpoint, facility, mail, now, post, reply, topic};
use kakehashi_core::commit::{AttemptEnd, AuthorNote, Effect, NewDelivery, OnlyIf};
use kakehashi_core::decide::doubt;
use kakehashi_core::decision::{Decided, Decision, TriageReason};
use kakehashi_core::directory::{Endpoint, EndpointSettings};
use kakehashi_core::envelope::{ContentHash, Envelope, Event};
use kakehashi_core::facts::{FactQuery, IdentifierState};
use kakehashi_core::fan_out::by_fax_instead;
use kakehashi_core::job::{DeliveryJob, JobContent, JobItem};
use kakehashi_core::port::{Origin, Outcome, SendFault};
use kakehashi_core::post::{Acknowledgement, Post, PostKind};
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::vocabulary::{
    Channel, DeliveryMode, DeliveryState, Format, IdentityLevel, IntakeState, ReplyExpectation,
};
use kakehashi_store::DirectoryChange;
use kakehashi_store::view::OutboxFilter;

/// A hospital outside the group, with a confirmed number of 千代 and an inbox.
fn inbox() -> Endpoint {
    endpoint("E10", "F10", Channel::Hl7, "kita_ch")
}

async fn fill(world: &World, consented: bool) {
    world.fill().await;
    let mut changes = vec![
        facility("F10", "北中央病院", "hospital"),
        DirectoryChange::Endpoint(inbox()),
        DirectoryChange::Identifier {
            facility_id: "F10".into(),
            identifier: "K-77".into(),
            patient_id: "P01".into(),
            state: IdentifierState::Confirmed,
        },
    ];
    if consented {
        changes.push(super::world::consent("C10", "P01", &["F10"], None));
    }
    world.import(changes).await;
}

fn answer(id: &str, of: &str) -> NewDelivery {
    NewDelivery {
        only_if: OnlyIf::TopicConcernsIt,
        ..deliver(id, of, &inbox(), DeliveryMode::Instant, now())
    }
}

async fn claim(world: &World, at: i64) -> Vec<DeliveryJob> {
    world.worker().claim_deliveries("w", 50, 60, 1_000_000, now().plus_seconds(at)).await.unwrap()
}

fn item(job: &DeliveryJob) -> &JobItem {
    match &job.content {
        JobContent::Posts(posts) => &posts.items[0],
        other => panic!("no posts: {other:?}"),
    }
}

pub(crate) async fn it_is_reached_without_being_a_member(world: &World) {
    fill(world, true).await;
    let roster = world.office().roster(&"G01".into(), now()).await.unwrap().unwrap();
    assert!(roster.member(&"F10".into()).is_none());
    let hospital = roster.addressable(&"F10".into()).unwrap();
    assert!(hospital.consented && hospital.endpoints == [inbox()]);
    assert_eq!(roster.correspondents.len(), 1, "F01 is a member already");
    // Another patient's group knows nothing of it.
    let other = world.office().roster(&"G03".into(), now()).await.unwrap().unwrap();
    assert!(other.correspondents.is_empty());
    let timeline = world.office().timeline(&"U02".into(), &"G01".into(), None, 10).await.unwrap().unwrap();
    assert_eq!(timeline.correspondents[0].facility.name, "北中央病院");
}

pub(crate) async fn answers_to_its_topics_leave_and_nothing_else(world: &World) {
    fill(world, true).await;
    let theirs = topic("T1", "G01", "F10", &[]);
    let ours = topic("T2", "G01", "F04", &[]);
    let asked = topic("T3", "G01", "F04", &[("F10", ReplyExpectation::Reply)]);
    world.commit(vec![post(&theirs), post(&ours), post(&asked)]).await.unwrap();
    let effects = [("R1", &theirs, "D1"), ("R2", &ours, "D2"), ("R3", &asked, "D3")];
    for (id, under, delivery) in effects {
        let effects = vec![post(&reply(id, under, "F03")), Effect::Deliver(answer(delivery, id))];
        world.commit(effects).await.unwrap();
    }
    let jobs = claim(world, 0).await;
    assert_eq!(jobs.len(), 1, "one in flight");
    let record = item(&jobs[0]).hospital.clone().unwrap();
    assert_eq!((record.identifier.as_str(), record.name.as_str()), ("K-77", "山本 千代"));
    assert_eq!((item(&jobs[0]).post.id.as_str(), record.kana.as_deref()), ("R1", Some("ヤマモト チヨ")));
    let held = world.office().outbox(OutboxFilter::Held, 10).await.unwrap();
    let mut ids: Vec<&str> = held.iter().map(|r| r.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["D1", "D3"], "the thread of others stays with them");
}

pub(crate) async fn an_acknowledgement_is_told_once_and_while_it_stands(world: &World) {
    fill(world, true).await;
    world.commit(vec![post(&topic("T1", "G01", "F10", &[("F03", ReplyExpectation::Ack)]))]).await.unwrap();
    let given = |seconds: i64, n: u64| {
        let acknowledgement = Acknowledgement {
            post_id: "T1".into(),
            facility_id: "F03".into(),
            staff_id: Some("S0301".into()),
            person_name: None,
            channel: Channel::Email,
            acknowledged_at: now().plus_seconds(seconds),
            identity_level: IdentityLevel::I2,
            intake_id: None,
            delivery_id: None,
            proxy: None,
        };
        let note = AuthorNote {
            post_id: "T1".into(),
            facility_id: "F03".into(),
            delivery_id: format!("A{n}").into(),
            due_at: now().plus_seconds(seconds + 300),
            item_code: ReplyCode::from_random(n * 1000),
            delivery_code: ReplyCode::from_random(n * 1000 + 500),
            code_expires_at: now().plus_seconds(86_400),
        };
        vec![Effect::Acknowledge(acknowledgement), Effect::TellAuthor(note)]
    };
    world.commit(given(0, 1)).await.unwrap();
    let again = world.commit(given(1, 2)).await.unwrap();
    assert_eq!(again.repeated_count, 2, "one 了解, told once");
    let withdraw = Effect::WithdrawAcknowledgement { post_id: "T1".into(), facility_id: "F03".into() };
    world.commit(vec![withdraw]).await.unwrap();
    assert!(claim(world, 301).await.is_empty(), "what was taken back is not told");
    world.commit(given(400, 3)).await.unwrap();
    let jobs = claim(world, 800).await;
    assert_eq!(jobs.len(), 1);
    let receipt = item(&jobs[0]).receipt.clone().unwrap();
    assert_eq!(receipt.facility_name, "訪問看護ステーションひなた");
    assert_eq!(receipt.person.as_deref(), Some("大塚 千尋"));
    assert_eq!(receipt.acknowledged_at, now().plus_seconds(400));
    // An author without an inbox is told nothing.
    world.commit(vec![post(&topic("T2", "G01", "F04", &[]))]).await.unwrap();
    let mut effects = given(900, 4);
    for effect in &mut effects {
        match effect {
            Effect::Acknowledge(a) => a.post_id = "T2".into(),
            Effect::TellAuthor(note) => note.post_id = "T2".into(),
            _ => {}
        }
    }
    assert_eq!(world.commit(effects).await.unwrap().repeated_count, 1);
}

pub(crate) async fn an_interface_is_served_in_order(world: &World) {
    fill(world, true).await;
    let theirs = topic("T1", "G01", "F10", &[]);
    world.commit(vec![post(&theirs)]).await.unwrap();
    for n in 1..=3 {
        let id = format!("R{n}");
        let effects = vec![post(&reply(&id, &theirs, "F03")), Effect::Deliver(answer(&format!("D{n}"), &id))];
        world.commit(effects).await.unwrap();
    }
    // Mail has no such queue.
    world
        .commit(vec![post(&topic("T9", "G01", "F04", &[])), {
            Effect::Deliver(deliver("M1", "T9", &mail(), DeliveryMode::Instant, now()))
        }])
        .await
        .unwrap();
    let mut jobs = claim(world, 0).await;
    jobs.sort_by(|a, b| a.id.cmp(&b.id));
    let ids: Vec<&str> = jobs.iter().map(|j| j.id.as_str()).collect();
    assert_eq!(ids, ["D1", "M1"]);
    assert!(claim(world, 0).await.is_empty());
    let failed = AttemptEnd {
        delivery_id: "D1".into(),
        attempt: 1,
        outcome: Outcome::Unknown(SendFault::TimedOut("no acknowledgement".to_owned())),
        next_state: DeliveryState::Held,
        next_due_at: Some(now().plus_seconds(60)),
        at: now(),
    };
    assert!(world.worker().finish_attempt("w", &failed).await.unwrap());
    assert!(claim(world, 30).await.is_empty(), "what waits behind the first waits too");
    assert_eq!(
        world.worker().next_due().await.unwrap(),
        Some(now().plus_seconds(60)),
        "and nobody looks in vain"
    );
    let jobs = claim(world, 60).await;
    assert_eq!((jobs[0].id.as_str(), jobs[0].attempt, jobs.len()), ("D1", 2, 1));
    let sent = AttemptEnd {
        attempt: 2,
        outcome: Outcome::Delivered("AA".to_owned()),
        next_state: DeliveryState::Delivered,
        next_due_at: None,
        ..failed
    };
    assert!(world.worker().finish_attempt("w", &sent).await.unwrap());
    assert_eq!(claim(world, 61).await[0].id.as_str(), "D2");
}

pub(crate) async fn what_an_inbox_refuses_goes_by_fax_once(world: &World) {
    fill(world, true).await;
    let fax = Endpoint {
        settings: EndpointSettings { receives: false, ..EndpointSettings::default() },
        ..endpoint("E11", "F10", Channel::Fax, "0300000110")
    };
    world.import(vec![DirectoryChange::Endpoint(fax)]).await;
    let asked = topic("T1", "G01", "F04", &[("F10", ReplyExpectation::Reply)]);
    let inbox_delivery = deliver("D1", "T1", &inbox(), DeliveryMode::Instant, now());
    world.commit(vec![post(&asked), Effect::Deliver(inbox_delivery)]).await.unwrap();
    let refused = async || world.worker().refused_by_hospitals(now().plus_seconds(60)).await.unwrap();
    assert_eq!(claim(world, 0).await.len(), 1);
    assert!(refused().await.is_empty(), "under way");
    let end = AttemptEnd {
        delivery_id: "D1".into(),
        attempt: 1,
        outcome: Outcome::Failed(SendFault::RefusedForGood("AR 200".to_owned())),
        next_state: DeliveryState::Failed,
        next_due_at: None,
        at: now(),
    };
    assert!(world.worker().finish_attempt("w", &end).await.unwrap());
    let found = refused().await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].post_id.as_str(), found[0].interface.as_str()), ("T1", "kita_ch"));
    let roster = world.worker().roster(&found[0].group_id, now()).await.unwrap().unwrap();
    let hospital = roster.addressable(&found[0].facility_id).unwrap();
    let mut next = 7;
    let mut random = move || {
        next += 1000;
        next
    };
    let wrong = by_fax_instead(&found[0].post_id, hospital, "0300000999", now(), &mut random);
    assert_eq!(wrong, None, "only a number that is registered and verified");
    let effect = by_fax_instead(&found[0].post_id, hospital, "0300000110", now(), &mut random).unwrap();
    world.commit(vec![effect.clone()]).await.unwrap();
    assert!(refused().await.is_empty(), "once");
    let jobs = claim(world, 60).await;
    assert_eq!(jobs.len(), 1);
    assert_eq!(item(&jobs[0]).post.id.as_str(), "T1");
}

pub(crate) async fn a_call_is_asked_for_where_a_machine_has_taken_what_is_withdrawn(world: &World) {
    fill(world, true).await;
    let theirs = topic("T1", "G01", "F10", &[]);
    let first = reply("R1", &theirs, "F03");
    world.commit(vec![post(&theirs), post(&first), Effect::Deliver(answer("D1", "R1"))]).await.unwrap();
    let version = |id: &str, of: &str, version: u32| Post {
        kind: PostKind::Correction,
        corrects: Some(of.into()),
        version,
        ..reply(id, &theirs, "F03")
    };
    let call = |id: &str, of: &str| {
        Effect::Deliver(NewDelivery {
            channel: Channel::PhoneMemo,
            only_if: OnlyIf::TookCorrected,
            ..deliver(id, of, &inbox(), DeliveryMode::Instant, now())
        })
    };
    // The reply has not left: nobody there knows of it.
    let second = version("R2", "R1", 2);
    let effects = vec![post(&second), Effect::Deliver(answer("D2", "R2")), call("D3", "R2")];
    assert_eq!(world.commit(effects).await.unwrap().repeated_count, 1);
    let jobs = claim(world, 0).await;
    assert_eq!(jobs.iter().map(|j| j.id.as_str()).collect::<Vec<_>>(), ["D1"]);
    let taken = AttemptEnd {
        delivery_id: "D1".into(),
        attempt: 1,
        outcome: Outcome::Delivered("AA".to_owned()),
        next_state: DeliveryState::Delivered,
        next_due_at: None,
        at: now(),
    };
    assert!(world.worker().finish_attempt("w", &taken).await.unwrap());
    // Taken, and corrected since: the call beside the message, which does not wait for it.
    let third = version("R3", "R2", 3);
    let effects = vec![post(&third), Effect::Deliver(answer("D4", "R3")), call("D5", "R3")];
    assert_eq!(world.commit(effects).await.unwrap().repeated_count, 0);
    let jobs = claim(world, 1).await;
    let calls: Vec<&DeliveryJob> = jobs.iter().filter(|j| j.id.as_str() == "D5").collect();
    let JobContent::Posts(posts) = &calls[0].content else { panic!("{calls:?}") };
    assert_eq!((posts.endpoint.channel, posts.endpoint.address.as_str()), (Channel::PhoneMemo, ""));
    assert_eq!(posts.items[0].post.id.as_str(), "R3");
    assert!(jobs.iter().any(|j| j.id.as_str() == "D2"), "the queue goes on");
}

/// A document of an interface, settled as `state`; drafts carry the warning of the reader.
async fn document(world: &World, id: &str, trigger: &str, status: &str) {
    let mut raw = super::world::raw(id, id.as_bytes());
    raw.origin.interface = Some("kita_ch".to_owned());
    world.store.intake_log().hand_in(&world.network, id.into(), raw).await.unwrap();
    let draft = status == "IP";
    let mut envelope = Envelope::empty(Channel::Hl7, Format::Hl7v2, ContentHash::of(id.as_bytes()));
    envelope.event = Some(Event {
        kind: Some("MDM".to_owned()),
        trigger: Some(trigger.to_owned()),
        status: Some(status.to_owned()),
        document: Some("D-1".to_owned()),
        ..Event::default()
    });
    let mut effects = Vec::new();
    if draft {
        envelope.warn(doubt::NOT_FINAL, "a draft");
        effects.push(Effect::OpenTriage {
            id: format!("X-{id}").as_str().into(),
            intake_id: id.into(),
            envelope_index: 0,
            reasons: vec![TriageReason::NotReleased],
            candidates: Vec::new(),
            quarantined: false,
        });
    } else {
        effects.push(Effect::FinalDocument {
            intake_id: id.into(),
            document: "D-1".to_owned(),
            with_text: trigger == "T04",
        });
    }
    let query = FactQuery::of(&envelope, &Origin { interface: Some("kita_ch".into()), ..Origin::default() });
    assert_eq!(query.draft.is_some(), draft);
    let recorded =
        Effect::RecordReading { intake_id: id.into(), envelopes: vec![envelope], attachments: Vec::new() };
    effects.insert(0, recorded);
    let state = if draft { IntakeState::Triage } else { IntakeState::Recorded };
    effects.push(Effect::FinishIntake { intake_id: id.into(), state, decided: Vec::new() });
    world.commit(effects).await.unwrap();
}

pub(crate) async fn a_draft_waits_until_its_sender_makes_it_final(world: &World) {
    fill(world, true).await;
    let waiting = async || world.worker().claim_intakes("w", 10, 60, now().plus_seconds(1)).await.unwrap();
    let query = FactQuery {
        sender_address: Some("kita_ch".to_owned()),
        draft: Some("D-1".to_owned()),
        ..FactQuery::default()
    };
    let made_final = async || world.worker().facts(&query, now()).await.unwrap().made_final;
    document(world, "I1", "T02", "IP").await;
    assert!(waiting().await.is_empty() && !made_final().await);
    // Its text comes as a message of its own: the draft is closed and never posted.
    document(world, "I2", "T04", "LA").await;
    assert!(waiting().await.is_empty());
    assert!(world.office().triage(false, 10).await.unwrap().is_empty());
    // A word without text: the draft is read anew, as final.
    document(world, "I3", "T02", "IP").await;
    document(world, "I4", "T03", "AU").await;
    assert!(made_final().await);
    let again = waiting().await;
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].id.as_str(), "I3");
    let open = async || world.office().triage(false, 10).await.unwrap();
    assert_eq!(open().await.len(), 1, "its item stays until it needs none");
    settle_anew(world, "I3", Decision::Record { what: "repetition".to_owned() }, Vec::new()).await;
    assert!(open().await.is_empty());
}

/// What a worker writes after reading an intake once more.
async fn settle_anew(world: &World, id: &str, decision: Decision, more: Vec<Effect>) {
    let state =
        if matches!(decision, Decision::Triage { .. }) { IntakeState::Triage } else { IntakeState::Recorded };
    let decided = Decided { decision, rule: None, identity_level: IdentityLevel::I0, grounds: Vec::new() };
    let mut effects = more;
    effects.push(Effect::FinishIntake { intake_id: id.into(), state, decided: vec![decided] });
    world.commit(effects).await.unwrap();
}

pub(crate) async fn an_item_that_nobody_touched_keeps_its_place_when_read_anew(world: &World) {
    fill(world, true).await;
    document(world, "I1", "T02", "IP").await;
    let open = async || world.office().triage(false, 10).await.unwrap();
    let before = open().await;
    let replay = async || {
        let effects = vec![Effect::ReplayIntake { intake_id: "I1".into() }];
        world.commit(effects).await.unwrap().repeated_count == 0
    };
    assert!(replay().await);
    let reasons = vec![TriageReason::NoCandidate];
    let again = Effect::OpenTriage {
        id: "X-again".into(),
        intake_id: "I1".into(),
        envelope_index: 0,
        reasons: reasons.clone(),
        candidates: Vec::new(),
        quarantined: false,
    };
    let decision = Decision::Triage { reasons, candidates: Vec::new() };
    settle_anew(world, "I1", decision, vec![again]).await;
    let after = open().await;
    assert_eq!((after.len(), &after[0].id), (1, &before[0].id));
    let item = world.office().triage_item(&before[0].id).await.unwrap().unwrap();
    assert_eq!(item.row.reasons, [TriageReason::NoCandidate]);
    assert!(replay().await);
    settle_anew(world, "I1", Decision::Record { what: "x".to_owned() }, Vec::new()).await;
    assert!(open().await.is_empty());
    // A person had the last word on none of it, so that only an item that somebody closed stands still.
    assert!(!replay().await, "closed items are never opened again");
}
