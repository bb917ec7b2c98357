//! What links with hospital systems must not forget: numbers, and answers that are owed.

use super::world::{World, now};
use kakehashi_core::commit::Effect;
use kakehashi_core::link::{AnswerEnd, LinkMemory as _, LinkSender};

fn sender(application: &str) -> LinkSender {
    LinkSender { application: application.to_owned(), facility: "SAKURAMI_CH".to_owned() }
}

pub(crate) async fn what_a_link_expects_is_remembered(world: &World) {
    world.fill().await;
    let links = world.store.links(&world.network);
    assert!(links.expected("sakurami").await.unwrap().is_empty());
    for (application, next) in [("HIS", 42), ("LAB", 7), ("HIS", 43)] {
        links.expect("sakurami", &sender(application), next).await.unwrap();
    }
    links.expect("kita", &sender("HIS"), 1).await.unwrap();
    let again = world.store.links(&world.network);
    let expected = again.expected("sakurami").await.unwrap();
    assert_eq!(expected, [(sender("HIS"), 43), (sender("LAB"), 7)]);
}

pub(crate) async fn answers_are_owed_in_order_until_they_are_taken(world: &World) {
    world.fill().await;
    for id in ["I1", "I2", "I3"] {
        world.intake(id, id, b"MSH|").await;
    }
    let links = world.store.links(&world.network);
    for (id, bytes) in [("I1", b"one".as_slice()), ("I2", b"two")] {
        links.owe("sakurami", &id.into(), bytes).await.unwrap();
    }
    links.owe("kita", &"I3".into(), b"three").await.unwrap();
    let first = links.owed("sakurami").await.unwrap().unwrap();
    assert_eq!(
        (first.intake_id.as_str(), first.bytes.as_slice(), first.attempts),
        ("I1", b"one".as_slice(), 0)
    );
    assert_eq!(links.owed("sakurami").await.unwrap(), None, "one in flight, the next waits behind it");
    links.ended("sakurami", &"I1".into(), AnswerEnd::Again { wait: 0 }).await.unwrap();
    // The message came once more before its answer was taken: still one answer, with the first bytes.
    links.owe("sakurami", &"I1".into(), b"another").await.unwrap();
    let again = links.owed("sakurami").await.unwrap().unwrap();
    assert_eq!((again.bytes.as_slice(), again.attempts), (b"one".as_slice(), 1));
    links.ended("sakurami", &"I1".into(), AnswerEnd::Taken).await.unwrap();
    let second = links.owed("sakurami").await.unwrap().unwrap();
    assert_eq!(second.intake_id.as_str(), "I2");
    links.ended("sakurami", &"I2".into(), AnswerEnd::Refused("AR".to_owned())).await.unwrap();
    assert_eq!(links.owed("sakurami").await.unwrap(), None);
    // The office sees what was refused, and what nobody takes after some attempts, and offers it once more.
    let untaken = async || {
        let rows = world.office().interfaces(now()).await.unwrap();
        let of =
            |name: &str| rows.iter().find(|r| r.name == name).map(|r| r.answers.clone()).unwrap_or_default();
        (of("sakurami"), of("kita"))
    };
    let (refused, waiting) = untaken().await;
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!((refused[0].intake_id.as_str(), refused[0].refusal.as_deref()), ("I2", Some("AR")));
    assert!(waiting.is_empty());
    let again = vec![Effect::OweAnswerAgain { intake_id: "I2".into() }];
    world.commit(again.clone()).await.unwrap();
    assert!(untaken().await.0.is_empty());
    let second = links.owed("sakurami").await.unwrap().unwrap();
    assert_eq!((second.bytes.as_slice(), second.attempts), (b"two".as_slice(), 0));
    for _ in 0..2 {
        links.ended("sakurami", &"I2".into(), AnswerEnd::Again { wait: 0 }).await.unwrap();
        assert!(links.owed("sakurami").await.unwrap().is_some());
    }
    let (untaken_now, _) = untaken().await;
    assert_eq!((untaken_now[0].attempts, untaken_now[0].refusal.as_ref()), (3, None));
    links.ended("sakurami", &"I2".into(), AnswerEnd::Taken).await.unwrap();
    world.commit(again).await.unwrap();
    assert_eq!(links.owed("sakurami").await.unwrap(), None, "what was taken is not sent once more");
    // A sender that missed its answer sends again and is answered again, with the same bytes.
    links.owe("sakurami", &"I1".into(), b"another").await.unwrap();
    assert_eq!(links.owed("sakurami").await.unwrap().unwrap().bytes, b"one");
    assert_eq!(links.owed("kita").await.unwrap().unwrap().bytes, b"three");
}

pub(crate) async fn two_programs_never_deliver_the_same_answer(world: &World) {
    world.fill().await;
    world.intake("I1", "k1", b"MSH|").await;
    let links = world.store.links(&world.network);
    links.owe("sakurami", &"I1".into(), b"one").await.unwrap();
    let other = kakehashi_store::Store::open(&world.config, world.clock.clone()).await.unwrap();
    let beside = other.links(&world.network);
    let (here, there) = tokio::join!(links.owed("sakurami"), beside.owed("sakurami"));
    assert_eq!(usize::from(here.unwrap().is_some()) + usize::from(there.unwrap().is_some()), 1);
    // Whoever had it died: after the lease somebody else takes it.
    world.clock.set(now().plus_seconds(61));
    assert!(beside.owed("sakurami").await.unwrap().is_some());
    other.close().await;
}
