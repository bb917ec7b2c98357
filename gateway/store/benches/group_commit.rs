//! Durable intakes per second against the plain ceiling: one writer that commits batches of the same
//! size, the same records, with the same durability, in a bare loop over the driver. Prints both and
//! their ratio for 1, 8, 32 and 256 submitters, on SQLite and, where `KAKEHASHI_TEST_POSTGRES` names a
//! server, on PostgreSQL. Run it on a quiet machine: `cargo bench -p kakehashi-store`.
#![expect(clippy::unwrap_used, reason = "a measurement may fail where it stands")]

use kakehashi_core::clock::{FixedClock, UtcMicros};
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::ids::{IntakeId, NetworkId};
use kakehashi_core::port::{Origin, RawIntake};
use kakehashi_core::vocabulary::{Channel, Format};
use kakehashi_store::{Store, StoreConfig};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const RECORD_BYTES: usize = 1500;
const SUBMITTERS: [usize; 4] = [1, 8, 32, 256];
const EACH: Duration = Duration::from_secs(2);
/// The ceiling and the store are measured in turns, because a shared disk changes its mind.
const ROUNDS: usize = 3;

fn intake(key: String) -> RawIntake {
    RawIntake {
        channel: Channel::Hl7,
        format: Format::Hl7v2,
        sender_message_id: Some(key.clone()),
        dedup_key: key,
        bytes: vec![b'x'; RECORD_BYTES].into(),
        received_at: UtcMicros::from_micros(0),
        origin: Origin { listener: "mllp".into(), ..Origin::default() },
    }
}

/// Records per second and the 99th percentile of waiting, through the store.
async fn through_the_store(store: &Store, submitters: usize, run: &str) -> (f64, Duration) {
    let stop = Arc::new(AtomicBool::new(false));
    let network = NetworkId::from("n");
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for s in 0..submitters {
        let (log, network, stop) = (store.intake_log().clone(), network.clone(), Arc::clone(&stop));
        let run = run.to_owned();
        tasks.push(tokio::spawn(async move {
            let mut waits = Vec::new();
            let mut i = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                let key = format!("{run}-{s}-{i}");
                let since = Instant::now();
                log.hand_in(&network, IntakeId::new(key.clone()), intake(key)).await.unwrap();
                waits.push(since.elapsed());
                i += 1;
            }
            waits
        }));
    }
    tokio::time::sleep(EACH).await;
    stop.store(true, Ordering::Relaxed);
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await.unwrap());
    }
    let per_second = waits.len() as f64 / begun.elapsed().as_secs_f64();
    waits.sort_unstable();
    (per_second, waits.get(waits.len() * 99 / 100).copied().unwrap_or_default())
}

const COLUMNS: &str = "network_id, intake_id, dedup_key, channel, format, received_at, size_bytes, \
    content_hash, sender_message_id, origin, raw, state, attempt_count, retry_at";

/// The same rows by one writer in a bare loop; the hash of each record is computed as the store does.
async fn ceiling_on_sqlite(conn: &mut sqlx::SqliteConnection, batch: usize, run: &str) -> f64 {
    let (mut count, mut i, begun) = (0_u64, 0_u64, Instant::now());
    while begun.elapsed() < EACH {
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let mut left = batch;
        while left > 0 {
            let rows = left.min(64);
            left -= rows;
            let mut sql = format!("INSERT INTO intakes ({COLUMNS}) VALUES ");
            for r in 0..rows {
                sql.push_str(if r == 0 { "(" } else { ",(" });
                for c in 1..=11 {
                    write!(sql, "${},", r * 11 + c).unwrap();
                }
                write!(sql, "'accepted',0,${})", r * 11 + 6).unwrap();
            }
            sql.push_str(" ON CONFLICT (network_id, dedup_key) DO NOTHING");
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for _ in 0..rows {
                let key = format!("{run}-{i}");
                i += 1;
                let bytes = vec![b'x'; RECORD_BYTES];
                let hash = ContentHash::of(&bytes);
                query = query
                    .bind("n")
                    .bind(key.clone())
                    .bind(key.clone())
                    .bind("hl7")
                    .bind("hl7v2")
                    .bind(0_i64)
                    .bind(1500_i64)
                    .bind(hash.as_str().to_owned())
                    .bind(key)
                    .bind("{}")
                    .bind(bytes);
            }
            tx.execute(query).await.unwrap();
        }
        tx.commit().await.unwrap();
        count += batch as u64;
    }
    count as f64 / begun.elapsed().as_secs_f64()
}

