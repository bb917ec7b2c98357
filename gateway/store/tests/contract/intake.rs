//! ① durable, deduplicated, claimed once, taken over, settled once.

use super::world::{World, id_of, now, raw};
use kakehashi_core::commit::Effect;
use kakehashi_core::port::SenderProof;
use kakehashi_core::vocabulary::{Authenticity, IntakeState};
use kakehashi_store::view::Wake;
use kakehashi_store::{HandedIn, Store, StoreError};
use std::collections::HashSet;

pub(crate) async fn an_intake_is_durable_and_comes_back(world: &World) {
    let mut wakes = world.store.wakes().subscribe();
    let bytes = "MSH|^~\\&|HIS|…山本".as_bytes();
    let handed = world.intake("I1", "k1", bytes).await;
    assert_eq!(handed, HandedIn::New("I1".into()));
    assert_eq!(wakes.recv().await.unwrap(), Wake::Intake);
    // Another connection of another program sees it.
    let other = Store::open_beside(&world.config, world.clock.clone()).await.unwrap();
    let again = other.worker(&world.network).raw(&"I1".into()).await.unwrap().unwrap();
    assert_eq!(&*again.bytes.whole().unwrap(), bytes);
    assert_eq!(again.origin, raw("k1", b"").origin);
    assert_eq!((again.dedup_key.as_str(), again.received_at), ("k1", now()));
    other.close().await;
    let view = world.office().intake(&"I1".into()).await.unwrap().unwrap();
    assert_eq!((view.state, view.size_bytes), (IntakeState::Accepted, bytes.len() as u64));
    assert_eq!(world.worker().figures(now()).await.unwrap().intakes_waiting, 1);
}

pub(crate) async fn the_same_key_is_the_same_intake(world: &World) {
    assert_eq!(world.intake("I1", "k1", b"a").await, HandedIn::New("I1".into()));
    assert_eq!(world.intake("I2", "k1", b"b").await, HandedIn::Known("I1".into()));
    let other = "other".into();
    let there = world.store.intake_log().hand_in(&other, "I3".into(), raw("k1", b"c")).await.unwrap();
    assert_eq!(there, HandedIn::New("I3".into()));
    assert_eq!(world.office().intakes(None, 10).await.unwrap().len(), 1);
}

pub(crate) async fn many_at_once_are_all_there(world: &World) {
    // 400 senders, each message twice: one of each pair is new, the other one known.
    let mut tasks = Vec::new();
    for i in 0..800_u32 {
        let (log, network) = (world.store.intake_log().clone(), world.network.clone());
        tasks.push(tokio::spawn(async move {
            let key = format!("k{}", i % 400);
            (
                key.clone(),
                log.hand_in(&network, format!("I{i:04}").into(), raw(&key, key.as_bytes())).await.unwrap(),
            )
        }));
    }
    let (mut new, mut ids) = (0, HashSet::new());
    for task in tasks {
        let (key, handed) = task.await.unwrap();
        new += u32::from(matches!(handed, HandedIn::New(_)));
        ids.insert((key, id_of(&handed)));
    }
    assert_eq!((new, ids.len()), (400, 400));
    let ids: HashSet<_> =
        world.store.intake_log().sender_message_ids(&world.network).await.unwrap().into_iter().collect();
    assert_eq!(ids.len(), 400);
}

pub(crate) async fn a_large_message_is_a_blob(world: &World) {
    let large = vec![7_u8; 300_000];
    world.intake("I1", "k1", &large).await;
    let claimed = world.worker().claim_intakes("w", 10, 60, now()).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(&*claimed[0].raw.bytes.whole().unwrap(), &large[..]);
    assert_eq!(world.office().intake_bytes(&"I1".into()).await.unwrap().unwrap(), large);
    // The row names the blob; without it the row cannot be read, and says so.
    std::fs::remove_dir_all(world.folder().join("blobs")).unwrap();
    let fault = world.office().intake_bytes(&"I1".into()).await;
    assert!(matches!(fault, Err(StoreError::Corrupt { table: "intakes", .. })), "{fault:?}");
}

pub(crate) async fn two_claimers_never_get_the_same(world: &World) {
    for i in 0..40 {
        world.intake(&format!("I{i:02}"), &format!("k{i}"), b"x").await;
    }
    let mut tasks = Vec::new();
    for worker in 0..4 {
        let view = world.worker();
        tasks.push(tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = view.claim_intakes(&format!("w{worker}"), 3, 60, now()).await.unwrap();
                if claimed.is_empty() {
                    return mine;
                }
                assert!(claimed.is_sorted_by_key(|c| c.id.clone()));
                mine.extend(claimed.into_iter().map(|c| c.id));
            }
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "claimed twice");
    // SKIP LOCKED may pass over rows while others hold them; nothing stays behind for long.
    all.extend(world.worker().claim_intakes("last", 100, 60, now()).await.unwrap().into_iter().map(|c| c.id));
    assert_eq!(all.len(), 40);
}

