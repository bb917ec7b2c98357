//! The FAX desk: results that are faster than we write, pages that a person turns or joins, sheets that were
//! confirmed, and what an import must leave as the desk has it.

use super::world::{World, cast, deliver, endpoint, fax, now, post, topic};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::{Actor, AttemptEnd, Commit, Effect, EndpointChange, SheetCheck, TriageOutcome};
use kakehashi_core::decision::TriageReason;
use kakehashi_core::directory::EndpointSettings;
use kakehashi_core::envelope::{Attachment, ContentHash, Envelope, Mark, MarkState};
use kakehashi_core::facts::{CodeFacts, FactQuery};
use kakehashi_core::ids::{IntakeId, LoginUserId};
use kakehashi_core::port::Outcome;
use kakehashi_core::post::StoredAttachment;
use kakehashi_core::vocabulary::{
    AttachmentRole, Channel, DeliveryMode, DeliveryState, EndpointState, Format, Urgency,
};
use kakehashi_store::view::OutboxFilter;
use kakehashi_store::{DirectoryChange, Kept};

fn later(minutes: i64) -> UtcMicros {
    now().plus_seconds(minutes * 60)
}

fn told(job: &str, route: Option<&str>, state: DeliveryState) -> Vec<Effect> {
    vec![Effect::Report { job: job.into(), route: route.map(str::to_owned), state, detail: "OK".into() }]
}

async fn sent(world: &World, id: &str, of: &str, job: &str) {
    let d = Effect::Deliver(deliver(id, of, &fax(), DeliveryMode::Instant, now()));
    world.commit(vec![post(&topic(of, "G01", "F01", &[])), d]).await.unwrap();
    let claimed = world.worker().claim_deliveries("w", 50, 60, 1_000_000, now()).await.unwrap();
    let one = claimed.iter().find(|j| j.id.as_str() == id).unwrap();
    world.worker().route_taken(&one.id, "second", 1, now()).await.unwrap();
    // The provider's own word comes here, before the end of the attempt is written.
    assert_eq!(
        world.commit(told(job, Some("second"), DeliveryState::Delivered)).await.unwrap().repeated_count,
        1
    );
    let end = AttemptEnd {
        delivery_id: one.id.clone(),
        attempt: one.attempt,
        outcome: Outcome::HandedOff { job: job.into(), report_within_seconds: 600 },
        next_state: DeliveryState::HandedOff,
        next_due_at: None,
        at: later(1),
    };
    assert!(world.worker().finish_attempt("w", &end).await.unwrap());
}

pub(crate) async fn a_result_may_come_before_its_job(world: &World) {
    world.fill().await;
    // Another provider's job of the same name is another job.
    world.commit(told("7", Some("third"), DeliveryState::Failed)).await.unwrap();
    sent(world, "D1", "T1", "7").await;
    let effects = world.worker().early_reports().await.unwrap();
    assert_eq!(effects, told("7", Some("second"), DeliveryState::Delivered));
    world.commit_at(later(2), effects).await.unwrap();
    let done = world.office().outbox(OutboxFilter::Done, 5).await.unwrap();
    assert_eq!(done.iter().map(|d| d.state).collect::<Vec<_>>(), [DeliveryState::Delivered]);
    assert!(world.worker().early_reports().await.unwrap().is_empty(), "told once");
    // What belongs to no job of ours is forgotten after a day.
    world.commit_at(later(24 * 60 + 5), told("9", None, DeliveryState::Failed)).await.unwrap();
    let left = "DELETE FROM early_reports WHERE job = '7'";
    world.sql(left).await.unwrap();
    assert!(world.worker().early_reports().await.unwrap().is_empty());
}

pub(crate) async fn pages_of_a_day_count_by_facility(world: &World) {
    world.fill().await;
    let other = endpoint("E14", "F04", Channel::Fax, "0300000114");
    world.import(vec![DirectoryChange::Endpoint(other.clone())]).await;
    let mut quiet = topic("T1", "G01", "F01", &[]);
    quiet.urgency = Urgency::Normal;
    let send = |id: &str, e| Effect::Deliver(deliver(id, "T1", e, DeliveryMode::Instant, now()));
    let of_pharmacy = endpoint("E05", "F05", Channel::Fax, "0300000105");
    let effects = vec![post(&quiet), send("D1", &fax()), send("D2", &other), send("D3", &of_pharmacy)];
    world.commit(effects).await.unwrap();
    world.worker().route_taken(&"D1".into(), "first", 7, later(1)).await.unwrap();
    let (_, left, _) = world.worker().page_budget(&"D2".into(), now()).await.unwrap();
    assert_eq!(left, 7, "the facility's other number counts");
    let (_, left, _) = world.worker().page_budget(&"D3".into(), now()).await.unwrap();
    assert_eq!(left, 0, "another facility does not");
}

