//! ⑤ planned once, claimed once, ended by the holder, never lost and never sent twice unmarked.

use super::world::{World, code, consent, deliver, fax, group, mail, now, phone, post, reply, topic};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::{AttemptEnd, DeliveryChange, Effect, SuspendReason};
use kakehashi_core::decision::Notice;
use kakehashi_core::directory::Endpoint;
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::facts::FactQuery;
use kakehashi_core::job::{DeliveryJob, JobContent, JobPosts, message_id};
use kakehashi_core::port::{Outcome, RecipientAnswer, SendFault};
use kakehashi_core::post::StoredAttachment;
use kakehashi_core::vocabulary::{
    AttachmentRole, Channel, DeliveryMode, DeliveryState, EndpointState, GroupState, ReplyExpectation,
};
use kakehashi_store::view::{OutboxFilter, OutboxRow};
use kakehashi_store::{DirectoryChange, StoreError};
use std::collections::HashSet;

const LIMIT: u64 = 1_000_000;

fn minute(n: i64) -> UtcMicros {
    now().plus_seconds(n * 60)
}

async fn claim(world: &World, worker: &str, at: UtcMicros) -> Vec<DeliveryJob> {
    world.worker().claim_deliveries(worker, 50, 60, LIMIT, at).await.unwrap()
}

fn posts(job: &DeliveryJob) -> &JobPosts {
    match &job.content {
        JobContent::Posts(posts) => posts,
        JobContent::Sheet(_) | JobContent::Notice { .. } => panic!("no posts"),
    }
}

fn end(job: &DeliveryJob, outcome: Outcome, next_state: DeliveryState, at: UtcMicros) -> AttemptEnd {
    AttemptEnd {
        delivery_id: job.id.clone(),
        attempt: job.attempt,
        outcome,
        next_state,
        next_due_at: (next_state == DeliveryState::Held).then(|| at.plus_seconds(300)),
        at,
    }
}

async fn row(world: &World, id: &str) -> OutboxRow {
    for filter in [OutboxFilter::NeedsAction, OutboxFilter::Held, OutboxFilter::HandedOff, OutboxFilter::Done]
    {
        let found =
            world.office().outbox(filter, 100).await.unwrap().into_iter().find(|r| r.id.as_str() == id);
        if let Some(row) = found {
            return row;
        }
    }
    panic!("no delivery {id}");
}

fn instant(id: &str, of: &str, endpoint: &Endpoint) -> Effect {
    Effect::Deliver(deliver(id, of, endpoint, DeliveryMode::Instant, now()))
}

fn digest(id: &str, of: &str, endpoint: &Endpoint, due: UtcMicros) -> Effect {
    Effect::Deliver(deliver(id, of, endpoint, DeliveryMode::Digest, due))
}

/// One topic with one instant delivery `D1`.
async fn one_delivery(world: &World, endpoint: &Endpoint) {
    world.fill().await;
    let t = topic("T1", "G01", "F01", &[]);
    world.commit(vec![post(&t), instant("D1", "T1", endpoint)]).await.unwrap();
}

fn change(id: &str, change: DeliveryChange) -> Vec<Effect> {
    vec![Effect::ChangeDelivery { delivery_id: id.into(), change }]
}