async fn ceiling_on_postgres(conn: &mut sqlx::PgConnection, batch: usize, run: &str) -> f64 {
    let sql = format!(
        "INSERT INTO intakes ({COLUMNS}) SELECT 'n', k, k, 'hl7', 'hl7v2', 0, 1500, h, k, '{{}}', b, \
         'accepted', 0, 0 FROM UNNEST($1::text[], $2::text[], $3::bytea[]) AS u (k, h, b) \
         ON CONFLICT (network_id, dedup_key) DO NOTHING"
    );
    let (mut count, mut i, begun) = (0_u64, 0_u64, Instant::now());
    while begun.elapsed() < EACH {
        let keys: Vec<String> = (0..batch).map(|r| format!("{run}-{}", i + r as u64)).collect();
        i += batch as u64;
        let bytes: Vec<Vec<u8>> = (0..batch).map(|_| vec![b'x'; RECORD_BYTES]).collect();
        let hashes: Vec<String> = bytes.iter().map(|b| ContentHash::of(b).as_str().to_owned()).collect();
        let mut tx = conn.begin().await.unwrap();
        let query = sqlx::query(AssertSqlSafe(sql.clone())).bind(keys).bind(hashes).bind(bytes);
        tx.execute(query).await.unwrap();
        tx.commit().await.unwrap();
        count += batch as u64;
    }
    count as f64 / begun.elapsed().as_secs_f64()
}

enum Plain {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

async fn compare(name: &str, store: &Store, mut plain: Plain) {
    println!("{name}: records of {RECORD_BYTES} bytes, best of {ROUNDS} rounds in turns");
    println!("submitters  ceiling/s    store/s  ratio   p99 ms");
    for n in SUBMITTERS {
        let (mut ceiling, mut best, mut p99) = (0_f64, 0_f64, Duration::MAX);
        for round in 0..ROUNDS {
            let run = format!("c{n}-{round}");
            ceiling = ceiling.max(match &mut plain {
                Plain::Sqlite(conn) => ceiling_on_sqlite(conn, n, &run).await,
                Plain::Postgres(conn) => ceiling_on_postgres(conn, n, &run).await,
            });
            let (per_second, waited) = through_the_store(store, n, &format!("s{n}-{round}")).await;
            best = best.max(per_second);
            p99 = p99.min(waited);
        }
        println!(
            "{n:>10} {ceiling:>10.0} {best:>10.0} {:>5.0}% {:>8.1}",
            best / ceiling * 100.0,
            p99.as_secs_f64() * 1000.0
        );
    }
}

#[tokio::main]
async fn main() {
    let clock = Arc::new(FixedClock::at(UtcMicros::from_micros(0)));
    let folder =
        tempfile::tempdir_in(std::env::var("KAKEHASHI_BENCH_DIR").unwrap_or_else(|_| ".".into())).unwrap();
    let at = |name: &str| StoreConfig {
        database_url: format!("sqlite:{}", folder.path().join(name).display()),
        blob_folder: folder.path().join("blobs"),
        max_connections: 4,
    };
    // The same schema for the ceiling, in a file of its own.
    Store::open(&at("plain.db"), clock.clone()).await.unwrap().close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(folder.path().join("plain.db"))
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full)
        .foreign_keys(true);
    let plain = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    let store = Store::open(&at("store.db"), clock.clone()).await.unwrap();
    compare("SQLite (WAL, synchronous=FULL)", &store, Plain::Sqlite(plain)).await;
    store.close().await;

    let Ok(server) = std::env::var("KAKEHASHI_TEST_POSTGRES") else {
        println!("PostgreSQL was not tried: KAKEHASHI_TEST_POSTGRES is not set");
        return;
    };
    let mut admin = sqlx::PgConnection::connect(&server).await.unwrap();
    let base = server.rsplit_once('/').unwrap().0.to_owned();
    for name in ["k_bench_plain", "k_bench_store"] {
        let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.unwrap();
    }
    let at = |name: &str| StoreConfig {
        database_url: format!("{base}/{name}"),
        blob_folder: folder.path().join("blobs"),
        max_connections: 8,
    };
    Store::open(&at("k_bench_plain"), clock.clone()).await.unwrap().close().await;
    let plain = sqlx::PgConnection::connect(&format!("{base}/k_bench_plain")).await.unwrap();
    let store = Store::open(&at("k_bench_store"), clock).await.unwrap();
    compare("PostgreSQL (synchronous_commit=on)", &store, Plain::Postgres(plain)).await;
    store.close().await;
    for name in ["k_bench_plain", "k_bench_store"] {
        let sql = format!("DROP DATABASE {name} WITH (FORCE)");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
    }
}