pub(crate) async fn what_was_found_of_a_sender_is_kept(world: &World) {
    world.fill().await;
    world.intake("I1", "k1", b"x").await;
    let claimed = world.worker().claim_intakes("w", 1, 60, now()).await.unwrap().remove(0);
    let mut origin = claimed.raw.origin.clone();
    origin.proof = Some(SenderProof {
        authenticity: Authenticity::Dmarc,
        failed: false,
        detail: "spf=pass".to_owned(),
        try_again: false,
    });
    world.worker().record_origin(&claimed.id, &origin).await.unwrap();
    world.worker().release_intake(&claimed.id, now()).await.unwrap();
    let again = world.worker().claim_intakes("w", 1, 60, now()).await.unwrap().remove(0);
    assert_eq!(again.raw.origin, origin);
}

fn finish(state: IntakeState) -> Vec<Effect> {
    vec![Effect::FinishIntake { intake_id: "I1".into(), state, decided: Vec::new() }]
}

pub(crate) async fn a_lapsed_lease_is_taken_over_and_settled_once(world: &World) {
    world.fill().await;
    world.intake("I1", "k1", b"x").await;
    let dead = world.worker().claim_intakes("dead", 1, 60, now()).await.unwrap();
    assert_eq!(dead[0].attempt, 1);
    assert!(world.worker().claim_intakes("next", 1, 60, now().plus_seconds(59)).await.unwrap().is_empty());
    let taken = world.worker().claim_intakes("next", 1, 60, now().plus_seconds(61)).await.unwrap();
    assert_eq!((taken.len(), taken[0].attempt), (1, 2));
    world.commit(finish(IntakeState::Recorded)).await.unwrap();
    // The first worker was only slow.
    let late = world.commit(finish(IntakeState::Posted)).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    assert!(world.worker().claim_intakes("next", 1, 60, now().plus_seconds(999)).await.unwrap().is_empty());
    let view = world.office().intake(&"I1".into()).await.unwrap().unwrap();
    assert_eq!(view.state, IntakeState::Recorded);
}

pub(crate) async fn a_released_intake_waits(world: &World) {
    world.intake("I1", "k1", b"x").await;
    world.worker().claim_intakes("w", 1, 60, now()).await.unwrap();
    world.worker().release_intake(&"I1".into(), now().plus_seconds(10)).await.unwrap();
    assert!(world.worker().claim_intakes("w", 1, 60, now().plus_seconds(5)).await.unwrap().is_empty());
    let again = world.worker().claim_intakes("w", 1, 60, now().plus_seconds(10)).await.unwrap();
    assert_eq!((again.len(), again[0].attempt), (1, 2));
    // The store was away: not the message's fault.
    world.worker().postpone_intake(&"I1".into(), now().plus_seconds(20)).await.unwrap();
    let once_more = world.worker().claim_intakes("w", 1, 60, now().plus_seconds(20)).await.unwrap();
    assert_eq!((once_more.len(), once_more[0].attempt), (1, 2));
}

pub(crate) async fn what_may_have_killed_a_worker_is_claimed_alone(world: &World) {
    for (id, key) in [("I1", "k1"), ("I2", "k2"), ("I3", "k3")] {
        world.intake(id, key, b"x").await;
    }
    assert_eq!(world.worker().claim_intakes("dead", 2, 60, now()).await.unwrap().len(), 2);
    let later = now().plus_seconds(61);
    for (id, attempt) in [("I1", 2), ("I2", 2), ("I3", 1)] {
        let claimed = world.worker().claim_intakes("next", 10, 60, later).await.unwrap();
        let seen: Vec<_> = claimed.iter().map(|c| (c.id.as_str(), c.attempt)).collect();
        assert_eq!(seen, [(id, attempt)]);
    }
}

pub(crate) async fn a_bad_row_does_not_stop_the_others(world: &World) {
    world.intake("I1", "k1", b"x").await;
    // The key of a row that is there already under another dedup key: a fault of ours.
    let log = world.store.intake_log();
    let (bad, good) = tokio::join!(
        log.hand_in(&world.network, "I1".into(), raw("k2", b"y")),
        log.hand_in(&world.network, "I3".into(), raw("k3", b"z")),
    );
    assert!(matches!(bad, Err(StoreError::Bug { .. })), "{bad:?}");
    assert_eq!(good.unwrap(), HandedIn::New("I3".into()));
}
