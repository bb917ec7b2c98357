//! Handles by right: who sees what, and that nobody sees another network.

use super::conversation::acknowledge;
use super::world::{NETWORK, World, cast, code, consent, deliver, fax, group, mail, now, post, reply, topic};
use kakehashi_core::commit::Effect;
use kakehashi_core::decision::{Decided, Decision, TriageReason};
use kakehashi_core::envelope::{ContentHash, Envelope};
use kakehashi_core::ids::{LoginUserId, NetworkId};
use kakehashi_core::vocabulary::{
    Channel, DeliveryMode, DeliveryState, Format, GroupState, IdentityLevel, IntakeState, Locale,
    ReplyExpectation, Urgency,
};
use kakehashi_store::view::OutboxFilter;

fn user() -> LoginUserId {
    "U02".into()
}

pub(crate) async fn a_facility_sees_its_groups_only(world: &World) {
    world.fill().await;
    let mut t =
        topic("T1", "G01", "F01", &[("F02", ReplyExpectation::Reply), ("F03", ReplyExpectation::Ack)]);
    t.due_at = Some(now().plus_seconds(3600));
    world.commit(vec![post(&t), acknowledge("T1", "F03", None)]).await.unwrap();
    let groups = world.facility("F02").groups(&user()).await.unwrap();
    assert_eq!(groups.iter().map(|g| g.group.id.as_str()).collect::<Vec<_>>(), ["G01", "G03"]);
    let first = &groups[0];
    assert_eq!((first.unread_count, first.answered_count, first.asked_count), (1, 1, 2));
    assert_eq!(
        (first.latest_title.as_deref(), first.latest_at, first.urgency),
        (Some("退院のお知らせ"), Some(now()), Urgency::Urgent)
    );
    assert_eq!(
        (first.requests[0].topic_id.as_str(), first.requests[0].expectation),
        ("T1", ReplyExpectation::Reply)
    );
    assert!(groups[1].requests.is_empty() && groups[1].latest_at.is_none());
    world.facility("F02").mark_read(&user(), &"G01".into(), now()).await.unwrap();
    assert_eq!(world.facility("F02").groups(&user()).await.unwrap()[0].unread_count, 0);
    // A reply is what was asked for.
    world.commit(vec![post(&reply("R1", &t, "F02"))]).await.unwrap();
    assert!(world.facility("F02").groups(&user()).await.unwrap()[0].requests.is_empty());
    // Without membership, without consent, or frozen, a group does not exist.
    assert_eq!(world.facility("F03").groups(&user()).await.unwrap().len(), 1);
    assert!(world.facility("F03").timeline(&user(), &"G03".into(), None, 10).await.unwrap().is_none());
    assert!(world.facility("F03").roster(&"G03".into(), now()).await.unwrap().is_none());
    world.import(vec![consent("C03", "P03", &["F02", "F04", "F05"], Some(now().plus_seconds(-1)))]).await;
    assert_eq!(world.facility("F02").groups(&user()).await.unwrap().len(), 1);
    world.import(vec![group("G01", "P01", "つばき01", GroupState::Frozen)]).await;
    assert!(world.facility("F02").groups(&user()).await.unwrap().is_empty());
    assert!(world.facility("F02").timeline(&user(), &"G01".into(), None, 10).await.unwrap().is_none());
    assert_eq!(world.office().groups(&user()).await.unwrap().len(), 2);
}

