//! ④ atomic, idempotent, in order, audited.

use super::world::{World, group, now, post, reply, topic};
use kakehashi_core::commit::{Effect, TriageOutcome};
use kakehashi_core::decision::{Candidate, TriageReason};
use kakehashi_core::envelope::{ContentHash, Envelope};
use kakehashi_core::ids::FacilityId;
use kakehashi_core::liaison::{Because, Due, LiaisonDeadline};
use kakehashi_core::post::{Acknowledgement, Post, PostKind, StoredAttachment};
use kakehashi_core::vocabulary::{
    AttachmentRole, Channel, Format, GroupState, IdentityLevel, IntakeState, ReplyExpectation,
};
use kakehashi_store::StoreError;

pub(crate) fn acknowledge(post: &str, facility: &str, person: Option<&str>) -> Effect {
    Effect::Acknowledge(Acknowledgement {
        post_id: post.into(),
        facility_id: facility.into(),
        staff_id: None,
        person_name: person.map(str::to_owned),
        channel: Channel::Email,
        acknowledged_at: now(),
        identity_level: IdentityLevel::I2,
        intake_id: None,
        delivery_id: None,
        proxy: None,
    })
}

fn open(id: &str, intake: &str, index: u32) -> Effect {
    Effect::OpenTriage {
        id: id.into(),
        intake_id: intake.into(),
        envelope_index: index,
        reasons: vec![TriageReason::OneCandidate],
        candidates: vec![Candidate {
            patient_id: "P01".into(),
            group_id: Some("G01".into()),
            post_id: None,
            reasons_for: vec!["氏名と生年月日が一致".into()],
            reasons_against: Vec::new(),
            blocked: None,
        }],
        quarantined: false,
    }
}

fn close(id: &str, outcome: TriageOutcome) -> Effect {
    Effect::CloseTriage { id: id.into(), outcome, note: Some("電話で確認".into()) }
}

pub(crate) async fn a_commit_is_all_or_nothing(world: &World) {
    world.fill().await;
    let before = world.office().audit(None, 10).await.unwrap().len();
    let t = topic("T1", "G01", "F01", &[]);
    let result = world.commit(vec![post(&t), close("nowhere", TriageOutcome::Placed)]).await;
    assert!(matches!(result, Err(StoreError::Conflict { .. })), "{result:?}");
    let timeline = world.office().timeline(&"U02".into(), &"G01".into(), None, 10).await.unwrap().unwrap();
    assert!(timeline.topics.is_empty());
    assert_eq!(world.office().audit(None, 10).await.unwrap().len(), before);
    world.commit(vec![post(&t)]).await.unwrap();
    let timeline = world.office().timeline(&"U02".into(), &"G01".into(), None, 10).await.unwrap().unwrap();
    assert_eq!(timeline.topics.len(), 1);
}

pub(crate) async fn effects_repeat_without_harm(world: &World) {
    world.fill().await;
    let t = topic("T1", "G01", "F01", &[("F03", ReplyExpectation::Ack)]);
    let all = || vec![post(&t), acknowledge("T1", "F03", None), post(&reply("R1", &t, "F04"))];
    assert_eq!(world.commit(all()).await.unwrap().repeated_count, 0);
    assert_eq!(world.commit(all()).await.unwrap().repeated_count, 3);
    let withdraw = || Effect::WithdrawAcknowledgement { post_id: "T1".into(), facility_id: "F03".into() };
    assert_eq!(world.commit(vec![withdraw(), withdraw()]).await.unwrap().repeated_count, 1);
    // Withdrawn, it is asked again, and can be given again.
    let asked = world.facility("F03").groups(&"U03".into()).await.unwrap();
    assert_eq!(asked[0].requests.len(), 1);
    assert_eq!(world.commit(vec![acknowledge("T1", "F03", None)]).await.unwrap().repeated_count, 0);
    let asked = world.facility("F03").groups(&"U03".into()).await.unwrap();
    assert!(asked[0].requests.is_empty());
}

fn event(id: &str, key: &str) -> Post {
    Post { event_key: Some(key.into()), ..topic(id, "G01", "F01", &[]) }
}