pub(crate) async fn the_desk_is_newer_than_the_file(world: &World) {
    world.fill().await;
    let by = |who: &str, change| Commit {
        at: now(),
        actor: Actor::LoginUser { id: LoginUserId::new(who) },
        effects: vec![Effect::ChangeEndpoint { endpoint_id: "E04".into(), change }],
    };
    let chosen = EndpointSettings { instant_threshold: Urgency::Emergency, ..EndpointSettings::default() };
    for commit in [
        by("U1", EndpointChange::ProposeNumber { id: "C1".into(), address: "0300000999".into() }),
        by("U2", EndpointChange::CheckNumber { id: "C1".into() }),
        by("U1", EndpointChange::Settings { id: "C2".into(), settings: Box::new(chosen) }),
    ] {
        world.store.commit(&world.network, commit).await.unwrap();
    }
    let mut file = cast("sakurami");
    for change in &mut file {
        if let DirectoryChange::Endpoint(e) = change
            && e.id.as_str() == "E04"
        {
            // The file also says something that no desk changes.
            e.settings.hold_seconds = 90;
        }
    }
    let done = world.store.directory(&world.network).apply(file.clone(), now()).await.unwrap();
    let kept = [Kept::Number { endpoint_id: "E04".into() }, Kept::Settings { endpoint_id: "E04".into() }];
    assert_eq!(done.kept, kept);
    let e = world.worker().endpoint(&"E04".into()).await.unwrap().unwrap();
    assert_eq!((e.address.as_str(), e.state), ("0300000999", EndpointState::Unverified));
    assert_eq!((e.settings.instant_threshold, e.settings.hold_seconds), (Urgency::Emergency, 90));
    let again = world.store.directory(&world.network).apply(file, now()).await.unwrap();
    assert_eq!((again.changed, again.kept.len()), (0, 2), "told every time, changed never");
}

const PAGE: &str = "page_image";

/// A FAX of one page from this number that waits in triage.
async fn waiting(world: &World, id: &str, number: &str, at: UtcMicros) -> StoredAttachment {
    let mut raw = super::world::raw(&format!("k-{id}"), id.as_bytes());
    raw.received_at = at;
    world.store.intake_log().hand_in(&world.network, id.into(), raw).await.unwrap();
    let picture = world.store.blobs().put(id.as_bytes()).unwrap();
    let stored = StoredAttachment {
        id: format!("A-{id}").as_str().into(),
        intake_id: Some(IntakeId::new(id)),
        post_id: None,
        position: 0,
        role: AttachmentRole::PageImage,
        name: None,
        media_type: "image/png".into(),
        size_bytes: 2,
        content_hash: picture.clone(),
        pages: None,
    };
    let mut envelope = Envelope::empty(Channel::Fax, Format::Tiff, ContentHash::of(id.as_bytes()));
    envelope.sender.number = Some(number.to_owned());
    envelope.attachments.push(Attachment {
        name: None,
        media_type: "image/png".into(),
        size_bytes: 2,
        content_hash: picture,
        pages: None,
        role: AttachmentRole::PageImage,
    });
    let effects = vec![
        Effect::RecordReading {
            intake_id: id.into(),
            // A second part makes the item find its own pictures by the Envelope.
            envelopes: vec![envelope.clone(), Envelope { attachments: Vec::new(), ..envelope }],
            attachments: vec![stored.clone()],
        },
        Effect::OpenTriage {
            id: format!("X-{id}").as_str().into(),
            intake_id: id.into(),
            envelope_index: 0,
            reasons: vec![TriageReason::NoPatientNamed],
            candidates: Vec::new(),
            quarantined: false,
        },
    ];
    world.commit_at(at, effects).await.unwrap();
    stored
}