pub(crate) async fn a_timeline_keeps_delivered_and_acknowledged_apart(world: &World) {
    world.fill().await;
    let t = topic("T1", "G01", "F01", &[("F03", ReplyExpectation::Ack), ("F04", ReplyExpectation::Reply)]);
    let d = |id: &str, to| Effect::Deliver(deliver(id, "T1", to, DeliveryMode::Instant, now()));
    world
        .commit(vec![
            post(&t),
            d("D3", &mail()),
            d("D4", &fax()),
            acknowledge("T1", "F03", Some("大塚")),
            post(&reply("R1", &t, "F04")),
        ])
        .await
        .unwrap();
    let timeline = world.facility("F05").timeline(&user(), &"G01".into(), None, 10).await.unwrap().unwrap();
    assert_eq!((timeline.patient.name.as_str(), timeline.members.len()), ("山本 千代", 5));
    assert_eq!(timeline.members[2].staff[0].professions, ["nurse", "manager"]);
    assert_eq!(timeline.members[2].channels, [Channel::Email]);
    let topic = &timeline.topics[0];
    assert_eq!(topic.topic.facility_name, "桜見中央病院");
    assert!(!topic.topic.read);
    let receipts = &topic.topic.receipts;
    assert_eq!(
        receipts.iter().map(|r| r.facility_id.as_str()).collect::<Vec<_>>(),
        ["F02", "F03", "F04", "F05"]
    );
    let (f03, f04) = (&receipts[1], &receipts[2]);
    assert_eq!(f03.asked, ReplyExpectation::Ack);
    assert_eq!(f03.acknowledged_by.as_deref(), Some("大塚"));
    // 了解 was given although the machine has not reported: two facts.
    assert_eq!((f03.deliveries[0].state, f03.replied_at), (DeliveryState::Held, None));
    assert!(f04.acknowledgement.is_none());
    assert_eq!(f04.replied_at, Some(now()));
    assert_eq!(topic.replies.len(), 1);
}

pub(crate) async fn pages_of_a_timeline_go_by_key(world: &World) {
    world.fill().await;
    for i in 0..5 {
        world.commit(vec![post(&topic(&format!("T{i}"), "G01", "F01", &[]))]).await.unwrap();
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page =
            world.office().timeline(&user(), &"G01".into(), before.as_ref(), 2).await.unwrap().unwrap();
        seen.extend(page.topics.iter().map(|t| t.topic.post.id.as_str().to_owned()));
        match page.older {
            Some(older) => before = Some(older),
            None => break,
        }
    }
    assert_eq!(seen, ["T4", "T3", "T2", "T1", "T0"]);
}

pub(crate) async fn another_network_sees_nothing(world: &World) {
    world.fill().await;
    let other = NetworkId::from("other");
    world.store.directory(&other).apply(cast("other"), now()).await.unwrap();
    world.intake("I1", "k1", b"x").await;
    let d = Effect::Deliver(deliver("D1", "T1", &mail(), DeliveryMode::Instant, now()));
    world.commit(vec![post(&topic("T1", "G01", "F01", &[])), d]).await.unwrap();
    assert_eq!(world.store.networks().await.unwrap().len(), 2);
    let (office, worker) = (world.store.office(&other), world.store.worker(&other));
    assert!(office.timeline(&user(), &"G01".into(), None, 10).await.unwrap().unwrap().topics.is_empty());
    assert!(office.intake(&"I1".into()).await.unwrap().is_none());
    assert!(office.intake_bytes(&"I1".into()).await.unwrap().is_none());
    assert!(office.outbox(OutboxFilter::Held, 10).await.unwrap().is_empty());
    assert!(worker.claim_intakes("w", 10, 60, now()).await.unwrap().is_empty());
    assert!(worker.claim_deliveries("w", 10, 60, 0, now()).await.unwrap().is_empty());
    assert!(worker.raw(&"I1".into()).await.unwrap().is_none());
    assert!(world.store.code(&other).page(&code("D1", true), now()).await.unwrap().is_none());
    // Each network has a chain of its own.
    assert_eq!(office.verify_audit().await.unwrap(), Ok(1));
    assert_eq!(world.office().verify_audit().await.unwrap(), Ok(3));
    // A directory goes into its own network only.
    assert!(world.store.directory(&other).apply(cast(NETWORK), now()).await.is_err());
}

