//! The plain ceiling of durable intakes: one writer that commits rows of the intake log in batches of one
//! size, in a bare loop over the driver, with the durability of the gateway and nothing around it. The
//! load tool (`tests/load`) runs it and holds the gateway against it.
//!
//! `ceiling DATABASE BATCH SECONDS RECORD_BYTES` prints records per second. `DATABASE` is `sqlite:PATH` or
//! `postgres://…`; the schema is made if absent. Rows are added and stay.
#![expect(clippy::unwrap_used, reason = "a measurement may fail where it stands")]

use kakehashi_core::clock::SystemClock;
use kakehashi_core::envelope::ContentHash;
use kakehashi_store::{Store, StoreConfig};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

const COLUMNS: &str = "network_id, intake_id, dedup_key, channel, format, received_at, size_bytes, content_hash, \
    sender_message_id, origin, raw, state, attempt_count, retry_at";
/// Rows of one INSERT on SQLite, as in the store.
const CHUNK: usize = 64;
/// What an intake carries besides its bytes.
const ORIGIN: &str = r#"{"listener":"mllp","peer":"127.0.0.1","rcpt_to":[],"interface":"sakurami_ch"}"#;

/// One row: its key, hash and bytes.
struct Record {
    key: String,
    hash: String,
    bytes: Vec<u8>,
}

/// Makes a batch as the store would have to: fresh keys, each record hashed.
fn batch(count: usize, size: usize, run: u64, next: &mut u64) -> Vec<Record> {
    let make = |n: u64| {
        let key = format!("{run:016x}-{n:012}");
        let mut bytes = vec![b'x'; size];
        bytes[..key.len().min(size)].copy_from_slice(&key.as_bytes()[..key.len().min(size)]);
        Record { hash: ContentHash::of(&bytes).as_str().to_owned(), key, bytes }
    };
    let first = *next;
    *next += count as u64;
    (first..*next).map(make).collect()
}

async fn on_sqlite(path: &str, count: usize, lasting: Duration, size: usize) -> f64 {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("temp_store", "memory");
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    let (run, mut next, begun) = (rand::random(), 0, Instant::now());
    while begun.elapsed() < lasting {
        let records = batch(count, size, run, &mut next);
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let mut records = records.into_iter();
        let mut left = count;
        while left > 0 {
            let rows = left.min(CHUNK);
            left -= rows;
            let mut sql = format!("INSERT INTO intakes ({COLUMNS}) VALUES ");
            for row in 0..rows {
                sql.push_str(if row == 0 { "(" } else { ", (" });
                for column in 1..=11 {
                    write!(sql, "${}, ", row * 11 + column).unwrap();
                }
                write!(sql, "'accepted', 0, ${})", row * 11 + 6).unwrap();
            }
            sql.push_str(" ON CONFLICT (network_id, dedup_key) DO NOTHING");
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for record in records.by_ref().take(rows) {
                query = query
                    .bind("ceiling")
                    .bind(record.key.clone())
                    .bind(record.key.clone())
                    .bind("hl7")
                    .bind("hl7v2")
                    .bind(0_i64)
                    .bind(i64::try_from(size).unwrap())
                    .bind(record.hash)
                    .bind(record.key)
                    .bind(ORIGIN)
                    .bind(record.bytes);
            }
            tx.execute(query).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    next as f64 / begun.elapsed().as_secs_f64()
}

async fn on_postgres(url: &str, count: usize, lasting: Duration, size: usize) -> f64 {
    let sql = format!(
        "INSERT INTO intakes ({COLUMNS}) SELECT 'ceiling', k, k, 'hl7', 'hl7v2', 0, octet_length(b), h, k, $4, b, \
         'accepted', 0, 0 FROM UNNEST($1::text[], $2::text[], $3::bytea[]) AS u (k, h, b) \
         ON CONFLICT (network_id, dedup_key) DO NOTHING"
    );
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    let (run, mut next, begun) = (rand::random(), 0, Instant::now());
    while begun.elapsed() < lasting {
        let records = batch(count, size, run, &mut next);
        let (mut keys, mut hashes, mut all_bytes) = (Vec::new(), Vec::new(), Vec::new());
        for record in records {
            keys.push(record.key);
            hashes.push(record.hash);
            all_bytes.push(record.bytes);
        }
        let mut tx = connection.begin().await.unwrap();
        let query =
            sqlx::query(AssertSqlSafe(sql.clone())).bind(keys).bind(hashes).bind(all_bytes).bind(ORIGIN);
        tx.execute(query).await.unwrap();
        tx.commit().await.unwrap();
    }
    next as f64 / begun.elapsed().as_secs_f64()
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [database, count, seconds, size] = arguments.as_slice() else {
        eprintln!("usage: ceiling DATABASE BATCH SECONDS RECORD_BYTES");
        std::process::exit(2);
    };
    let (count, size) = (count.parse().unwrap(), size.parse().unwrap());
    let lasting = Duration::from_secs_f64(seconds.parse().unwrap());
    let config = StoreConfig {
        database_url: database.clone(),
        blob_folder: std::env::temp_dir().join("kakehashi-ceiling"),
        max_connections: 4,
    };
    Store::open(&config, Arc::new(SystemClock)).await.unwrap().close().await;
    let per_second = match database.strip_prefix("sqlite:") {
        Some(path) => on_sqlite(path, count, lasting, size).await,
        None => on_postgres(database, count, lasting, size).await,
    };
    println!("{per_second:.0}");
}
