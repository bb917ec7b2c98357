//! A long queue of deliveries: 20,000 are queued, then claimed, finished and gone, as the deliverer does it
//! and with a relay that takes no time. Prints what a claim of 16 costs in each tenth of the queue, on SQLite
//! and, where `KAKEHASHI_TEST_POSTGRES` names a server, on PostgreSQL: `cargo bench -p kakehashi-store --bench drain`.
#![expect(clippy::unwrap_used, reason = "a measurement may fail where it stands")]

use kakehashi_core::clock::{FixedClock, UtcMicros};
use kakehashi_core::commit::{Actor, AttemptEnd, Commit, Effect};
use kakehashi_core::decision::Notice;
use kakehashi_core::directory::Network;
use kakehashi_core::ids::{DeliveryId, NetworkId};
use kakehashi_core::port::Outcome;
use kakehashi_core::vocabulary::{Channel, DeliveryState};
use kakehashi_store::{DirectoryChange, Store, StoreConfig};
use sqlx::{AssertSqlSafe, Connection as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

const QUEUED: usize = 20_000;
const BATCH: u32 = 16;

fn now() -> UtcMicros {
    UtcMicros::from_micros(1_780_000_000_000_000)
}

fn network() -> Network {
    Network {
        id: NetworkId::from("n"),
        name: "n".to_owned(),
        office_name: "n".to_owned(),
        office_phone: String::new(),
        office_hours: String::new(),
        gateway_fax: String::new(),
        mail_domain: "in.example".to_owned(),
        public_url: "https://in.example".to_owned(),
    }
}

async fn drain(title: &str, store: &Store) {
    let id = NetworkId::from("n");
    store.directory(&id).apply(vec![DirectoryChange::Network(network())], now()).await.unwrap();
    let mut made = 0;
    while made < QUEUED {
        let effects = (made..made + 500)
            .map(|n| Effect::Notify {
                delivery_id: DeliveryId::new(format!("D{n:08}")),
                notice: Notice::Uniform,
                channel: Channel::Email,
                address: format!("n{n}@st.example"),
            })
            .collect();
        store.commit(&id, Commit { at: now(), actor: Actor::Operator, effects }).await.unwrap();
        made += 500;
    }
    println!(
        "\n{title}: {QUEUED} queued deliveries\n{:>10} {:>14} {:>12}",
        "sent", "claim of 16 ms", "in all /s"
    );
    let view = store.worker(&id);
    let (mut sent, mut claiming, mut claims, mut begun) = (0, Duration::ZERO, 0_u32, Instant::now());
    loop {
        let at = Instant::now();
        let jobs = view.claim_deliveries("w", BATCH, 300, 0, now()).await.unwrap();
        claiming += at.elapsed();
        claims += 1;
        if jobs.is_empty() {
            break;
        }
        for job in jobs {
            let end = AttemptEnd {
                delivery_id: job.id,
                attempt: job.attempt,
                outcome: Outcome::Delivered("250 2.0.0 taken".to_owned()),
                next_state: DeliveryState::Delivered,
                next_due_at: None,
                at: now(),
            };
            assert!(view.finish_attempt("w", &end).await.unwrap());
            sent += 1;
            if sent % (QUEUED / 10) == 0 {
                let each = claiming.as_secs_f64() * 1000.0 / f64::from(claims);
                println!("{sent:>10} {each:>14.2} {:>12.0}", 2000.0 / begun.elapsed().as_secs_f64());
                (claiming, claims, begun) = (Duration::ZERO, 0, Instant::now());
            }
        }
    }
    assert_eq!(sent, QUEUED);
}

#[tokio::main]
async fn main() {
    let clock = Arc::new(FixedClock::at(now()));
    let folder =
        tempfile::tempdir_in(std::env::var("KAKEHASHI_BENCH_DIR").unwrap_or_else(|_| ".".into())).unwrap();
    let config = |database_url: String| StoreConfig {
        database_url,
        blob_folder: folder.path().join("blobs"),
        max_connections: 8,
    };
    let sqlite = format!("sqlite:{}", folder.path().join("drain.db").display());
    let store = Store::open(&config(sqlite), clock.clone()).await.unwrap();
    drain("SQLite (WAL, synchronous=FULL)", &store).await;
    store.close().await;
    let Ok(server) = std::env::var("KAKEHASHI_TEST_POSTGRES") else {
        println!("PostgreSQL was not tried: KAKEHASHI_TEST_POSTGRES is not set");
        return;
    };
    let mut admin = sqlx::PgConnection::connect(&server).await.unwrap();
    for sql in ["DROP DATABASE IF EXISTS k_bench_drain WITH (FORCE)", "CREATE DATABASE k_bench_drain"] {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
    }
    let base = server.rsplit_once('/').unwrap().0;
    let store = Store::open(&config(format!("{base}/k_bench_drain")), clock).await.unwrap();
    drain("PostgreSQL (synchronous_commit=on)", &store).await;
    store.close().await;
    sqlx::raw_sql("DROP DATABASE k_bench_drain WITH (FORCE)").execute(&mut admin).await.unwrap();
}