pub(crate) async fn the_office_sees_triage_and_outbox(world: &World) {
    world.fill().await;
    world.intake("I1", "k1", b"MSH|").await;
    let mut envelope = Envelope::empty(Channel::Hl7, Format::Hl7v2, ContentHash::of(b"MSH|"));
    envelope.title = Some("入院".into());
    let decided = Decided {
        decision: Decision::Triage { reasons: vec![TriageReason::NoPatientNamed], candidates: Vec::new() },
        rule: Some("discharge".into()),
        identity_level: IdentityLevel::I1,
        grounds: vec!["患者の記載がありません".into()],
    };
    world
        .commit(vec![
            Effect::RecordReading {
                intake_id: "I1".into(),
                envelopes: vec![envelope],
                attachments: Vec::new(),
            },
            Effect::OpenTriage {
                id: "X1".into(),
                intake_id: "I1".into(),
                envelope_index: 0,
                reasons: vec![TriageReason::NoPatientNamed],
                candidates: Vec::new(),
                quarantined: false,
            },
            Effect::FinishIntake {
                intake_id: "I1".into(),
                state: IntakeState::Triage,
                decided: vec![decided.clone()],
            },
        ])
        .await
        .unwrap();
    let listed = world.office().triage(false, 10).await.unwrap();
    assert_eq!((listed[0].sender.as_str(), listed[0].title.as_deref()), ("桜見中央病院", Some("入院")));
    let item = world.office().triage_item(&"X1".into()).await.unwrap().unwrap();
    assert_eq!((item.sender_facility.unwrap().id.as_str(), item.decided), ("F01", Some(decided.clone())));
    let intake = world.office().intake(&"I1".into()).await.unwrap().unwrap();
    assert_eq!((intake.decided, intake.triage.len()), (vec![decided], 1));
    let listed = &world.office().intakes(None, 10).await.unwrap()[0];
    assert_eq!((listed.rule.as_deref(), listed.channel), (Some("discharge"), Channel::Hl7));
    // What came as one thing may be read as another: a FAX that a provider brings by mail.
    world.intake("I2", "k2", b"mail").await;
    let envelopes = vec![Envelope::empty(Channel::Fax, Format::Rfc5322, ContentHash::of(b"mail"))];
    let reading = Effect::RecordReading { intake_id: "I2".into(), envelopes, attachments: Vec::new() };
    world.commit(vec![reading]).await.unwrap();
    assert_eq!(world.office().intakes(None, 10).await.unwrap()[0].channel, Channel::Fax);
    let hits = world.office().rule_hits(now()).await.unwrap();
    assert_eq!((hits[0].rule.as_str(), hits[0].hit_count), ("discharge", 1));
    let cards = world.office().facilities().await.unwrap();
    assert_eq!((cards.len(), cards[0].facility_type_name.0.as_str(), cards[0].group_count), (6, "病院", 1));
    assert_eq!(world.office().group_by_name("つばき01").await.unwrap().unwrap().as_str(), "G01");
    assert_eq!(world.worker().figures(now().plus_seconds(60)).await.unwrap().triage_oldest_seconds, 60);
    assert_eq!(world.worker().record_rules("[[rule]]", now()).await.unwrap(), 1);
    assert_eq!(world.worker().record_rules("[[rule]]", now()).await.unwrap(), 1);
    assert_eq!(world.worker().record_rules("[[rule]] # 2", now()).await.unwrap(), 2);
}

pub(crate) async fn a_locked_file_finds_its_password_mail(world: &World) {
    world.fill().await;
    let item = async |n: &str, address: &str, reason: TriageReason| {
        let (intake, key) = (format!("I{n}"), format!("k{n}"));
        world.intake(&intake, &key, n.as_bytes()).await;
        let mut envelope = Envelope::empty(Channel::Email, Format::Rfc5322, ContentHash::of(n.as_bytes()));
        envelope.sender.address = Some(address.to_owned());
        let envelopes = vec![envelope];
        let read =
            Effect::RecordReading { intake_id: intake.as_str().into(), envelopes, attachments: Vec::new() };
        let open = Effect::OpenTriage {
            id: format!("X{n}").as_str().into(),
            intake_id: intake.as_str().into(),
            envelope_index: 0,
            reasons: vec![reason],
            candidates: Vec::new(),
            quarantined: false,
        };
        world.commit(vec![read, open]).await.unwrap();
    };
    item("1", "renkei@hospital.example", TriageReason::EncryptedFile).await;
    item("2", "renkei@hospital.example", TriageReason::PasswordMail).await;
    item("3", "someone@else.example", TriageReason::PasswordMail).await;
    item("4", "renkei@hospital.example", TriageReason::NoCandidate).await;
    let beside = async |id: &str| -> Vec<String> {
        let item = world.office().triage_item(&id.into()).await.unwrap().unwrap();
        item.companions.iter().map(|r| r.id.to_string()).collect()
    };
    assert_eq!(beside("X1").await, ["X2"]);
    assert_eq!(beside("X2").await, ["X1"]);
    assert!(beside("X3").await.is_empty() && beside("X4").await.is_empty());
}