pub(crate) async fn a_page_is_turned_once_while_it_waits(world: &World) {
    world.fill().await;
    assert_eq!(AttachmentRole::PageImage.code(), PAGE);
    let page = waiting(world, "I1", "0300000104", now()).await;
    let upright = world.store.blobs().put(b"upright").unwrap();
    let turn = |from: &ContentHash| Effect::TurnPicture {
        attachment_id: page.id.clone(),
        from: from.clone(),
        content_hash: upright.clone(),
        size_bytes: 7,
    };
    world.commit(vec![turn(&page.content_hash)]).await.unwrap();
    let item = world.office().triage_item(&"X-I1".into()).await.unwrap().unwrap();
    let shown: Vec<_> = item.attachments.iter().map(|a| (&a.content_hash, a.size_bytes)).collect();
    assert_eq!(shown, [(&upright, 7)], "the item still knows its page");
    assert!(world.commit(vec![turn(&page.content_hash)]).await.is_err(), "somebody was faster");
    let close = Effect::CloseTriage { id: "X-I1".into(), outcome: TriageOutcome::Discarded, note: None };
    world.commit(vec![close]).await.unwrap();
    assert!(world.commit(vec![turn(&upright)]).await.is_err(), "nothing waits any more");
}

pub(crate) async fn fax_of_one_number_can_be_joined(world: &World) {
    world.fill().await;
    waiting(world, "I1", "0300000104", now()).await;
    waiting(world, "I2", "0300000104", later(3)).await;
    waiting(world, "I3", "0300000105", later(4)).await;
    waiting(world, "I4", "0300000104", later(7 * 60)).await;
    let item = world.office().triage_item(&"X-I1".into()).await.unwrap().unwrap();
    let others: Vec<&str> = item.joinable.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(others, ["X-I2"], "the same number, on the same day");
}

pub(crate) async fn confirmed_sheets_are_read_in_order(world: &World) {
    world.fill().await;
    for id in ["I2", "I1"] {
        let page = waiting(world, id, "0300000104", now()).await;
        let check = SheetCheck {
            intake_id: id.into(),
            envelope_index: 0,
            marks: vec![Mark { name: "acknowledge".into(), state: MarkState::Unsure, confidence: 0.5 }],
            said: Vec::new(),
            decided: vec!["acknowledge".into()],
        };
        // The picture as it was read, not as it was turned.
        let turned = Effect::TurnPicture {
            attachment_id: page.id,
            from: page.content_hash,
            content_hash: world.store.blobs().put(b"upright").unwrap(),
            size_bytes: 7,
        };
        world.commit(vec![turned, Effect::CheckSheet(check)]).await.unwrap();
    }
    let office = world.office();
    let first = office.checked_sheets(None, 1).await.unwrap();
    assert_eq!(first[0].intake_id.as_str(), "I1");
    assert_eq!(first[0].pictures, [ContentHash::of(b"I1")]);
    assert_eq!(first[0].decided, ["acknowledge"]);
    let next = office.checked_sheets(Some((&first[0].intake_id, 0)), 10).await.unwrap();
    assert_eq!(next.iter().map(|s| s.intake_id.as_str()).collect::<Vec<_>>(), ["I2"]);
}

pub(crate) async fn numbers_of_a_digest_that_moved_are_told(world: &World) {
    world.fill().await;
    let digest = |of: &str| Effect::Deliver(deliver("D1", of, &fax(), DeliveryMode::Digest, now()));
    let mut second = deliver("D1", "T2", &fax(), DeliveryMode::Digest, now());
    second.item_code = super::world::code("D1-2", true);
    let effects = vec![
        post(&topic("T1", "G01", "F01", &[])),
        post(&topic("T2", "G03", "F02", &[])),
        digest("T1"),
        Effect::Deliver(second),
    ];
    world.commit(effects).await.unwrap();
    let entry = || async {
        let query = FactQuery {
            channel: Some(Channel::Fax),
            sender_address: Some("0300000104".into()),
            reply_code: Some(super::world::code("D1", false).as_str().to_owned()),
            ..FactQuery::default()
        };
        match world.worker().facts(&query, now()).await.unwrap().code {
            CodeFacts::Known(entry) => *entry,
            other => panic!("{other:?}"),
        }
    };
    let whole = entry().await;
    assert_eq!((whole.items.len(), whole.lines_moved), (2, false));
    world.sql("UPDATE deliveries SET attempt_count = 2").await.unwrap();
    assert!(!entry().await.lines_moved, "printed twice alike");
    world.sql("UPDATE delivery_items SET dropped_at = 5 WHERE post_id = 'T1'").await.unwrap();
    let moved = entry().await;
    assert_eq!((moved.items.len(), moved.lines_moved), (1, true));
}