pub(crate) async fn posts_share_a_digest_and_nobody_is_paged_twice(world: &World) {
    world.fill().await;
    let due = minute(60);
    for i in 1..=3 {
        let id = format!("T{i}");
        let t = topic(&id, "G01", "F01", &[]);
        world.commit(vec![post(&t), digest(&format!("D{i}"), &id, &fax(), due)]).await.unwrap();
    }
    // The same post again, at once or in another digest: nothing.
    let again = vec![instant("D8", "T1", &fax()), digest("D9", "T1", &fax(), minute(120))];
    assert_eq!(world.commit(again).await.unwrap().repeated_count, 2);
    // Another time is another digest.
    world
        .commit(vec![post(&topic("T4", "G01", "F01", &[])), digest("D4", "T4", &fax(), minute(120))])
        .await
        .unwrap();
    assert!(claim(world, "w", minute(59)).await.is_empty());
    assert_eq!(world.worker().next_due().await.unwrap(), Some(due));
    let jobs = claim(world, "w", due).await;
    assert_eq!(jobs.len(), 1);
    let carried: Vec<_> =
        posts(&jobs[0]).items.iter().map(|i| (i.post.id.as_str(), i.code.clone())).collect();
    assert_eq!(carried, [("T1", code("D1", true)), ("T2", code("D2", true)), ("T3", code("D3", true))]);
    assert_eq!(posts(&jobs[0]).code, code("D1", false));
    // A claimed digest takes no more items: a late post opens the next one.
    world.commit(vec![post(&topic("T5", "G01", "F01", &[])), digest("D5", "T5", &fax(), due)]).await.unwrap();
    assert_eq!(claim(world, "w", due).await[0].id.as_str(), "D5");
}