pub(crate) async fn a_code_opens_its_item_only(world: &World) {
    world.fill().await;
    let d = Effect::Deliver(deliver("D1", "T1", &mail(), DeliveryMode::Instant, now()));
    world.commit(vec![post(&topic("T1", "G01", "F01", &[])), d]).await.unwrap();
    let view = world.store.code(&world.network);
    let key = code("D1", true);
    let page = view.page(&key, now()).await.unwrap().unwrap();
    assert_eq!(
        (page.group_alias.as_deref(), page.facility.id.as_str(), page.staff.len()),
        (Some("つばき01"), "F03", 1)
    );
    assert_eq!((page.post.unwrap().id.as_str(), page.acknowledged_at), ("T1", None));
    assert!(view.roster(&key, now()).await.unwrap().is_some());
    world.commit(vec![acknowledge("T1", "F03", None)]).await.unwrap();
    assert_eq!(view.page(&key, now()).await.unwrap().unwrap().acknowledged_at, Some(now()));
    let later = now().plus_seconds(31 * 86_400);
    let expired = view.page(&key, later).await.unwrap().unwrap();
    assert!(expired.post.is_none() && expired.group_alias.is_none());
    assert!(view.roster(&key, later).await.unwrap().is_none());
    assert!(view.page(&code("elsewhere", true), now()).await.unwrap().is_none());
}

pub(crate) async fn sessions_end(world: &World) {
    world.fill().await;
    let accounts = world.store.accounts(&world.network);
    let saeki = accounts.by_login_name("saeki").await.unwrap().unwrap();
    assert_eq!((saeki.facility_name.as_str(), saeki.locale), ("若葉在宅クリニック", Locale::Ja));
    assert!(accounts.by_login_name("nobody").await.unwrap().is_none());
    let end = now().plus_seconds(60);
    accounts.open_session(&saeki.id, "token", "csrf", now(), end).await.unwrap();
    let session = accounts.session("token", now()).await.unwrap().unwrap();
    assert_eq!((session.csrf_token.as_str(), session.login_user.login_name.as_str()), ("csrf", "saeki"));
    assert!(accounts.session("token", end).await.unwrap().is_none());
    assert!(accounts.session("other", now()).await.unwrap().is_none());
    assert!(world.store.accounts(&"other".into()).session("token", now()).await.unwrap().is_none());
    accounts.set_locale(&saeki.id, Locale::En).await.unwrap();
    assert_eq!(accounts.session("token", now()).await.unwrap().unwrap().login_user.locale, Locale::En);
    accounts.close_session("token").await.unwrap();
    assert!(accounts.session("token", now()).await.unwrap().is_none());
    let owner = accounts.api_endpoint("0123abcd").await.unwrap().unwrap();
    assert_eq!((owner.endpoint_id.as_str(), owner.facility_id.as_str()), ("E02", "F02"));
    assert!(accounts.api_endpoint("ffff").await.unwrap().is_none());
}

pub(crate) async fn an_import_repeats_without_change(world: &World) {
    assert!(world.import(cast(NETWORK)).await > 30);
    assert_eq!(world.import(cast(NETWORK)).await, 0);
    assert_eq!(world.import(vec![group("G03", "P03", "なでしこ3", GroupState::Open)]).await, 1);
    // Everything or nothing: the last line names a patient that does not exist.
    let changes =
        vec![group("G01", "P01", "つばき1", GroupState::Open), group("G9", "P9", "x", GroupState::Open)];
    assert!(world.store.directory(&world.network).apply(changes, now()).await.is_err());
    assert!(world.office().group_by_name("つばき01").await.unwrap().is_some());
}