pub(crate) async fn one_event_opens_one_topic(world: &World) {
    world.fill().await;
    let (one, two) = tokio::join!(
        world.commit(vec![post(&event("T1", "stay:1:A03"))]),
        world.commit(vec![post(&event("T2", "stay:1:A03"))]),
    );
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(), 1, "{one:?} {two:?}");
    let first = if one.is_ok() { "T1" } else { "T2" };
    // A correction with the same key is another version, once.
    let correction = |id: &str| Post {
        kind: PostKind::Correction,
        corrects: Some(first.into()),
        topic_id: first.into(),
        version: 2,
        ..event(id, "stay:1:A03")
    };
    world.commit(vec![post(&correction("T3"))]).await.unwrap();
    let late = world.commit(vec![post(&correction("T4"))]).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    let timeline = world.office().timeline(&"U02".into(), &"G01".into(), None, 10).await.unwrap().unwrap();
    assert_eq!((timeline.topics.len(), timeline.topics[0].corrections.len()), (1, 1));
}

pub(crate) async fn nothing_is_posted_in_a_frozen_group(world: &World) {
    world.fill().await;
    world.import(vec![group("G01", "P01", "つばき01", GroupState::Frozen)]).await;
    let result = world.commit(vec![post(&topic("T1", "G01", "F01", &[]))]).await;
    assert!(matches!(result, Err(StoreError::Conflict { .. })), "{result:?}");
}