pub(crate) async fn posts_committed_at_once_share_a_digest(world: &World) {
    world.fill().await;
    let due = minute(60);
    let mut tasks = Vec::new();
    for i in 0..12 {
        let (store, network) = (world.store.clone(), world.network.clone());
        tasks.push(tokio::spawn(async move {
            let id = format!("T{i:02}");
            let t = topic(&id, "G01", "F01", &[]);
            let effects = vec![post(&t), digest(&format!("D{i:02}"), &id, &fax(), due)];
            let actor = kakehashi_core::commit::Actor::Gateway;
            store.commit(&network, kakehashi_core::commit::Commit { at: now(), actor, effects }).await
        }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let jobs = claim(world, "w", due).await;
    assert_eq!((jobs.len(), posts(&jobs[0]).items.len()), (1, 12));
}

pub(crate) async fn a_job_holds_everything(world: &World) {
    world.fill().await;
    let hash = world.store.blobs().put(b"%PDF-1.7 small").unwrap();
    let large = ContentHash::of(b"never stored, never loaded");
    let attachment = |id: &str, size, hash: &ContentHash| StoredAttachment {
        id: id.into(),
        intake_id: None,
        post_id: None,
        position: 0,
        role: AttachmentRole::Document,
        name: None,
        media_type: "application/pdf".into(),
        size_bytes: size,
        content_hash: hash.clone(),
        pages: None,
    };
    let mut t = topic("T1", "G01", "F01", &[("F03", ReplyExpectation::Ack), ("F05", ReplyExpectation::Ack)]);
    t.author_name = Some("小林 佳奈".into());
    world
        .commit(vec![
            Effect::KeepAttachments {
                attachments: vec![attachment("A1", 14, &hash), attachment("A2", LIMIT + 1, &large)],
            },
            Effect::Post { post: Box::new(t.clone()), attachments: vec!["A1".into(), "A2".into()] },
            instant("D1", "T1", &mail()),
            super::conversation::acknowledge("T1", "F05", None),
        ])
        .await
        .unwrap();
    let jobs = claim(world, "w", now()).await;
    let job = &jobs[0];
    assert_eq!((job.attempt, job.mode, job.resend_possible), (1, DeliveryMode::Instant, false));
    assert_eq!(job.network.mail_domain, "in.sakurami.example");
    let p = posts(job);
    assert_eq!(
        (p.endpoint.address.as_str(), p.staff_names.as_slice()),
        ("hinata@st.example", &["大塚 千尋".to_owned()][..])
    );
    let item = &p.items[0];
    assert_eq!(item.author, "桜見中央病院 小林 佳奈");
    assert_eq!((item.group_alias.as_str(), item.patient_name.as_str()), ("つばき01", "山本 千代"));
    assert_eq!((item.asked, item.acknowledged, &item.topic_title), (ReplyExpectation::Ack, (1, 2), &None));
    assert_eq!(item.attachments[0].bytes, b"%PDF-1.7 small");
    assert!(item.attachments[1].bytes.is_empty());
    assert!(item.references.is_empty());
    // A reply to the same address names the mail before it.
    let done = end(job, Outcome::Delivered("250 ok".into()), DeliveryState::Delivered, now());
    assert!(world.worker().finish_attempt("w", &done).await.unwrap());
    world.commit(vec![post(&reply("R1", &t, "F04")), instant("D2", "R1", &mail())]).await.unwrap();
    let jobs = claim(world, "w", now()).await;
    let item = &posts(&jobs[0]).items[0];
    assert_eq!(item.references, [message_id(&"D1".into(), Some(&code("D1", true)), "in.sakurami.example")]);
    assert_eq!(item.topic_title.as_deref(), Some("退院のお知らせ"));
}

pub(crate) async fn two_workers_never_send_the_same(world: &World) {
    world.fill().await;
    for i in 0..30 {
        let id = format!("T{i:02}");
        world
            .commit(vec![post(&topic(&id, "G01", "F01", &[])), instant(&format!("D{i:02}"), &id, &fax())])
            .await
            .unwrap();
    }
    let mut tasks = Vec::new();
    for worker in 0..4 {
        let view = world.worker();
        tasks.push(tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let jobs = view.claim_deliveries(&format!("w{worker}"), 2, 60, LIMIT, now()).await.unwrap();
                if jobs.is_empty() {
                    return mine;
                }
                mine.extend(jobs.into_iter().map(|j| j.id));
            }
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "claimed twice");
    all.extend(claim(world, "last", now()).await.into_iter().map(|j| j.id));
    assert_eq!(all.len(), 30);
}

pub(crate) async fn only_the_holder_ends_an_attempt(world: &World) {
    one_delivery(world, &fax()).await;
    let job = claim(world, "w1", now()).await.remove(0);
    let retry = Outcome::RetryAfter { wait: None, cause: SendFault::RefusedForNow("busy".into()) };
    let back = end(&job, retry, DeliveryState::Held, now());
    assert!(!world.worker().finish_attempt("w2", &back).await.unwrap());
    assert!(world.worker().finish_attempt("w1", &back).await.unwrap());
    assert!(!world.worker().finish_attempt("w1", &back).await.unwrap(), "ended twice");
    assert!(claim(world, "w1", minute(4)).await.is_empty());
    let job = claim(world, "w1", minute(5)).await.remove(0);
    assert_eq!((job.attempt, job.resend_possible), (2, false));
    let handed = Outcome::HandedOff { job: "J-1".into(), report_within_seconds: 600 };
    assert!(
        world
            .worker()
            .finish_attempt("w1", &end(&job, handed, DeliveryState::HandedOff, minute(5)))
            .await
            .unwrap()
    );
    let row = row(world, "D1").await;
    assert_eq!(
        (row.state, row.attempt_count, row.last_detail.as_deref()),
        (DeliveryState::HandedOff, 2, Some("J-1"))
    );
}

pub(crate) async fn a_dead_worker_leaves_unknown(world: &World) {
    one_delivery(world, &fax()).await;
    world.commit(vec![instant("D2", "T1", &phone())]).await.unwrap();
    let job = claim(world, "dead", now()).await.remove(0);
    assert_eq!(world.worker().lapse(now().plus_seconds(59)).await.unwrap(), 0);
    assert_eq!(world.worker().lapse(now().plus_seconds(61)).await.unwrap(), 2);
    assert_eq!(row(world, "D1").await.state, DeliveryState::Unknown);
    // Nobody has called: the phone task is due again.
    let again = claim(world, "next", minute(2)).await;
    assert_eq!(again.iter().map(|j| (j.id.as_str(), j.resend_possible)).collect::<Vec<_>>(), [("D2", false)]);
    // The dead one was only slow; its word comes too late.
    let late = end(&job, Outcome::Delivered("ok".into()), DeliveryState::Delivered, minute(2));
    assert!(!world.worker().finish_attempt("dead", &late).await.unwrap());
    // A person sends it again: then it is marked.
    world.commit_at(minute(3), change("D1", DeliveryChange::Retry)).await.unwrap();
    let again = claim(world, "next", minute(3)).await.remove(0);
    assert_eq!((again.id.as_str(), again.attempt, again.resend_possible), ("D1", 2, true));
}

async fn hand_off(world: &World, endpoint: &Endpoint, job_name: &str) {
    one_delivery(world, endpoint).await;
    let job = claim(world, "w", now()).await.remove(0);
    let outcome = Outcome::HandedOff { job: job_name.into(), report_within_seconds: 600 };
    let end = end(&job, outcome, DeliveryState::HandedOff, now());
    assert!(world.worker().finish_attempt("w", &end).await.unwrap());
}

pub(crate) async fn silence_becomes_unknown(world: &World) {
    hand_off(world, &fax(), "J-1").await;
    assert_eq!(world.worker().next_due().await.unwrap(), Some(minute(10)));
    assert_eq!(world.worker().lapse(minute(10)).await.unwrap(), 0);
    assert_eq!(world.worker().lapse(minute(11)).await.unwrap(), 1);
    assert_eq!(row(world, "D1").await.state, DeliveryState::Unknown);
    assert_eq!(world.office().outbox_count().await.unwrap(), 1);
    assert_eq!(world.worker().figures(minute(11)).await.unwrap().deliveries_need_action, 1);
}

fn report(job: &str, state: DeliveryState) -> Vec<Effect> {
    vec![Effect::Report { job: job.into(), route: None, state, detail: "NG 話中".into() }]
}

pub(crate) async fn a_report_moves_its_delivery(world: &World) {
    hand_off(world, &fax(), "J-1").await;
    assert_eq!(world.commit(report("J-2", DeliveryState::Delivered)).await.unwrap().repeated_count, 1);
    assert_eq!(world.commit(report("J-1", DeliveryState::HandedOff)).await.unwrap().repeated_count, 1);
    assert_eq!(world.commit(report("J-1", DeliveryState::Failed)).await.unwrap().repeated_count, 0);
    // A busy line is called again by itself; a machine without paper only once.
    let busy = row(world, "D1").await;
    assert_eq!((busy.state, busy.last_detail.as_deref()), (DeliveryState::Held, Some("NG 話中")));
    assert_eq!(busy.due_at, minute(5));
    assert_eq!(world.commit(report("J-1", DeliveryState::Failed)).await.unwrap().repeated_count, 1);
    assert!(claim(world, "w", minute(4)).await.is_empty());
    let again = claim(world, "w", minute(5)).await.remove(0);
    assert!(!again.resend_possible, "nothing was printed");
    let outcome = Outcome::HandedOff { job: "J-1".into(), report_within_seconds: 600 };
    let handed = end(&again, outcome, DeliveryState::HandedOff, minute(5));
    assert!(world.worker().finish_attempt("w", &handed).await.unwrap());
    let paper = Effect::Report {
        job: "J-1".into(),
        route: None,
        state: DeliveryState::Failed,
        detail: "相手機の用紙切れ".into(),
    };
    world.commit_at(minute(6), vec![paper]).await.unwrap();
    assert_eq!(row(world, "D1").await.state, DeliveryState::Failed);
    // A number that nobody has is stopped at once.
    let nobody = Effect::Report {
        job: "J-9".into(),
        route: None,
        state: DeliveryState::Failed,
        detail: "現在使われておりません".into(),
    };
    world.commit(vec![post(&topic("T9", "G01", "F01", &[])), instant("D9", "T9", &fax())]).await.unwrap();
    let job = claim(world, "w", minute(6)).await.remove(0);
    let outcome = Outcome::HandedOff { job: "J-9".into(), report_within_seconds: 600 };
    let handed = end(&job, outcome, DeliveryState::HandedOff, minute(6));
    assert!(world.worker().finish_attempt("w", &handed).await.unwrap());
    world.commit_at(minute(7), vec![nobody]).await.unwrap();
    let stopped = world.worker().endpoint(&"E04".into()).await.unwrap().unwrap();
    assert_eq!(stopped.state, EndpointState::Suspended);
    // A bounce names the Message-ID of an accepted mail.
    world.commit(vec![instant("D2", "T1", &mail())]).await.unwrap();
    let job = claim(world, "w", now()).await.remove(0);
    let done = end(&job, Outcome::Delivered("250 ok".into()), DeliveryState::Delivered, now());
    world.worker().finish_attempt("w", &done).await.unwrap();
    let bounced = message_id(&"D2".into(), Some(&code("D2", true)), "in.sakurami.example");
    assert_eq!(world.commit(report(&bounced, DeliveryState::Failed)).await.unwrap().repeated_count, 0);
    assert_eq!(row(world, "D2").await.state, DeliveryState::Failed);
}

/// A mail that was taken: topic, delivery, attempt.
async fn mailed(world: &World, topic_id: &str, delivery: &str) {
    world
        .commit(vec![post(&topic(topic_id, "G01", "F01", &[])), instant(delivery, topic_id, &mail())])
        .await
        .unwrap();
    let job = claim(world, "w", now()).await.remove(0);
    let done = end(&job, Outcome::Delivered("250 ok".into()), DeliveryState::Delivered, now());
    assert!(world.worker().finish_attempt("w", &done).await.unwrap());
}

pub(crate) async fn a_wrong_recipient_ends_everything_at_that_endpoint(world: &World) {
    world.fill().await;
    mailed(world, "T1", "D1").await;
    world.commit(vec![post(&topic("T2", "G01", "F01", &[])), instant("D2", "T2", &mail())]).await.unwrap();
    world.commit(vec![instant("D3", "T2", &fax())]).await.unwrap();
    let suspend =
        || vec![Effect::SuspendEndpoint { endpoint_id: mail().id, why: SuspendReason::WrongRecipient }];
    assert_eq!(world.commit(suspend()).await.unwrap().repeated_count, 0);
    assert_eq!(world.commit(suspend()).await.unwrap().repeated_count, 1);
    assert_eq!(row(world, "D2").await.state, DeliveryState::Recalled);
    let others = claim(world, "w", now()).await;
    assert_eq!(others.iter().map(|j| j.id.as_str()).collect::<Vec<_>>(), ["D3"], "the FAX goes out");
    for (delivery, revoked) in [("D1", true), ("D2", true), ("D3", false)] {
        let page = world.store.code(&world.network).page(&code(delivery, true), now()).await.unwrap();
        assert_eq!(page.unwrap().entry.revoked_at.is_some(), revoked, "{delivery}");
    }
}

pub(crate) async fn what_may_not_leave_is_withheld(world: &World) {
    world.fill().await;
    let due = minute(60);
    world
        .commit(vec![
            post(&topic("T1", "G01", "F01", &[])),
            post(&topic("T3", "G03", "F02", &[])),
            digest("D1", "T1", &fax(), due),
            digest("D3", "T3", &fax(), due),
            instant("D5", "T1", &mail()),
        ])
        .await
        .unwrap();
    // 千代's group is frozen: the digest keeps 千代子's item, the mail is withdrawn.
    world.import(vec![group("G01", "P01", "つばき01", GroupState::Frozen)]).await;
    let jobs = claim(world, "w", due).await;
    assert_eq!(jobs.len(), 1);
    assert_eq!(posts(&jobs[0]).items.iter().map(|i| i.post.id.as_str()).collect::<Vec<_>>(), ["T3"]);
    assert_eq!(row(world, "D5").await.state, DeliveryState::Recalled);
    let page = world.store.code(&world.network).page(&code("D5", true), now()).await.unwrap().unwrap();
    assert!(page.entry.revoked_at.is_some() && page.post.is_none());
    // The consent for 千代子 no longer names F04.
    world
        .commit(vec![
            post(&topic("T4", "G03", "F02", &[])),
            instant("D6", "T4", &fax()),
            instant("D7", "T4", &phone()),
        ])
        .await
        .unwrap();
    world.import(vec![consent("C03", "P03", &["F02", "F05"], None)]).await;
    let mut suspended = phone();
    suspended.state = EndpointState::Suspended;
    world.import(vec![DirectoryChange::Endpoint(suspended)]).await;
    assert!(claim(world, "w", now()).await.is_empty());
    assert_eq!(row(world, "D6").await.state, DeliveryState::Recalled);
    let failed = row(world, "D7").await;
    assert_eq!((failed.state, failed.attempt_count), (DeliveryState::Failed, 0));
}

pub(crate) async fn a_person_retries_recalls_and_calls(world: &World) {
    one_delivery(world, &fax()).await;
    world.commit(vec![instant("D2", "T1", &phone()), instant("D3", "T1", &mail())]).await.unwrap();
    world.commit(change("D3", DeliveryChange::Recall)).await.unwrap();
    assert_eq!(row(world, "D3").await.state, DeliveryState::Recalled);
    let jobs = claim(world, "w", now()).await;
    assert_eq!(jobs.len(), 2);
    let late = world.commit(change("D1", DeliveryChange::Recall)).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    for job in &jobs {
        let outcome = Outcome::HandedOff { job: format!("J-{}", job.id), report_within_seconds: 60 };
        world
            .worker()
            .finish_attempt("w", &end(job, outcome, DeliveryState::HandedOff, now()))
            .await
            .unwrap();
    }
    // A phone task waits for its person, not for a report.
    assert_eq!(world.worker().lapse(minute(60)).await.unwrap(), 1);
    let todo = world.office().outbox(OutboxFilter::NeedsAction, 10).await.unwrap();
    assert_eq!(todo.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), ["D2", "D1"]);
    assert_eq!(todo[0].items[0].group_alias, "つばき01");
    world.commit(change("D2", DeliveryChange::Called { listener: "井口".into() })).await.unwrap();
    let called = row(world, "D2").await;
    assert_eq!((called.state, called.last_detail.as_deref()), (DeliveryState::Delivered, Some("井口")));
    let again = world.commit(change("D2", DeliveryChange::Retry)).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
}

pub(crate) async fn notices_carry_no_post(world: &World) {
    world.fill().await;
    let notify = || Effect::Notify {
        delivery_id: "N1".into(),
        notice: Notice::Uniform,
        channel: Channel::Email,
        address: "stranger@else.example".into(),
    };
    world.commit(vec![notify()]).await.unwrap();
    assert_eq!(world.commit(vec![notify()]).await.unwrap().repeated_count, 1);
    let jobs = claim(world, "w", now()).await;
    let expected = JobContent::Notice {
        notice: Notice::Uniform,
        address: "stranger@else.example".into(),
        channel: Channel::Email,
    };
    assert_eq!(jobs[0].content, expected);
    // Whatever answered the notice gets no second one, nor does it tomorrow's by another key.
    let Effect::Notify { notice, channel, address, .. } = notify() else { return };
    let other =
        |id: &str| Effect::Notify { delivery_id: id.into(), notice, channel, address: address.clone() };
    assert_eq!(world.commit_at(minute(60), vec![other("N2")]).await.unwrap().repeated_count, 1);
    assert!(claim(world, "w", minute(61)).await.is_empty());
}

/// A mail that was accepted and came back.
async fn bounce(world: &World, id: &str, detail: &str) {
    let job = claim(world, "w", now()).await.remove(0);
    assert_eq!(job.id.as_str(), id);
    let done = end(&job, Outcome::Delivered("250 ok".into()), DeliveryState::Delivered, now());
    world.worker().finish_attempt("w", &done).await.unwrap();
    let job = message_id(&id.into(), None, "in.sakurami.example");
    let told = Effect::Report { job, route: None, state: DeliveryState::Failed, detail: detail.into() };
    world.commit(vec![told]).await.unwrap();
}

pub(crate) async fn bounces_count_for_their_endpoint(world: &World) {
    one_delivery(world, &mail()).await;
    let asked = |id: &str| FactQuery {
        bounced: Some(message_id(&id.into(), None, "in.sakurami.example")),
        ..FactQuery::default()
    };
    let facts = async |id: &str| world.worker().facts(&asked(id), now()).await.unwrap().bounced;
    assert_eq!(facts("D1").await, None, "it was never sent, so the report is a lie");
    bounce(world, "D1", "5.1.1 550 Unknown user").await;
    let first = facts("D1").await.unwrap();
    assert_eq!((first.endpoint_id.clone(), first.hard_before), (mail().id, 0));
    assert_eq!(first.state, EndpointState::Verified);
    world.commit(vec![post(&topic("T2", "G01", "F01", &[])), instant("D2", "T2", &mail())]).await.unwrap();
    bounce(world, "D2", "5.2.2 Mailbox full").await;
    assert_eq!(facts("D2").await.unwrap().hard_before, 1);
    assert_eq!(facts("D1").await.unwrap().hard_before, 0, "a full mailbox is no dead address");
    let old = world.worker().facts(&asked("D2"), now().plus_seconds(61 * 24 * 3600)).await.unwrap();
    assert_eq!(old.bounced.unwrap().hard_before, 0);
    assert_eq!(facts("D9").await, None);
    // Stopped once; what waits for it does not go out.
    let stop = || vec![Effect::SuspendEndpoint { endpoint_id: mail().id, why: SuspendReason::Bounced }];
    world.commit(vec![post(&topic("T3", "G01", "F01", &[])), instant("D3", "T3", &mail())]).await.unwrap();
    assert_eq!(world.commit(stop()).await.unwrap().repeated_count, 0);
    assert_eq!(world.commit(stop()).await.unwrap().repeated_count, 1);
    assert_eq!(facts("D2").await.unwrap().state, EndpointState::Suspended);
    assert!(claim(world, "w", now()).await.is_empty());
    assert_eq!(row(world, "D3").await.state, DeliveryState::Recalled);
    // A file of the directory that is older than the stop does not lift it, and changes what else it says.
    assert_eq!(mail().state, EndpointState::Verified);
    let mut line = mail();
    line.settings.hold_seconds += 1;
    world.import(vec![DirectoryChange::Endpoint(line.clone())]).await;
    assert_eq!(facts("D2").await.unwrap().state, EndpointState::Suspended);
    line.address = "hinata-new@st.example".to_owned();
    world.import(vec![DirectoryChange::Endpoint(line)]).await;
    assert_eq!(facts("D2").await.unwrap().state, EndpointState::Verified, "another address");
}

pub(crate) async fn recipients_are_ours_or_not(world: &World) {
    one_delivery(world, &mail()).await;
    let ours = code("D1", true).as_str().to_lowercase();
    let unknown = kakehashi_core::reply_code::ReplyCode::from_random(99);
    for (address, expected) in [
        ("intake@in.sakurami.example".to_owned(), RecipientAnswer::Ours),
        ("FAX@IN.Sakurami.Example".to_owned(), RecipientAnswer::Ours),
        ("G-G01@in.sakurami.example".to_owned(), RecipientAnswer::Ours),
        (format!("reply+{ours}@in.sakurami.example"), RecipientAnswer::Ours),
        (format!("Reply+{}@in.sakurami.example", ours.to_uppercase()), RecipientAnswer::Ours),
        (format!("reply+{unknown}@in.sakurami.example"), RecipientAnswer::NotOurs),
        ("reply+nonsense@in.sakurami.example".to_owned(), RecipientAnswer::NotOurs),
        ("bounce+d1@in.sakurami.example".to_owned(), RecipientAnswer::Ours),
        ("bounce+d2@in.sakurami.example".to_owned(), RecipientAnswer::NotOurs),
        ("bounce+@in.sakurami.example".to_owned(), RecipientAnswer::NotOurs),
        ("g-none@in.sakurami.example".to_owned(), RecipientAnswer::NotOurs),
        ("intake@else.example".to_owned(), RecipientAnswer::NotOurs),
        ("intake".to_owned(), RecipientAnswer::NotOurs),
        ("Postmaster".to_owned(), RecipientAnswer::Ours),
        ("postmaster@in.sakurami.example".to_owned(), RecipientAnswer::Ours),
        ("abuse@in.sakurami.example".to_owned(), RecipientAnswer::Ours),
        ("postmaster@else.example".to_owned(), RecipientAnswer::NotOurs),
    ] {
        assert_eq!(world.worker().accepts_recipient(&address, now()).await.unwrap(), expected, "{address}");
    }
}
