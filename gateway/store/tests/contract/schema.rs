//! Starting, starting again, and reading beside.

use super::world::{World, now, post, topic};
use kakehashi_store::view::Wake;
use kakehashi_store::{Store, StoreError};

pub(crate) async fn a_second_start_finds_its_schema(world: &World) {
    world.fill().await;
    let again = Store::open(&world.config, world.clock.clone()).await.unwrap();
    assert_eq!(again.networks().await.unwrap().len(), 1);
    again.ping().await.unwrap();
    again.close().await;
}

pub(crate) async fn reading_beside_sees_everything_and_changes_nothing(world: &World) {
    world.fill().await;
    world.intake("I1", "k1", b"MSH|").await;
    let beside = Store::open_beside(&world.config, world.clock.clone()).await.unwrap();
    assert_eq!(beside.intake_log().sender_message_ids(&world.network).await.unwrap(), ["MSG-k1"]);
    let refused =
        beside.intake_log().hand_in(&world.network, "I2".into(), super::world::raw("k2", b"x")).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    beside.close().await;
    world.commit(vec![post(&topic("T1", "G01", "F01", &[]))]).await.unwrap();
    let roster = world.office().roster(&"G01".into(), now()).await.unwrap().unwrap();
    assert_eq!(roster.members.len(), 5);
}

pub(crate) async fn two_programs_start_together(world: &World) {
    let mut config = world.config.clone();
    if let Some(path) = config.database_url.strip_prefix("sqlite:") {
        config.database_url = format!("sqlite:{path}.second");
    } else {
        world.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public;").await.unwrap();
    }
    let (one, two) =
        tokio::join!(Store::open(&config, world.clock.clone()), Store::open(&config, world.clock.clone()));
    for store in [one.unwrap(), two.unwrap()] {
        store.ping().await.unwrap();
        store.close().await;
    }
}

/// On PostgreSQL several programs share one database and wake each other; SQLite belongs to one program,
/// where the second store stands for another part of it and looks by itself.
pub(crate) async fn a_commit_wakes_the_other_programs(world: &World) {
    world.fill().await;
    let other = Store::open(&world.config, world.clock.clone()).await.unwrap();
    let (mut here, mut there) = (world.store.wakes().subscribe(), other.wakes().subscribe());
    let shared = world.config.database_url.starts_with("postgres");
    let expected = Wake::Group("G01".into());
    let heard = async {
        // LISTEN may begin after the first commit: posting goes on until the other one hears it.
        for i in 0..100 {
            world.commit(vec![post(&topic(&format!("T{i:02}"), "G01", "F01", &[]))]).await.unwrap();
            assert_eq!(here.recv().await.unwrap(), expected);
            if !shared {
                return there.try_recv().is_err();
            }
            let wait = tokio::time::timeout(std::time::Duration::from_millis(200), async {
                while there.recv().await.unwrap() != expected {}
            });
            if wait.await.is_ok() {
                return true;
            }
        }
        false
    };
    assert!(heard.await);
    other.close().await;
}

pub(crate) async fn lost_connections_are_made_again(world: &World) {
    world.fill().await;
    if world.config.database_url.starts_with("postgres") {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        world.sql(end).await.unwrap();
    }
    world.intake("I1", "k1", b"x").await;
    world.commit(vec![post(&topic("T1", "G01", "F01", &[]))]).await.unwrap();
    assert_eq!(world.office().intakes(None, 10).await.unwrap().len(), 1);
}