pub(crate) async fn concurrent_commits_all_count(world: &World) {
    world.fill().await;
    let t = topic("T1", "G01", "F01", &[]);
    world.commit(vec![post(&t)]).await.unwrap();
    let mut tasks = Vec::new();
    for i in 0..24 {
        let (store, network) = (world.store.clone(), world.network.clone());
        let r = reply(&format!("R{i:02}"), &t, "F02");
        tasks.push(tokio::spawn(async move {
            let effects = vec![post(&r), acknowledge("T1", "F02", Some(&format!("人{i}")))];
            let actor = kakehashi_core::commit::Actor::Gateway;
            store.commit(&network, kakehashi_core::commit::Commit { at: now(), actor, effects }).await
        }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let timeline = world.office().timeline(&"U02".into(), &"G01".into(), None, 10).await.unwrap().unwrap();
    assert_eq!(timeline.topics[0].replies.len(), 24);
    // 1 import, 1 topic, 24 replies, 24 了解: no number twice, none missing.
    assert_eq!(world.office().verify_audit().await.unwrap(), Ok(50));
}

pub(crate) async fn the_audit_is_a_chain_that_only_grows(world: &World) {
    world.fill().await;
    for i in 0..3 {
        world.commit(vec![post(&topic(&format!("T{i}"), "G01", "F01", &[]))]).await.unwrap();
    }
    let entries = world.office().audit(None, 2).await.unwrap();
    assert_eq!(entries.iter().map(|e| e.seq).collect::<Vec<_>>(), [4, 3]);
    assert_eq!(entries[0].prev_hash, entries[1].hash);
    let older = world.office().audit(Some(3), 10).await.unwrap();
    assert_eq!(older.iter().map(|e| e.seq).collect::<Vec<_>>(), [2, 1]);
    for act in ["UPDATE audit_entries SET action = 'x'", "DELETE FROM audit_entries"] {
        assert!(world.sql(act).await.is_err(), "{act} was possible");
    }
    assert_eq!(world.office().verify_audit().await.unwrap(), Ok(4));
    // Whoever removes the guard and changes an entry is found out.
    let unguard = if world.config.database_url.starts_with("sqlite") {
        "DROP TRIGGER audit_entries_stay"
    } else {
        "DROP TRIGGER audit_entries_stay ON audit_entries"
    };
    world.sql(unguard).await.unwrap();
    world.sql("UPDATE audit_entries SET subject = 'post/other' WHERE seq = 3").await.unwrap();
    assert_eq!(world.office().verify_audit().await.unwrap(), Err(3));
}

pub(crate) async fn triage_is_closed_once(world: &World) {
    world.fill().await;
    world.intake("I1", "k1", b"x").await;
    let finish =
        Effect::FinishIntake { intake_id: "I1".into(), state: IntakeState::Triage, decided: Vec::new() };
    world.commit(vec![open("X1", "I1", 0), open("X2", "I1", 1), finish]).await.unwrap();
    assert_eq!(world.office().triage_count().await.unwrap(), 2);
    let (one, two) = tokio::join!(
        world.commit(vec![close("X1", TriageOutcome::Returned)]),
        world.commit(vec![close("X1", TriageOutcome::Discarded)]),
    );
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(), 1, "{one:?} {two:?}");
    let state = |v: Option<kakehashi_store::view::IntakeView>| v.unwrap().state;
    assert_eq!(state(world.office().intake(&"I1".into()).await.unwrap()), IntakeState::Triage);
    // To quarantine and out of it: the item stays open until it ends.
    world.commit(vec![close("X2", TriageOutcome::Quarantined)]).await.unwrap();
    assert_eq!(world.office().triage_count().await.unwrap(), 0);
    assert_eq!(world.office().triage(true, 10).await.unwrap().len(), 1);
    assert_eq!(state(world.office().intake(&"I1".into()).await.unwrap()), IntakeState::Quarantine);
    world.commit(vec![close("X2", TriageOutcome::Placed)]).await.unwrap();
    assert_eq!(state(world.office().intake(&"I1".into()).await.unwrap()), IntakeState::Posted);
    let item = world.office().triage_item(&"X2".into()).await.unwrap().unwrap();
    let closed = item.closed.unwrap();
    assert_eq!((closed.outcome.as_str(), closed.by.as_str()), ("placed", "gateway"));
}

pub(crate) async fn attachments_move_to_their_post(world: &World) {
    world.fill().await;
    world.intake("I1", "k1", b"x").await;
    let hash = world.store.blobs().put(b"%PDF-").unwrap();
    let attachment = |id: &str, position| StoredAttachment {
        id: id.into(),
        intake_id: Some("I1".into()),
        post_id: None,
        position,
        role: AttachmentRole::Document,
        name: Some("サマリー.pdf".into()),
        media_type: "application/pdf".into(),
        size_bytes: 5,
        content_hash: hash.clone(),
        pages: Some(1),
    };
    let envelope = Envelope::empty(Channel::Hl7, Format::Hl7v2, ContentHash::of(b"x"));
    let read = |attachments| Effect::RecordReading {
        intake_id: "I1".into(),
        envelopes: vec![envelope.clone()],
        attachments,
    };
    world.commit(vec![read(vec![attachment("A1", 0)])]).await.unwrap();
    // A second reading replaces the first.
    world.commit(vec![read(vec![attachment("A2", 0), attachment("A3", 1)])]).await.unwrap();
    assert!(world.office().attachment(&"A1".into()).await.unwrap().is_none());
    let t = topic("T1", "G01", "F01", &[]);
    let with = |t: &Post, ids: &[&str]| Effect::Post {
        post: Box::new(t.clone()),
        attachments: ids.iter().map(|id| (*id).into()).collect(),
    };
    assert!(world.facility("F03").attachment(&"A3".into()).await.unwrap().is_none(), "seen before posting");
    world.commit(vec![with(&t, &["A3", "A2"])]).await.unwrap();
    let (stored, bytes) = world.facility("F03").attachment(&"A3".into()).await.unwrap().unwrap();
    assert_eq!((stored.position, bytes.as_slice()), (0, &b"%PDF-"[..]));
    let again = world.commit(vec![with(&topic("T2", "G01", "F01", &[]), &["A3"])]).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    // An upload at a page comes with no intake.
    let upload = StoredAttachment { intake_id: None, ..attachment("A9", 0) };
    let keep = Effect::KeepAttachments { attachments: vec![upload] };
    world.commit(vec![keep, with(&topic("T3", "G01", "F02", &[]), &["A9"])]).await.unwrap();
    assert!(world.facility("F03").attachment(&"A9".into()).await.unwrap().is_some());
}

pub(crate) async fn liaison_deadlines_stay_as_posted(world: &World) {
    world.fill().await;
    let mut admission = topic("T1", "G01", "F01", &[("F04", ReplyExpectation::Reply)]);
    admission.liaison = vec![LiaisonDeadline {
        facility_id: "F04".into(),
        what: Due::AdmissionInformation,
        until: vec!["2026-06-06".to_owned(), "2026-06-07".to_owned()],
        because: Because::AfterHours,
        rule: "2024-04".to_owned(),
    }];
    world.commit(vec![post(&admission), post(&topic("T2", "G01", "F01", &[]))]).await.unwrap();
    let timeline = world.office().timeline(&"U02".into(), &"G01".into(), None, 10).await.unwrap().unwrap();
    let of = |id: &str| {
        let topic = timeline.topics.iter().find(|t| t.topic.post.id.as_str() == id).unwrap();
        topic.topic.post.liaison.clone()
    };
    assert_eq!(of("T1"), admission.liaison);
    assert!(of("T2").is_empty());
    let facility = FacilityId::from("F04");
    assert_eq!(admission.liaison_of(&facility).count(), 1);
}
